"""The receipt for a withdrawal: plain words for people, JSON for programs, a bundle that anybody checks."""

import json
import zipfile
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from pypdf import PdfReader

from lineament import ledger
from lineament.app.erasure import erase, finish, unfinished
from lineament.app.installation import Installation
from lineament.app.withdraw import withdraw
from lineament.app.withdrawal_receipt import WithdrawalReceipt, withdrawal_receipt
from lineament.core.policy import Person, Role
from lineament.errors import NotYetErased, RoleMissing, WithdrawalNotFound
from lineament.ledger import BundleInvalid
from lineament.records.withdrawals import By, Scope, Withdrawal
from lineament.testing import Clock, make_collection, recorded
from tests.filled import Filled, fill


@pytest.fixture
def filled(installation: Installation) -> list[Filled]:
    return fill(installation, "archive", 20)


@pytest.fixture
def row(installation: Installation, who: Person, filled: list[Filled]) -> Withdrawal:
    """A face that its person withdrew and wants to be kept out."""
    done = withdraw(installation, who, Scope.FACE, [filled[0].face_id], By.PERSON, keep_face_out=True)
    (erased,) = erase(installation, done)
    return erased


def steps_of(installation: Installation, bundle: bytes) -> list[str]:
    said: list[str] = []
    trusted = ledger.WitnessPolicy.of_log_alone(installation.signer.verifier)
    ledger.verify(bundle, trusted, installation.ledger_folder, ledger.Steps(said.append))
    return said


def words_of(made: WithdrawalReceipt) -> str:
    """The text of the PDF on one line; typst breaks lines where they are full."""
    pages = PdfReader(BytesIO(made.pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def test_the_bundle_proves_both_entries_and_what_they_commit_to(
    installation: Installation, who: Person, row: Withdrawal
):
    """`lineament verify` needs nothing else; that it was handed out is on record."""
    made = withdrawal_receipt(installation, who, row.id)
    said = steps_of(installation, made.bundle)
    assert said[5] == "6. The 2 entries in the bundle are in that log, under that checkpoint."
    assert said[6].startswith("7. 2 commitments in these entries are to the values")
    with zipfile.ZipFile(BytesIO(made.bundle)) as archive:
        assert archive.read("receipt.json") == made.json
        assert archive.read("receipt.pdf") == made.pdf
    entry = recorded(installation)[-1]
    assert (entry["kind"], entry["case"], entry["role"]) == ("disclosure.made", row.id, "curator")
    with pytest.raises(BundleInvalid):
        steps_of(installation, made.bundle.replace(row.id.encode(), b"0" * 32))


def test_the_json_has_each_proof_by_itself(installation: Installation, who: Person, row: Withdrawal):
    """An entry, what it commits to, and a receipt that leads to the signed checkpoint."""
    document = json.loads(withdrawal_receipt(installation, who, row.id).json)
    assert document["proof"] == row.proof
    assert (document["by"], document["scope"], document["images"]) == ("person", "face", 1)
    assert (document["faces"], document["faces_kept_out"]) == (1, 1)
    kinds = []
    for one in document["entries"]:
        receipt = ledger.Receipt.parse(one["receipt"].encode())
        verifier = ledger.Verifier.from_vkey(document["log"])
        entry = receipt.verify_inclusion(receipt.open(verifier))
        assert entry == one["entry"]
        opening = ledger.Opening(**one["opening"])
        opening.check(entry)
        assert json.loads(opening.value) == document["subject" if opening.field == "subject" else "proof"]
        kinds.append(entry["kind"])
    assert kinds == ["withdrawal.recorded", "erasure.done"]


def test_the_pdf_says_in_plain_words_what_was_done(
    installation: Installation, who: Person, row: Withdrawal, filled: list[Filled]
):
    """At most two pages, with a title and a language, and the codes that are needed to check it."""
    made = withdrawal_receipt(installation, who, row.id)
    reader, words = PdfReader(BytesIO(made.pdf)), words_of(made)
    assert reader.metadata
    assert (len(reader.pages) <= 2, reader.metadata.title) == (True, "Receipt for a withdrawal")
    root = reader.trailer["/Root"]
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"]) == ("en-GB", True)
    for sentence in (
        "On 22 November 2026 at 12:00:00 UTC the withdrawal of a face, together with its whole photograph, "
        "was recorded, as the person whom it concerns had asked.",
        "1 photograph with 1 face: the stored files, their keys, the face templates",
        "among the 19 faces that remain, returned none of the faces removed.",
        "it is no more than chance gives.",
        "1 face template stays, encrypted, for one purpose",
        row.id,
    ):
        assert sentence in words
    assert installation.signer.verifier.vkey in words.replace(" ", "")
    for one in document_entries(made):
        digits = ledger.leaf_hash(one).hex()
        assert digits in words.replace(" ", "")


def document_entries(made: WithdrawalReceipt) -> list[bytes]:
    with zipfile.ZipFile(BytesIO(made.bundle)) as archive:
        return [archive.read(name) for name in archive.namelist() if name.startswith("entries/")]


def test_the_same_receipt_has_the_same_pdf(installation: Installation, who: Person, row: Withdrawal):
    """To the byte, also after the log has grown."""
    first = withdrawal_receipt(installation, who, row.id)
    make_collection(installation, "more")
    second = withdrawal_receipt(installation, who, row.id)
    assert first.pdf == second.pdf
    assert first.json != second.json  # whose proofs lead to the checkpoint of the moment


def test_nothing_of_the_photograph_is_in_it(
    installation: Installation, who: Person, row: Withdrawal, filled: list[Filled]
):
    """Neither its bytes nor its digest, nor who recorded the withdrawal by name."""
    made = withdrawal_receipt(installation, who, row.id)
    for secret in (filled[0].sha256.encode(), *filled[0].forms, b"operator"):
        assert secret not in made.bundle


@pytest.mark.parametrize(
    ("scope", "by", "sentence"),
    [
        (Scope.COLLECTION, By.GRANTOR, "a whole collection was recorded, as whoever had given"),
        (Scope.COLLECTION, By.RETENTION, "recorded, because the time for which"),
        (Scope.IMAGE, By.CURATOR, "a photograph was recorded, as a curator"),
    ],
)
def test_every_kind_of_withdrawal_has_its_sentences(
    installation: Installation,
    who: Person,
    filled: list[Filled],
    clock: Clock,
    scope: Scope,
    by: By,
    sentence: str,
):
    """Nothing is said to stay that does not."""
    if by is By.RETENTION:
        clock.turn(timedelta(days=10_000))
    names = ["archive"] if scope is Scope.COLLECTION else [filled[0].image_id]
    (row,) = erase(installation, withdraw(installation, who, scope, names, by))
    words = words_of(withdrawal_receipt(installation, who, row.id))
    assert sentence in words
    assert ("their fingerprints stay" in words) == (scope is Scope.IMAGE)
    assert "face template" not in words.partition("What stays")[2]


def test_a_proof_without_a_search_says_so(installation: Installation, who: Person, filled: list[Filled]):
    """And where nothing was measured, nothing is claimed."""
    withdraw(installation, who, Scope.FACE, [filled[0].face_id], By.PERSON)
    (row,) = finish(installation, unfinished(installation))
    words = words_of(withdrawal_receipt(installation, who, row.id))
    assert "The templates were gone before it could be searched for them as well." in words
    bare = replace(installation, tail=None)
    (row,) = erase(bare, withdraw(bare, who, Scope.FACE, [filled[1].face_id], By.PERSON))
    words = words_of(withdrawal_receipt(bare, who, row.id))
    assert "what strangers score was not measured for this model" in words


def test_a_copy_that_stays_is_not_called_chance(installation: Installation, who: Person):
    """A curator withdrew one photograph, and another one of the same person is still here."""
    (first,) = fill(installation, "archive", 1)
    (second,) = fill(installation, "press", 1)  # drawn again the same
    assert (first.vector == second.vector).all()
    (row,) = erase(installation, withdraw(installation, who, Scope.IMAGE, [first.image_id], By.CURATOR))
    words = words_of(withdrawal_receipt(installation, who, row.id))
    assert "scores 1.0000." in words
    assert "another photograph of the same person may remain" in words


def test_there_is_no_receipt_before_the_proof(installation: Installation, who: Person, filled: list[Filled]):
    """Nor for what was never withdrawn, nor for everybody."""
    (done,) = withdraw(installation, who, Scope.FACE, [filled[0].face_id], By.PERSON)
    with pytest.raises(NotYetErased):
        withdrawal_receipt(installation, who, done.withdrawal.id)
    with pytest.raises(WithdrawalNotFound):
        withdrawal_receipt(installation, who, "0" * 32)
    with pytest.raises(RoleMissing):
        withdrawal_receipt(installation, replace(who, roles=frozenset({Role.SEARCHER})), "0" * 32)
