"""Reports: one on a lead, one on a case, as a PDF and as HTML. Handing one out is on record.

A report is dated by the newest act that it covers, so that the same case has the same report, to the byte.
What hands reports and bundles out is no act that they cover: else each report would change the next.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from lineament import ledger
from lineament.app.casework import examiners, report_on_case, report_on_lead
from lineament.app.casework.leads import LeadView, lead_view
from lineament.app.casework.overview import overview
from lineament.app.casework.report_page import Report, make
from lineament.app.installation import Installation
from lineament.app.journal import act, acts_of
from lineament.core.policy import Person
from lineament.core.times import iso
from lineament.errors import WrongState
from lineament.records import collections, ledger_entries, searches

HANDED_OUT = frozenset({"report.made", "case.disclosed"})
_OF_SEARCH = frozenset({"search", "search.concluded"})


def lead_report(installation: Installation, who: Person, lead_id: str) -> Report:
    """Return the report on a lead, or on a candidate that the examiners did not support.

    Raises LeadNotFound, WrongState before the examiners have come to an end, and ReportRefused.
    """
    view = lead_view(installation, who, lead_id)
    if not view.is_settled:
        raise WrongState("The examiners have not come to an end about this candidate. Its report comes then.")
    entries = {index: data for index, data in _entries(installation, view.case.id) if _is_about(view, data)}
    with installation.records.read() as tx:
        titles = {one.name: one.title for one in collections.list_collections(tx)}
    settled = max(one.review.at for one in view.examined)
    people = list(dict.fromkeys(one.review.person_id for one in view.examined))
    rates = examiners.rates_of(installation, people, before=settled)
    said, pictures = report_on_lead.content(
        installation, view, titles, rates, _fingerprints(entries), _newest(entries)
    )
    return _handed_out(installation, who, view.case.id, lead_id, make(said, pictures))


def case_report(installation: Installation, who: Person, case_id: str) -> Report:
    """Return the report on a case. Raises CaseNotFound and ReportRefused."""
    view = overview(installation, who, case_id)
    entries = {
        index: data
        for index, data in _entries(installation, case_id)
        if ledger.decode(data)["kind"] not in HANDED_OUT
    }
    with installation.records.read() as tx:
        made = [searches.get_search(tx, one.id) for one in view.searches]
    said = report_on_case.content(
        installation,
        view,
        [search for search in made if search],
        [lead_view(installation, who, lead.id) for lead in view.leads],
        [one for one in view.timeline if one.entry is None or one.entry in entries],
        _fingerprints(entries),
        _newest(entries),
    )
    return _handed_out(installation, who, case_id, None, make(said, {}))


def _entries(installation: Installation, case_id: str) -> Collection[tuple[int, bytes]]:
    with installation.records.read() as tx:
        return ledger_entries.of_case(tx, case_id).items()


def _is_about(view: LeadView, data: bytes) -> bool:
    """Say whether an entry is of what led to a lead or came of it."""
    fields: Mapping[str, Any] = ledger.decode(data)
    if fields["kind"] in HANDED_OUT:
        return False
    if fields["kind"] in _OF_SEARCH:
        return fields["search"] in {view.search.id, view.search.edited_from}
    if fields["kind"] == "review.recorded":
        return fields["review"] in {one.review.id for one in view.examined}
    return fields.get("lead") == view.lead.id


def _fingerprints(entries: Mapping[int, bytes]) -> dict[str, str]:
    return {
        f"Entry {index:,} ({ledger.decode(data)['kind']})": ledger.leaf_hash(data).hex()
        for index, data in entries.items()
    }


def _newest(entries: Mapping[int, bytes]) -> str:
    """Return the time of the newest of these entries."""
    newest: Mapping[str, Any] = ledger.decode(entries[max(entries)])
    return str(newest["at"] if "at" in newest else newest["ended"])


def _handed_out(
    installation: Installation, who: Person, case_id: str, lead_id: str | None, report: Report
) -> Report:
    """Put it on record that this person was given a report, once for each different one."""
    given = {"kind": "report.made", "who": who.id, "lead": lead_id, "content": report.digest}
    with act(installation) as doing:
        before = acts_of(doing.tx, case_id).values()
        if not any(given.items() <= entry.items() for entry in before):
            doing.record(
                "report.made",
                at=iso(installation.clock()),
                who=who.id,
                case=doing.in_case(case_id),
                lead=lead_id,
                content=report.digest,
            )
    return report
