"""A permission says who allows what, from when to when, and is read from a file that people write."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.core.permission import LegalBasis, PermissionState, parse_permission
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


def test_a_good_file_is_read_with_its_times_in_utc():
    """Dates mean midnight in UTC; a time keeps its moment."""
    permission = parse_permission(GOOD, lambda name: {"deed.txt": "0" * 64}[name])
    assert permission.legal_basis is LegalBasis.OWN_IMAGES
    assert permission.valid_from == datetime(2026, 1, 1, tzinfo=UTC)
    assert permission.valid_until == datetime(2027, 1, 1, 11, tzinfo=UTC)
    assert permission.evidence_sha256 == "0" * 64


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
    ],
)
def test_a_wrong_file_is_refused_with_a_sentence_that_names_the_field(wrong: str, said: str):
    """Whoever wrote the file learns which line to mend."""
    with pytest.raises(PermissionInvalid, match=said):
        parse_permission(wrong, lambda _name: "0" * 64)


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
