"""Searches and ingests at the same time: nothing is lost, nothing is done twice, nobody waits for ever."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lineament import ledger
from lineament.app import sign_in
from lineament.app.ingest import ingest
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.records.searches import Outcome
from lineament.sources import open_source
from lineament.testing import holds, make_collection, make_installation, recorded
from tests.samples import BIDEN, CONGRESS, OBAMA


def test_searches_go_on_while_photographs_come_in(archive: Installation, tmp_path: Path):
    """Every search answers for a whole number of batches and finds the person who is there."""
    who = sign_in.operator(archive)
    more = tmp_path / "more"
    more.mkdir()
    for path in sorted(CONGRESS.glob("*.jpg"))[10:90]:
        shutil.copy(path, more)
    make_collection(archive, "second")

    def search(_number: int):
        return open_search(
            archive, who, Request("archive-research", ("archive", "second")), [OBAMA.read_bytes()]
        )

    with ThreadPoolExecutor(4) as threads:
        arriving = threads.submit(_ingest, archive, more)
        searches = list(threads.map(search, range(40)))
        arriving.result()
    assert {one.outcome for one in searches} == {Outcome.CANDIDATES}
    assert all(one.searched_faces is not None and one.searched_faces >= 7 for one in searches)
    last = search(0)
    there = holds(archive, "second")
    assert last.searched_faces == 7 + there.faces
    checkpoint = ledger.fsck(archive.ledger_folder, archive.signer.verifier)
    assert checkpoint.size == len(recorded(archive))


def _ingest(installation: Installation, folder: Path) -> None:
    ingest(installation, sign_in.operator(installation), "second", open_source(folder), lambda _done: None)


def test_two_processes_ingest_the_same_folder_at_once(tmp_path: Path, archive_data: Path, portraits: Path):
    """Both finish; together they take every photograph in once."""
    data = shutil.copytree(archive_data, tmp_path / "data")
    (portraits / "biden.jpg").write_bytes(BIDEN.read_bytes())
    (portraits / "manifest.csv").unlink()
    command = [sys.executable, "-c", "from lineament.cli import run; run()", "ingest", str(portraits)]
    environment = {"LINEAMENT_DATA": str(data), "PATH": "/usr/bin"}
    both = [
        subprocess.Popen([*command, "--collection", "archive"], env=environment, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in both:
        _, complaint = process.communicate(timeout=120)
        assert process.returncode == 0, complaint
    made = make_installation(Path(data))
    there = holds(made, "archive")
    assert (there.images, there.faces) == (8, 8)
    assert ledger.fsck(made.ledger_folder, made.signer.verifier).size == len(recorded(made))
    made.close()
