"""What the report on a case says: why, who, every search whatever came of it, the leads, what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lineament.app.casework.leads import LeadView
from lineament.app.casework.overview import CaseView
from lineament.app.casework.report_on_lead import check_blocks, events_table
from lineament.app.casework.report_page import (
    Block,
    Text,
    code,
    facts,
    heading,
    items,
    name,
    said,
    section,
    table,
    text,
)
from lineament.app.casework.timeline import Happening
from lineament.app.installation import Installation
from lineament.core.cases import Obtained
from lineament.core.review import WORDING
from lineament.core.times import time
from lineament.core.wording import CASE_STATES, OBTAINED, PARTS, edit_in_words
from lineament.core.words import capital, counted
from lineament.records.searches import Outcome, Search

CAVEATS = (
    "What was found in this case are leads. A lead is not an identification, and not evidence on its own.",
    "This report has neither scores nor pictures: each lead has a report of its own.",
)


def content(
    installation: Installation,
    view: CaseView,
    searches: Sequence[Search],
    leads: Sequence[LeadView],
    happened: Sequence[Happening],
    covered: Mapping[str, str],
    until: str,
) -> dict[str, Any]:
    """Return what the report on a case says.

    ``searches`` are those of the case with their candidates, and ``happened`` is the part of the timeline
    that the report tells; ``covered`` and ``until`` are as for a lead.
    """
    numbers = {search.id: number for number, search in enumerate(searches, start=1)}
    return {
        "title": "Report on a case",
        "about": view.case.id[:8],
        "covers": f"It covers what was done until {time(until)}.",
        "caveats": list(CAVEATS),
        "sections": [
            section("The case", *_case_blocks(installation, view)),
            section("Who has or had a part in it", _people(view)),
            section("What was searched", *_search_blocks(view, searches, numbers)),
            section("What was put forward", *_lead_blocks(leads, numbers)),
            section("Notes", *_notes(view)),
            section(
                "What was done, in order",
                text(
                    "Acts have numbers from 1 on, and none is left out but the handing out of reports and "
                    "bundles, which the ledger has as well."
                ),
                _timeline(happened),
            ),
            section("How to check this report", *check_blocks(installation, {"Case": view.case.id}, covered)),
        ],
    }


def _case_blocks(installation: Installation, view: CaseView) -> list[Block]:
    case = view.case
    purpose = installation.policy.purposes.get(case.purpose)
    allowed = case.authorisation
    opened_by = view.names.get(case.opened_by, "somebody")
    return [
        facts(
            {
                "Reference": [said(case.reference)],
                "Title": [said(case.title)],
                "Purpose": [name(purpose.title if purpose else case.purpose)],
                "Where it stands": f"{capital(CASE_STATES[case.state])}.",
                "Opened": [f"{time(case.opened_at)}, by ", name(opened_by)],
                "Closed": time(case.closed_at) if case.closed_at else None,
                "Narrative": [said(case.narrative)] if case.narrative else "None was given.",
                "Authorisation": [
                    "Number ",
                    said(allowed.number),
                    ", issued by ",
                    said(allowed.issuer),
                    ", for ",
                    said(allowed.scope),
                    f", until {allowed.expires_at:%Y-%m-%d %H:%M} UTC.",
                ]
                if allowed
                else "None was given.",
                "Consent": [said(case.consent)] if case.consent else "None was given.",
            }
        )
    ]


def _people(view: CaseView) -> Block:
    rows: list[list[Text]] = [
        [[name(one.name)], PARTS[one.part], time(one.added_at), time(one.until) if one.until else ""]
        for one in view.members
    ]
    return table("Who has or had a part in it", ("Who", "Part", "Since", "Until"), rows, (3, 3, 4, 4))


def _search_blocks(view: CaseView, searches: Sequence[Search], numbers: Mapping[str, int]) -> list[Block]:
    if not searches:
        return [text("Nothing was searched.")]
    blocks = [
        text("Every search is listed, also those that were refused, failed, found nothing or were left.")
    ]
    for search in searches:
        by = view.names.get(search.person_id, "somebody")
        obtained = OBTAINED[Obtained(search.obtained)] if search.obtained else None
        blocks += [
            heading([f"Search {numbers[search.id]}, {time(search.started_at)}, by ", name(by)]),
            facts(
                {
                    "Photographs": _photographs(search, numbers),
                    "Obtained": f"As the searcher declared: {obtained}." if obtained else "Not declared.",
                    "Collections": [name(", ".join(one.name for one in search.collections) or "none")],
                    "What came of it": _came(search),
                    "How it ended": _ended(view, search),
                }
            ),
        ]
    return blocks


def _photographs(search: Search, numbers: Mapping[str, int]) -> str:
    many = counted(len(search.probes), "photograph")
    if search.edited_from is None:
        return f"{many}, without edits."
    edits = "; ".join(edit_in_words(edit) for probe in search.probes for edit in probe.edits)
    without = numbers.get(search.edited_from)
    return f"{many}, edited. {edits}. The same without edits is search {without}."


def _came(search: Search) -> Text:
    faces = counted(search.searched_faces or 0, "face")
    why = [name(" ".join(reason.sentence for reason in search.reasons))]
    if search.outcome is Outcome.REFUSED:
        return ["Refused, and nothing was computed: ", *why]
    if search.outcome is Outcome.FAILED:
        return ["It failed: ", *why]
    if search.outcome is Outcome.AWAITING_FACE:
        return "It was left: which face is to be searched was never chosen."
    if search.outcome is Outcome.EMPTY:
        return f"An empty list: of {faces} none came up to the threshold."
    listed = counted(len({row.rank for row in search.candidates}), "candidate")
    return f"{listed} of {faces} searched."


def _ended(view: CaseView, search: Search) -> Text | None:
    ended = view.conclusions.get(search.id)
    if ended is None:
        left = "It was not concluded: nobody has said whether one of these candidates was put forward."
        return left if search.outcome is Outcome.CANDIDATES else None
    many = len(ended.put_forward)
    said_so = f"{counted(many, 'candidate')} put forward" if many else "None of these was put forward"
    by = {one.person_id: one.name for one in view.members}.get(ended.person_id, "somebody")
    return [f"{said_so}, {time(ended.at)}, by ", name(by), "."]


def _lead_blocks(leads: Sequence[LeadView], numbers: Mapping[str, int]) -> list[Block]:
    if not leads:
        return [text("No candidate was put forward.")]
    blocks: list[Block] = []
    for view in leads:
        withheld = (
            "" if view.candidate else " The candidate is withheld: it was withdrawn, or its permission ended."
        )
        concluded: list[Text] = [
            [f"{one.place.capitalize()}, ", name(one.name), f": {WORDING[one.review.comparison.conclusion]}"]
            for one in view.examined
            if view.is_settled
        ]
        blocks += [
            heading(["Of search ", str(numbers[view.search.id]), ": ", code(view.lead.id)]),
            text(f"Put forward on {time(view.lead.put_forward_at)}; {view.standing}.{withheld}"),
        ]
        if concluded:
            blocks.append(items(*concluded))
        done = events_table(view)
        if done:
            blocks.append(done)
    return blocks


def _notes(view: CaseView) -> list[Block]:
    if not view.notes:
        return [text("None.")]
    return [
        facts({f"{time(one.at)}": [name(view.names[one.person_id]), ": ", said(one.text)]})
        for one in view.notes
    ]


def _timeline(happened: Sequence[Happening]) -> Block:
    rows: list[list[Text]] = [
        [
            str(one.number),
            time(one.at) if one.at else "",
            [name(one.who)] if one.who else "",
            [name(one.sentence)],
            f"{one.entry:,}" if one.entry is not None else "",
        ]
        for one in happened
    ]
    head = ("Act", "When", "Who", "What", "Entry")
    return table("What was done, in order", head, rows, (2, 6, 4, 8, 2))
