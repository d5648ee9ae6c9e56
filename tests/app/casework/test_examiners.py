"""How often examiners are wrong: counted from pairs whose answer is known, planted rates recovered."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from lineament.app import sign_in
from lineament.app.casework import blind, examiners
from lineament.app.casework.examiners import ExaminerRates
from lineament.app.installation import Installation
from lineament.app.withdraw import withdraw
from lineament.core.policy import Person, Role
from lineament.core.review import FOR_SAME, Conclusion
from lineament.core.times import iso
from lineament.errors import RoleMissing
from lineament.records import reviews
from lineament.records.reviews import Assignment, Review, Seed
from lineament.records.withdrawals import By, Scope
from lineament.testing import Clock
from tests.casework import a_case, somebody
from tests.filled import fill
from tests.reviewing import a_comparison, assignments, lend_mates, put_forward, take_all

SAME, UNSURE, OTHER = Conclusion.STRONG_SAME, Conclusion.INCONCLUSIVE, Conclusion.DIFFERENT


def compared(
    installation: Installation,
    who: Person,
    case_id: str,
    mated: bool,
    said: Sequence[Conclusion],
    *faces: str,
) -> None:
    """Fill the records with somebody's comparisons of pairs whose answer is known, of the same two faces."""
    at = iso(installation.clock())
    comparison = {one: a_comparison(one) for one in set(said)}
    made = [
        Assignment(installation.new_id(), case_id, None, Seed(*faces, mated), place, at, who.id, at, at)
        for place in range(len(said))
    ]
    with installation.records.write() as tx:
        reviews.add_assignments(tx, made)
        for one, conclusion in zip(made, said, strict=True):
            reviews.add_review(
                tx,
                Review(
                    installation.new_id(),
                    case_id,
                    None,
                    None,
                    None,
                    one.id,
                    who.id,
                    at,
                    comparison[conclusion],
                    bytes(32),
                ),
            )


def rates_for(installation: Installation, who: Person) -> ExaminerRates:
    (found,) = examiners.rates_of(installation, [who.id])
    return found


def test_errors_are_counted_each_of_its_kind(installation: Installation):
    """Mates that were missed, lookalikes that were supported, and what was left undecided beside them."""
    case = a_case(installation)
    one, other = (face.face_id for face in fill(installation, "lent", 2))
    who = somebody(installation, "Edda", Role.EXAMINER)
    of_mates = [SAME, SAME, Conclusion.SAME, OTHER, Conclusion.STRONG_DIFFERENT, UNSURE]
    of_lookalikes = [OTHER, OTHER, Conclusion.SAME, Conclusion.NOT_SUITABLE]
    compared(installation, who, case.id, True, of_mates, one, other)
    compared(installation, who, case.id, False, of_lookalikes, one, other)
    found = rates_for(installation, who)
    assert (found.name, found.mates, found.lookalikes) == ("Edda", 6, 4)
    assert (found.missed.events, found.missed.trials) == (2, 6)
    assert (found.wrongly_supported.events, found.wrongly_supported.trials) == (1, 4)
    assert (found.undecided_mates.events, found.undecided_lookalikes.events) == (1, 1)
    assert (found.inconclusive.events, found.inconclusive.trials) == (2, 10)
    for share in (found.missed, found.wrongly_supported, found.inconclusive):
        assert share.low < share.events / share.trials < share.high


def test_what_was_not_measured_says_so(installation: Installation):
    """No pair of a known answer: the interval is all there is."""
    who = somebody(installation, "Edda", Role.EXAMINER)
    found = rates_for(installation, who)
    assert not found.missed.measured
    assert found.missed.interval == (0.0, 1.0)


def test_planted_error_rates_are_recovered_within_the_interval(installation: Installation):
    """Forty simulated examiners, each with rates of their own, of whom each compares three hundred pairs.

    The interval of 95 % holds the planted rate for about 95 of 100, and is narrow enough to tell a careful
    examiner from a careless one.
    """
    case = a_case(installation)
    one, other = (face.face_id for face in fill(installation, "lent", 2))
    random = np.random.default_rng(7)
    planted = {}
    for at in range(40):
        misses, supports, unsure = random.uniform([0.0, 0.0, 0.0], [0.25, 0.15, 0.2])
        who = somebody(installation, f"E{at}", Role.EXAMINER)
        mates = random.choice([OTHER, UNSURE, SAME], 150, p=[misses, unsure, 1 - misses - unsure])
        lookalikes = random.choice([SAME, UNSURE, OTHER], 150, p=[supports, unsure, 1 - supports - unsure])
        compared(installation, who, case.id, True, [Conclusion(said) for said in mates], one, other)
        compared(installation, who, case.id, False, [Conclusion(said) for said in lookalikes], one, other)
        planted[who.id] = (misses, supports, unsure)
    held, widths = [], []
    for found in examiners.rates_of(installation, list(planted)):
        shares = (found.missed, found.wrongly_supported, found.inconclusive)
        rates = planted[found.person_id]
        held += [share.low <= rate <= share.high for share, rate in zip(shares, rates, strict=True)]
        widths += [share.high - share.low for share in shares]
    assert len(held) == 120
    assert 0.92 <= np.mean(held) <= 1
    assert max(widths) < 0.2


@pytest.mark.parametrize("seed", [1, 2])
def test_a_simulated_examiner_is_measured_by_the_way_that_real_ones_go(
    desk: Installation, tmp_path: Path, seed: int
):
    """They take pairs and record comparisons; of the candidate's own pair nothing is counted."""
    lend_mates(desk, tmp_path / "lent")
    lead = put_forward(desk)
    who = somebody(desk, "Edda", Role.EXAMINER)
    random = np.random.default_rng(seed)
    said = {pair: Conclusion(random.choice([SAME, OTHER, UNSURE])) for pair in take_all(desk, who)}
    for pair, conclusion in said.items():
        blind.record(desk, who, pair, a_comparison(conclusion))
    mated = {one.id: one.seed.mated for one in assignments(desk, lead.case_id) if one.seed}
    truth = {pair: mated[pair] for pair in said if pair in mated}
    assert (len(said), sorted(truth.values())) == (3, [False, True])
    found = rates_for(desk, who)
    assert (found.mates, found.lookalikes) == (1, 1)
    assert found.missed.events == sum(said[pair] is OTHER for pair in truth if truth[pair])
    assert found.wrongly_supported.events == sum(said[pair] in FOR_SAME for pair in truth if not truth[pair])


def test_a_pair_whose_photograph_was_withdrawn_does_not_count(desk: Installation):
    """Nothing is kept of it that anybody could look at again."""
    lead = put_forward(desk)
    who = somebody(desk, "Edda", Role.EXAMINER)
    for pair in take_all(desk, who):
        blind.record(desk, who, pair, a_comparison())
    assert rates_for(desk, who).lookalikes == 1
    (seed,) = [one.seed for one in assignments(desk, lead.case_id) if one.seed]
    withdraw(desk, sign_in.operator(desk), Scope.FACE, [seed.probe_face], By.PERSON)
    assert rates_for(desk, who).lookalikes == 0


def test_examiners_see_their_own_rates_and_auditors_and_administrators_all(installation: Installation):
    """Of examiners who were tested, by name."""
    case = a_case(installation)
    one, other = (face.face_id for face in fill(installation, "lent", 2))
    people = [somebody(installation, name, Role.EXAMINER) for name in ("Bo", "Edda")]
    for person in people:
        compared(installation, person, case.id, True, [SAME], one, other)
    for role in (Role.AUDITOR, Role.ADMINISTRATOR):
        found = examiners.error_rates(installation, somebody(installation, "Over", role))
        assert [(row.name, row.mates) for row in found] == [("Bo", 1), ("Edda", 1)]
    assert [row.name for row in examiners.error_rates(installation, people[1])] == ["Edda"]
    with pytest.raises(RoleMissing):
        examiners.error_rates(installation, somebody(installation, "Searcher", Role.SEARCHER))


def test_ones_own_rates_do_not_tell_which_pair_was_a_test(installation: Installation, clock: Clock):
    """What was compared today counts from tomorrow on; an auditor sees it at once."""
    case = a_case(installation)
    one, other = (face.face_id for face in fill(installation, "lent", 2))
    who = somebody(installation, "Edda", Role.EXAMINER, Role.ADMINISTRATOR)
    compared(installation, who, case.id, True, [SAME], one, other)
    (own,) = examiners.error_rates(installation, who)
    assert own.mates == 0
    auditor = somebody(installation, "Auditor", Role.AUDITOR)
    assert [row.mates for row in examiners.error_rates(installation, auditor)] == [1]
    clock.turn(timedelta(hours=12))
    (own,) = examiners.error_rates(installation, who)
    assert own.mates == 1
