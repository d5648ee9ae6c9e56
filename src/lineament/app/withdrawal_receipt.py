"""The receipt for a withdrawal: what was asked, what was removed, the proof of it, and how to check it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from lineament import ledger, typeset
from lineament.app.disclose import bundle, checkpoint_with, receipt_of
from lineament.app.installation import Installation, require
from lineament.core.jsontext import json_bytes
from lineament.core.policy import Person, Role
from lineament.core.times import from_iso
from lineament.core.words import counted
from lineament.errors import NotYetErased, WithdrawalNotFound
from lineament.records import ledger_entries, suppressions, withdrawals
from lineament.records.withdrawals import By, Scope, Withdrawal

COMMITTED = {"withdrawal.recorded": "subject", "erasure.done": "proof"}  # each entry and what it commits to
READ_ME = """\
This bundle was made by Lineament. It is the receipt for a withdrawal: to be read (receipt.pdf), to be
processed (receipt.json), and with the two entries of the ledger that it speaks of.

To check it, get the ledger's public key by another way than this file, and run

    lineament verify THIS_FILE --vkey KEY

or the verifier that Lineament exports as one Python file (`lineament verifier`).
"""


@dataclass(frozen=True)
class WithdrawalReceipt:
    """A receipt as JSON, as a PDF, and as a bundle that holds both and that `lineament verify` checks."""

    json: bytes
    pdf: bytes
    bundle: bytes


def withdrawal_receipt(installation: Installation, who: Person, withdrawal_id: str) -> WithdrawalReceipt:
    """Return the receipt for a withdrawal; handing it out is on record.

    The same withdrawal has the same PDF to the byte each time; the proofs in the other two lead to the
    ledger's checkpoint of the moment. Raises WithdrawalNotFound, and NotYetErased.
    """
    require(who, Role.CURATOR)
    with installation.records.read() as tx:
        one = withdrawals.get(tx, withdrawal_id)
        entries = ledger_entries.mentioning(tx, f'"withdrawal":"{withdrawal_id}"') if one else {}
        kept_out = sum(each.contract is not None for each in suppressions.of_withdrawal(tx, withdrawal_id))
    if one is None:
        raise WithdrawalNotFound("There is no such withdrawal.")
    if one.erased_at is None:
        raise NotYetErased("What was withdrawn is not yet removed from the disk.")
    document = _document(installation, one, kept_out, entries)
    template = (files("lineament.app") / "withdrawal_receipt.typ").read_bytes()
    page = _page(installation, one, kept_out, entries)
    pdf = typeset.pdf(template, receipt=json_bytes(page).decode())
    openings = [_opening(one, index, entry) for index, entry in entries.items()]
    held = {f"entries/{index}.json": entry for index, entry in entries.items()}
    held |= {"read-me.txt": READ_ME.encode(), "receipt.json": document, "receipt.pdf": pdf}
    by = {"who": who.id, "role": Role.CURATOR, "case": one.id}
    return WithdrawalReceipt(
        document, pdf, bundle(installation, held, openings, entries, "disclosure.made", **by)
    )


def _opening(one: Withdrawal, index: int, entry: bytes) -> ledger.Opening:
    """Show what the commitment of one of the two entries is of."""
    field = COMMITTED[str(ledger.decode(entry)["kind"])]
    value = one.subject if field == "subject" else one.proof
    return ledger.Opening(index, field, ledger.field_salt(one.salt, field).hex(), json_bytes(value).decode())


def _document(
    installation: Installation, one: Withdrawal, kept_out: int, entries: Mapping[int, bytes]
) -> bytes:
    """Return the receipt as JSON."""
    note = checkpoint_with(installation, max(entries))
    value = {
        "v": 1,
        "withdrawal": one.id,
        "recorded_at": one.recorded_at,
        "by": one.by,
        "scope": one.scope,
        "subject": one.subject,
        "images": one.images,
        "faces": one.faces,
        "faces_kept_out": kept_out,
        "erased_at": one.erased_at,
        "proof": one.proof,
        "log": installation.signer.verifier.vkey,
        "entries": [
            {
                "number": index,
                "entry": ledger.decode(entry),
                "opening": vars(_opening(one, index, entry)),
                "receipt": receipt_of(installation, index, entry, note).decode(),
            }
            for index, entry in entries.items()
        ],
    }
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False).encode()


_WHY = {
    By.PERSON: "as the person whom it concerns had asked",
    By.GRANTOR: "as whoever had given the photographs had asked",
    By.CURATOR: "as a curator of the collection had decided",
    By.RETENTION: "because the time for which the photographs might be kept had ended",
}
_WHAT = {
    Scope.FACE: "a face, together with its whole photograph,",
    Scope.IMAGE: "a photograph",
    Scope.SOURCE: "the photographs of a source",
    Scope.COLLECTION: "a whole collection",
}


def _page(
    installation: Installation, one: Withdrawal, kept_out: int, entries: Mapping[int, bytes]
) -> dict[str, Any]:
    """Return the receipt in plain words, section by section."""
    images, faces = counted(one.images, "photograph"), counted(one.faces, "face")
    stays = [
        "The numbers of the withdrawal, without a name or a picture, stay in the ledger. Lists of earlier "
        "searches say that something was withheld, and no longer what.",
        "A backup that was made before may hold it for as long as that backup is kept. Where it is restored, "
        "this withdrawal is done again before anything is searched.",
    ]
    if one.by is not By.RETENTION and one.scope is not Scope.COLLECTION:
        stays.append(
            "So that the same photographs do not come back, their fingerprints stay. They are encrypted, and "
            "no photograph can be made from them."
        )
    if kept_out:
        stays.append(
            f"As was asked, {counted(kept_out, 'face template')} stays, encrypted, for one purpose: to keep "
            "new photographs of that face out. No search can find it."
        )
    sections = [
        _section(
            "What was asked",
            f"On {_day(one.recorded_at)} the withdrawal of {_WHAT[one.scope]} was recorded, {_WHY[one.by]}.",
        ),
        _section(
            "What was removed",
            f"{images} with {faces}: the stored files, their keys, the face templates and what the records "
            f"knew of them. From {_day(one.recorded_at)} on no search could find them; on "
            f"{_day(one.erased_at or '')} they were removed from every file.",
        ),
        _section("How their absence was proved", *_proved(one.proof or {})),
        _section("What stays", *stays),
        _section(
            "How to check this",
            "Both steps are in a public ledger that cannot be changed unnoticed. Ask for its key in another "
            "way than by this paper, compare it with the one below, and run: lineament verify receipt.zip "
            "--vkey KEY. It needs nothing of the installation that made this receipt.",
            codes={"Withdrawal": one.id, "Key of the ledger": installation.signer.verifier.vkey}
            | {
                f"Entry {index:,} ({ledger.decode(entry)['kind']}), its fingerprint": _code(entry)
                for index, entry in entries.items()
            },
        ),
    ]
    return {"title": "Receipt for a withdrawal", "sections": sections}


def _section(title: str, *paragraphs: str, codes: Mapping[str, str] | None = None) -> dict[str, Any]:
    listed = [{"name": name, "value": value} for name, value in (codes or {}).items()]
    return {"title": title, "paragraphs": paragraphs, "codes": listed}


def _proved(proof: Mapping[str, Any]) -> list[str]:
    left = "No row of the records and no stored file of it is left, and the index was written without it."
    if not proof["searched_with"]:
        return [left, "The templates were gone before it could be searched for them as well."]
    searched = (
        f"A search with {counted(proof['searched_with'], 'template')} of what was removed, among the "
        f"{counted(proof['faces_covered'], 'face')} that remain, returned none of the faces removed."
    )
    if proof["best_remaining"] is None:
        return [left, searched]
    best = f"The face most like it that remains scores {proof['best_remaining']}"
    if proof["strangers_reach"] is None:
        return [left, searched, f"{best}; what strangers score was not measured for this model."]
    reached = f"{best}. Strangers reach {proof['strangers_reach']} in one of 100 such searches"
    if float(proof["best_remaining"]) < float(proof["strangers_reach"]):
        return [left, searched, f"{reached}: it is no more than chance gives."]
    return [left, searched, f"{reached}: another photograph of the same person may remain."]


def _day(moment: str) -> str:
    when = from_iso(moment)
    return f"{when.day} {when:%B %Y at %H:%M:%S} UTC"


def _code(entry: bytes) -> str:
    digits = ledger.leaf_hash(entry).hex()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
