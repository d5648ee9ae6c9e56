"""A permission says who allows what, from when to when, and is read from a file that people write."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.core.permission import (
    RETENTION_DAYS,
    LegalBasis,
    Permission,
    PermissionState,
    Status,
    Version,
    WithdrawalReason,
    parse_permission,
)
from lineament.errors import PermissionInvalid
from lineament.testing import NOON, make_permission

GOOD = """
grantor = "The archive"
contact = "archive@example.org"
legal_basis = "own-images"
purposes = ["archive-research"]
notice = "Our own photographs."
valid_from = 2026-01-01
valid_until = 2027-01-01T12:00:00+01:00
evidence = "deed.txt"
"""
DAY = timedelta(days=1)
PURPOSES = ["archive-research", "missing-person", "own-likeness"]


def digest(_name: str) -> str:
    return "0" * 64


def test_a_good_file_is_read_with_its_times_in_utc():
    """Dates mean midnight in UTC; a time keeps its moment."""
    permission = parse_permission(GOOD, lambda name: {"deed.txt": "0" * 64}[name])
    assert permission.legal_basis is LegalBasis.OWN_IMAGES
    assert permission.valid_from == datetime(2026, 1, 1, tzinfo=UTC)
    assert permission.valid_until == datetime(2027, 1, 1, 11, tzinfo=UTC)
    assert permission.evidence_sha256 == "0" * 64
    assert (permission.jurisdictions, permission.retention_days) == ((), RETENTION_DAYS)
    assert (permission.status, permission.reason) == (Status.GIVEN, None)


def test_it_can_say_where_it_counts_and_how_long_images_are_kept():
    """Countries, their parts and the European Union, by their codes; days as a number."""
    permission = parse_permission(
        GOOD + 'jurisdictions = ["EU", "GB", "DE-BY"]\nretention_days = 0\n', digest
    )
    assert permission.jurisdictions == ("EU", "GB", "DE-BY")
    assert permission.retention_days == 0


def test_a_draft_may_lack_its_evidence_and_nothing_else_may():
    """What proves a permission often comes last; until then nothing is permitted."""
    without = GOOD.replace('evidence = "deed.txt"', "")
    draft = parse_permission(without + 'status = "draft"', digest)
    assert (draft.evidence, draft.evidence_sha256) == (None, None)
    for status in ("", 'status = "given"', 'status = "narrowed"'):
        with pytest.raises(PermissionInvalid, match="no 'evidence', which only a draft may lack"):
            parse_permission(without + status, digest)


ZONES = st.sampled_from([UTC, ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/St_Johns")])


@given(st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1), timezones=ZONES))  # noqa: DTZ001
def test_a_time_keeps_its_moment_to_the_millisecond(moment: datetime):
    """Whatever the offset; what is finer could not be stored, and would make two of one permission."""
    text = GOOD.replace("valid_until = 2027-01-01T12:00:00+01:00\n", "")
    permission = parse_permission(text.replace("2026-01-01", moment.isoformat()), digest)
    at = moment.astimezone(UTC)
    assert permission.valid_from == at.replace(microsecond=at.microsecond // 1000 * 1000)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("this is not TOML", "not valid TOML"),
        (GOOD.replace('grantor = "The archive"', ""), "no 'grantor'"),
        (GOOD.replace('"The archive"', '"  "'), "'grantor' must be plain text"),
        (GOOD.replace('"own-images"', '"because"'), "must be one of: consent"),
        (GOOD.replace('["archive-research"]', '["a", "a"]'), "names a purpose twice"),
        (GOOD.replace('"The archive"', f'"{"x" * 2001}"'), "of 1 to 2,000 characters"),
        (GOOD + '"\\u001b[31mred" = 1', r"not known here: '\?\[31mred'"),
        (GOOD.replace('["archive-research"]', "[]"), "'purposes' must be a list"),
        (GOOD.replace("2026-01-01", '"soon"'), "'valid_from' must be a date"),
        (GOOD.replace("2026-01-01", "2026-01-01T12:00:00"), "'valid_from' needs an offset"),
        (GOOD.replace("2026-01-01", "2028-01-01"), "not after 'valid_from'"),
        (GOOD.replace('"deed.txt"', '"/etc/hostname"'), "lies beside"),
        (GOOD.replace('"deed.txt"', '"a\\u0000b"'), "'evidence' must be plain text"),
        (GOOD.replace("2026-01-01", "0001-01-01T00:00:00+14:00"), "too early"),
        ("a = " + "[" * 9000, "not valid TOML"),
        (GOOD + "colour = 'blue'\n", "not known here: 'colour'"),
        (GOOD + "jurisdictions = 'DE'\n", "'jurisdictions' must be a list"),
        (GOOD + "jurisdictions = ['UK']\n", "'jurisdictions' has 'UK'; it takes EU and codes of ISO 3166"),
        (GOOD + "jurisdictions = ['de']\n", "'jurisdictions' has 'de'"),
        (GOOD + "jurisdictions = ['DE-']\n", "'jurisdictions' has 'DE-'"),
        (GOOD + "jurisdictions = [49]\n", "'jurisdictions' has '49'"),
        (GOOD + "jurisdictions = ['DE', 'DE']\n", "'jurisdictions' has a code twice"),
        (GOOD + "retention_days = -1\n", "'retention_days' must be a whole number of days from 0 to 36,500"),
        (GOOD + "retention_days = 36501\n", "'retention_days' must be a whole number"),
        (GOOD + "retention_days = true\n", "'retention_days' must be a whole number"),
        (GOOD + "retention_days = '30'\n", "'retention_days' must be a whole number"),
        (GOOD + "status = 'granted'\n", "must be one of: draft, given, narrowed, withdrawn"),
        (GOOD + "reason = 'grantor'\n", "'reason' is for a permission that was withdrawn"),
        (GOOD + "status = 'withdrawn'\nreason = 'mood'\n", "must be one of: person, grantor, curator"),
        (GOOD.replace('["archive-research"]', str(["a" + str(n) for n in range(101)])), "at most 100 names"),
    ],
)
def test_a_wrong_file_is_refused_with_a_sentence_that_names_the_field(wrong: str, said: str):
    """Whoever wrote the file learns which line to mend."""
    with pytest.raises(PermissionInvalid, match=said):
        parse_permission(wrong, digest)


def test_it_begins_and_ends_by_the_clock_alone():
    """In force from its first moment on, and no longer at its last."""
    permission = make_permission(valid_from=NOON, valid_until=NOON + timedelta(hours=1))
    assert permission.state(NOON - timedelta(seconds=1)) is PermissionState.NOT_YET
    assert permission.state(NOON) is PermissionState.IN_FORCE
    assert permission.state(NOON + timedelta(hours=1)) is PermissionState.EXPIRED


@given(st.integers(-(10**6), 10**6), st.sampled_from(["archive-research", "missing-person"]))
def test_it_allows_a_purpose_only_when_in_force_and_named(seconds: int, purpose: str):
    """No moment and no purpose slips past the two conditions."""
    permission = make_permission(valid_from=NOON, valid_until=NOON + timedelta(days=1))
    allowed = permission.allows(purpose, NOON + timedelta(seconds=seconds))
    assert allowed == (0 <= seconds < 86_400 and purpose == "archive-research")


STATES = {
    Status.DRAFT: [PermissionState.DRAFT] * 3,
    Status.GIVEN: [PermissionState.NOT_YET, PermissionState.IN_FORCE, PermissionState.EXPIRED],
    Status.NARROWED: [PermissionState.NOT_YET, PermissionState.NARROWED, PermissionState.EXPIRED],
    Status.WITHDRAWN: [PermissionState.WITHDRAWN] * 3,
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("part", range(3), ids=["before", "during", "after"])
def test_its_state_follows_from_what_it_was_recorded_as_and_the_clock(status: Status, part: int):
    """Only what was given counts, and only between its two moments, the last one not included."""
    permission = make(status=status)
    before, first = NOON - timedelta(milliseconds=1), NOON
    last, after = NOON + DAY - timedelta(milliseconds=1), NOON + DAY
    for moment in ([before], [first, last], [after])[part]:
        state = permission.state(moment)
        assert state is STATES[status][part]
        assert permission.in_force(moment) == (state in {PermissionState.IN_FORCE, PermissionState.NARROWED})
        assert permission.standing(moment)


def make(
    purposes: tuple[str, ...] = ("archive-research", "missing-person"),
    jurisdictions: tuple[str, ...] = ("DE", "FR"),
    until: datetime | None = NOON + DAY,
    days: int = 30,
    status: Status = Status.GIVEN,
) -> Permission:
    """A permission that begins at noon."""
    given = make_permission(purposes, NOON, until)
    return replace(given, jurisdictions=jurisdictions, retention_days=days, status=status)


@pytest.mark.parametrize(
    ("change", "narrower"),
    [
        ({}, False),
        ({"purposes": ("missing-person",)}, True),
        ({"purposes": ("missing-person", "archive-research")}, False),
        ({"purposes": ("own-likeness",)}, False),
        ({"purposes": ("missing-person",), "until": NOON + 2 * DAY}, False),
        ({"jurisdictions": ("FR",)}, True),
        ({"jurisdictions": ("FR", "DE-BY")}, True),
        ({"jurisdictions": ("FR", "ES")}, False),
        ({"jurisdictions": ()}, False),
        ({"until": NOON + DAY / 2}, True),
        ({"until": None}, False),
        ({"days": 29}, True),
        ({"days": 31}, False),
        ({"days": 29, "purposes": ("missing-person", "archive-research", "own-likeness")}, False),
    ],
)
def test_it_is_narrower_where_something_fell_away_and_nothing_came(change: dict[str, object], narrower: bool):
    """Purposes, jurisdictions, the end, and for how long images are kept."""
    assert make(**change).narrower_than(make()) is narrower  # type: ignore[arg-type]


def test_a_place_is_less_than_everywhere_and_an_end_less_than_none():
    """What is not stated has no border."""
    assert make().narrower_than(make(jurisdictions=()))
    assert make().narrower_than(make(until=None))
    assert not make(jurisdictions=()).narrower_than(make(jurisdictions=()))


PERMISSIONS = st.builds(
    make,
    purposes=st.lists(st.sampled_from(PURPOSES), min_size=1, unique=True).map(tuple),
    jurisdictions=st.lists(st.sampled_from(["EU", "DE", "DE-BY", "FR"]), unique=True).map(tuple),
    until=st.sampled_from([None, NOON + DAY, NOON + 2 * DAY]),
    days=st.integers(29, 31),
    status=st.sampled_from(Status),
)
MOMENTS = st.integers(-3, 3).map(lambda days: NOON + days * DAY)


@given(PERMISSIONS, PERMISSIONS, st.sampled_from(PURPOSES), MOMENTS)
def test_what_is_narrower_allows_nothing_new(one: Permission, other: Permission, purpose: str, now: datetime):
    """And of two permissions at most one is narrower than the other."""
    one, other = replace(one, status=Status.GIVEN), replace(other, status=Status.GIVEN)
    if one.narrower_than(other):
        assert not other.narrower_than(one)
        assert not one.allows(purpose, now) or other.allows(purpose, now)


@given(st.lists(PERMISSIONS, min_size=1, max_size=6))
def test_a_version_is_recorded_as_narrowed_where_one_before_it_allowed_more(history: list[Permission]):
    """By itself, over any history; drafts and withdrawals stay what they are and count for nothing."""
    recorded: list[Permission] = []
    for one in history:
        version = one.recorded_after(recorded)
        assert replace(version, status=one.status) == one
        given = [before for before in recorded if before.status in {Status.GIVEN, Status.NARROWED}]
        if one.status in {Status.DRAFT, Status.WITHDRAWN}:
            assert version == one
        else:
            assert (version.status is Status.NARROWED) == any(map(one.narrower_than, given))
        recorded.append(version)


@given(st.lists(st.tuples(PERMISSIONS, st.integers(0, 5)), min_size=1, max_size=6), st.integers(0, 80))
def test_images_are_overdue_only_under_what_has_ended(history: list[tuple[Permission, int]], hours: int):
    """Never while anything is permitted, and once overdue, overdue for good under that version."""
    number, (permission, recorded) = len(history), history[-1]
    version = Version(number, permission, "ab" * 16, NOON + recorded * DAY)
    now = version.recorded_at + hours * DAY
    ended = version.ended(now)
    if version.overdue(now):
        assert ended is not None
        assert ended + permission.retention_days * DAY <= now
        assert version.overdue(now + DAY)
        assert not any(
            permission.allows(purpose, now + ahead * DAY) for purpose in PURPOSES for ahead in range(9)
        )
    if ended is not None:
        assert ended <= now
        assert permission.state(now) in {PermissionState.EXPIRED, PermissionState.WITHDRAWN}


def test_the_time_that_images_are_kept_begins_with_the_end():
    """By its last moment, by its withdrawal, or by the record of an end that was past already."""
    permission = make(until=NOON + DAY, days=2)
    given = Version(1, permission, "ab" * 16, NOON)
    assert not given.overdue(NOON + 3 * DAY - timedelta(milliseconds=1))
    assert given.overdue(NOON + 3 * DAY)
    late = replace(given, recorded_at=NOON + 5 * DAY)
    assert (late.ended(NOON + 5 * DAY), late.overdue(NOON + 6 * DAY)) == (NOON + 5 * DAY, False)
    withdrawn = replace(permission, status=Status.WITHDRAWN, reason=WithdrawalReason.GRANTOR)
    early = Version(2, withdrawn, "ab" * 16, NOON + DAY / 2)
    assert (early.overdue(NOON + 2 * DAY), early.overdue(NOON + 2.5 * DAY)) == (False, True)
    after = Version(2, withdrawn, "ab" * 16, NOON + 2 * DAY)
    assert after.ended(NOON + 2 * DAY) == NOON + DAY  # which is no reason to keep them longer
    assert Version(1, make(until=None), "ab" * 16, NOON).ended(datetime.max.replace(tzinfo=UTC)) is None
