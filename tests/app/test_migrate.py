"""Another model pack is taken into use: beside the old one, resumably, and in one transaction at the end."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from lineament import ledger
from lineament.app import candidates, collections, following, models, serving, sign_in
from lineament.app.ingest import ingest
from lineament.app.installation import Installation
from lineament.app.migrate import Migration, migrate
from lineament.app.search import Request, choose_face, open_search
from lineament.errors import ModelChanged, NotCalibrated, NotMigrated, RoleMissing, SearchNotOpen
from lineament.records import images
from lineament.records.searches import Outcome, Search
from lineament.records.terms import read_terms
from lineament.sources import open_source
from lineament.testing import (
    NOON,
    Clock,
    holds,
    make_collection,
    make_installation,
    make_permission,
    recorded,
)
from lineament.vision.pack import load_pack
from lineament.vision.pipeline import Vision
from lineament.web.site import create_site
from tests.packs import another_pack
from tests.samples import BIDEN, OBAMA, SOLVAY

PURPOSE = "archive-research"


@pytest.fixture
def keen(archive: Installation, tmp_path: Path) -> str:
    """The name of a second pack that was added to the archive."""
    return add(archive, another_pack(tmp_path / "pack"))


def add(installation: Installation, pack: Path) -> str:
    name = models.add(installation, sign_in.operator(installation), pack, lambda _terms: True)
    assert name
    return name


def run(
    installation: Installation, name: str, on_progress: Callable[[int, int], None] = lambda _done, _of: None
) -> Migration:
    who = sign_in.operator(installation)
    return migrate(installation, who, name, lambda _warning: False, on_progress)


def search(
    installation: Installation, purpose: str = PURPOSE, names: tuple[str, ...] = ("archive",)
) -> Search:
    who = sign_in.operator(installation)
    return open_search(installation, who, Request(purpose, names), [OBAMA.read_bytes()])


def found(installation: Installation, search: Search) -> list[str]:
    """The captions or paths of a search's candidates, as they are shown."""
    shown = candidates.show_search(installation, sign_in.operator(installation), search.id)
    return [one.face.image.provenance.path for one in shown.candidates if one.face]


@contextmanager
def opened_again(installation: Installation, clock: Clock | None = None) -> Iterator[Installation]:
    """The same data folder as another process would open it."""
    again = make_installation(installation.ledger_folder.parent, clock)
    yield again
    again.close()


def faces(installation: Installation) -> dict[str, int]:
    with installation.records.read() as tx:
        return images.faces_by_contract(tx)


def kinds(installation: Installation) -> list[object]:
    return [entry["kind"] for entry in recorded(installation)]


def test_a_search_finds_the_same_person_before_and_after(archive: Installation, keen: str):
    """Each with the templates of its own contract, and the earlier list is still shown."""
    old = archive.contract
    before, who = search(archive), sign_in.operator(archive)
    assert found(archive, before) == ["obama.jpg"]
    progress: list[tuple[int, int]] = []
    done = run(archive, keen, lambda *at: progress.append(at))
    assert (done.images, done.faces, done.rejected, done.faceless, done.left_out) == (7, 7, [], 0, [])
    assert (progress[0], progress[-1]) == ((0, 7), (7, 7))
    with opened_again(archive) as after:
        new = after.contract
        assert new == load_pack(archive.models_folder / keen).contract != old
        assert faces(after) == {old: 7, new: 7}
        later = search(after)
        assert (later.contract, later.searched_faces, later.outcome) == (new, 7, Outcome.CANDIDATES)
        assert found(after, later) == ["obama.jpg"]
        assert found(after, before) == ["obama.jpg"]
        assert before.candidates[0].face_id != later.candidates[0].face_id
        entries = recorded(after)
        batch = next(one for one in reversed(entries) if one["kind"] == "ingest.batch")
        assert (batch["who"], batch["contract"], batch["images"], batch["faces"]) == (who.id, new, 7, 7)
        changed = [one for one in entries if one["kind"] == "model.changed"]
        assert [(one["who"], one["before"], one["after"]) for one in changed] == [
            (None, None, old),
            (who.id, old, new),
        ]
        assert kinds(after).count("calibration.changed") == 2
        checkpoint = ledger.fsck(after.ledger_folder, after.signer.verifier)
        assert checkpoint.size == len(entries)


def test_an_earlier_list_has_no_odds_of_another_model(archive: Installation, keen: str):
    """What a threshold cost is told by the model that it was made for, and by no other."""
    earlier, who = search(archive), sign_in.operator(archive)
    assert candidates.show_search(archive, who, earlier.id).at_threshold is not None
    run(archive, keen)
    with opened_again(archive) as after:
        shown = candidates.show_search(after, who, earlier.id)
        assert (shown.at_threshold, shown.caution) == (None, None)
        later = search(after)
        assert candidates.show_search(after, who, later.id).at_threshold is not None


def test_a_search_that_waited_over_the_switch_is_begun_anew(archive: Installation, keen: str):
    """Its faces were found by a detector that is no longer in use."""
    who = sign_in.operator(archive)
    waiting = open_search(archive, who, Request(PURPOSE, ("archive",)), [SOLVAY.read_bytes()])
    assert waiting.outcome is Outcome.AWAITING_FACE
    run(archive, keen)
    with opened_again(archive) as after, pytest.raises(SearchNotOpen, match="no longer in use"):
        choose_face(after, who, waiting.id, 1)


def test_the_way_back_makes_nothing_again(archive: Installation, keen: str):
    """The old templates are still there; what came in meanwhile goes through the old pack as well."""
    old = archive.contract
    run(archive, keen)
    with opened_again(archive) as second:
        who, folder = sign_in.operator(second), archive.models_folder.parent / "more"
        folder.mkdir()
        shutil.copy(BIDEN, folder)
        ingest(second, who, "archive", open_source(folder), lambda _done: None)
        done = run(second, "default")
        assert (done.images, done.rejected) == (1, [])
    with opened_again(archive) as third:
        assert third.contract == old
        assert search(third).searched_faces == 8
        again = run(third, "default")
        assert (again.images, kinds(third).count("model.changed")) == (0, 3)


def test_a_process_from_before_the_switch_does_nothing_more(archive: Installation, keen: str):
    """No search, no ingest, no entry, whichever door; what it would write stands under another model."""
    serving.start(archive)
    who = sign_in.operator(archive)
    waiting = sign_in.new_link_secret(archive, who)
    with opened_again(archive) as other:
        run(other, keen)
    before = recorded(archive)
    with pytest.raises(ModelChanged):
        search(archive)
    with pytest.raises(ModelChanged):
        make_collection(archive, "second")
    with pytest.raises(ModelChanged):
        sign_in.open_session(archive, waiting)
    probe = np.zeros(archive.vision.dimension, np.float32)
    with pytest.raises(ModelChanged):
        following.search(archive, probe, ["archive"], lambda _faces: -1.0, 5)
    with TestClient(create_site(archive), base_url="http://127.0.0.1") as client:
        client.headers["authorization"] = f"Bearer {sign_in.new_token(archive, who)}"
        answer = client.post(
            "/api/v1/searches",
            data={"purpose": PURPOSE, "collection": "archive"},
            files={"photo": OBAMA.read_bytes()},
        )
    assert (answer.status_code, answer.json()["code"]) == (503, "model-changed"), answer.text
    assert "Start the server again" in answer.json()["remedy"]
    assert recorded(archive) == before
    with opened_again(archive) as again:
        serving.start(again)
        assert search(again).outcome is Outcome.CANDIDATES
        assert kinds(again).count("model.changed") == 2


def test_searches_and_ingests_go_on_meanwhile(archive: Installation, keen: str, tmp_path: Path):
    """What an ingest brings until the switch is migrated, too."""
    more = tmp_path / "more"
    more.mkdir()
    shutil.copy(BIDEN, more)
    answers: list[int | None] = []

    def meanwhile(done: int, _of: int) -> None:
        answers.append(search(archive).searched_faces)
        if done == 7:
            who = sign_in.operator(archive)
            ingest(archive, who, "archive", open_source(more), lambda _done: None)

    with opened_again(archive) as other:
        done = run(other, keen, meanwhile)
    assert done.images == 8
    assert answers == [7, 7, 8, 8]
    assert list(faces(archive).values()) == [8, 8]


def test_templates_of_two_contracts_are_never_compared(archive: Installation, tmp_path: Path):
    """An installation under another pack has nothing to compare with, and says so instead of 'no lead'."""
    before = recorded(archive)
    with closing(Vision.open(another_pack(tmp_path / "pack"))) as vision:
        other = replace(archive, vision=vision, contract=vision.contract)
        following.catch_up(other)
        with other.index.snapshot() as snapshot:
            assert snapshot.count([one.id for one in collections.show(other)]) == 0
        with pytest.raises(ModelChanged):
            search(other)
    assert recorded(archive) == before


def test_an_upgrade_with_another_pack_of_its_own_asks_for_a_migration(
    archive: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Nothing is done, and nothing found empty, until the photographs have gone through the new one."""
    shipped = another_pack(tmp_path / "shipped", "default")
    monkeypatch.setattr(models, "DEFAULT_PACK", shipped)
    with opened_again(archive) as upgraded:
        with pytest.raises(ModelChanged):
            serving.start(upgraded)
        with pytest.raises(ModelChanged):
            search(upgraded)
        packs, others = models.known(upgraded)
        assert ([one.faces for one in packs], others) == ([0], {archive.contract: 7})
        assert run(upgraded, "default").images == 7
    with opened_again(archive) as again:
        assert search(again).outcome is Outcome.CANDIDATES
        assert kinds(again)[-3:] == ["model.changed", "calibration.changed", "search"]
        assert kinds(again).count("calibration.changed") == 2


def test_a_collection_without_a_permission_in_force_is_left_out_and_not_found_empty(
    archive: Installation, keen: str, clock: Clock, portraits: Path
):
    """No template is made of its photographs, and none is missed silently once it may be searched again."""
    short = make_permission(valid_until=NOON + timedelta(hours=1))
    make_collection(archive, "lent", portraits, short)
    clock.turn(timedelta(hours=2))
    done = run(archive, keen)
    assert (done.images, done.left_out) == (7, ["lent"])
    with opened_again(archive, clock) as after:
        assert search(after).outcome is Outcome.CANDIDATES
        collections.permit(after, sign_in.operator(after), "lent", make_permission())
        with pytest.raises(NotMigrated, match="'lent' was left out"):
            search(after, names=("archive", "lent"))
        again = run(after, keen)
        assert (again.images, again.left_out) == (7, [])
        assert search(after, names=("archive", "lent")).searched_faces == 14
        assert kinds(after).count("model.changed") == 2


def test_what_cannot_be_re_embedded_is_reported(archive: Installation, keen: str, tmp_path: Path):
    """A lost file, and photographs without a face: ingesting their sources again brings both."""
    more = tmp_path / "more"
    more.mkdir()
    Image.new("RGB", (400, 400), "grey").save(more / "wall.png")
    shutil.copy(BIDEN, more)
    who = sign_in.operator(archive)
    ingest(archive, who, "archive", open_source(more), lambda _done: None)
    with archive.records.read() as tx:
        digest = sha256(BIDEN.read_bytes()).hexdigest()
        lost = images.find_image(tx, collections.show(archive)[0].id, digest)
    assert lost
    archive.blobs.remove([lost.id])
    done = run(archive, keen)
    assert (done.images, done.faceless) == (7, 1)
    assert [(one.path, one.code) for one in done.rejected] == [("archive/biden.jpg", "file-missing")]
    with opened_again(archive) as after:
        assert search(after).searched_faces == 7
        report = ingest(after, who, "archive", open_source(more), lambda _done: None)
        assert (report.new, report.no_face) == (1, 1)
        assert search(after).searched_faces == 8
        again = run(after, keen)
        assert (again.images, again.faceless, again.rejected) == (0, 0, [])


def test_a_pack_without_error_rates_needs_a_word(archive: Installation, tmp_path: Path):
    """Searches in identification mode are refused under it, and the ledger says since when."""
    name = add(archive, another_pack(tmp_path / "pack", calibrated=False))
    who, warnings = sign_in.operator(archive), list[str]()
    with pytest.raises(NotCalibrated):
        migrate(archive, who, name, lambda text: bool(warnings.append(text)), lambda _done, _of: None)
    assert PURPOSE in warnings[0]
    assert len(faces(archive)) == 1
    migrate(archive, who, name, lambda _warning: True, lambda _done, _of: None)
    with opened_again(archive) as after:
        assert after.tail is None
        entry = [one for one in recorded(after) if one["kind"] == "calibration.changed"][-1]
        assert (entry["contract"], entry["after"]) == (after.contract, None)
        with pytest.raises(NotCalibrated):
            search(after)


def test_only_a_curator_changes_models(archive: Installation, tmp_path: Path):
    """Neither adds nor migrates."""
    who = replace(sign_in.operator(archive), roles=frozenset())
    with pytest.raises(RoleMissing):
        models.add(archive, who, tmp_path, lambda _terms: True)
    with pytest.raises(RoleMissing):
        migrate(archive, who, "default", lambda _warning: True, lambda _done, _of: None)


def test_a_killed_migration_is_finished_by_running_it_again(tmp_path: Path, portraits: Path):
    """A real process is killed after one batch and after two; each photograph is re-embedded once."""
    for number in range(90):  # the same people under other bytes: several batches
        image = portraits / f"copy{number}.jpg"
        shutil.copy(portraits / "obama.jpg", image)
        with image.open("ab") as file:
            file.write(bytes([number]))
    (portraits / "manifest.csv").unlink()
    first = make_installation(tmp_path / "data")
    make_collection(first, "archive", portraits)
    name, old = add(first, another_pack(tmp_path / "pack")), first.contract
    command = [sys.executable, "-c", "from lineament.cli import run; run()", "models", "migrate", name]
    environment = os.environ | {"LINEAMENT_DATA": str(tmp_path / "data")}
    seen = [0]
    for _ in range(2):  # killed once the first batch, then the second one, has been committed
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        while sum(faces(first).values()) - 97 <= seen[-1] and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with first.records.read() as tx:
            assert read_terms(tx).contract == old
        seen.append(sum(faces(first).values()) - 97)
    assert 0 < seen[1] < seen[2] < 97
    subprocess.run(command, env=environment, check=True, capture_output=True)
    last = make_installation(tmp_path / "data")
    assert last.contract != old
    assert faces(last) == {old: 97, last.contract: 97}
    there = holds(last, "archive")
    assert (there.images, there.faces) == (97, 97)
    batches = [one for one in recorded(last) if one.get("contract") == last.contract and "images" in one]
    assert sum(one["images"] for one in batches) == 97  # type: ignore[misc]
    assert ledger.fsck(last.ledger_folder, last.signer.verifier).size == len(recorded(last))
    for one in (first, last):
        one.close()
