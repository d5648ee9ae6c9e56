"""Policies: which one is in force, what waits for approval, and what each of them says in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from lineament.app.installation import Installation, require
from lineament.app.journal import act
from lineament.core.permission import LegalBasis
from lineament.core.policy import Mode, Need, Person, Policy, Purpose, Role
from lineament.core.policy_change import differences, kept, strangers, widenings
from lineament.core.policy_file import parse_policy, understood
from lineament.core.times import iso
from lineament.core.words import counted, listed
from lineament.errors import PolicyNotFound
from lineament.records import policies
from lineament.records.policies import Approval
from lineament.records.store import Records

APPROVERS = 2  # administrators who must approve a policy that lets more through
SHIPPED = ("archive", "investigation", "likeness", "missing-persons")


@dataclass(frozen=True)
class Waiting:
    """A policy that is offered and not in force: what it changes, and which administrators approved it."""

    policy: Policy
    widenings: list[str]
    differences: list[str]
    approvals: list[Approval]

    @property
    def narrowings(self) -> list[str]:
        """What is different and lets no more through."""
        return [one for one in self.differences if one not in self.widenings]

    @property
    def needs_approval(self) -> bool:
        """Whether somebody has to approve it; if not, it is in force once Lineament is started again."""
        return bool(self.widenings) and len(self.approvals) < APPROVERS


def in_force(records: Records, offered: Policy, now: datetime) -> Policy:
    """Return the policy that counts from now on, when ``offered`` is the one that lies in the data folder.

    That is ``offered``, unless it lets more through than the one in force and fewer than two administrators
    have approved it. Before the first act it is in force at once. ``now`` is UTC.
    """
    with records.read() as tx:
        is_new = policies.offered(tx) != offered.version
    if is_new:
        with records.write() as tx:
            policies.offer(tx, offered, iso(now))
    with records.read() as tx:
        current = understood(policies.text(tx, policies.in_force(tx)))
        if current is None:
            return offered
        waits = compare(current, offered, policies.approvals(tx, offered.version, current.version))
    return current if waits.needs_approval else offered


def compare(before: Policy, offered: Policy, approvals: Sequence[Approval] = ()) -> Waiting:
    """Return what ``offered`` changes where ``before`` is in force."""
    return Waiting(offered, widenings(before, offered), differences(before, offered), list(approvals))


def waiting(installation: Installation) -> Waiting | None:
    """Return the policy that is offered while another one is in force, if there is any."""
    with installation.records.read() as tx:
        offered = understood(policies.text(tx, policies.offered(tx)))
        if offered is None or offered.version == installation.policy.version:
            return None
        approvals = policies.approvals(tx, offered.version, installation.policy.version)
    return compare(installation.policy, offered, approvals)


def approve(installation: Installation, who: Person, digest: str) -> Waiting:
    """Approve the policy that waits, after the one in force. Whoever did so before changes nothing.

    ``digest`` says that it is the one that the person has read. Raises RoleMissing and PolicyNotFound.
    """
    require(who, Role.ADMINISTRATOR)
    offered = waiting(installation)
    if offered is None or not offered.widenings or offered.policy.version != digest:
        raise PolicyNotFound("No policy with this digest waits for approval.")
    before, now = installation.policy.version, iso(installation.clock())
    with act(installation) as doing:
        if policies.offered(doing.tx) != digest:
            raise PolicyNotFound("Another policy was offered meanwhile.")
        if policies.approve(doing.tx, digest, before, who.id, now):
            doing.record("policy.approved", at=now, who=who.id, policy=digest)
        return compare(installation.policy, offered.policy, policies.approvals(doing.tx, digest, before))


def shipped(name: str) -> str:
    """Return the text of a policy that ships. Raises PolicyNotFound."""
    if name not in SHIPPED:
        raise PolicyNotFound(f"No policy of this name ships with Lineament. There are: {listed(SHIPPED)}.")
    return (files("lineament.app") / "policies" / f"{name}.toml").read_text("utf-8")


def default() -> Policy:
    """Return the policy that is used where the data folder has none."""
    return parse_policy((files("lineament.app") / "policy.toml").read_text("utf-8"))


def explain(purpose: Purpose) -> list[str]:
    """Return the terms of a purpose in sentences."""
    shows = "shows" if purpose.mode is Mode.INVESTIGATION else "shows at most"
    many = counted(purpose.limit, "candidate")
    return [
        f"It is for the role {listed(sorted(purpose.roles), 'or')}.",
        _needed(purpose),
        _fits(purpose),
        f"A search {shows} {many}: {_cut(purpose)}",
        f"{purpose.reviewers} examiners must agree before a candidate is a lead.",
        f"Searched photographs are kept for {kept(purpose.probe_retention)} after the case has closed"
        f"{'' if purpose.needs_case else ', or after a search without a case'}.",
        f"Each person may search for it at most {counted(purpose.searches_a_day, 'time')} within 24 hours.",
    ]


_NEEDED = {
    Need.NARRATIVE: "a narrative that says why",
    Need.AUTHORISATION: "an authorisation with its number, issuer, scope and expiry",
    Need.CONSENT: "the consent of the person whose face is searched",
}


def _needed(purpose: Purpose) -> str:
    if not purpose.needs_case:
        return "It can be searched for without a case."
    held = [words for need, words in _NEEDED.items() if need in purpose.needs]
    holding = f" that holds {listed(held)}" if held else ""
    return f"It is searched for only in a case{holding}."


def _fits(purpose: Purpose) -> str:
    if purpose.legal_bases == frozenset(LegalBasis):
        return "It fits collections under a permission on any legal basis, if the permission allows it."
    bases = listed([one.replace("-", " ") for one in sorted(purpose.legal_bases)], "or")
    return f"It fits collections under a permission that allows it on the legal basis of {bases}."


def _cut(purpose: Purpose) -> str:
    if purpose.target_fpir is None:
        return "those that are nearest, whether or not the person is there."
    return (
        f"those that pass a threshold, and often none. About {strangers(purpose.target_fpir)} searches for "
        "somebody who is not there shows a false candidate."
    )
