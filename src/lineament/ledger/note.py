"""Signed notes, c2sp.org/signed-note v1, with Ed25519 keys only.

A note is text that ends in a newline, a blank line, and signature lines::

    — <key name> <base64(4-byte key id || 64-byte signature)>

A private key is its 32-byte seed (RFC 8032); whoever keeps it keeps it secret. A public key travels as a
verifier key, ``name+hex8+base64``, whose first byte is the signature type: 0x01 for a log's note, 0x04 for a
witness's cosignature (``cosignature.py``). What is malformed or unsigned raises ``NoteInvalid``, a bad key
``KeyInvalid``.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .errors import KeyInvalid, NoteInvalid

ED25519 = b"\x01"  # signed-note, "Signature types"
KEY_BYTES = 32  # RFC 8032: seed and public key alike
KEY_ID_BYTES = 4  # signed-note, "Signatures"
MAX_NOTE_BYTES = 1_000_000  # far above the 16 signatures of up to 5 kB that must be read
MAX_SIGNATURES = 100  # what Go's x/mod/sumdb/note reads


def decode_base64(text: str) -> bytes:
    """Return the bytes of RFC 4648 section 4 base64; any but the canonical spelling raises ``ValueError``."""
    data = base64.b64decode(text, validate=True)
    if encode_base64(data) != text:
        raise ValueError("the unused bits of the last base64 digit are not zero")
    return data


def encode_base64(data: bytes) -> str:
    """Return RFC 4648 section 4 base64 with padding."""
    return base64.b64encode(data).decode("ascii")


@dataclass(frozen=True)
class Signature:
    """One signature line: the key's name, its 4-byte id, and what the key made of the text."""

    name: str
    key_id: bytes
    blob: bytes

    @property
    def line(self) -> str:
        """The line as it stands in a note, newline included."""
        return f"— {self.name} {encode_base64(self.key_id + self.blob)}\n"


@dataclass(frozen=True)
class Note:
    """A note that was read and not yet checked: its text and the signatures under it."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Read a whole note in UTF-8. Raises ``NoteInvalid``."""
        if len(data) > MAX_NOTE_BYTES:
            raise NoteInvalid(f"The note is longer than {MAX_NOTE_BYTES} bytes.")
        try:
            decoded = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NoteInvalid("The note is not UTF-8.") from error
        if any(char < " " and char != "\n" for char in decoded):
            raise NoteInvalid("The note holds a control character.")
        text, blank, lines = decoded.rpartition("\n\n")
        if not blank or not lines.endswith("\n"):
            raise NoteInvalid("The note is not text, a blank line and signature lines.")
        signed = lines[:-1].split("\n")
        if len(signed) > MAX_SIGNATURES:
            raise NoteInvalid(f"The note has more than {MAX_SIGNATURES} signatures.")
        return cls(text + "\n", tuple(_parse_signature(line) for line in signed))

    @property
    def data(self) -> bytes:
        """The whole note in UTF-8."""
        return f"{self.text}\n{''.join(one.line for one in self.signatures)}".encode()


@dataclass(frozen=True)
class PublicKey:
    """A key name and a 32-byte Ed25519 public key; each subclass has its own signature type."""

    name: str
    public_key: bytes

    kind: ClassVar[bytes]

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.public_key) != KEY_BYTES:
            raise KeyInvalid(f"An Ed25519 public key has {KEY_BYTES} bytes, not {len(self.public_key)}.")

    @classmethod
    def from_vkey(cls, vkey: str) -> Self:
        """Read a verifier key, one line ``name+hex8+base64``. Raises ``KeyInvalid``."""
        name, _, rest = vkey.partition("+")
        key_id, _, encoded = rest.partition("+")
        try:
            key = decode_base64(encoded)
        except ValueError as error:
            raise KeyInvalid(f"The verifier key's base64 cannot be read: {error}.") from error
        if key[:1] != cls.kind:
            raise KeyInvalid(f"The verifier key is not an Ed25519 key of type 0x{cls.kind.hex()}.")
        verifier = cls(name, key[1:])
        if key_id != verifier.key_id.hex():
            raise KeyInvalid("The verifier key's id is not that of its name and key.")
        return verifier

    @property
    def vkey(self) -> str:
        """The verifier key, ``name+hex8+base64``, to be shown wherever people can compare it."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(self.kind + self.public_key)}"

    @property
    def key_id(self) -> bytes:
        """4 bytes: SHA-256(name || 0x0A || type || public key)[:4], signed-note "Ed25519 signatures"."""
        return sha256(self.name.encode() + b"\n" + self.kind + self.public_key).digest()[:KEY_ID_BYTES]

    def signatures(self, note: Note) -> list[Signature]:
        """Return the lines of this name and key id. Others are passed over, as signed-note says."""
        return [one for one in note.signatures if (one.name, one.key_id) == (self.name, self.key_id)]

    def check(self, signature: bytes, message: bytes) -> None:
        """Raise ``NoteInvalid`` unless this key made the 64-byte signature over the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise NoteInvalid(f"The signature by {self.name} is not good.") from error


class Verifier(PublicKey):
    """A log's public key: all that is needed to check its notes (signature type 0x01)."""

    kind = ED25519

    def open(self, note: bytes) -> str:
        """Return the note's text, which this key has signed, once. Lines by other keys are passed over.

        Raises ``NoteInvalid``.
        """
        parsed = Note.parse(note)
        mine = self.signatures(parsed)
        if len(mine) != 1:
            number, key = "More than one" if mine else "No", self.key_id.hex()
            raise NoteInvalid(f"{number} signature by {self.name} with key id {key} is on the note.")
        self.check(mine[0].blob, parsed.text.encode())
        return parsed.text


class Signer:
    """A key name and an Ed25519 private key, which is never shown."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.verifier = Verifier(name, key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str) -> Signer:
        """Make a new key. Raises ``KeyInvalid`` for a name that is empty or holds a space or a plus."""
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def from_private_bytes(cls, name: str, seed: bytes) -> Signer:
        """Take up a key from its 32-byte seed. Raises ``KeyInvalid``."""
        if len(seed) != KEY_BYTES:
            raise KeyInvalid(f"An Ed25519 private key has {KEY_BYTES} bytes, not {len(seed)}.")
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    def private_bytes(self) -> bytes:
        """Return the 32-byte seed, to be stored where only the operator can read it."""
        return self._key.private_bytes_raw()

    @property
    def name(self) -> str:
        """The key name."""
        return self.verifier.name

    def sign(self, text: str) -> bytes:
        """Return the whole signed note in UTF-8. Raises ``NoteInvalid`` for text that a note cannot hold."""
        if not text.endswith("\n"):
            raise NoteInvalid("The text of a note ends in a newline.")
        signature = Signature(self.name, self.verifier.key_id, self._key.sign(text.encode()))
        note = Note(text, (signature,)).data
        self.verifier.open(note)
        return note


def _check_name(name: str) -> None:
    """Raise ``KeyInvalid`` unless ``name`` can stand in a signature line and in a verifier key."""
    if not name or any(char.isspace() or char == "+" or not char.isprintable() for char in name):
        raise KeyInvalid("A key name is not empty, and can be printed without a space or a plus.")
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise KeyInvalid("A key name is text that UTF-8 can hold.") from error


def _parse_signature(line: str) -> Signature:
    try:
        dash, name, encoded = line.split(" ")
        _check_name(name)
        data = decode_base64(encoded)
    except (ValueError, KeyInvalid) as error:
        raise NoteInvalid("A signature line is not a dash, a key name and base64.") from error
    if dash != "—" or len(data) <= KEY_ID_BYTES:
        raise NoteInvalid("A signature line is not a dash, a key name and base64.")
    return Signature(name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:])
