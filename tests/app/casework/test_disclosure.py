"""The disclosure bundle: everything that was done in a case, for whoever may have it."""

import json
from hashlib import sha256
from typing import Any

import pytest

from lineament.app import disclose as handed_out
from lineament.app import sign_in, upkeep
from lineament.app.candidates import show_search
from lineament.app.casework import review
from lineament.app.casework.cases import Grounds, add_note, set_grounds
from lineament.app.casework.disclosure import disclose
from lineament.app.casework.members import set_member
from lineament.app.casework.overview import find_case
from lineament.app.edited import search_edited
from lineament.app.erasure import erase
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.app.withdraw import withdraw
from lineament.core.cases import Obtained, Part
from lineament.core.edits import EditKind
from lineament.core.policy import Person, Role
from lineament.core.review import Component, Conclusion
from lineament.errors import BundleTooLarge, CaseNotFound, LedgerBroken, NotYetJudged, WrongState
from lineament.ledger import Bundle
from lineament.records import cases, ledger_entries
from lineament.records.withdrawals import By, Scope
from lineament.testing import Clock, recorded
from tests.casework import a_case, a_search, close, somebody
from tests.disclosed import a_whole_case, steps_of
from tests.reviewing import a_comparison, compare_all, looked_through, put_forward
from tests.samples import BIDEN, OBAMA, SOLVAY


@pytest.fixture
def who(desk: Installation) -> Person:
    return sign_in.operator(desk)


def read(data: bytes, name: str) -> Any:
    return json.loads(Bundle.parse(data).files[name])


def searches_in(data: bytes) -> dict[str, dict[str, Any]]:
    return {
        name: json.loads(file)
        for name, file in Bundle.parse(data).files.items()
        if name.startswith("searches/")
    }


def test_everything_of_a_case_is_in_its_bundle(desk: Installation):
    """Every search, review, note and act, with the photographs and the policy; and making it is on record."""
    whole = a_whole_case(desk)
    data = disclose(desk, whole.who, whole.case.id)
    said = steps_of(desk, data)
    assert said[8] == (
        "9. Every commitment is opened, or closed.json says why it is not: of people or photographs "
        "withdrawn since 0, tests of examiners 1, lists as they were shown before 0."
    )
    files = Bundle.parse(data).files
    outcomes = sorted(one["outcome"] for one in searches_in(data).values())
    assert outcomes == ["awaiting-face", "candidates", "candidates", "failed", "refused"]
    assert {files[f"probes/{sha256(one.read_bytes()).hexdigest()}"] for one in (OBAMA, SOLVAY)} == {
        OBAMA.read_bytes(),
        SOLVAY.read_bytes(),
    }
    digest = desk.policy.version.removeprefix("sha256:")
    assert files[f"policies/{digest}.toml"].decode() == desk.policy.text
    made = recorded(desk)[-1]
    assert (made["kind"], made["part"], made["files"]) == ("case.disclosed", "staff", len(files))
    assert len(read(data, "timeline.json")) == made["case"]["number"] - 1  # type: ignore[index]


def test_it_tells_the_case_to_a_reader(desk: Installation):
    """Why, who, what was found, how likely it is chance, what was concluded, and what became of it."""
    whole = a_whole_case(desk)
    data = disclose(desk, whole.who, whole.case.id)
    case = read(data, "case.json")
    assert [one["narrative"] for one in case["grounds"]] == [
        "Last seen in May.",
        "Last seen in May, in Kyiv.",
    ]
    assert case["narrative"] == "Last seen in May, in Kyiv."
    people = {one["id"]: one for one in read(data, "people.json")}
    assert people[whole.second.id] == {"id": whole.second.id, "name": "Bo", "parts": ["further examiner"]}
    found = read(data, f"searches/{whole.found.id}.json")
    assert [one["rank"] for one in found["candidates"]] == [1, 2, 3, 4, 5, 6, 7]
    best = found["candidates"][0]
    assert best["score"] == whole.found.candidates[0].score
    assert best["odds"].startswith("Among these 7 faces, ")
    assert best["sources"][0]["quality"]["unified_score"] > 0
    edited = read(data, f"searches/{whole.edited.id}.json")
    assert (edited["edited_from"], edited["probes"][0]["edits"][0]["kind"]) == (whole.found.id, "brightness")
    (lead,) = read(data, "leads.json")
    assert (lead["rank"], lead["state"], lead["truth"]) == (1, "acted-on", "right")
    assert [one["change"] for one in lead["events"]] == ["evidence", "acted-on", "truth"]
    assert {read(data, f"reviews/{one}.json")["person"] for one in lead["reviews"]} == {
        whole.who.id,
        whole.second.id,
    }
    examined = read(data, "examined.json")
    assert len(examined["openings"][whole.found.id]) == 7
    assert examined["conclusions"][whole.edited.id]["put_forward"] == []
    terms, rates = read(data, "terms.json"), read(data, "error-rates.json")
    assert [one["contract"] for one in terms["models"]] == [desk.vision.contract]
    assert rates["model"]["caution"] == found["caution"]
    assert {one["person"] for one in rates["examiners"]} == {whole.who.id, whole.second.id}


def test_of_a_test_nothing_is_told_but_that_it_was_one(desk: Installation):
    """No photograph, no conclusion; an examiner's rates are those of the days before."""
    whole = a_whole_case(desk)
    data = disclose(desk, whole.who, whole.case.id)
    (seed,) = read(data, "closed.json")
    entry = json.loads(Bundle.parse(data).files[f"entries/{seed['entry']}.json"])
    assert (seed["why"], entry["kind"]) == ("seed", "review.recorded")
    named = [name for name, file in Bundle.parse(data).files.items() if entry["review"].encode() in file]
    assert named == [f"entries/{seed['entry']}.json"]


def test_a_candidate_that_was_not_supported_is_in_it_with_all_opinions(desk: Installation, who: Person):
    """Three examiners, of whom two see two different people."""
    case = a_case(desk)
    search = a_search(desk, case)
    put_forward(desk, search, who)
    for name in ("Bo", "Cy"):
        compare_all(desk, somebody(desk, name, Role.EXAMINER), Conclusion.DIFFERENT)
    data = disclose(desk, who, case.id)
    assert steps_of(desk, data)
    (lead,) = read(data, "leads.json")
    assert (lead["state"], [one["change"] for one in lead["events"]]) == ("not-supported", ["not-supported"])
    said = sorted(read(data, f"reviews/{one}.json")["conclusion"] for one in lead["reviews"])
    assert said == ["support-for-different", "support-for-different", "support-for-same"]


@pytest.mark.parametrize(
    ("role", "part"), [(Role.COUNSEL, Part.COUNSEL), (Role.EXPERT, Part.EXPERT), (Role.AUDITOR, None)]
)
def test_both_sides_an_expert_and_auditors_have_the_same_bundle(
    desk: Installation, who: Person, role: Role, part: Part | None
):
    """At any time, with the scores; only the acts of handing it out lie between the one and the other."""
    case = a_case(desk)
    search = a_search(desk, case)
    reader = somebody(desk, "Reader", role)
    if part:
        set_member(desk, who, case.id, reader.id, part)
    show_search(desk, reader, search.id)
    one, other = disclose(desk, reader, case.id), disclose(desk, reader, case.id)
    assert steps_of(desk, one)
    assert steps_of(desk, other)
    assert recorded(desk)[-1]["part"] == (part or "auditor")
    assert searches_in(one) == searches_in(other)
    assert len(read(other, "timeline.json")) == len(read(one, "timeline.json")) + 1


def test_nobody_else_has_it(desk: Installation, who: Person):
    """Nor is it on record that they asked; a part that has ended is none."""
    case = a_case(desk)
    before = len(recorded(desk))
    for role in (Role.SEARCHER, Role.EXAMINER, Role.ADMINISTRATOR, Role.COUNSEL, Role.EXPERT):
        stranger = somebody(desk, f"A {role}", role)
        with pytest.raises(CaseNotFound):
            disclose(desk, stranger, case.id)
        with pytest.raises(CaseNotFound):
            find_case(desk, stranger, case.reference)
    assert len(recorded(desk)) == before
    assert find_case(desk, who, case.reference) == find_case(desk, who, case.id)


def test_who_is_yet_to_judge_is_not_told_the_scores_by_it(desk: Installation, who: Person):
    """Until each candidate is judged, or the search concluded, or the case closed."""
    case = a_case(desk)
    search = a_search(desk, case)
    colleague = somebody(desk, "Colleague", Role.SEARCHER, Role.EXAMINER)
    set_member(desk, who, case.id, colleague.id, Part.STAFF)
    with pytest.raises(NotYetJudged, match="still hidden from you"):
        disclose(desk, who, case.id)
    looked_through(desk, search, who)
    assert steps_of(desk, disclose(desk, who, case.id))
    with pytest.raises(WrongState):
        disclose(desk, colleague, case.id)
    review.conclude(desk, who, search.id, [])
    assert steps_of(desk, disclose(desk, colleague, case.id))
    a_search(desk, case)
    with pytest.raises(WrongState):
        disclose(desk, colleague, case.id)
    close(desk, who, case.id)
    assert steps_of(desk, disclose(desk, colleague, case.id))


def test_people_who_were_withdrawn_appear_as_such(desk: Installation):
    """Of a lead, too: its place and score stay; the face, its links and its commitments do not open."""
    whole = a_whole_case(desk)
    gone = whole.found.candidates[0].face_id
    erase(desk, withdraw(desk, whole.who, Scope.FACE, [gone], By.PERSON))
    data = disclose(desk, whole.who, whole.case.id)
    assert "withdrawn since 4," in steps_of(desk, data)[8]  # in two lists, as put forward, and as the lead
    best = read(data, f"searches/{whole.found.id}.json")["candidates"][0]
    assert (best["withdrawn"], best["sources"], best["rank"]) == (1, [], 1)
    assert [name for name, file in Bundle.parse(data).files.items() if gone.encode() in file] == []
    assert gone.encode() not in Bundle.parse(data).manifest
    assert {one["why"] for one in read(data, "closed.json")} == {"withdrawn", "seed", "earlier"}


def test_photographs_that_were_erased_are_missing_and_said_to_be(
    desk: Installation, who: Person, clock: Clock
):
    """When the policy's time after the case has passed; what was committed to is still opened."""
    case = a_case(desk)
    a_search(desk, case)
    close(desk, who, case.id)
    clock.turn(desk.policy.purposes[case.purpose].probe_retention)
    upkeep.upkeep(desk)
    data = disclose(desk, who, case.id)
    assert [name for name in Bundle.parse(data).files if name.startswith("probes/")] == []
    assert steps_of(desk, data)[11] == (
        "12. The photographs in probes/ are those that were searched: 0, and 1 that were erased when the "
        "case had been closed."
    )


def test_a_bundle_cannot_be_larger_than_a_verifier_reads(desk: Installation, who: Person):
    """A sentence says so, and nothing is on record."""
    before, large = len(recorded(desk)), bytes(700_000_000)
    for files in ({f"{number}": b"" for number in range(10_000)}, dict.fromkeys("abc", large)):
        with pytest.raises(BundleTooLarge, match="are the most"):
            handed_out.bundle(desk, files, [], {}, "export.made", who=who.id, search=who.id)
    assert len(recorded(desk)) == before


def test_what_is_done_meanwhile_is_not_left_out(desk: Installation, who: Person):
    """Where another act comes in between what was read and the bundle, there is no bundle."""
    case = a_case(desk)
    with desk.records.read() as tx:
        entries = ledger_entries.of_case(tx, case.id)
    add_note(desk, who, case.id, "Meanwhile.")
    before = len(recorded(desk))
    with pytest.raises(WrongState, match="while its bundle was made"):
        handed_out.bundle(desk, {}, [], entries, "case.disclosed", case.id, who=who.id, part="staff")
    assert len(recorded(desk)) == before
    assert [one["text"] for one in read(disclose(desk, who, case.id), "notes.json")] == ["Meanwhile."]


def test_a_case_of_which_an_act_is_lost_is_not_handed_out(desk: Installation, who: Person):
    """Nobody could tell a bundle of it from one in which something was left out."""
    case = a_case(desk)
    with desk.records.write() as tx:
        cases.next_act(tx, case.id)
    with pytest.raises(LedgerBroken, match="3 acts in this case, and the ledger has 2"):
        disclose(desk, who, case.id)


def test_an_empty_case_and_one_of_many_kinds_of_searches_can_be_disclosed(desk: Installation, who: Person):
    """Nothing done yet; two photographs of one person; a face that is drawn; edits one after the other."""
    case = a_case(desk)
    assert steps_of(desk, disclose(desk, who, case.id))
    set_grounds(desk, who, case.id, Grounds("Last seen in June."))
    request = Request(case.purpose, ("archive",), case.reference, Obtained.PUBLISHED)
    both = [OBAMA.read_bytes(), BIDEN.read_bytes()]
    two = open_search(desk, who, request, both, [1, (200, 200, 600, 700)])
    steps = [(EditKind.ROTATE, (3.0,)), (EditKind.RESIZE, (400, 700))]
    edited = search_edited(desk, who, two.id, 1, steps)
    close(desk, who, case.id)
    data = disclose(desk, who, case.id)
    assert steps_of(desk, data)
    said = searches_in(data)
    assert len(said[f"searches/{edited.id}.json"]["probes"][0]["edits"]) == 2
    assert [one["face"] for one in said[f"searches/{two.id}.json"]["probes"]] == [1, 2]


def test_every_component_of_a_comparison_is_told(desk: Installation):
    """As the examiner put it."""
    whole = a_whole_case(desk)
    data = disclose(desk, whole.who, whole.case.id)
    (lead,) = read(data, "leads.json")
    first = read(data, f"reviews/{lead['reviews'][0]}.json")
    assert [one["component"] for one in first["findings"]] == list(Component)
    assert first["similarities"] == a_comparison().similarities
    assert (first["search"], first["rank"], first["lead"]) == (whole.found.id, 1, lead["id"])
