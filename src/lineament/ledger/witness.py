"""Asking a witness to cosign, c2sp.org/tlog-witness v1.0.0, from the log's side.

A witness cosigns a checkpoint once it has seen that the log only grew since the last one that it cosigned. It
remembers that size and names it when asked with another, so that the log has nothing to remember.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

from .checkpoint import Checkpoint
from .cosignature import Witness
from .errors import NoteInvalid, WitnessRefused
from .log import prove_consistency
from .note import Note, Signature, Verifier, encode_base64
from .places import SECONDS, exchange

MAX_ANSWER_BYTES = 65_536
TRIES = 3  # a size that the witness names may be overtaken by another submission
_SIZE = re.compile(rb"(0|[1-9][0-9]{0,17})\n")


def cosign(
    folder: Path, note: bytes, log: Verifier, witness: Witness, url: str, seconds: float = SECONDS
) -> list[Signature]:
    """Return the cosignature of the witness at ``url`` on a checkpoint of the folder's log.

    It is shown the log's signature alone, and has ``seconds`` for each of at most three requests.

    Raises ``WitnessRefused`` with the reason, ``LogUnreachable``, and what ``prove_consistency`` raises.
    """
    head = Checkpoint.open(note, log)
    parsed = Note.parse(note)
    note = replace(parsed, signatures=tuple(log.signatures(parsed))).data

    def ask(body: bytes) -> tuple[int, bytes]:
        return exchange("POST", f"{url.rstrip('/')}/add-checkpoint", body, MAX_ANSWER_BYTES, seconds)

    old = 0
    for _ in range(TRIES):
        proof = prove_consistency(folder, old, head.size) if old else []
        status, answer = ask(request(old, proof, note))
        if status == HTTPStatus.OK:
            return _cosignatures(note, answer, witness)
        found = _SIZE.fullmatch(answer)
        if status != HTTPStatus.CONFLICT or not found:
            why = _WHY.get(status, "it gives no reason")
            raise WitnessRefused(f"{witness.name} refuses with status {status}: {why}.")
        named = int(found[1])
        if named > head.size:
            raise WitnessRefused(
                f"{witness.name} has cosigned {named} entries of this log; here are only {head.size}."
            )
        if named == old:
            raise WitnessRefused(f"{witness.name} has cosigned another log of {named} entries by this name.")
        old = named
    raise WitnessRefused(f"{witness.name} names another size each time.")


def request(old: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """Return the body of an ``add-checkpoint`` request."""
    lines = [f"old {old}", *map(encode_base64, proof), "", ""]
    return "\n".join(lines).encode() + note


_WHY: dict[int, str] = {  # tlog-witness "add-checkpoint"
    HTTPStatus.BAD_REQUEST: "it calls the request malformed",
    HTTPStatus.NOT_FOUND: "it does not know this log; give its operator the log's public key",
    HTTPStatus.FORBIDDEN: "it knows this log under another key",
    HTTPStatus.CONFLICT: "it has cosigned another log by this name",
    HTTPStatus.UNPROCESSABLE_ENTITY: "this log does not go on from the one that it has cosigned",
}


def _cosignatures(note: bytes, answer: bytes, witness: Witness) -> list[Signature]:
    """Read the answer as further lines of the note (tlog-witness); lines by others are passed over."""
    try:
        cosigned = Note.parse(note + answer)
        if witness.cosigned_at(cosigned) is None:
            raise NoteInvalid(f"No cosignature by {witness.name} is in the answer.")
    except NoteInvalid as error:
        raise WitnessRefused(f"{witness.name} answers with something else: {error}") from error
    return witness.signatures(cosigned)
