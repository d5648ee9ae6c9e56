"""An ingest on a Dask cluster, for real: a scheduler and workers on loopback, of which some end half-way."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

import dask
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from PIL import Image
from sqlalchemy import select

from lineament import ledger
from lineament.app import sign_in
from lineament.app.cluster_ingest import cluster_sight
from lineament.app.ingest import Report, ingest
from lineament.app.installation import Installation
from lineament.errors import ClusterUnavailable
from lineament.records import images, schema
from lineament.sources import open_source
from lineament.testing import make_collection, recorded
from tests.packs import another_pack
from tests.samples import CONGRESS

# What a worker process does before anything else, where a file is to be the end of it.
POISON = b"this file ends whoever looks at it"
POISONED = f"""
import os
from lineament.app import cluster_ingest
from lineament.app.prepare import look
def careless(vision, data):
    if {POISON!r} in data:
        os._exit(1)
    return look(vision, data)
cluster_ingest.look = careless
"""


class Cluster:
    """A scheduler on a free port of this machine, and the workers that are started."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self._folder, self._running = folder, running
        self._environment = os.environ | as_environment(settings(write_certificate(folder)))
        scheduler = ("scheduler", "--protocol", "tls", "--port", "0")
        self.scheduler, self.address = self._start(r"Scheduler at:\s+(tls://\S+)", *scheduler)

    def worker(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a worker of one thread; the scheduler knows it when this returns."""
        folder = ("--local-directory", str(self._folder))
        one = ("worker", self.address, "--protocol", "tls", "--nthreads", "1", *folder, *options)
        return self._start(r"Registered to:\s+(tls://\S+)", *one)[0]

    def _start(self, ready: str, *command: str) -> tuple[subprocess.Popen[bytes], str]:
        """Start a part of Dask, and wait for what it says once it is ready."""
        log = Path(tempfile.mkstemp(dir=self._folder)[1])
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *command, "--host", "127.0.0.1", "--no-dashboard"],
                stdout=file,
                stderr=file,
                env=self._environment,
            )
        self._running.callback(end, process)
        while not (found := re.search(ready, log.read_text())):
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        return process, found[1]


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def write_certificate(folder: Path) -> Path:
    """Write a key, and a certificate that vouches for itself: whoever has it belongs to the cluster."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now, alternative = datetime.now(UTC), x509.IPAddress(ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    return file


def settings(certificate: Path) -> dict[str, str]:
    """Return Dask's settings as docs/ingest.md has them."""
    names = ("ca-file", "scheduler.cert", "worker.cert", "client.cert")
    tls = {f"distributed.comm.tls.{name}": str(certificate) for name in names}
    return tls | {"distributed.comm.require-encryption": "true"}


def as_environment(settings: dict[str, str]) -> dict[str, str]:
    """Return settings of Dask as environment variables."""
    return {
        "DASK_" + name.replace(".", "__").replace("-", "_").upper(): value for name, value in settings.items()
    }


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster whose parts know each other by a certificate, as does this process."""
    folder = tmp_path / "dask"
    folder.mkdir()
    with ExitStack() as running:
        one = Cluster(folder, running)
        with dask.config.set(settings(folder / "certificate.pem")):
            yield one


def test_a_stranger_without_the_certificate_is_not_let_in(
    installation: Installation, cluster: Cluster, photographs: Path, tmp_path: Path
):
    """Nor does this process take anything from a scheduler that it does not know."""
    stranger = settings(write_certificate(tmp_path))
    with dask.config.set(stranger), pytest.raises(ClusterUnavailable, match="cannot be reached"):
        take_in(installation, photographs, "there", cluster.address)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Sixty files: portraits, a copy of one, a wall and a letter."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for file in sorted(CONGRESS.glob("*.jpg"))[:57]:
        shutil.copy(file, folder)
    Image.open(CONGRESS / "al-green.jpg").save(folder / "green.webp", quality=60)
    Image.new("RGB", (400, 400), "grey").save(folder / "wall.png")
    (folder / "letter.jpg").write_text("dear diary")
    return folder


def contents(installation: Installation, name: str) -> list[tuple[object, ...]]:
    """What there is of each photograph in a collection, its templates and all, but without ids."""
    with installation.records.read() as tx:
        of = select(schema.collection.c.id).where(schema.collection.c.name == name)
        mine = schema.image.c.collection_id == tx.scalar(of)
        found = []
        for row in tx.execute(select(schema.image).where(mine).order_by(schema.image.c.sha256)):
            faces = images.faces_of_image(tx, row.id)
            made = images.templates_of(
                tx, installation.keys, installation.contract, [one.id for one in faces]
            )
            boxes = sorted((one.detected.box.tolist(), made[one.id].tobytes()) for one in faces)
            found.append((row.sha256, row.path, row.phash, row.group_id, row.extra, boxes))
        return found


def take_in(installation: Installation, folder: Path, name: str, address: str, **more: object) -> Report:
    make_collection(installation, name)
    who, source = sign_in.operator(installation), open_source(folder)
    with cluster_sight(installation, address) as sight:
        return ingest(
            installation,
            who,
            name,
            source,
            lambda _done: None,
            sight=sight,
            **more,  # type: ignore[arg-type]
        )


def test_a_cluster_that_loses_a_worker_does_what_one_machine_does(
    installation: Installation, cluster: Cluster, photographs: Path
):
    """The same images, faces, templates, groups and rejections: each once."""
    here = make_collection(installation, "here", photographs)
    assert here
    workers = [cluster.worker("--no-nanny"), cluster.worker("--no-nanny")]
    make_collection(installation, "there")
    who, source, told = sign_in.operator(installation), open_source(photographs), []

    def kill_one(done: int) -> None:
        if not told:
            workers[0].kill()
        told.append(done)

    with cluster_sight(installation, cluster.address) as sight:
        there = ingest(installation, who, "there", source, kill_one, sight=sight)
    assert workers[0].wait() == -signal.SIGKILL
    assert workers[1].poll() is None
    assert told[0] < told[-1] == 60
    assert contents(installation, "there") == contents(installation, "here")
    assert (there.counts, there.faces, there.rejected) == (here.counts, here.faces, here.rejected)
    batches = [entry for entry in recorded(installation) if entry["kind"] == "ingest.batch"]
    assert sum(entry["images"] for entry in batches) == 2 * 59  # type: ignore[misc]
    assert ledger.fsck(installation.ledger_folder, installation.signer.verifier).size == len(
        recorded(installation)
    )


def test_a_file_that_ends_every_worker_is_reported_and_the_rest_goes_on(
    installation: Installation, cluster: Cluster, photographs: Path, tmp_path: Path
):
    """A worker is started again by its nanny; in the end nobody is given the file any more."""
    preload = tmp_path / "poisoned.py"
    preload.write_text(POISONED)
    poison = (CONGRESS / "ami-bera.jpg").read_bytes() + POISON
    (photographs / "poison.jpg").write_bytes(poison)
    for _ in range(2):
        cluster.worker("--nanny", "--preload", str(preload))
    report = take_in(installation, photographs, "there", cluster.address)
    assert {one.path: one.code for one in report.rejected} == {
        "letter.jpg": "not-a-photograph",
        "poison.jpg": "worker-lost",
        "wall.png": "no-face",
    }
    assert report.new == 58
    digests = {one[0] for one in contents(installation, "there")}
    assert sha256(poison).hexdigest() not in digests


def test_a_worker_with_other_models_is_refused(
    installation: Installation, cluster: Cluster, photographs: Path, tmp_path: Path
):
    """Its templates could not be compared with those that are here."""
    pack = another_pack(tmp_path / "pack")
    changed = (
        f"from pathlib import Path\nfrom lineament.app import cluster_ingest\n"
        f"cluster_ingest.DEFAULT_PACK = Path({str(pack)!r})\n"
    )
    preload = tmp_path / "others.py"
    preload.write_text(changed)
    cluster.worker("--no-nanny")
    cluster.worker("--no-nanny", "--preload", str(preload))
    with pytest.raises(ClusterUnavailable, match="has another model contract"):
        take_in(installation, photographs, "there", cluster.address)
    assert contents(installation, "there") == []


@pytest.mark.parametrize(
    ("end", "sentence"), [("worker", "No worker of the cluster is left"), ("scheduler", "scheduler is gone")]
)
def test_a_cluster_without_workers_or_that_goes_away_is_told(
    installation: Installation, cluster: Cluster, photographs: Path, end: str, sentence: str
):
    """What came in by then stays, and the next ingest goes on."""
    with pytest.raises(ClusterUnavailable, match="has no workers"):
        take_in(installation, photographs, "there", cluster.address)
    last = {"worker": cluster.worker("--no-nanny"), "scheduler": cluster.scheduler}[end]
    who, source = sign_in.operator(installation), open_source(photographs)
    with cluster_sight(installation, cluster.address) as sight:
        with pytest.raises(ClusterUnavailable, match=sentence):
            ingest(installation, who, "there", source, lambda _done: last.kill(), sight=sight)
        with pytest.raises(ClusterUnavailable, match=sentence):  # as Dask says otherwise by now
            sight.look((CONGRESS / "al-green.jpg").read_bytes())
    there = len(contents(installation, "there"))
    assert 0 < there < 59
    report = ingest(installation, who, "there", source, lambda _done: None)
    assert report.known == there
    assert len(contents(installation, "there")) == 59
