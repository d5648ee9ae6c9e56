"""An ingest that stops, wherever it does: what is in stays, and running it again finishes it."""

import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from lineament import ledger
from lineament.app import collections, sign_in
from lineament.app.ingest import Report, ingest
from lineament.app.installation import Installation
from lineament.app.stored import image_bytes
from lineament.errors import PermissionNotInForce, SourceUnreadable, StorageFailed
from lineament.records import images, ingests, schema
from lineament.sources import Item, Source, Unreadable, open_source
from lineament.testing import (
    NOON,
    Clock,
    holds,
    make_collection,
    make_installation,
    make_permission,
    recorded,
)
from tests.samples import CONGRESS


def take_in(installation: Installation, source: Source) -> Report:
    return ingest(installation, sign_in.operator(installation), "archive", source, lambda _done: None)


def test_a_permission_that_ends_half_way_stops_the_ingest(
    installation: Installation, portraits: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    """The batch in hand is not written once the permission has ended."""
    make_collection(installation, "archive", permission=make_permission(valid_until=NOON + timedelta(1)))
    source = open_source(portraits)
    original = installation.vision.read

    def slow_read(data: bytes):  # the clock passes the end while a photograph is read
        clock.now = NOON + timedelta(days=2)
        return original(data)

    monkeypatch.setattr(installation.vision, "read", slow_read)
    with pytest.raises(PermissionNotInForce):
        take_in(installation, source)
    assert holds(installation, "archive").images == 0


KILLED = """
from lineament.app import batches
from lineament.cli import run
batches.BATCH = 1  # so that there is something to kill at every moment
run()
"""
KILLS = 12


def test_an_ingest_killed_at_any_moment_is_finished_by_running_it_again(tmp_path: Path):
    """Nothing is twice, missing or half-written: the records are those of a run that nobody killed."""
    folder = varied_photographs(tmp_path / "photographs")
    whole = make_installation(tmp_path / "whole")
    make_collection(whole, "archive", folder)
    data = tmp_path / "data"
    first = make_installation(data)
    make_collection(first, "archive")
    first.close()
    command = [sys.executable, "-c", KILLED, "ingest", str(folder), "--collection", "archive"]
    environment = {"LINEAMENT_DATA": str(data), "PATH": "/usr/bin"}
    draw = random.Random(26)  # noqa: S311 - what is drawn at random must be drawn again the same
    killed = 0
    with closing(sqlite3.connect(data / "records.sqlite3")) as records:
        for _ in range(KILLS):
            wanted = count(records) + draw.randint(1, 3)
            with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
                while count(records) < wanted and process.poll() is None:
                    time.sleep(0.001)
                time.sleep(draw.uniform(0, 0.03))
                killed += process.poll() is None
                process.kill()
        assert 0 < count(records) < PHOTOGRAPHS
    assert killed == KILLS
    subprocess.run(command, env=environment, check=True, capture_output=True)
    last = make_installation(data)
    assert contents(last) == contents(whole)
    batches = [entry for entry in recorded(last) if entry["kind"] == "ingest.batch"]
    assert sum(entry["images"] for entry in batches) == PHOTOGRAPHS  # type: ignore[misc]
    assert ledger.fsck(last.ledger_folder, last.signer.verifier).size == len(recorded(last))
    for one in (whole, last):
        one.close()


PHOTOGRAPHS = 84


def varied_photographs(folder: Path) -> Path:
    """Eighty portraits, and two copies of each of the first two in other qualities."""
    folder.mkdir()
    for file in sorted(CONGRESS.glob("*.jpg"))[: PHOTOGRAPHS - 4]:
        shutil.copy(file, folder)
    for file in sorted(folder.glob("*.jpg"))[:2]:
        for quality in (50, 80):
            Image.open(file).save(folder / f"{file.stem}-{quality}.jpg", quality=quality)
    return folder


def count(records: sqlite3.Connection) -> int:
    """Return how many photographs are on record."""
    return int(records.execute("SELECT count(*) FROM image").fetchone()[0])


def contents(installation: Installation) -> list[tuple[object, ...]]:
    """What there is of each photograph, the groups and all, but without ids, which are random."""
    with installation.records.read() as tx:
        rows = tx.execute(select(schema.image).order_by(schema.image.c.sha256)).all()
        digest_of = {row.id: row.sha256 for row in rows}
        groups: dict[str, set[str]] = {}
        for row in rows:
            groups.setdefault(row.group_id, set()).add(row.sha256)
        found = []
        for row in rows:
            faces = images.faces_of_image(tx, row.id)
            made = images.templates_of(
                tx, installation.keys, installation.contract, [one.id for one in faces]
            )
            boxes = sorted((one.detected.box.tolist(), made[one.id].tobytes()) for one in faces)
            stored = sha256(image_bytes(installation, faces[0].image)).hexdigest() if faces else None
            found.append((row.sha256, row.path, row.phash, boxes, stored, sorted(groups[row.group_id])))
        counted = images.count_faces(tx, installation.contract)
    assert sum(counted.values()) == sum(len(one[3]) for one in found)  # type: ignore[arg-type,misc]
    assert len(digest_of) == len(set(digest_of.values()))
    return found


def test_what_a_killed_ingest_leaves_in_the_folder_can_be_read_by_nobody(
    installation: Installation, portraits: Path, monkeypatch: pytest.MonkeyPatch
):
    """The stored file is there before its record is, and the key that opens it comes with the record."""
    make_collection(installation, "archive")
    original, keys = ingests.update_ingest, list[bytes]()

    def fail(*arguments: object, **named: object) -> None:
        raise StorageFailed("The disk is full.")

    monkeypatch.setattr(ingests, "update_ingest", fail)
    with pytest.raises(StorageFailed):
        take_in(installation, open_source(portraits))
    monkeypatch.setattr(ingests, "update_ingest", original)
    left = [file for file in (installation.ledger_folder.parent / "blobs").rglob("*") if file.is_file()]
    with installation.records.read() as tx:
        keys += [bytes(row.key) for row in tx.execute(select(schema.image))]
    assert len(left) >= 7
    assert keys == []
    photographs = [file.read_bytes()[1000:1100] for file in portraits.glob("*.jpg")]
    assert not any(piece in file.read_bytes() for file in left for piece in photographs)
    assert take_in(installation, open_source(portraits)).new == 7


def test_a_source_that_breaks_off_leaves_what_came_before_it(installation: Installation, portraits: Path):
    """It is told, and the ingest is not on record as finished."""
    make_collection(installation, "archive")
    with pytest.raises(SourceUnreadable, match="breaks off"):
        take_in(installation, BreaksOff(portraits))
    assert holds(installation, "archive").images == 3
    (collection,) = collections.show(installation)
    with installation.records.read() as tx:
        (one,) = ingests.list_ingests(tx, collection.id, 9)
        (rejected,) = ingests.rejections(tx, one.id)
    assert (one.finished_at, one.counts["new"], one.counts["rejected"]) == (None, 3, 1)
    assert (rejected.code, rejected.sentence) == ("source-unreadable", "The archive breaks off.")
    assert "ingest.finished" not in [entry["kind"] for entry in recorded(installation)]
    assert take_in(installation, open_source(portraits)).new == 4


@dataclass
class BreaksOff:
    """A source that yields three files of a folder, and no more."""

    folder: Path
    size = None

    def __iter__(self) -> Iterator[Item | Unreadable]:
        yield from islice(iter(open_source(self.folder)), 3)
        raise SourceUnreadable("The archive breaks off.")
