"""The one door to every kind of source."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from lineament.core.words import plain
from lineament.errors import SourceUnreadable
from lineament.sources.archive import TarSource, ZipSource
from lineament.sources.bucket import open_bucket, read_object
from lineament.sources.extras import require_extra
from lineament.sources.folder import FolderSource
from lineament.sources.iiif import open_iiif
from lineament.sources.manifest import NAMES, ManifestSource
from lineament.sources.members import the_one
from lineament.sources.protocol import Source
from lineament.sources.web_manifest import WebManifest

if TYPE_CHECKING:
    from lineament.sources.fetch import Fetcher

MANIFESTS = (".csv", ".jsonl", ".parquet")
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
WARCS = (".warc", ".warc.gz")


def open_source(place: str | Path, fetch: Fetcher | None = None) -> Source:
    """Open a folder, a manifest, an archive, or an address; docs/sources.md says what each may hold.

    ``fetch`` fetches from the web where the operator has turned that on. Raises SourceUnreadable for what is
    not there or of no kind that is read, ExtraMissing where a library is missing that reads it, and what
    ``Fetcher.fetch``, ``open_iiif`` and ``open_bucket`` raise.
    """
    if isinstance(place, str) and "://" in place:
        return _open_address(place, fetch)
    path, shown = Path(place), plain(str(place))
    try:
        if path.is_dir():
            found = the_one([name for name in NAMES if (path / name).is_file()])
            return ManifestSource(path / found, read_object) if found else FolderSource(path)
        if path.is_file():
            return _open_file(path, fetch)
    except OSError as error:
        raise SourceUnreadable(f"{shown} cannot be read: {error.strerror}.") from error
    except ValueError as error:  # a NUL in the name
        raise SourceUnreadable(f"{shown} is no name of a file or folder.") from error
    raise SourceUnreadable(f"There is no file or folder at {shown}.")


def _open_file(path: Path, fetch: Fetcher | None) -> Source:
    name = path.name.lower()
    if name.endswith(MANIFESTS):
        return ManifestSource(path, read_object)
    if name.endswith(".zip"):
        return ZipSource(path)
    if name.endswith(TARS):
        return TarSource(path)
    if name.endswith(".json"):
        return open_iiif(path, fetch)
    if name.endswith((*WARCS, ".wacz")):
        require_extra("warc", "warcio")
        from lineament.sources.warc import WaczSource, WarcSource

        return WaczSource(path) if name.endswith(".wacz") else WarcSource(path)
    raise SourceUnreadable(
        f"{plain(path.name)} is of no kind that is read: a manifest ends in .csv, .jsonl or .parquet, one of "
        "IIIF in .json, and an archive in .zip, .tar, .tar.gz, .tar.bz2, .tar.xz, .warc, .warc.gz or .wacz."
    )


def _open_address(address: str, fetch: Fetcher | None) -> Source:
    scheme = address.partition("://")[0].lower()
    if scheme == "https":
        is_manifest = re.split(r"[?#]", address)[0].lower().endswith(MANIFESTS)
        return WebManifest(address, fetch) if is_manifest else open_iiif(address, fetch)
    if scheme in ("s3", "gs", "az"):
        return open_bucket(address)
    raise SourceUnreadable(f"'{plain(address)}' is of no kind that is read: https, s3, gs and az are.")
