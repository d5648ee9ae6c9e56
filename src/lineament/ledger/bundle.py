"""Bundles: files that were handed out, with proof of what they were and that handing them out is on record.

A bundle is a zip of uncompressed files. ``manifest.json`` lists the digest of each; an entry of the log
names the manifest's digest, and ``receipt.tlog-proof`` proves that entry. Further receipts prove what the
files tell, and *openings* show which values their commitments are of. A zip can hold the same files in many
ways: only the one that ``Bundle.data`` writes is a bundle, so that no byte of it can be changed.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from .entries import commitment
from .errors import BundleInvalid, EntryInvalid
from .receipt import SUFFIX, Receipt

MANIFEST = "manifest.json"
RECEIPT = f"receipt{SUFFIX}"
MAX_FILES = 100_000
FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
READABLE = 0o644 << 16
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*(\.[a-z0-9-]+)?")


@dataclass(frozen=True)
class Opening:
    """What one commitment is of: the field of the entry that a receipt proves, the salt, and the value.

    ``field`` is a name, or a name and a place such as ``candidates/0``.
    """

    receipt: str
    field: str
    salt: str
    value: str

    def check(self, fields: Mapping[str, object]) -> None:
        """Raise ``BundleInvalid`` unless the entry's field is the commitment to the value under the salt."""
        name, _, place = self.field.partition("/")
        held = fields.get(name)
        if place:
            places = dict(enumerate(held)) if isinstance(held, list) else {}
            held = places.get(int(place)) if place.isascii() and place.isdecimal() else None
        try:
            made = commitment(bytes.fromhex(self.salt), self.value.encode())
        except (ValueError, EntryInvalid) as error:
            raise BundleInvalid(f"The salt for {self.field} of {self.receipt} is not one.") from error
        if made != held:
            raise BundleInvalid(f"{self.field} of {self.receipt} is not a commitment to the value given.")


@dataclass(frozen=True)
class Bundle:
    """Files by name, the manifest that lists them, and the receipt of the entry that names the manifest."""

    files: Mapping[str, bytes]
    manifest: bytes
    receipt: bytes

    @property
    def data(self) -> bytes:
        """The zip's bytes, always the same for the same files."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, data in [
                (MANIFEST, self.manifest),
                (RECEIPT, self.receipt),
                *sorted(self.files.items()),
            ]:
                info = zipfile.ZipInfo(name, FIRST_DAY)
                info.create_system, info.external_attr = 3, READABLE
                archive.writestr(info, data)
        return out.getvalue()

    @classmethod
    def parse(cls, data: bytes) -> Bundle:
        """Read a bundle and hold every file against the manifest. Raises ``BundleInvalid``."""
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                found = dict(_stored(archive))
        except (
            zipfile.BadZipFile,
            ValueError,
            OSError,
            EOFError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            raise BundleInvalid(f"The bundle is not a whole zip: {error}.") from error
        for name in (MANIFEST, RECEIPT):
            if name not in found:
                raise BundleInvalid(f"{name} is missing.")
        bundle = cls(found, found.pop(MANIFEST), found.pop(RECEIPT))
        listed, _ = _content(bundle.manifest)
        for name in sorted(listed.keys() | found.keys()):
            if name not in found:
                raise BundleInvalid(f"{name} is missing.")
            if name not in listed:
                raise BundleInvalid(f"{name} was added: the manifest does not list it.")
            if listed[name] != digest(found[name]):
                raise BundleInvalid(f"{name} was changed: it has not the digest that the manifest lists.")
        if bundle.data != data:
            raise BundleInvalid("The zip was changed outside of its files.")
        return bundle

    def openings(self) -> list[Opening]:
        """Return the manifest's openings. Raises ``BundleInvalid``."""
        try:
            return [Opening(**one) for one in _content(self.manifest)[1]]
        except TypeError as error:
            raise BundleInvalid(f"An opening in {MANIFEST} cannot be read.") from error

    def receipts(self) -> dict[str, Receipt]:
        """Return the receipts among the files, by name. Raises ``ReceiptInvalid``."""
        return {name: Receipt.parse(data) for name, data in self.files.items() if name.endswith(SUFFIX)}


def make_manifest(files: Mapping[str, bytes], openings: Sequence[Opening]) -> bytes:
    """Return the manifest of these files: JSON with their digests and the openings of commitments."""
    content = {
        "v": 1,
        "files": {name: digest(data) for name, data in files.items()},
        "openings": [vars(one) for one in openings],
    }
    return json.dumps(content, sort_keys=True, indent=1).encode()


def _content(manifest: bytes) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Return the files' digests and the openings that a manifest lists. Raises ``BundleInvalid``."""
    try:
        content = json.loads(manifest)
    except (ValueError, RecursionError) as error:
        raise BundleInvalid(f"{MANIFEST} is not JSON.") from error
    match content:
        case {"v": 1, "files": dict(files), "openings": list(openings), **rest} if not rest:
            return files, openings
        case _:
            raise BundleInvalid(f"{MANIFEST} is not version 1 with files and openings.")


def digest(data: bytes) -> str:
    """Return ``sha256:`` and 64 hex digits."""
    return f"sha256:{sha256(data).hexdigest()}"


def _stored(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes; nothing is decompressed, so that no file is larger than the zip."""
    infos = archive.infolist()
    names = [info.filename for info in infos]
    if len(names) > MAX_FILES or len(set(names)) < len(names):
        raise BundleInvalid(f"The bundle has a name twice, or more than {MAX_FILES} files.")
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits or not _NAME.fullmatch(info.filename):
            raise BundleInvalid("The bundle holds something that is not a plain uncompressed file.")
        yield info.filename, archive.read(info)
