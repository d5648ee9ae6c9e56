"""What is handed out so that others can check it: receipts, and bundles with all that a search left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from lineament import ledger
from lineament.app import witnessing
from lineament.app.candidates import ShownCandidate, ShownSearch, own_search, show_search, shown_bytes
from lineament.app.installation import Installation
from lineament.app.journal import act, ledger_errors
from lineament.app.search import candidate_bytes, probe_bytes
from lineament.core.jsontext import json_bytes
from lineament.core.policy import Person
from lineament.core.times import iso
from lineament.records import ledger_entries
from lineament.records.images import face_document
from lineament.records.searches import Search, probe_document

READ_ME = """\
This bundle was made by Lineament. It holds one search: what was asked, under which terms, the photographs
that were searched, the candidates as they were shown, and a receipt for every entry that the search left in
the ledger.

To check it, get the ledger's public key by another way than this file, and run

    lineament verify THIS_FILE --vkey KEY

or the verifier that Lineament exports as one Python file (`lineament verifier`). If anything was changed, it
says where. A candidate is a lead for people to review. It is not an identification.
"""


def receipt(installation: Installation, who: Person, search_id: str) -> bytes:
    """Return the receipt for what became of one of this person's searches. Raises SearchNotFound."""
    own_search(installation, who, search_id)
    entries = _entries(installation, search_id)
    index = max(index for index, entry in entries.items() if ledger.decode(entry)["kind"] == "search")
    return receipt_of(installation, index, entries[index], checkpoint_with(installation, index))


def export(installation: Installation, who: Person, search_id: str) -> bytes:
    """Return a bundle of one of this person's searches; making it is on record. Raises SearchNotFound."""
    shown = show_search(installation, who, search_id)
    search = shown.search
    entries = _entries(installation, search_id)
    files = {f"entries/{index}.json": entry for index, entry in entries.items()}
    files["read-me.txt"] = READ_ME.encode()
    files["search.json"] = json_bytes(_document(shown))
    for place, probe in enumerate(search.probes):
        if probe.size is not None:
            files[f"probes/{place}"] = installation.documents.get(probe.sha256)
    openings = [one for index, entry in entries.items() for one in _openings(shown, who, index, entry)]
    return bundle(installation, files, openings, entries, "export.made", who=who.id, search=search.id)


def bundle(
    installation: Installation,
    files: Mapping[str, bytes],
    openings: Sequence[ledger.Opening],
    entries: Mapping[int, bytes],
    kind: str,
    **fields: Any,
) -> bytes:
    """Put the making of a bundle on record, as an entry of this kind with these fields; return the bundle.

    It holds ``files``, a receipt for that entry, and one for each of the ``entries`` by their numbers. Raises
    LedgerBroken and StorageFailed.
    """
    manifest = ledger.make_manifest(files, openings)
    said = fields | {"files": len(files), "content": ledger.digest(manifest)}
    with act(installation) as doing:
        made = doing.record(kind, at=iso(installation.clock()), **said)
    if installation.witnesses.urls:
        witnessing.ask(installation)
    note = checkpoint_with(installation, made)
    with installation.records.read() as tx:
        (own,) = ledger_entries.read(tx, made, made + 1)
    main = receipt_of(installation, made, own, note)
    further = {index: receipt_of(installation, index, entry, note) for index, entry in entries.items()}
    return ledger.Bundle(files, manifest, main, further).data


def _entries(installation: Installation, search_id: str) -> dict[int, bytes]:
    with installation.records.read() as tx:
        return ledger_entries.about_search(tx, search_id)


def checkpoint_with(installation: Installation, index: int) -> bytes:
    """Return the witnessed checkpoint if it holds the entry, else the newest one. Raises LedgerBroken."""
    folder = installation.ledger_folder
    with ledger_errors():
        witnessed = ledger.read_witnessed(folder, installation.signer.verifier)
        if witnessed and witnessed[1].size > index:
            return witnessed[0]
        return ledger.read_note(folder)


def receipt_of(installation: Installation, index: int, entry: bytes, note: bytes) -> bytes:
    """Return the receipt of an entry under a signed checkpoint that holds it. Raises LedgerBroken."""
    folder, verifier = installation.ledger_folder, installation.signer.verifier
    with ledger_errors():
        return ledger.make_receipt(folder, entry, index, note, verifier).data


def _openings(shown: ShownSearch, who: Person, index: int, entry: bytes) -> list[ledger.Opening]:
    """Show what the commitments of one entry are of; what is withheld from the list stays closed."""
    search, fields = shown.search, ledger.decode(entry)
    values: dict[str, bytes] = {}
    if fields["kind"] == "search":
        values |= _probes(search, fields)
        if fields["case"] is not None and search.case_reference:
            values["case"] = search.case_reference.encode()
        if fields["candidates"]:
            visible = {face.id for one in shown.candidates for face in one.sources}
            rows = enumerate(search.candidates)
            values |= {f"candidates/{at}": candidate_bytes(row) for at, row in rows if row.face_id in visible}
    openings = [_opening(search, index, field, field, value) for field, value in values.items()]
    salted = f"list/{who.id}"
    listed = shown_bytes(shown.candidates)
    if fields.get("list") == ledger.commitment(ledger.field_salt(search.salt, salted), listed):
        openings.append(_opening(search, index, "list", salted, listed))
    return openings


def _probes(search: Search, fields: dict[str, Any]) -> dict[str, bytes]:
    """Return what the entry's commitments to photographs are of: a face may have been chosen since then."""
    values = {}
    for place, probe in enumerate(search.probes):
        field = f"probes/{place}"
        for face in (None, *range(1, len(probe.faces) + 1)):
            value = probe_bytes(replace(probe, face=face))
            if ledger.commitment(ledger.field_salt(search.salt, field), value) == fields["probes"][place]:
                values[field] = value
    return values


def _opening(search: Search, index: int, field: str, salted: str, value: bytes) -> ledger.Opening:
    return ledger.Opening(index, field, ledger.field_salt(search.salt, salted).hex(), value.decode())


def _document(shown: ShownSearch) -> dict[str, Any]:
    """Return a search as JSON values: its record, and the candidates as they may be shown now."""
    search = shown.search
    row = {name: value for name, value in vars(search).items() if name not in {"salt", "candidates"}}
    return row | {
        "reasons": [asdict(reason) for reason in search.reasons],
        "collections": [asdict(pinned) for pinned in search.collections],
        "probes": [probe_document(probe) for probe in search.probes],
        "candidates": [_candidate(one) for one in shown.candidates],
        "caution": shown.caution,
        "strangers_at_threshold": shown.at_threshold.strangers if shown.at_threshold else None,
    }


def _candidate(one: ShownCandidate) -> dict[str, Any]:
    return {
        "rank": one.rank,
        "score": one.score,
        "strength": one.strength,
        "odds": one.odds,
        "sources": [
            {
                "face": face.id,
                "image_sha256": face.image.sha256,
                "collection": face.collection,
                **face_document(face.detected),
                **asdict(face.image.provenance),
            }
            for face in one.sources
        ],
    }
