"""AES-256-GCM (NIST SP 800-38D) for everything that is kept of a photograph or a face.

What is sealed is 12 random bytes (the nonce), the ciphertext, and 16 bytes that prove it whole. A key of 32
bytes seals far fewer than the 2**32 messages that random nonces allow (8.3).
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12


class NotWhole(Exception):
    """The key is another one, or what was sealed has been changed or moved."""


def new_key() -> bytes:
    """Return 32 random bytes."""
    return AESGCM.generate_key(8 * KEY_BYTES)


def seal(key: bytes, data: bytes, about: str) -> bytes:
    """Encrypt ``data``. ``about`` says what it is, and must be said again to open it."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data, about.encode())


def unseal(key: bytes, sealed: bytes, about: str) -> bytes:
    """Return what was sealed. Raises NotWhole."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode())
    except (InvalidTag, ValueError) as error:
        raise NotWhole("what was sealed does not open") from error
