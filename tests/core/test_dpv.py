"""A permission goes out as JSON-LD in the words of the DPV, and comes back as the very same permission."""

import json
import re
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.core.dpv import CONTEXT, LEGAL_BASES, from_jsonld, history_to_jsonld, parse_jsonld, to_jsonld
from lineament.core.jurisdictions import COUNTRIES
from lineament.core.permission import (
    LegalBasis,
    Permission,
    Status,
    Version,
    WithdrawalReason,
    parse_permission,
)
from lineament.errors import PermissionInvalid
from lineament.testing import NOON, make_permission
from tests.samples import REPOSITORY

# Terms of https://w3id.org/dpv, version 2.0, looked up in its own list of terms. Whoever needs another one
# looks it up there and adds it here: none is made up.
DPV = {
    *("Consent", "Contract", "LegalObligation", "PublicInterest"),
    *("ConsentExpired", "ConsentGiven", "ConsentInvalidated", "ConsentRevoked", "ConsentWithdrawn"),
    *(
        "ConsentRecord",
        "DataProcessingRecord",
        "LegalEntity",
        "PrivacyNotice",
        "Process",
        "Purpose",
        "Region",
    ),
    *("EndlessDuration", "StorageDeletion", "UntilTimeDuration"),
    *("hasConsentStatus", "hasContact", "hasDuration", "hasJurisdiction", "hasLegalBasis", "hasName"),
    *("hasNotice", "hasProcess", "hasPurpose", "hasStorageCondition", "isIndicatedBy"),
}

texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60).filter(
    lambda text: text == text.strip()
)
moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
regions = st.builds(
    "{}-{}".format, st.sampled_from(sorted(COUNTRIES)), st.from_regex(r"[A-Z0-9]{1,3}", fullmatch=True)
)
codes = st.one_of(st.just("EU"), st.sampled_from(sorted(COUNTRIES)), regions)
notices = st.one_of(texts, st.just("https://example.org/notice?about=faces#us"))
names = texts.filter(lambda name: "/" not in name and name not in {".", ".."})


@st.composite
def permissions(draw: st.DrawFn) -> Permission:
    """Every permission that could be recorded."""
    one, other = draw(st.lists(moments, min_size=2, max_size=2, unique=True).map(sorted))
    status = draw(st.sampled_from(Status))
    may_lack = status in {Status.DRAFT, Status.WITHDRAWN}
    evidence = draw(st.one_of(st.none(), names) if may_lack else names)
    return Permission(
        grantor=draw(texts),
        contact=draw(texts),
        legal_basis=draw(st.sampled_from(LegalBasis)),
        purposes=tuple(draw(st.lists(texts, min_size=1, max_size=5, unique=True))),
        notice=draw(notices),
        valid_from=one,
        valid_until=draw(st.sampled_from([None, other])),
        evidence=evidence,
        evidence_sha256=draw(st.binary(min_size=32, max_size=32)).hex() if evidence else None,
        jurisdictions=tuple(draw(st.lists(codes, max_size=5, unique=True))),
        retention_days=draw(st.integers(0, 36_500)),
        status=status,
        reason=draw(st.sampled_from([None, *WithdrawalReason])) if status is Status.WITHDRAWN else None,
    )


@given(permissions(), moments)
def test_it_comes_back_as_it_went_out(permission: Permission, now: datetime):
    """Also through a file, and whatever the moment at which it was written."""
    document = to_jsonld(permission, now)
    assert from_jsonld(document) == permission
    text = json.dumps(document, ensure_ascii=False)
    assert parse_jsonld(text, lambda _name: str(permission.evidence_sha256)) == permission


@given(permissions(), moments)
def test_every_word_is_one_of_the_vocabulary_or_plainly_our_own(permission: Permission, now: datetime):
    """Nothing is made up under the DPV's name, and no address has to be fetched to understand it."""
    document = to_jsonld(permission, now)
    words = set(terms(document))
    assert {word.partition(":")[2] for word in words if word.startswith("dpv:")} <= DPV
    assert {word.partition(":")[0] for word in words} <= {"dpv", "loc", "lineament", "dct", "rdf"}
    assert {word.removeprefix("loc:") for word in words if word.startswith("loc:")} <= COUNTRIES | {"EU"}
    assert document["@context"] == CONTEXT
    assert isinstance(CONTEXT, dict)


def terms(node: Any, key: str = "") -> list[str]:
    """The keys of a document without its context, its types, and the values that stand for a term."""
    if isinstance(node, dict):
        inner = [one for name, value in node.items() if name != "@context" for one in terms(value, name)]
        return [name for name in node if not name.startswith("@")] + inner
    if isinstance(node, list):
        return [one for value in node for one in terms(value, key)]
    is_term = key == "@type" or CONTEXT.get(key, {}).get("@type") == "@id"
    return [node] if is_term else []


def test_each_legal_basis_has_a_term_of_its_own():
    """What the vocabulary has is said in its words; whose the images are says nothing of who is in them."""
    assert set(LEGAL_BASES) == set(LegalBasis)
    assert len(set(LEGAL_BASES.values())) == len(LegalBasis)
    assert {basis for basis, term in LEGAL_BASES.items() if term.startswith("lineament:")} == {
        LegalBasis.OWN_IMAGES
    }


def consent(**changes: Any) -> Permission:
    return replace(make_permission(), legal_basis=LegalBasis.CONSENT, **changes)


@pytest.mark.parametrize(
    ("permission", "days", "status"),
    [
        (consent(), 0, "dpv:ConsentGiven"),
        (consent(status=Status.NARROWED), 0, "dpv:ConsentGiven"),
        (consent(), 366, "dpv:ConsentExpired"),
        (consent(status=Status.DRAFT), 0, None),
        (consent(status=Status.WITHDRAWN, reason=WithdrawalReason.PERSON), 0, "dpv:ConsentWithdrawn"),
        (consent(status=Status.WITHDRAWN, reason=WithdrawalReason.GRANTOR), 0, "dpv:ConsentRevoked"),
        (consent(status=Status.WITHDRAWN, reason=WithdrawalReason.CURATOR), 0, "dpv:ConsentRevoked"),
        (consent(status=Status.WITHDRAWN, reason=WithdrawalReason.INVALID), 0, "dpv:ConsentInvalidated"),
        (make_permission(), 0, None),
    ],
)
def test_a_consent_says_how_it_stands(permission: Permission, days: int, status: str | None):
    """And what is no consent claims none."""
    document = to_jsonld(permission, NOON + timedelta(days=days))
    assert document.get("dpv:hasConsentStatus") == status
    by_consent = permission.legal_basis is LegalBasis.CONSENT
    assert document["@type"] == ("dpv:ConsentRecord" if by_consent else "dpv:DataProcessingRecord")


def test_a_history_is_the_newest_version_and_what_it_replaces():
    """It can be recorded elsewhere as it is; who recorded it is a random id."""
    first = Version(1, make_permission(("archive-research", "own-likeness")), "ab" * 16, NOON)
    second = Version(2, replace(make_permission(), status=Status.NARROWED), "cd" * 16, NOON + timedelta(1))
    document = history_to_jsonld("archive", [first, second], NOON)
    assert from_jsonld(document) == second.permission
    (replaced,) = document["dct:replaces"]
    assert from_jsonld({"@context": CONTEXT} | replaced) == first.permission
    assert (document["lineament:version"], document["dct:creator"]) == (2, "cd" * 16)
    assert (replaced["lineament:version"], replaced["dct:created"]) == (1, "2026-11-22T12:00:00.000Z")
    assert "dct:replaces" not in history_to_jsonld("archive", [first], NOON)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The document of a good permission with one value set, or taken out where it is None."""
    document = deepcopy(to_jsonld(replace(consent(), jurisdictions=("DE", "FR-75")), NOON))
    *parents, name = (int(part) if part.isdigit() else part for part in path.split("/"))
    node: Any = document
    for parent in parents:
        node = node[parent]
    if value is None:
        del node[name]
    else:
        node[name] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("@context", None, "'@context' must be the one in docs/reference/permission.md"),
        ("@context", "https://w3id.org/dpv/dpv.jsonld", "'@context' must be"),
        ("@context", CONTEXT | {"dpv": "https://example.org/"}, "'@context' must be"),
        ("@type", "dpv:Permission", "must be of the '@type' dpv:DataProcessingRecord or dpv:ConsentRecord"),
        ("@type", "dpv:DataProcessingRecord", "'@type' must be dpv:ConsentRecord for consent"),
        ("dpv:hasProhibition", "dpv:Share", "not known here: 'dpv:hasProhibition'"),
        ("dpv:isIndicatedBy", None, "has no 'dpv:isIndicatedBy'"),
        ("dpv:isIndicatedBy", "The archive", "'dpv:isIndicatedBy' must be an object"),
        ("dpv:isIndicatedBy/dpv:hasName", 7, "'grantor' must be plain text"),
        ("dpv:isIndicatedBy/dpv:hasContact", None, "'dpv:isIndicatedBy' has no 'dpv:hasContact'"),
        (
            "dpv:isIndicatedBy/@context",
            {},
            "'dpv:isIndicatedBy' has a field that is not known here: '@context'",
        ),
        ("dpv:hasLegalBasis", "dpv:LegitimateInterest", "'dpv:hasLegalBasis' must be one of: dpv:Consent"),
        ("dpv:hasLegalBasis", ["dpv:Consent"], "'dpv:hasLegalBasis' must be one of"),
        ("dpv:hasProcess/dpv:hasPurpose", [], "'purposes' must be a list with at least one"),
        ("dpv:hasProcess/dpv:hasPurpose", "dpv:Marketing", "'dpv:hasPurpose' must be a list"),
        ("dpv:hasProcess/dpv:hasPurpose/0", "dpv:Marketing", "'dpv:hasPurpose' must be an object"),
        ("dpv:hasProcess/dpv:hasPurpose/0/dct:identifier", ["x"], "'purposes' must be a list"),
        ("dpv:hasProcess/dpv:hasStorageCondition", {}, "must be of the '@type' dpv:StorageDeletion"),
        ("dpv:hasProcess/dpv:hasStorageCondition/dpv:hasDuration", "P1M", "must be in days, such as P30D"),
        ("dpv:hasProcess/dpv:hasStorageCondition/dpv:hasDuration", "P99999D", "'retention_days' must be"),
        ("dpv:hasNotice", {"@type": "dpv:PrivacyNotice"}, "either an '@id' or a 'dct:description'"),
        ("dpv:hasNotice", {"@type": "dpv:PrivacyNotice", "@id": "urn:x"}, "must be a web address"),
        ("dpv:hasNotice", {"@type": "dpv:PrivacyNotice", "@id": []}, "must be a web address"),
        ("lineament:validFrom", "2026-01-01", "'lineament:validFrom' must be a time such as"),
        ("lineament:validFrom", 2026, "'lineament:validFrom' must be a time"),
        ("lineament:validFrom", "0001-01-01T00:00:00+14:00", "'lineament:validFrom' must be a time"),
        ("dpv:hasDuration", "P1Y", "'dpv:hasDuration' must be an object"),
        ("dpv:hasDuration/rdf:value", "2020-01-01T00:00:00Z", "'valid_until' is not after 'valid_from'"),
        (
            "dpv:hasDuration",
            {"@type": "dpv:EndlessDuration", "rdf:value": "x"},
            "not known here: 'rdf:value'",
        ),
        ("dpv:hasJurisdiction/0", "loc:UK", "'jurisdictions' has 'UK'"),
        ("dpv:hasJurisdiction/0", "DE", "'dpv:hasJurisdiction' has 'DE', which is no place of the DPV"),
        ("dpv:hasJurisdiction/0", {"@type": "dpv:Country", "dct:identifier": "DE"}, "'@type' dpv:Region"),
        ("dpv:hasJurisdiction/1/dct:identifier", {}, "'jurisdictions' has '{}'"),
        ("dpv:hasJurisdiction", ["loc:DE"] * 101, "at most 100"),
        ("dpv:hasConsentStatus", "dpv:ConsentRefused", "'dpv:hasConsentStatus' does not go with"),
        ("dpv:hasConsentStatus", "dpv:ConsentWithdrawn", "'dpv:hasConsentStatus' does not go with"),
        ("lineament:status", "draft", "'dpv:hasConsentStatus' does not go with"),
        ("lineament:status", "granted", "'status' is 'granted'"),
        ("lineament:reason", "person", "'reason' is for a permission that was withdrawn"),
        ("lineament:evidence", None, "no 'evidence', which only a draft may lack"),
        ("lineament:evidence/dct:title", "../deed.txt", "lies beside"),
        ("lineament:evidence/lineament:sha256", "f" * 63, "'lineament:sha256' must be 64 small hex digits"),
        ("lineament:evidence/lineament:sha256", {}, "'lineament:sha256' must be 64 small hex digits"),
    ],
)
def test_nonsense_is_refused_with_a_sentence_that_names_the_field(path: str, value: Any, said: str):
    """What is missing, of the wrong kind, contradictory, or could be a condition that is not known here."""
    with pytest.raises(PermissionInvalid, match=re.escape(said)):
        from_jsonld(changed(path, value))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "'@context' must be"),
        ("null", "'@context' must be"),
        ('{"@context": {}, "@context": {}}', "names a field twice"),
        ("1" * 5_000, "not valid JSON"),
    ],
)
def test_a_file_that_is_no_such_document_is_refused(text: str, said: str):
    """Whatever it is instead."""
    with pytest.raises(PermissionInvalid, match=re.escape(said)):
        parse_jsonld(text, lambda _name: "0" * 64)


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.sampled_from([*to_jsonld(consent(), NOON), "dpv:hasJurisdiction", "lineament:reason"]), _JSON)
def test_no_value_in_any_field_is_more_than_a_sentence(name: str, value: Any):
    """Whatever it holds, it is read or refused."""
    document = to_jsonld(consent(), NOON) | {name: value}
    with suppress(PermissionInvalid):
        assert isinstance(from_jsonld(document), Permission)


def test_the_evidence_must_be_the_one_that_is_stated():
    """A document that was exchanged for another is noticed; where no digest is stated, the file's counts."""
    document = to_jsonld(make_permission(), NOON)
    with pytest.raises(PermissionInvalid, match="is not the digest of the evidence"):
        from_jsonld(document, lambda _name: "1" * 64)
    del document["lineament:evidence"]["lineament:sha256"]
    assert from_jsonld(document, lambda _name: "1" * 64).evidence_sha256 == "1" * 64
    with pytest.raises(PermissionInvalid, match="'lineament:sha256' must be 64 small hex digits"):
        from_jsonld(document)


def test_the_examples_of_the_documentation_say_the_same():
    """The JSON-LD is what is written for the TOML beside it, to the last word."""
    page = (REPOSITORY / "docs" / "reference" / "permission.md").read_text("utf-8")
    examples = dict(re.findall(r"```(json|toml)\n(.*?)```", page, re.DOTALL))
    permission = parse_permission(examples["toml"], lambda _name: "0" * 64)
    assert parse_jsonld(examples["json"], lambda _name: "0" * 64) == permission
    assert json.loads(examples["json"]) == to_jsonld(permission, NOON)
