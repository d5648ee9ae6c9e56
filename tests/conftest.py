"""What the tests of several rooms share: the sample photographs and an installation with a clock to turn."""

import csv
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings

from lineament.app import sign_in
from lineament.app.installation import Installation
from lineament.core.policy import Person
from lineament.testing import Clock, make_collection, make_installation
from lineament.vision.pipeline import Vision
from tests.casework import permit_casework
from tests.samples import CONGRESS, SAMPLES

settings.register_profile("lineament", deadline=None)  # an absolute time never fails a test
settings.load_profile("lineament")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what `make interop`, `test-cluster` and `test-long` run, unless it is named."""
    apart = collection_path.name in {"cluster", "interop", "long"}
    return True if apart and not any(collection_path.name in word for word in config.args) else None


@pytest.fixture
def clock() -> Clock:
    """A clock that stands at noon until it is turned."""
    return Clock()


@pytest.fixture(scope="session")
def vision() -> Iterator[Vision]:
    """The real models, opened once."""
    with closing(Vision.open()) as opened:
        yield opened


@pytest.fixture
def installation(tmp_path: Path, clock: Clock, vision: Vision) -> Iterator[Installation]:
    """An empty installation."""
    made = make_installation(tmp_path / "data", clock, vision)
    yield made
    made.index.close()
    made.records.close()


@pytest.fixture
def who(installation: Installation) -> Person:
    """The first person, with every role."""
    return sign_in.operator(installation)


@pytest.fixture(scope="session")
def archive_data(tmp_path_factory: pytest.TempPathFactory, vision: Vision) -> Path:
    """The data folder of an installation whose collection 'archive' holds seven portraits."""
    folder = tmp_path_factory.mktemp("archive")
    made = make_installation(folder / "data", None, vision)
    make_collection(made, "archive", copy_portraits(folder / "portraits"))
    made.index.close()
    made.records.close()
    return folder / "data"


@pytest.fixture
def archive(tmp_path: Path, clock: Clock, vision: Vision, archive_data: Path) -> Iterator[Installation]:
    """An installation of its own whose collection 'archive' holds seven portraits."""
    shutil.copytree(archive_data, tmp_path / "archive-data")
    made = make_installation(tmp_path / "archive-data", clock, vision)
    yield made
    made.index.close()
    made.records.close()


@pytest.fixture
def desk(archive: Installation) -> Installation:
    """The same, for casework: the collection may also be searched for missing people, and lent for tests.

    It holds seven portraits of seven people: of somebody else than who is sought they are all lookalikes.
    """
    permit_casework(archive)
    return archive


@pytest.fixture
def portraits(tmp_path: Path) -> Path:
    """A folder with six sample portraits and one of a former president, and their manifest."""
    return copy_portraits(tmp_path / "portraits")


def copy_portraits(folder: Path) -> Path:
    """Fill a folder with seven portraits and a manifest."""
    folder.mkdir()
    with (CONGRESS / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[:6]
    with (SAMPLES / "mated" / "manifest.csv").open(newline="") as file:
        rows += list(csv.DictReader(file))
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        name = row["path"]
        shutil.copy(SAMPLES / "mated" / name if name == "obama.jpg" else CONGRESS / name, folder / name)
    return folder
