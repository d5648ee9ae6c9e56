"""How often examiners are wrong: measured with pairs whose answer is known, each rate with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lineament.app.installation import Installation
from lineament.core.policy import Person, Role
from lineament.core.review import FOR_SAME, Conclusion
from lineament.core.times import iso
from lineament.errors import RoleMissing
from lineament.evaluation.intervals import clopper_pearson
from lineament.records import cases, images, reviews

SEE_ALL = frozenset({Role.AUDITOR, Role.ADMINISTRATOR})  # the error rates of every examiner
UNDECIDED = frozenset({Conclusion.INCONCLUSIVE, Conclusion.NOT_SUITABLE})


@dataclass(frozen=True)
class Rate:
    """A share that was counted, ``events`` of ``trials``, and its 95 % interval from ``low`` to ``high``.

    Of no trials nothing was measured, and the interval is all there is, 0 to 1.
    """

    events: int
    trials: int
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float]:
        """Both ends of the interval."""
        return self.low, self.high

    @property
    def span(self) -> str:
        """The interval in words: ``2.5 to 31 in 100``."""
        low, high = (f"{100 * share:.2g}" if share < 0.995 else "100" for share in self.interval)
        return f"{low} to {high} in 100"

    @property
    def measured(self) -> bool:
        """Whether there was anything to count."""
        return self.trials > 0

    def __str__(self) -> str:
        return f"{self.events} of {self.trials:,} ({self.span})" if self.measured else "not measured"


@dataclass(frozen=True)
class ExaminerRates:
    """How one examiner answered pairs whose answer is known: so many of mates, so many of lookalikes.

    ``missed``: of the mates, those of which they said that they support 'different'. ``wrongly_supported``:
    of the lookalikes, those of which they said that they support 'same'. ``undecided_mates`` and
    ``undecided_lookalikes``: inconclusive, or not suitable for a comparison.
    """

    person_id: str
    name: str
    mates: int
    missed: Rate
    lookalikes: int
    wrongly_supported: Rate
    undecided_mates: Rate
    undecided_lookalikes: Rate

    @property
    def inconclusive(self) -> Rate:
        """Of all these pairs, those that were left undecided."""
        one, other = self.undecided_mates, self.undecided_lookalikes
        return _rate(one.events + other.events, one.trials + other.trials)


def error_rates(installation: Installation, who: Person) -> list[ExaminerRates]:
    """Return the error rates of every examiner for auditors and administrators, to an examiner their own.

    Their own are those of the days before today (UTC): with a pair that has just been compared they would
    tell whether its answer was known. Raises RoleMissing for anybody else.
    """
    if not who.roles & (SEE_ALL | {Role.EXAMINER}):
        raise RoleMissing(f"This is for the role {Role.EXAMINER}.")
    sees_all = bool(who.roles & SEE_ALL)
    with installation.records.read() as tx:
        people = {one.person_id for one in reviews.answers(tx)} if sees_all else set()
        if Role.EXAMINER in who.roles:
            people.add(who.id)
    today = iso(installation.clock().replace(hour=0, minute=0, second=0, microsecond=0))
    others = rates_of(installation, sorted(people - {who.id}))
    own = rates_of(installation, sorted(people & {who.id}), before=today)
    return sorted([*own, *others], key=lambda one: (one.name, one.person_id))


def rates_of(
    installation: Installation, person_ids: Sequence[str], before: str | None = None
) -> list[ExaminerRates]:
    """Return the error rates of these people, of comparisons made before a time (ISO 8601 UTC), if given.

    Pairs of which a photograph was withdrawn since do not count.
    """
    with installation.records.read() as tx:
        given = reviews.answers(tx, person_ids)
        there = images.faces(tx, list({face for one in given for face in one.seed.faces}))
        names = cases.names(tx, person_ids)
    said: dict[tuple[str, bool], list[Conclusion]] = {}
    for one in given:
        if there.keys() >= set(one.seed.faces) and (before is None or one.at < before):
            said.setdefault((one.person_id, one.seed.mated), []).append(one.conclusion)
    return [
        _rates(one, names.get(one, ""), said.get((one, True), []), said.get((one, False), []))
        for one in person_ids
    ]


def _rates(
    person_id: str, name: str, of_mates: list[Conclusion], of_lookalikes: list[Conclusion]
) -> ExaminerRates:
    missed = sum(one not in FOR_SAME | UNDECIDED for one in of_mates)
    wrongly = sum(one in FOR_SAME for one in of_lookalikes)
    mates, lookalikes = len(of_mates), len(of_lookalikes)
    return ExaminerRates(
        person_id=person_id,
        name=name,
        mates=mates,
        missed=_rate(missed, mates),
        lookalikes=lookalikes,
        wrongly_supported=_rate(wrongly, lookalikes),
        undecided_mates=_rate(sum(one in UNDECIDED for one in of_mates), mates),
        undecided_lookalikes=_rate(sum(one in UNDECIDED for one in of_lookalikes), lookalikes),
    )


def _rate(events: int, trials: int) -> Rate:
    return Rate(events, trials, *clopper_pearson(events, trials))
