"""What a withdrawal finds and takes out of the records, and what it leaves alone."""

import pytest
from sqlalchemy import event, func, select, update

from lineament.app.installation import Installation
from lineament.errors import RecordsUnusable
from lineament.records import suppressions, withdrawals
from lineament.records.keys import SUPPRESSION
from lineament.records.schema import face, image, removal, suppression, template, withdrawal
from lineament.records.withdrawals import By, Scope, Withdrawal
from tests.filled import fill


def made(collection_id: str) -> Withdrawal:
    return Withdrawal(
        id="a" * 32,
        person_id="9" * 32,
        recorded_at="2026-11-22T12:00:00.000Z",
        by=By.PERSON,
        scope=Scope.IMAGE,
        collection_id=collection_id,
        subject={"images": ["b" * 32]},
        salt=bytes(32),
        images=1,
        faces=2,
        files=("b" * 32,),
    )


def test_many_images_go_in_few_statements(installation: Installation, monkeypatch: pytest.MonkeyPatch):
    """In lots, each whole; the rest stays."""
    monkeypatch.setattr("lineament.records.withdrawals._AT_ONCE", 7)
    filled = fill(installation, "archive", 30, stored=False)
    gone = [one.image_id for one in filled[:20]]
    statements: list[str] = []
    with installation.records.write() as tx:
        event.listen(tx, "before_cursor_execute", lambda *said: statements.append(said[2]))
        ((archive, there),) = withdrawals.by_collection(tx, [*gone, "unknown"]).items()
        assert sorted(there) == sorted(gone)
        assert withdrawals.take_out(tx, archive, gone, 9) == 20
        for table in (image, face, template):
            assert tx.scalar(select(func.count()).select_from(table)) == 10
        assert set(tx.execute(select(removal.c.face_id, removal.c.revision)).all()) == {
            (one.face_id, 9) for one in filled[:20]
        }
    assert len(statements) < 40


def test_copies_are_found_from_any_of_them(installation: Installation):
    """Whichever came first gives its name to the group; one that is named is no copy of itself."""
    first, second, third, _ = (one.image_id for one in fill(installation, "archive", 4, stored=False))
    with installation.records.write() as tx:
        tx.execute(update(image).where(image.c.id.in_([second, third])).values(group_id=first))
        assert withdrawals.copies_of(tx, [second]) == sorted([first, third])
        assert withdrawals.copies_of(tx, [first, second, third]) == []


def test_a_withdrawal_is_recorded_and_finished_once(installation: Installation):
    """Its names of files are forgotten with the proof."""
    with installation.records.write() as tx:
        withdrawals.add(tx, made("c" * 32))
        assert withdrawals.unfinished(tx) == withdrawals.ids(tx) == ["a" * 32]
        assert withdrawals.get(tx, "a" * 32) == made("c" * 32)
        assert withdrawals.finish(tx, "a" * 32, {"rows_left": 0}, "2026-11-22T12:00:01.000Z")
        assert not withdrawals.finish(tx, "a" * 32, {"rows_left": 1}, "2026-11-22T12:00:02.000Z")
        ((row, name),) = withdrawals.newest(tx, 5)
        assert (row.files, row.proof, row.erased_at) == ((), {"rows_left": 0}, "2026-11-22T12:00:01.000Z")
        assert (name, withdrawals.unfinished(tx), withdrawals.get(tx, "b")) == (None, [], None)


def test_rows_that_are_left_are_counted(installation: Installation):
    """So that a proof cannot be made while one of them is there."""
    (one,) = fill(installation, "archive", 1, stored=False)
    with installation.records.read() as tx:
        values = vars(made("c" * 32)) | {"files": (one.image_id, "b" * 32)}
        assert withdrawals.left_of(tx, Withdrawal(**values)) == 2


def test_what_must_not_come_back_is_sealed_where_it_lies(installation: Installation):
    """One that was moved to another row does not open."""
    with installation.records.write() as tx:
        key = installation.keys.get(tx, SUPPRESSION)
        withdrawals.add(tx, made("c" * 32))
        one = suppressions.of_photograph("d" * 32, key, "0" * 64, bytes(range(32)))
        suppressions.add(tx, "a" * 32, [one])
        assert suppressions.of_withdrawal(tx, "a" * 32) == [one]
        marks = suppressions.marks(tx, key, "anywhere", installation.contract, 128)
        assert (marks.shared.tobytes(), len(marks.digests), len(marks.faces)) == (bytes(range(32)), 1, 0)
        tx.execute(suppression.update().values(id="e" * 32))
        with pytest.raises(RecordsUnusable, match="does not open"):
            suppressions.marks(tx, key, "anywhere", installation.contract, 128)
        tx.execute(suppression.delete())
        tx.execute(withdrawal.delete())
