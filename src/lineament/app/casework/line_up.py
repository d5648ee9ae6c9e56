"""The photographs for a line-up: the candidate among fillers, once something else supports the lead.

Fillers are other people, chosen by a description and not by a search: whoever is nearest to the candidate may
be the candidate's double, and a row of doubles tests nothing. Among those who fit the description and may be
shown in a line-up, whoever scores as high as one stranger in ten is left out, and the rest is drawn by lot.
"""

from __future__ import annotations

import hmac
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from sqlalchemy import Connection

from lineament.app import eligibility
from lineament.app.casework.leads import LeadView, lead_view, workable_lead
from lineament.app.installation import Installation
from lineament.app.journal import act
from lineament.app.stored import image_bytes
from lineament.core.faces import square_around
from lineament.core.odds import Tail
from lineament.core.policy import Person
from lineament.core.review import LeadState
from lineament.core.times import iso
from lineament.core.words import is_plain
from lineament.errors import InvalidRequest, NotCalibrated, TooFewFillers, WrongState
from lineament.ledger import digest
from lineament.records import images
from lineament.records.images import StoredFace
from lineament.vision.render import jpeg

PURPOSE = "line-up"  # what a collection's permission must allow
FILLERS, FILLERS_MIN, FILLERS_MAX = 5, 3, 11
DESCRIPTION_LENGTH_MAX = 200  # characters
STRANGERS_BELOW = 0.9  # the share of strangers who score below the ceiling
SIDE = 480  # px of a photograph, where all of them are that large
FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # of a zip's calendar: the same content gives the same bytes
_AT_ONCE = 200  # templates

READ_ME = """\
Photographs for a line-up
=========================

Made by Lineament from a lead. One of these {count} photographs is of the lead. The others, the fillers, are
of people who have nothing to do with the case. A lead is not an identification, and what a witness says of
these photographs does not make it one.

Before you show them
1. Take the file key.txt out, and keep it away from whoever shows the photographs: that must be somebody who
   does not know which one is of the lead. Nor may anybody else in the room know.
2. Ask the witness to describe the person first, and write it down. Where the description does not fit the
   fillers, make another line-up.
3. See that nobody stands out: by the background, the clothes, the light, or marks that only one has. If
   somebody does, make another line-up.

When you show them
4. Say that the person may or may not be among them, and that the inquiry goes on whatever the answer is.
5. Show the photographs one at a time, in the order of their numbers, each as long as the witness likes. Say
   nothing about any of them, neither before nor after the answer.
6. Show them once. A second showing to the same witness tests what is remembered of the first.
7. Write down at once, in the witness's own words, what is said and how sure the witness is.
8. Record the whole of it in sound and picture, and keep these files as they are.

What to keep in mind
- That something else supports the lead was on record before these photographs could be made. It counts by
  itself; the lead and the line-up do not become evidence by each other.
- The lead was found by likeness. Whoever looks like the person sought is picked more often, whoever it is.
- The fillers were drawn by lot among those who fit the description '{description}'. Whoever is as like the
  lead's photograph as one stranger in ten was left out.
"""


def line_up(
    installation: Installation, who: Person, lead_id: str, description: str, fillers: int = FILLERS
) -> bytes:
    """Return a zip with numbered photographs of one size, rules for showing them, and the key to them.

    Every word of ``description`` must occur in the caption or another value that is known of a filler's
    photograph. Raises LeadNotFound, CaseNotFound, WrongState while nothing else supports the lead or where
    its photograph is withheld, InvalidRequest, NotCalibrated and TooFewFillers.
    """
    words = _words(description)
    if not words or len(description) > DESCRIPTION_LENGTH_MAX or not is_plain(description):
        raise InvalidRequest(
            f"Describe the fillers in 1 to {DESCRIPTION_LENGTH_MAX} characters of plain text."
        )
    if not FILLERS_MIN <= fillers <= FILLERS_MAX:
        raise InvalidRequest(f"A line-up has {FILLERS_MIN} to {FILLERS_MAX} fillers.")
    salt = installation.new_salt()
    with installation.records.read() as tx:
        workable_lead(tx, who, lead_id, {LeadState.LEAD, LeadState.ACTED_ON}, installation.clock())
    view = lead_view(installation, who, lead_id)
    candidate = _unlocked(view)
    with installation.records.read() as tx:
        drawn = _drawn(installation, tx, candidate, words, salt, fillers)
    if len(drawn) < fillers:
        raise TooFewFillers(
            f"{_can(len(drawn))} be shown for this description beside this "
            f"candidate; {fillers} are asked for."
        )
    row = _by_lot([candidate, *drawn], salt, "place")
    files = {f"{number}.jpg": data for number, data in enumerate(_crops(installation, row), start=1)}
    files["read-me.txt"] = READ_ME.format(count=len(row), description=" ".join(description.split())).encode()
    files["key.txt"] = _key(view, row, candidate).encode()
    made = _zip(files)
    with act(installation) as doing:
        now = installation.clock()
        lead = workable_lead(doing.tx, who, lead_id, {LeadState.LEAD, LeadState.ACTED_ON}, now)
        allowed = eligibility.faces_for(doing.tx, [face.id for face in drawn], PURPOSE, now)
        still = eligibility.faces_for(doing.tx, [candidate.id], view.search.purpose, now)
        if len(allowed) < len(drawn) or not still:
            raise WrongState("A permission has ended while the line-up was made. Make it again.")
        doing.record(
            "line-up.made",
            at=iso(now),
            who=who.id,
            case=doing.in_case(lead.case_id),
            lead=lead.id,
            fillers=len(drawn),
            content=digest(made),
        )
    return made


def ceiling(tail: Tail | None) -> float:
    """Return the cosine that nine strangers of ten stay below. Raises NotCalibrated without measured rates.

    Nobody at or above it is a filler.
    """
    if tail is None:
        raise NotCalibrated(
            "How alike strangers look was not measured for this model, so nobody is a filler."
        )
    rarest_first = -np.log10(tail.fmrs)
    return float(np.interp(-np.log10(1 - STRANGERS_BELOW), rarest_first, tail.scores))


def _unlocked(view: LeadView) -> StoredFace:
    """Return the candidate's face, once it may stand in a line-up. Raises WrongState."""
    if not view.has_evidence:
        raise WrongState(
            "A line-up stays locked until independent evidence is on record for the lead: a line-up of "
            "somebody whom only a likeness points to proves nothing."
        )
    if view.candidate is None:
        raise WrongState("The permission for this candidate's photograph no longer allows it to be shown.")
    return view.candidate


def _drawn(
    installation: Installation,
    tx: Connection,
    candidate: StoredFace,
    words: Sequence[str],
    salt: bytes,
    wanted: int,
) -> list[StoredFace]:
    """Return up to ``wanted`` fillers, drawn by lot among those that qualify, each of another person."""
    highest = ceiling(installation.tail)
    taken = {_person(candidate)}
    drawn: list[StoredFace] = []
    for face, score in _scored(installation, tx, candidate, words, salt):
        if len(drawn) == wanted:
            break
        if score < highest and _person(face) not in taken:
            taken.add(_person(face))
            drawn.append(face)
    return drawn


def _scored(
    installation: Installation, tx: Connection, candidate: StoredFace, words: Sequence[str], salt: bytes
) -> Iterator[tuple[StoredFace, float]]:
    """Yield who may be shown in a line-up and fits the description, by lot, each with its score (cosine)."""
    now = installation.clock()
    permitted = [one.id for one in eligibility.permitted(tx, PURPOSE, now)]
    there = [
        face.id
        for face in images.faces_alone(tx, permitted, words)
        if _person(face) and face.image.group_id != candidate.image.group_id and _fits(face, words)
    ]
    allowed = list(eligibility.faces_for(tx, there, PURPOSE, now).values())
    contract = installation.vision.contract
    own = images.templates_of(tx, installation.keys, contract, [candidate.id])
    if not own:
        raise WrongState(
            "The candidate did not go through the model in use, so nobody can be compared with it."
        )
    by_lot = _by_lot(allowed, salt, "draw")
    for start in range(0, len(by_lot), _AT_ONCE):
        some = by_lot[start : start + _AT_ONCE]
        templates = images.templates_of(tx, installation.keys, contract, [face.id for face in some])
        for face in some:
            if face.id in templates:
                yield face, float(templates[face.id] @ own[candidate.id])


def _by_lot(faces: Sequence[StoredFace], salt: bytes, what: str) -> list[StoredFace]:
    """Return faces in an order that nobody can foresee and the salt gives again."""
    return sorted(faces, key=lambda face: hmac.digest(salt, f"{what}/{face.id}".encode(), "sha256"))


def _person(face: StoredFace) -> str:
    """Return whom a photograph shows, as its source says; empty where it does not say."""
    return " ".join(face.image.provenance.extra.get("person", "").casefold().split())


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _fits(face: StoredFace, words: Sequence[str]) -> bool:
    said = face.image.provenance
    return set(words) <= set(_words(" ".join([said.caption or "", *said.extra.values()])))


def _can(number: int) -> str:
    return {0: "Nobody can", 1: "1 person can"}.get(number, f"{number} people can")


def _crops(installation: Installation, row: Sequence[StoredFace]) -> list[bytes]:
    """Return the faces as JPEGs of one size, so that none of them stands out by it. Nothing is scaled up."""
    sizes = [square_around(face.detected.box, face.image.width, face.image.height)[2] for face in row]
    side = min(SIDE, *map(round, sizes))
    return [
        jpeg(installation.vision.decode(image_bytes(installation, face.image)), side, face.detected)
        for face in row
    ]


def _key(view: LeadView, row: Sequence[StoredFace], candidate: StoredFace) -> str:
    """Return which photograph is whose, for whoever does not show them."""
    lines = [
        "Key to the line-up. Whoever shows the photographs must not have it.",
        "",
        f"Lead {view.lead.id} of the case '{view.case.reference}'",
        f"The photograph of the lead is number {row.index(candidate) + 1}, of {len(row)}.",
        "",
    ]
    for number, face in enumerate(row, start=1):
        said = face.image.provenance
        credit = f", credit: {said.credit}" if said.credit else ""
        whose = "the lead" if face is candidate else said.extra.get("person", "")
        lines.append(f"{number}. {whose}: {said.path} of '{face.collection}', face {face.id}{credit}")
    return "\n".join(lines) + "\n"


def _zip(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, FIRST_DAY), data)
    return out.getvalue()
