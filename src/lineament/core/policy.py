"""The policy gate: whether this person may search these collections for this purpose, now.

``decide`` is pure and is called before any pixel is decoded. A refusal names everything that is missing, so
that a person mends it once and not five times.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, TypeVar

from lineament.core.permission import Permission, PermissionState
from lineament.core.words import is_plain, plain
from lineament.errors import PolicyInvalid

LIST_LIMIT_MAX = 50  # longer lists give more false alarms and fewer finds (Heyer et al. 2018)
UNKNOWN_PURPOSE = "unknown"  # what the record says of a purpose that the policy does not have
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


class Mode(StrEnum):
    """How a candidate list is cut (NIST FRTE 1:N)."""

    IDENTIFICATION = "identification"
    INVESTIGATION = "investigation"


class Role(StrEnum):
    """What a person may do."""

    CURATOR = "curator"
    SEARCHER = "searcher"


@dataclass(frozen=True)
class Purpose:
    """One reason for searching, with its terms.

    ``target_fpir`` is the share of non-mated searches that may return a false candidate, in (0, 1), and is
    None in investigation mode. ``limit`` is the longest candidate list.
    """

    name: str
    title: str
    explanation: str
    roles: frozenset[Role]
    mode: Mode
    limit: int
    target_fpir: float | None
    needs_case: bool


@dataclass(frozen=True)
class Policy:
    """Every purpose there is. ``version`` is 'sha256:' and the digest of the file's text."""

    purposes: Mapping[str, Purpose]
    version: str


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in. ``id`` is random; names stay out of the ledger."""

    id: str
    name: str
    roles: frozenset[Role]


@dataclass(frozen=True)
class Standing:
    """A collection as the gate sees it: its name and its newest permission, if any was recorded."""

    collection: str
    permission: Permission | None


@dataclass(frozen=True)
class Reason:
    """One thing that stands against a search: a stable code and a sentence."""

    code: str
    sentence: str


@dataclass(frozen=True)
class Decision:
    """The gate's answer: the purpose whose terms apply, or None and every reason against it."""

    purpose: Purpose | None
    reasons: tuple[Reason, ...]


def decide(
    policy: Policy,
    who: Person,
    purpose: str,
    case: str | None,
    collections: Sequence[Standing],
    now: datetime,
) -> Decision:
    """Decide on one search. Computes nothing about any photograph; ``now`` is UTC."""
    terms = policy.purposes.get(purpose)
    if terms is None:
        known = ", ".join(sorted(policy.purposes))
        return Decision(
            None, (Reason("unknown-purpose", f"The policy has no such purpose. The purposes are: {known}."),)
        )
    reasons = []
    if not who.roles & terms.roles:
        needed = " or ".join(sorted(terms.roles))
        reasons.append(Reason("role-missing", f"The purpose '{purpose}' is for the role {needed}."))
    if terms.needs_case and not (case and case.strip()):
        reasons.append(Reason("case-missing", f"The purpose '{purpose}' needs a case reference."))
    if not collections:
        reasons.append(
            Reason(
                "collection-missing", "Choose at least one collection whose permission allows this purpose."
            )
        )
    for standing in collections:
        reasons += _standing_reasons(standing, purpose, now)
    return Decision(terms if not reasons else None, tuple(reasons))


_NOT_IN_FORCE = {
    PermissionState.DRAFT: "permission-draft",
    PermissionState.NOT_YET: "permission-not-yet",
    PermissionState.EXPIRED: "permission-expired",
    PermissionState.WITHDRAWN: "permission-withdrawn",
}


def _standing_reasons(standing: Standing, purpose: str, now: datetime) -> list[Reason]:
    name, permission = standing.collection, standing.permission
    if permission is None:
        return [Reason("permission-missing", f"No permission is recorded for '{name}'.")]
    if not permission.in_force(now):
        code = _NOT_IN_FORCE[permission.state(now)]
        return [Reason(code, f"The permission for '{name}' is {permission.standing(now)}.")]
    if purpose not in permission.purposes:
        allowed = ", ".join(permission.purposes)
        return [
            Reason(
                "purpose-not-permitted",
                f"The permission for '{name}' does not allow '{purpose}'; it allows: {allowed}.",
            )
        ]
    return []


def parse_policy(text: str) -> Policy:
    """Read a policy file (TOML). Raises PolicyInvalid that names the purpose and the field."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise PolicyInvalid(f"The policy file is not valid TOML: {error}.") from error
    if document.keys() != {"purposes"} or not isinstance(document["purposes"], dict):
        raise PolicyInvalid("The policy file must hold [purposes.NAME] tables and nothing else.")
    purposes = {name: _purpose(name, fields) for name, fields in document["purposes"].items()}
    if not purposes:
        raise PolicyInvalid("The policy file has no purpose, so no search would be allowed.")
    return Policy(purposes, "sha256:" + sha256(text.encode()).hexdigest())


_FIELDS: dict[str, tuple[type, str]] = {
    "title": (str, "a text"),
    "explanation": (str, "a text"),
    "roles": (list, "a list"),
    "mode": (str, "a text"),
    "limit": (int, "a whole number"),
    "target_fpir": (float, "a number such as 0.01"),
    "needs_case": (bool, "true or false"),
}


def _purpose(name: str, fields: Any) -> Purpose:
    _check_name(name)
    if not isinstance(fields, dict):
        raise PolicyInvalid(f"'{name}' must be a table: [purposes.{name}].")
    _check_fields(name, fields)
    return Purpose(
        name=name,
        title=fields["title"],
        explanation=fields["explanation"],
        roles=frozenset(_choice(Role, one, name) for one in fields["roles"]),
        mode=_choice(Mode, fields["mode"], name),
        limit=fields["limit"],
        target_fpir=fields.get("target_fpir"),
        needs_case=fields["needs_case"],
    )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise PolicyInvalid(
            f"'{plain(name)}' is no name for a purpose: use at most 40 small letters, digits and hyphens."
        )
    if name == UNKNOWN_PURPOSE:
        raise PolicyInvalid(f"'{name}' is what the record says of a purpose that is not in the policy.")


def _check_fields(name: str, fields: Mapping[str, Any]) -> None:
    """Raise PolicyInvalid unless each field is there, known, of its type and within its bounds."""
    for field in sorted(fields.keys() - _FIELDS.keys()):
        raise PolicyInvalid(f"The purpose '{name}' has a field that is not known here: '{plain(field)}'.")
    identification = "mode" in fields and _choice(Mode, fields["mode"], name) is Mode.IDENTIFICATION
    needed = _FIELDS.keys() - (set() if identification else {"target_fpir"})
    for field, (kind, words) in _FIELDS.items():
        if field not in fields and field in needed:
            raise PolicyInvalid(f"The purpose '{name}' has no '{field}'.")
        if field in fields and type(fields[field]) is not kind:
            raise PolicyInvalid(f"'{field}' of the purpose '{name}' must be {words}.")
        if kind is str and (not fields[field].strip() or not is_plain(fields[field])):
            raise PolicyInvalid(f"'{field}' of the purpose '{name}' must be plain text that is not empty.")
    if not fields["roles"]:
        raise PolicyInvalid(f"The purpose '{name}' is for nobody: its 'roles' are empty.")
    if not identification and "target_fpir" in fields:
        raise PolicyInvalid(f"The purpose '{name}' has a 'target_fpir', which only identification mode has.")
    if identification and not 0 < fields["target_fpir"] < 1:
        raise PolicyInvalid(f"'target_fpir' of the purpose '{name}' must lie between 0 and 1.")
    if not 1 <= fields["limit"] <= LIST_LIMIT_MAX:
        raise PolicyInvalid(f"'limit' of the purpose '{name}' must lie between 1 and {LIST_LIMIT_MAX}.")


_Choice = TypeVar("_Choice", bound=StrEnum)


def _choice(kind: type[_Choice], value: Any, purpose: str) -> _Choice:
    if value not in list(kind):
        said = plain(str(value))
        raise PolicyInvalid(f"The purpose '{purpose}' has '{said}'; it must be one of: {', '.join(kind)}.")
    return kind(value)
