"""Ingest needs permission, does nothing twice, and reports every file that it could not use."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from lineament import ledger
from lineament.app import collections, sign_in
from lineament.app.ingest import Report, ingest
from lineament.app.installation import Installation
from lineament.app.stored import image_bytes
from lineament.app.withdraw import withdraw
from lineament.core.policy import Role
from lineament.errors import CollectionNotFound, PermissionInvalid, PermissionNotInForce
from lineament.records import images, ingests, schema
from lineament.records.images import Image as StoredImage
from lineament.records.images import StoredFace
from lineament.records.ingests import Ingest, Rejected
from lineament.records.withdrawals import By, Scope
from lineament.sources import Item, Source, open_source
from lineament.testing import NOON, Clock, holds, make_collection, make_permission, recorded
from tests.samples import OBAMA


def run(installation: Installation, source: Path, name: str = "archive") -> Report:
    who = sign_in.operator(installation)
    return ingest(installation, who, name, open_source(source), lambda _done: None)


def test_photographs_are_taken_in_once(installation: Installation, portraits: Path):
    """The second run finds everything there; each batch and each run has its ledger entry."""
    first = make_collection(installation, "archive", portraits)
    assert first is not None
    assert (first.new, first.known, first.rejected) == (7, 0, [])
    second = run(installation, portraits)
    assert (second.new, second.known) == (0, 7)
    kinds = [entry["kind"] for entry in recorded(installation)]
    assert kinds == [
        "policy.changed",
        "model.changed",
        "calibration.changed",
        *["role.granted"] * len(Role),
        "collection.created",
        "permission.recorded",
        "ingest.batch",
        "ingest.finished",
        "ingest.finished",
    ]
    checkpoint = ledger.fsck(installation.ledger_folder, installation.signer.verifier)
    assert checkpoint.size == len(kinds)


def test_every_file_that_cannot_be_used_is_reported_and_the_rest_goes_on(
    installation: Installation, portraits: Path
):
    """Not an image, truncated, no face, a bomb, a missing file, a bad row: each has its own reason."""
    (portraits / "text.jpg").write_text("dear diary")
    whole = (portraits / "obama.jpg").read_bytes()
    (portraits / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (400, 400), "grey").save(portraits / "wall.png")
    Image.new("RGB", (1, 1)).save(portraits / "dot.png")
    (portraits / "bomb.png").write_bytes(huge_png())
    with (portraits / "manifest.csv").open("a") as file:
        for name in ("text.jpg", "cut.jpg", "wall.png", "dot.png", "bomb.png", "gone.jpg"):
            file.write(f"{name},https://example.org/{name}\n")
        file.write("obama.jpg,not an address\n")
    report = make_collection(installation, "archive", portraits)
    assert report is not None
    assert report.new == 7
    assert {one.path: one.code for one in report.rejected} == {
        "text.jpg": "not-a-photograph",
        "cut.jpg": "damaged-photograph",
        "wall.png": "no-face",
        "dot.png": "no-face",
        "bomb.png": "photograph-too-large",
        "gone.jpg": "file-missing",
        "obama.jpg": "bad-row",
    }
    again = run(installation, portraits)
    assert (again.new, again.known, again.no_face) == (0, 7, 2)
    assert {one.path for one in again.rejected} == {one.path for one in report.rejected}
    assert holds(installation, "archive").images == 7


def huge_png() -> bytes:
    """A PNG header that announces 30,000 x 30,000 pixels."""
    out = BytesIO()
    Image.new("1", (30_000, 30_000)).save(out, "PNG")
    return out.getvalue()


def test_nothing_is_taken_in_without_a_permission_in_force(
    installation: Installation, portraits: Path, clock: Clock
):
    """Before its first moment and after its last the permission lets nothing in."""
    permission = make_permission(valid_from=NOON, valid_until=NOON + timedelta(hours=1))
    make_collection(installation, "archive", permission=permission)
    for turned in (-timedelta(seconds=1), timedelta(hours=2)):
        clock.turn(turned)
        with pytest.raises(PermissionNotInForce):
            run(installation, portraits)
    assert holds(installation, "archive").images == 0


def test_a_collection_that_is_not_there_is_named(installation: Installation, portraits: Path):
    """Nothing is made on the way."""
    with pytest.raises(CollectionNotFound, match="'nowhere'"):
        run(installation, portraits, "nowhere")


def test_a_photograph_whose_bytes_were_lost_comes_back(installation: Installation, portraits: Path):
    """Ingesting the same source again stores them anew, and takes nothing in twice."""
    make_collection(installation, "archive", portraits)
    shutil.rmtree(installation.ledger_folder.parent / "blobs")
    again = run(installation, portraits)
    assert (again.new, again.known) == (0, 7)
    assert (
        image_bytes(installation, find(installation, portraits / "obama.jpg"))
        == (portraits / "obama.jpg").read_bytes()
    )


def find(installation: Installation, file: Path) -> StoredImage:
    """Return the image of a file's bytes in the collection 'archive'."""
    (collection,) = [one for one in collections.show(installation) if one.name == "archive"]
    with installation.records.read() as tx:
        image = images.find_image(tx, collection.id, sha256(file.read_bytes()).hexdigest())
    assert image
    return image


def test_what_is_known_of_a_photograph_is_corrected_without_looking_at_it_again(
    installation: Installation, portraits: Path, monkeypatch: pytest.MonkeyPatch
):
    """The same bytes under the same path; another path to them changes nothing."""
    make_collection(installation, "archive", portraits)
    before = find(installation, portraits / "obama.jpg")
    manifest = portraits / "manifest.csv"
    text = manifest.read_text()
    manifest.write_text(text.replace("Barack Obama", "Barack Obama in 2012"))
    shutil.copy(portraits / "obama.jpg", portraits / "again.jpg")
    with manifest.open("a") as file:
        file.write("again.jpg,https://example.org/again.jpg\n")
    monkeypatch.setattr(installation.vision, "read", lambda _data: pytest.fail("it is looked at"))
    report = run(installation, portraits)
    assert (report.new, report.known, report.corrected, report.rejected) == (0, 8, 1, [])
    after = find(installation, portraits / "obama.jpg")
    assert "Barack Obama in 2012" in (after.provenance.caption or "")
    assert (after.id, after.provenance.path, after.group_id) == (before.id, "obama.jpg", before.group_id)
    finished = recorded(installation)[-1]
    assert (finished["kind"], finished["known"], finished["corrected"]) == ("ingest.finished", 8, 1)
    assert run(installation, portraits).corrected == 0


@dataclass
class Shelf:
    """A source whose files have versions, and that counts how often each is read."""

    files: dict[str, tuple[str, bytes]]
    captions: dict[str, str] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Item]:
        for path, (version, data) in self.files.items():

            def take(path: str = path, data: bytes = data) -> bytes:
                self.read.append(path)
                return data

            yield Item(path, take, version=version, caption=self.captions.get(path))


def test_a_file_of_a_known_version_is_not_read_again(installation: Installation, portraits: Path):
    """Unless its stored copy was lost; what is said of it is corrected all the same."""
    make_collection(installation, "archive")
    obama, other = ((portraits / name).read_bytes() for name in ("obama.jpg", "adam-smith.jpg"))
    shelf = Shelf({"a": ("1", obama), "b": ("1", other)})
    assert take_in(installation, shelf).new == 2
    shelf.read.clear()
    shelf.captions["a"] = "A president"
    again = take_in(installation, shelf)
    assert (again.known, again.corrected, shelf.read) == (2, 1, [])
    assert find(installation, portraits / "obama.jpg").provenance.caption == "A president"
    shelf.files["b"] = ("2", other)
    assert (take_in(installation, shelf).corrected, shelf.read) == (0, ["b"])  # its version alone is another
    assert (take_in(installation, shelf).known, shelf.read) == (2, ["b"])
    shutil.rmtree(installation.ledger_folder.parent / "blobs")
    assert (take_in(installation, shelf).known, shelf.read) == (2, ["b", "a", "b"])


def take_in(installation: Installation, source: Source, name: str = "archive") -> Report:
    return ingest(installation, sign_in.operator(installation), name, source, lambda _done: None)


def test_what_the_photograph_says_itself_is_kept_apart(installation: Installation, portraits: Path):
    """EXIF goes beside what the source says, and no source can say it instead."""
    exif = Image.Exif()
    exif[0x013B], exif[0x0132] = "Jane Roe", "2012:12:06 10:00:00"
    file = portraits / "signed.jpg"
    Image.open(portraits / "obama.jpg").save(file, exif=exif, quality=90)
    make_collection(installation, "archive")
    take_in(installation, Signed(file))
    said = find(installation, file).provenance
    assert said.extra == {"exif:Artist": "Jane Roe", "shelf": "7"}
    assert (said.credit, said.date) == ("The archive", None)


@dataclass
class Signed:
    """A source of one file, of which it says more than it can know."""

    file: Path
    size = 1

    def __iter__(self) -> Iterator[Item]:
        extra = {"exif:Artist": "Somebody else", "c2pa:signer": "Anybody", "shelf": "7"}
        yield Item(self.file.name, self.file.read_bytes, credit="The archive", extra=extra)


def test_nothing_is_kept_of_what_was_withdrawn(installation: Installation, portraits: Path):
    """Neither the photograph nor another one of the person who asked for that; no sentence names them."""
    make_collection(installation, "archive", portraits)
    face = faces_of(installation, portraits / "obama.jpg")[0]
    who = sign_in.operator(installation)
    withdraw(installation, who, Scope.FACE, [face.id], By.PERSON, keep_face_out=True)
    shutil.copy(OBAMA, portraits / "barack-obama-too.jpg")
    with (portraits / "manifest.csv").open("a") as file:
        file.write("barack-obama-too.jpg,https://example.org/too.jpg\n")
    report = run(installation, portraits)
    assert (report.new, report.known, report.withheld, report.rejected) == (0, 6, 2, [])
    finished = recorded(installation)[-1]
    assert (finished["withheld"], finished["rejected"]) == (2, 0)
    with installation.records.read() as tx:
        paths = [row.path for row in tx.execute(select(schema.image))]
        assert not any("obama" in path for path in paths)
        both = ingests.list_ingests(tx, face.image.collection_id, 2)
    assert sorted(one.counts["withheld"] for one in both) == [0, 2]


def test_a_withdrawn_photograph_is_not_even_looked_at(
    installation: Installation, portraits: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its digest says enough; no worker of a cluster gets its bytes either."""
    make_collection(installation, "archive", portraits)
    face = faces_of(installation, portraits / "obama.jpg")[0]
    withdraw(installation, sign_in.operator(installation), Scope.FACE, [face.id], By.PERSON)
    monkeypatch.setattr(installation.vision, "read", lambda _data: pytest.fail("it is looked at"))
    report = run(installation, portraits)
    assert (report.new, report.known, report.withheld, report.rejected) == (0, 6, 1, [])


def faces_of(installation: Installation, file: Path) -> list[StoredFace]:
    image = find(installation, file)
    with installation.records.read() as tx:
        return images.faces_of_image(tx, image.id)


def test_two_ingests_at_once_take_each_photograph_in_once(installation: Installation, portraits: Path):
    """Both are reported in full; their copies are one group, whichever came first."""
    for name in ("archive", "second"):
        make_collection(installation, name)
    with ThreadPoolExecutor(3) as threads:
        done = [
            threads.submit(run, installation, portraits, name) for name in ("archive", "archive", "second")
        ]
        reports = [one.result() for one in done]
    assert sum(one.new for one in reports[:2]) == 7
    assert [one.new + one.known for one in reports] == [7, 7, 7]
    with installation.records.read() as tx:
        groups = [row.group_id for row in tx.execute(select(schema.image))]
    assert sorted(map(groups.count, set(groups))) == [2] * 7


def test_how_far_an_ingest_is_can_be_seen_meanwhile(installation: Installation, portraits: Path):
    """Each batch brings the records up to date, and rejected files are told as soon as they are on record."""
    make_collection(installation, "archive")
    (portraits / "text.jpg").write_text("dear diary")
    (portraits / "manifest.csv").unlink()
    who, (collection,) = sign_in.operator(installation), collections.show(installation)
    seen: list[Ingest] = []
    told: list[Rejected] = []

    def look(_done: int) -> None:
        with installation.records.read() as tx:
            seen.append(ingests.list_ingests(tx, collection.id, 1)[0])

    ingest(
        installation,
        who,
        "archive",
        open_source(portraits),
        look,
        called="the shelf",
        on_rejected=told.append,
    )
    look(8)
    first, last = seen[0], seen[-1]
    assert (first.source, first.total, first.finished_at) == ("the shelf", 8, None)
    assert sum(first.counts.values()) > 0
    assert last.finished_at
    none = dict.fromkeys(("known", "corrected", "no_face", "withheld"), 0)
    assert last.counts == none | {"new": 7, "rejected": 1}
    assert [one.path for one in told] == ["text.jpg"]


def test_evidence_has_to_be_a_document(installation: Installation, tmp_path: Path):
    """An empty file, and the permission itself, prove nothing."""
    permission = tmp_path / "permission.toml"
    (tmp_path / "empty.txt").write_text(" \n")
    for evidence in ("empty.txt", "permission.toml"):
        permission.write_text(
            'grantor = "G"\ncontact = "c"\nlegal_basis = "consent"\npurposes = ["archive-research"]\n'
            f'notice = "n"\nvalid_from = 2020-01-01\nevidence = "{evidence}"\n'
        )
        with pytest.raises(PermissionInvalid, match="must be a document"):
            collections.read_permission(installation, permission)
    permission.write_bytes(b"grantor = '\xf6'")
    with pytest.raises(PermissionInvalid, match="not text in UTF-8"):
        collections.read_permission(installation, permission)
