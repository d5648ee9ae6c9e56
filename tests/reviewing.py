"""Comparisons, searches that were looked through, candidates put forward, and pairs whose answer is known."""

import csv
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

from lineament.app import sign_in
from lineament.app.candidates import show_search
from lineament.app.casework import blind, review
from lineament.app.casework.members import set_member
from lineament.app.casework.seeds import PURPOSE
from lineament.app.installation import Installation
from lineament.core.cases import Part
from lineament.core.policy import Person, Role
from lineament.core.review import Comparison, Component, Conclusion, Finding, Judgement, Seen
from lineament.errors import NothingToReview
from lineament.records import reviews
from lineament.records.reviews import Assignment, Lead
from lineament.records.searches import Search
from lineament.testing import make_collection, make_permission, recorded
from tests.casework import a_case, a_search, somebody
from tests.samples import CONGRESS


def a_comparison(conclusion: Conclusion = Conclusion.SAME, note: str = "The lobe is longer.") -> Comparison:
    """Return a comparison in which the ears differ, the scars are not seen and all else is similar."""
    unlike = {Component.EARS: Seen.DIFFERENT, Component.SCARS: Seen.NOT_VISIBLE}
    findings = tuple(
        Finding(one, unlike.get(one, Seen.SIMILAR), note if one is Component.EARS else "")
        for one in Component
    )
    return Comparison(findings, "The brows and the nose are alike.", "The left ear differs.", conclusion)


def colleague(installation: Installation, search: Search, *roles: Role, part: Part = Part.STAFF) -> Person:
    """Return somebody new with a part in the search's case."""
    assert search.case_id
    one = somebody(installation, f"{part} {installation.new_id()[:6]}", *roles)
    set_member(installation, sign_in.operator(installation), search.case_id, one.id, part)
    return one


def looked_through(installation: Installation, search: Search, who: Person | None = None) -> None:
    """Open and judge every candidate of a search in a case, by default as the operator."""
    by = who or sign_in.operator(installation)
    for one in show_search(installation, by, search.id).candidates:
        review.open_candidate(installation, by, search.id, one.number)
        review.judge(installation, by, search.id, one.number, Judgement.CANNOT_TELL)


def number_of(installation: Installation, who: Person, search: Search, rank: int = 1) -> int:
    """Return the number that a candidate has for somebody who has judged it."""
    shown = show_search(installation, who, search.id).candidates
    return next(one.number for one in shown if one.rank == rank)


def put_forward(
    installation: Installation, search: Search | None = None, who: Person | None = None, rank: int = 1
) -> Lead:
    """Return a candidate that was put forward, of a new search in a new case if none is given."""
    by = who or sign_in.operator(installation)
    made = search or a_search(installation, a_case(installation, who=by), by)
    looked_through(installation, made, by)
    number = number_of(installation, by, made, rank)
    review.compare(installation, by, made.id, number, a_comparison())
    review.conclude(installation, by, made.id, [number])
    return lead_of(installation, made, rank)


def lead_of(installation: Installation, search: Search, rank: int = 1) -> Lead:
    """Return what became of a candidate that was put forward."""
    with installation.records.read() as tx:
        return next(one for one in reviews.leads_of_search(tx, search.id) if one.rank == rank)


def now(installation: Installation, lead: Lead) -> Lead:
    """Return a candidate that was put forward, as it stands now."""
    with installation.records.read() as tx:
        found = reviews.get_lead(tx, lead.id)
    assert found
    return found


def assignments(installation: Installation, case_id: str) -> list[Assignment]:
    """Return the pairs of a case."""
    with installation.records.read() as tx:
        return reviews.assignments_of_case(tx, case_id)


def own(installation: Installation, who: Person, lead: Lead) -> Assignment:
    """Return the lead's own pair among those that an examiner has."""
    return next(
        one
        for one in assignments(installation, lead.case_id)
        if one.lead_id == lead.id and one.person_id == who.id
    )


def take_all(installation: Installation, who: Person) -> list[str]:
    """Take every pair that an examiner may have."""
    taken = []
    while blind.queue(installation, who).waiting:
        try:
            taken.append(blind.take(installation, who))
        except NothingToReview:
            break
    return taken


def compare_all(installation: Installation, who: Person, conclusion: Conclusion = Conclusion.SAME) -> int:
    """Take and compare every pair that an examiner may have; return how many there were."""
    done = 0
    while blind.queue(installation, who).waiting:
        blind.record(installation, who, blind.take(installation, who), a_comparison(conclusion))
        done += 1
    return done


def lend_mates(installation: Installation, folder: Path, people: int = 3) -> None:
    """Take in a collection 'lent' for testing examiners: two photographs of each of so many people.

    The second one of each is the first one closer, turned round and darker, so that it counts as no copy.
    """
    folder.mkdir()
    with (CONGRESS / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[20 : 20 + people]
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        for row in rows:
            with Image.open(CONGRESS / row["path"]) as portrait:
                portrait.convert("RGB").save(folder / row["path"])
                closer = ImageOps.mirror(ImageOps.crop(portrait.convert("RGB"), portrait.width // 7))
                ImageEnhance.Brightness(closer).enhance(0.8).save(folder / f"closer-{row['path']}")
            writer.writerows([row, row | {"path": f"closer-{row['path']}"}])
    make_collection(installation, "lent", folder, make_permission((PURPOSE,)))


def entries(installation: Installation, kind: str) -> list[dict[str, object]]:
    """Return the entries of a kind that are in the ledger, decoded."""
    return [entry for entry in recorded(installation) if entry["kind"] == kind]
