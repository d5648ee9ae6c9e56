"""The same twelve sample photographs as every kind of source."""

import csv
import gzip
import hashlib
import io
import json
import random
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from lineament.errors import SourceError, SourceUnreadable
from lineament.sources import Item, open_source
from tests.samples import CONGRESS

Rows = list[dict[str, str]]

MEGABYTE = 1024 * 1024


def sample_rows() -> Rows:
    """The first twelve rows of the sample manifest, with a date and a licence besides, and other scripts."""
    with (CONGRESS / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:12]
    for number, row in enumerate(rows):
        row |= {"date": f"2021-01-{number + 1:02}", "licence": "MIT", "remark": "café, „Ж“\u3000二  重"}
    return rows


def photograph(row: dict[str, str]) -> bytes:
    """The bytes that a row is about."""
    return (CONGRESS / row["path"]).read_bytes()


def csv_bytes(rows: Rows) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def jsonl_bytes(rows: Rows) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def parquet_bytes(rows: Rows, **options: object) -> bytes:
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), out, **options)
    return out.getvalue()


MANIFESTS: dict[str, Callable[[Rows], bytes]] = {
    "manifest.csv": csv_bytes,
    "manifest.jsonl": jsonl_bytes,
    "manifest.parquet": parquet_bytes,
}


def make_folder(folder: Path, rows: Rows, manifest: str) -> Path:
    """A folder with a manifest."""
    folder.mkdir()
    (folder / manifest).write_bytes(MANIFESTS[manifest](rows))
    for row in rows:
        (folder / row["path"]).write_bytes(photograph(row))
    return folder


def make_zip(file: Path, rows: Rows, manifest: str, inside: str = "") -> Path:
    """A zip archive with a manifest, in a folder of its own where one is named."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for row in rows:
            archive.writestr(inside + row["path"], photograph(row))
        archive.writestr(inside + manifest, MANIFESTS[manifest](rows))
    return file


def make_tar(file: Path, rows: Rows, manifest: str, inside: str = "") -> Path:
    """A tar archive, packed as its name says, with the manifest at the end."""
    kind = file.name.lower().rpartition(".")[2].replace("tgz", "gz")
    with tarfile.open(file, "w" if kind == "tar" else f"w:{kind}") as archive:
        for row in rows:
            add(archive, inside + row["path"], photograph(row))
        add(archive, inside + manifest, MANIFESTS[manifest](rows))
    return file


def zip_of(place: Path, **files: bytes) -> Path:
    """A zip archive of these files."""
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return place


def add(archive: tarfile.TarFile, name: str, data: bytes, **fields: object) -> None:
    """Put one member into a tar."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    archive.addfile(info, io.BytesIO(data))


def warc_bytes(rows: Rows, packed: bool = True) -> bytes:
    """A WARC with an answer and a request for each row: its page refers to the image. No more has a place."""
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=packed)
    writer.write_record(writer.create_warcinfo_record("site.warc.gz", {"software": "test"}))
    for row in rows:
        answer = StatusAndHeaders("200 OK", [("Content-Type", "image/jpeg")], protocol="HTTP/1.1")
        question = StatusAndHeaders("GET / HTTP/1.1", [("Referer", row["page_url"])], is_http_request=True)
        data, said = photograph(row), {"WARC-Date": f"{row['date']}T12:00:00Z"}
        response = writer.create_warc_record(
            row["source_url"],
            "response",
            io.BytesIO(data),
            len(data),  # without it warcio leaves a temporary file open
            http_headers=answer,
            warc_headers_dict=said,
        )
        request = writer.create_warc_record(row["source_url"], "request", http_headers=question)
        writer.write_request_response_pair(request, response)
    return out.getvalue()


def make_wacz(file: Path, warc: bytes, pages: list[str], **changed: bytes) -> Path:
    """A WACZ with one WARC file; ``changed`` replaces members, by names with '__' for '/'."""
    lines = [{"format": "json-pages-1.0", "id": "pages", "title": "All pages"}]
    lines += [{"id": str(number), "url": page} for number, page in enumerate(pages)]
    files = {
        "archive/data.warc.gz": warc,
        "pages/pages.jsonl": "".join(json.dumps(line) + "\n" for line in lines).encode(),
    }
    resources = [
        {"name": name, "path": name, "hash": f"sha256:{sha256(data)}", "bytes": len(data)}
        for name, data in files.items()
    ]
    package = json.dumps({"profile": "data-package", "resources": resources}).encode()
    digest = {"path": "datapackage.json", "hash": f"sha256:{sha256(package)}"}
    files |= {"datapackage.json": package, "datapackage-digest.json": json.dumps(digest).encode()}
    files |= {name.replace("__", "/"): data for name, data in changed.items()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file


def outcome(place: Path) -> list[tuple[str, object]]:
    """Every path with the length of its bytes, or with the error that stands in their way."""
    found: list[tuple[str, object]] = []
    try:
        for one in open_source(place):
            try:
                found.append((one.path, len(one.read()) if isinstance(one, Item) else type(one.error)))
            except SourceError as error:
                found.append((one.path, type(error)))
    except SourceUnreadable as error:
        found.append(("", type(error)))
    return found


def chance(seed: int) -> random.Random:
    """What is drawn at random, the same each time."""
    return random.Random(seed)  # noqa: S311


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def bomb(size: int) -> bytes:
    """Zeros, packed by gzip."""
    return gzip.compress(bytes(size))
