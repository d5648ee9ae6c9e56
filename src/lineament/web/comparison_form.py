"""The form of a comparison, feature by feature: what was given in it, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Request

from lineament.app.casework.review import NOTE_LENGTH_MAX, SAID_LENGTH_MAX
from lineament.core.review import Comparison, Component, Conclusion, Finding, Judgement, Seen
from lineament.errors import ComparisonIncomplete
from lineament.web import words

Form = Mapping[str, str]  # the fields by name: seen-NOSE, note-NOSE, similarities, differences, conclusion


async def _sent(request: Request) -> Form:
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


Given = Annotated[Form, Depends(_sent)]


def lacks(given: Form) -> dict[str, str]:
    """Return what is missing before a form is a comparison: each in words, by the id of its field."""
    missing = {}
    for one in Component:
        name, said = words.component(one), given.get(f"seen-{one}")
        if said not in set(Seen):
            missing[f"seen-{one}"] = f"{name}: nothing is said"
        elif said == Seen.DIFFERENT and not given.get(f"note-{one}", "").strip():
            missing[f"note-{one}"] = f"{name}: a difference needs a note"
    for field, what in (("similarities", "similar"), ("differences", "different")):
        if not given.get(field, "").strip():
            missing[field] = f"What is {what}, also where nothing is"
    if given.get("conclusion") not in set(Conclusion):
        missing["conclusion"] = "The conclusion"
    return missing


def fields(given: Form, refusal: ComparisonIncomplete | None = None) -> dict[str, Any]:
    """Return what the form's template needs: what was given, and why it was refused."""
    missing = lacks(given) if refusal else {}
    return {
        "components": list(Component),
        "conclusions": list(Conclusion),
        "given": given,
        "judgements": list(Judgement),
        "lacks": missing,
        "note_length": NOTE_LENGTH_MAX,
        "problem": str(refusal) if refusal and not missing else None,
        "seen_values": list(Seen),
        "text_length": SAID_LENGTH_MAX,
    }


def comparison_of(given: Form) -> Comparison:
    """Return the comparison that a form says. Raises ComparisonIncomplete where anything is missing."""
    if lacks(given):
        raise ComparisonIncomplete("The comparison is not complete.")
    findings = tuple(
        Finding(one, Seen(given[f"seen-{one}"]), given.get(f"note-{one}", "").strip()) for one in Component
    )
    return Comparison(
        findings, given["similarities"].strip(), given["differences"].strip(), Conclusion(given["conclusion"])
    )
