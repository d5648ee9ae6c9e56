"""The policy and the people, over HTTP."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from lineament import errors
from lineament.api.access import Administrator, Served, SignedIn
from lineament.api.documented import problems
from lineament.app import people, policies
from lineament.app.policies import Waiting
from lineament.core.policy import Person, Policy, Purpose, Role
from lineament.records.policies import Approval

router = APIRouter(prefix="/api/v1")


class TermsOut(BaseModel):
    """A purpose with its terms, and the same in sentences. A retention is hours."""

    name: str
    title: str
    explanation: str
    roles: list[str]
    needs: list[str]
    legal_bases: list[str]
    mode: str
    limit: int
    target_fpir: float | None
    reviewers: int
    probe_retention_hours: int
    searches_a_day: int
    in_words: list[str]


class ApprovalOut(BaseModel):
    """Which administrator approved a policy, and when."""

    who: str
    name: str
    at: str


class WaitingOut(BaseModel):
    """A policy that is offered and not in force.

    ``widenings`` says what lets more through than before. ``needs_approval`` is false where nothing does or
    enough administrators approved it: then it is in force once Lineament is started again.
    """

    version: str
    widenings: list[str]
    differences: list[str]
    approvals: list[ApprovalOut]
    needs_approval: bool


class PolicyOut(BaseModel):
    """The policy in force, and the one that waits, if there is any."""

    version: str
    purposes: list[TermsOut]
    waiting: WaitingOut | None


class Approve(BaseModel):
    """Which policy is approved: the ``version`` of the one that waits, as it was read."""

    version: str = Field(max_length=100)


class PersonOut(BaseModel):
    """Somebody who may sign in, and what they may do."""

    id: str
    name: str
    roles: list[str]


class NewPerson(BaseModel):
    """Somebody to add."""

    name: str = Field(max_length=people.NAME_LENGTH_MAX)
    roles: list[Role]


@router.get("/policy", responses=problems())
def show_policy(served: Served, _who: SignedIn) -> PolicyOut:
    """Return the policy in force, and what waits for approval."""
    return _policy_out(served.policy, policies.waiting(served))


@router.post(
    "/policy/approvals", status_code=201, responses=problems(errors.RoleMissing, errors.PolicyNotFound)
)
def approve(served: Served, who: Administrator, wanted: Approve) -> PolicyOut:
    """Approve the policy that waits."""
    return _policy_out(served.policy, policies.approve(served, who, wanted.version))


@router.get("/people", responses=problems(errors.RoleMissing))
def list_people(served: Served, who: Administrator) -> list[PersonOut]:
    """List the people and their roles."""
    return [_person_out(one) for one in people.everybody(served, who)]


@router.post("/people", status_code=201, responses=problems(errors.RoleMissing, errors.PersonExists))
def add_person(served: Served, who: Administrator, new: NewPerson) -> PersonOut:
    """Add somebody. `lineament sign-in --as NAME` and the page of people make links for them."""
    return _person_out(people.add(served, who, new.name, new.roles))


def _policy_out(policy: Policy, waiting: Waiting | None) -> PolicyOut:
    return PolicyOut(
        version=policy.version,
        purposes=[_terms_out(one) for one in policy.purposes.values()],
        waiting=_waiting_out(waiting) if waiting else None,
    )


def _terms_out(purpose: Purpose) -> TermsOut:
    return TermsOut(
        name=purpose.name,
        title=purpose.title,
        explanation=purpose.explanation,
        roles=sorted(purpose.roles),
        needs=sorted(purpose.needs),
        legal_bases=sorted(purpose.legal_bases),
        mode=purpose.mode,
        limit=purpose.limit,
        target_fpir=purpose.target_fpir,
        reviewers=purpose.reviewers,
        probe_retention_hours=purpose.retention_hours,
        searches_a_day=purpose.searches_a_day,
        in_words=policies.explain(purpose),
    )


def _waiting_out(waiting: Waiting) -> WaitingOut:
    return WaitingOut(
        version=waiting.policy.version,
        widenings=waiting.widenings,
        differences=waiting.differences,
        approvals=[_approval_out(one) for one in waiting.approvals],
        needs_approval=waiting.needs_approval,
    )


def _approval_out(approval: Approval) -> ApprovalOut:
    return ApprovalOut(who=approval.who.id, name=approval.who.name, at=approval.at)


def _person_out(person: Person) -> PersonOut:
    return PersonOut(id=person.id, name=person.name, roles=sorted(person.roles))
