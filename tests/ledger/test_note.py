"""Signed notes: read what Go's implementation wrote, write the same, and open nothing that is not signed."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineament.ledger import KeyInvalid, LedgerError, NoteInvalid, Signer, Verifier

# The example key of Go's golang.org/x/mod/sumdb/note.
NEUMANN_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
NEUMANN_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
NEUMANN_SIGNATURE = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
NEUMANN_NOTE = f"{NEUMANN_TEXT}\n— PeterNeumann {NEUMANN_SIGNATURE}\n".encode()


def test_a_note_that_go_signed_opens_and_is_signed_the_same_here() -> None:
    """Go's example note opens with its verifier key, and its private key signs to the same bytes here."""
    verifier = Verifier.from_vkey(NEUMANN_VKEY)
    assert verifier.open(NEUMANN_NOTE) == NEUMANN_TEXT
    signer = Signer.from_private_bytes("PeterNeumann", NEUMANN_SEED)
    assert signer.verifier.vkey == NEUMANN_VKEY
    assert signer.sign(NEUMANN_TEXT) == NEUMANN_NOTE


def test_a_new_key_is_kept_as_32_bytes_and_signs_again() -> None:
    """What is signed with a stored key opens with the verifier key of the generated one."""
    signer = Signer.generate("log.example/a")
    again = Signer.from_private_bytes(signer.name, signer.private_bytes())
    vkey = signer.verifier.vkey
    assert (
        Verifier.from_vkey(vkey).open(again.sign("text\n\nwith a blank line\n"))
        == "text\n\nwith a blank line\n"
    )
    assert Signer.generate("log.example/a").verifier.vkey != vkey


def test_signatures_by_others_are_passed_over_and_a_bad_one_of_ours_is_not() -> None:
    """Witnesses may add lines; the known key's signature must be there, and every one of it must be good."""
    signer, witness = Signer.generate("log.example/a"), Signer.generate("witness.example/b")
    note, witnessed = signer.sign("text\n"), witness.sign("text\n")
    witness_line = witnessed.removeprefix(b"text\n\n")
    assert signer.verifier.open(note + witness_line) == "text\n"
    assert witness.verifier.open(note + witness_line) == "text\n"
    with pytest.raises(NoteInvalid, match="No signature by"):
        signer.verifier.open(witnessed)

    other_line = signer.sign("other\n").removeprefix(b"other\n\n")
    own_line = note.removeprefix(b"text\n\n")
    with pytest.raises(NoteInvalid, match="not good"):
        signer.verifier.open(b"text\n\n" + other_line)
    for both in (note + other_line, b"text\n\n" + other_line + own_line, note + own_line):
        with pytest.raises(NoteInvalid, match="More than one signature"):
            signer.verifier.open(both)


def test_the_same_name_with_another_key_is_a_stranger() -> None:
    """A key of the same name has another id, so its signature counts for nothing."""
    with pytest.raises(NoteInvalid, match="No signature by"):
        Signer.generate("PeterNeumann").verifier.open(NEUMANN_NOTE)


def test_no_byte_of_a_note_can_be_changed() -> None:
    """Each byte of text, dash, name and signature is covered: changed, left out or doubled, it is noticed."""
    verifier = Verifier.from_vkey(NEUMANN_VKEY)
    for at, byte in enumerate(NEUMANN_NOTE):
        before, after = NEUMANN_NOTE[:at], NEUMANN_NOTE[at + 1 :]
        for middle in (bytes([byte ^ 1]), bytes([byte ^ 0x20]), b"", bytes([byte, byte])):
            with pytest.raises(NoteInvalid):
                verifier.open(before + middle + after)


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\n\n",
        b"\n\n\n",
        NEUMANN_TEXT.encode(),
        NEUMANN_NOTE.removesuffix(b"\n"),
        NEUMANN_NOTE + b"\n",
        NEUMANN_NOTE + b"more\n",
        NEUMANN_NOTE.replace(b"\n", b"\r\n"),
        NEUMANN_NOTE.replace(b"If", b"\tIf"),
        NEUMANN_NOTE.replace(b"If", b"\xff"),
        NEUMANN_NOTE + "— other.example AAAA\n".encode(),
        NEUMANN_NOTE + "— oth+er AAAAAAA=\n".encode(),
        NEUMANN_NOTE + b"- other.example AAAAAAA=\n",
        NEUMANN_NOTE + "— other.example AAAAAA==\n".encode() * 100,
        NEUMANN_NOTE + "— other.example AAAAAAAAAA==\n".encode() * 100,
        b"x" * 1_000_000 + NEUMANN_NOTE,
    ],
)
def test_what_is_not_a_note_is_refused(note: bytes) -> None:
    """Broken text, lines, endings and sizes raise the one error, whatever good signature is on it."""
    with pytest.raises(NoteInvalid):
        Verifier.from_vkey(NEUMANN_VKEY).open(note)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_a_note_of_any_bytes_raises_from_the_tree_only(junk: bytes) -> None:
    """Junk alone, before, and after a good note never opens it and never raises anything else."""
    for note in (junk, NEUMANN_TEXT.encode() + b"\n" + junk):
        with pytest.raises(NoteInvalid):
            Verifier.from_vkey(NEUMANN_VKEY).open(note)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "PeterNeumann",
        NEUMANN_VKEY.replace("c74f20a3", "c74f20a4"),
        NEUMANN_VKEY.replace("PeterNeumann", "PeterNewman"),
        NEUMANN_VKEY.replace("PeterNeumann", "Peter Neumann"),
        NEUMANN_VKEY.replace("+ARpc", "+AhRpc"),
        NEUMANN_VKEY.replace("+AR", "+BR"),
        NEUMANN_VKEY[:-1],
        NEUMANN_VKEY[:-4],
        NEUMANN_VKEY + "\n",
        NEUMANN_VKEY[:-1] + "ä",
        "\udcff" + NEUMANN_VKEY,
    ],
)
def test_a_verifier_key_that_was_copied_wrongly_is_refused(vkey: str) -> None:
    """The key id in the line binds name and key, so that a slip of the hand shows at once."""
    with pytest.raises(KeyInvalid):
        Verifier.from_vkey(vkey)


def test_names_and_texts_that_do_not_fit_a_note_are_refused() -> None:
    """A space or plus in a name, a text without its last newline: said before anything is signed."""
    for name in ("", "a b", "a+b", "a\u2003b", "a\nb", "a\x00b"):
        with pytest.raises(KeyInvalid):
            Signer.generate(name)
    with pytest.raises(KeyInvalid, match="32 bytes"):
        Signer.from_private_bytes("a", b"short")
    for text in ("", "no newline", "a tab\t\n"):
        with pytest.raises(NoteInvalid):
            Signer.generate("a").sign(text)


def test_a_private_key_does_not_show_itself() -> None:
    """Printing or logging a signer shows nothing of its key."""
    signer = Signer.generate("log.example/a")
    shown = f"{signer!r} {signer}"
    assert signer.private_bytes().hex() not in shown
    assert repr(signer.private_bytes()) not in shown


def test_every_error_says_what_to_do_next() -> None:
    """Sentence, remedy and a code of its own that never changes: three lines for each error of the tree."""
    leaves = LedgerError.__subclasses__()
    assert len({leaf.code for leaf in leaves}) == len(leaves) == 15
    for leaf in leaves:
        sentence, remedy, code = leaf("It is so.").diagnostics().split("\n")
        assert (sentence, code) == ("It is so.", f"[{leaf.code}]")
        assert remedy.endswith(".")
        assert remedy != LedgerError.remedy
