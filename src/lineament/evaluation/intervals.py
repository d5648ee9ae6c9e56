"""Intervals for shares that were counted."""

from __future__ import annotations

from scipy.special import betaincinv


def clopper_pearson(events: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval for the rate behind ``events`` of ``trials``, each end in [0, 1].

    It holds the true rate in at least the share ``confidence`` of all such counts, whatever the rate is
    (Clopper and Pearson 1934). Of no trials nothing is known: 0 to 1. Raises ValueError for counts that
    cannot be.
    """
    if not 0 <= events <= trials or not 0 < confidence < 1:
        raise ValueError(f"no share: {events} of {trials} at {confidence}")
    outside = (1 - confidence) / 2
    low = float(betaincinv(events, trials - events + 1, outside)) if events else 0.0
    high = float(betaincinv(events + 1, trials - events, 1 - outside)) if events < trials else 1.0
    return low, high
