"""Reports: of the same case always the same, to the byte; PDF and HTML say the same, and no word too many."""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from PIL import Image, ImageOps

from lineament import ledger
from lineament.app import collections, sign_in
from lineament.app.casework.leads import lead_view, record_truth, set_aside
from lineament.app.casework.report_page import Report, own_words
from lineament.app.casework.reports import case_report, lead_report
from lineament.app.edited import search_edited
from lineament.app.erasure import erase
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.app.withdraw import withdraw
from lineament.core.cases import Obtained
from lineament.core.edits import EditKind
from lineament.core.permission import WithdrawalReason
from lineament.core.policy import Person, Role
from lineament.core.report_words import refused
from lineament.core.review import WORDING, Conclusion, LeadState, Truth
from lineament.errors import CaseNotFound, LeadNotFound, SearchRefused, WrongState
from lineament.records import ledger_entries, reviews, searches
from lineament.records.withdrawals import By, Scope
from lineament.testing import Clock, recorded
from tests.casework import a_case, a_search, somebody
from tests.disclosed import a_whole_case
from tests.leads import a_lead, supported
from tests.reports import of_html, of_pdf, squeezed
from tests.reviewing import compare_all, put_forward
from tests.samples import OBAMA


@pytest.fixture
def who(desk: Installation) -> Person:
    return sign_in.operator(desk)


def test_a_lead_report_says_what_was_seen_and_what_was_not(desk: Installation, who: Person):
    """Photographs, sources, each examiner's table and fixed wording, the odds, the limits, the codes."""
    lead = supported(desk, a_lead(desk))
    report = lead_report(desk, who, lead.id)
    for words in (of_html(report), of_pdf(report)):
        for sentence in (
            "A lead is not an identification.",
            "A lead is not evidence on its own",
            "“2026/17”, “Somebody is missed”",
            "“Barack Obama, President of the United States, official portrait”",
            "https://github.com/ageitgey/face_recognition",
            "As the searcher declared: their family gave it.",
            "strangers would be expected to score this high",
            "First examiner: Edda First",
            "Second examiner: Sven Second",
            WORDING[Conclusion.STRONG_SAME],
            WORDING[Conclusion.SAME],
            "Earsdifferent“The lobe is longer.”",
            "Scarsnot visible",
            "“The brows and the nose are alike.”",
            "“The left ear differs.”",
            "Independent evidence: “A neighbour saw him board the train.”, from “Her statement of 3 May”",
            "How likely it is that the two photographs show one person.",
            "not measured",
            "Photographer in the file: “Pete Souza”.",
            "Model of the camera: “Canon EOS 5D Mark III”.",
            desk.signer.verifier.vkey,
        ):
            assert squeezed(sentence) in words, sentence
        assert "exif:" not in words
    assert list(report.pictures) == ["probe-1", "candidate"]


def test_its_codes_are_the_fingerprints_of_the_entries_that_it_covers(desk: Installation, who: Person):
    """Of this lead and its search alone; what the ledger has of others is not in it."""
    lead, other = supported(desk, a_lead(desk)), a_lead(desk, reference="2026/18")
    words = of_pdf(lead_report(desk, who, lead.id))
    with desk.records.read() as tx:
        own = ledger_entries.of_case(tx, lead.case_id).values()
        others = ledger_entries.of_case(tx, other.case_id).values()
    covered = {str(ledger.decode(entry)["kind"]) for entry in own if ledger.leaf_hash(entry).hex() in words}
    assert covered == {"search", "review.recorded", "lead.made", "lead.changed"}
    assert not any(ledger.leaf_hash(entry).hex() in words for entry in others)


@pytest.mark.parametrize("kind", ["lead", "case"])
def test_the_same_case_has_the_same_report(desk: Installation, who: Person, clock: Clock, kind: str):
    """To the byte, for whoever asks, at any later time; what hands it out does not change it."""
    lead = supported(desk, a_lead(desk))
    auditor = somebody(desk, "Abel", Role.AUDITOR)

    def made(by: Person) -> Report:
        return lead_report(desk, by, lead.id) if kind == "lead" else case_report(desk, by, lead.case_id)

    first = made(who)
    clock.turn(timedelta(days=3))
    for again in (made(who), made(auditor)):
        assert (again.pdf, again.html) == (first.pdf, first.html)
    record_truth(desk, who, lead.id, Truth.UNKNOWN, "Nobody could be asked.")
    assert made(who).pdf != first.pdf


def test_handing_it_out_is_on_record_once_for_each_different_one(desk: Installation, who: Person):
    """By the digest of the PDF, for each person."""
    lead = supported(desk, a_lead(desk))
    first = lead_report(desk, who, lead.id)
    lead_report(desk, who, lead.id)
    auditor = somebody(desk, "Abel", Role.AUDITOR)
    lead_report(desk, auditor, lead.id)
    set_aside(desk, who, lead.id, "He was abroad.")
    second = lead_report(desk, who, lead.id)
    made = [(one["who"], one["content"]) for one in recorded(desk) if one["kind"] == "report.made"]
    assert made == [(who.id, first.digest), (auditor.id, first.digest), (who.id, second.digest)]
    assert first.digest in first.html
    assert first.digest == f"sha256:{ledger.digest(first.pdf).removeprefix('sha256:')}"


def test_a_withdrawn_candidate_appears_as_such(desk: Installation, who: Person):
    """Neither the picture, nor the caption, nor the source; what the examiners concluded stays."""
    lead = supported(desk, a_lead(desk))
    with desk.records.read() as tx:
        search = searches.get_search(tx, lead.search_id)
    assert search is not None
    face = next(row.face_id for row in search.candidates if row.rank == lead.rank)
    erase(desk, withdraw(desk, who, Scope.FACE, [face], By.PERSON))
    report, case = lead_report(desk, who, lead.id), case_report(desk, who, lead.case_id)
    assert list(report.pictures) == ["probe-1"]
    for words in (of_pdf(report), of_html(report)):
        assert squeezed("Withheld. The photograph was withdrawn, or its permission has ended") in words
        assert squeezed(WORDING[Conclusion.SAME]) in words
        assert "BarackObama" not in words
    assert squeezed("The candidate is withheld") in of_pdf(case)


def test_an_ended_permission_withholds_it_likewise(desk: Installation, who: Person):
    """A report is made anew each time, and asks anew."""
    lead = a_lead(desk)
    before = lead_report(desk, who, lead.id)
    collections.withdraw_permission(desk, who, "archive", WithdrawalReason.GRANTOR)
    after = lead_report(desk, who, lead.id)
    assert "candidate" in before.pictures
    assert "candidate" not in after.pictures


def test_there_is_no_report_on_a_candidate_before_its_examiners_are_done(desk: Installation, who: Person):
    """And one that they did not support is called so."""
    waiting = a_lead(desk, (Conclusion.SAME,), LeadState.PUT_FORWARD)
    with pytest.raises(WrongState):
        lead_report(desk, who, waiting.id)
    said = (Conclusion.SAME, Conclusion.DIFFERENT, Conclusion.INCONCLUSIVE)
    ended = a_lead(desk, said, LeadState.NOT_SUPPORTED, "2026/18")
    report = lead_report(desk, who, ended.id)
    assert report.content["title"] == "Report on a candidate that is no lead"
    assert squeezed("Third examiner: Tove Third") in of_pdf(report)


def test_a_case_report_tells_no_conclusion_before_its_time(desk: Installation):
    """Not even to the examiner whose own it is: the report is the same for all who read the case."""
    first = somebody(desk, "Edda First", Role.EXAMINER, Role.AUDITOR)
    lead = a_lead(desk, (Conclusion.STRONG_SAME,), LeadState.PUT_FORWARD, first=first)
    words = of_pdf(case_report(desk, first, lead.case_id))
    assert squeezed("put forward, waiting for further examiners") in words
    assert squeezed(WORDING[Conclusion.STRONG_SAME]) not in words


def test_a_case_report_has_every_search_whatever_came_of_it(desk: Installation, who: Person):
    """Refused, failed, left, concluded with 'none of these', and not concluded; without a score."""
    case = a_case(desk)
    seen, left = a_search(desk, case), a_search(desk, case)
    with desk.records.write() as tx:
        concluded = reviews.SearchConclusion(seen.id, who.id, left.started_at, ())
        reviews.conclude_search(tx, concluded)
    request = Request("missing-person", ("archive",), case.reference, Obtained.FROM_FAMILY)
    with pytest.raises(SearchRefused):
        open_search(desk, who, replace(request, obtained=None), [OBAMA.read_bytes()])
    with pytest.raises(Exception, match="image"):
        open_search(desk, who, request, [b"no photograph"])
    report = case_report(desk, who, case.id)
    for words in (of_pdf(report), of_html(report)):
        for sentence in (
            "None of these was put forward",
            "It was not concluded",
            "Refused, and nothing was computed: Say how the photograph was obtained.",
            "It failed: ",
            "Search 4",
            "No candidate was put forward.",
            "“Last seen in May.”",
        ):
            assert squeezed(sentence) in words, sentence
        for score in {f"{row.score:.3f}" for row in seen.candidates}:
            assert score not in words


def test_a_whole_case_is_told_in_its_report(desk: Installation, who: Person):
    """Played through the application: edits, a lead that examiners made, what came of it; in both forms."""
    whole = a_whole_case(desk)
    report = case_report(desk, who, whole.case.id)
    for words in (of_pdf(report), of_html(report)):
        for sentence in (
            "It was left: which face is to be searched was never chosen.",
            "1 photograph, edited. Brightness 1.2. The same without edits is search ",
            "1 candidate put forward, ",
            "None of these was put forward, ",
            "Second examiner, Bo: ",
            "a lead that was acted on; it turned out to be right",
            "“His sister called.”",
        ):
            assert squeezed(sentence) in words, sentence
    assert refused("\n".join(own_words(report.content))) == []


def test_edits_stand_in_the_report_on_a_lead(desk: Installation, who: Person):
    """Each with its values, and the digest of the pixels after them; the picture is of what was searched."""
    first = a_search(desk, a_case(desk))
    steps = [(EditKind.BRIGHTNESS, (1.2,)), (EditKind.CONTRAST, (1.1,))]
    edited = search_edited(desk, who, first.id, 1, steps)
    lead = put_forward(desk, edited)
    compare_all(desk, somebody(desk, "Bo", Role.EXAMINER))
    report = lead_report(desk, who, lead.id)
    words = of_pdf(report)
    for sentence in (
        "Brightness 1.2; Contrast 1.1. Nothing was added or enhanced.",
        edited.probes[0].edits[-1].pixels,
        f"The same photographs were searched without the edits as well: search {first.id}",
    ):
        assert squeezed(sentence) in words, sentence
    unedited = lead_report(desk, who, a_lead(desk, reference="2026/18").id)
    assert report.pictures["probe-1"] != unedited.pictures["probe-1"]


def test_the_face_is_cut_out_of_a_large_photograph_where_it_is(desk: Installation, who: Person):
    """Its box is in pixels of the whole photograph, of which the detector may have seen a smaller version."""
    case, large = a_case(desk), BytesIO()
    with Image.open(OBAMA) as photograph:
        wide = ImageOps.expand(photograph, (photograph.width, 0, 0, photograph.height))  # it is in a corner
        wide.resize((wide.width * 3, wide.height * 3)).save(large, "JPEG")
    request = Request(case.purpose, ("archive",), case.reference, Obtained.FROM_FAMILY)
    lead = put_forward(desk, open_search(desk, who, request, [large.getvalue()]))
    compare_all(desk, somebody(desk, "Bo", Role.EXAMINER))
    picture = desk.vision.decode(lead_report(desk, who, lead.id).pictures["probe-1"])
    (face,) = desk.vision.detect(picture)
    left, _, right, _ = (float(value) for value in face.box)
    assert left < picture.width / 2 < right


def test_error_rates_are_those_of_before_and_do_not_change_later(
    desk: Installation, who: Person, clock: Clock
):
    """Measured in an earlier case; what is measured later is told in later reports."""
    second = somebody(desk, "Bo", Role.EXAMINER)
    told = []
    for reference in ("2026/17", "2026/18"):
        lead = put_forward(desk, a_search(desk, a_case(desk, reference)))
        pairs = compare_all(desk, second)
        told.append((lead, of_pdf(lead_report(desk, who, lead.id))))
        clock.turn(timedelta(hours=1))
    (first, before), (_, after) = told
    assert squeezed(f"{pairs - 1} of {pairs - 1} (") in after  # all but the lead's own were lookalikes
    assert squeezed("Bo not measured not measured not measured") in before
    assert of_pdf(lead_report(desk, who, first.id)) == before


def test_a_further_examiner_reads_no_lead_and_no_report(desk: Installation):
    """Neither while the pair waits nor after it was compared."""
    lead, second = put_forward(desk), somebody(desk, "Bo", Role.EXAMINER)
    for _ in range(2):
        for read in (lead_view, lead_report):
            with pytest.raises(LeadNotFound):
                read(desk, second, lead.id)
        compare_all(desk, second)


def test_a_report_is_for_those_who_may_read_the_case(desk: Installation):
    """To others neither the lead nor the case exists."""
    lead, stranger = a_lead(desk), somebody(desk, "Sam", Role.SEARCHER, Role.EXAMINER)
    with pytest.raises(LeadNotFound):
        lead_report(desk, stranger, lead.id)
    with pytest.raises(CaseNotFound):
        case_report(desk, stranger, lead.case_id)
