"""Nobody is compared or shown without a permission in force, and two ways of looking at that agree."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, update

from lineament.app import collections, eligibility, pictures, sign_in
from lineament.app.candidates import face_for, image_for, show_search
from lineament.app.ingest import ingest
from lineament.app.installation import Installation
from lineament.app.search import Request, choose_face, open_search
from lineament.core.permission import Permission, Status, WithdrawalReason
from lineament.core.policy import Asked, CaseStanding, Person, Role, Standing, decide
from lineament.core.policy_file import parse_policy
from lineament.errors import ImageNotFound, PermissionNotInForce, SearchRefused
from lineament.records import collections as records_collections
from lineament.records import people
from lineament.records.schema import face, image, permission, template
from lineament.records.searches import Outcome
from lineament.records.store import Records, open_records
from lineament.sources import open_source
from lineament.testing import NOON, Clock, make_collection, make_permission, recorded
from tests.samples import OBAMA, SOLVAY

DAY = timedelta(days=1)
POLICY = parse_policy((files("lineament.app") / "policy.toml").read_text("utf-8"))
SEARCHER = Person("ab" * 16, "somebody", frozenset({Role.SEARCHER}))
ARCHIVE = Request("archive-research", ("archive",))

# --- two ways of looking ---------------------------------------------------------------------------------

HOURS = st.integers(-4, 4).map(lambda hours: NOON + timedelta(hours=hours))
VERSIONS = st.builds(
    lambda purposes, begins, lasts, status: replace(
        make_permission(tuple(purposes), begins, lasts and begins + timedelta(hours=lasts)), status=status
    ),
    purposes=st.lists(st.sampled_from(sorted(POLICY.purposes)), min_size=1, unique=True),
    begins=HOURS,
    lasts=st.one_of(st.none(), st.integers(1, 5)),
    status=st.sampled_from(Status),
)
HISTORIES = st.lists(st.lists(VERSIONS, max_size=4), min_size=1, max_size=4)
EDGES = st.sampled_from([-1, 0, 1, 999]).map(lambda microseconds: timedelta(microseconds=microseconds))


@st.composite
def scenes(draw: st.DrawFn) -> tuple[list[list[Permission]], datetime]:
    """Histories of some collections, and a moment at or beside one at which a version begins or ends."""
    histories = draw(HISTORIES)
    ends = [end for history in histories for one in history[-1:] for end in (one.valid_from, one.valid_until)]
    return histories, draw(st.sampled_from([end for end in ends if end] or [NOON])) + draw(EDGES)


class _SeenError(Exception):
    """What takes a transaction back."""


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Records]:
    """Records with nothing in them but one person."""
    opened = open_records(tmp_path_factory.mktemp("records") / "records.sqlite3")
    with opened.write() as tx:
        people.add_person(tx, SEARCHER)
    yield opened
    opened.close()


@given(scenes(), st.sampled_from(sorted(POLICY.purposes)))
def test_the_rule_the_gate_and_the_records_agree(
    records: Records, scene: tuple[list[list[Permission]], datetime], purpose: str
):
    """Over any history of versions, for every collection, purpose and moment, to the microsecond."""
    histories, now = scene
    with suppress(_SeenError), records.write() as tx:
        for number, history in enumerate(histories):
            write(tx, f"c{number}", history)
        by_rule = {
            f"c{number}"
            for number, history in enumerate(histories)
            if history and history[-1].allows(purpose, now)
        }
        there = records_collections.list_collections(tx)
        by_gate = {one.name for one in there if passes(one.standing, purpose, now)}
        assert {one.name for one in eligibility.permitted(tx, purpose, now)} == by_rule
        assert by_gate == by_rule
        assert records_collections.permitted(tx, purpose, now) == {
            one.id for one in there if one.name in by_rule
        }
        everywhere = records_collections.orphans(tx, purpose, [one.id for one in there], now)
        assert {one.collection for one in everywhere} == {one.name for one in there} - by_rule
        reachable = [one.id for one in eligibility.permitted(tx, purpose, now)]
        assert records_collections.orphans(tx, purpose, reachable, now) == []
        raise _SeenError


@pytest.mark.parametrize("status", Status)
def test_they_agree_at_the_first_and_the_last_moment(records: Records, status: Status):
    """In force from the first one on, and no longer at the last."""
    begins, ends, least = NOON, NOON + DAY, timedelta(microseconds=1)
    of_a_day = replace(make_permission(valid_from=begins, valid_until=ends), status=status)
    counts = status in {Status.GIVEN, Status.NARROWED}
    with suppress(_SeenError), records.write() as tx:
        write(tx, "day", [of_a_day])
        for now, inside in ((begins - least, False), (begins, True), (ends - least, True), (ends, False)):
            assert of_a_day.allows("archive-research", now) is (counts and inside)
            assert bool(records_collections.permitted(tx, "archive-research", now)) is (counts and inside)
        raise _SeenError


def passes(standing: Standing, purpose: str, now: datetime) -> bool:
    """Whether a searcher with a case gets through the policy gate."""
    case = CaseStanding(purpose, True, True, has_narrative=True, authorisation=None, has_consent=True)
    asked = Asked(purpose, "K-17", case, "from-an-archive")
    return decide(POLICY, SEARCHER, asked, [standing], now).purpose is not None


def write(tx: Connection, name: str, history: list[Permission]) -> None:
    """Record a collection with these versions of its permission, and one face in it."""
    collection_id = name.encode().hex().zfill(32)
    records_collections.add_collection(tx, collection_id, name, name, NOON)
    for version in history:
        records_collections.add_permission(tx, collection_id, version, bytes(32), SEARCHER.id, NOON)
    of = {"id": f"image-{name}", "collection_id": collection_id, "sha256": name, "contract": "x"}
    about = {"media_type": "image/png", "width": 1, "height": 1, "path": name, "extra": {}, "key": b""}
    tx.execute(insert(image).values(of | about | {"phash": bytes(32), "group_id": "g", "ingest_id": "i"}))
    looks = {"box": [], "landmarks": [], "score": 1.0, "quality": {}, "drawn": False}
    tx.execute(insert(face).values(looks | {"id": f"face-{name}", "image_id": of["id"]}))
    vector = {"contract": "x", "collection_id": collection_id, "revision": 1, "vector": b""}
    tx.execute(insert(template).values(vector | {"face_id": f"face-{name}"}))


def test_there_is_no_orphan_and_one_that_is_made_is_found(archive: Installation, portraits: Path):
    """A permission that ended only in the columns, and a face that is counted to another collection."""
    assert eligibility.orphans(archive) == []
    make_collection(archive, "other", None, make_permission(("missing-person",)))
    with archive.records.write() as tx:
        (other,) = records_collections.list_collections(tx, ["other"])
        tx.execute(update(template).values(collection_id=other.id))
    (orphan,) = eligibility.orphans(archive)
    assert (orphan.collection, orphan.purpose, orphan.faces) == ("other", "missing-person", 7)
    with archive.records.write() as tx:
        (mine,) = records_collections.list_collections(tx, ["archive"])
        tx.execute(update(template).values(collection_id=mine.id))
    assert eligibility.orphans(archive) == []
    with archive.records.write() as tx:
        tx.execute(update(permission).values(status="withdrawn"))
    assert [one.collection for one in eligibility.orphans(archive)] == ["archive"]


# --- a lapse ---------------------------------------------------------------------------------------------


def expire(installation: Installation, clock: Clock) -> None:
    """Let the year pass for which the permission was given."""
    clock.turn(365 * DAY)


def withdraw(installation: Installation, clock: Clock) -> None:
    """Record that the grantor took it back."""
    who = sign_in.operator(installation)
    collections.withdraw_permission(installation, who, "archive", WithdrawalReason.GRANTOR)


def replace_by_later(installation: Installation, clock: Clock) -> None:
    """Record a version that begins tomorrow."""
    later = make_permission(valid_from=NOON + DAY, valid_until=None)
    collections.permit(installation, sign_in.operator(installation), "archive", later)


@pytest.mark.parametrize("end", [expire, withdraw, replace_by_later])
def test_a_lapse_withholds_everything_at_once_and_no_job_has_run(
    archive: Installation, clock: Clock, portraits: Path, end: Callable[[Installation, Clock], None]
):
    """A search, one that is open, a shown list, an image and a face, for curator and searcher alike."""
    who = sign_in.operator(archive)
    searcher = replace(who, roles=frozenset({Role.SEARCHER}))
    done = open_search(archive, who, ARCHIVE, [OBAMA.read_bytes()])
    waiting = open_search(archive, who, ARCHIVE, [SOLVAY.read_bytes()])
    assert waiting.outcome is Outcome.AWAITING_FACE
    (candidate,) = show_search(archive, who, done.id).candidates
    assert candidate.face
    for person in (who, searcher):
        assert face_for(archive, person, candidate.face.id).id == candidate.face.id
    assert collections.allowing(archive, "archive-research") == ["archive"]

    end(archive, clock)

    with pytest.raises(SearchRefused, match="The permission for 'archive' is"):
        open_search(archive, who, ARCHIVE, [OBAMA.read_bytes()])
    with pytest.raises(SearchRefused, match="The permission for 'archive' is"):
        choose_face(archive, who, waiting.id, 24)
    (withheld,) = show_search(archive, who, done.id).candidates
    assert (withheld.face, withheld.also_in) == (None, ())
    assert (recorded(archive)[-1]["kind"], recorded(archive)[-1]["withheld"]) == ("search.shown", 1)
    for person in (who, searcher):
        for door, one in (
            (face_for, candidate.face.id),
            (pictures.crop, candidate.face.id),
            (image_for, candidate.face.image.id),
            (pictures.image, candidate.face.image.id),
        ):
            with pytest.raises(ImageNotFound):
                door(archive, person, one)
    with pytest.raises(PermissionNotInForce):
        ingest(archive, who, "archive", open_source(portraits), lambda _done: None)
    assert collections.allowing(archive, "archive-research") == []
    assert eligibility.orphans(archive) == []

    collections.permit(archive, who, "archive", make_permission(valid_from=clock.now, valid_until=None))
    (again,) = show_search(archive, who, done.id).candidates
    assert again.face
    assert again.face.id == candidate.face.id


def test_a_purpose_that_fell_away_is_withheld_and_the_others_go_on(archive: Installation):
    """Narrowed is in force: another purpose is still searched for, and nothing for the one that went."""
    who = sign_in.operator(archive)
    collections.permit(archive, who, "archive", make_permission(("archive-research", "own-likeness")))
    done = open_search(archive, who, ARCHIVE, [OBAMA.read_bytes()])
    (found,) = done.candidates
    narrowed = collections.permit(archive, who, "archive", make_permission(("own-likeness",)))
    assert narrowed.status is Status.NARROWED
    with pytest.raises(SearchRefused, match="does not allow 'archive-research'; it allows: own-likeness"):
        open_search(archive, who, ARCHIVE, [OBAMA.read_bytes()])
    (withheld,) = show_search(archive, who, done.id).candidates
    assert withheld.face is None
    searcher = replace(who, roles=frozenset({Role.SEARCHER}))
    with pytest.raises(ImageNotFound):
        face_for(archive, searcher, found.face_id)
    assert face_for(archive, who, found.face_id)  # a curator looks after what is in force
    assert open_search(archive, who, Request("own-likeness", ("archive",)), [OBAMA.read_bytes()]).candidates
    assert face_for(archive, searcher, found.face_id)  # it was found for a purpose that is allowed
    assert eligibility.orphans(archive) == []


def test_a_permission_begins_by_the_clock_alone(archive: Installation, clock: Clock):
    """Its first moment is the first at which a search is allowed."""
    later = make_permission(valid_from=NOON + DAY, valid_until=None)
    who = sign_in.operator(archive)
    collections.permit(archive, who, "archive", later)
    clock.turn(DAY - timedelta(milliseconds=1))
    with pytest.raises(SearchRefused, match="not yet in force"):
        open_search(archive, who, ARCHIVE, [OBAMA.read_bytes()])
    clock.turn(timedelta(milliseconds=1))
    assert open_search(archive, who, ARCHIVE, [OBAMA.read_bytes()]).candidates


# --- retention -------------------------------------------------------------------------------------------


def overdue(installation: Installation, clock: Clock) -> list[str]:
    with installation.records.read() as tx:
        return [one.name for one in eligibility.overdue(tx, clock.now)]


def test_what_has_ended_is_overdue_once_it_was_kept_for_as_long_as_it_may_be(
    installation: Installation, clock: Clock
):
    """Each by its own number of days after its own end; a draft and what goes on never are."""
    expires = make_permission(valid_until=NOON + 10 * DAY)
    make_collection(installation, "at-once", None, replace(expires, retention_days=0))
    make_collection(installation, "week", None, replace(expires, retention_days=7))
    make_collection(installation, "month", None, expires)
    make_collection(installation, "endless", None, make_permission(valid_until=None))
    make_collection(installation, "draft", None, replace(expires, status=Status.DRAFT))
    seen = {}
    for days in (9, 10, 16, 17, 39, 40):
        clock.turn(NOON + days * DAY - clock.now)
        seen[days] = overdue(installation, clock)
    week, month = ["at-once", "week"], ["at-once", "month", "week"]
    assert seen == {9: [], 10: ["at-once"], 16: ["at-once"], 17: week, 39: week, 40: month}


def test_a_withdrawal_is_an_end_and_a_new_permission_in_time_keeps_the_images(
    installation: Installation, clock: Clock
):
    """The clock runs from when it was recorded, and no longer once a permission is given again."""
    who = sign_in.operator(installation)
    for name in ("archive", "renewed"):
        make_collection(installation, name, None, make_permission(valid_until=None))
        collections.withdraw_permission(installation, who, name, WithdrawalReason.PERSON)
    clock.turn(29 * DAY)
    collections.permit(installation, who, "renewed", make_permission(valid_until=None))
    assert overdue(installation, clock) == []
    clock.turn(DAY)
    assert overdue(installation, clock) == ["archive"]


def test_an_end_that_was_past_when_it_was_recorded_erases_nothing_at_once(
    installation: Installation, clock: Clock
):
    """Somebody who wrote the wrong year has the same time to mend it."""
    make_collection(installation, "archive", None, make_permission(valid_until=None))
    past = make_permission(valid_from=NOON - 3650 * DAY, valid_until=NOON - 365 * DAY)
    collections.permit(installation, sign_in.operator(installation), "archive", past)
    clock.turn(29 * DAY)
    assert overdue(installation, clock) == []
    clock.turn(DAY)
    assert overdue(installation, clock) == ["archive"]
