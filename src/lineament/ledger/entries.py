"""Entries: what the log says. Canonical JSON (RFC 8785) with ``v``, ``kind`` and exactly that kind's fields.

The types below are all there are, and none holds free text: a name, an address or a remark has no field to go
into. What must be provable without being readable goes in as a salted commitment.

Keys and values are ASCII without characters that JSON escapes, and numbers are integers up to 2**53 - 1. For
such values RFC 8785 is ``json.dumps`` with sorted keys and no spaces; a test compares it with the rfc8785
library.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from .errors import EntryInvalid
from .tiles import MAX_ENTRY_BYTES

VERSION = 1
MAX_INTEGER = 2**53 - 1  # RFC 8785 3.2.2.3: beyond it a JSON number is no longer exact
MIN_SALT_BYTES = 16  # 128 bits, so that the value behind a commitment cannot be guessed


@dataclass(frozen=True)
class Type:
    """A type that a field can have: its name in the documentation, and whether a value is of it."""

    name: str
    holds: Callable[[object], bool]


def text(name: str, pattern: str) -> Type:
    """Return the type of strings that match ``pattern`` as a whole."""
    compiled = re.compile(pattern)
    return Type(name, lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None)


def one_of(*words: str) -> Type:
    """Return the type of these words."""
    return text(", ".join(words), "|".join(map(re.escape, words)))


def nullable(type_: Type) -> Type:
    """Return the type of null and what is of ``type_``."""
    return Type(f"{type_.name} or null", lambda value: value is None or type_.holds(value))


def list_of(type_: Type) -> Type:
    """Return the type of lists of what is of ``type_``."""
    return Type(
        f"list of {type_.name}", lambda value: isinstance(value, list) and all(map(type_.holds, value))
    )


def record(**fields: Type) -> Type:
    """Return the type of JSON objects with exactly these fields."""
    name = ", ".join(f"{field}: {type_.name}" for field, type_ in fields.items())
    return Type(f"{{{name}}}", lambda value: isinstance(value, dict) and _wrong_field(fields, value) is None)


def _is_time(value: object) -> bool:
    """Whether ``value`` is a UTC time of the one form ``2026-11-22T21:04:05.123Z`` and such a time exists."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\.[0-9]{3}Z", value):
        return False
    try:
        return datetime.fromisoformat(value).isoformat(timespec="milliseconds") == value[:-1] + "+00:00"
    except ValueError:
        return False


ID = text("id", r"[0-9a-f]{16,64}")  # random, lower-case hex
COMMITMENT = text("commitment", r"[0-9a-f]{64}")  # what commitment() returns
DIGEST = text("digest", r"sha256:[0-9a-f]{64}")
TOKEN = text("token", r"[a-z][a-z0-9-]{0,39}")  # a purpose or a code
RELEASE = text(
    "release", r"[0-9]{1,4}(\.[0-9]{1,4}){1,3}([a-z]{1,5}[0-9]{1,4})?"
)  # such as 0.1.0 or 1.2.0rc1
DECIMAL = text("decimal", r"-?(0|[1-9][0-9]{0,2})(\.[0-9]{1,6})?")  # such as "0.4512"; floats are not exact
TIME = Type("time", _is_time)  # UTC with three decimals
INTEGER = Type("integer", lambda value: type(value) is int and 0 <= value <= MAX_INTEGER)

# What is done in a case is numbered from 1 on without a gap, so that nobody can leave a piece of it out.
IN_CASE = record(id=ID, number=INTEGER)

KINDS: dict[str, dict[str, Type]] = {
    "server.started": {"at": TIME, "software": RELEASE, "contract": DIGEST, "policy": DIGEST},
    "policy.changed": {"at": TIME, "before": nullable(DIGEST), "after": DIGEST},
    "policy.approved": {"at": TIME, "who": ID, "policy": DIGEST},
    "model.added": {"at": TIME, "who": ID, "contract": DIGEST, "pack": DIGEST, "terms": DIGEST},
    "model.changed": {"at": TIME, "who": nullable(ID), "before": nullable(DIGEST), "after": DIGEST},
    "calibration.changed": {
        "at": TIME,
        "contract": DIGEST,
        "before": nullable(DIGEST),
        "after": nullable(DIGEST),
    },
    "threshold.changed": {
        "at": TIME,
        "who": nullable(ID),  # null where it lets no more through: that needs nobody's approval
        "second": nullable(ID),  # who approved it besides
        "purpose": TOKEN,
        "before": nullable(DECIMAL),
        "after": nullable(DECIMAL),
    },
    "role.granted": {"at": TIME, "who": ID, "by": nullable(ID), "role": TOKEN, "until": nullable(TIME)},
    "session.opened": {"at": TIME, "who": ID},
    "signin.link": {"at": TIME, "who": ID, "by": ID},  # made for somebody else, by whom
    "signin.failures": {"at": TIME, "since": TIME, "failures": INTEGER},
    "collection.created": {"at": TIME, "who": ID, "collection": ID},
    "permission.recorded": {
        "at": TIME,
        "who": ID,
        "collection": ID,
        "version": INTEGER,
        "state": one_of("draft", "given", "narrowed", "withdrawn"),
        "document": COMMITMENT,
        "valid_from": TIME,
        "valid_until": nullable(TIME),
    },
    "site.permission": {  # the file that allows photographs of one host to be fetched
        "at": TIME,
        "who": nullable(ID),  # null where the daily check found it so
        "collection": ID,
        "host": COMMITMENT,
        "file": nullable(DIGEST),
        "state": one_of("in-force", "narrowed", "expired", "gone"),
    },
    "ingest.batch": {
        "at": TIME,
        "who": ID,
        "collection": ID,
        "ingest": ID,
        "revision": INTEGER,
        "contract": DIGEST,
        "images": INTEGER,
        "faces": INTEGER,
        "content": COMMITMENT,
    },
    "ingest.finished": {
        "at": TIME,
        "who": ID,
        "collection": ID,
        "ingest": ID,
        "new": INTEGER,
        "known": INTEGER,
        "corrected": INTEGER,  # known ones whose captions and the like had changed
        "no_face": INTEGER,
        "rejected": INTEGER,
        "withheld": INTEGER,  # those of withdrawn photographs and people
    },
    "collection.exported": {"at": TIME, "who": ID, "collection": ID, "images": INTEGER},
    "search": {
        "started": TIME,
        "ended": TIME,
        "who": ID,
        "search": ID,
        "outcome": one_of("refused", "failed", "awaiting-face", "candidates", "empty"),
        "code": nullable(TOKEN),  # why it was refused or failed
        "purpose": TOKEN,
        "case": nullable(IN_CASE),
        "obtained": nullable(TOKEN),  # how the searcher says that the photographs were obtained
        "edited_from": nullable(ID),  # the search of the same photographs without the edits
        "policy": DIGEST,
        "contract": nullable(DIGEST),
        "mode": nullable(one_of("identification", "investigation")),
        "threshold": nullable(DECIMAL),
        "limit": nullable(INTEGER),
        "collections": list_of(record(id=ID, revision=INTEGER)),
        "probes": list_of(COMMITMENT),  # photographs of one person
        "candidates": list_of(COMMITMENT),
    },
    "search.shown": {
        "at": TIME,
        "who": ID,
        "role": TOKEN,
        "search": ID,
        "case": nullable(IN_CASE),
        "list": COMMITMENT,
        "shown": INTEGER,
        "withheld": INTEGER,
    },
    "search.concluded": {  # after each candidate was opened
        "at": TIME,
        "who": ID,
        "case": IN_CASE,
        "search": ID,
        "opened": INTEGER,
        "put_forward": list_of(COMMITMENT),  # none: "none of these"
    },
    "case.opened": {"at": TIME, "who": ID, "case": IN_CASE, "purpose": TOKEN, "content": COMMITMENT},
    "case.grounds": {"at": TIME, "who": ID, "case": IN_CASE, "content": COMMITMENT},
    "case.state": {
        "at": TIME,
        "who": ID,
        "case": IN_CASE,
        "state": one_of("open", "searching", "under-review", "closed", "appealed"),
    },
    "case.member": {
        "at": TIME,
        "who": ID,
        "case": IN_CASE,
        "person": ID,
        "part": one_of("staff", "counsel", "expert"),
        "until": nullable(TIME),
    },
    "case.note": {"at": TIME, "who": ID, "case": IN_CASE, "note": ID, "content": COMMITMENT},
    "review.assigned": {"at": TIME, "who": ID, "case": IN_CASE, "assignment": ID},
    # No conclusion, and no search: what another examiner said must not be read here before one's own.
    "review.recorded": {"at": TIME, "who": ID, "case": IN_CASE, "review": ID, "content": COMMITMENT},
    "lead.made": {
        "at": TIME,
        "case": IN_CASE,
        "search": ID,
        "lead": ID,
        "candidate": COMMITMENT,
        "reviewers": list_of(ID),
    },
    "lead.changed": {
        "at": TIME,
        "who": nullable(ID),  # null where the examiners' conclusions did it
        "case": IN_CASE,
        "lead": ID,
        "change": one_of("not-supported", "evidence", "acted-on", "set-aside", "truth"),
        "content": COMMITMENT,
    },
    "line-up.made": {
        "at": TIME,
        "who": ID,
        "case": IN_CASE,
        "lead": ID,
        "fillers": INTEGER,
        "content": DIGEST,
    },
    "report.made": {"at": TIME, "who": ID, "case": IN_CASE, "lead": nullable(ID), "content": DIGEST},
    "case.disclosed": {
        "at": TIME,
        "who": ID,
        "part": one_of("staff", "counsel", "expert", "auditor"),
        "case": IN_CASE,
        "files": INTEGER,
        "content": DIGEST,
    },
    "probes.erased": {"at": TIME, "case": nullable(IN_CASE), "photographs": INTEGER},
    "export.made": {"at": TIME, "who": ID, "search": ID, "files": INTEGER, "content": DIGEST},
    "disclosure.made": {
        "at": TIME,
        "who": ID,
        "role": TOKEN,
        "case": ID,
        "files": INTEGER,
        "content": DIGEST,
    },
    "withdrawal.recorded": {
        "at": TIME,
        "who": ID,
        "withdrawal": ID,
        "by": one_of("person", "grantor", "curator", "retention"),
        "scope": one_of("face", "image", "source", "collection"),
        "collection": ID,
        "revision": INTEGER,
        "images": INTEGER,
        "faces": INTEGER,
        "subject": COMMITMENT,
    },
    "erasure.done": {"at": TIME, "withdrawal": ID, "images": INTEGER, "faces": INTEGER, "proof": COMMITMENT},
    "keys.rotated": {"at": TIME, "who": ID, "keys": INTEGER},
    "backup.restored": {"at": TIME, "who": ID, "taken": TIME, "entries": INTEGER},
}


def commitment(salt: bytes, value: bytes) -> str:
    """Return HMAC-SHA256(salt, value) as 64 hex digits: who has both can show it, nobody else can guess.

    ``salt`` is at least 16 random bytes, a new one each time; destroying it unlinks the entry from the value.
    Raises ``EntryInvalid`` for a shorter one.
    """
    if len(salt) < MIN_SALT_BYTES:
        raise EntryInvalid(f"A commitment's salt has at least {MIN_SALT_BYTES} bytes, not {len(salt)}.")
    return hmac.digest(salt, value, "sha256").hex()


def field_salt(salt: bytes, field: str) -> bytes:
    """Return the 32-byte salt for one commitment of an act that has several.

    Whoever is shown what one of them is of learns nothing that helps to guess the others.
    """
    return hmac.digest(salt, field.encode(), "sha256")


def encode(kind: str, /, **fields: object) -> bytes:
    """Return the entry's canonical bytes, at most 65,535. Raises ``EntryInvalid``, which names the field."""
    if kind not in KINDS:
        raise EntryInvalid("The entry's kind is not one of those that there are.")
    wrong = _wrong_field(KINDS[kind], fields)
    if wrong:
        raise EntryInvalid(f"{kind}: {wrong}.")
    data = json.dumps({**fields, "kind": kind, "v": VERSION}, sort_keys=True, separators=(",", ":")).encode(
        "ascii"
    )
    if len(data) > MAX_ENTRY_BYTES:
        raise EntryInvalid(f"{kind}: the entry has {len(data)} bytes; {MAX_ENTRY_BYTES} are the most.")
    return data


def decode(data: bytes) -> dict[str, object]:
    """Return the entry's fields with ``v`` and ``kind``.

    Raises ``EntryInvalid`` unless ``data`` is what ``encode`` writes for them, to the byte.
    """
    if len(data) > MAX_ENTRY_BYTES:
        raise EntryInvalid(f"The entry has {len(data)} bytes; {MAX_ENTRY_BYTES} are the most.")
    try:
        value = json.loads(data.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise EntryInvalid("The entry is not JSON in ASCII.") from error
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        raise EntryInvalid("The entry is not an object with a kind.")
    fields = {name: item for name, item in value.items() if name not in {"kind", "v"}}
    if encode(value["kind"], **fields) != data:
        raise EntryInvalid(f"The entry is not version {VERSION} in canonical form (RFC 8785).")
    return value


def _wrong_field(types: dict[str, Type], fields: dict[str, object]) -> str | None:
    """Say which field is missing, unknown or of the wrong type; None if none is. Shows no value."""
    for name, type_ in types.items():
        if name not in fields:
            return f"the field {name!r} is missing"
        if not type_.holds(fields[name]):
            return f"the field {name!r} is not of the type: {type_.name}"
    unknown = fields.keys() - types.keys()
    return f"there is no field {min(map(str, unknown))!r}" if unknown else None
