"""What happened in a case, in order, as the ledger's entries say it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from lineament.app.journal import acts_of
from lineament.core.times import from_iso
from lineament.core.words import counted
from lineament.records import cases
from lineament.records.cases import Case


@dataclass(frozen=True)
class Happening:
    """One act in a case: its ``number``, its ledger ``entry``, when (ISO 8601 UTC), and by whom.

    ``who`` is None for what nobody did by hand. An act that is missing has neither an entry nor a time.
    """

    number: int
    entry: int | None
    at: str | None
    who: str | None
    sentence: str


def happenings(tx: Connection, case: Case) -> list[Happening]:
    """Return every act in a case, from the first on; a gap in their numbers is one, too."""
    entries = acts_of(tx, case.id)
    named = {fields.get(name) for fields in entries.values() for name in ("who", "person")}
    names = cases.names(tx, [one for one in named if one])
    told: list[Happening] = []
    expected = 1
    for entry, fields in entries.items():
        number = fields["case"]["number"]
        told += _missing(expected, number)
        told.append(_told(number, entry, fields, names))
        expected = number + 1
    return told + list(_missing(expected, case.acts + 1))


def _missing(start: int, stop: int) -> Iterator[Happening]:
    for number in range(start, stop):
        sentence = (
            f"Act {number} is missing: it was recorded in this case, and the ledger here does not hold it."
        )
        yield Happening(number, None, None, None, sentence)


def _told(number: int, entry: int, fields: dict[str, Any], names: dict[str, str]) -> Happening:
    at = fields["at"] if "at" in fields else fields["ended"]
    by = names.get(fields["who"], "somebody") if fields.get("who") else None
    return Happening(number, entry, at, by, SENTENCES[fields["kind"]](fields, names))


def _searched(fields: dict[str, Any], _names: dict[str, str]) -> str:
    edited = ", with edits" if fields["edited_from"] else ""
    many = counted(len(fields["probes"]), "photograph")
    return f"Searched with {many}{edited}: {_OUTCOMES[fields['outcome']](fields)}."


def _code(fields: dict[str, Any]) -> str:
    return str(fields["code"]).replace("-", " ")


_OUTCOMES: dict[str, Callable[[dict[str, Any]], str]] = {
    "refused": lambda fields: f"refused, {_code(fields)}",
    "failed": lambda fields: f"it failed, {_code(fields)}",
    "awaiting-face": lambda _: "a face is to be chosen",
    "candidates": lambda fields: f"{counted(len(fields['candidates']), 'face')} listed",
    "empty": lambda _: "an empty list",
}


def _shown(fields: dict[str, Any], _names: dict[str, str]) -> str:
    withheld = f", {fields['withheld']} withheld" if fields["withheld"] else ""
    return f"Was shown a list of {counted(fields['shown'], 'candidate')}{withheld}."


def _concluded(fields: dict[str, Any], _names: dict[str, str]) -> str:
    forward = len(fields["put_forward"])
    ended = f"put {counted(forward, 'candidate')} forward" if forward else "none of these was put forward"
    return f"Concluded a search after {counted(fields['opened'], 'candidate')} had been opened: {ended}."


def _joined(fields: dict[str, Any], names: dict[str, str]) -> str:
    person = names.get(fields["person"], "somebody")
    until = fields["until"]
    if until is not None and until <= fields["at"]:
        return f"Took the part of {fields['part']} from {person}."
    end = f", until {from_iso(until):%Y-%m-%d %H:%M} UTC" if until else ""
    return f"Gave {person} the part of {fields['part']}{end}."


def _changed(fields: dict[str, Any], _names: dict[str, str]) -> str:
    return {
        "not-supported": "A candidate that was put forward was not supported by the examiners.",
        "evidence": "Independent evidence was recorded for a lead.",
        "acted-on": "A lead was acted on.",
        "set-aside": "A lead was set aside.",
        "truth": "Recorded whether a lead turned out to be right.",
    }[fields["change"]]


_STATES = {
    "open": "Opened the case again.",
    "searching": "Began to search.",
    "under-review": "Put the case under review.",
    "closed": "Closed the case.",
    "appealed": "Recorded an appeal.",
}

Sentence = Callable[[dict[str, Any], dict[str, str]], str]
SENTENCES: dict[str, Sentence] = {  # of every kind of entry that is made in a case
    "case.opened": lambda fields, _: f"Opened the case for the purpose '{fields['purpose']}'.",
    "case.grounds": lambda _fields, _names: "Recorded why the case may be searched.",
    "case.state": lambda fields, _: _STATES[fields["state"]],
    "case.member": _joined,
    "case.note": lambda _fields, _names: "Added a note.",
    "search": _searched,
    "search.shown": _shown,
    "search.concluded": _concluded,
    "review.assigned": lambda _fields, _names: "Took a pair of faces to compare.",
    "review.recorded": lambda _fields, _names: "Recorded a comparison.",
    "lead.made": lambda fields, _: (
        f"{counted(len(fields['reviewers']), 'examiner')} agreed: there is a lead."
    ),
    "lead.changed": _changed,
    "line-up.made": lambda fields, _: f"Made a line-up with {counted(fields['fillers'], 'filler')}.",
    "report.made": lambda fields, _: f"Made a report on {'a lead' if fields['lead'] else 'the case'}.",
    "case.disclosed": lambda fields, _: f"Took the disclosure bundle, as {fields['part']}.",
    "probes.erased": lambda fields, _: (
        f"Erased {counted(fields['photographs'], 'photograph')} that had been searched, as the policy says."
    ),
}
