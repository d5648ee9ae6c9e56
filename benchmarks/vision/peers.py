"""Compare Lineament with other open pipelines, from JPEG bytes to vectors.

    for peer in uniface deepface face_recognition; do python -m venv .venv-peers/$peer; done
    .venv-peers/uniface/bin/pip install uniface onnxruntime
    .venv-peers/deepface/bin/pip install deepface tf-keras tensorflow-cpu
    .venv-peers/face_recognition/bin/pip install dlib-bin face_recognition_models click 'setuptools<81'
    .venv-peers/face_recognition/bin/pip install --no-deps face_recognition
    python benchmarks/vision/peers.py [--rounds N] [--environments FOLDER]

Each peer runs in its own process and with its own ways of using the cores; Lineament has one thread a core.
Lineament runs its default pack, which looks at every face twice and decodes in limited processes, and the
same two models alone ('plain': one look, no landmark model), which is what the peers compute. Rounds
alternate; medians are printed.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median

from pictures import groups, portraits
from throughput import process, seconds

from lineament.vision.pack import DEFAULT_PACK, load_pack
from lineament.vision.pipeline import Vision

PEERS = ("uniface", "deepface", "face_recognition")


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--environments", type=Path, default=Path(".venv-peers"))
    chosen = arguments.parse_args()
    peers = [name for name in PEERS if (chosen.environments / name / "bin" / "python").exists()]
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )
    for name in peers:
        print(f"{name}: {installed(chosen.environments / name)}")
    print("\n| photographs | pipeline | images/s | default pack is | plain is |")
    print("|---|---|---|---|---|")
    pack = load_pack()
    plain = replace(pack, landmarks=None, centre=None, embedder=replace(pack.embedder, mirror=False))
    with closing(Vision(pack)) as default, closing(Vision(plain)) as simple:
        for title, files in (("640 px portraits", portraits(41)), ("12 MP, five faces", groups(9))):
            compare(title, files, {"default pack": default, "plain": simple}, peers, chosen)


def compare(
    title: str, files: list[bytes], ours: dict[str, Vision], peers: list[str], chosen: argparse.Namespace
) -> None:
    """Print one table row a pipeline: images a second, and how many times as fast ours are."""
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for at, file in enumerate(files):
            (Path(folder) / f"{at:03}.jpg").write_bytes(file)
        for _ in range(chosen.rounds):
            for name, vision in ours.items():
                process(vision, files[0])
                took = seconds([lambda file=file, vision=vision: process(vision, file) for file in files[1:]])
                rates.setdefault(name, []).append((len(files) - 1) / took)
            for name in peers:
                python = chosen.environments / name / "bin" / "python"
                rates.setdefault(name, []).append(peer_rate(python, name, folder))
    default, plain = (median(rates[name]) for name in ours)
    for name, measured in rates.items():
        rate = median(measured)
        print(f"| {title} | {name} | {rate:.2f} | {default / rate:.1f}x | {plain / rate:.1f}x |", flush=True)


def peer_rate(python: Path, name: str, folder: str) -> float:
    command = [python, Path(__file__).with_name("peer.py"), name, folder, DEFAULT_PACK]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    took, number, _faces = said.stdout.splitlines()[-1].split()
    return float(number) / float(took)


def installed(environment: Path) -> str:
    names = ("uniface", "deepface", "face-recognition", "dlib-bin", "onnxruntime", "opencv-", "tensorflow ")
    listed = subprocess.run(
        [environment / "bin" / "python", "-m", "pip", "list", "--format", "freeze"],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout.splitlines()  # fmt: skip
    return ", ".join(line for line in listed if line.lower().startswith(names))


if __name__ == "__main__":
    sys.exit(main())
