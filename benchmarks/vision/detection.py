"""How small a face may be, how a photograph may lie, what is taken for a face, and what looking costs.

    LINEAMENT_EVAL=folder python benchmarks/vision/detection.py

Portraits of samples/congress are pasted into photographs so that every face of one has the same width. A face
is found where a box overlaps the place by half (intersection over union). With LINEAMENT_EVAL, whose ``lfw``
holds Labeled Faces in the Wild, 500 of its images are turned too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lineament.vision.boxes import intersection_over_union
from lineament.vision.detect import Detection, detect_faces, open_detector
from lineament.vision.pack import load_pack

CONGRESS = Path(__file__).parents[2] / "samples" / "congress"
MODEL = load_pack().detector
DETECTOR = open_detector(load_pack().content(MODEL), MODEL)
LONG_SIDES = (640, 1280, 4000)  # of the photographs, px
WIDTHS = (10, 12, 14, 16, 20, 24, 28, 32, 40, 60, 100, 200, 400, 800, 1600)  # of the faces, px
PHOTOGRAPHS, MOST_FACES = 6, 30  # a cell of the table, and a photograph
BACKGROUND = (110, 110, 110)
ALIKE = 0.05  # of the distance between the eyes: how far a landmark may be from where it is upright

NEAREST, BICUBIC = Image.Resampling.NEAREST, Image.Resampling.BICUBIC

Pixels = NDArray[np.uint8]
Known = tuple[Image.Image, Detection]


def main() -> None:
    portraits = cycle(list(known_portraits()))
    print("Recall, % (faces), by the width of the face (rows) and the photograph's long side (columns), px\n")
    print("| width | " + " | ".join(map(str, LONG_SIDES)) + " |")
    print("|--:|" + "--:|" * len(LONG_SIDES))
    for width in WIDTHS:
        print(f"| {width} | " + " | ".join(recall(portraits, side, width) for side in LONG_SIDES) + " |")
    turned("portraits of the sample", sorted(CONGRESS.glob("*.jpg"))[::5])
    if folder := os.environ.get("LINEAMENT_EVAL"):
        images = sorted((Path(folder) / "lfw").glob("*/*.jpg"))
        turned("images of LFW", images[:: len(images) // 500][:500])
    nobody()
    costs(portraits)


def found(pixels: Pixels) -> list[Detection]:
    return detect_faces(DETECTOR, pixels, MODEL)


def opened(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


def known_portraits() -> Iterator[Known]:
    for path in sorted(CONGRESS.glob("*.jpg"))[::4]:
        faces = found(np.asarray(opened(path)))
        if len(faces) == 1:
            yield opened(path), faces[0]


def pasted(
    portraits: Iterator[Known], side: int, width: int, most: int
) -> tuple[Pixels, NDArray[np.float64]]:
    """Return a photograph of side x 3/4 side px, and the (n, 4) boxes of the faces pasted into it."""
    canvas = Image.new("RGB", (side, side * 3 // 4), BACKGROUND)
    tile = min(2 * width, canvas.height)
    columns, rows = canvas.width // tile, canvas.height // tile
    boxes = []
    for place in np.random.default_rng(side + width).permutation(columns * rows)[:most]:
        portrait, face = next(portraits)
        box = face.box.astype(np.float64)
        cut = tile * (box[2] - box[0]) / width  # px of the portrait
        corner = ((box[:2] + box[2:] - cut) / 2).round()
        left, top = map(int, corner)
        part = portrait.crop((left, top, left + round(cut), top + round(cut)))
        at = np.array([place % columns, place // columns]) * tile
        canvas.paste(part.resize((tile, tile), Image.Resampling.LANCZOS), (int(at[0]), int(at[1])))
        boxes.append((box - np.tile(corner, 2)) * tile / round(cut) + np.tile(at, 2))
    return np.asarray(canvas), np.array(boxes)


def recall(portraits: Iterator[Known], side: int, width: int) -> str:
    if width > side / 2:
        return ""
    hits = []
    for _ in range(PHOTOGRAPHS):
        pixels, boxes = pasted(portraits, side, width, MOST_FACES)
        seen = np.stack([face.box for face in found(pixels)] or [np.zeros(4, np.float32)])
        hits += [bool(intersection_over_union(box, seen).max() >= 0.5) for box in boxes]
    return f"{100 * np.mean(hits):.0f} ({len(hits)})"


def turned(name: str, paths: list[Path]) -> None:
    """Print how many of the images that show one face upright show it there at each turn."""
    print(f"\n{name[0].upper()}{name[1:]} with one face, turned\n")
    print("| turned by | images | found there, upright again, % | other faces |\n|--:|--:|--:|--:|")
    for quarters in range(4):
        total = right = others = 0
        for path in paths:
            pixels = np.asarray(opened(path))
            upright = found(pixels)
            if len(upright) != 1:
                continue
            faces = found(np.ascontiguousarray(np.rot90(pixels, quarters)))
            x, y = upright[0].landmarks.T
            right_edge, bottom = pixels.shape[1] - 1, pixels.shape[0] - 1
            here = ((x, y), (y, right_edge - x), (right_edge - x, bottom - y), (bottom - y, x))[quarters]
            apart = [float(np.hypot(*(face.landmarks.T - here)).max()) for face in faces]
            eyes = float(np.hypot(x[1] - x[0], y[1] - y[0]))
            same = min(apart, default=np.inf) <= ALIKE * eyes + 1
            total, right, others = total + 1, right + same, others + len(faces) - same
        print(f"| {90 * quarters} | {total} | {100 * right / total:.1f} | {others} |")


def nobody() -> None:
    """Print how many faces are seen in pictures that show none."""
    noise = np.random.default_rng(5)
    textures: list[Pixels] = []
    for cells in (3, 6, 12, 25, 50, 100, 200, 400) * 20:
        coarse = Image.fromarray(noise.integers(0, 255, (cells, cells, 3), np.uint8))
        textures += [np.asarray(coarse.resize((800, 800), way)) for way in (NEAREST, BICUBIC)]
    backgrounds = []
    for path in sorted(CONGRESS.glob("*.jpg"))[::4]:
        pixels = np.array(opened(path))
        for face in found(pixels):
            margin = (face.box[2] - face.box[0]) / 4
            left, top = (face.box[:2] - margin).clip(0).astype(int)
            right, bottom = (face.box[2:] + margin).astype(int)
            pixels[top:bottom, left:right] = BACKGROUND
        backgrounds.append(pixels)
    print("\nPhotographs without a face\n\n| pictures | number | faces | of them turned |\n|---|--:|--:|--:|")
    for name, pictures in (("textures", textures), ("portraits, the face painted over", backgrounds)):
        scores = np.array([face.score for picture in pictures for face in found(picture)])
        print(f"| {name} | {len(pictures)} | {scores.size} | {(scores >= MODEL.strong_score).sum()} |")


def costs(portraits: Iterator[Known]) -> None:
    """Print the median time that one thread takes."""
    print("\n| photograph | width of the faces, px | faces | ms |\n|---|---|--:|--:|")
    for side, width, most in (
        (640, 200, 1), (1280, 200, 5), (2000, 200, 5), (4000, 400, 5), (4000, 40, 100), (4000, 0, 0),
    ):  # fmt: skip
        pixels = np.full((side * 3 // 4, side, 3), BACKGROUND, np.uint8)
        if most:
            pixels, _ = pasted(portraits, side, width, most)
        times = []
        for _ in range(7):
            start = time.perf_counter()
            number = len(found(pixels))
            times.append(1000 * (time.perf_counter() - start))
        print(f"| {side} x {side * 3 // 4} | {width or ''} | {number} | {median(times):.0f} |")


if __name__ == "__main__":
    main()
