"""What is evaluated: a folder of photographs by person, a protocol in CSV files, or scores that are stored.

Everything is read and checked before anything is computed. Nothing is inferred of anybody: a label is a
column of the operator's own file.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lineament.core.words import plain
from lineament.errors import ProtocolInvalid
from lineament.evaluation.intervals import numbered
from lineament.evaluation.protocol_rows import (
    ROWS_MAX,
    digest_of,
    filled,
    flag_of,
    fold_of,
    folder_of,
    header_of,
    place_of,
    rows_of,
    score_of,
)
from lineament.evaluation.verification import Comparisons

PHOTOGRAPHS_MAX = 1_000_000
PAIRS_DRAWN = 200_000  # of each kind, from a folder
VALUES_MAX = 50  # of a label; a column with more values is no group
ENDINGS = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .heic .heif .hif .avif .tif .tiff .bmp .gif".split()  # noqa: SIM905
)
SUBJECTS = ("subject", "identity")  # the column that says who it is


@dataclass(frozen=True)
class Photo:
    """One photograph: its place below the root, with ``/``, whose it is, and its labels."""

    path: str
    subject: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """Two photographs and whether they show the same person."""

    first: Photo
    second: Photo
    same: bool
    fold: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OpenSet:
    """Who is enrolled, and the probes of people who are, and who are not."""

    gallery: tuple[Photo, ...]
    mated: tuple[Photo, ...]
    others: tuple[Photo, ...]


@dataclass(frozen=True)
class Protocol:
    """What is compared with what. ``digest`` is that of the lists, and of their rows' order.

    ``root`` is the folder that the photographs' places are in. ``sentence`` says what the protocol is, for
    the report. One of ``pairs`` and ``open_set`` may be missing.
    """

    name: str
    sentence: str
    digest: str
    root: Path
    pairs: tuple[Pair, ...] = ()
    open_set: OpenSet | None = None

    @property
    def photographs(self) -> list[str]:
        """The places of all photographs, each once."""
        sides = (one for pair in self.pairs for one in (pair.first, pair.second))
        sets = (self.open_set.gallery, self.open_set.mated, self.open_set.others) if self.open_set else ()
        return list(
            dict.fromkeys([*(one.path for one in sides), *(one.path for part in sets for one in part)])
        )

    @property
    def probes(self) -> list[str]:
        """The places of those that are searched, or are the second of a pair: each once."""
        seconds = [pair.second.path for pair in self.pairs]
        sets = (self.open_set.mated, self.open_set.others) if self.open_set else ()
        return list(dict.fromkeys([*seconds, *(one.path for part in sets for one in part)]))


class StoredScores(NamedTuple):
    """Scores that were computed elsewhere, and what they came from."""

    name: str
    digest: str
    compared: Comparisons


def read_protocol(source: Path, root: Path | None, seed: int) -> Protocol | StoredScores:
    """Read what is to be evaluated; the header of a CSV file says which kind it is.

    A folder with gallery.csv, mated.csv and nonmated.csv is an open set, and so is the file of a gallery
    whose name ends in gallery.csv, beside the two others; a folder without them has one folder a person.
    Places are below ``root``, or else below the folder that the source is in. Raises ProtocolInvalid.
    """
    try:
        if source.is_dir():
            gallery = source / "gallery.csv"
            return _open_set(gallery, root or source) if gallery.is_file() else _folder(source, seed)
        if source.name.endswith("gallery.csv"):
            return _open_set(source, root or source.parent)
        header = header_of(source)
        if "score" in header:
            return _scores(source)
        if "path1" in header:
            return _pairs(source, root or source.parent)
    except OSError as error:
        raise ProtocolInvalid(f"'{plain(str(source))}' cannot be read: {error.strerror}.") from error
    raise ProtocolInvalid(
        f"'{plain(source.name)}' is no protocol: it has neither the columns path1, path2 and same, nor "
        "score and mated, and its name does not end in gallery.csv."
    )


# --- a folder of photographs by person --------------------------------------------------------------------


def _folder(source: Path, seed: int) -> Protocol:
    """Make pairs and an open set of SOURCE/PERSON/PHOTOGRAPH.

    Of the people with several photographs one in three, drawn, is not enrolled, and so are those with one.
    """
    people: dict[str, list[Photo]] = {}
    for person in sorted(one for one in source.iterdir() if one.is_dir()):
        files = sorted(one.name for one in person.iterdir() if _is_photograph(one))
        if files:
            people[person.name] = [Photo(f"{person.name}/{file}", person.name) for file in files]
    count = sum(map(len, people.values()))
    if len(people) < 2:
        raise ProtocolInvalid(
            f"'{plain(str(source))}' does not hold a folder of photographs for each person."
        )
    if count > PHOTOGRAPHS_MAX:
        raise ProtocolInvalid(f"The folder has {count:,} photographs; {PHOTOGRAPHS_MAX:,} are the most.")
    generator = np.random.default_rng(seed)
    several = sorted(person for person, photos in people.items() if len(photos) > 1)
    drawn = set(generator.permutation(several)[: len(several) // 3].tolist())
    enrolled = [person for person in several if person not in drawn]
    open_set = OpenSet(
        gallery=tuple(people[person][0] for person in enrolled),
        mated=tuple(photo for person in enrolled for photo in people[person][1:]),
        others=tuple(photos[0] for person, photos in people.items() if person not in enrolled),
    )
    return Protocol(
        name=plain(source.name),
        sentence=(
            "One folder a person. Mated pairs are all pairs of one person's photographs, non-mated ones all "
            f"pairs of two people's first photographs, at most {PAIRS_DRAWN:,} drawn of each. In the open "
            "set the first photograph is enrolled; a third of the people with several, drawn, and all with "
            "one are not enrolled and are searched for with their first."
        ),
        digest=_digest(f"{photo.path}" for photos in people.values() for photo in photos),
        root=source,
        pairs=tuple(_mated(people, generator) + _non_mated(people, generator)),
        open_set=open_set if open_set.mated and open_set.others else None,
    )


def _is_photograph(path: Path) -> bool:
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".") and path.is_file()


def _mated(people: Mapping[str, Sequence[Photo]], generator: np.random.Generator) -> list[Pair]:
    counts = [len(photos) * (len(photos) - 1) // 2 for photos in people.values()]
    if sum(counts) > ROWS_MAX:
        raise ProtocolInvalid(f"The folder has more than {ROWS_MAX:,} pairs of one person's photographs.")
    pairs = [
        Pair(photos[i], photos[j], True)
        for photos in people.values()
        for i in range(len(photos))
        for j in range(i + 1, len(photos))
    ]
    if len(pairs) > PAIRS_DRAWN:
        pairs = [pairs[at] for at in np.sort(generator.permutation(len(pairs))[:PAIRS_DRAWN])]
    return pairs


def _non_mated(people: Mapping[str, Sequence[Photo]], generator: np.random.Generator) -> list[Pair]:
    firsts = [photos[0] for photos in people.values()]
    count = len(firsts) * (len(firsts) - 1) // 2
    if count <= PAIRS_DRAWN:
        i, j = np.triu_indices(len(firsts), k=1)
    else:  # pairs drawn twice count once
        drawn = np.sort(generator.integers(len(firsts), size=(PAIRS_DRAWN, 2)), axis=1)
        i, j = np.unique(drawn[drawn[:, 0] < drawn[:, 1]], axis=0).T
    return [Pair(firsts[a], firsts[b], False) for a, b in zip(i.tolist(), j.tolist(), strict=True)]


# --- protocols in CSV files -------------------------------------------------------------------------------


def _pairs(source: Path, root: Path) -> Protocol:
    """Read path1, path2, same[, fold][, subject1, subject2] and labels."""
    own = {"path1", "path2", "same", "fold", "subject1", "subject2"}
    pairs = []
    for number, row, labels in rows_of(source, {"path1", "path2", "same"}, own):
        sides = [
            Photo(
                place_of(number, row[f"path{side}"]),
                row.get(f"subject{side}") or folder_of(row[f"path{side}"]),
            )
            for side in (1, 2)
        ]
        same = flag_of(number, row, "same")
        if same and sides[0].subject != sides[1].subject:
            raise ProtocolInvalid(f"Row {number}: the pair is of one person, and names two subjects.")
        pairs.append(Pair(sides[0], sides[1], same, fold_of(number, row.get("fold")), labels))
    if len({pair.same for pair in pairs}) < 2:
        raise ProtocolInvalid("A protocol of pairs needs some of one person and some of two.")
    return Protocol(
        name=plain(source.stem),
        sentence=(
            "Pairs as listed. Who is in them is what the columns subject1 and subject2 say, and without "
            "them the folder of each photograph."
        ),
        digest=digest_of([source]),
        root=root,
        pairs=tuple(pairs),
    )


def _open_set(gallery: Path, root: Path) -> Protocol:
    """Read the three files of an open set, each with path, subject and labels."""
    stem = gallery.name.removesuffix("gallery.csv")
    files = [gallery.with_name(f"{stem}{part}.csv") for part in ("gallery", "mated", "nonmated")]
    enrolled, mated, others = (_photos(file) for file in files)
    people = {photo.subject for photo in enrolled}
    for photo in mated:
        if photo.subject not in people:
            raise ProtocolInvalid(f"'{plain(photo.path)}' is a mated probe, and its person is not enrolled.")
    for photo in others:
        if photo.subject in people:
            raise ProtocolInvalid(f"'{plain(photo.path)}' is a non-mated probe, and its person is enrolled.")
    twice = {photo.path for photo in enrolled} & {photo.path for photo in mated}
    if twice:
        raise ProtocolInvalid(f"'{plain(min(twice))}' is enrolled and searched for as well.")
    return Protocol(
        name=plain((stem or gallery.parent.name).rstrip("_-. ")),
        sentence="Open set as listed: who is enrolled, mated probes, and non-mated probes.",
        digest=digest_of(files),
        root=root,
        open_set=OpenSet(enrolled, mated, others),
    )


def _photos(source: Path) -> tuple[Photo, ...]:
    header = header_of(source)
    named = next((one for one in SUBJECTS if one in header), SUBJECTS[0])
    found = [
        Photo(place_of(number, row["path"]), filled(number, row, named), labels)
        for number, row, labels in rows_of(source, {"path", named}, {"path", named})
    ]
    if not found:
        raise ProtocolInvalid(f"'{plain(source.name)}' lists no photograph.")
    return tuple(found)


def _scores(source: Path) -> StoredScores:
    """Read score, mated[, subject1, subject2][, fold] and labels. An empty score is a failure to acquire."""
    own = {"score", "mated", "subject1", "subject2", "fold"}
    scores, mated, subjects, folds = [], [], [], []
    labels: dict[str, list[str]] = defaultdict(list)
    for number, row, more in rows_of(source, {"score", "mated"}, own):
        scores.append(score_of(number, row["score"]))
        mated.append(flag_of(number, row, "mated"))
        folds.append(fold_of(number, row.get("fold")))
        first, second = row.get("subject1", ""), row.get("subject2", "")
        if mated[-1] and first != second:
            raise ProtocolInvalid(f"Row {number}: the scores are of one person, and name two subjects.")
        subjects.append((first or f"\n{number}", second or f"\n{number}"))
        for label, value in more.items():
            labels[label].append(value)
    if len(set(mated)) < 2:
        raise ProtocolInvalid("Stored scores need some that are mated and some that are not.")
    named = header_of(source)
    numbers = numbered([one for pair in subjects for one in pair]).reshape(-1, 2)
    compared = Comparisons(
        np.array(scores),
        np.array(mated),
        numbers[:, 0],
        numbers[:, 1],
        None if None in folds else np.array(folds, np.int64),
        groups_only(labels),
        subjects_known="subject1" in named and "subject2" in named,
    )
    return StoredScores(plain(source.stem), digest_of([source]), compared)


def groups_only(labels: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return the labels that divide the rows into groups: 2 to 50 values."""
    return {name: values for name, values in labels.items() if 2 <= len(set(values)) <= VALUES_MAX}


def _digest(lines: Iterator[str]) -> str:
    made = sha256()
    for line in lines:
        made.update(os.fsencode(line) + b"\n")
    return "sha256:" + made.hexdigest()
