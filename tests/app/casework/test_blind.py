"""Further examiners compare pairs and are told nothing of them; who knows a case has no pair of it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lineament.app import collections, people, sign_in, upkeep
from lineament.app.candidates import show_search
from lineament.app.casework import blind, review
from lineament.app.casework.cases import close, reopen
from lineament.app.casework.disclosure import disclose
from lineament.app.casework.members import end_part, set_member
from lineament.app.casework.settling import settle
from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.app.search import Request, open_search
from lineament.app.withdraw import withdraw
from lineament.core.cases import Obtained, Part
from lineament.core.policy import Person, Role
from lineament.core.review import Conclusion, LeadState
from lineament.core.times import iso
from lineament.errors import (
    ComparisonIncomplete,
    NothingToReview,
    PairWithdrawn,
    PartRefused,
    ReviewNotFound,
    RoleMissing,
    WrongState,
)
from lineament.ledger import commitment, field_salt
from lineament.records import cases, reviews
from lineament.records.cases import Member
from lineament.records.reviews import Assignment, Lead, Review
from lineament.records.withdrawals import By, Scope
from lineament.testing import Clock, make_permission, recorded
from tests.casework import a_case, a_search, somebody
from tests.leads import a_comparison
from tests.reviewing import (
    assignments,
    compare_all,
    looked_through,
    number_of,
    put_forward,
    take_all,
)
from tests.samples import OBAMA, SAMPLES


@pytest.fixture
def lead(desk: Installation) -> Lead:
    """A candidate that the operator put forward."""
    return put_forward(desk)


@pytest.fixture
def second(desk: Installation) -> Person:
    return somebody(desk, "Second", Role.EXAMINER)


def now(installation: Installation, lead: Lead) -> Lead:
    with installation.records.read() as tx:
        found = reviews.get_lead(tx, lead.id)
    assert found
    return found


def with_reviewers(installation: Installation, number: int) -> Installation:
    """Return the same installation under a policy by which so many must agree."""
    policy = installation.policy
    purposes = {name: replace(one, reviewers=number) for name, one in policy.purposes.items()}
    return replace(installation, policy=replace(policy, purposes=purposes))


def own(installation: Installation, who: Person, lead: Lead) -> Assignment:
    """Return the lead's own pair among those that an examiner has."""
    return next(
        one
        for one in assignments(installation, lead.case_id)
        if one.lead_id == lead.id and one.person_id == who.id
    )


def member(installation: Installation, lead: Lead, person: Person, part: Part = Part.STAFF) -> None:
    """Give somebody a part in a case, past every check."""
    with act(installation) as doing:
        at = iso(installation.clock())
        cases.set_member(doing.tx, lead.case_id, Member(person.id, person.name, part, person.id, at, None))


def test_two_who_agree_make_a_lead(desk: Installation, lead: Lead, second: Person):
    """The second one without knowing of the first; the ledger names both, and commits to the candidate."""
    assert compare_all(desk, second, Conclusion.STRONG_SAME) == 2
    made = now(desk, lead)
    assert (made.state, made.made_at) == (LeadState.LEAD, iso(desk.clock()))
    (entry,) = [entry for entry in recorded(desk) if entry["kind"] == "lead.made"]
    assert isinstance(entry["reviewers"], list)
    assert set(entry["reviewers"]) == {sign_in.operator(desk).id, second.id}
    with desk.records.read() as tx:
        said = reviews.reviews_of_lead(tx, lead.id)
    assert {one.comparison.conclusion for one in said} == {Conclusion.SAME, Conclusion.STRONG_SAME}
    search = show_search(desk, sign_in.operator(desk), lead.search_id).search
    row = search.candidates[0]
    value = f"{row.rank} {row.face_id} {row.score:.6f}".encode()
    assert entry["candidate"] == commitment(field_salt(lead.salt, "candidate"), value)


@pytest.mark.parametrize(
    ("third_says", "state"),
    [
        (Conclusion.SAME, LeadState.LEAD),
        (Conclusion.STRONG_DIFFERENT, LeadState.NOT_SUPPORTED),
        (Conclusion.INCONCLUSIVE, LeadState.NOT_SUPPORTED),
    ],
)
def test_a_disagreement_goes_to_a_third(
    desk: Installation, lead: Lead, second: Person, third_says: Conclusion, state: LeadState
):
    """With pairs of a known answer of its own; whom the third one agrees with decides."""
    for pair in take_all(desk, second):
        blind.record(desk, second, pair, a_comparison(Conclusion.DIFFERENT))
    assert now(desk, lead).state is LeadState.PUT_FORWARD
    waiting = [one for one in assignments(desk, lead.case_id) if one.person_id is None]
    assert sorted(one.lead_id or "a seed" for one in waiting) == sorted([lead.id, "a seed"])
    assert blind.queue(desk, second).waiting == 1  # the seed
    third = somebody(desk, "Third", Role.EXAMINER)
    compare_all(desk, third, third_says)
    assert now(desk, lead).state is state
    kinds = [entry["kind"] for entry in recorded(desk)]
    assert kinds.count("lead.made") + kinds.count("lead.changed") == 1
    assert not any(one.lead_id and one.done_at is None for one in assignments(desk, lead.case_id))


def test_nobody_is_asked_about_what_is_settled(desk: Installation, second: Person, clock: Clock):
    """Where three must agree and two have said no: neither the pair that waits, nor one that lies about.

    Who has it at hand may finish it, and is told nothing; the case can be disclosed with all three opinions.
    """
    strict = with_reviewers(desk, 3)
    lead = put_forward(strict)
    slow, third, fourth = (somebody(strict, name, Role.EXAMINER) for name in ("Slow", "Third", "Fourth"))
    of_slow = take_all(strict, slow)
    for examiner in (second, third):
        compare_all(strict, examiner, Conclusion.DIFFERENT)
    settled = now(strict, lead)
    assert settled.state is LeadState.NOT_SUPPORTED
    clock.turn(timedelta(days=8))
    with strict.records.read() as tx:
        waiting = [reviews.get_assignment(tx, pair) for pair in take_all(strict, fourth)]
    assert lead.id not in [one.lead_id for one in waiting if one]
    for pair in blind.queue(strict, slow).mine:
        blind.record(strict, slow, pair, a_comparison())
    assert now(strict, lead) == settled
    assert own(strict, slow, lead).id in of_slow
    assert own(strict, slow, lead).done_at
    assert disclose(strict, sign_in.operator(strict), lead.case_id)


def test_an_inconclusive_first_look_is_no_agreement(desk: Installation, lead: Lead, second: Person):
    """One more examiner is asked."""
    compare_all(desk, second, Conclusion.INCONCLUSIVE)
    assert now(desk, lead).state is LeadState.PUT_FORWARD


def test_as_many_must_agree_as_the_policy_says(desk: Installation, second: Person):
    """Three of them, where the purpose wants three: two pairs wait from the start."""
    strict = with_reviewers(desk, 3)
    lead = put_forward(strict)
    assert [one.lead_id for one in assignments(strict, lead.case_id)].count(lead.id) == 2
    compare_all(strict, second)
    assert now(strict, lead).state is LeadState.PUT_FORWARD
    compare_all(strict, somebody(strict, "Third", Role.EXAMINER))
    assert now(strict, lead).state is LeadState.LEAD


# --- who may compare -------------------------------------------------------------------------------------


def searched_too(desk: Installation, lead: Lead, one: Person) -> None:
    """They searched in the case, and have left it."""
    case = a_case_of(desk, lead)
    member(desk, lead, one)
    a_search(desk, case, replace(one, roles=one.roles | {Role.SEARCHER}))
    end_part(desk, sign_in.operator(desk), case.id, one.id)


def a_case_of(desk: Installation, lead: Lead) -> Any:
    with desk.records.read() as tx:
        return cases.get_case(tx, lead.case_id)


def was_member(desk: Installation, lead: Lead, one: Person) -> None:
    """They worked on the case, and have left it."""
    member(desk, lead, one)
    end_part(desk, sign_in.operator(desk), lead.case_id, one.id)


def was_shown(desk: Installation, lead: Lead, one: Person) -> None:
    """They read the list as an auditor, and are none any more."""
    show_search(desk, replace(one, roles=frozenset({Role.AUDITOR})), lead.search_id)


def was_auditor(desk: Installation, lead: Lead, one: Person) -> None:
    """They could read every case for a moment."""
    operator = sign_in.operator(desk)
    people.set_roles(desk, operator, one.id, {*one.roles, Role.AUDITOR})
    clock = desk.clock
    assert isinstance(clock, Clock)
    clock.turn(timedelta(minutes=1))
    people.set_roles(desk, operator, one.id, one.roles)


KNOWING: dict[str, Callable[[Installation, Lead, Person], None]] = {
    "staff": member,
    "counsel": lambda desk, lead, one: member(desk, lead, one, Part.COUNSEL),
    "expert": lambda desk, lead, one: member(desk, lead, one, Part.EXPERT),
    "former member": was_member,
    "former searcher": searched_too,
    "was shown the list": was_shown,
    "former auditor": was_auditor,
}


@pytest.mark.parametrize("how", KNOWING)
def test_who_knows_a_case_in_any_way_takes_no_pair_of_it(
    desk: Installation, lead: Lead, second: Person, how: str
):
    """Nor one whose answer is known: it would tell that the others are none."""
    KNOWING[how](desk, lead, second)
    assert blind.queue(desk, second).waiting == 0
    with pytest.raises(NothingToReview):
        blind.take(desk, second)


@pytest.mark.parametrize("how", KNOWING)
def test_who_comes_to_know_a_case_loses_the_pairs_that_they_had(
    desk: Installation, lead: Lead, second: Person, how: str
):
    """They see them no more and record nothing; somebody else may take them at once."""
    taken = take_all(desk, second)
    KNOWING[how](desk, lead, second)
    assert blind.queue(desk, second) == blind.Queue((), 0)
    for pair in taken:
        for attempt in (
            lambda pair=pair: blind.pair(desk, second, pair),
            lambda pair=pair: blind.picture(desk, second, pair, "probe"),
            lambda pair=pair: blind.record(desk, second, pair, a_comparison()),
        ):
            with pytest.raises(PairWithdrawn, match="taken back"):
                attempt()
    other = somebody(desk, "Other", Role.EXAMINER)
    assert sorted(take_all(desk, other)) == sorted(taken)
    assert now(desk, lead).state is LeadState.PUT_FORWARD


def test_the_first_examiner_and_an_auditor_are_told_why_there_is_nothing(desk: Installation, lead: Lead):
    """The operator put it forward and is an auditor besides; another auditor did nothing yet."""
    first = replace(sign_in.operator(desk), roles=frozenset({Role.EXAMINER}))
    with pytest.raises(NothingToReview, match="No pair waits"):
        blind.take(desk, first)
    with pytest.raises(NothingToReview, match="As an auditor"):
        blind.take(desk, somebody(desk, "Auditor", Role.EXAMINER, Role.AUDITOR))
    with pytest.raises(RoleMissing):
        blind.take(desk, somebody(desk, "Searcher", Role.SEARCHER))


def test_who_was_an_auditor_before_a_case_was_opened_may_compare_in_it(
    desk: Installation, second: Person, clock: Clock
):
    """They could not read it."""
    operator = sign_in.operator(desk)
    people.set_roles(desk, operator, second.id, {Role.AUDITOR})
    people.set_roles(desk, operator, second.id, second.roles)
    clock.turn(timedelta(minutes=1))
    put_forward(desk)
    assert blind.queue(desk, second).waiting == 2


def test_who_becomes_an_auditor_loses_their_pairs(desk: Installation, lead: Lead, second: Person):
    """From then on they may read every case."""
    taken = take_all(desk, second)
    promoted = replace(second, roles=second.roles | {Role.AUDITOR})
    assert blind.queue(desk, promoted) == blind.Queue((), 0)
    with pytest.raises(PairWithdrawn):
        blind.record(desk, promoted, taken[0], a_comparison())


def test_who_has_a_pair_of_a_case_gets_no_part_in_it(desk: Installation, lead: Lead, second: Person):
    """Not before and not after it is compared, as long as the case is not closed."""
    operator = sign_in.operator(desk)
    take_all(desk, second)
    for _ in range(2):
        with pytest.raises(PartRefused):
            set_member(desk, operator, lead.case_id, second.id, Part.STAFF)
        for pair in blind.queue(desk, second).mine:
            blind.record(desk, second, pair, a_comparison())


def test_who_was_blind_in_a_case_is_no_first_examiner_of_it(desk: Installation, lead: Lead, second: Person):
    """Though the case was closed, they were given a part, and it was opened again."""
    compare_all(desk, second)
    operator = sign_in.operator(desk)
    close(desk, operator, lead.case_id)
    set_member(desk, operator, lead.case_id, second.id, Part.STAFF)
    reopen(desk, operator, lead.case_id)
    again = a_search(desk, a_case_of(desk, lead))
    looked_through(desk, again, second)
    number = number_of(desk, second, again)
    with pytest.raises(WrongState, match="blind examiner"):
        review.compare(desk, second, again.id, number, a_comparison())
    with pytest.raises(WrongState, match="blind examiner"):
        review.conclude(desk, second, again.id, [])


def test_one_examiner_compares_a_candidate_once(desk: Installation, lead: Lead, second: Person):
    """The third opinion is not the second one's, and nobody has another one's pair."""
    compare_all(desk, second, Conclusion.DIFFERENT)
    assert blind.queue(desk, second) == blind.Queue((), 0)
    third = somebody(desk, "Third", Role.EXAMINER)
    fourth = somebody(desk, "Fourth", Role.EXAMINER)
    for pair in take_all(desk, third):
        for attempt in (
            lambda pair=pair: blind.pair(desk, fourth, pair),
            lambda pair=pair: blind.picture(desk, fourth, pair, "candidate"),
            lambda pair=pair: blind.record(desk, fourth, pair, a_comparison()),
        ):
            with pytest.raises(ReviewNotFound):
                attempt()
    with desk.records.read() as tx:
        (done,) = [one for one in reviews.reviews_of_lead(tx, lead.id) if one.person_id == second.id]
    with pytest.raises(WrongState, match="compared this pair"):
        blind.record(desk, second, done.assignment_id or "", a_comparison())


def test_three_pairs_at_a_time_are_the_most(desk: Installation, second: Person):
    """What is compared makes room."""
    for reference in ("2026/1", "2026/2"):
        put_forward(desk, a_search(desk, a_case(desk, reference)))
    taken = [blind.take(desk, second) for _ in range(3)]
    with pytest.raises(WrongState, match="3 at a time"):
        blind.take(desk, second)
    blind.record(desk, second, taken[0], a_comparison())
    assert blind.take(desk, second) not in taken


def test_a_pair_that_lies_about_goes_to_somebody_else(
    desk: Installation, lead: Lead, second: Person, clock: Clock
):
    """After a week; who had it is told that there is none of theirs, and the ledger has both takings."""
    taken = take_all(desk, second)
    other = somebody(desk, "Other", Role.EXAMINER)
    clock.turn(timedelta(days=6))
    assert blind.queue(desk, other).waiting == 0
    clock.turn(timedelta(days=1))
    assert sorted(take_all(desk, other)) == sorted(taken)
    with pytest.raises(ReviewNotFound):
        blind.record(desk, second, taken[0], a_comparison())
    assert [entry["kind"] for entry in recorded(desk)].count("review.assigned") == 2 * len(taken)


def test_nobody_gets_the_same_pair_of_a_known_answer_twice(desk: Installation, lead: Lead, second: Person):
    """They would know it again, also with its sides changed; to others it is as good as any."""
    (seed,) = [one.seed for one in assignments(desk, lead.case_id) if one.seed]
    turned = replace(seed, probe_face=seed.candidate_face, candidate_face=seed.probe_face)
    with desk.records.write() as tx:
        at = iso(desk.clock())
        reviews.add_assignments(tx, [Assignment(desk.new_id(), lead.case_id, None, turned, 0, at)])
    assert len(take_all(desk, second)) == 2
    assert blind.queue(desk, second).waiting == 0
    assert len(take_all(desk, somebody(desk, "Other", Role.EXAMINER))) == 1


# --- what is no longer shown -----------------------------------------------------------------------------


def withdrawn(desk: Installation, lead: Lead, clock: Clock) -> None:
    search = show_search(desk, sign_in.operator(desk), lead.search_id).search
    withdraw(desk, sign_in.operator(desk), Scope.FACE, [search.candidates[0].face_id], By.PERSON)


def permission_ended(desk: Installation, lead: Lead, clock: Clock) -> None:
    collections.permit(desk, sign_in.operator(desk), "archive", make_permission(("examiner-testing",)))


def case_closed(desk: Installation, lead: Lead, clock: Clock) -> None:
    close(desk, sign_in.operator(desk), lead.case_id)


def probe_erased(desk: Installation, lead: Lead, clock: Clock) -> None:
    operator = sign_in.operator(desk)
    close(desk, operator, lead.case_id)
    clock.turn(timedelta(hours=49))
    upkeep.upkeep(desk)
    reopen(desk, operator, lead.case_id)


ENDED = {
    "withdrawn": withdrawn,
    "permission": permission_ended,
    "closed": case_closed,
    "erased": probe_erased,
}


@pytest.mark.parametrize("how", ENDED)
def test_a_candidate_that_may_not_be_shown_any_more_leaves_the_queue(
    desk: Installation, lead: Lead, second: Person, clock: Clock, how: str
):
    """Taken or not: nothing of it is seen, and nothing recorded."""
    take_all(desk, second)
    pair = own(desk, second, lead).id
    ENDED[how](desk, lead, clock)
    assert pair not in blind.queue(desk, second).mine
    for attempt in (
        lambda: blind.pair(desk, second, pair),
        lambda: blind.picture(desk, second, pair, "probe"),
        lambda: blind.picture(desk, second, pair, "candidate"),
        lambda: blind.record(desk, second, pair, a_comparison()),
    ):
        with pytest.raises(PairWithdrawn, match="may not be shown any more"):
            attempt()
    clock.turn(timedelta(days=8))
    assert pair not in take_all(desk, somebody(desk, "Other", Role.EXAMINER))


def test_a_pair_of_a_known_answer_leaves_in_the_same_way(desk: Installation, lead: Lead, second: Person):
    """With the same sentence."""
    take_all(desk, second)
    (seed,) = [one for one in assignments(desk, lead.case_id) if one.seed]
    assert seed.seed
    withdraw(desk, sign_in.operator(desk), Scope.FACE, [seed.seed.candidate_face], By.PERSON)
    with pytest.raises(PairWithdrawn, match="may not be shown any more"):
        blind.pair(desk, second, seed.id)
    assert seed.id not in blind.queue(desk, second).mine


# --- what is shown ---------------------------------------------------------------------------------------


def both_kinds(desk: Installation, lead: Lead, second: Person) -> dict[str, str]:
    """Take the candidate's pair and one of a known answer; return the ids of both."""
    take_all(desk, second)
    there = assignments(desk, lead.case_id)
    return {"candidate": own(desk, second, lead).id, "seed": next(one.id for one in there if one.seed)}


def test_pairs_of_both_kinds_have_the_same_shape(desk: Installation, lead: Lead, second: Person):
    """One size, a face in each picture, and nothing that says how good the photograph was."""
    for pair_id in both_kinds(desk, lead, second).values():
        pair = blind.pair(desk, second, pair_id)
        assert vars(pair).keys() == {"id", "probe", "candidate", "done"}
        for side in (pair.probe, pair.candidate):
            assert (side.width, side.height) == (800, 800)
            assert (side.face.score, side.face.drawn, side.face.template) == (1.0, False, None)
            assert not any(vars(side.face.quality).values())
            middle = side.face.landmarks.mean(axis=0)
            assert np.all((middle > side.face.box[:2]) & (middle < side.face.box[2:]))
            assert side.face.box.min() >= 0
            assert side.face.box.max() <= 800


def test_the_face_is_where_the_pair_says_it_is(desk: Installation, lead: Lead, second: Person):
    """The detector finds it there, in the picture that is sent."""
    for pair_id in both_kinds(desk, lead, second).values():
        pair = blind.pair(desk, second, pair_id)
        for name, side in (("probe", pair.probe), ("candidate", pair.candidate)):
            data = blind.picture(desk, second, pair_id, name)
            found = desk.vision.detect(desk.vision.decode(data))
            distances = [np.abs(one.landmarks - side.face.landmarks).mean() for one in found]
            assert min(distances) < 20  # px of 800


def test_a_picture_is_pixels_and_nothing_else(desk: Installation, lead: Lead, second: Person):
    """A JPEG without a comment, EXIF, a profile or any other segment that could speak."""
    for pair_id in both_kinds(desk, lead, second).values():
        for name in ("probe", "candidate"):
            data = blind.picture(desk, second, pair_id, name)
            with Image.open(BytesIO(data)) as image:
                assert (image.format, image.size, image.mode) == ("JPEG", (800, 800), "RGB")
                assert image.info.keys() == {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
            assert blind.picture(desk, second, pair_id, name) == data


def test_pairs_of_both_kinds_leave_the_same_entries(desk: Installation, lead: Lead, second: Person):
    """What tells them apart comes only after the comparison, with what it settles."""
    fields = {}
    for kind, pair_id in both_kinds(desk, lead, second).items():
        before = len(recorded(desk))
        blind.record(desk, second, pair_id, a_comparison(Conclusion.DIFFERENT))
        fields[kind] = [(entry["kind"], sorted(entry)) for entry in recorded(desk)[before:]]
    assert fields["candidate"] == fields["seed"]
    assert [kind for kind, _ in fields["seed"]] == ["review.recorded"]
    taken = [entry for entry in recorded(desk) if entry["kind"] == "review.assigned"]
    assert len({tuple(sorted(entry)) for entry in taken}) == 1


def test_what_is_not_whole_is_refused_and_can_be_sent_again(desk: Installation, lead: Lead, second: Person):
    """As for the first examiner."""
    pair = both_kinds(desk, lead, second)["candidate"]
    with pytest.raises(ComparisonIncomplete):
        blind.record(desk, second, pair, replace(a_comparison(), differences=""))
    blind.record(desk, second, pair, a_comparison())
    assert blind.pair(desk, second, pair).done


def test_a_settled_candidate_is_not_settled_again(desk: Installation, lead: Lead, second: Person):
    """A review that comes late is on record and changes nothing."""
    compare_all(desk, second)
    made = now(desk, lead)
    late = somebody(desk, "Late", Role.EXAMINER)
    with act(desk) as doing:
        one = Review(
            desk.new_id(), lead.case_id, lead.id, None, None, None, late.id, iso(desk.clock()),
            a_comparison(Conclusion.DIFFERENT), desk.new_salt(),
        )  # fmt: skip
        review.record_review(doing, one)
        settle(desk, doing, made)
    assert now(desk, lead) == made


def test_of_several_photographs_the_best_one_is_compared(desk: Installation, second: Person):
    """By its measured quality."""
    case = a_case(desk)
    small = BytesIO()
    with Image.open(OBAMA) as image:
        image.resize((image.width // 8, image.height // 8)).save(small, "JPEG", quality=40)
    request = Request(case.purpose, ("archive",), case.reference, Obtained.FROM_FAMILY)
    photos = [small.getvalue(), (SAMPLES / "mated" / "obama.jpg").read_bytes()]
    search = open_search(desk, sign_in.operator(desk), request, photos)
    scores = [probe.chosen.quality.unified_score for probe in search.probes if probe.chosen]
    assert scores[0] < scores[1]
    lead = put_forward(desk, search)
    take_all(desk, second)
    pair = own(desk, second, lead).id
    # The collection has the very same photograph, so that both pictures are one.
    assert blind.picture(desk, second, pair, "probe") == blind.picture(desk, second, pair, "candidate")


def test_two_who_take_at_once_get_two_pairs(desk: Installation, lead: Lead):
    """One of them each, or nothing; never the same."""
    people = [somebody(desk, f"E{at}", Role.EXAMINER) for at in range(4)]

    def take(one: Person) -> str | None:
        try:
            return blind.take(desk, one)
        except NothingToReview:
            return None

    with ThreadPoolExecutor(4) as pool:
        taken = [pair for pair in pool.map(take, people) if pair]
    assert len(taken) == len(set(taken)) == 2
