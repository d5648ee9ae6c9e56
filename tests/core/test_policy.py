"""The gate decides before anything is computed, and a refusal names everything that is missing."""

from datetime import timedelta
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.core.policy import Mode, Person, Role, Standing, decide, parse_policy
from lineament.errors import PolicyInvalid
from lineament.testing import NOON, make_permission

SHIPPED = (files("lineament.app") / "policy.toml").read_text("utf-8")
POLICY = parse_policy(SHIPPED)
SEARCHER = Person("ab" * 16, "somebody", frozenset({Role.SEARCHER}))
OPEN = Standing("archive", make_permission())


def codes(*args: object) -> list[str]:
    return [reason.code for reason in decide(POLICY, *args, NOON).reasons]  # type: ignore[arg-type]


def test_the_policy_that_ships_can_be_read():
    """Both modes are in it; identification has a target, investigation has none."""
    assert POLICY.purposes["archive-research"].mode is Mode.IDENTIFICATION
    assert POLICY.purposes["archive-research"].target_fpir == 0.01
    assert POLICY.purposes["missing-person"].target_fpir is None
    assert POLICY.version.startswith("sha256:")


def test_a_search_that_fits_is_allowed_with_its_terms():
    """The decision carries the purpose, so that the search cannot run under other terms."""
    decision = decide(POLICY, SEARCHER, "archive-research", None, [OPEN], NOON)
    assert decision.reasons == ()
    assert decision.purpose == POLICY.purposes["archive-research"]


def test_a_refusal_names_everything_that_is_missing_at_once():
    """A person mends it once: role, case and every collection in one answer."""
    nobody = Person("cd" * 16, "nobody", frozenset())
    ended = Standing("old", make_permission(("missing-person",), NOON - timedelta(9), NOON - timedelta(2)))
    later = Standing("new", make_permission(("missing-person",), NOON + timedelta(1), None))
    without = Standing("bare", None)
    assert codes(nobody, "missing-person", " ", [OPEN, ended, later, without]) == [
        "role-missing",
        "case-missing",
        "purpose-not-permitted",
        "permission-expired",
        "permission-not-yet",
        "permission-missing",
    ]


def test_an_unknown_purpose_and_an_empty_choice_are_refused():
    """The sentence lists the purposes that there are."""
    assert codes(SEARCHER, "curiosity", None, [OPEN]) == ["unknown-purpose"]
    assert codes(SEARCHER, "archive-research", None, []) == ["collection-missing"]


@given(
    roles=st.frozensets(st.sampled_from(Role)),
    purpose=st.sampled_from([*POLICY.purposes, "curiosity"]),
    case=st.sampled_from([None, "", "K-17"]),
    purposes=st.lists(st.sampled_from(sorted(POLICY.purposes)), min_size=1),
    days=st.integers(-3, 3),
)
def test_no_combination_slips_past_a_condition(
    roles: frozenset[Role], purpose: str, case: str | None, purposes: list[str], days: int
):
    """Allowed is exactly: known purpose, role, case where needed, permission in force for it."""
    standing = Standing("one", make_permission(tuple(purposes), NOON, NOON + timedelta(days=1)))
    who = Person("ef" * 16, "x", roles)
    decision = decide(POLICY, who, purpose, case, [standing], NOON + timedelta(days=days))
    terms = POLICY.purposes.get(purpose)
    expected = (
        terms is not None
        and Role.SEARCHER in roles
        and (bool(case) or not terms.needs_case)
        and purpose in purposes
        and days == 0
    )
    assert (not decision.reasons) == expected
    assert (decision.purpose is not None) == expected


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[purposes.archive-research]", "[purposes.Archive]", "no name for a purpose"),
        ("target_fpir = 0.01", "target_fpir = 7.0", "between 0 and 1"),
        ("target_fpir = 0.01", "", "has no 'target_fpir'"),
        ("limit = 10", "limit = 500", "between 1 and 50"),
        ("limit = 10", "limit = 'ten'", "must be a whole number"),
        ('mode = "investigation"', 'mode = "guess"', "must be one of"),
        ("needs_case = false", "needs_case = false\nspeed = 3", "not known here: 'speed'"),
        ('roles = ["searcher"]', 'roles = ["king"]', "must be one of"),
        ('roles = ["searcher"]', "roles = []", "is for nobody"),
        ('mode = "identification"', 'mode = "guess"', "has 'guess'; it must be one of"),
        ('title = "Archive research"', 'title = " "', "must be plain text that is not empty"),
        ("[purposes.archive-research]", "[purposes.unknown]", "not in the policy"),
    ],
)
def test_a_wrong_policy_is_refused_with_a_sentence(old: str, new: str, said: str):
    """A policy that is not understood allows nothing."""
    with pytest.raises(PolicyInvalid, match=said):
        parse_policy(SHIPPED.replace(old, new))


@pytest.mark.parametrize("text", ["", "= nothing", "[purposes]", "[other]"])
def test_a_policy_without_a_purpose_is_refused(text: str):
    """An empty or foreign file is no policy."""
    with pytest.raises(PolicyInvalid):
        parse_policy(text)
