"""The photographs that the vision benchmarks run on, made of the samples that ship."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

PORTRAITS = Path(__file__).parents[2] / "samples" / "congress"
QUALITY = 90  # of the JPEGs, 4:2:0 as cameras write them


def portraits(number: int) -> list[bytes]:
    """Return JPEGs of 640 x 640 px with one face each."""
    paths = sorted(PORTRAITS.glob("*.jpg"))[:number]
    return [
        _jpeg(Image.open(path).convert("RGB").resize((640, 640), Image.Resampling.LANCZOS)) for path in paths
    ]


def groups(number: int) -> list[bytes]:
    """Return JPEGs of 4000 x 3000 px (12 MP) with five faces each, on a background with a camera's noise."""
    paths = sorted(PORTRAITS.glob("*.jpg"))
    made = []
    for at in range(number):
        noise = np.random.default_rng(at)
        coarse = Image.fromarray(noise.integers(40, 200, (6, 8, 3), np.uint8))
        smooth = np.asarray(coarse.resize((4000, 3000), Image.Resampling.BICUBIC), np.int16)
        grain = noise.normal(0, 4, (3000, 4000, 1)).astype(np.int16)
        picture = Image.fromarray((smooth + grain).clip(0, 255).astype(np.uint8))
        for place, path in enumerate(paths[5 * at : 5 * at + 5]):
            person = Image.open(path).convert("RGB").resize((760, 760), Image.Resampling.LANCZOS)
            picture.paste(person, (20 + 790 * place, 300 + 900 * (place % 3)))
        made.append(_jpeg(picture))
    return made


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
