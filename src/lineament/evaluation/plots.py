"""The curves of an evaluation as SVG: the same figures give the same bytes.

Every bar and band is a 95 % interval. Matplotlib draws; it comes with the extra 'evaluation'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from io import BytesIO
from typing import Any

from lineament.errors import ExtraMissing

INK, SECOND = "#0d5665", "#96371b"
_STYLE: Any = {
    "svg.hashsalt": "lineament",  # else names within the file are drawn at random
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",  # which comes with matplotlib
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dcd8d0",
    "grid.linewidth": 0.6,
}
_SIZE = (5.6, 3.4)  # inches


def require_matplotlib() -> None:
    """Raise ExtraMissing where the library that draws is not installed."""
    if find_spec("matplotlib") is None:
        raise ExtraMissing("This needs matplotlib, which is not installed; the extra is 'evaluation'.")


def drawn(document: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return for each picture's name the SVG, and what it shows in words. Raises ExtraMissing."""
    require_matplotlib()
    from matplotlib import rc_context

    pictures: dict[str, tuple[str, str]] = {}
    with rc_context(_STYLE):
        one, many = document["verification"], document["search"]
        if one and one["det"]:
            pictures["det"] = _det(one["det"])
        if many:
            pictures["cmc"] = _cmc(many["cmc"])
            if len(many["galleries"]) > 1:
                pictures["gallery-size"] = _gallery_size(many["galleries"])
        for kind, section in (("pairs", one), ("searches", many)):
            for at, rate in enumerate(section["labels"]["rates"] if section else ()):
                pictures[f"{kind}-label-{at + 1}"] = _label(rate)
        if document["conditions"]:
            pictures |= _conditions(document)
    return pictures


def _det(points: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    shown = [one for one in points if one["fmr"] and one["fnmr"]]  # nought has no place on these scales
    figure, axes = _axes("FMR: non-mated pairs accepted", "FNMR: mated pairs rejected")
    axes.set(xscale="log", yscale="log")
    if shown:
        fmr, fnmr, low, high = ([one[name] for one in shown] for name in ("fmr", "fnmr", "low", "high"))
        axes.fill_between(fmr, low, high, color=INK, alpha=0.2, linewidth=0, step="post")
        axes.plot(fmr, fnmr, color=INK, drawstyle="steps-post")
    return _svg(figure), (
        f"DET curve of {len(points)} points: FMR against FNMR, both on logarithmic scales, with the interval "
        "of each FNMR."
    )


def _cmc(figures: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    figure, axes = _axes("rank", "share of mated searches")
    ranks = [one["at"]["rank"] for one in figures]
    low, high = ([one[end] for one in figures] for end in ("low", "high"))
    axes.fill_between(ranks, low, high, color=INK, alpha=0.2, linewidth=0)
    axes.plot(ranks, [one["value"] for one in figures], color=INK, marker="." if len(ranks) < 20 else None)
    return _svg(figure), f"CMC: the share found up to each rank, from 1 to {ranks[-1]}, with its interval."


def _gallery_size(galleries: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    figure, axes = _axes("people enrolled", "FNIR")
    axes.set(xscale="log")
    series: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for one in galleries:
        for row in one["identification"]:
            if row["figure"] == "FNIR" and row["at"]["rank"] is None:
                series.setdefault(f"FPIR {row['at']['fpir']:g}", []).append((one["people"], row))
        series.setdefault("rank 1, no threshold", []).append((one["people"], one["investigation"][0]))
    for place, (label, rows) in enumerate(series.items()):
        _bars(axes, [people for people, _ in rows], [row for _, row in rows], place, label)
    axes.set_ylim(bottom=0)
    axes.set_xticks([one["people"] for one in galleries], [f"{one['people']:,}" for one in galleries])
    axes.minorticks_off()
    axes.legend(frameon=False)
    sizes = ", ".join(f"{one['people']:,}" for one in galleries)
    return _svg(figure), f"FNIR against the number of people enrolled ({sizes}), with intervals."


def _label(rate: Mapping[str, Any]) -> tuple[str, str]:
    groups = list(rate["groups"].items())
    name = groups[0][1]["figure"]
    figure, axes = _axes("", name)
    _bars(axes, range(len(groups)), [one for _, one in groups], 0, None, line=False)
    axes.set_xticks(
        range(len(groups)),
        [f"{_plain(value)}\nn = {one['n']:,}" for value, one in groups],
        rotation=0 if len(groups) < 6 else 60,
        fontsize=7,
    )
    axes.set_ylim(bottom=0)
    return _svg(figure), f"{name} by {rate['label']}: {len(groups)} values, each with its interval."


def _conditions(document: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Draw FNIR, and FNMR, of every condition."""
    pictures = {}
    for name in ("FNIR", "FNMR"):
        rows = [
            (one["condition"], next((row for row in one["figures"] if row["figure"] == name), None))
            for one in document["conditions"]
        ]
        shown = [(condition, row) for condition, row in rows if row]
        if shown:
            figure, axes = _axes("", f"{name} at the threshold from clean probes")
            _bars(axes, range(len(shown)), [row for _, row in shown], 0, None, line=False)
            axes.set_xticks(range(len(shown)), [_plain(condition) for condition, _ in shown], rotation=45)
            axes.set_ylim(bottom=0)
            said = f"{name} under {len(shown)} conditions of the probes, with intervals."
            pictures[f"conditions-{name.lower()}"] = (_svg(figure), said)
    return pictures


def _plain(text: str) -> str:
    """Return a text that matplotlib does not read as mathematics."""
    return text.replace("$", r"\$")[:40]


def _axes(x: str, y: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlabel=x, ylabel=y)
    return figure, axes


def _bars(
    axes: Any,
    x: Sequence[float],
    rows: Sequence[Mapping[str, Any]],
    place: int,
    label: str | None,
    line: bool = True,
) -> None:
    values = [row["value"] for row in rows]
    ends = [[row["value"] - row["low"] for row in rows], [row["high"] - row["value"] for row in rows]]
    axes.errorbar(
        list(x),
        values,
        yerr=[[max(0.0, end) for end in side] for side in ends],
        fmt="o-" if line else "o",
        color=(INK, SECOND, "#5d6b1d", "#6b4a8c", "#1c1e20")[place % 5],
        label=label,
        capsize=3,
        markersize=4,
    )


def _svg(figure: Any) -> str:
    made = BytesIO()
    figure.savefig(made, format="svg", metadata={"Date": None, "Creator": None})
    return made.getvalue().decode()
