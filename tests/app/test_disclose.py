"""What is handed out can be checked by others: receipts, bundles, and what witnesses have signed."""

import json
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from io import BytesIO
from threading import Event, Thread

import pytest

from lineament import ledger
from lineament.app import collections, disclose, sign_in, witnessing
from lineament.app.candidates import show_search
from lineament.app.casework.cases import open_case
from lineament.app.installation import Installation
from lineament.app.search import Request, choose_face, open_search
from lineament.app.upkeep import upkeep
from lineament.core.cases import Obtained
from lineament.core.policy import Person, Role
from lineament.errors import LineamentError, SearchNotFound
from lineament.testing import Clock, make_permission, recorded
from tests.ledger.witnesses import Answer, TestWitness, answering
from tests.samples import BIDEN, OBAMA, SOLVAY

ARCHIVE = Request("archive-research", ("archive",))


@pytest.fixture
def who(archive: Installation) -> Person:
    return sign_in.operator(archive)


def steps_of(
    installation: Installation, data: bytes, policy: ledger.WitnessPolicy | None = None
) -> list[str]:
    said: list[str] = []
    trusted = policy or ledger.WitnessPolicy.of_log_alone(installation.signer.verifier)
    ledger.verify(data, trusted, installation.ledger_folder, ledger.Steps(said.append))
    return said


def files_of(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_receipt_proves_what_became_of_a_search(archive: Installation, who: Person):
    """Also after the log has grown."""
    search = open_search(archive, who, ARCHIVE, [OBAMA.read_bytes()])
    receipt = disclose.receipt(archive, who, search.id)
    for _ in range(3):
        open_search(archive, who, ARCHIVE, [BIDEN.read_bytes()])
    said = steps_of(archive, receipt)
    assert f'"search":"{search.id}"' in said[2]
    assert '"outcome":"candidates"' in said[2]
    assert len(said) == 4


def test_a_bundle_holds_all_that_a_search_left(archive: Installation, who: Person):
    """The photograph, the terms, the candidates with their sources, a receipt a step, and true openings."""
    open_case(archive, who, "K-17", "Somebody is sought", "archive-research")
    request = Request("archive-research", ("archive",), "K-17", Obtained.ARCHIVE)
    waiting = open_search(archive, who, request, [SOLVAY.read_bytes()])
    done = choose_face(archive, who, waiting.id, 24)
    bundle = disclose.export(archive, who, done.id)
    said = steps_of(archive, bundle)
    assert said[6].startswith("7. 3 commitments")  # the photograph of both entries, and the list
    assert said[7:9] == [
        "8. The photographs in probes/ are those that were searched: 1.",
        "9. search.json says the same as the entries: terms, outcome, faces, and the candidates opened.",
    ]
    files = files_of(bundle)
    assert files["probes/0"] == SOLVAY.read_bytes()
    document = json.loads(files["search.json"])
    assert (document["outcome"], document["case_reference"]) == ("empty", "K-17")
    assert document["probes"][0]["face"] == 24
    assert len([name for name in files if name.startswith("entries/")]) == 3  # waited, done, shown
    assert recorded(archive)[-1]["kind"] == "export.made"


def test_a_bundle_holds_every_photograph_and_says_which_face_was_drawn(archive: Installation, who: Person):
    """Also where a face was chosen first, and then another one drawn."""
    photos = [SOLVAY.read_bytes(), OBAMA.read_bytes()]
    waiting = open_search(archive, who, ARCHIVE, photos)
    choose_face(archive, who, waiting.id, 1, 2)
    choose_face(archive, who, waiting.id, (200, 200, 480, 600), 2)
    done = choose_face(archive, who, waiting.id, 24)
    bundle = disclose.export(archive, who, done.id)
    said = steps_of(archive, bundle)
    opened = 2 * 4 + len(done.candidates) + 1  # two photographs of four entries, and what was found and shown
    assert said[6].startswith(f"7. {opened} commitments")
    assert said[7] == "8. The photographs in probes/ are those that were searched: 2."
    files = files_of(bundle)
    assert [files["probes/0"], files["probes/1"]] == photos
    drawn = json.loads(files["search.json"])["probes"][1]
    assert (drawn["face"], [face["drawn"] for face in drawn["faces"]]) == (2, [False, True])


def test_the_candidates_of_a_bundle_lead_to_their_sources(archive: Installation, who: Person):
    """As they were shown."""
    search = open_search(archive, who, ARCHIVE, [OBAMA.read_bytes()])
    document = json.loads(files_of(disclose.export(archive, who, search.id))["search.json"])
    (candidate,) = document["candidates"]
    assert candidate["sources"][0]["source_url"].startswith("https://")
    assert candidate["score"] == search.candidates[0].score


def test_what_has_been_withdrawn_is_not_handed_out(archive: Installation, who: Person, clock: Clock):
    """The candidate's rank and score stay, its source does not; the bundle is sound."""
    search = open_search(archive, who, ARCHIVE, [OBAMA.read_bytes()])
    show_search(archive, who, search.id)
    clock.turn(timedelta(days=400))
    bundle = disclose.export(archive, who, search.id)
    files = files_of(bundle)
    (candidate,) = json.loads(files["search.json"])["candidates"]
    assert candidate["sources"] == []
    withdrawn = search.candidates[0].face_id.encode()
    assert [name for name, data in files.items() if withdrawn in data] == []
    assert len(steps_of(archive, bundle)) == 10


def test_refused_and_failed_searches_can_be_proved_too(archive: Installation, who: Person):
    """What was not done is on record like what was."""
    for request, photo in ((Request("missing-person", ("archive",)), b""), (ARCHIVE, b"not a photograph")):
        with pytest.raises(LineamentError):
            open_search(archive, who, request, [photo])
        search = str(recorded(archive)[-1]["search"])
        assert len(steps_of(archive, disclose.receipt(archive, who, search))) == 4
        bundle = disclose.export(archive, who, search)
        assert "probes/0" not in files_of(bundle)
        assert steps_of(archive, bundle)


def test_nobody_hands_out_somebody_elses_search(archive: Installation, who: Person):
    """An id alone opens nothing, and no act is recorded."""
    search = open_search(archive, who, ARCHIVE, [BIDEN.read_bytes()])
    other, before = Person("f" * 32, "other", frozenset(Role)), len(recorded(archive))
    for hand_out in (disclose.receipt, disclose.export):
        with pytest.raises(SearchNotFound):
            hand_out(archive, other, search.id)
    assert len(recorded(archive)) == before


def test_what_was_shown_is_on_record_once_for_each_different_list(
    archive: Installation, who: Person, clock: Clock
):
    """Looking again adds nothing; a list from which something is withheld is another one."""
    search = open_search(archive, who, ARCHIVE, [OBAMA.read_bytes()])
    for _ in range(3):
        show_search(archive, who, search.id)
    clock.turn(timedelta(days=400))
    show_search(archive, who, search.id)
    shown = [entry for entry in recorded(archive) if entry["kind"] == "search.shown"]
    assert [(entry["shown"], entry["withheld"], entry["role"]) for entry in shown] == [
        (1, 0, "searcher"),
        (0, 1, "searcher"),
    ]


@dataclass
class Witnesses:
    """One witness that the installation lists, and the policy of somebody who trusts it."""

    installation: Installation
    policy: ledger.WitnessPolicy
    asked: int = 0


@pytest.fixture
def witnesses(archive: Installation) -> Iterator[Witnesses]:
    """A witness on loopback that cosigns whatever it has not seen before."""
    witness = TestWitness("witness.example/w1")

    def answer(_method: str, _path: str, body: bytes) -> Answer:
        old, _, note = body.partition(b"\n\n")
        listed.asked += 1
        return (200, {}, witness.cosign(note).line.encode()) if old == b"old 0" else (400, {}, b"")

    with answering(answer) as url:
        lines = f"witness one {witness.public.vkey} {url}\nquorum one\n"
        own = ledger.WitnessPolicy.parse(lines.encode())
        trusted = ledger.WitnessPolicy.parse(f"log {archive.signer.verifier.vkey}\n{lines}".encode())
        listed = Witnesses(replace(archive, witnesses=own), trusted)
        yield listed


def test_a_receipt_carries_what_witnesses_have_signed(witnesses: Witnesses, who: Person):
    """Once they have been asked; and whoever trusts them sees their names in the check."""
    installation = witnesses.installation
    assert witnessing.witnessed(installation) is None
    search = open_search(installation, who, ARCHIVE, [OBAMA.read_bytes()])
    (asked,) = witnessing.ask(installation)
    assert (asked.name, asked.refused) == ("one", None)
    receipt, bundle = (make(installation, who, search.id) for make in (disclose.receipt, disclose.export))
    assert "cosigned by one" in steps_of(installation, receipt, witnesses.policy)[1]
    assert "cosigned by one" in steps_of(installation, bundle, witnesses.policy)[2]
    now = witnessing.witnessed(installation)
    assert now
    assert (now.is_enough, list(now.by)) == (True, ["one"])


def ask_until_witnessed(installation: Installation) -> None:
    """Ask as a running server does, until something is cosigned, and leave off."""
    stop = Event()
    asking = Thread(target=witnessing.ask_regularly, args=(installation, stop))
    asking.start()
    while witnessing.witnessed(installation) is None:
        time.sleep(0.01)
    stop.set()
    asking.join()


def test_a_server_asks_by_itself_and_leaves_off_when_it_stops(witnesses: Witnesses, who: Person):
    """At once when it starts, and then once a minute."""
    installation = witnesses.installation
    open_search(installation, who, ARCHIVE, [BIDEN.read_bytes()])
    ask_until_witnessed(installation)
    assert witnesses.asked == 1


def test_nothing_that_goes_wrong_ends_the_witnessing(
    witnesses: Witnesses, who: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """It is logged, and the next minute it is tried again."""
    installation, ask = witnesses.installation, witnessing.ask
    monkeypatch.setattr(witnessing, "EVERY_SECONDS", 0.01)
    failures = iter([ZeroDivisionError("a fault"), OSError("a disk")])

    def ask_with_faults(of: Installation) -> list[witnessing.Asked]:
        for failure in failures:
            raise failure
        return ask(of)

    monkeypatch.setattr(witnessing, "ask", ask_with_faults)
    ask_until_witnessed(installation)
    assert len(caplog.records) == 2


def test_a_witness_that_does_not_answer_stops_nothing(archive: Installation, who: Person):
    """It is said, and the ledger goes on."""
    witness = TestWitness("witness.example/w1")
    lines = f"witness one {witness.public.vkey} http://127.0.0.1:1\nquorum one\n"
    alone = replace(archive, witnesses=ledger.WitnessPolicy.parse(lines.encode()))
    (asked,) = witnessing.ask(alone)
    assert asked.refused
    assert "cannot be reached" in asked.refused
    assert open_search(alone, who, ARCHIVE, [BIDEN.read_bytes()])
    assert witnessing.witnessed(alone) is None


def test_a_narrowed_permission_shows_in_the_next_list(archive: Installation, who: Person):
    """And on record: what was shown before, and that it no longer is."""
    search = open_search(archive, who, ARCHIVE, [OBAMA.read_bytes()])
    show_search(archive, who, search.id)
    collections.permit(archive, who, "archive", make_permission(("own-likeness",)))
    show_search(archive, who, search.id)
    kinds = [entry["kind"] for entry in recorded(archive)][-3:]
    assert kinds == ["search.shown", "permission.recorded", "search.shown"]


def test_a_search_of_which_one_photograph_was_erased_can_be_handed_out(
    archive: Installation, who: Person, clock: Clock
):
    """The other one is still kept for a later search; the check counts the one that is gone."""
    both = [OBAMA.read_bytes(), BIDEN.read_bytes()]
    search = open_search(archive, who, ARCHIVE, both, [1, 1])
    clock.turn(timedelta(hours=47))
    open_search(archive, who, ARCHIVE, both[:1])
    clock.turn(timedelta(hours=2))
    upkeep(archive)
    said = steps_of(archive, disclose.export(archive, who, search.id))
    assert said[7] == (
        "8. The photographs in probes/ are those that were searched: 1, and 1 more that were erased."
    )
