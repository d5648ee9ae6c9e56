"""Measure error rates on the operator's own photographs, or on scores that are stored.

1. Every photograph of the protocol is read and embedded as a probe is. Where there are several faces, the one
   nearest the middle is taken. What gives no template is counted by its reason (ISO/IEC 19795-1, failures to
   acquire) and stays in every rate as a failure.
2. The same for the probes of each condition: a folder with degraded copies of them under the same names.
3. Pairs are compared and probes are searched for; the figures are computed.

Nothing joins a collection, and nothing is kept: neither a photograph nor a template.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineament import __version__
from lineament.app.installation import Installation, require
from lineament.core.policy import Person, Role
from lineament.core.words import plain
from lineament.errors import FaceTooSmall, FileMissing, NoFace, PhotographError, ProtocolInvalid, SourceError
from lineament.evaluation import assessment
from lineament.evaluation.intervals import ROUNDS, numbered, share
from lineament.evaluation.protocol import OpenSet, Pair, Photo, Protocol, StoredScores, groups_only
from lineament.evaluation.search_rates import Enrolled, Probes
from lineament.evaluation.verification import Comparisons
from lineament.sources.files import is_inside, read_file
from lineament.vision.pipeline import Vision

QUALITY = "quality"  # the label that the software adds: a band of the unified quality score
NOT_ACQUIRED = "no template"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Templates:
    """Templates by the places of photographs: ``rows`` (n, D) float32, zeros where there is none.

    ``bands`` (n,) are bands of quality, and ``reasons`` the codes of what gave no template, by place.
    """

    places: Mapping[str, int]
    rows: NDArray[np.float32]
    bands: Sequence[str]
    reasons: Mapping[str, str]

    def of(self, photos: Sequence[Photo]) -> NDArray[np.float32]:
        """Return the rows (m, D) of photographs."""
        return self.rows[[self.places[photo.path] for photo in photos]]

    def band(self, photo: Photo) -> str:
        """Return a photograph's band of quality."""
        return self.bands[self.places[photo.path]]


def evaluate(
    installation: Installation,
    who: Person,
    protocol: Protocol,
    conditions: Mapping[str, Path] | None = None,
    sizes: Sequence[int] = (),
    seed: int = 0,
    rounds: int = ROUNDS,
    on_progress: Progress = lambda _done, _of: None,
) -> dict[str, Any]:
    """Return what was measured, as JSON values; the same photographs, seed and contract give the same.

    ``conditions`` are folders of degraded probes by name, ``sizes`` the galleries to draw, in people.
    ``on_progress`` is told how many of how many photographs are embedded.
    Raises RoleMissing, ModelPackInvalid, and ProtocolInvalid where nothing of a condition is there, or sizes
    are given without a gallery.
    """
    require(who, Role.ADMINISTRATOR)
    if sizes and protocol.open_set is None:
        raise ProtocolInvalid(f"'{protocol.name}' has nobody to enrol, so that no gallery can be drawn.")
    clean = [(protocol.root, place) for place in protocol.photographs]
    degraded = {name: _of_condition(name, folder, protocol) for name, folder in (conditions or {}).items()}
    of = len(clean) + sum(map(len, degraded.values()))
    vision = installation.vision
    templates = embed(vision, clean, lambda done: on_progress(done, of))
    document = _header(protocol.name, protocol.sentence, protocol.digest, seed, rounds) | {
        "contract": vision.contract,
        "acquisition": _acquisition(templates, seed),
        "verification": None,
        "search": None,
        "conditions": [],
    }
    compared = _compared(protocol.pairs, templates, templates) if protocol.pairs else None
    if compared is not None:
        document["verification"] = assessment.in_pairs(compared, seed, rounds)
    if protocol.open_set is not None:
        searched = _searched(protocol.open_set, templates, templates)
        wanted = sizes or assessment.sizes_of(len(np.unique(searched[0].subjects)))
        document["search"] = assessment.in_searches(*searched, wanted, seed, rounds)
    before = len(clean)
    for name, work in degraded.items():
        other = embed(vision, work, _going_on(on_progress, before, of))
        before += len(work)
        document["conditions"].append(_under(name, protocol, templates, other, document, seed, rounds))
    return document


def _going_on(on_progress: Progress, before: int, of: int) -> Callable[[int], None]:
    """Return what reports how many photographs are done, of which some were done before."""
    return lambda done: on_progress(before + done, of)


def evaluate_scores(stored: StoredScores, seed: int = 0, rounds: int = ROUNDS) -> dict[str, Any]:
    """Return what stored scores give, as JSON values. Which contract made them is not known here."""
    sentence = "Scores as stored: they were computed elsewhere."
    if not stored.compared.subjects_known:
        sentence += " Who is in them is not stated: intervals take every comparison as independent."
    return _header(stored.name, sentence, stored.digest, seed, rounds) | {
        "contract": None,
        "acquisition": None,
        "verification": assessment.in_pairs(stored.compared, seed, rounds),
        "search": None,
        "conditions": [],
    }


def embed(vision: Vision, work: Sequence[tuple[Path, str]], on_done: Callable[[int], None]) -> Templates:
    """Return the templates of photographs, each a place below a folder. Raises ModelPackInvalid."""
    rows = np.zeros((len(work), vision.dimension), np.float32)
    bands, reasons = [NOT_ACQUIRED] * len(work), {}
    resolved = {folder: folder.resolve() for folder, _ in work}

    def template(at: int) -> None:
        folder, place = work[at]
        try:
            rows[at], score = _central(vision, resolved[folder], place)
            bands[at] = assessment.band(score)
        except (PhotographError, SourceError) as error:
            reasons[place] = error.code

    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        try:
            for done, _ in enumerate(threads.map(template, range(len(work))), start=1):
                on_done(done)
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    return Templates({place: at for at, (_, place) in enumerate(work)}, rows, bands, reasons)


def _central(vision: Vision, folder: Path, place: str) -> tuple[NDArray[np.float32], int]:
    """Return template (D,) and quality of the face nearest the middle.

    Raises PhotographError or SourceError.
    """
    path = folder / place
    if not is_inside(path, folder):
        raise FileMissing(f"'{plain(place)}' leads out of the folder.")
    photograph = vision.read(read_file(path, place))
    faces = vision.detect(photograph)
    if not faces:
        raise NoFace("No face was found.")
    middle = np.array([photograph.width, photograph.height]) / 2
    face = min(faces, key=lambda one: float(np.linalg.norm((one.box[:2] + one.box[2:]) / 2 - middle)))
    if not face.quality.usable:
        raise FaceTooSmall("The face is too small to compare.")
    return vision.embed(photograph, [face])[0], face.quality.unified_score


def _of_condition(name: str, folder: Path, protocol: Protocol) -> list[tuple[Path, str]]:
    """Return those of the probes that the folder of a condition has."""
    if not folder.is_dir():
        raise ProtocolInvalid(f"The folder of the condition '{plain(name)}' is not there.")
    there = [(folder, place) for place in protocol.probes if (folder / place).is_file()]
    if not there:
        raise ProtocolInvalid(f"The folder of the condition '{plain(name)}' has none of the probes' files.")
    return there


def _under(
    name: str,
    protocol: Protocol,
    clean: Templates,
    degraded: Templates,
    document: Mapping[str, Any],
    seed: int,
    rounds: int,
) -> dict[str, Any]:
    """Return what is measured where the probes are degraded, at the thresholds from clean ones."""
    figures: list[dict[str, Any]] = []
    pairs = [pair for pair in protocol.pairs if pair.second.path in degraded.places]
    if pairs:
        at = _threshold(document["verification"])
        compared = _compared(pairs, clean, degraded)
        figures += assessment.pairs_under_condition(compared, at, seed, rounds)
    if protocol.open_set is not None:
        mated, others = (
            tuple(photo for photo in photos if photo.path in degraded.places)
            for photos in (protocol.open_set.mated, protocol.open_set.others)
        )
        some = replace(protocol.open_set, mated=mated, others=others)
        at = _threshold(document["search"])
        figures += assessment.under_condition(*_searched(some, clean, degraded), at, seed, rounds)
    return {"condition": plain(name), "acquisition": _acquisition(degraded, seed), "figures": figures}


def _threshold(section: Mapping[str, Any]) -> float:
    threshold = section["labels"]["threshold"]
    return np.inf if threshold is None else float(threshold)


def _compared(pairs: Sequence[Pair], first: Templates, second: Templates) -> Comparisons:
    """Compare pairs; the second photographs may be of another condition."""
    one, other = first.of([pair.first for pair in pairs]), second.of([pair.second for pair in pairs])
    scores = np.einsum("nd,nd->n", one, other).astype(np.float64)
    scores[~one.any(axis=1) | ~other.any(axis=1)] = -np.inf
    labels = {name: [pair.labels[name] for pair in pairs] for name in pairs[0].labels}
    worse = [min(first.band(pair.first), second.band(pair.second), key=_from_worst) for pair in pairs]
    numbers = numbered([side.subject for pair in pairs for side in (pair.first, pair.second)]).reshape(-1, 2)
    folds = [pair.fold for pair in pairs]
    return Comparisons(
        scores,
        np.array([pair.same for pair in pairs]),
        numbers[:, 0],
        numbers[:, 1],
        None if None in folds else np.array(folds, np.int64),
        groups_only(labels | {QUALITY: worse}),
    )


def _from_worst(band: str) -> int:
    order = [NOT_ACQUIRED, *dict.fromkeys(assessment.band(score) for score in range(101))]
    return order.index(band)


def _searched(open_set: OpenSet, enrolled: Templates, probes: Templates) -> tuple[Enrolled, Probes, Probes]:
    """Return gallery, mated and non-mated probes; the probes may be of another condition."""
    parts = (open_set.gallery, open_set.mated, open_set.others)
    numbers = numbered([photo.subject for part in parts for photo in part])
    ends = np.cumsum([len(part) for part in parts])
    gallery, mated, others = np.split(numbers, ends[:-1])
    return (
        Enrolled(enrolled.of(open_set.gallery), gallery),
        Probes(probes.of(open_set.mated), mated, _labels(open_set.mated, probes)),
        Probes(probes.of(open_set.others), others, _labels(open_set.others, probes)),
    )


def _labels(photos: Sequence[Photo], templates: Templates) -> dict[str, Sequence[str]]:
    given = {name: [photo.labels[name] for photo in photos] for name in (photos[0].labels if photos else ())}
    return groups_only(given | {QUALITY: [templates.band(photo) for photo in photos]})


def _acquisition(templates: Templates, seed: int) -> dict[str, Any]:
    """Return the rate of photographs without a template, and how many there are for each reason."""
    failed = np.array([band == NOT_ACQUIRED for band in templates.bands], bool)
    figure = share("FTA", failed, (np.arange(len(failed)),), seed)
    return {
        "figure": assessment.written(figure),
        "reasons": dict(sorted(Counter(templates.reasons.values()).items())),
    }


def _header(name: str, sentence: str, digest: str, seed: int, rounds: int) -> dict[str, Any]:
    return {
        "v": 1,
        "software": f"lineament {__version__}",
        "protocol": {"name": name, "sentence": sentence, "digest": digest},
        "seed": seed,
        "rounds": rounds,
    }
