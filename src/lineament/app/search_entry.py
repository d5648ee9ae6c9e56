"""What the ledger says of a search, and what its commitments are of."""

from __future__ import annotations

from hashlib import sha256

from lineament.core.jsontext import json_bytes
from lineament.ledger import commitment, field_salt
from lineament.records.searches import CandidateRow, Probe, Search


def search_entry(search: Search) -> dict[str, object]:
    """Return the fields of a search's ledger entry: ids, counts and salted commitments."""

    def committed(field: str, value: bytes) -> str:
        return commitment(field_salt(search.salt, field), value)

    return {
        "started": search.started_at,
        "ended": search.ended_at,
        "who": search.person_id,
        "search": search.id,
        "outcome": search.outcome.value,
        "code": search.reasons[0].code if search.reasons else None,
        "purpose": search.purpose,
        "obtained": search.obtained,
        "edited_from": search.edited_from,
        "policy": search.policy,
        "contract": search.contract,
        "mode": search.mode,
        "threshold": None if search.threshold is None else f"{search.threshold:.6f}",
        "limit": search.limit,
        "collections": [{"id": one.id, "revision": one.revision} for one in search.collections],
        "probes": [
            committed(f"probes/{place}", probe_bytes(probe)) for place, probe in enumerate(search.probes)
        ],
        "candidates": [
            committed(f"candidates/{place}", candidate_bytes(row))
            for place, row in enumerate(search.candidates)
        ],
    }


def probe_bytes(probe: Probe) -> bytes:
    """Return what the ledger commits to for one photograph: its digest and the face that is searched in it.

    Of the face its number, whether it was found or drawn, and its box; nothing until it is chosen. Where the
    photograph was edited, the digest of the edits comes last.
    """
    said, face = [probe.sha256], probe.chosen
    if face is not None:
        box = " ".join(f"{value:.1f}" for value in face.box.tolist())
        said.append(f"{probe.face} {'drawn' if face.drawn else 'found'} {box}")
    if probe.edits:
        said.append(f"edits {sha256(json_bytes([vars(edit) for edit in probe.edits])).hexdigest()}")
    return " ".join(said).encode()


def candidate_bytes(row: CandidateRow) -> bytes:
    """Return what the ledger commits to for one candidate: its rank, face and score."""
    return f"{row.rank} {row.face_id} {row.score:.6f}".encode()
