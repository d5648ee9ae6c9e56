"""A policy that lets more through waits for two administrators, and any other one counts at once."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lineament.app import people, policies, serving, sign_in
from lineament.app.installation import Installation
from lineament.app.search import Request, choose_face, open_search
from lineament.core.policy import Person, Role
from lineament.core.policy_file import parse_policy
from lineament.errors import PolicyInvalid, PolicyNotFound, RoleMissing, SearchRefused
from lineament.records.searches import Outcome
from lineament.testing import Clock, make_collection, make_installation, recorded
from lineament.vision.pipeline import Vision
from tests.samples import OBAMA, SOLVAY

LOWER = ("target_fpir = 0.01 ", "target_fpir = 0.05 ")  # a lower threshold for archive research alone
FEWER = ("searches_a_day = 50", "searches_a_day = 20")

Reopen = Callable[..., Installation]


@pytest.fixture
def reopen(tmp_path: Path, clock: Clock, vision: Vision) -> Iterator[Reopen]:
    """Open the installation under the policy in its data folder: the one that ships with these changes."""
    with ExitStack() as opened:

        def open_with(*changes: tuple[str, str]) -> Installation:
            text = policies.default().text
            for old, new in changes:
                assert old in text
                text = text.replace(old, new)
            (tmp_path / "data").mkdir(exist_ok=True)
            (tmp_path / "data" / "policy.toml").write_text(text, "utf-8")
            made = make_installation(tmp_path / "data", clock, vision)
            opened.callback(made.records.close)
            opened.callback(made.index.close)
            return made

        yield open_with


@pytest.fixture
def begun(reopen: Reopen) -> Installation:
    """An installation in which something was done under the policy that ships."""
    installation = reopen()
    make_collection(installation, "one")
    return installation


def second(installation: Installation, name: str = "Second", *roles: Role) -> Person:
    """Somebody else, by default an administrator."""
    by = sign_in.operator(installation)
    return people.add(installation, by, name, roles or [Role.ADMINISTRATOR])


def entries(installation: Installation, kind: str) -> list[dict[str, object]]:
    return [entry for entry in recorded(installation) if entry["kind"] == kind]


def test_the_first_policy_is_in_force_at_once(reopen: Reopen):
    """Whatever it says: there is nothing that it could widen."""
    installation = reopen(LOWER)
    assert installation.policy.purposes["archive-research"].target_fpir == 0.05
    assert policies.waiting(installation) is None
    make_collection(installation, "one")
    assert policies.waiting(installation) is None
    assert entries(installation, "threshold.changed") == []


def test_a_policy_that_lets_no_more_through_is_in_force_at_the_next_opening(
    begun: Installation, reopen: Reopen
):
    """Nobody approves it; the ledger says from which act on it counts."""
    before = begun.policy.version
    installation = reopen(FEWER)
    assert installation.policy.purposes["archive-research"].searches_a_day == 20
    assert policies.waiting(installation) is None
    make_collection(installation, "two")
    (_, entry) = entries(installation, "policy.changed")
    assert (entry["before"], entry["after"]) == (before, installation.policy.version)


def test_a_lower_threshold_waits_until_two_administrators_have_approved_it(
    begun: Installation, reopen: Reopen, clock: Clock
):
    """The first alone changes nothing, nor does approving twice; then it is in force at the next opening."""
    installation = reopen(LOWER, FEWER)
    one, other = sign_in.operator(installation), second(installation)
    assert installation.policy == begun.policy
    waiting = policies.waiting(installation)
    assert waiting is not None
    (lower,) = waiting.widenings
    (fewer,) = waiting.narrowings
    assert "The threshold of the purpose 'archive-research' is lower" in lower
    assert "20, before 50" in fewer
    for _ in range(2):
        assert policies.approve(installation, one, waiting.policy.version).needs_approval
    assert reopen(LOWER, FEWER).policy == begun.policy
    clock.turn(timedelta(hours=1))
    after = policies.approve(installation, other, waiting.policy.version)
    assert [approval.who for approval in after.approvals] == [one, other]
    assert not after.needs_approval
    assert installation.policy == begun.policy  # a server that runs goes on with its policy

    approved = reopen(LOWER, FEWER)
    assert approved.policy.purposes["archive-research"].target_fpir == 0.05
    assert policies.waiting(approved) is None
    make_collection(approved, "two")
    assert [entry["who"] for entry in entries(approved, "policy.approved")] == [one.id, other.id]
    (changed,) = entries(approved, "threshold.changed")
    assert (changed["who"], changed["second"]) == (one.id, other.id)
    assert (changed["before"], changed["after"]) == ("0.010000", "0.050000")
    assert reopen(LOWER, FEWER).policy == approved.policy


def test_only_administrators_approve_and_only_the_policy_that_they_have_read(
    begun: Installation, reopen: Reopen
):
    """Not a searcher, not another digest, and not a policy that needs nobody."""
    installation = reopen(LOWER)
    who, searcher = sign_in.operator(installation), second(installation, "Searcher", Role.SEARCHER)
    waiting = policies.waiting(installation)
    assert waiting is not None
    with pytest.raises(RoleMissing):
        policies.approve(installation, searcher, waiting.policy.version)
    with pytest.raises(PolicyNotFound):
        policies.approve(installation, who, begun.policy.version)
    reopen(LOWER, FEWER)  # somebody puts another one there
    with pytest.raises(PolicyNotFound):
        policies.approve(installation, who, waiting.policy.version)
    reopen(FEWER)
    narrower = policies.waiting(installation)
    assert narrower is not None
    assert not narrower.needs_approval
    with pytest.raises(PolicyNotFound):
        policies.approve(installation, who, narrower.policy.version)
    assert entries(installation, "policy.approved") == []


def test_what_was_approved_is_this_policy_and_no_other(begun: Installation, reopen: Reopen):
    """Another file in the data folder ends the approvals, also when the first one comes back."""
    installation = reopen(LOWER)
    one, other = sign_in.operator(installation), second(installation)
    waiting = policies.waiting(installation)
    assert waiting is not None
    policies.approve(installation, one, waiting.policy.version)
    policies.approve(installation, other, waiting.policy.version)
    assert reopen(LOWER, ("limit = 10", "limit = 11")).policy == begun.policy
    again = reopen(LOWER)
    assert again.policy == begun.policy
    left = policies.waiting(again)
    assert left is not None
    assert (left.policy, left.approvals) == (waiting.policy, [])


def test_who_is_no_administrator_any_more_has_not_approved(begun: Installation, reopen: Reopen):
    """Nor has somebody who was one for a moment only."""
    installation = reopen(LOWER)
    one, other = sign_in.operator(installation), second(installation)
    waiting = policies.waiting(installation)
    assert waiting is not None
    policies.approve(installation, one, waiting.policy.version)
    policies.approve(installation, other, waiting.policy.version)
    people.set_roles(installation, one, other.id, [Role.AUDITOR])
    assert reopen(LOWER).policy == begun.policy
    people.set_roles(installation, one, other.id, [Role.ADMINISTRATOR])
    assert reopen(LOWER).policy != begun.policy


def test_approvals_count_after_the_policy_that_was_in_force(begun: Installation, reopen: Reopen):
    """A change was approved from one policy to another; from a third one it is another change."""
    installation = reopen(LOWER)
    one, other = sign_in.operator(installation), second(installation)
    waiting = policies.waiting(installation)
    assert waiting is not None
    policies.approve(installation, one, waiting.policy.version)
    policies.approve(installation, other, waiting.policy.version)
    third = parse_policy(begun.policy.text.replace("target_fpir = 0.01 ", "target_fpir = 0.001 "))
    make_collection(replace(installation, policy=third), "two")  # in force meanwhile, by whatever way
    assert reopen(LOWER).policy == third


def test_a_policy_that_does_not_parse_is_refused_and_changes_nothing(begun: Installation, reopen: Reopen):
    """With the sentence that names the purpose and the field."""
    with pytest.raises(PolicyInvalid, match="'limit' of the purpose 'archive-research'"):
        reopen(("limit = 10", "limit = 99"))
    assert reopen().policy == begun.policy


def test_a_server_records_the_policy_that_counts_and_not_the_one_that_waits(
    begun: Installation, reopen: Reopen
):
    """What is asked of it is decided by that one, too."""
    installation = reopen(LOWER)
    serving.start(installation)
    (started,) = entries(installation, "server.started")
    assert started["policy"] == begun.policy.version


def test_the_policies_that_ship_can_be_read_and_explained():
    """Each purpose in seven sentences; each field that matters is in one of them."""
    assert policies.SHIPPED == ("archive", "investigation", "likeness", "missing-persons")
    for name in policies.SHIPPED:
        policy = parse_policy(policies.shipped(name))
        assert policy.text.startswith("# A policy for ")
        for purpose in policy.purposes.values():
            sentences = policies.explain(purpose)
            assert len(sentences) == 7
            assert all(sentence.endswith(".") for sentence in sentences)
            text = " ".join(sentences)
            assert f"{purpose.limit} candidates" in text
            assert f"{purpose.reviewers} examiners must agree" in text
            assert f"at most {purpose.searches_a_day} times" in text
            assert ("only in a case" in text) is purpose.needs_case
    with pytest.raises(PolicyNotFound, match="There are: archive, investigation, likeness and"):
        policies.shipped("../policy")


def test_an_investigation_needs_an_authorisation_and_a_likeness_the_persons_consent():
    """What each desk must have on record before it searches."""

    def needs(name: str) -> dict[str, list[str]]:
        purposes = parse_policy(policies.shipped(name)).purposes
        return {purpose.name: sorted(purpose.needs) for purpose in purposes.values()}

    assert needs("archive") == {"archive-research": [], "reader-enquiry": ["case", "narrative"]}
    assert needs("likeness") == {"own-likeness": ["case", "consent"]}
    assert needs("missing-persons")["missing-person"] == ["case", "narrative"]
    assert needs("investigation")["serious-offence"] == ["authorisation", "case", "narrative"]


def test_a_threshold_is_explained_as_what_it_costs():
    """A person reads what an investigation shows, and what an empty list means."""
    policy = policies.default()
    found = " ".join(policies.explain(policy.purposes["archive-research"]))
    assert "at most 10 candidates: those that pass a threshold, and often none." in found
    assert "About 1 in 100 searches for somebody who is not there shows a false candidate." in found
    always = " ".join(policies.explain(policy.purposes["missing-person"]))
    assert (
        "A search shows 10 candidates: those that are nearest, whether or not the person is there." in always
    )
    assert "only in a case that holds a narrative that says why" in always


# --- the quota -------------------------------------------------------------------------------------------


@pytest.fixture
def three_a_day(archive: Installation) -> Installation:
    """The collection 'archive', under a policy that allows three searches within 24 hours."""
    text = archive.policy.text.replace("searches_a_day = 50", "searches_a_day = 3")
    return replace(archive, policy=parse_policy(text))


ARCHIVE = Request("archive-research", ("archive",))


def test_the_search_over_the_quota_is_refused_and_recorded_and_allowed_again_later(
    three_a_day: Installation, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    """No pixel is decoded for it. What was refused does not count, so nobody locks themselves out."""
    who = sign_in.operator(three_a_day)
    for _ in range(3):
        assert open_search(three_a_day, who, ARCHIVE, [OBAMA.read_bytes()]).candidates
        clock.turn(timedelta(hours=1))
    with monkeypatch.context() as patched:
        patched.setattr(three_a_day.vision, "read", lambda _data: pytest.fail("a pixel was decoded"))
        for _ in range(5):
            with pytest.raises(SearchRefused, match="allows each person 3 of its searches within 24 hours"):
                open_search(three_a_day, who, ARCHIVE, [OBAMA.read_bytes()])
    entry = recorded(three_a_day)[-1]
    assert (entry["kind"], entry["outcome"], entry["code"]) == ("search", "refused", "quota-reached")
    clock.turn(timedelta(hours=21))  # the first one is 24 hours ago to the millisecond
    assert open_search(three_a_day, who, ARCHIVE, [OBAMA.read_bytes()]).candidates
    with pytest.raises(SearchRefused):
        open_search(three_a_day, who, ARCHIVE, [OBAMA.read_bytes()])


def test_a_search_that_is_overtaken_by_the_last_one_of_the_day_is_refused(
    three_a_day: Installation, monkeypatch: pytest.MonkeyPatch
):
    """The quota is counted once more where the list is recorded, so two at once do not make four of three."""
    who = sign_in.operator(three_a_day)
    for _ in range(2):
        open_search(three_a_day, who, ARCHIVE, [OBAMA.read_bytes()])
    probe = three_a_day.vision.probe

    def overtaken(*args):
        monkeypatch.undo()
        open_search(three_a_day, who, ARCHIVE, [OBAMA.read_bytes()])
        return probe(*args)

    monkeypatch.setattr(three_a_day.vision, "probe", overtaken)
    with pytest.raises(SearchRefused, match="within 24 hours"):
        open_search(three_a_day, who, ARCHIVE, [OBAMA.read_bytes()])
    assert [entry["outcome"] for entry in entries(three_a_day, "search")] == ["candidates"] * 3 + ["refused"]


def test_each_person_and_each_purpose_has_a_quota_of_its_own(three_a_day: Installation):
    """Somebody else's searches, and those for another purpose, take nothing away."""
    who = sign_in.operator(three_a_day)
    other = second(three_a_day, "Other", Role.SEARCHER)
    for _ in range(3):
        open_search(three_a_day, who, ARCHIVE, [OBAMA.read_bytes()])
    assert open_search(three_a_day, other, ARCHIVE, [OBAMA.read_bytes()]).candidates
    with pytest.raises(SearchRefused) as refused:
        open_search(three_a_day, who, Request("own-likeness", ("archive",)), [OBAMA.read_bytes()])
    assert "within 24 hours" not in str(refused.value)


def test_a_search_that_waits_for_a_face_counts_once(three_a_day: Installation):
    """Choosing a face finishes it, also when it is the last one of the day."""
    who = sign_in.operator(three_a_day)
    for _ in range(2):
        open_search(three_a_day, who, ARCHIVE, [OBAMA.read_bytes()])
    waiting = open_search(three_a_day, who, ARCHIVE, [SOLVAY.read_bytes()])
    assert waiting.outcome is Outcome.AWAITING_FACE
    with pytest.raises(SearchRefused, match="within 24 hours"):
        open_search(three_a_day, who, ARCHIVE, [OBAMA.read_bytes()])
    assert choose_face(three_a_day, who, waiting.id, 24).outcome is Outcome.EMPTY
