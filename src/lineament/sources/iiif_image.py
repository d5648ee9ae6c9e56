"""The IIIF Image API, versions 2 and 3: which address serves a photograph at the size that we want."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import ceil

from lineament.errors import SourceUnreadable
from lineament.sources.iiif_json import Node, address_of, kind_of, nodes

LONGER_SIDE = 2_048  # pixels: faces of 20 px and more in a group photograph; the detector looks at no more
_SIDE_MAX = 1_000_000
_VERSION = re.compile(r"iiif\.io/api/image/([23])")
_LEVEL = re.compile(r"level([012])\b")


def service_of(image: Node) -> str | None:
    """Return the address of an image's service of version 2 or 3, or None."""
    for service in nodes(image.get("service")):
        if _version(service) and address_of(service):
            return address_of(service).removesuffix("/")
    return None


def image_address(service: str, info: Node) -> str:
    """Return the address of the smallest image with a longer side of at least 2,048 px that is offered.

    Where none is, a service that scales is asked for that side, and any other for the largest it has. Raises
    SourceUnreadable for what is no image information.
    """
    version = _version(info)
    if not version:
        raise SourceUnreadable(f"{service}/info.json is no image information of IIIF version 2 or 3.")
    size = _size(info, version)
    return f"{service}/full/{size}/0/default.jpg"


def _version(node: Node) -> str | None:
    kind = kind_of(node)
    if kind in {"ImageService2", "ImageService3"}:
        return kind[-1]
    return _first(_VERSION, node.get("@context")) or _first(_VERSION, node.get("profile"))


def _size(info: Node, version: str) -> str:
    full = _sides(info)
    limits = _limits(info)
    largest = "max" if version == "3" or limits else "full"
    if full is None:
        return largest
    level = int(_first(_LEVEL, info.get("profile")) or 0)
    offered = {size for node in nodes(info.get("sizes")) if (size := _sides(node))}
    if level > 0:
        offered |= {(ceil(full[0] / by), ceil(full[1] / by)) for by in _scale_factors(info)}
    offered = {size for size in offered if max(size) >= LONGER_SIDE and _is_within(size, limits)}
    best = min(offered, key=max, default=full)
    if level > 0 and max(best) > 2 * LONGER_SIDE:  # twice as large costs the server less than to scale anew
        scaled = (ceil(full[0] * LONGER_SIDE / max(full)), ceil(full[1] * LONGER_SIDE / max(full)))
        return f"{scaled[0]}," if _is_within(scaled, limits) else largest
    if best == full or not offered:
        return largest
    names_both = version == "3" and level != 1  # as version 3 spells it, which level 1 need not know
    return f"{best[0]},{best[1]}" if names_both else f"{best[0]},"


def _limits(info: Node) -> tuple[int, int, int] | None:
    """Return the largest width, height and area; version 2 states them in a part of the profile."""
    for node in (info, *nodes(info.get("profile"))):
        width, height, area = (_number(node.get(f"max{name}")) for name in ("Width", "Height", "Area"))
        if width or height or area:
            return width or _SIDE_MAX, height or width or _SIDE_MAX, area or _SIDE_MAX**2
    return None


def _is_within(size: tuple[int, int], limits: tuple[int, int, int] | None) -> bool:
    return not limits or (size[0] <= limits[0] and size[1] <= limits[1] and size[0] * size[1] <= limits[2])


def _scale_factors(info: Node) -> Iterator[int]:
    for tiles in nodes(info.get("tiles")):
        factors = tiles.get("scaleFactors")
        yield from (by for one in factors if (by := _number(one))) if isinstance(factors, list) else ()


def _sides(node: Node) -> tuple[int, int] | None:
    width, height = _number(node.get("width")), _number(node.get("height"))
    return (width, height) if width and height else None


def _number(value: object) -> int | None:
    """Return a whole number of pixels above zero, or None."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 1 <= value <= _SIDE_MAX else None


def _first(pattern: re.Pattern[str], value: object) -> str | None:
    """Return what a pattern finds first in a text or a list of texts."""
    texts = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
    return next((found[1] for found in map(pattern.search, texts) if found), None)
