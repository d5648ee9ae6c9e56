"""What a pair shows, which is two faces and nothing else, and when it shows them no more."""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from lineament.app import collections, sign_in, upkeep
from lineament.app.candidates import show_search
from lineament.app.casework import blind
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.app.withdraw import withdraw
from lineament.core.cases import Obtained
from lineament.core.policy import Person, Role
from lineament.core.review import Conclusion
from lineament.errors import (
    ComparisonIncomplete,
    PairWithdrawn,
)
from lineament.records.reviews import Lead
from lineament.records.withdrawals import By, Scope
from lineament.testing import Clock, make_permission, recorded
from tests.casework import a_case, close, reopen, somebody
from tests.reviewing import (
    a_comparison,
    assignments,
    own,
    put_forward,
    take_all,
)
from tests.samples import OBAMA, SAMPLES


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
