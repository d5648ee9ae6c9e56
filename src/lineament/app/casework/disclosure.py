"""The disclosure bundle: everything that was done in one case, so that either side can check it offline.

1. Who may read the case may have it; who has yet to judge a candidate without its score may not, until then.
2. Everything is read: the acts of the case in the ledger, and what the records hold of each.
3. Each is written into a file, and what the acts commit to is opened, but for tests of examiners and for what
   was withdrawn since.
4. Making the bundle is the next act of the case; where another one came in between, there is no bundle.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

import lineament
from lineament import ledger
from lineament.app import models
from lineament.app.candidates import ShownSearch, is_blind, whole_search
from lineament.app.casework import examiners
from lineament.app.casework.case_openings import CaseRecord, accounted, read_case
from lineament.app.casework.cases import part_of, readable
from lineament.app.casework.examiners import ExaminerRates
from lineament.app.casework.timeline import happenings
from lineament.app.disclose import bundle, search_document
from lineament.app.installation import Installation
from lineament.app.models import KnownPack
from lineament.app.probes import probe_photograph
from lineament.core.cases import CaseState, Part
from lineament.core.jsontext import json_bytes
from lineament.core.policy import Person, Role
from lineament.core.times import iso
from lineament.errors import ModelPackInvalid, NotYetJudged
from lineament.records import cases, policies
from lineament.records.reviews import Review, comparison_document
from lineament.vision.pack import ModelPack

READ_ME = """\
This is the disclosure bundle of one case, made by Lineament. Both sides can be given the same file.

  case.json         why photographs were searched, and who had a part in the case
  people.json       who is behind the ids
  timeline.json     everything that was done, in order
  notes.json        the remarks that were written down
  searches/         every search, also those that were refused, failed, were empty or never finished:
                    the terms, the collections with their revisions, the edits, and all candidates with
                    scores and odds
  probes/           the photographs that were searched, unedited, each named by its SHA-256
  examined.json     who looked at which candidate, their first impression, and how each search ended
  reviews/          what each examiner saw, feature by feature, and concluded
  leads.json        the candidates that were put forward, and what became of them
  policies/         the policies that decided the searches
  terms.json        the program, the models and the figures that the odds were computed with
  error-rates.json  how often the model and the examiners err
  entries/          what the public ledger holds of the case, and receipts/ the proof of each
  closed.json       what the ledger commits to and this bundle does not show, and why
  manifest.json     the digest of every file, and what the commitments in the entries are of

Photographs and captions of people who were withdrawn since are not here: their candidates are counted as
withdrawn. Examiners are tested with pairs whose answer is known; these say nothing of the case and are left
out.

To check it, get the ledger's public key by another way than this file, and run

    lineament verify THIS_FILE --vkey KEY

or the verifier that Lineament exports as one Python file (`lineament verifier`). It needs no network and
nothing of the installation that made this file. Every act of the case has a number, so that it sees what was
left out. Where the installation is at hand, `lineament rerun THIS_FILE` repeats the searches.

A candidate is for people to review. It is not an identification.
"""


def disclose(installation: Installation, who: Person, case_id: str) -> bytes:
    """Return a bundle of everything that was done in a case; making it is on record.

    Raises CaseNotFound; NotYetJudged where scores of a search are still hidden from this person; WrongState
    where something was done in the case meanwhile; BundleTooLarge, LedgerBroken, BlobLost and StorageFailed.
    """
    with installation.records.read() as tx:
        case = readable(tx, who, case_id, installation.clock())
        part = part_of(tx, who, case.id, installation.clock()) or Role.AUDITOR
        record = read_case(tx, case)
    _require_done(installation, who, part, record)
    shown = {search.id: whole_search(installation, search) for search in record.searches}
    openings, closed = accounted(record, shown)
    files = _files(installation, who, record, shown, openings)
    files["closed.json"] = json_bytes(closed)
    return bundle(
        installation,
        files,
        openings,
        record.entries,
        "case.disclosed",
        case.id,
        who=who.id,
        part=part,
    )


def _require_done(installation: Installation, who: Person, part: str, record: CaseRecord) -> None:
    """Step 1. Raise NotYetJudged for who has yet to judge a candidate without what the bundle says of it."""
    if part != Part.STAFF or record.case.state is CaseState.CLOSED:
        return
    undecided = [one for one in record.searches if one.id not in record.conclusions]
    if any(is_blind(installation, who, one) for one in undecided):
        raise NotYetJudged("The bundle tells scores that are still hidden from you.")


def _files(
    installation: Installation,
    who: Person,
    record: CaseRecord,
    shown: Mapping[str, ShownSearch],
    openings: Sequence[ledger.Opening],
) -> dict[str, bytes]:
    """Step 3. Return the files by name, but for the one that says what stays closed."""
    changed = {one.entry: one.value for one in openings if record.acts[one.entry]["kind"] == "lead.changed"}
    files = {f"entries/{index}.json": entry for index, entry in record.entries.items()}
    files["read-me.txt"] = READ_ME.encode()
    with installation.records.read() as tx:
        documents: dict[str, Any] = {
            "case.json": _case(record),
            "people.json": _people(tx, who, record),
            "timeline.json": [vars(one) for one in happenings(tx, record.case)],
            "notes.json": [
                {"id": one.id, "person": one.person_id, "at": one.at, "text": one.text}
                for one in record.notes
            ],
            "examined.json": _examined(record),
            "leads.json": _leads(record, changed),
            "terms.json": _terms(installation, record),
        }
        for digest in {one.policy for one in record.searches}:
            is_own = digest == installation.policy.version
            text = installation.policy.text if is_own else policies.text(tx, digest)
            if text is not None:
                files[f"policies/{digest.removeprefix('sha256:')}.toml"] = text.encode()
    documents["error-rates.json"] = _error_rates(installation, record)
    for search_id, one in shown.items():
        documents[f"searches/{search_id}.json"] = search_document(one)
    for review in record.reviews:
        if not record.is_seed(review):
            documents[f"reviews/{review.id}.json"] = _review(record, review)
    for probe in (one for search in record.searches for one in search.probes):
        if probe.size is not None and not probe.erased:
            files[f"probes/{probe.sha256}"] = probe_photograph(installation, probe)
    return files | {name: json_bytes(document) for name, document in documents.items()}


def _case(record: CaseRecord) -> dict[str, Any]:
    case = record.case
    grounds = {number: json.loads(said) for number, said in record.grounds.items()}
    newest: dict[str, Any] = grounds[max(grounds)]
    return newest | {
        "id": case.id,
        "grounds": [{"number": number} | said for number, said in grounds.items()],
        "state": case.state,
        "opened_by": case.opened_by,
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
        "members": [
            {
                "person": one.person_id,
                "part": one.part,
                "added_by": one.added_by,
                "added_at": one.added_at,
                "until": one.until,
            }
            for one in record.members
        ],
    }


def _people(tx: Connection, who: Person, record: CaseRecord) -> list[dict[str, Any]]:
    """Return everybody who did something in the case: the sides must know who."""
    parts: dict[str, set[str]] = {who.id: set()}
    for one in record.members:
        parts.setdefault(one.person_id, set()).add(one.part)
        parts.setdefault(one.added_by, set())
    for act in record.acts.values():
        people = [act.get("who"), act.get("person"), *act.get("reviewers", ())]
        for person in filter(None, people):
            parts.setdefault(person, set())
        if act["kind"] == "review.assigned":
            parts[act["who"]].add("further examiner")
        if act["kind"] == "case.disclosed":
            parts[act["who"]].add(act["part"])
    names = cases.names(tx, sorted(parts))
    return [
        {"id": person, "name": names[person], "parts": sorted(had)} for person, had in sorted(parts.items())
    ]


def _examined(record: CaseRecord) -> dict[str, Any]:
    return {
        "openings": {
            search_id: [
                {
                    "rank": one.rank,
                    "person": one.person_id,
                    "at": one.at,
                    "judgement": one.judgement,
                    "judged_at": one.judged_at,
                }
                for one in looked
            ]
            for search_id, looked in record.looked.items()
        },
        "conclusions": {
            search_id: {"person": one.person_id, "at": one.at, "put_forward": list(one.put_forward)}
            for search_id, one in record.conclusions.items()
        },
    }


def _review(record: CaseRecord, review: Review) -> dict[str, Any]:
    """Return a comparison with what it was of."""
    lead = next((one for one in record.leads if one.id == review.lead_id), None)
    return {
        "id": review.id,
        "person": review.person_id,
        "at": review.at,
        "search": lead.search_id if lead else review.search_id,
        "rank": lead.rank if lead else review.rank,
        "lead": review.lead_id,
        "assignment": review.assignment_id,
    } | comparison_document(review.comparison)


def _leads(record: CaseRecord, changed: Mapping[int, str]) -> list[dict[str, Any]]:
    """Return the candidates that were put forward; ``changed`` says what each of their entries commits to."""
    return [
        {
            "id": one.id,
            "search": one.search_id,
            "rank": one.rank,
            "state": one.state,
            "put_forward_at": one.put_forward_at,
            "made_at": one.made_at,
            "truth": one.truth,
            "reviews": [review.id for review in record.reviews if review.lead_id == one.id],
            "events": [
                {name: act[name] for name in ("who", "at", "change")}
                | {"entry": index, "document": json.loads(changed[index])}
                for index, act in record.acts.items()
                if act["kind"] == "lead.changed" and act["lead"] == one.id
            ],
        }
        for one in record.leads
    ]


def _terms(installation: Installation, record: CaseRecord) -> dict[str, Any]:
    """Return which program made the bundle, and which models made the templates that were compared."""
    used = {one.contract for one in record.searches}
    packs, _ = models.known(installation)
    return {
        "software": {"version": lineament.__version__, "digest": software_digest()},
        "models": [
            {"name": one.name, "contract": one.contract, "digest": pack.digest}
            | {"files": {part.file: part.sha256 for part in pack.files()}, "in_use": one.in_use}
            for one in packs
            if one.contract in used
            for pack in [_whole(one)]
        ],
        "calibration": installation.tail.version if installation.tail else None,
    }


def _whole(one: KnownPack) -> ModelPack:
    if one.pack is None:
        raise ModelPackInvalid(str(one.fault))
    return one.pack


def _error_rates(installation: Installation, record: CaseRecord) -> dict[str, Any]:
    """Return what was measured: of the model on photographs of strangers, of each examiner on known pairs.

    The examiners' figures are those of the days before today (UTC), as an examiner sees their own.
    """
    today = iso(installation.clock().replace(hour=0, minute=0, second=0, microsecond=0))
    compared = sorted({review.person_id for review in record.reviews})
    return {
        "model": installation.tail and asdict(installation.tail),
        "examiners": [_rates(one) for one in examiners.rates_of(installation, compared, before=today)],
    }


def _rates(one: ExaminerRates) -> dict[str, Any]:
    counted = ("missed", "wrongly_supported", "undecided_mates", "undecided_lookalikes")
    rates = {name: getattr(one, name) for name in counted}
    return {"person": one.person_id, "mates": one.mates, "lookalikes": one.lookalikes} | {
        name: {"events": rate.events, "trials": rate.trials, "interval_95": rate.interval}
        for name, rate in rates.items()
    }


def software_digest() -> str:
    """Return 'sha256:' and the digest of this program's modules: of their names and digests, in order."""
    folder = Path(lineament.__file__).parent
    lines = [
        f"{sha256(path.read_bytes()).hexdigest()} {path.relative_to(folder).as_posix()}\n"
        for path in sorted(folder.rglob("*.py"))
    ]
    return ledger.digest("".join(lines).encode())
