"""The sample collection through every kind of source, and back out: nothing is lost on the way."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.progress import track

from lineament.app import sign_in
from lineament.app.export_collection import export_collection
from lineament.app.installation import Installation
from lineament.app.stored import image_bytes
from lineament.records import images
from lineament.records.schema import image
from lineament.sources import Item, Source, open_source
from lineament.testing import make_collection, make_installation
from tests.samples import CONGRESS
from tests.sources import made, test_iiif
from tests.sources.internet import an_internet, http
from tests.sources.test_bucket import S3, set_environment

WHOLE = ("page_url", "caption", "date", "credit", "licence", "extra")


def rows() -> made.Rows:
    with (CONGRESS / "manifest.csv").open(newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    return [row | {"date": "2021-01-03", "licence": "https://opensource.org/license/mit"} for row in read]


def items(source: Source) -> list[Item]:
    listed = list(source)
    assert all(isinstance(one, Item) for one in listed)
    return [one for one in listed if isinstance(one, Item)]


def known(source: Source, *fields: str) -> list[tuple[object, ...]]:
    """What a source says of each photograph, and its bytes' digest, in the order of the links."""
    found = [
        (one.source_url, made.sha256(one.read()), *(getattr(one, field) for field in fields))
        for one in track(items(source), type(source).__name__)
    ]
    return sorted(found, key=lambda one: str(one[0]))


@pytest.mark.parametrize("manifest", list(made.MANIFESTS))
def test_in_folders_and_archives_everything_is_said_of_all_photographs(tmp_path: Path, manifest: str):
    """A folder, a zip and a tar.gz, each with all three kinds of manifest."""
    every = rows()
    folder = open_source(made.make_folder(tmp_path / "folder", every, manifest))
    expected = known(folder, *WHOLE)
    assert len(expected) == len(every) == 535
    assert sorted((one[2], one[3], one[6]) for one in expected) == sorted(
        (row["page_url"], row["caption"], row["licence"]) for row in every
    )
    for make, name in ((made.make_zip, "all.zip"), (made.make_tar, "all.tar.gz")):
        assert known(open_source(make(tmp_path / name, every, manifest)), *WHOLE) == expected


def test_in_a_web_archive_what_it_can_say_is_said(tmp_path: Path):
    """Links and dates; a WARC has no place for a caption."""
    every = rows()
    warc = made.warc_bytes(every)
    (tmp_path / "site.warc.gz").write_bytes(warc)
    expected = sorted(
        ((row["source_url"], made.sha256(made.photograph(row)), row["page_url"]) for row in every), key=str
    )
    assert known(open_source(tmp_path / "site.warc.gz"), "page_url") == expected
    wacz = made.make_wacz(tmp_path / "site.wacz", warc, [row["page_url"] for row in every])
    assert known(open_source(wacz), "page_url") == expected


@contextmanager
def s3_server(folder: Path) -> Iterator[S3]:
    """Run an S3 server, and lead this process to it."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    said = folder / "said"
    with (
        said.open("w") as out,
        subprocess.Popen(command, stdout=out, stderr=out) as server,
        pytest.MonkeyPatch.context() as environment,
    ):
        while not (found := re.search(r"Running on http://127\.0\.0\.1:(\d+)", said.read_text())):
            time.sleep(0.05)
        set_environment(environment, f"http://127.0.0.1:{found[1]}")
        client = S3(int(found[1]))
        yield client
        client.close()
        server.kill()


def test_in_a_bucket_everything_is_said_of_all_photographs(tmp_path: Path):
    """A manifest beside the objects, as in a folder."""
    every = rows()
    expected = known(open_source(made.make_folder(tmp_path / "folder", every, "manifest.csv")), *WHOLE)
    with s3_server(tmp_path) as s3:
        name = s3.bucket(**{row["path"]: made.photograph(row) for row in every})
        s3.put(f"{name}/manifest.csv", made.csv_bytes(every))
        assert known(open_source(f"s3://{name}/manifest.csv"), *WHOLE) == expected


def test_in_a_manifest_of_iiif_what_a_museum_says_is_said():
    """Captions, dates, credits, licences and pages; the links are those of the museum."""
    every = rows()
    canvases = [
        test_iiif.canvas(
            row["path"],
            test_iiif.image(f"/{row['path']}"),
            label={"none": [row["caption"]]},
            navDate=f"{row['date']}T00:00:00Z",
            rights=row["licence"],
            requiredStatement={"label": {"en": ["Credit"]}, "value": {"none": [row["credit"]]}},
            homepage=[{"id": row["page_url"], "type": "Text"}],
        )
        for row in every
    ]
    album = test_iiif.manifest(*canvases)
    files = {f"/{row['path']}": http(made.photograph(row), Content_Type="image/jpeg") for row in every}
    with an_internet() as net:
        net.site({**test_iiif.served(album), **files})
        source = open_source(test_iiif.ALBUM, net.fetcher())
        found = known(source, "page_url", "credit", "licence")
        captions = [one.caption or "" for one in items(source)]
    assert found == sorted(
        (
            (
                f"{test_iiif.BASE}/{row['path']}",
                made.sha256(made.photograph(row)),
                row["page_url"],
                row["credit"],
                row["licence"],
            )
            for row in every
        ),
        key=str,
    )
    words = [" ".join(row["caption"].split()) for row in every]  # as HTML reads it, which a label may be
    assert all(
        one.replace(" ,", ",") in caption.replace(" ,", ",")
        for one, caption in zip(words, captions, strict=True)
    )


def stored(installation: Installation) -> list[str]:
    """All that is known of every photograph of the collection, and its bytes."""
    with installation.records.read() as tx:
        there = images.images(tx, list(tx.execute(image.select()).scalars()))
    lines = []
    for one in there:
        said = {name: value for name, value in vars(one.provenance).items() if name != "version"}
        line = said | {
            "extra": dict(one.provenance.extra),
            "bytes": made.sha256(image_bytes(installation, one)),
        }
        lines.append(json.dumps(line, sort_keys=True))
    return sorted(lines)


def test_what_was_taken_in_comes_back_out_and_in_again(tmp_path: Path, installation: Installation):
    """Through real models, into the records, out into a folder, and into another installation."""
    source = made.make_folder(tmp_path / "folder", rows(), "manifest.jsonl")
    make_collection(installation, "archive", source)
    who = sign_in.operator(installation)
    done = export_collection(installation, who, "archive", tmp_path / "out")
    assert (done.images, done.faceless, done.lost) == (535, 0, [])
    other = make_installation(tmp_path / "other", None, installation.vision)
    make_collection(other, "archive", tmp_path / "out")
    assert stored(other) == stored(installation)
    assert len(stored(other)) == 535
    other.index.close()
    other.records.close()
