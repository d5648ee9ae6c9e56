"""What the benchmarks of the index found: as lines, as tables in docs/index-performance.md, as pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENT = DOCS / "index-performance.md"
PICTURES = DOCS / "pictures"

Figures = dict[str, Any]

SEEN = 100_000  # faces from which on the memory of an index stands out from that of its process

FOUND = (
    "templates",
    "faces",
    "exact: first",
    "in ten",
    "above",
    "ours: first",
    "in ten",
    "above",
    "same ten",
)
TIMES = (
    "templates", "faces", "identification, p50 and p99", "of strangers", "investigation, p50 and p99",
    "processor time", "reading alone", "times reading", "64 at once", "in 10 % of it", "in 0.1 %",
)  # fmt: skip
COSTS = (
    "templates", "faces", "in float32", "adds", "removes", "purge", "rewritten", "memory a face",
    "disk a face", "opens in", "read for it", "first search",
)  # fmt: skip
BITS = ("templates", "faces", "bits", "what is listed", "mate first", "mate in ten", "same ten")


def found(one: Figures) -> list[str]:
    """What is found, beside an exact search: of all mated probes, and as a share of what that finds."""
    exact = (one["exact_first"], one["exact_in_ten"], one["exact_above"])
    ours = (one["first"], one["in_ten"], one["above"], one["same_ten"])
    return [*_name(one), *(f"{100 * share:.1f} %" for share in exact), *(f"{share:.4f}" for share in ours)]


def times(one: Figures) -> list[str]:
    """What searches take, and reading the bytes that one of them scans."""
    reading, within = _reading(one), one["within"]
    return [
        *_name(one),
        _pair(one["identification"]),
        _pair(one["identification_of_strangers"]),
        _pair(one["investigation"]),
        f"{short(one['investigation']['cpu'])} ms",
        f"{short(reading)} ms",
        f"{one['identification']['p50'] / reading:.1f} and {one['investigation']['p50'] / reading:.1f}",
        f"{one['batch']:,.0f}/s",
        *(f"{within[share]['p50'] / within['1.0']['p50']:.2f}x" for share in ("0.1", "0.001")),
    ]


def costs(one: Figures) -> list[str]:
    """What changes take, and room."""
    return [
        *_name(one),
        f"{one['in_memory']:,}",
        f"{one['adds']:,.0f}/s",
        f"{one['removes']:,.0f}/s",
        f"{one['purge']:.2f} s",
        f"{one['rewritten'] / 1e6:,.0f} MB",
        f"{one['ram']:,.0f} B" if one["faces"] >= SEEN else "",
        f"{one['disk']:,.0f} B" if one["disk"] else "",
        f"{one['open']:.2f} s" if one["opened"] else "nothing on disk",
        f"{one['open_read'] / 1e6:,.0f} MB" if one["opened"] else "",
        f"{short(1000 * one['first_search'])} ms" if one["opened"] else "",
    ]


def roundings(one: Figures) -> list[list[str]]:
    """What codes of few bits find, as a share of what exact search finds."""
    return [
        [*_name(one), bits, what, *(f"{shares[name]:.4f}" for name in ("first", "in_ten", "same_ten"))]
        for bits, ways in one["bits"].items()
        for what, shares in ways.items()
    ]


def told(one: Figures) -> list[str]:
    """Return the figures of one size, a line each."""
    if one["kind"] == "bits":
        return ["  " + "; ".join(row[2:]) for row in roundings(one)]
    rows = (
        zip(head, row(one), strict=True) for head, row in ((FOUND, found), (TIMES, times), (COSTS, costs))
    )
    lines = ["  " + "; ".join(f"{title} {value}" for title, value in list(row)[2:]) for row in rows]
    memory = f"  two threads read {one['memory'] / 1e9:.1f} GB/s"
    return [memory, *lines, f"  found after removal: {one['still_found']} of {one['removed']:,}"]


def write_report(every: Sequence[Figures]) -> None:
    """Put tables into the document, and the pictures beside it."""
    scans = [one for one in every if one["kind"] == "scan"]
    bits = [one for one in every if one["kind"] == "bits"]
    rates = [one["memory"] / 1e9 for one in scans]
    put("scan", [
        *dict.fromkeys(one["machine"] for one in scans),
        "", f"Two threads read {min(rates):.0f} to {max(rates):.0f} GB of memory a second.",
        "", "![Time and room over the number of faces](pictures/index-size.svg)",
        "", *table(FOUND, map(found, scans)),
        "", *table(TIMES, map(times, scans)),
        "", *table(COSTS, map(costs, scans)),
    ])  # fmt: skip
    put("bits", [
        "![What codes of few bits find](pictures/index-bits.svg)",
        "", *table(BITS, [row for one in bits for row in roundings(one)]),
    ])  # fmt: skip
    if scans:
        draw_sizes(scans)
    if bits:
        draw_bits(bits)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table in Markdown."""
    ruler = "|" + "--:|" * len(head)
    return [f"| {' | '.join(head)} |", ruler, *(f"| {' | '.join(row)} |" for row in rows)]


def put(name: str, lines: Sequence[str]) -> None:
    """Replace what stands between the two marks of this name in the document, or add them."""
    begin, end = f"<!-- {name}: begin, written by benchmarks/index -->", f"<!-- {name}: end -->"
    text = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else "# What the index costs\n"
    if begin not in text:
        text += f"\n{begin}\n{end}\n"
    before, _, rest = text.partition(begin)
    after = rest.partition(end)[2]
    DOCUMENT.write_text("\n".join([before + begin, "", *lines, "", end]) + after, encoding="utf-8")


def draw_sizes(scans: Sequence[Figures]) -> None:
    """Draw time and room over the number of faces."""
    picture, (left, right) = _axes(2)
    for colour, dimension in zip(("C0", "C1"), sorted({one["dimension"] for one in scans}), strict=False):
        mine = [one for one in scans if one["dimension"] == dimension]
        faces = [one["faces"] for one in mine]
        for style, title, values in (
            ("o-", "investigation, p50", [one["investigation"]["p50"] for one in mine]),
            ("^--", "identification, p50", [one["identification"]["p50"] for one in mine]),
            (":", "reading what is scanned", [_reading(one) for one in mine]),
        ):
            left.plot(faces, values, style, color=colour, label=f"{dimension}-D {title}", markersize=4)
        memory = [one["ram"] if one["faces"] >= SEEN else float("nan") for one in mine]
        right.plot(faces, memory, "o-", color=colour, label=f"{dimension}-D memory")
        right.plot(
            faces,
            [one["disk"] or float("nan") for one in mine],
            "^--",
            color=colour,
            label=f"{dimension}-D disk",
        )
    left.set(xscale="log", yscale="log", xlabel="faces", ylabel="milliseconds", title="one search")
    right.set(xscale="log", xlabel="faces", ylabel="bytes a face", title="room", ylim=0)
    _save(picture, "index-size.svg", (left, right))


def draw_bits(every: Sequence[Figures]) -> None:
    """Draw what is found over the bits of a code, for the largest gallery of each dimension."""
    picture, (left, right) = _axes(2)
    for colour, dimension in zip(("C0", "C1"), sorted({one["dimension"] for one in every}), strict=False):
        one = max((one for one in every if one["dimension"] == dimension), key=lambda one: one["faces"])
        for style, what in ((":", "alone"), ("o-", "best 300 scored exactly")):
            bits = [int(number) for number in one["bits"]]
            for axes, share in ((left, "first"), (right, "same_ten")):
                values = [ways[what][share] for ways in one["bits"].values()]
                label = f"{dimension}-D, {what}"
                axes.plot(bits, values, style, color=colour, label=label, markersize=4)
    left.set(xlabel="bits", title="mates that come first, of those of exact search", xticks=[1, 2, 3, 4])
    right.set(xlabel="bits", title="of the ten nearest, found", xticks=[1, 2, 3, 4])
    _save(picture, "index-bits.svg", (left, right))


def _axes(number: int) -> Any:
    import matplotlib as mpl  # noqa: PLC0415 - only pictures need it

    mpl.use("svg")
    mpl.rcParams.update(
        {"svg.hashsalt": "lineament", "svg.fonttype": "none", "font.size": 8, "axes.grid": True}
    )
    from matplotlib import pyplot  # noqa: PLC0415

    return pyplot.subplots(1, number, figsize=(8, 3))


def _save(picture: Any, name: str, axes: Sequence[Any]) -> None:
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.grid(alpha=0.3)
        one.legend(frameon=False, fontsize=6)
    picture.tight_layout()
    PICTURES.mkdir(exist_ok=True)
    picture.savefig(PICTURES / name, metadata={"Date": None})


def _name(one: Figures) -> list[str]:
    return [f"{one['dimension']}-D", f"{one['faces']:,}"]


def _reading(one: Figures) -> float:
    """Return the milliseconds that two threads need to read what one search scans."""
    return 1000 * one["scanned"] / one["memory"]


def _pair(quantiles: dict[str, float]) -> str:
    return f"{short(quantiles['p50'])} and {short(quantiles['p99'])} ms"


def short(value: float) -> str:
    """Return a number with about two digits."""
    return f"{value:,.{0 if value >= 100 else 1 if value >= 1 else 2}f}"
