"""Withdrawal: from the transaction on nothing of it is searchable, and what goes is what was named."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import func, insert, select, update

from lineament import ledger
from lineament.app import collections, disclose, following, sign_in
from lineament.app.candidates import face_for, show_search
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.app.withdraw import reach, withdraw
from lineament.core.policy import Person, Role
from lineament.errors import (
    CollectionNotFound,
    ImageNotFound,
    InvalidRequest,
    KeyLost,
    NotCalibrated,
    RoleMissing,
)
from lineament.records import images, ingests, withdrawals
from lineament.records.ingests import Rejected
from lineament.records.schema import face, face_count, image, removal, suppression, template
from lineament.records.withdrawals import By, Scope
from lineament.testing import Clock, make_permission, recorded
from tests.filled import Filled, fill
from tests.samples import OBAMA


def found(installation: Installation, one: Filled, *names: str) -> list[str]:
    """The faces that a search with a face's own template lists, the best first."""
    names = names or tuple(there.name for there in collections.show(installation))
    hits = following.search(installation, one.vector, names, lambda _faces: -1.0, 1_000).hits
    return hits.ids


def rows(installation: Installation, table, *conditions) -> int:
    with installation.records.read() as tx:
        return tx.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()


def group(installation: Installation, first: Filled, *others: Filled) -> None:
    """Make photographs nearly the same as the first one."""
    with installation.records.write() as tx:
        for one in others:
            tx.execute(update(image).where(image.c.id == one.image_id).values(group_id=first.image_id))


def add_face_to(installation: Installation, one: Filled, contract: str) -> str:
    """Put a second face into a photograph."""
    new_id = installation.new_id()
    with installation.records.write() as tx:
        (there,) = images.images(tx, [one.image_id])
        key = images.image_key(tx, installation.keys, there)
        (known,) = images.faces(tx, [one.face_id]).values()
        images.add_face(
            tx, new_id, one.image_id, key, there.collection_id, known.detected, contract, one.vector, 1
        )
    return new_id


def test_a_withdrawn_face_is_in_no_later_search(installation: Installation, who: Person):
    """The index held it before; the next search covers one face fewer. The entry says how many went."""
    first, *others = fill(installation, "archive", 5)
    assert found(installation, first)[0] == first.face_id
    (gone,) = withdraw(installation, who, Scope.FACE, [first.face_id], By.PERSON)
    assert sorted(found(installation, first)) == sorted(one.face_id for one in others)
    entry = recorded(installation)[-1]
    assert entry["kind"] == "withdrawal.recorded"
    counts = {name: entry[name] for name in ("withdrawal", "by", "scope", "images", "faces")}
    assert counts == {
        "withdrawal": gone.withdrawal.id,
        "by": "person",
        "scope": "face",
        "images": 1,
        "faces": 1,
    }


def test_the_whole_photograph_goes_with_every_face_and_every_template(
    installation: Installation, who: Person
):
    """Of each contract; the keys go with the rows, and the counts are what is left."""
    first, second = fill(installation, "archive", 2)
    neighbour = add_face_to(installation, first, "sha256:of-an-older-model")
    with installation.records.write() as tx:
        values = tx.execute(select(template).where(template.c.face_id == first.face_id)).mappings().one()
        tx.execute(insert(template).values(dict(values) | {"contract": "sha256:of-an-older-model"}))
        images.add_to_count(tx, "sha256:of-an-older-model", values["collection_id"], 1)
    assert reach(installation, who, Scope.FACE, [first.face_id], By.CURATOR).taken == {"archive": (1, 2)}
    withdraw(installation, who, Scope.FACE, [first.face_id], By.CURATOR)
    for table, left in ((image, 1), (face, 1), (template, 1)):
        assert rows(installation, table) == left
    with installation.records.read() as tx:
        assert set(tx.scalars(select(removal.c.face_id))) == {first.face_id, neighbour}
        assert {row.contract: row.faces for row in tx.execute(select(face_count))} == {
            installation.contract: 1,
            "sha256:of-an-older-model": 0,
        }
        (left,) = images.templates_of(tx, installation.keys, installation.contract, [second.face_id]).values()
    assert np.array_equal(left, second.vector)


def test_what_a_person_withdraws_goes_with_its_copies_in_every_collection(
    installation: Installation, who: Person
):
    """One withdrawal and one entry for each collection, at revisions of their own."""
    first, copy, _ = fill(installation, "archive", 3)
    other, _ = fill(installation, "press", 2, seed=2)
    group(installation, first, copy, other)
    assert reach(installation, who, Scope.FACE, [other.face_id], By.PERSON).taken == {
        "archive": (2, 2),
        "press": (1, 1),
    }
    gone = withdraw(installation, who, Scope.FACE, [other.face_id], By.PERSON)
    assert sorted((one.withdrawal.images, one.withdrawal.faces) for one in gone) == [(1, 1), (2, 2)]
    assert len(found(installation, first)) == 2
    entries = [entry for entry in recorded(installation) if entry["kind"] == "withdrawal.recorded"]
    for field in ("revision", "collection", "withdrawal"):
        assert len({entry[field] for entry in entries}) == 2


@pytest.mark.parametrize("by", [By.CURATOR, By.GRANTOR])
def test_for_others_the_copies_stay_and_are_listed(installation: Installation, who: Person, by: By):
    """Another collection may hold the same photograph under a permission of its own."""
    (first,) = fill(installation, "archive", 1)
    (copy,) = fill(installation, "press", 1, seed=2)
    group(installation, first, copy)
    assert reach(installation, who, Scope.IMAGE, [first.image_id], by).copies == (copy.image_id,)
    withdraw(installation, who, Scope.IMAGE, [first.image_id], by)
    assert found(installation, first) == [copy.face_id]


def test_a_source_is_an_address_or_the_beginning_of_one(installation: Installation, who: Person):
    """Of a photograph or of its page; what begins alike and goes on otherwise is another source."""
    filled = fill(installation, "archive", 40)
    by = By.GRANTOR

    def taken(address: str) -> int:
        return reach(installation, who, Scope.SOURCE, [address], by).taken["archive"][0]

    assert taken("https://example.org/archive/0/3.jpg") == 1
    assert taken("https://example.org/page/2") == 10
    assert taken("https://example.org/archive/1/") == 10
    assert taken("https://example.org/archive/") == 40
    for address in ("https://example.org/archive/1", "https://example.org/Archive/1/", "https://example/"):
        with pytest.raises(ImageNotFound):
            taken(address)
    for address in ("example.org/archive/", "https://", "archive", ""):
        with pytest.raises(InvalidRequest, match="not the address"):
            taken(address)
    withdraw(installation, who, Scope.SOURCE, ["https://example.org/archive/1/"], by)
    assert set(found(installation, filled[0])) == {one.face_id for one in filled if one not in filled[10:20]}


def test_a_whole_collection_is_closed_with_its_key(installation: Installation, who: Person):
    """What a copy of its rows would hold can be read by nobody, and nothing comes into it again."""
    first, _ = fill(installation, "archive", 2)
    (kept,) = fill(installation, "press", 1, seed=2)
    (gone,) = withdraw(installation, who, Scope.COLLECTION, ["archive"], By.GRANTOR)
    assert (gone.withdrawal.images, gone.withdrawal.faces, rows(installation, suppression)) == (2, 2, 0)
    assert found(installation, first) == [kept.face_id]
    with pytest.raises(KeyLost):
        fill(installation, "archive", 1, seed=3)


def test_a_collection_that_was_kept_for_long_enough_can_be_filled_again(
    installation: Installation, who: Person, clock: Clock
):
    """Under another key; nothing of it is suppressed, for nobody took it back."""
    fill(installation, "archive", 2)
    archive = collections.find(installation, "archive").id
    with installation.records.read() as tx:
        before = installation.keys.get(tx, archive)
    assert withdraw(installation, who, Scope.COLLECTION, ["archive"], By.RETENTION) == [], "it is in force"
    clock.turn(timedelta(days=10_000))
    withdraw(installation, who, Scope.COLLECTION, ["archive"], By.RETENTION)
    with installation.records.read() as tx:
        assert installation.keys.get(tx, archive) != before
    assert rows(installation, suppression) == 0
    collections.permit(installation, who, "archive", make_permission(valid_until=None))
    (again,) = fill(installation, "archive", 1)
    assert found(installation, again) == [again.face_id]


def test_an_earlier_search_says_that_it_was_withheld(archive: Installation):
    """Its bundle is sound, and nobody who was not shown it before is shown it now."""
    who, request = sign_in.operator(archive), Request("archive-research", ("archive",))
    search = open_search(archive, who, request, [OBAMA.read_bytes()])
    (row,) = search.candidates
    withdraw(archive, who, Scope.FACE, [row.face_id], By.PERSON)
    (shown,) = show_search(archive, who, search.id).candidates
    assert (shown.face, shown.score) == (None, row.score)
    with pytest.raises(ImageNotFound):
        face_for(archive, who, row.face_id)
    bundle = disclose.export(archive, who, search.id)
    assert row.face_id.encode() not in bundle
    said: list[str] = []
    trusted = ledger.WitnessPolicy.of_log_alone(archive.signer.verifier)
    ledger.verify(bundle, trusted, archive.ledger_folder, ledger.Steps(said.append))
    assert len(said) == 10
    again = open_search(archive, who, request, [OBAMA.read_bytes()])
    assert (again.candidates, again.searched_faces) == ((), 6)


def test_what_ingests_reported_of_it_goes_as_well(installation: Installation, who: Person):
    """A path may name somebody: with one photograph its own goes, with the collection all of them."""
    first, _ = fill(installation, "archive", 2)
    (there,) = collections.show(installation)
    with installation.records.write() as tx:
        ingests.start_ingest(tx, "a" * 32, there.id, who.id, "a folder", 3, bytes(32), installation.clock())
        for path in ("0.jpg", "1.jpg", "damaged.jpg"):
            ingests.add_rejection(tx, "a" * 32, Rejected(path, "no-face", "No usable face was found."))

    def reported() -> list[str]:
        with installation.records.read() as tx:
            return [one.path for one in ingests.rejections(tx, "a" * 32)]

    withdraw(installation, who, Scope.IMAGE, [first.image_id], By.PERSON)
    assert reported() == ["1.jpg", "damaged.jpg"]
    withdraw(installation, who, Scope.COLLECTION, ["archive"], By.GRANTOR)
    assert reported() == []


def test_what_cannot_be_done_leaves_everything_as_it_was(installation: Installation, who: Person):
    """A name that is unknown, a person without the role, a wish that is somebody else's to have."""
    first, second = fill(installation, "archive", 2)
    before = recorded(installation)
    searcher = replace(who, roles=frozenset({Role.SEARCHER}))
    with pytest.raises(RoleMissing):
        withdraw(installation, searcher, Scope.FACE, [first.face_id], By.PERSON)
    with pytest.raises(RoleMissing):
        reach(installation, searcher, Scope.FACE, [first.face_id], By.PERSON)
    with pytest.raises(ImageNotFound, match="the face '0000'"):
        withdraw(installation, who, Scope.FACE, [first.face_id, "0000"], By.PERSON)
    with pytest.raises(CollectionNotFound):
        withdraw(installation, who, Scope.COLLECTION, ["nowhere"], By.CURATOR)
    with pytest.raises(InvalidRequest, match="by its grantor"):
        withdraw(installation, who, Scope.COLLECTION, ["archive"], By.PERSON)
    with pytest.raises(InvalidRequest, match="only where its person asks"):
        withdraw(installation, who, Scope.FACE, [first.face_id], By.CURATOR, keep_face_out=True)
    with pytest.raises(InvalidRequest, match="Name the face"):
        source = ["https://example.org/archive/"]
        withdraw(installation, who, Scope.SOURCE, source, By.PERSON, keep_face_out=True)
    with pytest.raises(NotCalibrated):
        bare = replace(installation, tail=None)
        withdraw(bare, who, Scope.FACE, [first.face_id], By.PERSON, keep_face_out=True)
    add_face_to(installation, second, installation.contract)
    with pytest.raises(InvalidRequest, match="in which it is alone"):
        withdraw(installation, who, Scope.IMAGE, [second.image_id], By.PERSON, keep_face_out=True)
    assert {entry["kind"] for entry in recorded(installation)[len(before) :]} <= {"calibration.changed"}
    assert (rows(installation, image), rows(installation, suppression)) == (2, 0)
    with installation.records.read() as tx:
        assert withdrawals.ids(tx) == []


def test_what_cannot_be_read_can_be_withdrawn_all_the_same(installation: Installation, who: Person):
    """A damaged key stops nobody from taking a photograph back."""
    first, second = fill(installation, "archive", 2)
    with installation.records.write() as tx:
        tx.execute(update(image).where(image.c.id == first.image_id).values(key=b"no key"))
    (gone,) = withdraw(installation, who, Scope.IMAGE, [first.image_id], By.PERSON)
    assert gone.templates.shape == (0, installation.vision.dimension)
    assert found(installation, second) == [second.face_id]
