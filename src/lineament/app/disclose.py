"""What is handed out so that others can check it: receipts, and bundles with all that a search left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from lineament import ledger
from lineament.app import witnessing
from lineament.app.candidates import (
    ShownCandidate,
    ShownSearch,
    is_blind,
    own_search,
    show_search,
    shown_bytes,
    whole_search,
)
from lineament.app.installation import Installation
from lineament.app.journal import act, ledger_errors
from lineament.app.search_entry import candidate_bytes, probe_bytes
from lineament.core.jsontext import json_bytes
from lineament.core.policy import Person
from lineament.core.times import iso
from lineament.errors import BundleTooLarge, WrongState
from lineament.ledger.bundle import MAX_FILES
from lineament.records import ledger_entries
from lineament.records.images import face_document
from lineament.records.searches import Search, probe_document

BYTES_MAX = 2_000_000_000  # of the files together; a verifier reads 2 GiB
READ_ME = """\
This bundle was made by Lineament. It holds one search: what was asked, under which terms, the photographs
that were searched, the candidates as they were shown, and a receipt for every entry that the search left in
the ledger.

To check it, get the ledger's public key by another way than this file, and run

    lineament verify THIS_FILE --vkey KEY

or the verifier that Lineament exports as one Python file (`lineament verifier`). If anything was changed, it
says where. A candidate is for people to review. It is not an identification.
"""


def receipt(installation: Installation, who: Person, search_id: str) -> bytes:
    """Return the receipt for what became of one of this person's searches.

    Raises SearchNotFound, and WrongState while scores of its candidates are hidden from this person.
    """
    _require_judged(installation, who, own_search(installation, who, search_id))
    entries = _entries(installation, search_id)
    index = max(index for index, entry in entries.items() if ledger.decode(entry)["kind"] == "search")
    return receipt_of(installation, index, entries[index], checkpoint_with(installation, index))


def export(installation: Installation, who: Person, search_id: str) -> bytes:
    """Return a bundle of one of this person's searches; making it is on record.

    Raises SearchNotFound, and WrongState while scores of its candidates are hidden from this person.
    """
    _require_judged(installation, who, own_search(installation, who, search_id))
    shown = show_search(installation, who, search_id)
    search = shown.search
    entries = _entries(installation, search_id)
    files = {f"entries/{index}.json": entry for index, entry in entries.items()}
    files["read-me.txt"] = READ_ME.encode()
    files["search.json"] = json_bytes(search_document(whole_search(installation, search)))
    for place, probe in enumerate(search.probes):
        if probe.size is not None and not probe.erased:
            files[f"probes/{place}"] = installation.documents.get(probe.sha256)
    openings = [one for index, entry in entries.items() for one in _openings(shown, who, index, entry)]
    return bundle(installation, files, openings, entries, "export.made", who=who.id, search=search.id)


def _require_judged(installation: Installation, who: Person, search: Search) -> None:
    if is_blind(installation, who, search):
        raise WrongState(
            "Judge every candidate of this search first: until then its scores and ranks are hidden from you."
        )


def bundle(
    installation: Installation,
    files: Mapping[str, bytes],
    openings: Sequence[ledger.Opening],
    entries: Mapping[int, bytes],
    kind: str,
    case_id: str | None = None,
    **fields: Any,
) -> bytes:
    """Put the making of a bundle on record, as an entry of this kind with these fields; return the bundle.

    It holds ``files``, a receipt for that entry, and one for each of the ``entries`` by their numbers. With
    ``case_id`` these are all that were made in a case. Raises WrongState when there is another one by now,
    BundleTooLarge, LedgerBroken and StorageFailed.
    """
    _require_room(files, entries)
    manifest = ledger.make_manifest(files, openings)
    said = fields | {"files": len(files), "content": ledger.digest(manifest)}
    with act(installation) as doing:
        if case_id is not None:
            here = doing.in_case(case_id)
            if here is None or here["number"] != len(entries) + 1:
                raise WrongState("Something was done in this case while its bundle was made.")
            said["case"] = here
        made = doing.record(kind, at=iso(installation.clock()), **said)
    if installation.witnesses.urls:
        witnessing.ask(installation)
    note = checkpoint_with(installation, made)
    with installation.records.read() as tx:
        (own,) = ledger_entries.read(tx, made, made + 1)
    main = receipt_of(installation, made, own, note)
    further = {index: receipt_of(installation, index, entry, note) for index, entry in entries.items()}
    return ledger.Bundle(files, manifest, main, further).data


def _require_room(files: Mapping[str, bytes], entries: Mapping[int, bytes]) -> None:
    """Raise BundleTooLarge for more files, or bytes of them, than a verifier reads."""
    number = len(files) + len(entries) + 2  # the manifest and the bundle's own receipt
    size = sum(map(len, files.values()))
    if number > MAX_FILES or size > BYTES_MAX:
        raise BundleTooLarge(
            f"The bundle would have {number:,} files and {size:,} bytes: {MAX_FILES:,} files and "
            f"{BYTES_MAX:,} bytes are the most."
        )


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
    values = search_values(shown, fields) if fields["kind"] == "search" else {}
    openings = [_opening(search, index, field, field, value) for field, value in values.items()]
    salted = f"list/{who.id}"
    listed = shown_bytes(shown.candidates)
    if fields.get("list") == ledger.commitment(ledger.field_salt(search.salt, salted), listed):
        openings.append(_opening(search, index, "list", salted, listed))
    return openings


def search_values(shown: ShownSearch, fields: Mapping[str, Any]) -> dict[str, bytes]:
    """Return what the commitments of one entry of a search are of, by field; not what is withheld."""
    visible = {face.id for one in shown.candidates for face in one.sources}
    rows = enumerate(shown.search.candidates if fields["candidates"] else ())
    listed = {f"candidates/{at}": candidate_bytes(row) for at, row in rows if row.face_id in visible}
    return _probes(shown.search, fields) | listed


def _probes(search: Search, fields: Mapping[str, Any]) -> dict[str, bytes]:
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


def search_document(shown: ShownSearch) -> dict[str, Any]:
    """Return a search as JSON values: its record, and the candidates as they may be shown now."""
    search = shown.search
    row = {name: value for name, value in vars(search).items() if name not in {"salt", "candidates"}}
    return row | {
        "reasons": [asdict(reason) for reason in search.reasons],
        "collections": [asdict(pinned) for pinned in search.collections],
        "probes": [probe_document(probe) for probe in search.probes],
        "candidates": [_candidate(search, one) for one in shown.candidates],
        "caution": shown.caution,
        "strangers_at_threshold": shown.at_threshold.strangers if shown.at_threshold else None,
    }


def _candidate(search: Search, one: ShownCandidate) -> dict[str, Any]:
    copies = sum(row.rank == one.rank for row in search.candidates)
    return {
        "rank": one.rank,
        "score": one.score,
        "strength": one.strength,
        "odds": one.odds,
        "withdrawn": copies - len(one.sources),  # or no longer permitted
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
