"""The real models and the real sample photographs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lineament.core.faces import Photograph
from lineament.vision.decode import Decoder
from lineament.vision.pipeline import Vision
from tests.samples import SAMPLES


@pytest.fixture(scope="session")
def samples() -> Path:
    return SAMPLES


@pytest.fixture(scope="session")
def decoder() -> Iterator[Decoder]:
    with closing(Decoder(workers=2)) as opened:
        yield opened


@pytest.fixture
def photograph(vision: Vision, samples: Path) -> Callable[[str], Photograph]:
    return lambda name: vision.decode((samples / name).read_bytes())
