"""The master key: in a file, in the environment, or in a key management service behind a program."""

from __future__ import annotations

import base64
import binascii
import os
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from lineament.errors import InvalidRequest, MasterKeyWrong, StorageFailed
from lineament.records.blobs import sync_folder
from lineament.records.keys import LocalMasterKey, MasterKey
from lineament.records.sealed import KEY_BYTES, new_key

_SECONDS = 30  # for a key management service to answer
_ANSWER_BYTES_MAX = 65_536
_NEXT = ".next"


def open_master_key(place: str, is_new: bool) -> MasterKey:
    """Open the master key at ``file:PATH``, ``env:NAME`` or ``program:PATH``. Raises MasterKeyWrong.

    A key in a file or in the environment is 32 bytes in hex. A file is made where there is none and nothing
    is kept under it yet (``is_new``). A program is run as ``PATH wrap NAME`` or ``PATH unwrap NAME``, is
    given base64 on its standard input, and answers in base64 on its standard output.
    """
    kind, _, rest = place.partition(":")
    if kind == "program":
        return ProgramMasterKey(Path(rest))
    if kind == "env":
        return LocalMasterKey(_key(os.environ.get(rest, ""), f"the environment variable {rest}"))
    file = Path(rest)
    if is_new and not file.exists():
        write_key_file(file, f"{new_key().hex()}\n")
    try:
        text = file.read_text("ascii")
    except (OSError, ValueError) as error:
        raise MasterKeyWrong(f"The master key's file {file} is missing or cannot be read.") from error
    return LocalMasterKey(_key(text, f"the file {file}"))


def next_master_key(place: str) -> MasterKey:
    """Return the key that takes over at a rotation.

    For a file it is a new one beside it, which ``take_over`` puts in its place. For a program it is the same
    one, which may wrap under a newer version. Raises InvalidRequest for the environment, where this process
    cannot put a key.
    """
    kind, _, rest = place.partition(":")
    if kind == "env":
        raise InvalidRequest("A key in the environment is replaced by another place: name one with --to.")
    if kind == "program":
        return open_master_key(place, is_new=False)
    return open_master_key(f"file:{rest}{_NEXT}", is_new=True)


def take_over(place: str) -> None:
    """End a rotation: put the new key's file in place of the old one. Raises StorageFailed.

    It is no error that another process, which was opened meanwhile, has done so.
    """
    kind, _, rest = place.partition(":")
    if kind == "file":
        try:
            with suppress(FileNotFoundError):
                Path(f"{rest}{_NEXT}").replace(rest)
            sync_folder(Path(rest).parent)
        except OSError as error:
            raise StorageFailed(f"The new master key cannot be put in place: {error.strerror}.") from error


def stopped_rotation(place: str) -> str | None:
    """Return the place of a new key beside an old one, where a rotation was stopped before it ended."""
    kind, _, rest = place.partition(":")
    return f"{place}{_NEXT}" if kind == "file" and Path(f"{rest}{_NEXT}").exists() else None


def is_master_key(place: str) -> bool:
    """Say whether a text names a place where a master key can be."""
    kind, _, rest = place.partition(":")
    return kind in {"file", "env", "program"} and bool(rest)


class ProgramMasterKey:
    """A key management service, spoken to by a program of the operator's."""

    def __init__(self, program: Path) -> None:
        self._program = program

    def wrap(self, key: bytes, name: str) -> bytes:
        """Return a data key so that it may lie on a disk. Raises MasterKeyWrong."""
        return self._run("wrap", key, name)

    def unwrap(self, wrapped: bytes, name: str) -> bytes:
        """Return a data key. Raises MasterKeyWrong."""
        key = self._run("unwrap", wrapped, name)
        if len(key) != KEY_BYTES:
            raise MasterKeyWrong(f"What {self._program} returned is not a key of {KEY_BYTES} bytes.")
        return key

    def _run(self, action: str, data: bytes, name: str) -> bytes:
        try:
            done = subprocess.run(  # noqa: S603 - the operator names it
                [self._program, action, name],
                input=base64.b64encode(data),
                stdout=subprocess.PIPE,
                check=True,
                timeout=_SECONDS,
            )
            return base64.b64decode(done.stdout[:_ANSWER_BYTES_MAX].strip(), validate=True)
        except (OSError, subprocess.SubprocessError, binascii.Error) as error:
            raise MasterKeyWrong(f"The program {self._program} does not {action} the key.") from error


def _key(text: str, where: str) -> bytes:
    with suppress(ValueError):
        key = bytes.fromhex(text)
        if len(key) == KEY_BYTES:
            return key
    raise MasterKeyWrong(f"In {where} there is no master key of {KEY_BYTES} bytes in hex.")


def write_key_file(file: Path, text: str) -> None:
    """Write a new key's file, readable for its owner alone, durably: whole, or not at all.

    One that another process wrote meanwhile is left. Raises StorageFailed.
    """
    try:
        with tempfile.NamedTemporaryFile("w", dir=file.parent) as draft:  # made with mode 0600
            draft.write(text)
            draft.flush()
            os.fsync(draft.fileno())
            with suppress(FileExistsError):
                os.link(draft.name, file)
        sync_folder(file.parent)
    except OSError as error:
        raise StorageFailed(f"The key {file} cannot be written: {error.strerror}.") from error
