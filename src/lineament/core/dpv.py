"""A permission in JSON-LD, in the terms of the W3C's Data Privacy Vocabulary (DPV 2), and back.

The shape is that of the DPV's guide to consent records (ISO/IEC TS 27560): who indicates it, the legal basis,
one process with its purposes and with how long after the end it keeps the images, jurisdiction, notice,
duration and status. What the DPV has no term for has one under ``lineament:``: when a permission begins, what
a version was recorded as and why it was withdrawn, the evidence, and images that are the grantor's own.
Conformance with the guide's profile is not claimed: it is about one person's consent, not a collection's.

The context is written out in each document, and one that is read must have the same: nothing is ever fetched,
and no term can be given another meaning. What is not known is refused, for it could be a condition.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from lineament.core.permission import (
    LIST_LENGTH_MAX,
    LegalBasis,
    Permission,
    PermissionState,
    Status,
    Version,
    WithdrawalReason,
    permission_of,
)
from lineament.core.times import from_iso, iso
from lineament.core.words import is_web_address, plain
from lineament.errors import PermissionInvalid

CONTEXT: dict[str, Any] = {
    "dct": "http://purl.org/dc/terms/",
    "dpv": "https://w3id.org/dpv#",
    "lineament": "urn:lineament:term:",
    "loc": "https://w3id.org/dpv/loc#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dct:created": {"@type": "xsd:dateTime"},
    "dct:replaces": {"@container": "@set"},
    "dpv:hasConsentStatus": {"@type": "@id"},
    "dpv:hasJurisdiction": {"@type": "@id", "@container": "@set"},
    "dpv:hasLegalBasis": {"@type": "@id"},
    "dpv:hasPurpose": {"@container": "@set"},
    "lineament:validFrom": {"@type": "xsd:dateTime"},
    "rdf:value": {"@type": "xsd:dateTime"},
}

LEGAL_BASES = {
    LegalBasis.CONSENT: "dpv:Consent",
    LegalBasis.CONTRACT: "dpv:Contract",
    LegalBasis.PUBLIC_INTEREST_ARCHIVE: "dpv:PublicInterest",
    LegalBasis.LEGAL_DUTY: "dpv:LegalObligation",
    LegalBasis.OWN_IMAGES: "lineament:OwnImages",  # whose images they are says nothing of who is in them
}
_GIVEN, _EXPIRED = "dpv:ConsentGiven", "dpv:ConsentExpired"
_WITHDRAWN = {  # the DPV's ConsentWithdrawn is the person's own, ConsentRevoked anybody else's
    WithdrawalReason.PERSON: "dpv:ConsentWithdrawn",
    WithdrawalReason.GRANTOR: "dpv:ConsentRevoked",
    WithdrawalReason.CURATOR: "dpv:ConsentRevoked",
    WithdrawalReason.INVALID: "dpv:ConsentInvalidated",
    None: "dpv:ConsentRevoked",
}
_RECORD, _CONSENT_RECORD = "dpv:DataProcessingRecord", "dpv:ConsentRecord"
_REQUIRED = (
    "dpv:isIndicatedBy",
    "dpv:hasLegalBasis",
    "dpv:hasProcess",
    "dpv:hasNotice",
    "lineament:validFrom",
    "dpv:hasDuration",
)
_OPTIONAL = (
    "dpv:hasJurisdiction",
    "dpv:hasConsentStatus",
    "lineament:status",
    "lineament:reason",
    "lineament:evidence",
)
_NOT_READ = (
    "@context",  # it was compared
    "lineament:collection",
    "lineament:version",
    "dct:created",
    "dct:creator",
    "dct:replaces",
)


def to_jsonld(permission: Permission, now: datetime) -> dict[str, Any]:
    """Return a permission as JSON-LD. The status of a consent is the one at ``now`` (UTC)."""
    return {"@context": CONTEXT} | _record(permission, now)


def history_to_jsonld(collection: str, versions: Sequence[Version], now: datetime) -> dict[str, Any]:
    """Return a collection's permission as JSON-LD, with the versions that it replaces, newest first.

    ``versions`` are in their order and at least one. Who recorded them is a random id and no name.
    """
    newest, *replaced = [_version(one, now) for one in reversed(versions)]
    history = {"dct:replaces": replaced} if replaced else {}
    return {"@context": CONTEXT, "lineament:collection": collection} | newest | history


def _version(version: Version, now: datetime) -> dict[str, Any]:
    return _record(version.permission, now) | {
        "lineament:version": version.number,
        "dct:created": iso(version.recorded_at),
        "dct:creator": version.recorded_by,
    }


def _record(permission: Permission, now: datetime) -> dict[str, Any]:
    by_consent = permission.legal_basis is LegalBasis.CONSENT
    consent_status = _consent_status(permission, now) if by_consent else None
    until = permission.valid_until
    record: dict[str, Any] = {
        "@type": _CONSENT_RECORD if by_consent else _RECORD,
        "dpv:isIndicatedBy": {
            "@type": "dpv:LegalEntity",
            "dpv:hasName": permission.grantor,
            "dpv:hasContact": permission.contact,
        },
        "dpv:hasLegalBasis": LEGAL_BASES[permission.legal_basis],
        "dpv:hasProcess": {
            "@type": "dpv:Process",
            "dpv:hasPurpose": [
                {"@type": "dpv:Purpose", "dct:identifier": one} for one in permission.purposes
            ],
            "dpv:hasStorageCondition": {
                "@type": "dpv:StorageDeletion",
                "dpv:hasDuration": f"P{permission.retention_days}D",
            },
        },
        "dpv:hasNotice": {"@type": "dpv:PrivacyNotice"} | _notice(permission.notice),
        "lineament:validFrom": iso(permission.valid_from),
        "dpv:hasDuration": {"@type": "dpv:UntilTimeDuration", "rdf:value": iso(until)}
        if until
        else {"@type": "dpv:EndlessDuration"},
        "lineament:status": permission.status.value,
    }
    if permission.jurisdictions:
        record["dpv:hasJurisdiction"] = [_jurisdiction(code) for code in permission.jurisdictions]
    if consent_status:
        record["dpv:hasConsentStatus"] = consent_status
    if permission.reason:
        record["lineament:reason"] = permission.reason.value
    if permission.evidence:
        record["lineament:evidence"] = {
            "dct:title": permission.evidence,
            "lineament:sha256": permission.evidence_sha256,
        }
    return record


def _notice(notice: str) -> dict[str, str]:
    return {"@id": notice} if is_web_address(notice) else {"dct:description": notice}


def _jurisdiction(code: str) -> str | dict[str, str]:
    """The DPV names every country and the EU; of regions it names few, so they go by their code."""
    return {"@type": "dpv:Region", "dct:identifier": code} if "-" in code else f"loc:{code}"


def _consent_status(permission: Permission, now: datetime) -> str | None:
    state = permission.state(now)
    if state is PermissionState.DRAFT:  # nobody says whether anybody was asked
        return None
    if state is PermissionState.WITHDRAWN:
        return _WITHDRAWN[permission.reason]
    return _EXPIRED if state is PermissionState.EXPIRED else _GIVEN


def parse_jsonld(text: str, digest_of: Callable[[str], str]) -> Permission:
    """Read a permission file in JSON-LD. Raises PermissionInvalid that names the field.

    ``digest_of`` is given the name of the evidence file and returns its SHA-256 as 64 hex digits.
    """
    try:
        document = json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise PermissionInvalid(f"The permission file is not valid JSON: {plain(str(error))}.") from error
    return from_jsonld(document, digest_of)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise PermissionInvalid("The permission file names a field twice.")
    return found


def from_jsonld(document: object, digest_of: Callable[[str], str] | None = None) -> Permission:
    """Return the permission that ``to_jsonld`` wrote. Raises PermissionInvalid that names the field.

    The evidence's digest must be what ``digest_of`` returns for its name; without it, what is stated counts.
    What a history says of its versions is not read: it is recorded anew.
    """
    if not isinstance(document, Mapping) or document.get("@context") != CONTEXT:
        raise PermissionInvalid("'@context' must be the one in docs/reference/permission.md, written out.")
    record = {name: value for name, value in document.items() if name not in _NOT_READ}
    _check(record, "The permission file", (_RECORD, _CONSENT_RECORD), _REQUIRED, _OPTIONAL)
    by = _node(record, "dpv:isIndicatedBy", ("dpv:LegalEntity",), ("dpv:hasName", "dpv:hasContact"))
    process = _node(record, "dpv:hasProcess", ("dpv:Process",), ("dpv:hasPurpose", "dpv:hasStorageCondition"))
    purposes = _list(process, "dpv:hasPurpose")
    kept = _node(process, "dpv:hasStorageCondition", ("dpv:StorageDeletion",), ("dpv:hasDuration",))
    fields = {
        "grantor": by["dpv:hasName"],
        "contact": by["dpv:hasContact"],
        "legal_basis": _legal_basis(record),
        "purposes": [_identifier(one, "dpv:hasPurpose", "dpv:Purpose") for one in purposes],
        "notice": _read_notice(record),
        "valid_from": _moment(record, "lineament:validFrom"),
        "retention_days": _days(kept),
        "jurisdictions": [_code(one) for one in _list(record, "dpv:hasJurisdiction")],
        "status": record.get("lineament:status", Status.GIVEN.value),
    }
    until = _until(record)
    if until is not None:
        fields["valid_until"] = until
    if "lineament:reason" in record:
        fields["reason"] = record["lineament:reason"]
    stated = None
    if "lineament:evidence" in record:
        evidence = _node(record, "lineament:evidence", (), ("dct:title",), ("lineament:sha256",))
        fields["evidence"], stated = evidence["dct:title"], evidence.get("lineament:sha256")
    permission = permission_of(fields, lambda name: _digest(name, stated, digest_of))
    _check_consent(record, permission)
    return permission


def _digest(name: str, stated: object, digest_of: Callable[[str], str] | None) -> str:
    found = digest_of(name) if digest_of else stated
    if not isinstance(found, str) or not re.fullmatch(r"[0-9a-f]{64}", found):
        raise PermissionInvalid("'lineament:sha256' must be 64 small hex digits.")
    if stated is not None and stated != found:
        raise PermissionInvalid(f"'lineament:sha256' is not the digest of the evidence '{name}'.")
    return found


def _check_consent(record: Mapping[str, Any], permission: Permission) -> None:
    """Raise PermissionInvalid unless type and consent status go with the legal basis and the status."""
    by_consent = permission.legal_basis is LegalBasis.CONSENT
    if record["@type"] != (_CONSENT_RECORD if by_consent else _RECORD):
        raise PermissionInvalid(f"'@type' must be {_CONSENT_RECORD} for consent, and {_RECORD} for all else.")
    if "dpv:hasConsentStatus" in record:
        possible = {
            Status.DRAFT: (),
            Status.GIVEN: (_GIVEN, _EXPIRED),
            Status.NARROWED: (_GIVEN, _EXPIRED),
            Status.WITHDRAWN: (_WITHDRAWN[permission.reason],),
        }[permission.status]
        if not by_consent or record["dpv:hasConsentStatus"] not in possible:
            raise PermissionInvalid(
                "'dpv:hasConsentStatus' does not go with 'dpv:hasLegalBasis' or 'lineament:status'."
            )


def _check(
    node: object, where: str, types: Sequence[str], required: Sequence[str], optional: Sequence[str]
) -> None:
    """Raise PermissionInvalid unless ``node`` is an object of such a type with these fields and no other."""
    if not isinstance(node, Mapping):
        raise PermissionInvalid(f"{where} must be an object.")
    if types and node.get("@type") not in types:
        raise PermissionInvalid(f"{where} must be of the '@type' {' or '.join(types)}.")
    for name in required:
        if name not in node:
            raise PermissionInvalid(f"{where} has no '{name}'.")
    known = {*required, *optional} | ({"@type"} if types else set())
    for name in node:
        if name not in known:
            raise PermissionInvalid(f"{where} has a field that is not known here: '{plain(name)}'.")


def _node(
    parent: Mapping[str, Any],
    name: str,
    types: Sequence[str],
    required: Sequence[str],
    optional: Sequence[str] = (),
) -> Mapping[str, Any]:
    node: Mapping[str, Any] = parent[name]
    _check(node, f"'{name}'", types, required, optional)
    return node


def _list(parent: Mapping[str, Any], name: str) -> list[Any]:
    found = parent.get(name, [])
    if not isinstance(found, list) or len(found) > LIST_LENGTH_MAX:
        raise PermissionInvalid(f"'{name}' must be a list of at most {LIST_LENGTH_MAX}.")
    return found


def _identifier(node: object, where: str, kind: str) -> Any:
    return _node({where: node}, where, (kind,), ("dct:identifier",))["dct:identifier"]


def _code(one: object) -> Any:
    if not isinstance(one, str):
        return _identifier(one, "dpv:hasJurisdiction", "dpv:Region")
    if not one.startswith("loc:"):
        said = plain(one)[:40]
        raise PermissionInvalid(f"'dpv:hasJurisdiction' has '{said}', which is no place of the DPV.")
    return one.removeprefix("loc:")


def _legal_basis(record: Mapping[str, Any]) -> str:
    terms = {term: basis.value for basis, term in LEGAL_BASES.items()}
    term = record["dpv:hasLegalBasis"]
    if not isinstance(term, str) or term not in terms:
        raise PermissionInvalid(f"'dpv:hasLegalBasis' must be one of: {', '.join(terms)}.")
    return terms[term]


def _read_notice(record: Mapping[str, Any]) -> Any:
    notice = _node(record, "dpv:hasNotice", ("dpv:PrivacyNotice",), (), ("@id", "dct:description"))
    if ("@id" in notice) == ("dct:description" in notice):
        raise PermissionInvalid("'dpv:hasNotice' must have either an '@id' or a 'dct:description'.")
    if "@id" in notice and not (isinstance(notice["@id"], str) and is_web_address(notice["@id"])):
        raise PermissionInvalid("'@id' of 'dpv:hasNotice' must be a web address.")
    return notice.get("@id", notice.get("dct:description"))


def _until(record: Mapping[str, Any]) -> datetime | None:
    duration = record["dpv:hasDuration"]
    if isinstance(duration, Mapping) and duration.get("@type") == "dpv:EndlessDuration":
        _node(record, "dpv:hasDuration", ("dpv:EndlessDuration",), ())
        return None
    return _moment(_node(record, "dpv:hasDuration", ("dpv:UntilTimeDuration",), ("rdf:value",)), "rdf:value")


def _moment(node: Mapping[str, Any], name: str) -> datetime:
    try:
        return from_iso(node[name])
    except (TypeError, ValueError, OverflowError) as error:
        raise PermissionInvalid(f"'{name}' must be a time such as 2026-01-31T12:00:00Z.") from error


def _days(kept: Mapping[str, Any]) -> int:
    found = re.fullmatch(r"P([0-9]{1,5})D", str(kept["dpv:hasDuration"]))
    if not found:
        raise PermissionInvalid("'dpv:hasDuration' of 'dpv:StorageDeletion' must be in days, such as P30D.")
    return int(found[1])
