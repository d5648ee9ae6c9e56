"""How well copies of a photograph are told from others: the bits that their fingerprints differ in.

python benchmarks/collections/copies.py samples/congress [--every 4] [--others FOLDER]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from lineament.app.copies import NEAR
from lineament.vision.fingerprint import fingerprint

Change = Callable[[Image.Image], Image.Image]


def saved(image: Image.Image, kind: str, **options: int) -> Image.Image:
    out = BytesIO()
    image.save(out, kind, **options)
    return Image.open(out)


def scaled(factor: float, how: Image.Resampling) -> Change:
    return lambda image: image.resize((round(image.width * factor), round(image.height * factor)), how)


def cropped(share: float, sides: str) -> Change:
    """Cut a share of each side off, or of the left and top alone."""

    def change(image: Image.Image) -> Image.Image:
        x, y = round(image.width * share), round(image.height * share)
        far = (image.width, image.height) if sides == "two" else (image.width - x, image.height - y)
        return image.crop((x, y, *far))

    return change


def bright(factor: float) -> Change:
    return lambda image: ImageEnhance.Brightness(image).enhance(factor)


def contrast(factor: float) -> Change:
    return lambda image: ImageEnhance.Contrast(image).enhance(factor)


def bordered(image: Image.Image) -> Image.Image:
    return ImageOps.expand(image, border=round(image.width * 0.02), fill="white")


def worn(image: Image.Image) -> Image.Image:
    """What comes back from a newspaper's archive: small, grey, and saved at a low quality."""
    return saved(
        scaled(0.4, Image.Resampling.BILINEAR)(image.convert("L").convert("RGB")), "JPEG", quality=40
    )


CHANGES: dict[str, Change] = {
    **{f"JPEG at quality {q}": lambda image, q=q: saved(image, "JPEG", quality=q) for q in (30, 50, 75, 95)},
    "WebP at quality 50": lambda image: saved(image, "WEBP", quality=50),
    **{f"scaled to {f:.0%}": scaled(f, Image.Resampling.BICUBIC) for f in (0.25, 0.5, 0.75, 1.5, 2)},
    "scaled to 25 %, nearest pixels": scaled(0.25, Image.Resampling.NEAREST),
    **{f"cropped by {s:.0%} on every side": cropped(s, "four") for s in (0.01, 0.02, 0.03, 0.05)},
    **{f"cropped by {s:.0%} on two sides": cropped(s, "two") for s in (0.01, 0.02, 0.03)},
    **{f"brightness times {f}": bright(f) for f in (0.7, 0.85, 1.15, 1.3)},
    **{f"contrast times {f}": contrast(f) for f in (0.7, 1.3)},
    "greyscale": lambda image: image.convert("L").convert("RGB"),
    "a white border of 2 %": bordered,
    "turned by one degree": lambda image: image.rotate(1, Image.Resampling.BICUBIC),
    "grey, 40 %, JPEG at quality 40": worn,
    "mirrored": ImageOps.mirror,
}


def print_of(image: Image.Image) -> NDArray[np.uint64]:
    return np.frombuffer(fingerprint(np.asarray(image.convert("RGB"))), np.uint64)


def apart(one: NDArray[np.uint64], others: NDArray[np.uint64]) -> NDArray[np.intp]:
    return np.bitwise_count(others ^ one).sum(1, dtype=np.intp)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=4, help="change every such photograph")
    parser.add_argument("--others", type=Path, help="a folder of photographs, all of which differ")
    options = parser.parse_args()
    files = sorted(options.folder.glob("*.jpg"))
    prints = np.stack([print_of(Image.open(file)) for file in files])
    changed: dict[str, list[int]] = {name: [] for name in CHANGES}
    for file, own in zip(files[:: options.every], prints[:: options.every], strict=True):
        image = Image.open(file).convert("RGB")
        for name, change in CHANGES.items():
            changed[name].append(int(apart(own, print_of(change(image))[None])[0]))
    print(f"{len(files[:: options.every])} photographs, each changed; bits of 256 apart")
    print(f"{'':34}{'median':>8}{'99 %':>6}{'most':>6}{'missed':>8}")
    for name, bits in changed.items():
        missed = np.mean(np.array(bits) > NEAR)
        print(f"{name:34}{np.median(bits):8.0f}{np.percentile(bits, 99):6.0f}{max(bits):6}{missed:8.1%}")
    for what, folder in (("the same folder", None), ("the other folder", options.others)):
        if folder or what == "the same folder":
            those = (
                prints
                if folder is None
                else np.stack([print_of(Image.open(f)) for f in folder.rglob("*.jpg")])
            )
            between(what, those)


def between(what: str, prints: NDArray[np.uint64]) -> None:
    """Print how far different photographs are apart, over all pairs."""
    counts = np.zeros(257, np.int64)
    for at in range(1, len(prints)):
        counts += np.bincount(apart(prints[at], prints[:at]), minlength=257)
    total, below = counts.sum(), np.cumsum(counts)
    nearest = np.flatnonzero(counts)[:8]
    print(
        f"{total:,} pairs of different photographs, {what}: the nearest are apart by {nearest.tolist()} bits;"
    )
    print("  " + ", ".join(f"{below[bits]:,} within {bits}" for bits in (10, 20, 30, 40, 50, 60, 70, 80)))
    print(f"  within NEAR = {NEAR}: {below[NEAR]:,}")


if __name__ == "__main__":
    main()
