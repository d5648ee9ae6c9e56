"""How often a stranger would score this high: the sentence beside every candidate.

For a comparison score s and n faces searched, the expected number of strangers at or above s is
lambda(s) = n * FMR(s), with the false match rate FMR measured once for a template contract on photographs of
different people (ISO/IEC 19795-1). It is never a probability of identity.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import pairwise
from typing import Any

import numpy as np

from lineament.core.jsontext import json_bytes
from lineament.errors import NotCalibrated


class Strength(StrEnum):
    """The words for a candidate's score: intervals of lambda, defined here and nowhere else."""

    STRONG = "strong resemblance"
    MODERATE = "moderate resemblance"
    WEAK = "weak resemblance"


STRONG_BELOW = 0.001  # fewer than one false candidate in 1,000 such searches
MODERATE_BELOW = 0.1  # fewer than one in 10


@dataclass(frozen=True)
class Tail:
    """The measured upper tail of non-mated scores for one contract.

    ``scores`` rise and ``fmrs`` fall; between two points log10(FMR) is interpolated linearly. Nothing is
    claimed beyond the last point: there the last FMR is an upper bound. ``caution`` is the sentence that says
    how far the figures carry over to other photographs; it is shown beside them. ``version`` is 'sha256:' and
    the digest of the figures.
    """

    contract: str
    version: str
    caution: str
    scores: tuple[float, ...]
    fmrs: tuple[float, ...]


@dataclass(frozen=True)
class Coincidence:
    """The expected number of strangers at or above a score. ``at_most`` marks an upper bound."""

    strangers: float
    at_most: bool

    @property
    def strength(self) -> Strength:
        """Return the word for it; an upper bound counts as the value, which errs on the weak side."""
        if self.strangers < STRONG_BELOW:
            return Strength.STRONG
        return Strength.MODERATE if self.strangers < MODERATE_BELOW else Strength.WEAK


def parse_tail(document: Mapping[str, Any]) -> Tail:
    """Read the JSON values that the accuracy benchmark writes. Raises NotCalibrated if unusable."""
    try:
        points = sorted((float(point["score"]), float(point["fmr"])) for point in document["points"])
        points.insert(0, (-1.0, 1.0))  # no cosine is smaller
        scores, fmrs = tuple(s for s, _ in points), tuple(f for _, f in points)
        tail = Tail(
            contract=str(document["contract"]),
            version="sha256:" + sha256(json_bytes(document)).hexdigest(),
            caution=str(document["caution"]),
            scores=scores,
            fmrs=fmrs,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise NotCalibrated(f"The measured error rates cannot be read: {error}.") from error
    falling = all(a > b > 0 for a, b in pairwise(fmrs))
    if len(points) < 3 or not falling or len(set(scores)) < len(scores):
        raise NotCalibrated("The measured error rates are not a falling curve.")
    return tail


def coincidence(tail: Tail, score: float, faces: int) -> Coincidence:
    """Return lambda for one comparison score (cosine) against ``faces`` searched faces."""
    if score > tail.scores[-1]:
        return Coincidence(faces * tail.fmrs[-1], at_most=True)
    fmr = 10 ** float(np.interp(score, tail.scores, np.log10(tail.fmrs)))
    return Coincidence(faces * fmr, at_most=False)


def threshold_for(tail: Tail, target_fpir: float, faces: int) -> float:
    """Return the score at which a non-mated search returns a false candidate with rate ``target_fpir``.

    With lambda strangers expected and independent, FPIR = 1 - exp(-lambda) (ISO/IEC 19795-1, 1:N). Where the
    target needs a smaller FMR than was measured, the strictest measured score is returned; the caller shows
    the ``coincidence`` at that score beside it, so that what is missed is said.
    """
    fmr = -math.log1p(-target_fpir) / max(faces, 1)
    # Beyond either end of the curve np.interp gives its last point.
    return float(np.interp(-math.log10(min(fmr, 1)), -np.log10(tail.fmrs), tail.scores))


def sentence(odds: Coincidence, faces: int) -> str:
    """Return lambda in words that a juror can follow. It speaks of strangers, never of identity."""
    among = "Against this one face" if faces == 1 else f"Among these {faces:,} faces"
    if odds.strangers >= 0.5:
        return f"{among}, about {_short(odds.strangers)} strangers would be expected to score this high."
    often = f"once in {_round(1 / odds.strangers):,} such searches"
    if odds.at_most:
        few = f"fewer than {_short(odds.strangers)} strangers"
        return f"{among}, {few} would be expected to score this high: less than {often}."
    return f"{among}, about {_short(odds.strangers)} strangers would be expected to score this high: {often}."


def _short(value: float) -> str:
    """Two significant digits without an exponent: 0.00042, 0.013, 3.5, 120."""
    return f"{_round(value):,}" if value >= 10 else f"{value:.{max(0, 1 - _exponent(value))}f}"


def _round(value: float) -> int:
    """Two significant digits: 1,234 becomes 1,200."""
    return int(round(value, 1 - _exponent(value)))


def _exponent(value: float) -> int:
    return math.floor(math.log10(value))
