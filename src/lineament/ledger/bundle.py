"""Bundles: files that were handed out, with proof of what they were and that handing them out is on record.

A bundle is a zip of uncompressed files. ``manifest.json`` lists the digest of each; an entry of the log names
the manifest's digest, and ``receipt.tlog-proof`` proves that entry. Among the files are the entries that the
others tell about (``entries/<number>.json``), each proved under that same checkpoint by a receipt in
``receipts/``; *openings* in the manifest show which values the entries' commitments are of.

A zip can hold the same files in many ways: only the one that ``Bundle.data`` writes is a bundle.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any

from .entries import commitment
from .errors import BundleInvalid, EntryInvalid
from .receipt import SUFFIX

MANIFEST = "manifest.json"
RECEIPT = f"receipt{SUFFIX}"
ENTRY = re.compile(r"entries/(0|[1-9][0-9]{0,17})\.json")
FURTHER = re.compile(rf"receipts/(0|[1-9][0-9]{{0,17}}){re.escape(SUFFIX)}")
MAX_FILES = 10_000
FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
READABLE = 0o644 << 16
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*(\.[a-z0-9-]+)?")
_FIELD = re.compile(r"([a-z_]+)(?:/(0|[1-9][0-9]{0,4}))?")
_SALT = re.compile(r"[0-9a-f]{32,128}")


@dataclass(frozen=True)
class Opening:
    """What one commitment is of: the number of its entry, the field, the salt in hex, and the value.

    ``field`` is a name, or a name and a place in a list such as ``candidates/0``.
    """

    entry: int
    field: str
    salt: str
    value: str

    def check(self, entry: Mapping[str, object]) -> None:
        """Raise ``BundleInvalid`` unless the entry's field is the commitment to the value under the salt."""
        name, place = self._place()
        held = entry.get(name)
        if place is not None:
            held = held[place] if isinstance(held, list) and place < len(held) else None
        try:
            made = commitment(bytes.fromhex(self.salt), self.value.encode())
        except (ValueError, EntryInvalid) as error:
            raise BundleInvalid(f"The salt for {self.field} of entry {self.entry} is not one.") from error
        if made != held:
            raise BundleInvalid(f"{self.field} of entry {self.entry} is no commitment to the value given.")

    def _place(self) -> tuple[str, int | None]:
        found = _FIELD.fullmatch(self.field)
        if not found or not _SALT.fullmatch(self.salt):
            raise BundleInvalid(f"An opening of entry {self.entry} has no field or salt that there could be.")
        return found[1], None if found[2] is None else int(found[2])


@dataclass(frozen=True)
class Bundle:
    """Files by name, the manifest that lists them, and receipts by the numbers of their entries.

    ``made`` is the number of the entry that names the manifest.
    """

    files: Mapping[str, bytes]
    manifest: bytes
    receipt: bytes
    further: Mapping[int, bytes]

    @property
    def data(self) -> bytes:
        """The zip's bytes, always the same for the same content."""
        further = {f"receipts/{index}{SUFFIX}": data for index, data in self.further.items()}
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, data in [
                (MANIFEST, self.manifest),
                (RECEIPT, self.receipt),
                *sorted(self.files.items()),
                *sorted(further.items()),
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
                found = dict(_stored(archive, len(data)))
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
        manifest, receipt = found.pop(MANIFEST), found.pop(RECEIPT)
        further = {int(name[1]): found.pop(name[0]) for name in map(FURTHER.fullmatch, list(found)) if name}
        listed, _ = read_manifest(manifest)
        for name in sorted(listed.keys() | found.keys()):
            if name not in found:
                raise BundleInvalid(f"{name} is missing.")
            if name not in listed:
                raise BundleInvalid(f"{name} was added: the manifest does not list it.")
            if listed[name] != digest(found[name]):
                raise BundleInvalid(f"{name} was changed: it has not the digest that the manifest lists.")
        bundle = cls(found, manifest, receipt, further)
        if bundle.data != data:
            raise BundleInvalid("The zip was changed outside of its files.")
        return bundle

    def openings(self) -> list[Opening]:
        """Return the manifest's openings. Raises ``BundleInvalid``."""
        return read_manifest(self.manifest)[1]

    def entries(self) -> dict[int, bytes]:
        """Return the entries among the files by their numbers."""
        found = ((ENTRY.fullmatch(name), data) for name, data in self.files.items())
        return {int(name[1]): data for name, data in found if name}


def make_manifest(files: Mapping[str, bytes], openings: Sequence[Opening]) -> bytes:
    """Return the manifest of these files: JSON with their digests and the openings of commitments."""
    return _manifest({name: digest(data) for name, data in files.items()}, openings)


def read_manifest(data: bytes) -> tuple[dict[str, str], list[Opening]]:
    """Return the files' digests and the openings that a manifest lists.

    Raises ``BundleInvalid`` unless ``data`` is what ``make_manifest`` writes for them, to the byte.
    """
    try:
        content: Any = json.loads(data)
        listed, openings = content["files"], [Opening(**one) for one in content["openings"]]
        is_one = data == _manifest(listed, openings)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BundleInvalid(f"{MANIFEST} cannot be read.") from error
    well_formed = all(
        type(getattr(one, field.name)) is (int if field.name == "entry" else str)
        for one in openings
        for field in fields(Opening)
    )
    if not is_one or not well_formed or not all(_NAME.fullmatch(name) for name in listed):
        raise BundleInvalid(f"{MANIFEST} is not in the one form that it can have.")
    if len({(one.entry, one.field) for one in openings}) < len(openings):
        raise BundleInvalid(f"{MANIFEST} opens a commitment twice.")
    return listed, openings


def _manifest(digests: Mapping[str, str], openings: Sequence[Opening]) -> bytes:
    content = {"v": 1, "files": digests, "openings": [vars(one) for one in openings]}
    return json.dumps(content, sort_keys=True, indent=1).encode()


def digest(data: bytes) -> str:
    """Return ``sha256:`` and 64 hex digits."""
    return f"sha256:{sha256(data).hexdigest()}"


def _stored(archive: zipfile.ZipFile, size: int) -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes. Nothing is decompressed, and all files together are no larger than the zip."""
    infos = archive.infolist()
    names = {info.filename for info in infos}
    if len(infos) > MAX_FILES or len(names) < len(infos):
        raise BundleInvalid(f"The bundle has a name twice, or more than {MAX_FILES} files.")
    plain = all(
        info.compress_type == zipfile.ZIP_STORED
        and info.compress_size == info.file_size
        and not info.flag_bits
        and _NAME.fullmatch(info.filename)
        for info in infos
    )
    if not plain or sum(info.file_size for info in infos) > size:
        raise BundleInvalid("The bundle holds something that is not a plain uncompressed file.")
    for info in infos:
        yield info.filename, archive.read(info)
