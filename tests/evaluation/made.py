"""Comparisons and searches that are small enough to count on the fingers, and made-up people for the rest."""

from collections.abc import Sequence

import numpy as np

from lineament.evaluation.search_rates import Enrolled, Probes
from lineament.evaluation.verification import Comparisons

FEW = 50  # rounds of a bootstrap: enough to be an interval


def comparisons(mated: Sequence[float], others: Sequence[float], **more: object) -> Comparisons:
    """Every row is of subjects of its own."""
    count = len(mated) + len(others)
    return Comparisons(
        np.array([*mated, *others], np.float64),
        np.arange(count) < len(mated),
        np.arange(count),
        np.where(np.arange(count) < len(mated), np.arange(count), np.arange(count) + count),
        **more,
    )


def unit(*rows: Sequence[float]) -> np.ndarray:
    """Rows of length 1; a row of zeros stays."""
    made = np.array(rows, np.float32)
    return made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9)


def crowd(seed: int, people: int = 60, noise: float = 0.6) -> tuple[Enrolled, Probes, Probes]:
    """People enrolled with one or two photographs, two mated probes of each, and as many strangers."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(2 * people, 16))

    def seen(who: np.ndarray) -> np.ndarray:
        return unit(*(centres[who] + noise * random.normal(size=(len(who), 16))))

    enrolled = np.concatenate([np.arange(people), np.arange(0, people, 3)])
    mated, others = np.repeat(np.arange(people), 2), np.arange(people, 2 * people)
    return Enrolled(seen(enrolled), enrolled), Probes(seen(mated), mated), Probes(seen(others), others)
