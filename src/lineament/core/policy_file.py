"""The policy file: one readable TOML file that lists every purpose and its terms."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, TypeVar

from lineament.core.permission import BESIDES_SEARCHES, LegalBasis
from lineament.core.policy import UNKNOWN_PURPOSE, Mode, Need, Policy, Purpose, Role
from lineament.core.words import is_plain, plain
from lineament.errors import PolicyInvalid

LIST_LIMIT_MAX = 50  # longer lists give more false alarms and fewer finds (Heyer et al. 2018)
REVIEWERS_MAX = 3
PROBE_RETENTION_HOURS_MAX = 24 * 366
SEARCHES_A_DAY_MAX = 100_000
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


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
    return Policy(purposes, "sha256:" + sha256(text.encode()).hexdigest(), text)


def understood(text: str | None) -> Policy | None:
    """Return the policy with this text; None without one, or where it was written for another version."""
    try:
        return None if text is None else parse_policy(text)
    except PolicyInvalid:
        return None


FIELDS: dict[str, tuple[type, str]] = {
    "title": (str, "a text"),
    "explanation": (str, "a text"),
    "roles": (list, "a list"),
    "needs": (list, "a list"),
    "legal_bases": (list, "a list"),
    "mode": (str, "a text"),
    "target_fpir": (float, "a number such as 0.01"),
    "limit": (int, "a whole number"),
    "reviewers": (int, "a whole number"),
    "probe_retention_hours": (int, "a whole number"),
    "searches_a_day": (int, "a whole number"),
}
DEFAULTS: dict[str, Any] = {
    "needs": [],
    "legal_bases": list(LegalBasis),
    "limit": 10,
    "reviewers": 2,
    "probe_retention_hours": 48,
    "searches_a_day": 50,
}
BOUNDS = {
    "limit": (1, LIST_LIMIT_MAX),
    "reviewers": (2, REVIEWERS_MAX),
    "probe_retention_hours": (0, PROBE_RETENTION_HOURS_MAX),
    "searches_a_day": (1, SEARCHES_A_DAY_MAX),
}


def _purpose(name: str, fields: Any) -> Purpose:
    _check_name(name)
    if not isinstance(fields, dict):
        raise PolicyInvalid(f"'{name}' must be a table: [purposes.{name}].")
    fields = DEFAULTS | fields
    _check_fields(name, fields)
    return Purpose(
        name=name,
        title=fields["title"],
        explanation=fields["explanation"],
        roles=frozenset(_choice(Role, one, name, "roles") for one in fields["roles"]),
        needs=frozenset(_choice(Need, one, name, "needs") for one in fields["needs"]),
        legal_bases=frozenset(_choice(LegalBasis, one, name, "legal_bases") for one in fields["legal_bases"]),
        mode=_choice(Mode, fields["mode"], name, "mode"),
        limit=fields["limit"],
        target_fpir=fields.get("target_fpir"),
        reviewers=fields["reviewers"],
        probe_retention=timedelta(hours=fields["probe_retention_hours"]),
        searches_a_day=fields["searches_a_day"],
    )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise PolicyInvalid(
            f"'{plain(name)}' is no name for a purpose: use at most 40 small letters, digits and hyphens."
        )
    if name == UNKNOWN_PURPOSE:
        raise PolicyInvalid(f"'{name}' is what the record says of a purpose that is not in the policy.")
    if name in BESIDES_SEARCHES:
        raise PolicyInvalid(f"'{name}' is what a permission allows besides searches, and no purpose of one.")


def _check_fields(name: str, fields: Mapping[str, Any]) -> None:
    """Raise PolicyInvalid unless each field is there, known, of its type and within its bounds."""
    for field in sorted(fields.keys() - FIELDS.keys()):
        raise PolicyInvalid(f"The purpose '{name}' has a field that is not known here: '{plain(field)}'.")
    identification = "mode" in fields and _choice(Mode, fields["mode"], name, "mode") is Mode.IDENTIFICATION
    needed = FIELDS.keys() - (set() if identification else {"target_fpir"})
    for field, (kind, words) in FIELDS.items():
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
    if not fields["legal_bases"]:
        raise PolicyInvalid(f"The purpose '{name}' fits no permission: its 'legal_bases' are empty.")
    for field, (least, most) in BOUNDS.items():
        if not least <= fields[field] <= most:
            raise PolicyInvalid(f"'{field}' of the purpose '{name}' must lie between {least} and {most}.")


_Choice = TypeVar("_Choice", bound=StrEnum)


def _choice(kind: type[_Choice], value: Any, purpose: str, field: str) -> _Choice:
    if value not in list(kind):
        known = f"it must be one of: {', '.join(kind)}"
        raise PolicyInvalid(f"'{field}' of the purpose '{purpose}' has '{plain(str(value))}'; {known}.")
    return kind(value)
