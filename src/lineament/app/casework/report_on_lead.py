"""What the report on a lead says: both photographs, the odds, each examiner's comparison, and the limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lineament.app import probes
from lineament.app.casework.examiners import ExaminerRates
from lineament.app.casework.leads import WHAT_A_LEAD_IS_NOT, Examined, LeadView
from lineament.app.casework.report_page import (
    Block,
    Text,
    code,
    codes,
    facts,
    heading,
    in_fours,
    items,
    link,
    name,
    said,
    section,
    shown,
    table,
    text,
)
from lineament.app.installation import Installation
from lineament.app.stored import image_bytes
from lineament.core.cases import Obtained
from lineament.core.policy import Mode
from lineament.core.review import WORDING, Finding, Truth
from lineament.core.times import time
from lineament.core.wording import COMPONENTS, MODES, OBTAINED, SEEN, TRUTHS, edit_in_words, origin_in_words
from lineament.core.words import capital, counted, is_web_address
from lineament.errors import ProbeErased
from lineament.records.images import StoredFace
from lineament.records.reviews import LeadEvent
from lineament.records.searches import Probe
from lineament.vision.render import jpeg

SIDE = 480  # px of a picture in the report
CHECK: Text = (
    "Every step is in a public ledger that cannot be changed unnoticed. Get its key in another way than by "
    "this report, and compare it with the one below. The disclosure bundle of the case holds the entries "
    "whose fingerprints (SHA-256, RFC 6962) are listed here, the proof of each, and all that they speak of: ",
    code("lineament verify FILE --vkey KEY"),
    " checks it without the installation that made it.",
)
_CHANGES = {"acted-on": "It was acted on", "set-aside": "It was set aside"}


def content(
    installation: Installation,
    view: LeadView,
    collection_titles: Mapping[str, str],
    rates: Sequence[ExaminerRates],
    covered: Mapping[str, str],
    until: str,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return what the report on a settled lead says, and its pictures by name.

    ``rates`` are the error rates of its examiners. ``covered`` are the fingerprints of the ledger's entries
    that it covers, by what each is, and ``until`` is the time of the newest one.
    """
    case, purpose = view.case, installation.policy.purposes.get(view.search.purpose)
    pictures: dict[str, bytes] = {}
    sections = [
        section(
            "What this is about",
            facts(
                {
                    "Where it stands": f"{capital(view.standing)}.",
                    "Case": [said(case.reference), ", ", said(case.title)],
                    "Purpose": [name(purpose.title if purpose else case.purpose)],
                    "Put forward": time(view.lead.put_forward_at),
                    "Made a lead": time(view.lead.made_at) if view.lead.made_at else None,
                }
            ),
        ),
        section("The photograph that was searched", *_probe_blocks(installation, view, pictures)),
        section("The candidate", *_candidate_blocks(installation, view, collection_titles, pictures)),
        section("What the comparison by machine says", *_score_blocks(view)),
        section("What the examiners saw", *[block for one in view.examined for block in _examined(one)]),
        section("How often mistakes are made", *_mistakes(view, rates)),
        section("What was done since", *(_events(view) or [text("Nothing.")])),
        section("What was not measured", _not_measured(view, rates)),
        section("How to check this report", *check_blocks(installation, {"Lead": view.lead.id}, covered)),
    ]
    return {
        "title": "Report on a lead" if view.is_lead else "Report on a candidate that is no lead",
        "about": f"{view.lead.id[:8]}",
        "covers": f"It covers what was done until {time(until)}.",
        "caveats": list(WHAT_A_LEAD_IS_NOT),
        "sections": sections,
    }, pictures


def check_blocks(
    installation: Installation, about: Mapping[str, str], covered: Mapping[str, str]
) -> list[Block]:
    """Return how to check a report, with the codes that this needs."""
    key = {"Key of the ledger": installation.signer.verifier.vkey}
    return [
        text(CHECK),
        codes({**about, **key, **{label: in_fours(hash_) for label, hash_ in covered.items()}}),
    ]


def events_table(view: LeadView) -> Block | None:
    """Return what was done with a lead, if anything was."""
    rows: list[list[Text]] = [
        [time(one.at), [name(view.names[one.person_id])], _event(one)] for one in view.events
    ]
    return table("What was done", ("When", "Who", "What"), rows, (3, 2, 6)) if rows else None


def _events(view: LeadView) -> list[Block]:
    done = events_table(view)
    if done is None:
        return []
    return [text("What follows between quotation marks was written by people who work on the case."), done]


def _event(one: LeadEvent) -> Text:
    given = one.document
    if one.change == "evidence":
        return [
            "Independent evidence: ",
            said(given["description"]),
            ", from ",
            said(given["source"]),
            f", of {given['date']}",
        ]
    if one.change == "truth":
        return [f"{capital(TRUTHS[Truth(given['truth'])])}: ", said(given["how"])]
    return [f"{_CHANGES[one.change]}: ", said(given["what"] if one.change == "acted-on" else given["reason"])]


def _probe_blocks(installation: Installation, view: LeadView, pictures: dict[str, bytes]) -> list[Block]:
    search = view.search
    blocks: list[Block] = []
    for number, probe in enumerate(search.probes, start=1):
        blocks += _probe(installation, probe, number, len(search.probes), pictures)
    obtained = OBTAINED[Obtained(search.obtained)] if search.obtained else None
    blocks.append(
        facts(
            {
                "How it was obtained": f"As the searcher declared: {obtained}." if obtained else None,
                "Searched": time(search.started_at),
                "Without edits": [
                    "The same photographs were searched without the edits as well: search ",
                    code(search.edited_from),
                ]
                if search.edited_from
                else None,
            }
        )
    )
    return blocks


def _probe(
    installation: Installation, probe: Probe, number: int, of: int, pictures: dict[str, bytes]
) -> list[Block]:
    which = "The photograph" if of == 1 else f"Photograph {number} of {of}"
    blocks: list[Block] = []
    try:
        picture = jpeg(probes.whole(installation, probe), SIDE, probe.chosen)
        pictures[f"probe-{number}"] = picture
        blocks.append(shown(f"probe-{number}", f"The face that was searched. {which}, cut out."))
    except ProbeErased:
        blocks.append(text(f"{which} was erased, as the policy says for photographs that were searched."))
    quality = probe.chosen.quality if probe.chosen else None
    drawn = probe.chosen is not None and probe.chosen.drawn
    edits = "; ".join(map(edit_in_words, probe.edits))
    blocks.append(
        facts(
            {
                "Edits": f"{edits}. Nothing was added or enhanced." if edits else "None.",
                "Pixels after": [code(probe.edits[-1].pixels)] if probe.edits else None,
                "Its SHA-256": [code(probe.sha256)],
                "Quality": f"{quality.unified_score} of 100." if quality else None,
                "Face": "It was not found by the detector: its box was drawn by hand." if drawn else None,
            }
        )
    )
    return blocks


def _candidate_blocks(
    installation: Installation,
    view: LeadView,
    collection_titles: Mapping[str, str],
    pictures: dict[str, bytes],
) -> list[Block]:
    face = view.candidate
    if face is None:
        return [
            text(
                "Withheld. The photograph was withdrawn, or its permission has ended since the search: "
                "neither it nor where it came from is shown any more."
            )
        ]
    photograph = installation.vision.decode(image_bytes(installation, face.image))
    pictures["candidate"] = jpeg(photograph, SIDE, face.detected)
    blocks = [shown("candidate", "The candidate's face, cut out of the photograph.")]
    for number, one in enumerate(view.sources):
        if number:
            blocks.append(heading("The same photograph elsewhere"))
        blocks.append(_source(one, collection_titles))
    return blocks


def _source(face: StoredFace, collection_titles: Mapping[str, str]) -> Block:
    """Return where a photograph comes from, as its source says it."""
    source = face.image.provenance
    links = {
        label: [link(address)] if is_web_address(address) else [code(address)]
        for label, address in (("Page", source.page_url), ("File", source.source_url))
        if address
    }
    quoted = {
        "Caption": source.caption,
        "Date": source.date,
        "Credit": source.credit,
        "Licence": source.licence,
    }
    return facts(
        {
            "Collection": [name(collection_titles.get(face.collection, face.collection))],
            **{label: [said(value)] for label, value in quoted.items() if value},
            **links,
            "Further": [
                piece
                for label, value in sorted(source.extra.items())
                for piece in (name(f"{origin_in_words(label)}: "), said(value), ". ")
            ],
            "Its SHA-256": [code(face.image.sha256)],
            "Quality": f"{face.detected.quality.unified_score} of 100.",
        }
    )


def _score_blocks(view: LeadView) -> list[Block]:
    search = view.search
    odds = view.odds or "No error rates were measured for this model, so nothing is said about coincidence."
    words = [f"In the words of this program: {view.strength}.", view.caution or ""] if view.strength else []
    searched = counted(search.searched_faces or 0, "face")
    cut = MODES[Mode(search.mode)] if search.mode else None
    return [
        text(
            odds,
            *filter(None, words),
            f"The comparison score is {view.score or 0:.3f}, on a scale from -1 to 1. It says how alike the "
            "model finds two photographs, and not how likely it is that they show one person.",
        ),
        facts(
            {
                "Compared": f"{searched}, of which this candidate came at place {view.lead.rank}.",
                "What is listed": f"{cut} At most {search.limit} are listed." if cut else None,
                "Threshold": f"{search.threshold:.3f}" if search.threshold is not None else None,
                "Model": [code(search.contract or "")],
                "Policy": [code(search.policy)],
            }
        ),
    ]


def _examined(one: Examined) -> list[Block]:
    """Return one examiner's comparison: the conclusion, then feature by feature."""
    made = one.review.comparison
    return [
        heading([f"{one.place.capitalize()}: ", name(one.name)]),
        text(WORDING[made.conclusion]),
        facts(
            {
                "Similarities": [said(made.similarities)],
                "Differences": [said(made.differences)],
                "Recorded": time(one.review.at),
            }
        ),
        table(
            "Feature by feature", ("Feature", "Seen", "Note"), list(map(_finding, made.findings)), (3, 2, 5)
        ),
    ]


def _finding(one: Finding) -> list[Text]:
    return [COMPONENTS[one.component], SEEN[one.seen], [said(one.note)] if one.note else ""]


def _mistakes(view: LeadView, rates: Sequence[ExaminerRates]) -> list[Block]:
    model = (
        "The model: how often strangers score this high stands above. How often it leaves out somebody who "
        "is there was not measured for these collections."
    )
    examiners = (
        "The examiners: each is tested with pairs whose answer is known, and cannot tell these from others. "
        "These are the tests before they came to an end about this candidate. Beside each count stands the "
        "span that would hold the true rate in 19 of 20 such tests (Clopper and Pearson)."
    )
    rows: list[list[Text]] = [
        [[name(one.name)], *map(str, (one.wrongly_supported, one.missed, one.inconclusive))] for one in rates
    ]
    head = ("Examiner", "Two people taken for one", "One person taken for two", "Left undecided")
    return [text(model, examiners), table("Error rates of the examiners", head, rows, (3, 3, 3, 3))]


def _not_measured(view: LeadView, rates: Sequence[ExaminerRates]) -> Block:
    untested = [one for one in rates if not (one.wrongly_supported.measured and one.missed.measured)]
    left = [
        "How likely it is that the two photographs show one person. Neither the score nor the odds nor the "
        "examiners' conclusions say that: it depends on what else is known.",
        "Whether a relative or a double of this person is among those who were searched, or elsewhere.",
        "What the years, the light and the pose between the two photographs change.",
        "Whether the photographs are what their sources say that they are.",
    ]
    if view.odds is None:
        left.append("How often strangers score this high.")
    if untested:
        left.append(
            "How often some of these examiners are wrong: they were not tested, or not with both kinds."
        )
    return items(*left)
