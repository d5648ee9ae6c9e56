"""What zip and tar archives have in common: names that may be hostile, and a manifest among them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lineament.core.words import is_plain
from lineament.errors import FileMissing, SourceUnreadable
from lineament.sources.manifest import NAMES

MEMBERS_MAX = 1_000_000  # of one archive
_LEADS_OUT = re.compile(r"[/\\]|[A-Za-z]:|(.*[/\\])?\.\.([/\\]|$)", re.DOTALL)


def name_refusal(name: str) -> FileMissing | None:
    """Return why a member of this name is not read, if it is not."""
    if not is_plain(name):
        return FileMissing("The member's name is not plain text; rename it.")
    if _LEADS_OUT.match(name):
        return FileMissing("The member's name leads out of the archive.")
    return None


def visible(name: str) -> str:
    """Return a member's name in its shortest form; nothing for what is hidden, as in a folder."""
    if name_refusal(name):
        return name
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return "" if any(part.startswith(".") for part in parts) else "/".join(parts)


def may_be_manifest(name: str) -> bool:
    """Say whether a member may be the manifest of its archive."""
    return name.count("/") <= 1 and name.rpartition("/")[2] in NAMES


def find_manifest(names: Iterable[str]) -> str | None:
    """Return the name of the manifest at the top of an archive, or in the one folder that all lies in.

    Raises SourceUnreadable where there are several.
    """
    tops: set[str] = set()
    found = []
    for name in names:
        if len(tops) < 2:
            tops.add(name.partition("/")[0] if "/" in name else "")
        if may_be_manifest(name):
            found.append(name)
    counting = [name for name in found if "/" not in name] or (found if len(tops) == 1 else [])
    return the_one(counting)


def the_one(manifests: list[str]) -> str | None:
    """Return the only manifest, if there is one. Raises SourceUnreadable where there are several."""
    if len(manifests) > 1:
        raise SourceUnreadable(f"There are {' and '.join(manifests)}: keep the one that counts.")
    return manifests[0] if manifests else None
