"""The gate decides before anything is computed, and a refusal names everything that is missing."""

from dataclasses import replace
from datetime import datetime, timedelta
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.core.cases import Authorisation
from lineament.core.permission import LegalBasis, Status
from lineament.core.policy import Asked, CaseStanding, Mode, Need, Person, Policy, Role, Standing, decide
from lineament.core.policy_file import parse_policy, understood
from lineament.errors import PolicyInvalid
from lineament.testing import NOON, make_permission

SHIPPED = (files("lineament.app") / "policy.toml").read_text("utf-8")
POLICY = parse_policy(SHIPPED)
SEARCHER = Person("ab" * 16, "somebody", frozenset({Role.SEARCHER}))
OPEN = Standing("archive", make_permission())
MISSING = Standing("missing", make_permission(("missing-person",)))
READY = CaseStanding(
    purpose="missing-person",
    searchable=True,
    is_staff=True,
    has_narrative=True,
    authorisation=None,
    has_consent=False,
)
IN_CASE = Asked("missing-person", "K-17", READY, "given-by-the-family")


def codes(who: Person, asked: Asked, collections: list[Standing], policy: Policy = POLICY) -> list[str]:
    return [reason.code for reason in decide(policy, who, asked, collections, NOON).reasons]


def in_case(**changes: object) -> Asked:
    """What is asked for in a case that has changed."""
    return replace(IN_CASE, case=replace(READY, **changes))  # type: ignore[arg-type]


def needing(*needs: Need) -> Policy:
    """The policy in which a missing person is searched for with these needs."""
    wanted = replace(POLICY.purposes["missing-person"], needs=frozenset(needs))
    return replace(POLICY, purposes={**POLICY.purposes, "missing-person": wanted})


def test_the_policy_that_ships_can_be_read():
    """Both modes are in it; identification has a target, investigation has none; only one needs a case."""
    assert POLICY.purposes["archive-research"].mode is Mode.IDENTIFICATION
    assert POLICY.purposes["archive-research"].target_fpir == 0.01
    assert POLICY.purposes["missing-person"].target_fpir is None
    assert POLICY.purposes["missing-person"].needs == {Need.CASE, Need.NARRATIVE}
    assert [one.needs_case for one in POLICY.purposes.values()] == [False, False, True]
    assert POLICY.version.startswith("sha256:")
    assert POLICY.text == SHIPPED


def test_what_a_policy_does_not_say_has_a_default():
    """Any legal basis, two reviewers, two days, fifty searches."""
    terms = POLICY.purposes["own-likeness"]
    assert terms.legal_bases == frozenset(LegalBasis)
    assert (terms.limit, terms.reviewers, terms.searches_a_day) == (10, 2, 50)
    assert (terms.probe_retention, terms.retention_hours) == (timedelta(hours=48), 48)


def test_a_search_that_fits_is_allowed_with_its_terms():
    """The decision carries the purpose, so that the search cannot run under other terms."""
    decision = decide(POLICY, SEARCHER, Asked("archive-research"), [OPEN], NOON)
    assert decision.reasons == ()
    assert decision.purpose == POLICY.purposes["archive-research"]
    assert decide(POLICY, SEARCHER, IN_CASE, [MISSING], NOON).purpose == POLICY.purposes["missing-person"]


def test_a_refusal_names_everything_that_is_missing_at_once():
    """A person mends it once: role, quota, case, photograph and every collection in one answer."""
    nobody = Person("cd" * 16, "nobody", frozenset())
    ended = Standing("old", make_permission(("missing-person",), NOON - timedelta(9), NOON - timedelta(2)))
    later = Standing("new", make_permission(("missing-person",), NOON + timedelta(1), None))
    without = Standing("bare", None)
    drafted = Standing("draft", replace(make_permission(("missing-person",)), status=Status.DRAFT))
    asked = Asked("missing-person", " ", searches_today=50)
    assert codes(nobody, asked, [OPEN, ended, later, without, drafted]) == [
        "role-missing",
        "quota-reached",
        "case-missing",
        "obtained-missing",
        "purpose-not-permitted",
        "permission-expired",
        "permission-not-yet",
        "permission-missing",
        "permission-draft",
    ]


def test_an_unknown_purpose_and_an_empty_choice_are_refused():
    """The sentence lists the purposes that there are."""
    assert codes(SEARCHER, Asked("curiosity"), [OPEN]) == ["unknown-purpose"]
    assert codes(SEARCHER, Asked("archive-research"), []) == ["collection-missing"]


def test_whoever_has_no_case_is_told_what_it_must_hold():
    """So that it is opened with everything at once."""
    policy = needing(Need.CASE, Need.NARRATIVE, Need.AUTHORISATION, Need.CONSENT)
    asked = Asked("missing-person", None, None, "evidence")
    (reason,) = decide(policy, SEARCHER, asked, [MISSING], NOON).reasons
    assert reason.code == "case-missing"
    assert "a case with a narrative, an authorisation and the consent of the person sought" in reason.sentence
    (bare,) = decide(needing(Need.CASE), SEARCHER, asked, [MISSING], NOON).reasons
    assert "needs a case: open one" in bare.sentence


def test_everything_that_a_case_lacks_is_named_at_once():
    """Purpose, state, photograph and each thing that the purpose needs."""
    policy = needing(*Need)
    lacking = replace(
        in_case(purpose="own-likeness", searchable=False, has_narrative=False, has_consent=False),
        obtained=None,
    )
    assert codes(SEARCHER, lacking, [MISSING], policy) == [
        "case-purpose",
        "case-closed",
        "narrative-missing",
        "consent-missing",
        "authorisation-missing",
        "obtained-missing",
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"is_staff": False}, "case-unknown"),
        ({"purpose": "own-likeness"}, "case-purpose"),
        ({"searchable": False}, "case-closed"),
        ({"has_narrative": False}, "narrative-missing"),
    ],
)
def test_each_thing_that_is_wrong_with_a_case_has_a_code(changes: dict[str, object], code: str):
    """One that nobody told this person about does not differ from one that is not there."""
    assert codes(SEARCHER, in_case(**changes), [MISSING]) == [code]
    assert codes(SEARCHER, replace(IN_CASE, case=None), [MISSING]) == ["case-unknown"]
    assert codes(SEARCHER, replace(IN_CASE, obtained=None), [MISSING]) == ["obtained-missing"]


def test_a_case_of_somebody_else_says_nothing_about_itself():
    """Neither its purpose nor that it is closed."""
    theirs = in_case(is_staff=False, searchable=False, purpose="own-likeness", has_narrative=False)
    assert codes(SEARCHER, theirs, [MISSING]) == ["case-unknown"]


def test_an_authorisation_ends_at_its_last_moment():
    """In force until then, and no longer at it."""
    policy, least = needing(Need.AUTHORISATION), timedelta(microseconds=1)

    def until(end: datetime) -> list[str]:
        given = Authorisation("7 Gs 12/26", "District court", "one search", end)
        return codes(SEARCHER, in_case(authorisation=given), [MISSING], policy)

    assert until(NOON + least) == []
    assert until(NOON) == ["authorisation-expired"]
    assert codes(SEARCHER, IN_CASE, [MISSING], policy) == ["authorisation-missing"]


def test_a_search_for_oneself_needs_consent_where_the_policy_says_so():
    """And is allowed with it."""
    policy = needing(Need.CONSENT)
    assert codes(SEARCHER, IN_CASE, [MISSING], policy) == ["consent-missing"]
    assert codes(SEARCHER, in_case(has_consent=True), [MISSING], policy) == []


def test_the_last_search_of_the_quota_is_allowed_and_the_next_one_is_not():
    """Fifty within 24 hours."""
    assert codes(SEARCHER, Asked("archive-research", searches_today=49), [OPEN]) == []
    assert codes(SEARCHER, Asked("archive-research", searches_today=50), [OPEN]) == ["quota-reached"]


def test_a_purpose_that_needs_no_case_checks_the_one_that_is_given():
    """Whoever names a case searches in it, by its rules."""
    asked = Asked("archive-research", "K-17", replace(READY, purpose="archive-research"), "from-an-archive")
    assert codes(SEARCHER, asked, [OPEN]) == []
    assert codes(SEARCHER, replace(asked, case=READY), [OPEN]) == ["case-purpose"]
    assert codes(SEARCHER, replace(asked, case=None), [OPEN]) == ["case-unknown"]


def test_a_permission_on_another_legal_basis_does_not_fit():
    """Although it allows the purpose by its name."""
    consent_only = replace(
        POLICY.purposes["archive-research"],
        legal_bases=frozenset({LegalBasis.CONSENT, LegalBasis.LEGAL_DUTY}),
    )
    policy = replace(POLICY, purposes={"archive-research": consent_only})
    consented = Standing("archive", replace(make_permission(), legal_basis=LegalBasis.CONSENT))
    assert codes(SEARCHER, Asked("archive-research"), [OPEN], policy) == ["permission-unfit"]
    assert codes(SEARCHER, Asked("archive-research"), [consented], policy) == []


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
    asked = Asked(purpose, case, replace(READY, purpose=purpose) if case else None, "published")
    decision = decide(POLICY, who, asked, [standing], NOON + timedelta(days=days))
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
        ("target_fpir = 0.01", "target_fpir = nan", "between 0 and 1"),
        ("target_fpir = 0.01", "", "'archive-research' has no 'target_fpir'"),
        (
            'mode = "investigation"',
            'mode = "investigation"\ntarget_fpir = 0.1',
            "only identification mode has",
        ),
        ("limit = 10", "limit = 500", "'limit' of the purpose 'archive-research' must lie between 1 and 50"),
        ("limit = 10", "limit = 'ten'", "must be a whole number"),
        ("limit = 10", "limit = true", "must be a whole number"),
        ("reviewers = 2", "reviewers = 1", "'reviewers' of .* between 2 and 3"),
        ("probe_retention_hours = 48", "probe_retention_hours = 9000", "between 0 and 8784"),
        ("searches_a_day = 50", "searches_a_day = 0", "between 1 and 100000"),
        ("needs = []", 'needs = ["luck"]', "'needs' of the purpose 'archive-research' has 'luck'"),
        ("needs = []", "needs = 3", "'needs' of the purpose 'archive-research' must be a list"),
        ("needs = []", "needs = []\nspeed = 3", "not known here: 'speed'"),
        ("needs = []", "needs = []\nlegal_bases = []", "fits no permission"),
        ("needs = []", "needs = []\nlegal_bases = ['luck']", "'legal_bases' of .* has 'luck'"),
        ('roles = ["searcher"]', 'roles = ["king"]', "'roles' of the purpose 'archive-research' has 'king'"),
        ('roles = ["searcher"]', "roles = [['searcher']]", "must be one of"),
        ('roles = ["searcher"]', "roles = []", "is for nobody"),
        ('mode = "identification"', 'mode = "guess"', "has 'guess'; it must be one of"),
        ('title = "Archive research"', 'title = " "', "must be plain text that is not empty"),
        ("[purposes.archive-research]", "[purposes.unknown]", "not in the policy"),
        ("[purposes.archive-research]", "[purposes.line-up]", "besides searches"),
    ],
)
def test_a_wrong_policy_is_refused_with_a_sentence(old: str, new: str, said: str):
    """A policy that is not understood allows nothing."""
    assert old in SHIPPED
    with pytest.raises(PolicyInvalid, match=said):
        parse_policy(SHIPPED.replace(old, new))


@pytest.mark.parametrize(
    "text", ["", "= nothing", "[purposes]", "[other]", "purposes = 3", "a" * 99 + "=[" * 9999]
)
def test_a_policy_without_a_purpose_is_refused(text: str):
    """An empty or foreign file is no policy."""
    with pytest.raises(PolicyInvalid):
        parse_policy(text)
    assert understood(text) is None


@given(st.text(max_size=400) | st.binary(max_size=400).map(lambda data: data.decode("utf-8", "replace")))
def test_no_text_breaks_the_reader(text: str):
    """Whatever it is, it is a policy or PolicyInvalid."""
    try:
        assert parse_policy(text).purposes
    except PolicyInvalid:
        assert understood(text) is None


def test_the_policy_in_force_is_read_as_it_was_kept():
    """The same digest from the same text; nothing from no text."""
    assert understood(POLICY.text) == POLICY
    assert understood(None) is None
