"""Model packs: the ones known here, and how one is added under the terms of its licences."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from lineament.app.installation import Installation, require
from lineament.app.journal import act
from lineament.core.odds import Tail, parse_tail
from lineament.core.policy import Person, Role
from lineament.core.times import iso
from lineament.core.words import plain
from lineament.errors import (
    LicenceNotAccepted,
    ModelPackExists,
    ModelPackInvalid,
    ModelPackNotFound,
    NotAModelPack,
    NotCalibrated,
    StorageFailed,
)
from lineament.records import images
from lineament.records.models import AddedPack, add_pack, list_packs, pack_in_use
from lineament.vision.pack import DEFAULT_PACK, TAIL, ModelPack, Source, load_pack

SHIPPED = "default"  # the name of the pack that ships; no other pack has it
MODEL_BYTES_MAX = 2**31  # protobuf, and with it an ONNX file, ends at 2 GiB
TEXT_BYTES_MAX = 2**20
_DRAFT = "."  # what the name of a folder begins with in which a pack is being put together; no pack's does
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_NON_COMMERCIAL = re.compile(r"non-? ?commercial|\bNC\b", re.IGNORECASE)


@dataclass(frozen=True)
class KnownPack:
    """A pack that ships or was added. ``faces`` counts those that have a template of its contract.

    Where it is lost or damaged, ``pack`` is None, and ``fault`` a sentence that says so.
    """

    name: str
    contract: str
    pack: ModelPack | None
    in_use: bool
    calibrated: bool
    faces: int
    fault: str | None = None


def known(installation: Installation) -> tuple[list[KnownPack], dict[str, int]]:
    """Return every pack, the one that ships first, and the faces of contracts that no pack here has."""
    with installation.records.read() as tx:
        added, in_use, faces = list_packs(tx), pack_in_use(tx), images.faces_by_contract(tx)
    packs = [_known(installation.models_folder, one, one == in_use, faces) for one in (None, *added)]
    contracts = {one.contract for one in packs}
    return packs, {contract: count for contract, count in faces.items() if contract not in contracts}


def _known(models_folder: Path, added: AddedPack | None, in_use: bool, faces: Mapping[str, int]) -> KnownPack:
    try:
        pack = load(models_folder, added)
        calibrated = tail_of(pack) is not None
    except ModelPackInvalid as error:
        if added is None:  # no installation opens without the one that ships
            raise
        there = faces.get(added.contract, 0)
        return KnownPack(added.name, added.contract, None, in_use, False, there, str(error))
    there = faces.get(pack.contract, 0)
    return KnownPack(pack.name, pack.contract, pack, in_use, calibrated, there)


def find(installation: Installation, name: str) -> AddedPack | None:
    """Return a pack that was added, or None for the one that ships. Raises ModelPackNotFound."""
    with installation.records.read() as tx:
        by_name = {SHIPPED: None, **{one.name: one for one in list_packs(tx)}}
    if name not in by_name:
        raise ModelPackNotFound(f"There is no model pack named '{plain(name)}'.")
    return by_name[name]


def load(models_folder: Path, added: AddedPack | None) -> ModelPack:
    """Read what a pack that was added says, or with None the one that ships.

    Raises ModelPackInvalid, also where it does not say what it said when its terms were accepted.
    """
    if added is None:
        return load_pack(DEFAULT_PACK)
    folder = models_folder / added.name
    if not folder.is_dir():
        raise ModelPackInvalid(f"The model pack '{added.name}' is lost: there is no folder {folder}.")
    pack = load_pack(folder)
    if pack.digest != added.digest:
        raise ModelPackInvalid(f"The pack.toml of '{added.name}' is not the one that was added.")
    return pack


def tail_of(pack: ModelPack) -> Tail | None:
    """Return a pack's measured error rates, or None. Raises ModelPackInvalid or NotCalibrated for others'."""
    measured = pack.impostor_tail()
    return None if measured is None else parse_tail(measured)


def add(installation: Installation, who: Person, folder: Path, accepts: Callable[[str], bool]) -> str | None:
    """Take a copy of a pack into the data folder, once its licence terms are accepted; return its name.

    ``accepts`` is given the terms as text and says whether they are accepted. Returns None when the very same
    pack is there already. Raises NotAModelPack, ModelPackExists or LicenceNotAccepted; nothing is kept then.
    """
    require(who, Role.CURATOR)
    with _draft(installation.models_folder) as draft:
        try:
            pack = _copy(folder, draft / (folder.resolve().name or "pack"))
        except ModelPackInvalid as error:  # which is how a pack that was added would be broken
            raise NotAModelPack(str(error)) from error
        if _is_known(installation, pack):
            return None
        text = terms(pack)
        if not accepts(text):
            raise LicenceNotAccepted(f"The terms of the model pack '{pack.name}' were not accepted.")
        accepted = installation.documents.put(text.encode())
        with act(installation) as doing:
            now = iso(installation.clock())
            if pack.name in {one.name for one in list_packs(doing.tx)}:  # another process was quicker
                raise ModelPackExists(f"There is another model pack named '{pack.name}'.")
            _move(pack.folder, installation.models_folder / pack.name)
            add_pack(doing.tx, AddedPack(pack.name, pack.contract, pack.digest, accepted, who.id, now))
            doing.record(
                "model.added",
                at=now,
                who=who.id,
                contract=pack.contract,
                pack=pack.digest,
                terms=f"sha256:{accepted}",
            )
    return pack.name


def _is_known(installation: Installation, pack: ModelPack) -> bool:
    """Say whether this very pack is there already. Raises ModelPackExists when another one has its name."""
    with installation.records.read() as tx:
        digests = {one.name: one.digest for one in list_packs(tx)}
    if pack.name not in {SHIPPED, *digests}:
        return False
    if digests.get(pack.name) == pack.digest:
        return True
    raise ModelPackExists(f"There is another model pack named '{pack.name}'.")


def terms(pack: ModelPack) -> str:
    """Return what is to be accepted: every file's source and licence, and the notices, as plain text."""
    notices = [(name, _text(pack.folder / name)) for name in pack.notices]
    loud = [
        f"NON-COMMERCIAL: the licence of {one.file} speaks of it: {one.licence}"
        for one in pack.sources
        if _NON_COMMERCIAL.search(one.licence)
    ]
    loud += [
        f"NON-COMMERCIAL: {name} speaks of it." for name, text in notices if _NON_COMMERCIAL.search(text)
    ]
    parts = [f"Model pack '{pack.name}', contract {pack.contract}", *loud]
    parts += [_says(one) for one in pack.sources]
    parts += [f"--- {name} ---\n{text}" for name, text in notices]
    return "\n\n".join(parts)


def _says(source: Source) -> str:
    return "\n  ".join(
        [
            source.file,
            f"model:         {source.model}",
            f"licence:       {source.licence}",
            f"copyright:     {source.copyright}",
            f"source:        {source.source}",
            f"training data: {source.training_data}",
            f"evaluated on:  {source.evaluated_on}",
        ]
    )


def _text(file: Path) -> str:
    """Return a text file's lines with a question mark for everything that a terminal might obey."""
    return "\n".join(map(plain, file.read_bytes().decode(errors="replace").splitlines()))


@contextmanager
def _draft(models_folder: Path) -> Iterator[Path]:
    """Give a folder beside the packs that is gone afterwards; nobody clears it away meanwhile."""
    clear_drafts(models_folder)
    with ExitStack() as until_done:
        with _storage_errors():
            models_folder.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(models_folder, os.O_RDONLY)
            until_done.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_SH)
            draft = tempfile.TemporaryDirectory(prefix=_DRAFT, dir=models_folder)
        yield Path(until_done.enter_context(draft))


def clear_drafts(models_folder: Path) -> None:
    """Delete the drafts that were left by an ``add`` which was killed, unless another one is running now."""
    try:
        lock = os.open(models_folder, os.O_RDONLY)
    except OSError:  # nothing was ever added
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for left in models_folder.glob(f"{_DRAFT}*"):
            shutil.rmtree(left, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(lock)


def _copy(folder: Path, to: Path) -> ModelPack:
    """Copy the files that a pack names, and no others; return the copy, once each file has its digest.

    What is checked is the copy, so that nobody can change it afterwards. Raises ModelPackInvalid for a file
    that is missing, too large, another one, or a link: what a pack names lies in its folder.
    """
    with _storage_errors():
        to.mkdir()
        _copy_file(folder, to, "pack.toml", TEXT_BYTES_MAX)
        pack = load_pack(to)
        if not _NAME.fullmatch(pack.name):
            raise ModelPackInvalid(
                f"'{plain(pack.name)}' is no name for a model pack: use at most 40 small letters, digits and "
                "hyphens, and begin with a letter or digit."
            )
        for file, digest in {one.file: one.sha256 for one in pack.files()}.items():
            if _copy_file(folder, to, file, MODEL_BYTES_MAX) != digest:
                raise ModelPackInvalid(f"The model file {file} is not the one that its pack names.")
        for text in dict.fromkeys(pack.notices):
            _copy_file(folder, to, text, TEXT_BYTES_MAX)
        if os.path.lexists(folder / TAIL):
            _copy_file(folder, to, TAIL, TEXT_BYTES_MAX)
    try:
        tail_of(pack)
    except NotCalibrated as error:
        raise ModelPackInvalid(f"{TAIL} of the pack {pack.name} cannot be used: {error}") from error
    return pack


def _copy_file(folder: Path, to: Path, name: str, most: int) -> str:
    """Copy one plain file of at most so many bytes, durably; return its SHA-256 in hex."""
    digest, size = sha256(), 0
    try:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        source = os.fdopen(os.open(folder / name, flags), "rb")
    except OSError as error:
        raise ModelPackInvalid(f"The pack's file {name} cannot be read: {error.strerror}.") from error
    with source, (to / name).open("xb") as copy:
        if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            raise ModelPackInvalid(f"The pack's file {name} is not an ordinary file.")
        while block := source.read(2**20):
            size += len(block)
            if size > most:
                raise ModelPackInvalid(f"The pack's file {name} is larger than {most:,} bytes.")
            digest.update(block)
            copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())
    return digest.hexdigest()


def _move(copied: Path, place: Path) -> None:
    """Put a copy in its place, durably. What lies there is no pack's: a stop came before it was recorded."""
    with _storage_errors():
        shutil.rmtree(place, ignore_errors=True)
        copied.rename(place)
        for folder in (place, place.parent):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


@contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageFailed(f"The model pack cannot be stored: {error.strerror}.") from error
