"""How fast each kind of source is read: `python benchmarks/sources/measure.py`, from the repository's root.

The limit is the folder: the same bytes as files of their own. What is printed is a ratio to it, too.
"""

from __future__ import annotations

import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from lineament.sources import open_source
from tests.sources import made

COUNT, BYTES, ROWS = 4_000, 100_000, 50_000
PHOTOGRAPHS = [made.chance(number).randbytes(BYTES) for number in range(50)]


def data(number: int) -> bytes:
    return PHOTOGRAPHS[number % len(PHOTOGRAPHS)]


def rows(count: int) -> made.Rows:
    address = "https://archive.example/"
    said = {
        "page_url": address,
        "caption": "On the steps, noon",
        "date": "1927-10-29",
        "credit": "The archive",
    }
    return [{"path": f"{n}.jpg", "source_url": f"{address}{n}.jpg", **said} for n in range(count)]


def make_all(folder: Path) -> list[Path]:
    places = [
        folder / name for name in ("folder", "reel.zip", "reel.tar", "reel.tar.gz", "a.warc.gz", "a.wacz")
    ]
    plain, packed, tar, tar_gz, warc, wacz = places
    plain.mkdir()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(COUNT):
            (plain / f"{number}.jpg").write_bytes(data(number))
            archive.writestr(f"{number}.jpg", data(number))
    for place, mode in ((tar, "w"), (tar_gz, "w:gz")):
        with tarfile.open(place, mode) as archive:
            for number in range(COUNT):
                made.add(archive, f"{number}.jpg", data(number))
    made.photograph = lambda row: data(int(row["path"].removesuffix(".jpg")))
    warc.write_bytes(made.warc_bytes(rows(COUNT)))
    made.make_wacz(wacz, warc.read_bytes(), [])
    return places


def seconds(place: Path, read: bool) -> float:
    start = time.perf_counter()
    for one in open_source(place):
        if read:
            one.read()
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, limit = Path(name), 0.0
        for place in make_all(folder):
            took = seconds(place, read=True)
            limit = limit or took
            print(f"{place.name:12} {COUNT / took:8,.0f} photographs/s   {limit / took:5.2f} of the folder")
        (folder / "0.jpg").write_bytes(data(0))
        lines = [row | {"path": "0.jpg"} for row in rows(ROWS)]
        for manifest, written in made.MANIFESTS.items():
            (folder / manifest).write_bytes(written(lines))
            print(f"{manifest:18} {ROWS / seconds(folder / manifest, read=False):8,.0f} rows/s")


if __name__ == "__main__":
    main()
