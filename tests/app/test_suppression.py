"""What was withdrawn does not come back: the photograph, copies of it, and where that is asked the face."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from lineament.app import collections, following, sign_in
from lineament.app.erasure import erase
from lineament.app.ingest import Report, ingest
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.app.suppression import KEPT_OUT_FMR, Suppressed, faces_not_compared, threshold
from lineament.app.withdraw import withdraw
from lineament.core.odds import coincidence
from lineament.core.policy import Person
from lineament.records import images
from lineament.records.schema import suppression, template
from lineament.records.withdrawals import By, Scope
from lineament.sources import open_source
from lineament.testing import holds, make_collection
from tests.filled import Filled, files_with, fill
from tests.samples import OBAMA


def run(installation: Installation, source: Path, name: str = "archive") -> Report:
    who = sign_in.operator(installation)
    return ingest(installation, who, name, open_source(source), lambda _done: None)


def obama_in(archive: Installation) -> images.StoredFace:
    """The face in the archive that a search for the former president finds."""
    request = Request("archive-research", ("archive",))
    (row,) = open_search(archive, sign_in.operator(archive), request, [OBAMA.read_bytes()]).candidates
    with archive.records.read() as tx:
        return images.faces(tx, [row.face_id])[row.face_id]


def photographs(folder: Path, **files: bytes) -> Path:
    folder.mkdir()
    for name, data in files.items():
        (folder / f"{name}.jpg").write_bytes(data)
    return folder


def smaller(data: bytes) -> bytes:
    """The same photograph, scaled down and saved anew."""
    out = BytesIO()
    with Image.open(BytesIO(data)) as picture:
        picture.thumbnail((picture.width * 3 // 4, picture.height * 3 // 4))
        picture.save(out, "JPEG", quality=80)
    return out.getvalue()


def test_a_withdrawn_photograph_and_its_copies_are_withheld(
    archive: Installation, portraits: Path, tmp_path: Path
):
    """Ingested again from where they came, and from elsewhere: counted as withheld, and nothing is kept."""
    who, face = sign_in.operator(archive), obama_in(archive)
    erase(archive, withdraw(archive, who, Scope.FACE, [face.id], By.PERSON))
    again = run(archive, portraits)
    assert (again.new, again.known, again.withheld) == (0, 6, 1)
    data = (portraits / "obama.jpg").read_bytes()
    make_collection(archive, "press")
    elsewhere = run(archive, photographs(tmp_path / "copies", same=data, small=smaller(data)), "press")
    assert (elsewhere.new, elsewhere.withheld) == (0, 2)
    assert holds(archive, "archive").images == 6
    scan = data[len(data) // 2 :][:4_000]  # which no other photograph shares
    assert files_with(archive.ledger_folder.parent, [scan, face.image.phash]) == []
    for path in archive.ledger_folder.parent.rglob("*"):
        assert not path.is_file() or face.image.sha256.encode() not in path.read_bytes()


def test_another_photograph_of_the_person_comes_in_unless_they_asked_otherwise(
    archive: Installation, tmp_path: Path
):
    """Only who asked is kept out; the sentence says why."""
    who, face = sign_in.operator(archive), obama_in(archive)
    others = photographs(tmp_path / "others", other=OBAMA.read_bytes())
    with archive.records.read() as tx:
        (own,) = images.templates_of(tx, archive.keys, archive.contract, [face.id]).values()
    withdraw(archive, who, Scope.FACE, [face.id], By.PERSON, keep_face_out=True)
    suppressed = Suppressed.load(archive, face.image.collection_id)
    said = suppressed.is_suppressed("0" * 64, bytes(range(32)), own[np.newaxis])
    assert said == "It shows somebody who asked to be kept out."
    report = run(archive, others)
    assert (report.new, report.withheld) == (0, 1)


def test_without_that_wish_the_face_may_come_back_in_another_photograph(
    archive: Installation, tmp_path: Path
):
    """The person withdrew one photograph."""
    face = obama_in(archive)
    withdraw(archive, sign_in.operator(archive), Scope.FACE, [face.id], By.PERSON)
    report = run(archive, photographs(tmp_path / "others", other=OBAMA.read_bytes()))
    assert (report.new, report.withheld) == (1, 0)


def test_the_threshold_is_that_of_the_stated_rate(installation: Installation):
    """One of a hundred thousand strangers is taken for somebody who is kept out; none where not measured."""
    score = threshold(installation)
    assert installation.tail
    assert score
    assert coincidence(installation.tail, score, 1).strangers == pytest.approx(KEPT_OUT_FMR, rel=1e-3)
    assert threshold(replace(installation, tail=None)) is None


def test_no_search_can_return_a_face_that_is_kept_out(installation: Installation, who: Person):
    """Its template is in no row that an index follows, and in no index, also when that is built anew."""
    first, *_ = fill(installation, "archive", 4)
    done = withdraw(installation, who, Scope.FACE, [first.face_id], By.PERSON, keep_face_out=True)
    erase(installation, done)
    following.rebuild(installation, lambda _done: None)
    with installation.records.read() as tx:
        kept = tx.execute(select(suppression).where(suppression.c.vector.is_not(None))).one()
        assert kept.id not in set(tx.scalars(select(template.c.face_id)))
    everything = [one.name for one in collections.show(installation)]
    hits = following.search(installation, first.vector, everything, lambda _faces: -1.0, 100).hits
    assert (hits.covered, len(hits.ids)) == (3, 3)
    assert {kept.id, first.face_id}.isdisjoint(hits.ids)
    assert hits.scores.max() < 0.9
    assert files_with(installation.ledger_folder.parent, [first.vector.tobytes()]) == []


def test_who_withdrew_decides_where_it_may_not_come_back(installation: Installation, who: Person):
    """A person everywhere, a curator or grantor in the collection that it was taken from."""
    mine, theirs = fill(installation, "archive", 2)
    fill(installation, "press", 1, seed=2)
    withdraw(installation, who, Scope.FACE, [mine.face_id], By.PERSON)
    withdraw(installation, who, Scope.IMAGE, [theirs.image_id], By.GRANTOR)
    none = np.empty((0, installation.vision.dimension), np.float32)

    def said(one: Filled, name: str) -> str | None:
        suppressed = Suppressed.load(installation, collections.find(installation, name).id)
        digest, phash = one.sha256, one.phash
        return suppressed.is_suppressed(digest, phash, none)

    assert said(mine, "archive") == said(mine, "press") == "This photograph was withdrawn."
    assert said(theirs, "archive") == "This photograph was withdrawn."
    assert said(theirs, "press") is None


def flipped(phash: bytes, bits: int) -> bytes:
    """A fingerprint that is so many bits off."""
    number = int.from_bytes(phash, "big") ^ ((1 << bits) - 1)
    return number.to_bytes(32, "big")


def test_what_is_nearly_the_same_is_told_by_a_few_bits(installation: Installation, who: Person):
    """As many as make two photographs copies of one another anywhere else."""
    from lineament.app.copies import NEAR

    (first,) = fill(installation, "archive", 1)
    withdraw(installation, who, Scope.FACE, [first.face_id], By.PERSON)
    suppressed = Suppressed.load(installation, collections.find(installation, "archive").id)
    none, phash = np.empty((0, installation.vision.dimension), np.float32), first.phash
    said = [suppressed.is_suppressed("0" * 64, flipped(phash, bits), none) for bits in (NEAR, NEAR + 1)]
    assert said == ["Nearly the same photograph was withdrawn.", None]


def test_a_withdrawal_during_an_ingest_counts_from_the_next_batch_on(installation: Installation, who: Person):
    """What was loaded before is loaded again where something was withdrawn since, and only then."""
    first, second = fill(installation, "archive", 2)
    suppressed = Suppressed.load(installation, collections.find(installation, "archive").id)
    with installation.records.read() as tx:
        assert suppressed.current(tx) is suppressed
    withdraw(installation, who, Scope.FACE, [first.face_id], By.PERSON)
    with installation.records.read() as tx:
        newer = suppressed.current(tx)
    none = np.empty((0, installation.vision.dimension), np.float32)
    said = [one.is_suppressed(first.sha256, first.phash, none) for one in (suppressed, newer)]
    assert said == [None, "This photograph was withdrawn."]
    assert newer.is_suppressed(second.sha256, second.phash, none) is None


def test_a_face_of_an_older_model_cannot_be_compared_and_is_counted(installation: Installation, who: Person):
    """The template is of another contract than those of new photographs; nothing pretends otherwise."""
    (first,) = fill(installation, "archive", 1)
    withdraw(installation, who, Scope.FACE, [first.face_id], By.PERSON, keep_face_out=True)
    assert faces_not_compared(installation) == 0
    assert faces_not_compared(replace(installation, tail=None)) == 1
    with installation.records.write() as tx:
        tx.execute(
            suppression.update().where(suppression.c.contract.is_not(None)).values(contract="sha256:old")
        )
    assert faces_not_compared(installation) == 1
    suppressed = Suppressed.load(installation, collections.find(installation, "archive").id)
    assert suppressed.is_suppressed("0" * 64, bytes(32), first.vector[np.newaxis]) is None
