"""Write the default pack's centre: what the vectors of most faces share.

    python benchmarks/accuracy/centre.py

It is the mean of the vectors (of length 1) of the sample portraits, one a person, before any centre is taken
from them. Copy the digest that is printed into pack.toml, then measure the pack again with measure.py.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.progress import track

from lineament.vision.pack import DEFAULT_PACK, load_pack
from lineament.vision.pipeline import Vision

PORTRAITS = Path(__file__).parents[2] / "samples" / "congress"


def main() -> None:
    rows = []
    with closing(Vision(replace(load_pack(), centre=None))) as vision:
        for path in track(sorted(PORTRAITS.glob("*.jpg")), "Embedding the sample portraits"):
            photograph = vision.read(path.read_bytes())
            face = max(vision.detect(photograph), key=lambda one: one.quality.inter_eye_distance)
            rows.append(vision.embed(photograph, [face])[0])
    centre = [round(float(value), 6) for value in np.mean(rows, axis=0)]
    content = json.dumps(centre).encode() + b"\n"
    (DEFAULT_PACK / "centre.json").write_bytes(content)
    print(f"{len(rows)} portraits; sha256 = {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
