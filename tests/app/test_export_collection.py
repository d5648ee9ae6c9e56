"""A collection that was written out and taken in elsewhere is the same collection."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image as Picture
from sqlalchemy import update

from lineament.app import collections, export_collection, sign_in
from lineament.app.export_collection import Exported
from lineament.app.installation import Installation
from lineament.app.stored import image_bytes
from lineament.app.withdraw import withdraw
from lineament.core.policy import Person
from lineament.errors import (
    CollectionNotFound,
    InvalidRequest,
    LineamentError,
    PermissionNotInForce,
    RoleMissing,
    StorageFailed,
)
from lineament.records import images, withdrawals
from lineament.records.images import Image, Provenance
from lineament.records.schema import image
from lineament.records.withdrawals import By, Scope
from lineament.testing import NOON, Clock, holds, make_collection, make_installation, make_permission
from lineament.vision.pipeline import Vision
from tests.sources import made


def of_collection(installation: Installation, name: str = "archive") -> list[Image]:
    """A collection's photographs that have a face."""
    with installation.records.read() as tx:
        ids = withdrawals.images_of(tx, Scope.COLLECTION, collections.find(installation, name).id)
        return images.images(tx, [one for one in ids if images.faces_of_image(tx, one)])


def known(installation: Installation) -> dict[str, Provenance]:
    """What is known of each photograph but of which version of a file it is, by the digest of its bytes."""
    return {one.sha256: replace(one.provenance, version=None) for one in of_collection(installation)}


def export(installation: Installation, folder: Path, name: str = "archive") -> Exported:
    return export_collection.export_collection(installation, sign_in.operator(installation), name, folder)


@pytest.fixture
def elsewhere(tmp_path: Path, vision: Vision) -> Iterator[Installation]:
    """Another installation, with nothing in it."""
    made_there = make_installation(tmp_path / "elsewhere", None, vision)
    with closing(made_there.records), closing(made_there.index):
        yield made_there


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("folder", lambda place, rows: made.make_folder(place, rows, "manifest.csv")),
        ("reel.zip", lambda place, rows: made.make_zip(place, rows, "manifest.parquet")),
        ("reel.tar.gz", lambda place, rows: made.make_tar(place, rows, "manifest.jsonl")),
        ("site.wacz", lambda place, rows: made.make_wacz(place, made.warc_bytes(rows), [])),
    ],
)
def test_what_is_known_of_a_photograph_comes_back_the_same(
    installation: Installation, elsewhere: Installation, tmp_path: Path, name: str, make: Callable
):
    """Bytes and every field, path and all, from any kind of source; and once more as an archive."""
    make_collection(installation, "archive", make(tmp_path / name, made.sample_rows()[:3]))
    before = known(installation)
    assert len(before) == 3
    assert export(installation, tmp_path / "out") == Exported(images=3)
    make_collection(elsewhere, "archive", tmp_path / "out")
    assert known(elsewhere) == before
    shutil.make_archive(str(tmp_path / "again"), "zip", tmp_path / "out")
    report = make_collection(installation, "again", tmp_path / "again.zip")
    assert report is not None
    assert (report.new, report.rejected) == (3, [])
    assert {one.provenance.path for one in of_collection(installation, "again")} == {
        one.path for one in before.values()
    }


def test_names_that_mean_something_elsewhere_come_back_the_same(
    archive: Installation, elsewhere: Installation, tmp_path: Path
):
    """No source link, the name of a column as that of something else, a place that is no path, any script."""
    odd = [
        Provenance("site.warc#urn:uuid:1"),
        Provenance(
            "s3://bucket/key", extra={"key": "x", "sha256": "y", "extra.key": "z", "path": "w", "": "v"}
        ),
        Provenance("../up.jpg", caption="„Ж“ 二  重\u2028 'q' \"w\" \\", extra={"date": "1927", "ключ": "é"}),
    ]
    with archive.records.write() as tx:
        for stored, one in zip(of_collection(archive), odd, strict=False):
            exif = {name: text for name, text in stored.provenance.extra.items() if name.startswith("exif:")}
            said = vars(one) | {"extra": {**exif, **one.extra}}
            tx.execute(update(image).where(image.c.id == stored.id).values(said))
    before = known(archive)
    export(archive, tmp_path / "out")
    make_collection(elsewhere, "archive", tmp_path / "out")
    assert known(elsewhere) == before


def test_what_has_no_stored_bytes_is_counted(installation: Installation, portraits: Path, tmp_path: Path):
    """A photograph without a face keeps none; of one whose stored file is gone the path is told."""
    Picture.new("RGB", (400, 400), "grey").save(portraits / "wall.png")
    with (portraits / "manifest.csv").open("a") as file:
        file.write("wall.png,https://example.org/wall\n")
    make_collection(installation, "archive", portraits)
    (gone, *_) = of_collection(installation)
    installation.blobs.remove([gone.id])
    done = export(installation, tmp_path / "out")
    assert done == Exported(images=6, faceless=1, lost=[gone.provenance.path])
    rows = [
        json.loads(line) for line in (tmp_path / "out" / "manifest.jsonl").read_text("utf-8").splitlines()
    ]
    assert len(rows) == len(list((tmp_path / "out" / "images").iterdir())) == 6


def test_an_export_goes_into_a_new_folder(archive: Installation, tmp_path: Path):
    """Or an empty one; it is for its owner's eyes, and never lies within the data folder."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(archive.ledger_folder.parent)
    data = archive.ledger_folder.parent
    for place in (tmp_path / "full", tmp_path / "file", data, data / "out", tmp_path / "link" / "out"):
        with pytest.raises(InvalidRequest):
            export(archive, place)
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "empty", tmp_path / "a" / "new"):
        assert export(archive, place).images == 7
        assert place.stat().st_mode & 0o077 == 0
    with pytest.raises(StorageFailed):
        export(archive, tmp_path / "file" / "out")
    assert not list(tmp_path.rglob(".*"))


def test_only_a_curator_exports_and_only_what_is_permitted(
    installation: Installation, portraits: Path, tmp_path: Path, clock: Clock
):
    """Nothing is written without."""
    until = NOON + timedelta(hours=1)
    make_collection(installation, "archive", portraits, make_permission(valid_until=until))
    with pytest.raises(RoleMissing):
        nobody = Person("0" * 32, "Nobody", frozenset())
        export_collection.export_collection(installation, nobody, "archive", tmp_path / "out")
    with pytest.raises(CollectionNotFound):
        export(installation, tmp_path / "out", "nowhere")
    clock.turn(timedelta(hours=2))
    with pytest.raises(PermissionNotInForce):
        export(installation, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def meanwhile(monkeypatch: pytest.MonkeyPatch, does: Callable[[Image], None]) -> None:
    """Do something else while the first photograph is being written."""
    done: list[Image] = []

    def slowly(installation: Installation, one: Image) -> bytes:
        data = image_bytes(installation, one)
        if not done:
            done.append(one)
            does(one)
        return data

    monkeypatch.setattr(export_collection, "image_bytes", slowly)


def test_what_is_withdrawn_meanwhile_is_not_in_the_export(
    archive: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Neither the photograph that was written already, nor one that was yet to come."""
    last = of_collection(archive)[-1]

    def take_back(first: Image) -> None:
        withdraw(archive, sign_in.operator(archive), Scope.IMAGE, [first.id, last.id], By.PERSON)

    meanwhile(monkeypatch, take_back)
    assert export(archive, tmp_path / "out") == Exported(images=5)
    names = {one.stem for one in (tmp_path / "out" / "images").iterdir()}
    rows = (tmp_path / "out" / "manifest.jsonl").read_text("utf-8").splitlines()
    assert names == {json.loads(row)["sha256"] for row in rows} == set(known(archive))
    assert holds(archive, "archive").images == 5


@pytest.mark.parametrize("error", [PermissionNotInForce, KeyboardInterrupt])
def test_an_export_that_stops_half_way_leaves_nothing(
    archive: Installation,
    tmp_path: Path,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
):
    """The permission ends while photographs are written, or somebody stops it."""

    def stop(_first: Image) -> None:
        if issubclass(error, LineamentError):
            clock.turn(timedelta(days=1000))
        else:
            raise error

    meanwhile(monkeypatch, stop)
    with pytest.raises(error):
        export(archive, tmp_path / "out")
    assert not [one for one in tmp_path.iterdir() if "out" in one.name]
