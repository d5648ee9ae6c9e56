"""Measure the whole pipeline against its models alone.

    python benchmarks/vision/throughput.py [--rounds N]

The pipeline (JPEG bytes to templates: decode in limited processes, detect, measure, align, embed) runs with
one thread a core. Every call of a model is recorded; then the models alone are given the same inputs again,
ready made, with as many threads. 'As published' are the model files without the rewriting of
``vision/graph.py``, which made them faster and the pipeline's share larger. Rounds alternate; the medians and
their ratios are printed.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.metadata import version
from statistics import median
from typing import Any

import onnxruntime
from pictures import groups, portraits

from lineament.vision import embed
from lineament.vision.pipeline import Vision

THREADS = os.cpu_count() or 1
Call = Callable[[], Any]


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--rounds", type=int, default=5)
    rounds = arguments.parse_args().rounds
    print(
        f"{platform.system()} {platform.machine()}, {THREADS} cores and threads, Python "
        f"{platform.python_version()}, ONNX Runtime {version('onnxruntime')}, Pillow {version('pillow')}\n"
    )
    print("| photographs | faces | pipeline, images/s | models alone | ratio | as published | ratio |")
    print("|---|---|---|---|---|---|---|")
    with closing(Vision.open()) as vision, closing(Vision.open()) as published:
        open_as_published(published, portraits(1)[0])
        for name, files in (("640 px portraits", portraits(64)), ("12 MP, five faces", groups(12))):
            calls, slower = ([recorded(one, file) for file in files] for one in (vision, published))
            faces = sum(process(vision, file) for file in files)
            took: list[list[float]] = [[], [], []]
            for _ in range(rounds):
                took[0].append(seconds([lambda file=file: process(vision, file) for file in files]))
                for times, given in zip(took[1:], (calls, slower), strict=True):
                    times.append(seconds([lambda of=of: [call() for call in of] for of in given]))
            ours, alone, as_published = (len(files) / median(times) for times in took)
            print(
                f"| {len(files)} {name} | {faces} | {ours:.1f} | {alone:.1f} | {ours / alone:.2f} "
                f"| {as_published:.1f} | {ours / as_published:.2f} |"
            )


def open_as_published(vision: Vision, file: bytes) -> None:
    """Have it open its embedder without the rewriting."""
    rewritten = embed.faster
    embed.faster = bytes
    try:
        process(vision, file)
    finally:
        embed.faster = rewritten


def process(vision: Vision, file: bytes) -> int:
    """Bring one file through the pipeline; return how many faces it has."""
    photograph = vision.read(file)
    return len(vision.embed(photograph, vision.detect(photograph)))


def recorded(vision: Vision, file: bytes) -> list[Call]:
    """Return the calls of models that one file causes, to be made again."""
    calls: list[Call] = []
    run = onnxruntime.InferenceSession.run

    def record(session: Any, names: Any, inputs: Any, *rest: Any) -> Any:
        calls.append(lambda: run(session, names, inputs, *rest))
        return run(session, names, inputs, *rest)

    onnxruntime.InferenceSession.run = record
    try:
        process(vision, file)
        calls.clear()  # opening the models calls them too
        process(vision, file)
    finally:
        onnxruntime.InferenceSession.run = run
    return calls


def seconds(work: Sequence[Call]) -> float:
    """Return how long the work takes with one thread a core."""
    with ThreadPoolExecutor(THREADS) as threads:
        start = time.perf_counter()
        list(threads.map(lambda call: call(), work))
        return time.perf_counter() - start


if __name__ == "__main__":
    main()
