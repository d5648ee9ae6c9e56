"""Searches one to many: three people and six searches by hand, and what is true of any crowd."""

import math
from dataclasses import replace

import numpy as np
import pytest

from lineament.evaluation import search_rates
from lineament.evaluation.search_rates import (
    Enrolled,
    Probes,
    cmc,
    draw,
    fnir,
    fpir,
    missed,
    search,
    threshold_at,
)
from tests.evaluation.made import FEW, crowd, unit

# Three people enrolled, the first of them with two photographs; scores are cosines with these axes.
GALLERY = Enrolled(unit([1, 0, 0], [0, 0, 1], [0, 1, 0], [1, 1, 0]), np.array([7, 7, 8, 9]))
MATED = Probes(
    unit([1, 0, 0], [0.6, 0.8, 0], [0, 0, 1], [0, 0, 0]),
    np.array([7, 8, 7, 9]),
    # 7 scores 1 and comes first; 8 scores 0.8 behind 9 (0.99); 7 by its second photograph; 9 gave no face.
)
OTHERS = Probes(unit([0.8, 0, 0.6], [0, 0, 0]), np.array([1, 2]))  # 0.8 with 7; and nobody


def test_scores_ranks_and_strangers_are_those_that_are_counted_by_hand():
    """People are ranked, not photographs; without a face nobody is found."""
    done = search(GALLERY, MATED, OTHERS)
    assert done.people == 3
    assert done.mates == pytest.approx([1, 0.8, 1, -math.inf])
    assert done.ranks.tolist() == [1, 2, 1, 4]
    assert done.strongest == pytest.approx([0.8, -math.inf])


def test_what_is_missed_depends_on_threshold_and_rank():
    """Each alone, and both."""
    done = search(GALLERY, MATED, OTHERS)
    assert missed(done).tolist() == [False, False, False, True]
    assert missed(done, rank=1).tolist() == [False, True, False, True]
    assert missed(done, threshold=0.9).tolist() == [False, True, False, True]
    one = fnir(done, 0, None, 1, FEW)
    assert (one.value, one.events, one.n, one.at) == (0.5, 2, 4, {"people": 3, "rank": 1, "threshold": None})
    assert [figure.value for figure in cmc(done)] == [0.5, 0.75, 0.75]


def test_the_threshold_is_the_lowest_score_that_lets_so_many_strangers_through():
    """One of two non-mated searches returns somebody at 0.8, none of them at the next score, 1."""
    done = search(GALLERY, MATED, OTHERS)
    assert threshold_at(done, 0.5) == pytest.approx(0.8)
    assert threshold_at(done, 0.1) == pytest.approx(1)
    assert [fpir(done, 0, at, FEW).value for at in (threshold_at(done, 0.5), threshold_at(done, 0.1))] == [
        0.5,
        0,
    ]
    nobody = replace(done, mates=np.array([0.1] * 4))
    assert threshold_at(nobody, 0.1) == math.inf  # no score that occurred is strict enough
    assert missed(nobody, threshold_at(nobody, 0.1)).all()


def test_somebody_else_with_the_same_score_comes_before():
    """A tie is never counted in the system's favour."""
    twins = Enrolled(unit([1, 0], [1, 0]), np.array([0, 1]))
    done = search(twins, Probes(unit([1, 0]), np.array([1])), Probes(unit([0, 1]), np.array([5])))
    assert done.ranks.tolist() == [2]


def test_a_person_who_could_not_be_enrolled_is_never_found():
    """A row of zeros scores nothing, not even nought."""
    gallery = Enrolled(unit([0, 0], [-1, 0]), np.array([0, 1]))
    done = search(gallery, Probes(unit([1, 0]), np.array([0])), Probes(unit([1, 0]), np.array([5])))
    assert (done.mates.tolist(), done.ranks.tolist(), done.strongest.tolist()) == ([-math.inf], [3], [-1.0])


@pytest.mark.parametrize("seed", range(5))
def test_blocks_and_a_plain_loop_agree(seed: int, monkeypatch: pytest.MonkeyPatch):
    """Person by person, the best photograph of each."""
    monkeypatch.setattr(search_rates, "_BLOCK", 7)
    gallery, mated, others = crowd(seed)
    done = search(gallery, mated, others)
    for place in range(0, len(mated.rows), 11):
        best = {
            person: (gallery.rows[gallery.subjects == person] @ mated.rows[place]).max()
            for person in set(gallery.subjects.tolist())
        }
        own = best[int(mated.subjects[place])]
        assert done.mates[place] == pytest.approx(own, abs=1e-6)
        assert done.ranks[place] == sum(score >= own - 1e-7 for score in best.values())


@pytest.mark.parametrize("seed", range(5))
def test_what_is_found_and_what_is_missed_make_up_the_whole(seed: int):
    """CMC + FNIR = 1 at each rank, and CMC never falls."""
    done = search(*crowd(seed, noise=1.2))
    found = [figure.value for figure in cmc(done, 30)]
    assert found == sorted(found)
    for rank in (1, 5, 30):
        assert found[rank - 1] + fnir(done, 0, None, rank, FEW).value == pytest.approx(1)
    assert found[0] < 1


@pytest.mark.parametrize("seed", range(5))
def test_a_stricter_threshold_misses_more_and_returns_fewer_strangers(seed: int):
    """Along every threshold."""
    done = search(*crowd(seed, noise=1.2))
    rates = [(missed(done, at).mean(), (done.strongest >= at).mean()) for at in np.linspace(-1, 1, 41)]
    assert rates == sorted(rates, key=lambda pair: (pair[0], -pair[1]))
    for target in (0.5, 0.1, 0.02):
        assert (done.strongest >= threshold_at(done, target)).mean() <= target


def test_only_the_order_of_scores_counts():
    """A rising function of all scores changes no rate at a given FPIR."""
    done = search(*crowd(3, noise=1.2))
    bent = replace(done, mates=np.exp(3 * done.mates), strongest=np.exp(3 * done.strongest))
    for target in (0.1, 0.05):
        shares = [missed(one, threshold_at(one, target)).tolist() for one in (done, bent)]
        assert shares[0] == shares[1]


def test_galleries_are_drawn_by_the_seed_each_within_the_next():
    """People, with all their photographs; sizes beyond everybody are cut."""
    gallery, mated, others = crowd(0)
    small, middle, whole = draw(gallery, [30, 10, 900], seed=4)
    assert [len(one) for one in (small, middle, whole)] == [10, 30, 60]
    assert set(small) < set(middle) < set(whole)
    assert draw(gallery, [10], seed=4)[0].tolist() == small.tolist()
    assert draw(gallery, [10], seed=5)[0].tolist() != small.tolist()
    done = search(gallery, mated, others, small)
    assert (done.people, len(done.mates), len(done.strongest)) == (10, 20, 60)
    assert set(done.mated) == set(small)
    larger = search(gallery, mated, others, middle)
    assert (larger.strongest >= done.strongest).all()


def test_both_modes_state_people_and_counts():
    """Identification at each FPIR that can be shown, investigation at each length that there is room for."""
    done = search(*crowd(1, noise=1.2))
    found = search_rates.identification(done, 0, FEW)
    named = [(one.name, one.at["fpir"], one.at.get("rank")) for one in found]
    assert named == [
        (name, target, rank)
        for target in (0.1, 0.05)
        for name, rank in (("FPIR", None), ("FNIR", None), ("FNIR", 1))
    ]
    assert [one.at["rank"] for one in search_rates.investigation(done, 0, FEW)] == [1, 5, 10, 20, 50]
    for one in [*found, *search_rates.investigation(done, 0, FEW)]:
        assert one.at["people"] == 60
        assert one.low <= one.value <= one.high
