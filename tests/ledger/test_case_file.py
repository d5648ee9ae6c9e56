"""The bundle of a case: nothing in it can be changed, added or left out, by an outsider or by the operator.

The case is a real one, played through the application. An outsider has no key of the ledger. The operator has
it, and may lie in the bundle; what they wrote into the ledger while the case went on they cannot change.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from lineament.app.casework.disclosure import disclose
from lineament.ledger import (
    Bundle,
    BundleInvalid,
    LedgerError,
    LogInconsistent,
    Opening,
    Signer,
    Steps,
    WitnessPolicy,
    decode,
    digest,
    encode,
    fsck,
    make_manifest,
    make_receipt,
    publish,
    verify,
)
from lineament.records import ledger_entries
from lineament.testing import make_installation
from lineament.vision.pipeline import Vision
from tests.casework import permit_casework
from tests.disclosed import a_whole_case

Files = dict[str, bytes]


@dataclass(frozen=True)
class Disclosed:
    """A bundle, the log that it was made from up to the bundle's own entry, and the operator's key."""

    data: bytes
    log: list[bytes]
    signer: Signer
    folder: Path

    @property
    def bundle(self) -> Bundle:
        return Bundle.parse(self.data)

    @property
    def made(self) -> dict[str, Any]:
        """The bundle's own entry."""
        return decode(self.log[-1])

    def acts(self) -> dict[int, dict[str, Any]]:
        return {index: decode(entry) for index, entry in sorted(self.bundle.entries().items())}

    def check(self, data: bytes) -> list[str]:
        said: list[str] = []
        verify(data, WitnessPolicy.of_log_alone(self.signer.verifier), None, Steps(said.append))
        return said

    def forged(
        self,
        change: Callable[[Files], object] = lambda _files: None,
        openings: Callable[[list[Opening]], list[Opening]] = lambda these: these,
        **said: Any,
    ) -> bytes:
        """Return another bundle of the case, as an operator who lies in it would put it on record."""
        files = dict(self.bundle.files)
        change(files)
        manifest = make_manifest(files, openings(self.bundle.openings()))
        fields = {name: value for name, value in self.made.items() if name not in {"kind", "v"}}
        own = encode("case.disclosed", **fields | {"files": len(files), "content": digest(manifest)} | said)
        log, folder = [*self.log[:-1], own], self.folder / "forged"
        shutil.rmtree(folder, ignore_errors=True)
        publish(folder, lambda start, stop: log[start:stop], len(log), self.signer)
        note, key = (folder / "checkpoint").read_bytes(), self.signer.verifier
        held = Bundle(files, manifest, b"", {}).entries()
        further = {index: make_receipt(folder, log[index], index, note, key).data for index in held}
        main = make_receipt(folder, own, len(log) - 1, note, key).data
        return Bundle(files, manifest, main, further).data


@pytest.fixture(scope="module")
def disclosed(tmp_path_factory: pytest.TempPathFactory, archive_data: Path, vision: Vision) -> Disclosed:
    folder = tmp_path_factory.mktemp("disclosed")
    shutil.copytree(archive_data, folder / "data")
    installation = make_installation(folder / "data", None, vision)
    permit_casework(installation)
    whole = a_whole_case(installation)
    data = disclose(installation, whole.who, whole.case.id)
    with installation.records.read() as tx:
        log = list(ledger_entries.read(tx, 0, ledger_entries.count(tx)))
    installation.index.close()
    installation.records.close()
    return Disclosed(data, log, installation.signer, folder)


def test_a_sound_bundle_passes_every_step(disclosed: Disclosed):
    """And what the operator could make anew is the very same."""
    said = disclosed.check(disclosed.data)
    assert said[7] == (
        f"8. Nothing is left out: acts 1 to {len(disclosed.acts())} of the case are here, and the bundle is "
        "the next."
    )
    assert len(said) == 13
    assert disclosed.check(disclosed.forged()) == disclosed.check(disclosed.data)


# --- an outsider ------------------------------------------------------------------------------------------


def parts(disclosed: Disclosed) -> Files:
    """Every file of the zip, the manifest and the receipts too."""
    bundle = disclosed.bundle
    receipts = {f"receipts/{index}.tlog-proof": data for index, data in bundle.further.items()}
    return {
        "manifest.json": bundle.manifest,
        "receipt.tlog-proof": bundle.receipt,
        **bundle.files,
        **receipts,
    }


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of files of a bundle, as somebody with a zip program would make it."""
    left = dict(files)
    manifest, receipt = left.pop("manifest.json", b""), left.pop("receipt.tlog-proof", b"")
    names = [name for name in left if name.startswith("receipts/")]
    further = {int(name[9 : -len(".tlog-proof")]): left.pop(name) for name in names}
    return Bundle(left, manifest, receipt, further).data


def test_every_file_that_is_changed_or_taken_out_is_missed(disclosed: Disclosed):
    """Each in turn; those that the manifest lists by their name."""
    files = parts(disclosed)
    assert disclosed.check(packed(files))
    for name, data in files.items():
        flipped = data[:-1] + bytes([data[-1] ^ 1])
        for changed in (files | {name: flipped}, {one: files[one] for one in files if one != name}):
            with pytest.raises(LedgerError) as caught:
                disclosed.check(packed(changed))
            if name in disclosed.bundle.files:
                assert name in str(caught.value)


def test_every_file_that_is_added_is_named(disclosed: Disclosed):
    """Also under a name that looks as if it belonged there."""
    for name in ("more.txt", f"searches/{32 * 'a'}.json", f"probes/{64 * 'a'}", "entries/0.json"):
        with pytest.raises(BundleInvalid, match=rf"{name} was added"):
            disclosed.check(packed(parts(disclosed) | {name: b"{}"}))


def test_who_makes_the_manifest_anew_is_found_out_by_the_entry(disclosed: Disclosed):
    """Every file left out in turn, with its receipt and openings, as well as one can without the key."""
    files, openings = disclosed.bundle.files, disclosed.bundle.openings()
    for name in files:
        left = {one: data for one, data in files.items() if one != name}
        entry = int(name[8:-5]) if name.startswith("entries/") else None
        further = {index: one for index, one in disclosed.bundle.further.items() if index != entry}
        manifest = make_manifest(left, [one for one in openings if one.entry != entry])
        with pytest.raises(BundleInvalid, match="does not name this"):
            disclosed.check(Bundle(left, manifest, disclosed.bundle.receipt, further).data)


# --- the operator -----------------------------------------------------------------------------------------


def test_no_act_can_be_left_out(disclosed: Disclosed):
    """Whichever it is, with all that the other files say of it or without: its number is missed."""
    for index, act in disclosed.acts().items():

        def without(files: Files, index: int = index) -> None:
            del files[f"entries/{index}.json"]

        data = disclosed.forged(
            without, lambda these, index=index: [one for one in these if one.entry != index]
        )
        with pytest.raises(BundleInvalid, match=f"Act {act['case']['number']} of the case is missing"):
            disclosed.check(data)


def test_the_bundle_cannot_pass_for_an_earlier_or_later_one(disclosed: Disclosed):
    """Its own number follows the last act."""
    case = disclosed.made["case"]
    for number in (0, 1, case["number"] - 1, case["number"] + 1, 2**53 - 1):
        with pytest.raises(BundleInvalid, match=r"of the case is (missing|there twice)"):
            disclosed.check(disclosed.forged(case=case | {"number": number}))
    with pytest.raises(BundleInvalid, match="something else than this case"):
        disclosed.check(disclosed.forged(case=case | {"id": 32 * "f"}))


def test_an_act_that_is_numbered_twice_is_found_in_the_log(disclosed: Disclosed):
    """Who leaves out the last act and gives its number to the bundle deceives who has the bundle alone."""
    assert fsck(disclosed.folder / "data" / "ledger", disclosed.signer.verifier).size == len(disclosed.log)
    index, act = list(disclosed.acts().items())[-1]
    assert act["kind"] == "case.note"

    def without(files: Files) -> None:
        del files[f"entries/{index}.json"]
        files["notes.json"] = b"[]"
        rewritten("timeline.json", lambda said: said.pop())(files)

    data = disclosed.forged(
        without, lambda these: [one for one in these if one.entry != index], case=act["case"]
    )
    assert disclosed.check(data)
    with pytest.raises(LogInconsistent, match="says that it is act"):
        fsck(disclosed.folder / "forged", disclosed.signer.verifier)


def test_no_file_can_be_left_out(disclosed: Disclosed):
    """Each is needed by an act or by the reader, and named."""
    for name in disclosed.bundle.files:
        if not name.startswith(("entries/", "policies/")):
            with pytest.raises(BundleInvalid, match=rf"{name} is missing"):
                disclosed.check(disclosed.forged(lambda files, name=name: files.pop(name)))


def test_nothing_can_be_put_in(disclosed: Disclosed):
    """No search, review, photograph or policy that no act is about, and nothing of another kind."""
    of_no_act = f"{32 * 'a'}.json"
    for name, data in {
        f"searches/{of_no_act}": b"{}",
        f"reviews/{of_no_act}": b"{}",
        f"probes/{sha256(b'x').hexdigest()}": b"x",
        f"policies/{sha256(b'x').hexdigest()}.toml": b"x",
        "opinion.txt": b"He did it.",
    }.items():
        with pytest.raises(BundleInvalid, match=name):
            disclosed.check(disclosed.forged(lambda files, name=name, data=data: files.update({name: data})))


def rewritten(name: str, change: Callable[[Any], object]) -> Callable[[Files], None]:
    """Return what changes the JSON value of a file."""

    def rewrite(files: Files) -> None:
        value = json.loads(files[name])
        change(value)
        files[name] = json.dumps(value).encode()

    return rewrite


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("case.json", lambda said: said.update(narrative="He is dangerous.")),
        ("case.json", lambda said: said.update(reference="2026/18")),
        ("case.json", lambda said: said.update(state="closed")),
        ("case.json", lambda said: said.update(opened_at="2026-01-01T00:00:00.000Z")),
        ("case.json", lambda said: said["grounds"][0].update(narrative="Last seen in June.")),
        ("case.json", lambda said: said["grounds"].pop(0)),
        ("case.json", lambda said: said["members"].pop()),
        ("case.json", lambda said: said["members"][0].update(part="counsel")),
        ("people.json", lambda said: said.pop(0)),
        ("people.json", lambda said: said.pop(1)),
        ("notes.json", lambda said: said.pop()),
        ("notes.json", lambda said: said[0].update(text="His brother called.")),
        ("notes.json", lambda said: said.append(said[0] | {"id": 32 * "a"})),
        ("timeline.json", lambda said: said.pop(3)),
        ("leads.json", lambda said: said.pop()),
        ("leads.json", lambda said: said[0].update(rank=2)),
        ("leads.json", lambda said: said[0].update(made_at=None)),
        ("leads.json", lambda said: said[0]["events"].pop()),
        ("leads.json", lambda said: said[0]["events"][0]["document"]["document"].update(source="Nobody")),
        ("examined.json", lambda said: said["conclusions"].popitem()),
        ("examined.json", lambda said: next(iter(said["conclusions"].values())).update(at="never")),
        ("closed.json", lambda said: said.pop()),
        ("closed.json", lambda said: said[0].update(why="withdrawn")),
        ("closed.json", lambda said: said[0].update(why="forgotten")),
        ("closed.json", lambda said: said.append(said[0])),
        ("closed.json", lambda said: said.append(said[0] | {"field": "nothing"})),
    ],
)
def test_no_file_can_say_something_else_than_the_acts(
    disclosed: Disclosed, name: str, change: Callable[[Any], object]
):
    """Whatever the operator writes into it after the fact."""
    with pytest.raises(BundleInvalid):
        disclosed.check(disclosed.forged(rewritten(name, change)))


def test_no_search_or_review_can_say_something_else(disclosed: Disclosed):
    """Each of them: the outcome, a conclusion, what was compared, who did it."""
    changes: dict[str, list[Callable[[Any], object]]] = {
        "searches/": [lambda said: said.update(outcome="empty", candidates=[]), lambda said: said.clear()],
        "reviews/": [
            lambda said: said.update(conclusion="support-for-different"),
            lambda said: said.update(similarities="None."),
            lambda said: said.update(person=32 * "f"),
            lambda said: said.update(search=None, lead=None),
        ],
    }
    for folder, of_folder in changes.items():
        names = [name for name in disclosed.bundle.files if name.startswith(folder)]
        assert len(names) > 1
        for name in names:
            for change in of_folder:
                with pytest.raises(BundleInvalid, match=name):
                    disclosed.check(disclosed.forged(rewritten(name, change)))


def test_no_commitment_can_be_left_closed_without_a_reason(disclosed: Disclosed):
    """Every opening left out in turn; and most have no reason for which they could be."""
    for one in disclosed.bundle.openings():
        with pytest.raises(BundleInvalid, match="neither opened nor accounted for"):
            disclosed.check(
                disclosed.forged(openings=lambda these, one=one: [other for other in these if other != one])
            )


def test_a_review_cannot_be_passed_off_as_a_test(disclosed: Disclosed):
    """The acts say who agreed on a lead; their reviews of it must be there."""
    index, act = next(
        (index, act) for index, act in disclosed.acts().items() if act["kind"] == "review.recorded"
    )

    def hide(files: Files) -> None:
        del files[f"reviews/{act['review']}.json"]
        rewritten(
            "closed.json", lambda said: said.append({"entry": index, "field": "content", "why": "seed"})
        )(files)

    data = disclosed.forged(hide, lambda these: [one for one in these if one.entry != index])
    with pytest.raises(BundleInvalid, match=r"leads\.json"):
        disclosed.check(data)


def test_a_candidate_that_is_said_to_be_withdrawn_is_counted(disclosed: Disclosed):
    """Its commitment stays closed; its place in the list does not go unseen."""
    index, act = next((index, act) for index, act in disclosed.acts().items() if act.get("candidates"))
    name = f"searches/{act['search']}.json"
    last = f"candidates/{len(act['candidates']) - 1}"

    def withdrawn(files: Files, says: bool) -> None:
        rewritten(
            "closed.json", lambda said: said.append({"entry": index, "field": last, "why": "withdrawn"})
        )(files)
        if says:
            rewritten(name, lambda said: said["candidates"][-1].update(sources=[], withdrawn=1))(files)
        else:
            rewritten(name, lambda said: said["candidates"].pop())(files)

    def closed(these: list[Opening]) -> list[Opening]:
        return [one for one in these if (one.entry, one.field) != (index, last)]

    said = disclosed.check(disclosed.forged(lambda files: withdrawn(files, True), closed))
    assert "of people or photographs withdrawn since 1" in said[8]
    with pytest.raises(BundleInvalid, match="withdrawn"):
        disclosed.check(disclosed.forged(lambda files: withdrawn(files, False), closed))


def test_what_cannot_be_read_is_named(disclosed: Disclosed):
    """Not JSON, or not of the shape: a sentence with the file's name, never a traceback."""
    for name in disclosed.bundle.files:
        if name.endswith(".json") and not name.startswith(("entries/", "terms", "error-rates")):
            for data in (b"", b"[]", b"{}", b"7", b"null", b"[[", b"[1]", 20_000 * b"[", b'{"events": 7}'):
                if json_or_none(data) != json_or_none(disclosed.bundle.files[name]):
                    with pytest.raises(BundleInvalid):
                        disclosed.check(
                            disclosed.forged(lambda files, name=name, data=data: files.update({name: data}))
                        )


def json_or_none(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def test_the_log_is_that_of_the_case(disclosed: Disclosed):
    """With another log's key nothing passes."""
    other = replace(disclosed, signer=Signer.generate("another.example"))
    with pytest.raises(LedgerError):
        other.check(disclosed.data)
