"""The engine inside the process: in memory while it is small, compressed and mapped from disk when it is not.

New faces join a tail in memory. When the tail is full it becomes a segment on disk. A manifest names the
segments and the revision up to which they hold everything; after a restart the records bring what is newer.
The tail needs no file: the records are the truth. Whoever has the files and not the key has nothing.

    manifest      which segments count, and which of their rows are gone; sealed
    segment-*/    see segment.py; sealed
    lock          held by the one process that may write here; others read, and keep changes in memory
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from lineament.errors import IndexDamaged, IndexUnavailable, StorageFailed
from lineament.index.codes import Codes, bits_for
from lineament.index.manifest import read_manifest, write_manifest
from lineament.index.nearest import Part, nearest
from lineament.index.protocol import Hits, Purged, require_vectors
from lineament.index.sealed import KEY_BYTES, Damaged
from lineament.index.segment import Piece, Segment, write_segment
from lineament.index.tail import Tail
from lineament.index.turbovec_codes import TurbovecCodes

SEGMENT_ROWS = 131_072  # faces in memory before they go to disk together
_COARSENED_AT_ONCE = 2  # segments

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class State:
    """The whole index at one revision; it never changes. See Snapshot.

    The segments hold everything up to the revision ``settled``, the tail what came after it.
    """

    tail: Tail
    segments: tuple[Segment, ...]
    revision: int
    settled: int

    def count(self, collections: Collection[str]) -> int:
        """Return how many faces these collections hold."""
        return sum(map(len, self.tail.chosen(collections))) + sum(
            segment.count(collections) for segment in self.segments
        )

    def search(
        self, probes: NDArray[np.float32], collections: Collection[str], min_score: float, limit: int
    ) -> list[Hits]:
        """Compare (n, D) probes with every face of these collections; see Snapshot. Raises IndexDamaged."""
        parts: list[Part] = []
        for segment in self.segments:
            parts += segment.parts(collections)
        parts += self.tail.chosen(collections)  # last: see ``products`` on what it leaves running
        with _file_errors():
            return nearest(parts, probes, min_score, limit)


class EmbeddedIndex:
    """See Index. Readers never wait: a change builds a new state and swaps it in.

    ``key`` (32 bytes) seals every file. Files under another key count for nothing, like those of another
    contract: the index is empty, and the records bring its faces again.
    """

    def __init__(
        self,
        folder: Path,
        contract: str,
        dimension: int,
        key: bytes,
        codes: type[Codes] = TurbovecCodes,
        segment_rows: int = SEGMENT_ROWS,
    ) -> None:
        """Open what is in the folder. Raises ValueError for a key of another length, and OSError."""
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key has {len(key)} bytes, not {KEY_BYTES}")
        self._folder, self._contract, self._dimension, self._key = folder, contract, dimension, key
        self._codes, self._segment_rows = codes, segment_rows
        self._writing = Lock()
        self._in_tail: set[str] = set()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._may_write = True
        except BlockingIOError:
            self._may_write = False
        try:
            kept = read_manifest(folder, contract, key, codes)
            self._state = State(Tail({}), kept.segments, kept.revision, kept.revision)
        except Damaged as error:
            _log.warning("The index is built anew from the records: %s", error)
            self._state = _EMPTY
        if self._may_write:
            self._delete_all_but(self._state.segments)

    @property
    def revision(self) -> int:
        """The newest revision of the records that has been applied."""
        return self._state.revision

    @contextmanager
    def snapshot(self) -> Iterator[State]:
        """Hold the index as it stands; see Index."""
        yield self._state

    def add(
        self, ids: Sequence[str], collections: Sequence[str], vectors: NDArray[np.float32], revision: int
    ) -> None:
        """Apply new faces; see Index. Raises IndexDamaged."""
        require_vectors(ids, vectors, self._dimension)
        with self._writing, _file_errors():
            state, new = self._state, self._new(ids)
            tail = state.tail.with_faces(
                [ids[at] for at in new], [collections[at] for at in new], vectors[new]
            )
            self._state = replace(state, tail=tail, revision=max(state.revision, revision))
            self._in_tail.update(ids[at] for at in new)
            if self._may_write and len(tail) >= self._segment_rows:
                self._settle()

    def remove(self, ids: Iterable[str], revision: int) -> None:
        """Take faces out; see Index. Raises IndexDamaged and StorageFailed: then they are still there."""
        gone = set(ids)
        wanted = _encoded(gone)
        with self._writing, _file_errors():
            before = self._state
            segments = tuple(segment.without(segment.rows_of(wanted)) for segment in before.segments)
            tail = before.tail.without(gone) if gone & self._in_tail else before.tail
            if self._may_write and segments != before.segments:
                self._write_manifest(segments, before.settled)
            self._state = State(tail, segments, max(before.revision, revision), before.settled)
            self._in_tail -= gone

    def purge(self) -> Purged:
        """Write every segment anew that holds removed faces, without them; see Index.

        Raises IndexUnavailable where another process has the index, IndexDamaged and StorageFailed.
        """
        with self._writing, _file_errors():
            before = self._state
            touched = [segment for segment in before.segments if len(segment.gone)]
            if touched:
                self._require_may_write()
            kept = [segment for segment in before.segments if segment not in touched]
            bits = bits_for(self._codes, self._dimension, sum(map(len, before.segments)))
            anew = [self._written(lot, bits) for lot in self._together(touched)]
            if touched:
                self._swap(replace(before, segments=(*kept, *anew)))
            return Purged(
                faces=sum(len(segment.gone) for segment in touched),
                rewritten=sum(segment.size for segment in anew),
            )

    def verify(self) -> list[str]:
        """Unseal every file; see Index."""
        return [finding for segment in self._state.segments for finding in segment.verify(self._key)]

    def clear(self) -> None:
        """Forget everything; see Index.

        Raises IndexUnavailable where another process has the index, and StorageFailed.
        """
        with self._writing, _file_errors():
            self._require_may_write()
            self._swap(_EMPTY)
            self._in_tail = set()

    def close(self) -> None:
        """Let another process write here."""
        os.close(self._lock)

    def _require_may_write(self) -> None:
        if not self._may_write:
            raise IndexUnavailable("Another process, such as a running server, has the index.")

    def _new(self, ids: Sequence[str]) -> list[int]:
        """Return the places of the ids that the index does not hold, the first place of each."""
        first = {face: at for at, face in reversed(list(enumerate(ids))) if face not in self._in_tail}
        wanted = _encoded(first)
        for segment in self._state.segments:
            for face in segment.names(segment.rows_of(wanted)):
                del first[face]
        return sorted(first.values())

    def _settle(self) -> None:
        """Bring the tail to disk; coarsen some codes where they have become too fine for so many faces."""
        state = self._state
        pieces = [
            Piece(name, np.array([face.encode() for face in shelf.ids]), shelf.templates)
            for name, shelf in state.tail.shelves.items()
        ]
        bits = bits_for(self._codes, self._dimension, sum(map(len, state.segments)) + len(state.tail))
        coarsened = [segment for segment in state.segments if segment.bits > bits][:_COARSENED_AT_ONCE]
        kept = [segment for segment in state.segments if segment not in coarsened]
        try:
            anew = [self._written(lot, bits) for lot in [*self._together(coarsened), pieces]]
            self._swap(State(Tail({}), (*kept, *anew), state.revision, state.revision))
        except (OSError, Damaged) as error:  # nothing is lost: the faces stay in memory, and in the records
            _log.warning("The index cannot be written: %s", error)
        else:
            self._in_tail = set()

    def _together(self, segments: Sequence[Segment]) -> list[list[Piece]]:
        """Return what is left of segments in lots that fill a segment each, as well as their order allows."""
        lots: list[list[Piece]] = []
        rows = 0
        for segment in segments:
            if not lots or rows + len(segment) > self._segment_rows:
                lots.append([])
                rows = 0
            lots[-1] += segment.pieces()
            rows += len(segment)
        return [lot for lot in lots if lot]

    def _written(self, pieces: Sequence[Piece], bits: int) -> Segment:
        return write_segment(self._folder, pieces, self._dimension, self._key, self._codes, bits)

    def _write_manifest(self, segments: Sequence[Segment], revision: int) -> None:
        write_manifest(self._folder, self._contract, self._key, self._codes, segments, revision)

    def _swap(self, state: State) -> None:
        """Make a state count, on disk and then for the next search; delete what no longer does."""
        self._write_manifest(state.segments, state.settled)
        self._state = state
        self._delete_all_but(state.segments)

    def _delete_all_but(self, segments: Sequence[Segment]) -> None:
        """Delete the segments that do not count and what a stop left half-written.

        Who has a deleted file open reads on.
        """
        count = {segment.folder for segment in segments}
        for folder in {*self._folder.glob("segment-*"), *self._folder.glob("draft-*")} - count:
            shutil.rmtree(folder, ignore_errors=True)
        (self._folder / "draft-manifest").unlink(missing_ok=True)


def _encoded(ids: Iterable[str]) -> NDArray[np.bytes_]:
    """Return ids as segments keep them, in order."""
    return np.array(sorted(face.encode() for face in ids), "S")


@contextmanager
def _file_errors() -> Iterator[None]:
    try:
        yield
    except Damaged as error:
        raise IndexDamaged(f"The index is damaged: {error}") from error
    except OSError as error:
        raise StorageFailed(f"The index cannot be written: {error.strerror}.") from error


_EMPTY = State(Tail({}), (), 0, 0)
