"""What an evaluation hands out: JSON, a page as HTML and as PDF, the curves as SVG, and a model card.

A report speaks of rates of comparisons and searches. Each stands with how many it is a rate of and with its
95 % interval, and never as a bare percentage; nothing in it says of two faces that they are one person's.
The same document gives the same bytes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from lineament import typeset
from lineament.core.jsontext import json_bytes
from lineament.core.words import counted
from lineament.evaluation.plots import drawn

Figure = Mapping[str, Any]
Section = dict[str, Any]

_ROOM = files("lineament.evaluation")
_templates = Environment(
    loader=PackageLoader("lineament.evaluation", ""),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
HOW_TO_READ = (
    "A rate is followed by how many it was counted in, and by the interval that holds the true rate in 95 of "
    "100 such evaluations. The intervals know people: all photographs of one person are drawn together. They "
    "speak of photographs like these, and of no others.",
    "An evaluation says how often a system errs. It says nothing of a single comparison: a candidate is a "
    "lead for people to review.",
)


@dataclass(frozen=True)
class EvaluationReport:
    """The files of a report, by their names."""

    files: Mapping[str, bytes]


def make(document: Mapping[str, Any]) -> EvaluationReport:
    """Return the files of a report on what was measured. Raises ExtraMissing without matplotlib."""
    pictures = drawn(document)
    page = content(document, {name: said for name, (_, said) in pictures.items()})
    svgs = {name: svg for name, (svg, _) in pictures.items()}
    return EvaluationReport(
        {
            "report.json": json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False).encode(),
            "report.html": _html(page, svgs),
            "report.pdf": _pdf(page, svgs),
            "model-card.md": card(document).encode(),
            **{f"{name}.svg": svg.encode() for name, svg in svgs.items()},
        }
    )


def content(document: Mapping[str, Any], pictures: Mapping[str, str]) -> dict[str, Any]:
    """Return the report section by section: paragraphs, tables, and pictures with what they show."""
    protocol = document["protocol"]
    sections = [
        _section("How to read this", HOW_TO_READ),
        _section("What was evaluated", [protocol["sentence"]], [_facts(document)]),
        _acquired(document["acquisition"]),
        *_one_to_one(document["verification"], pictures),
        *_one_to_many(document["search"], pictures),
        _degraded(document["conditions"], pictures),
    ]
    return {
        "title": "Evaluation",
        "about": protocol["name"],
        "sections": [section for section in sections if section],
    }


def rate(one: Figure | None) -> str:
    """Return a figure in words: its value, how many of how many, and its interval."""
    if one is None or one["value"] is None:
        return "not measured"
    events = f"{one['events']:,} of " if one["events"] is not None else "n = "
    return f"{_short(one['value'])} ({events}{one['n']:,}; {_short(one['low'])} to {_short(one['high'])})"


def card(document: Mapping[str, Any]) -> str:
    """Return a model card as Markdown: what was measured, on what, and what was not."""
    protocol, one, many = document["protocol"], document["verification"], document["search"]
    rows = [(_named(row), rate(row)) for row in (one["figures"] if one else ()) if row["figure"] != "TAR"]
    for gallery in many["galleries"][-1:] if many else ():
        rows += [(_named(row), rate(row)) for row in gallery["identification"] + gallery["investigation"]]
    measured = [row for section in (one, many) if section for row in section["labels"]["rates"]]
    flagged = ", ".join(f"{_rate_of(row)} by {row['label']}" for row in measured if row["flagged"])
    labels = ", ".join(sorted({row["label"] for row in measured}))
    return "\n".join(
        [
            f"# Model card: measured on {protocol['name']}",
            "",
            f"Template contract `{document['contract'] or 'not stated'}`, {document['software']}, seed "
            f"{document['seed']}. Protocol `{protocol['digest']}`. {protocol['sentence']}",
            "",
            "**What it is for.** To rank leads for people to review. A score is not an identification.",
            "",
            "**What was measured.** Each rate with how many it was counted in and its interval (95 of 100).",
            "",
            "| what | rate |",
            "|---|---|",
            *(f"| {what} | {said} |" for what, said in rows),
            "",
            f"**By label.** {f'Compared: {labels}.' if labels else 'The data has no labels.'}",
            f"Differences beyond chance: {flagged}."
            if flagged
            else "No difference beyond chance was seen, which does not show that there is none.",
            "",
            "**What is not known.** Nothing was measured for people, ages and photographs that the data does "
            "not hold. Labels are the data set's own; nothing was inferred of anybody.",
            "",
        ]
    )


# --- sections ----------------------------------------------------------------------------------------------


def _facts(document: Mapping[str, Any]) -> dict[str, Any]:
    return _table(
        ["what", "which"],
        [
            ["protocol", document["protocol"]["name"]],
            ["digest of the protocol", document["protocol"]["digest"]],
            ["template contract", document["contract"] or "not stated"],
            ["software", document["software"]],
            ["seed, rounds of the bootstrap", f"{document['seed']}, {document['rounds']}"],
        ],
    )


def _acquired(acquisition: Mapping[str, Any] | None) -> Section | None:
    if acquisition is None:
        return None
    rows = [[reason, f"{count:,}"] for reason, count in acquisition["reasons"].items()]
    return _section(
        "Failures to acquire",
        [
            f"Photographs that gave no template: {rate(acquisition['figure'])}. They stay in every rate: a "
            "mated comparison or search with one fails, a non-mated one returns nobody."
        ],
        [_table(["reason", "photographs"], rows)] if rows else [],
    )


def _one_to_one(section: Mapping[str, Any] | None, pictures: Mapping[str, str]) -> list[Section | None]:
    if section is None:
        return []
    people = f" of {counted(section['people'], 'subject')}" if section["people"] else ""
    said = [
        f"{section['mated']:,} mated and {section['non_mated']:,} non-mated pairs{people}. FMR: non-mated "
        "pairs that score at least the threshold. FNMR: mated pairs that score below it. TAR is 1 - FNMR. "
        "EER: where both are equal."
    ]
    folds, pairs = section["fold_accuracy"], section["mated"] + section["non_mated"]
    if folds:
        said.append(
            f"Pairs told right, in each of {len(folds['folds'])} folds at the threshold that is best on the "
            f"others: {folds['mean']:.4f} on average, with a standard deviation of "
            f"{folds['standard_deviation']:.4f} between folds (n = {pairs:,})."
        )
    rows = [[_named(row), _cut(row["at"].get("threshold")), rate(row)] for row in section["figures"]]
    return [
        _section(
            "One to one", said, [_table(["figure", "threshold", "rate"], rows)], _shown(["det"], pictures)
        ),
        _labels("One to one, by label", "pairs", section["labels"], pictures),
    ]


def _one_to_many(section: Mapping[str, Any] | None, pictures: Mapping[str, str]) -> list[Section | None]:
    if section is None:
        return []
    rows = [
        [f"{gallery['people']:,}", _named(row), _cut(row["at"].get("threshold")), rate(row)]
        for gallery in section["galleries"]
        for row in gallery["identification"]
    ]
    listed = [
        [f"{gallery['people']:,}", str(row["at"]["rank"]), rate(row)]
        for gallery in section["galleries"]
        for row in gallery["investigation"]
    ]
    return [
        _section(
            "One to many, identification mode",
            [
                f"Open set: {counted(section['people'], 'subject')} enrolled, {section['mated']:,} mated and "
                f"{section['non_mated']:,} non-mated probes. FPIR: non-mated searches that return anybody. "
                "FNIR: mated searches that do not return the mate. The threshold is the lowest score with no "
                "more than the FPIR aimed at, in the same non-mated searches. Smaller galleries hold "
                "subjects drawn by the seed, each within the next; only probes of those drawn are mated."
            ],
            [_table(["people", "figure", "threshold", "rate"], rows)],
            _shown(["gallery-size"], pictures),
        ),
        _section(
            "One to many, investigation mode",
            ["FNIR of a list of fixed length without a threshold: the mate is not among the first so many."],
            [_table(["people", "length of the list", "FNIR"], listed)],
            _shown(["cmc"], pictures),
        ),
        _labels("One to many, by label", "searches", section["labels"], pictures),
    ]


def _labels(title: str, kind: str, section: Mapping[str, Any], pictures: Mapping[str, str]) -> Section | None:
    if not section["rates"]:
        return None
    tables = []
    for row in section["rates"]:
        name = _rate_of(row)
        rows = [[value, rate(one)] for value, one in row["groups"].items()]
        for ratio in ("worst_over_mean", "max_over_min"):
            one = row[ratio]
            rows.append([ratio.replace("_", " "), rate(one) if one else "not defined here"])
        rows.append(["beyond chance", _beyond(row)])
        tables.append(_table([f"{name} by {row['label']}", "rate, or ratio"], rows))
    point = ", ".join(f"{name.upper()} {section[name]:g}" for name in ("fmr", "fpir") if name in section)
    return _section(
        title,
        [
            f"At one threshold for all, {_cut(section['threshold'])}, that of {point}. The labels come with "
            "the data. Worst over mean and max over min compare the groups of at least 20 (ISO/IEC "
            "19795-10); both grow by chance where groups are small. A difference is called beyond chance "
            "where fewer than one in 20 shuffles of the label bring one as large about."
        ],
        tables,
        _shown([name for name in pictures if name.startswith(f"{kind}-label-")], pictures),
    )


def _rate_of(row: Mapping[str, Any]) -> str:
    """Return which rate a row of labels is of."""
    return str(next(iter(row["groups"].values()))["figure"])


def _beyond(row: Mapping[str, Any]) -> str:
    if row["chance"] is None:
        return "not tested"
    return f"{'yes' if row['flagged'] else 'not shown'} ({_short(row['chance'])} of shuffles)"


def _degraded(conditions: Sequence[Mapping[str, Any]], pictures: Mapping[str, str]) -> Section | None:
    if not conditions:
        return None
    rows = [
        [one["condition"], *cells]
        for one in conditions
        for cells in [
            ["no template", "", rate(one["acquisition"]["figure"])],
            *([_named(row), _cut(row["at"].get("threshold")), rate(row)] for row in one["figures"]),
        ]
    ]
    return _section(
        "Degraded probes",
        [
            "Probes that the operator had degraded; what is enrolled, and the thresholds, are those of the "
            "clean ones."
        ],
        [_table(["condition", "figure", "threshold", "rate"], rows)],
        _shown([name for name in pictures if name.startswith("conditions-")], pictures),
    )


def _named(row: Figure) -> str:
    """Return a figure's name with the point that it was measured at."""
    at, name = row["at"], row["figure"]
    if name in {"FMR", "FPIR"}:
        target = at.get(name.lower())
        return f"{name}, aimed at {target:g}" if target else name
    said = [f"{key.upper()} {at[key]:g}" for key in ("fmr", "fpir") if at.get(key)]
    if at.get("rank"):
        said.append(f"rank {at['rank']}")
    return f"{name} at {' and '.join(said)}" if said else name


def _section(
    title: str,
    paragraphs: Sequence[str],
    tables: Sequence[Mapping[str, Any]] = (),
    pictures: Sequence[Mapping[str, str]] = (),
) -> Section:
    return {
        "title": title,
        "paragraphs": list(paragraphs),
        "tables": list(tables),
        "pictures": list(pictures),
    }


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    return {"head": list(head), "rows": [list(row) for row in rows]}


def _shown(names: Sequence[str], pictures: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "alt": pictures[name]} for name in names if name in pictures]


def _short(value: float) -> str:
    return f"{value:.3g}"


def _cut(threshold: float | None) -> str:
    return "" if threshold is None else f"{threshold:.3f}"


# --- pages -------------------------------------------------------------------------------------------------


def _html(page: Mapping[str, Any], svgs: Mapping[str, str]) -> bytes:
    shown = {
        name: "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
        for name, svg in svgs.items()
    }
    return _templates.get_template("report.html").render(page=page, pictures=shown).encode()


def _pdf(page: Mapping[str, Any], svgs: Mapping[str, str]) -> bytes:
    """Return a page as a PDF."""
    inputs = {"page": json_bytes(page).decode(), "pictures": json_bytes(svgs).decode()}
    return typeset.pdf((_ROOM / "report.typ").read_bytes(), **inputs)
