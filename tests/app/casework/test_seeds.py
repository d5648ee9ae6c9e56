"""Pairs whose answer is known: where they come from, and which of them are drawn."""

from datetime import timedelta
from pathlib import Path

from lineament.app import collections, eligibility, sign_in
from lineament.app.casework import seeds
from lineament.app.casework.seeds import pair_of
from lineament.app.installation import Installation
from lineament.app.withdraw import withdraw
from lineament.records import images
from lineament.records.images import StoredFace
from lineament.records.reviews import Lead, Seed
from lineament.records.withdrawals import By, Scope
from lineament.testing import Clock, make_collection, make_permission
from tests.reviewing import assignments, lend_mates, put_forward
from tests.samples import SOLVAY


def pool_of(installation: Installation) -> seeds.Pool:
    with installation.records.read() as tx:
        return seeds.pool(installation, tx)


def drawn(installation: Installation, lead: Lead) -> list[Seed]:
    with installation.records.read() as tx:
        return seeds.draw(installation, tx, lead)


def person(face: StoredFace) -> str:
    return face.image.provenance.extra["person"]


def test_lookalikes_are_the_people_who_score_highest_and_mates_are_one_person(
    desk: Installation, tmp_path: Path
):
    """Seven people in 'archive', three more with two photographs each in 'lent'."""
    lend_mates(desk, tmp_path / "lent")
    pool = pool_of(desk)
    assert pool.faces == 7 + 6
    assert len(pool.mates) == 3
    for one, other in pool.mates:
        assert person(one) == person(other)
        assert one.image.group_id != other.image.group_id
    with desk.records.read() as tx:
        ids = [face.id for pair in pool.lookalikes for face in pair]
        vectors = images.templates_of(tx, desk.keys, desk.contract, ids)
    scores = [float(vectors[one.id] @ vectors[other.id]) for one, other in pool.lookalikes]
    assert scores == sorted(scores, reverse=True)
    assert {face.id for pair in pool.lookalikes for face in pair} == vectors.keys()
    assert len(vectors) == 13  # everybody has a nearest
    for one, other in pool.lookalikes:
        assert person(one) != person(other)


def test_nothing_comes_from_a_collection_that_is_not_lent_for_it(desk: Installation, clock: Clock):
    """Not before the permission says so, and not after it has ended."""
    assert pool_of(desk).faces == 7
    who = sign_in.operator(desk)
    collections.permit(desk, who, "archive", make_permission(("missing-person",)))
    assert pool_of(desk) == seeds.Pool(0, (), ())
    collections.permit(desk, who, "archive", make_permission(("examiner-testing",)))
    assert pool_of(desk).faces == 7
    clock.turn(timedelta(days=400))
    assert pool_of(desk).faces == 0


def test_only_photographs_of_one_named_person_are_used(desk: Installation, tmp_path: Path):
    """Among several faces nobody knows which one the name is of; without a name nobody knows anything."""
    folder = tmp_path / "group"
    folder.mkdir()
    (folder / "solvay.jpg").write_bytes(SOLVAY.read_bytes())
    (folder / "manifest.csv").write_text(
        "path,source_url,person\nsolvay.jpg,https://example.org/solvay,Marie Curie\n"
    )
    make_collection(desk, "group", folder, make_permission(("examiner-testing",)))
    assert pool_of(desk).faces == 7


def test_no_pair_shows_the_candidate_or_who_it_is_said_to_be(desk: Installation, tmp_path: Path):
    """Whoever compares it would see that person twice."""
    lend_mates(desk, tmp_path / "lent")
    lead = put_forward(desk)  # Barack Obama
    for _ in range(20):
        for seed in drawn(desk, lead):
            with desk.records.read() as tx:
                shown = images.faces(tx, seed.faces).values()
            assert "Barack Obama" not in {person(face) for face in shown}


def test_a_pair_of_mates_and_one_of_lookalikes_come_with_each_candidate(desk: Installation, tmp_path: Path):
    """Both in one row with the candidate's pair, in an order that is drawn."""
    lend_mates(desk, tmp_path / "lent")
    lead = put_forward(desk)
    there = assignments(desk, lead.case_id)
    assert sorted(one.seed.mated if one.seed else None for one in there if one.seed) == [False, True]
    assert len(there) == 3
    places = [one.place for one in there]
    assert places == sorted(set(places))


def test_pairs_that_were_used_come_last(desk: Installation, tmp_path: Path):
    """One case has each pair of mates once before it has any of them again."""
    lend_mates(desk, tmp_path / "lent")
    lead = put_forward(desk)
    (first,) = [one.seed for one in assignments(desk, lead.case_id) if one.seed and one.seed.mated]
    others = {pair_of(*seed.faces) for _ in range(30) for seed in drawn(desk, lead) if seed.mated}
    assert len(others) == 2
    assert pair_of(*first.faces) not in others


def test_either_face_of_a_pair_may_stand_on_either_side(desk: Installation):
    """The side tells nothing."""
    lead = put_forward(desk)
    sides = {}
    for _ in range(60):
        for seed in drawn(desk, lead):
            sides.setdefault(pair_of(*seed.faces), set()).add(seed.faces)
    assert any(len(orders) == 2 for orders in sides.values())


def test_where_nothing_is_lent_a_candidate_comes_alone(desk: Installation):
    """That error rates are not measured then is said where they are shown."""
    who = sign_in.operator(desk)
    collections.permit(desk, who, "archive", make_permission(("missing-person",)))
    lead = put_forward(desk)
    assert [one.seed for one in assignments(desk, lead.case_id)] == [None]


def test_what_was_withdrawn_is_in_no_pair(desk: Installation):
    """From the moment it is."""
    gone = pool_of(desk).lookalikes[0][0]
    withdraw(desk, sign_in.operator(desk), Scope.FACE, [gone.id], By.PERSON)
    after = pool_of(desk)
    assert after.faces == 6
    assert gone.id not in {face.id for pair in after.lookalikes for face in pair}


def test_of_many_faces_so_many_are_looked_at(desk: Installation):
    """From a place that is drawn each time, on to the last one and round to the first."""
    with desk.records.read() as tx:
        (lent,) = [one.id for one in eligibility.permitted(tx, seeds.PURPOSE, desk.clock())]
        in_order = images.lone_named_faces(tx, [lent], "", 100)
        starts = [face.image.id for face in images.faces(tx, in_order).values()]
        samples = {tuple(images.lone_named_faces(tx, [lent], start, 3)) for start in starts}
    assert len(in_order) == 7
    assert samples == {tuple((in_order * 2)[at : at + 3]) for at in range(7)}
