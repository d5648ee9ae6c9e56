"""The whole matrix: role, purpose, permission, its time, case, part in it, and what the case holds.

Each combination is decided by the gate and by ``expected`` below, which is written as plainly as can be and
shares no code with it. There is no unexpected yes and no unexpected no.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib.resources import files
from itertools import product

from lineament.core.cases import SEARCHABLE, Authorisation, CaseState, Part
from lineament.core.permission import LegalBasis, Permission, Status
from lineament.core.policy import Asked, CaseStanding, Person, Policy, Role, Standing, decide
from lineament.core.policy_file import parse_policy
from lineament.testing import NOON, make_permission

SHIPPED = files("lineament.app") / "policies"
SECOND = timedelta(seconds=1)


def policy() -> Policy:
    """One purpose of each policy that ships: they need nothing, a narrative, consent, an authorisation."""
    taken = [
        ("archive", "archive-research"),
        ("missing-persons", "missing-person"),
        ("likeness", "own-likeness"),
        ("investigation", "serious-offence"),
    ]
    read = {file: parse_policy((SHIPPED / f"{file}.toml").read_text("utf-8")) for file, _ in taken}
    return replace(read["archive"], purposes={name: read[file].purposes[name] for file, name in taken})


# What the four purposes ask for, once more and by hand.
NEEDS_NARRATIVE = {"missing-person", "serious-offence"}
NEEDS_CONSENT = {"own-likeness"}
NEEDS_AUTHORISATION = {"serious-offence"}
NEEDS_A_CASE = {"missing-person", "own-likeness", "serious-offence"}
FITTING_BASIS = {
    "archive-research": LegalBasis.OWN_IMAGES,
    "missing-person": LegalBasis.CONSENT,
    "own-likeness": LegalBasis.CONSENT,
    "serious-offence": LegalBasis.LEGAL_DUTY,
}
UNFIT_BASIS = {
    "archive-research": LegalBasis.LEGAL_DUTY,
    "missing-person": LegalBasis.OWN_IMAGES,
    "own-likeness": LegalBasis.LEGAL_DUTY,
    "serious-offence": LegalBasis.CONSENT,
}

ROLES = [
    frozenset[Role](),
    frozenset({Role.SEARCHER}),
    frozenset({Role.EXAMINER}),
    frozenset({Role.ADMINISTRATOR, Role.AUDITOR}),
    frozenset(Role) - {Role.SEARCHER},
    frozenset(Role),
]
PURPOSES = [*FITTING_BASIS, "curiosity"]
IN_FORCE = [
    "in force",
    "in force from this very moment on",
    "in force without an end",
    "narrowed and in force",
]
PERMISSIONS = [
    *IN_FORCE,
    "none",
    "drafted",
    "withdrawn",
    "ends at this very moment",
    "ended",
    "begins in a second",
    "for another purpose",
    "on another legal basis",
]
AUTHORISATIONS = ["none", "in force for another second", "ends at this very moment"]


@dataclass(frozen=True)
class Place:
    """The case that is named, if one is: where it stands, whose it is, what it holds."""

    reference: str | None
    is_there: bool = True
    state: CaseState = CaseState.OPEN
    part: Part | None = Part.STAFF
    is_for_this: bool = True
    narrative: bool = True
    consent: bool = True
    authorisation: str = "none"


PLACES = [
    Place(None),
    Place("  "),
    Place("K-17", is_there=False),
    *(
        Place("K-17", True, *rest)
        for rest in product(
            CaseState,
            [Part.STAFF, Part.COUNSEL, None],
            [True, False],
            [True, False],
            [True, False],
            AUTHORISATIONS,
        )
    ),
]


def expected(roles: frozenset[Role], purpose: str, permission: str, place: Place, obtained: bool) -> bool:
    """Whether the search may be made, by the words of the documentation."""
    is_in_a_case = place.reference not in {None, "  "}
    return (
        purpose != "curiosity"
        and Role.SEARCHER in roles
        and permission in IN_FORCE
        and (fits(purpose, place, obtained) if is_in_a_case else purpose not in NEEDS_A_CASE)
    )


def fits(purpose: str, place: Place, obtained: bool) -> bool:
    """Whether the case is one in which this may be searched."""
    return (
        place.is_there
        and place.part == Part.STAFF
        and place.state not in {CaseState.CLOSED, CaseState.APPEALED}
        and place.is_for_this
        and obtained
        and (place.narrative or purpose not in NEEDS_NARRATIVE)
        and (place.consent or purpose not in NEEDS_CONSENT)
        and (place.authorisation == "in force for another second" or purpose not in NEEDS_AUTHORISATION)
    )


def permission_of(kind: str, purpose: str) -> Permission | None:
    """The permission that a row of the matrix speaks of."""
    given = replace(make_permission((purpose,)), legal_basis=FITTING_BASIS.get(purpose, LegalBasis.CONSENT))
    return {
        "in force": given,
        "in force from this very moment on": replace(given, valid_from=NOON),
        "in force without an end": replace(given, valid_until=None),
        "narrowed and in force": replace(given, status=Status.NARROWED),
        "none": None,
        "drafted": replace(given, status=Status.DRAFT),
        "withdrawn": replace(given, status=Status.WITHDRAWN),
        "ends at this very moment": replace(given, valid_until=NOON),
        "ended": replace(given, valid_from=NOON - 9 * SECOND, valid_until=NOON - SECOND),
        "begins in a second": replace(given, valid_from=NOON + SECOND),
        "for another purpose": replace(given, purposes=("line-up",)),
        "on another legal basis": replace(given, legal_basis=UNFIT_BASIS.get(purpose, LegalBasis.CONSENT)),
    }[kind]


def asked_of(purpose: str, place: Place, obtained: bool) -> Asked:
    """What is asked for at a place of the matrix."""
    ends = {"in force for another second": NOON + SECOND, "ends at this very moment": NOON}.get(
        place.authorisation
    )
    case = CaseStanding(
        purpose=purpose if place.is_for_this else "own-likeness-elsewhere",
        searchable=place.state in SEARCHABLE,
        is_staff=place.part is Part.STAFF,
        has_narrative=place.narrative,
        authorisation=Authorisation("7 Gs 12/26", "District court", "one search", ends) if ends else None,
        has_consent=place.consent,
    )
    is_known = place.is_there and bool(place.reference and place.reference.strip())
    return Asked(purpose, place.reference, case if is_known else None, "evidence" if obtained else None)


def decided() -> Iterator[tuple[bool, bool, set[str], object]]:
    """What the gate says of each combination, what it should say, its reasons, and the combination."""
    terms = policy()
    people = [(roles, Person("ab" * 16, "somebody", roles)) for roles in ROLES]
    for purpose, place, obtained in product(PURPOSES, PLACES, [True, False]):
        asked = asked_of(purpose, place, obtained)
        for kind in PERMISSIONS:
            standing = [Standing("archive", permission_of(kind, purpose))]
            for roles, who in people:
                decision = decide(terms, who, asked, standing, NOON)
                assert (decision.purpose is None) == bool(decision.reasons)
                reasons = {one.code for one in decision.reasons}
                right = expected(roles, purpose, kind, place, obtained)
                yield decision.purpose is not None, right, reasons, (roles, purpose, kind, place, obtained)


def test_there_is_no_unexpected_yes_and_no_unexpected_no():
    """Of 261,360 combinations 656 are allowed: exactly those that should be."""
    asked = allowed = 0
    seen: set[str] = set()
    for is_allowed, right, reasons, combination in decided():
        assert is_allowed == right, combination
        asked, allowed, seen = asked + 1, allowed + is_allowed, seen | reasons
    assert (asked, allowed) == (261_360, 656)
    assert seen == {
        "unknown-purpose",
        "role-missing",
        "case-missing",
        "case-unknown",
        "case-purpose",
        "case-closed",
        "obtained-missing",
        "narrative-missing",
        "consent-missing",
        "authorisation-missing",
        "authorisation-expired",
        "permission-missing",
        "permission-draft",
        "permission-withdrawn",
        "permission-expired",
        "permission-not-yet",
        "purpose-not-permitted",
        "permission-unfit",
    }


def test_one_collection_that_may_not_be_searched_refuses_them_all():
    """Every pair of permissions, in either order; a person leaves the wrong one out and searches again."""
    terms, who = policy(), Person("ab" * 16, "somebody", frozenset({Role.SEARCHER}))
    yes = 0
    purpose = "archive-research"
    for one, other in product(PERMISSIONS, PERMISSIONS):
        standings = [
            Standing(name, permission_of(kind, purpose)) for name, kind in (("a", one), ("b", other))
        ]
        decision = decide(terms, who, Asked(purpose), standings, NOON)
        right = all(expected(who.roles, purpose, kind, Place(None), True) for kind in (one, other))
        assert (decision.purpose is not None) == right, (one, other)
        yes += right
    assert (len(PERMISSIONS) ** 2, yes) == (144, 16)
