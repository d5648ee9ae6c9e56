"""The policy in force, what waits for approval, and the people."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from lineament.api.access import Administrator, Served, SignedIn
from lineament.app import people, policies
from lineament.core.policy import Person, Role
from lineament.web.render import page

ROLES = {
    Role.CURATOR: "takes photographs into collections and out of them",
    Role.SEARCHER: "searches, opens cases and works on them",
    Role.EXAMINER: "compares faces, also without knowing whose they are",
    Role.ADMINISTRATOR: "approves policies and adds people",
    Role.AUDITOR: "reads every case",
    Role.COUNSEL: "reads the cases that they were given, for one of the sides",
    Role.EXPERT: "reads the cases that they were given, on neither side",
}

router = APIRouter(include_in_schema=False)


@router.get("/policy")
def policy_page(request: Request, served: Served, who: SignedIn) -> Response:
    """Show in plain words for what may be searched here, and what of it is about to change."""
    waiting = policies.waiting(served)
    offered = waiting.policy.purposes if waiting else {}
    there = served.policy.purposes
    return page(
        request,
        "policy.html",
        policy=served.policy,
        purposes=[(one, policies.explain(one)) for one in there.values()],
        waiting=waiting,
        new=[(one, policies.explain(one)) for name, one in offered.items() if name not in there],
        approvers=policies.APPROVERS,
        has_approved=waiting is not None and any(one.who.id == who.id for one in waiting.approvals),
        is_administrator=Role.ADMINISTRATOR in who.roles,
    )


@router.post("/policy/approve")
def approve(served: Served, who: Administrator, version: Annotated[str, Form(max_length=100)]) -> Response:
    """Approve the policy that waits."""
    policies.approve(served, who, version)
    return RedirectResponse("/policy", 303)


@router.get("/people")
def people_page(request: Request, served: Served, who: Administrator) -> Response:
    """Show who there is, and what each of them may do."""
    return _people_page(request, served, who)


@router.post("/people")
def add_person(
    served: Served,
    who: Administrator,
    name: Annotated[str, Form(max_length=people.NAME_LENGTH_MAX)],
    role: Annotated[list[Role] | None, Form()] = None,
) -> Response:
    """Add somebody."""
    new = people.add(served, who, name, role or [])
    return RedirectResponse(f"/people#{new.id}", 303)


@router.post("/people/{person_id}/roles")
def set_roles(
    served: Served, who: Administrator, person_id: str, role: Annotated[list[Role] | None, Form()] = None
) -> Response:
    """Give somebody exactly the roles that are ticked."""
    people.set_roles(served, who, person_id, role or [])
    return RedirectResponse(f"/people#{person_id}", 303)


@router.post("/people/{person_id}/link")
def make_link(request: Request, served: Served, who: Administrator, person_id: str) -> Response:
    """Show a one-time sign-in link for somebody. It stands on this answer alone, and at no address."""
    secret = people.link_secret(served, who, person_id)
    link = f"{str(request.base_url).rstrip('/')}/sign-in/{secret}"
    return _people_page(request, served, who, link_for=people.find(served, person_id), link=link)


def _people_page(
    request: Request,
    served: Served,
    who: Person,
    link_for: Person | None = None,
    link: str | None = None,
) -> Response:
    everybody = people.everybody(served, who)
    administrators = sum(Role.ADMINISTRATOR in one.roles for one in everybody)
    return page(
        request,
        "people.html",
        people=everybody,
        roles=ROLES,
        only_administrator=who if administrators == 1 else None,
        name_length=people.NAME_LENGTH_MAX,
        link_for=link_for,
        link=link,
    )
