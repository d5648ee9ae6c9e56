"""1,000 people of 10,000 withdraw: gone from search, from the disk, from a restored backup, and for good."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from rich.progress import track

from lineament import ledger
from lineament.app import following, sign_in
from lineament.app.erasure import erase, unfinished
from lineament.app.ingest import ingest
from lineament.app.installation import Installation
from lineament.app.prepare import Seen, Sight
from lineament.app.replay import replay
from lineament.app.withdraw import withdraw
from lineament.index.embedded import EmbeddedIndex
from lineament.index.faiss_codes import FaissCodes
from lineament.index.turbovec_codes import TurbovecCodes
from lineament.records.withdrawals import By, Scope
from lineament.sources import Item
from lineament.testing import make_face, make_installation
from lineament.vision.pipeline import Vision
from tests.filled import Filled, files_with, fill

FACES, WITHDRAWN = 10_000, 1_000
TIERS = {  # the codes, and how many faces go to the disk together
    "small: all in memory": (TurbovecCodes, 131_072),
    "large: on disk, turbovec": (TurbovecCodes, 2_000),
    "large: on disk, FAISS": (FaissCodes, 2_000),
}


@dataclass(frozen=True)
class Again:
    """Every photograph once more, as a source."""

    filled: list[Filled]

    @property
    def size(self) -> int:
        return len(self.filled)

    def __iter__(self) -> Iterator[Item]:
        for number, one in enumerate(self.filled):
            yield Item(path=f"{number}.jpg", read=lambda one=one: one.data)  # type: ignore[misc]


def sight(filled: list[Filled]) -> Sight:
    """See in random bytes the face that was drawn for them."""
    drawn = {one.data: one for one in filled}

    def look(data: bytes) -> Seen:
        one = drawn[data]
        return Seen("image/jpeg", (100, 100), one.phash, {}, [make_face()], one.vector[np.newaxis], None)

    return Sight(look, os.cpu_count() or 1)


def covered(installation: Installation, gone: list[Filled]) -> tuple[set[str], int]:
    """Search with every withdrawn template; return which of the withdrawn faces come back, of how many."""
    probes, withdrawn = np.stack([one.vector for one in gone]), {one.face_id for one in gone}
    found = following.search_each(installation, probes, ["archive"], lambda _faces: -1.0, 20)
    return {face for one in found for face in one.hits.ids} & withdrawn, found[0].hits.covered


def own_index(installation: Installation, tier: str) -> Installation:
    codes, rows = TIERS[tier]
    folder = installation.ledger_folder.with_name("own-index")
    made = EmbeddedIndex(folder, installation.contract, installation.vision.dimension, bytes(32), codes, rows)
    return replace(installation, index=made)


@pytest.mark.parametrize("tier", TIERS)
def test_a_thousand_withdrawals_out_of_ten_thousand_faces(tmp_path: Path, tier: str, vision: Vision) -> None:
    """Each is one act with one entry; they are erased together. Every file is looked through."""
    opened = make_installation(tmp_path / "data", None, vision)
    installation = own_index(opened, tier)
    data, who = tmp_path / "data", sign_in.operator(installation)
    filled = fill(installation, "archive", FACES)
    following.catch_up(installation)
    backup = Path(shutil.copytree(data, tmp_path / "backup"))
    gone = filled[:: FACES // WITHDRAWN]
    stored = [(data / "blobs" / one.image_id[:2] / one.image_id[2:]).read_bytes() for one in gone]
    forms = [form for one in gone for form in one.forms] + stored
    before = files_with(data, forms)

    def withdrawn(one: Filled) -> float:
        began = time.perf_counter()
        done.extend(withdraw(installation, who, Scope.FACE, [one.face_id], By.PERSON))
        return time.perf_counter() - began

    done: list = []
    acts = [withdrawn(one) for one in track(gone, f"{tier}: withdrawing")]
    left, count = covered(installation, gone)
    assert (left, count) == (set(), FACES - WITHDRAWN)  # at the next query, before anything was erased
    began = time.perf_counter()
    rows = erase(installation, done)
    erased = time.perf_counter() - began
    assert [one for one in rows if one.erased_at is None] == []
    assert all(one.proof and one.proof["faces_returned"] == 0 for one in rows)
    after = files_with(data, forms)
    assert (len(before) > WITHDRAWN, after) == (True, [])
    assert covered(installation, gone) == (set(), FACES - WITHDRAWN)
    came_back = _ingested_again(installation, filled)
    assert ledger.fsck(installation.ledger_folder, installation.signer.verifier).size
    restored, missing, seconds = _restored(backup, data, vision, tier, gone, forms)
    print(
        f"\n{tier}: {WITHDRAWN:,} of {FACES:,} withdrawn, {1000 * np.median(acts):.0f} ms each (median); "
        f"0 found at the next query; erased and proved within {erased:.1f} s, all together after "
        f"{sum(acts) + erased:.0f} s; files with a byte of them: {len(before):,} before, {len(after)} after; "
        f"{came_back} ingested again.\nBackup: {missing:,} done again in {seconds:.1f} s at the opening, "
        f"{len(restored)} files with a byte of them."
    )
    for one in (installation, opened):
        one.index.close()
    opened.records.close()


def _ingested_again(installation: Installation, filled: list[Filled]) -> int:
    """Bring all 10,000 photographs once more; return how many of the withdrawn ones came in."""
    who = sign_in.operator(installation)
    report = ingest(installation, who, "archive", Again(filled), lambda _done: None, sight=sight(filled))
    assert (report.new, report.known, report.withheld) == (0, FACES - WITHDRAWN, WITHDRAWN)
    return report.new


def _restored(
    backup: Path, data: Path, vision: Vision, tier: str, gone: list[Filled], forms: list[bytes]
) -> tuple[list[str], int, float]:
    """Restore the older backup beside the newest file of withdrawals, and open it."""
    opened = make_installation(backup, None, vision)
    opened.index.close()
    shutil.copy(data / "withdrawals", backup)  # opening would do them again at once, in another index
    older = own_index(opened, tier)
    began = time.perf_counter()
    missing = replay(older)
    seconds = time.perf_counter() - began
    assert (missing, unfinished(older)) == (WITHDRAWN, [])
    assert covered(older, gone) == (set(), FACES - WITHDRAWN)
    left = files_with(backup, forms)
    assert left == []
    older.index.close()
    older.records.close()
    return left, missing, seconds
