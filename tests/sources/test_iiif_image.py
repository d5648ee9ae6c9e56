"""The size at which an image is asked for is the smallest one that suits."""

from __future__ import annotations

from typing import Any

import pytest

from lineament.sources.iiif_image import image_address
from tests.sources.internet import MUSEUM

BASE = f"https://{MUSEUM}"
SERVICE = f"{BASE}/image/1"


def info3(
    width: int, height: int, level: str = "level2", sizes: Any = None, factors: Any = None, **more: Any
):
    return {
        "@context": "http://iiif.io/api/image/3/context.json",
        "type": "ImageService3",
        "profile": level,
        "width": width,
        "height": height,
        **({"sizes": [{"width": w, "height": h} for w, h in sizes]} if sizes else {}),
        **({"tiles": [{"width": 512, "scaleFactors": factors}]} if factors else {}),
        **more,
    }


def info2(width: int, height: int, level: int = 2, sizes: Any = None, factors: Any = None, **limits: int):
    return {
        **info3(width, height, sizes=sizes, factors=factors),
        "@context": "http://iiif.io/api/image/2/context.json",
        "type": None,
        "profile": [f"http://iiif.io/api/image/2/level{level}.json", limits],
    }


@pytest.mark.parametrize(
    ("info", "size"),
    [
        (info3(1200, 900), "max"),
        (info3(3000, 2000), "max"),
        (info3(6000, 4000), "2048,"),
        (info3(4000, 6000), "1366,"),
        (info3(8000, 6000, factors=[1, 2, 4, 8]), "4000,3000"),
        (info3(6001, 4001, factors=[1, 2]), "3001,2001"),
        (info3(6001, 4001, "level1", factors=[1, 2]), "3001,"),
        (info3(6000, 4000, sizes=[(2048, 1365), (3000, 2000)]), "2048,1365"),
        (info3(6000, 4000, "level0", sizes=[(750, 500), (3000, 2000)]), "3000,2000"),
        (info3(6000, 4000, "level0", sizes=[(750, 500)], factors=[1, 2]), "max"),
        (info3(6000, 4000, "level0", sizes=[(750, 500), (6000, 4000)]), "max"),
        (info3(6000, 4000, sizes=[(3000, 2000)], maxWidth=2500), "2048,"),
        (info3(12000, 8000, sizes=[(3000, 2000), (6000, 4000)], maxArea=7_000_000), "3000,2000"),
        (info3(12000, 8000, maxWidth=1000), "max"),
        (info3(12000, 200, maxHeight=100, maxWidth=9000), "2048,"),
        (info2(1200, 900), "full"),
        (info2(6000, 4000), "2048,"),
        (info2(6000, 4000, sizes=[(3000, 2000)]), "3000,"),
        (info2(6000, 4000, 0, sizes=[(3000, 2000)], factors=[1, 2]), "3000,"),
        (info2(6000, 4000, 0), "full"),
        (info2(6000, 4000, maxWidth=1000), "max"),
        ({**info2(0, 0), "width": "wide"}, "full"),
        ({"type": "ImageService3"}, "max"),
        ({"@context": ["http://example.org", "http://iiif.io/api/image/2/context.json"]}, "full"),
        (
            info3(6000, 4000, sizes=[("a", None), (True, 1), (1e9, 1e9)], factors=["x", 0, -1, None, True]),
            "2048,",
        ),
    ],
)
def test_the_size_is_the_nearest_above_2048_pixels_that_is_offered(info: dict[str, Any], size: str):
    """In the words of either version, within the service's limits; level 0 offers only what it lists."""
    assert image_address(SERVICE, info) == f"{SERVICE}/full/{size}/0/default.jpg"
