"""The ledger says under which terms an act was done, who may do what, and when somebody tries the door."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from lineament import ledger
from lineament.app import collections, people, sign_in
from lineament.app.casework.cases import Grounds, case_bytes, open_case
from lineament.app.ingest import ingest
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.app.search_entry import candidate_bytes, probe_bytes
from lineament.core.cases import Authorisation, Obtained
from lineament.core.policy import Role
from lineament.core.policy_file import parse_policy
from lineament.errors import LedgerBroken, LineamentError, SearchRefused, SignInLinkSpent
from lineament.records import ledger_entries
from lineament.sources import open_source
from lineament.testing import Clock, make_collection, make_permission, recorded
from tests.samples import OBAMA


def kinds(installation: Installation) -> list[object]:
    return [entry["kind"] for entry in recorded(installation)]


def test_the_first_act_says_under_which_terms_it_was_done(installation: Installation):
    """Policy, model and calibration, then who was given which role."""
    who = sign_in.operator(installation)
    assert kinds(installation) == [
        "policy.changed",
        "model.changed",
        "calibration.changed",
        *["role.granted"] * len(Role),
    ]
    assert {entry["role"] for entry in recorded(installation)[3:]} == {*Role}
    assert sign_in.operator(installation) == who
    assert len(recorded(installation)) == 3 + len(Role)


def test_another_policy_is_on_record_before_the_first_act_under_it(installation: Installation):
    """From the old digest to the new one; nothing is written while nothing changes."""
    make_collection(installation, "one")
    before = installation.policy.version
    text = (Path(collections.__file__).parent / "policy.toml").read_text("utf-8")
    changed = replace(
        installation, policy=parse_policy(text.replace("target_fpir = 0.01", "target_fpir = 0.02"))
    )
    make_collection(changed, "two")
    make_collection(changed, "three")
    entries = [entry for entry in recorded(changed) if entry["kind"] == "policy.changed"]
    assert [(entry["before"], entry["after"]) for entry in entries] == [
        (None, before),
        (before, changed.policy.version),
    ]
    assert kinds(changed)[-7:-3] == ["policy.changed", *["threshold.changed"] * 2, "collection.created"]


def test_another_target_is_on_record_with_the_policy(installation: Installation):
    """Which purpose, from what to what; that nobody approved it is said, too."""
    make_collection(installation, "one")
    text = installation.policy.text.replace("target_fpir = 0.01", "target_fpir = 0.002", 1)
    make_collection(replace(installation, policy=parse_policy(text)), "two")
    (entry,) = [entry for entry in recorded(installation) if entry["kind"] == "threshold.changed"]
    assert (entry["purpose"], entry["before"], entry["after"]) == ("archive-research", "0.010000", "0.002000")
    assert (entry["who"], entry["second"]) == (None, None)


def test_a_model_without_calibration_is_on_record(installation: Installation):
    """From then on no odds are given, and the ledger says since when."""
    make_collection(installation, "one")
    make_collection(replace(installation, tail=None), "two")
    entry = [entry for entry in recorded(installation) if entry["kind"] == "calibration.changed"][-1]
    assert (entry["after"], entry["before"]) == (None, installation.tail and installation.tail.version)


def test_five_links_that_do_not_open_are_a_burst(installation: Installation, clock: Clock):
    """Fewer, or further apart, are not; after one is on record, counting begins anew."""

    def fail(times: int) -> None:
        for _ in range(times):
            with pytest.raises(SignInLinkSpent):
                sign_in.open_session(installation, "guessed")

    sign_in.operator(installation)
    fail(4)
    clock.turn(timedelta(minutes=11))
    fail(4)
    assert "signin.failures" not in kinds(installation)
    clock.turn(timedelta(minutes=5))
    fail(1)
    assert recorded(installation)[-1]["failures"] == 5
    fail(4)
    assert kinds(installation).count("signin.failures") == 1
    sign_in.open_session(installation, sign_in.new_link_secret(installation, sign_in.operator(installation)))
    assert kinds(installation)[-1] == "session.opened"


def test_no_act_is_done_on_a_ledger_whose_last_entries_were_changed(archive: Installation):
    """The newest bundle is compared before each act, not only at the start."""
    folder = archive.ledger_folder / "tile" / "entries" / "000.p"
    newest = max(folder.iterdir(), key=lambda path: int(path.name))
    changed = bytearray(newest.read_bytes())
    changed[-5] ^= 1
    newest.write_bytes(changed)
    before = len(recorded(archive))
    with pytest.raises(LedgerBroken):
        make_collection(archive, "more")
    assert len(recorded(archive)) == before


PLANTED = 10_000


def test_no_personal_value_is_found_in_any_leaf(installation: Installation, portraits: Path):
    """Ten thousand values are planted wherever a person can write something; no leaf holds one of them."""
    planted: list[str] = []

    def plant() -> str:
        planted.append(f"Zoë Quargle-{len(planted):05d}")
        return planted[-1]

    columns, times = 190, 7  # each photograph is named so often
    with (portraits / "manifest.csv").open("w", newline="") as file:
        names = [f"c{number}" for number in range(columns)]
        file.write(",".join(["path", "source_url", "page_url", "caption", "credit", *names]) + "\n")
        for path in sorted(portraits.glob("*.jpg")) * times:
            values = [plant() for _ in range(columns + 2)]
            file.write(f"{path.name},https://example.org/{values[0].split(' ')[1]},,{','.join(values)}\n")
    permission = replace(
        make_permission(("archive-research", "missing-person")),
        grantor=plant(),
        contact=plant(),
        notice=plant(),
        evidence=plant(),
    )
    who = sign_in.operator(installation)
    collections.add(installation, who, "archive", plant(), permission)
    ingest(installation, who, "archive", open_source(portraits), lambda _done: None)
    for _ in range(5):
        ends = installation.clock() + timedelta(days=9)
        grounds = Grounds(plant(), Authorisation(plant(), plant(), plant(), ends), plant())
        case = open_case(installation, who, plant(), plant(), "missing-person", grounds)
        request = Request("missing-person", ("archive",), case.reference, Obtained.FROM_FAMILY)
        open_search(installation, who, request, [OBAMA.read_bytes()])
        named = people.add(installation, who, plant(), [Role.EXAMINER])
        people.set_roles(installation, who, named.id, [])
    while len(planted) < PLANTED:
        purpose, case = plant(), plant()
        with pytest.raises(SearchRefused):
            open_search(installation, who, Request(purpose, ("archive",), case), [plant().encode()])
    with pytest.raises(LineamentError):
        open_search(installation, who, Request("archive-research", ("archive",), plant()), [plant().encode()])

    with installation.records.read() as tx:
        leaves = b"\n".join(ledger_entries.read(tx, 0, ledger_entries.count(tx)))
    assert len(planted) >= PLANTED
    text = leaves.decode("ascii")
    assert "quargle" not in text.lower()
    assert [value for value in planted if value in text or value.encode().hex() in text] == []
    assert ledger.fsck(installation.ledger_folder, installation.signer.verifier).size > 100


def opened(salt: bytes, values: dict[str, bytes]) -> set[str]:
    return {ledger.commitment(ledger.field_salt(salt, name), value) for name, value in values.items()}


def test_without_the_salt_a_known_person_cannot_be_found_and_the_proofs_still_hold(
    archive: Installation, tmp_path: Path
):
    """A dictionary with the very photograph, face and case in it opens nothing once the salt is gone."""
    who = sign_in.operator(archive)
    case = open_case(archive, who, "K-17", "Somebody is sought", "archive-research")
    request = Request("archive-research", ("archive",), "K-17", Obtained.ARCHIVE)
    search = open_search(archive, who, request, [OBAMA.read_bytes()])
    entry = next(entry for entry in recorded(archive) if entry["kind"] == "search")
    beginning = next(entry for entry in recorded(archive) if entry["kind"] == "case.opened")
    known = {
        "probes/0": probe_bytes(search.probes[0]),
        "candidates/0": candidate_bytes(search.candidates[0]),
    }
    about_case = {"case/1": case_bytes(case)}
    commitments = {*entry["probes"], *entry["candidates"]}  # type: ignore[misc]
    assert opened(search.salt, known) == commitments
    assert opened(case.salt, about_case) == {beginning["content"]}
    known |= about_case
    commitments |= {beginning["content"]}

    with archive.records.write() as tx:
        tx.exec_driver_sql("UPDATE search SET salt = x''")
        tx.exec_driver_sql("UPDATE case_file SET salt = x''")
    salts = [bytes(16), bytes(32), search.id.encode(), bytes.fromhex(search.id), who.id.encode()]
    salts += [number.to_bytes(32, "big") for number in range(1000)]
    guessed = {one for salt in salts for one in opened(salt, known)}
    guessed |= {ledger.commitment(salt, value) for salt in salts for value in known.values()}
    assert guessed.isdisjoint(commitments)
    assert ledger.fsck(archive.ledger_folder, archive.signer.verifier).size == len(recorded(archive))
