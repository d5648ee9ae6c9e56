"""What the bundle of a case tells in plain files, held against every entry of that case.

What is done in a case is numbered from 1 on without a gap, and the bundle's own entry has the next number: a
search, a review or a note that somebody leaves out is missed. Each commitment in the entries is opened, or
``closed.json`` says why it is not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from .bundle import ENTRY, Opening
from .entries import KINDS
from .errors import BundleInvalid
from .search_file import PROBES, check_search

CASE, PEOPLE, NOTES, LEADS = "case.json", "people.json", "notes.json", "leads.json"
EXAMINED, TIMELINE, CLOSED, READ_ME = "examined.json", "timeline.json", "closed.json", "read-me.txt"
TERMS, ERROR_RATES = "terms.json", "error-rates.json"
EXPECTED = (CASE, PEOPLE, NOTES, LEADS, EXAMINED, TIMELINE, CLOSED, READ_ME, TERMS, ERROR_RATES)
SEARCH_FILE = re.compile(r"searches/([0-9a-f]{16,64})\.json")
REVIEW_FILE = re.compile(r"reviews/([0-9a-f]{16,64})\.json")
POLICY_FILE = re.compile(r"policies/([0-9a-f]{64})\.toml")
PHOTOGRAPH = re.compile(rf"{PROBES}([0-9a-f]{{64}})")
MAY_STAY_CLOSED = {  # why a commitment is not opened, and which ones of which entries can be left so for that
    "withdrawn": {
        "search candidates",
        "search.shown list",
        "search.concluded put_forward",
        "lead.made candidate",
    },
    "seed": {"review.recorded content"},
    "earlier": {"search.shown list"},
}
WORDS_FOR_CLOSED = {
    "withdrawn": "of people or photographs withdrawn since",
    "seed": "tests of examiners",
    "earlier": "lists as they were shown before",
}
KEPT = {"awaiting-face", "candidates", "empty"}  # outcomes of searches whose photographs are stored

Files = Mapping[str, bytes]
CaseEntries = Mapping[int, Mapping[str, Any]]
Opened = Mapping[tuple[int, str], str]


def check_case(
    files: Files,
    made: Mapping[str, Any],
    entries: CaseEntries,
    openings: Sequence[Opening],
    passed: Callable[[str], None],
) -> None:
    """Hold the files of a case's bundle against the entries; ``passed`` is told of each step.

    ``made`` is the bundle's own entry. Raises ``BundleInvalid`` with the first thing that is missing, was
    added, or does not say what its entry says.
    """
    # Completeness: the acts of the case are numbered up to this bundle.
    _check_numbers(made, entries)
    passed(f"Nothing is left out: acts 1 to {len(entries)} of the case are here, and the bundle is the next.")
    # Every file has a name that is known, and every commitment is opened or accounted for.
    for name in sorted(files.keys() | set(EXPECTED)):
        if name not in files:
            raise BundleInvalid(f"{name} is missing.")
        if name not in EXPECTED and not any(
            form.fullmatch(name) for form in (ENTRY, SEARCH_FILE, REVIEW_FILE, POLICY_FILE, PHOTOGRAPH)
        ):
            raise BundleInvalid(f"{name} is nothing that the bundle of a case holds.")
    closed = _check_closed(files, entries, openings)
    counts = ", ".join(
        f"{words} {sum(one == why for one in closed.values())}" for why, words in WORDS_FOR_CLOSED.items()
    )
    passed(f"Every commitment is opened, or {CLOSED} says why it is not: {counts}.")
    opened = {(one.entry, one.field): one.value for one in openings}
    # The case: its grounds, its state, who had a part in it, what was done when.
    _check_case_file(files, entries, opened)
    _check_people(files, entries, made)
    _check_notes(files, entries, opened)
    passed(f"{CASE}, {PEOPLE}, {NOTES} and {TIMELINE} say the same as the entries.")
    # The searches: each has its file, and no file is of another one.
    searches = _check_searches(files, entries, openings)
    policies = _check_policies(files, entries)
    passed(f"Every search says the same as its entries: {len(searches)}. {policies}")
    passed(_check_photographs(files, searches, entries, opened))
    # What people made of them.
    reviews = _check_reviews(files, entries, opened, closed)
    _check_examined(files, entries, opened)
    _check_leads(files, entries, opened, reviews)
    passed(f"The reviews ({len(reviews)}), {EXAMINED} and {LEADS} say the same as the entries.")


def committed(entries: CaseEntries) -> Iterator[tuple[int, str, str]]:
    """Yield each commitment: its entry's number, kind and field, and the field as an opening names it."""
    for index, entry in entries.items():
        for name, type_ in KINDS[entry["kind"]].items():
            if type_.name == "commitment":
                yield index, f"{entry['kind']} {name}", name
            elif type_.name == "list of commitment":
                for place in range(len(entry[name])):
                    yield index, f"{entry['kind']} {name}", f"{name}/{place}"


def _check_numbers(made: Mapping[str, Any], entries: CaseEntries) -> None:
    case, expected = made["case"]["id"], 1
    for index in sorted(entries):
        of = entries[index].get("case")
        if not isinstance(of, dict) or of["id"] != case:
            raise BundleInvalid(f"Entry {index} is of something else than this case.")
        if of["number"] > expected:
            raise BundleInvalid(f"Act {expected} of the case is missing: the next one is {of['number']}.")
        if of["number"] < expected:
            raise BundleInvalid(f"Act {of['number']} of the case is there twice, or out of order.")
        expected += 1
    if made["case"]["number"] != expected:
        raise BundleInvalid(
            f"Act {expected} of the case is missing: the bundle itself is {made['case']['number']}."
        )


def _check_closed(
    files: Files, entries: CaseEntries, openings: Sequence[Opening]
) -> dict[tuple[int, str], str]:
    """Return why each commitment that is not opened is left closed."""
    opened = {(one.entry, one.field) for one in openings}
    with _reading(CLOSED):
        listed = _json(files, CLOSED)
        closed = {(one["entry"], one["field"]): str(one["why"]) for one in listed}
        twice = len(closed) < len(listed)
    accounted = set()
    for index, what, field in committed(entries):
        place = (index, field)
        if (place in opened) == (place in closed):
            both = "both opened and left closed" if place in opened else "neither opened nor accounted for"
            raise BundleInvalid(f"{field} of entry {index} is {both}.")
        if place in closed and what not in MAY_STAY_CLOSED.get(closed[place], ()):
            raise BundleInvalid(f"{field} of entry {index} cannot be left closed for that reason.")
        accounted.add(place)
    if twice or not closed.keys() <= accounted:
        raise BundleInvalid(f"{CLOSED} speaks of a commitment that is not there.")
    return closed


def _check_case_file(files: Files, entries: CaseEntries, opened: Opened) -> None:
    opening = next(iter(_of_kind(entries, "case.opened").values()), None)
    if opening is None:
        raise BundleInvalid("No entry says how the case was opened.")
    grounds = _of_kind(entries, "case.opened") | _of_kind(entries, "case.grounds")
    states = ["open", *(entry["state"] for entry in _of_kind(entries, "case.state").values())]
    parts = {
        entry["person"]: {"part": entry["part"], "until": entry["until"]}
        for entry in _of_kind(entries, "case.member").values()
    }
    with _reading(CASE):
        said = _json(files, CASE)
        same = (
            said["id"] == opening["case"]["id"]
            and (said["opened_by"], said["opened_at"]) == (opening["who"], opening["at"])
            and said["purpose"] == opening["purpose"]
            and said["state"] == states[-1]
            and _repeats(said, opened[max(grounds), "content"])
            and [one["number"] for one in said["grounds"]]
            == [grounds[index]["case"]["number"] for index in sorted(grounds)]
            and all(
                _repeats(one, opened[index, "content"])
                for one, index in zip(said["grounds"], sorted(grounds), strict=True)
            )
            and parts
            == {one["person"]: {"part": one["part"], "until": one["until"]} for one in said["members"]}
        )
    _require(same, CASE)


def _check_people(files: Files, entries: CaseEntries, made: Mapping[str, Any]) -> None:
    """See that everybody who did something has a name, and that the timeline has every act."""
    acted = {made["who"]}
    for entry in entries.values():
        acted |= {entry[name] for name in ("who", "person") if entry.get(name) is not None}
        acted |= set(entry.get("reviewers", ()))
    with _reading(PEOPLE):
        unnamed = acted - {one["id"] for one in _json(files, PEOPLE) if isinstance(one["name"], str)}
    if unnamed:
        raise BundleInvalid(f"{PEOPLE} does not say who {min(unnamed)} is.")
    with _reading(TIMELINE):
        told = [(one["number"], one["entry"]) for one in _json(files, TIMELINE)]
    _require(told == [(entries[index]["case"]["number"], index) for index in sorted(entries)], TIMELINE)


def _check_notes(files: Files, entries: CaseEntries, opened: Opened) -> None:
    with _reading(NOTES):
        notes = {one["id"]: one for one in _json(files, NOTES)}
        recorded = _of_kind(entries, "case.note")
        same = notes.keys() == {entry["note"] for entry in recorded.values()} and all(
            (notes[entry["note"]]["person"], notes[entry["note"]]["at"]) == (entry["who"], entry["at"])
            and _repeats(notes[entry["note"]], opened[index, "content"])
            for index, entry in recorded.items()
        )
    _require(same, NOTES)


def _check_searches(
    files: Files, entries: CaseEntries, openings: Sequence[Opening]
) -> dict[str, dict[int, Mapping[str, Any]]]:
    """Return the entries of each search by their numbers, once its file says the same as the newest one."""
    searches: dict[str, dict[int, Mapping[str, Any]]] = {}
    for index, entry in _of_kind(entries, "search").items():
        searches.setdefault(entry["search"], {})[index] = entry
    _check_names(files, SEARCH_FILE, {f"searches/{one}.json" for one in searches})
    for search, recorded in searches.items():
        check_search(files[f"searches/{search}.json"], recorded, openings, f"searches/{search}.json")
        unedited = recorded[max(recorded)]["edited_from"]
        if unedited is not None and unedited not in searches:
            raise BundleInvalid(f"Search {search} was edited from one that is not in the bundle.")
    return searches


def _check_policies(files: Files, entries: CaseEntries) -> str:
    texts = {one[1] for one in map(POLICY_FILE.fullmatch, files) if one}
    needed = {entry["policy"].removeprefix("sha256:") for entry in _of_kind(entries, "search").values()}
    for one in sorted(texts):
        if sha256(files[f"policies/{one}.toml"]).hexdigest() != one or one not in needed:
            raise BundleInvalid(f"policies/{one}.toml is not a policy that decided a search of the case.")
    lost = len(needed - texts)
    return f"Policies that decided them: {len(needed)}" + (f", {lost} without a text." if lost else ".")


def _check_photographs(
    files: Files,
    searches: Mapping[str, Mapping[int, Mapping[str, Any]]],
    entries: CaseEntries,
    opened: Opened,
) -> str:
    """See that the photographs are those that were searched, and all that were kept and not erased since."""
    erased = max(_of_kind(entries, "probes.erased"), default=-1)
    spoken_of, kept, gone = set[str](), set[str](), set[str]()
    for recorded in searches.values():
        newest = max(recorded)
        for index, entry in recorded.items():
            for place in range(len(entry["probes"])):
                digest = opened[index, f"{PROBES}{place}"].partition(" ")[0]
                spoken_of.add(digest)
                if index == newest and entry["outcome"] in KEPT:
                    (gone if index < erased else kept).add(digest)
    held = {one[1] for one in map(PHOTOGRAPH.fullmatch, files) if one}
    for one in sorted(held | kept):
        if one not in held:
            raise BundleInvalid(f"{PROBES}{one} is missing: a search was made with it.")
        if sha256(files[f"{PROBES}{one}"]).hexdigest() != one or one not in spoken_of:
            raise BundleInvalid(f"{PROBES}{one} is not a photograph that the entries speak of.")
    lost = len(gone - held)
    return f"The photographs in {PROBES} are those that were searched: {len(held)}" + (
        f", and {lost} that were erased when the case had been closed." if lost else "."
    )


def _check_reviews(
    files: Files, entries: CaseEntries, opened: Opened, closed: Mapping[tuple[int, str], str]
) -> list[Mapping[str, Any]]:
    """Return the comparisons, once each file says what its entry commits to."""
    read = []
    recorded = {
        entry["review"]: index
        for index, entry in _of_kind(entries, "review.recorded").items()
        if (index, "content") not in closed
    }
    _check_names(files, REVIEW_FILE, {f"reviews/{one}.json" for one in recorded})
    for review, index in recorded.items():
        name, entry = f"reviews/{review}.json", entries[index]
        with _reading(name):
            said = _json(files, name)
            same = (said["id"], said["person"], said["at"]) == (review, entry["who"], entry["at"])
            same = same and _repeats(said, opened[index, "content"])
        _require(same, name)
        read.append(said)
    return read


def _check_examined(files: Files, entries: CaseEntries, opened: Opened) -> None:
    """See that each conclusion is the recorded one, and that what it put forward is among the leads."""
    recorded = {entry["search"]: index for index, entry in _of_kind(entries, "search.concluded").items()}
    with _reading(EXAMINED):
        said = _json(files, EXAMINED)["conclusions"]
        same = said.keys() == recorded.keys()
        for search, index in recorded.items():
            entry, one = entries[index], said[search]
            places = range(len(entry["put_forward"]))
            shown = [
                opened[index, f"put_forward/{at}"] for at in places if (index, f"put_forward/{at}") in opened
            ]
            same = same and (one["person"], one["at"]) == (entry["who"], entry["at"])
            same = same and len(one["put_forward"]) == len(places)
            same = same and {_rank_in(value) for value in shown} <= set(one["put_forward"])
        forward = sorted([search, rank] for search, one in said.items() for rank in one["put_forward"])
        same = same and forward == sorted([one["search"], one["rank"]] for one in _json(files, LEADS))
    _require(same, EXAMINED)


def _check_leads(
    files: Files, entries: CaseEntries, opened: Opened, reviews: Sequence[Mapping[str, Any]]
) -> None:
    """See that each lead is where its entries say, and that the comparisons which made it so are here."""
    made, changed = _of_kind(entries, "lead.made"), _of_kind(entries, "lead.changed")
    with _reading(LEADS):
        leads = {one["id"]: one for one in _json(files, LEADS)}
        same = {one for one in leads if leads[one]["made_at"] is not None} == {
            entry["lead"] for entry in made.values()
        }
        for index, entry in made.items():
            lead, shown = leads[entry["lead"]], opened.get((index, "candidate"))
            same = same and lead["search"] == entry["search"]
            same = same and (shown is None or _rank_in(shown) == lead["rank"])
            same = same and set(entry["reviewers"]) <= {
                one["person"] for one in reviews if one["lead"] == entry["lead"]
            }
        told = {(lead, event["entry"]): event for lead in leads for event in leads[lead]["events"]}
        same = same and told.keys() == {(entry["lead"], index) for index, entry in changed.items()}
        for index, entry in changed.items():
            event = told[entry["lead"], index]
            same = same and all(event[name] == entry[name] for name in ("who", "at", "change"))
            same = same and _repeats(event["document"], opened[index, "content"])
            if entry["change"] == "not-supported":
                same = same and set(event["document"]["reviews"]) <= {one["id"] for one in reviews}
    _require(same, LEADS)


def _check_names(files: Files, form: re.Pattern[str], needed: set[str]) -> None:
    """Raise ``BundleInvalid`` unless the files of a form are exactly these."""
    there = {name for name in files if form.fullmatch(name)}
    for name in sorted(there | needed):
        if name not in there:
            raise BundleInvalid(f"{name} is missing: an entry of the case is about it.")
        if name not in needed:
            raise BundleInvalid(f"{name} is of something that no entry of the case is about.")


def _rank_in(candidate: str) -> int:
    """Return the rank in what an entry commits to for a candidate: 'rank face score'."""
    return int(candidate.partition(" ")[0])


def _repeats(said: Mapping[str, Any], value: str) -> bool:
    """Say whether a file's object has what an entry commits to: a JSON object's fields, or a text as one."""
    try:
        wanted = json.loads(value)
    except ValueError:
        wanted = value
    if isinstance(wanted, dict):
        return all(name in said and said[name] == one for name, one in wanted.items())
    return value in said.values()


def _of_kind(entries: CaseEntries, kind: str) -> dict[int, Mapping[str, Any]]:
    return {index: entries[index] for index in sorted(entries) if entries[index]["kind"] == kind}


def _require(same: bool, name: str) -> None:
    if not same:
        raise BundleInvalid(f"{name} and the entries of the case do not say the same.")


def _json(files: Files, name: str) -> Any:
    return json.loads(files[name])


@contextmanager
def _reading(name: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise BundleInvalid(f"{name} cannot be read.") from error
