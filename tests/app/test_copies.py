"""Copies of a photograph are found and count as one source; photographs that only look alike do not."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from sqlalchemy import select

from lineament.app import candidates, collections, sign_in
from lineament.app.candidates import ShownCandidate
from lineament.app.copies import NEAR, Copies
from lineament.app.ingest import ingest
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.core.cases import Obtained
from lineament.records import images, schema
from lineament.records.images import Image as StoredImage
from lineament.sources import open_source
from lineament.testing import make_collection, make_permission
from lineament.vision.fingerprint import fingerprint
from tests.casework import a_case
from tests.samples import CONGRESS, OBAMA, SAMPLES, SOLVAY

Change = Callable[[Image.Image, Path], None]


def save(name: str, change: Callable[[Image.Image], Image.Image] = lambda image: image, **how: int) -> Change:
    return lambda image, folder: change(image).save(folder / name, **how)


def scale(factor: float) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.resize((round(image.width * factor), round(image.height * factor)))


def crop(share: float) -> Callable[[Image.Image], Image.Image]:
    def cut(image: Image.Image) -> Image.Image:
        x, y = round(image.width * share), round(image.height * share)
        return image.crop((x, y, image.width - x, image.height - y))

    return cut


# Eleven ways in which a photograph comes back from other pages.
CHANGES: list[Change] = [
    save("a.jpg", quality=30),
    save("b.jpg", quality=60),
    save("c.jpg", quality=95),
    save("d.png"),
    save("e.webp", quality=60),
    save("f.jpg", scale(0.25), quality=85),
    save("g.jpg", scale(0.6), quality=85),
    save("h.jpg", scale(2), quality=85),
    save("i.jpg", crop(0.01), quality=85),
    save("j.jpg", lambda image: ImageEnhance.Brightness(image).enhance(1.2), quality=85),
    save("k.jpg", lambda image: image.convert("L"), quality=85),
]


def twelve(folder: Path, file: Path) -> Path:
    """A folder with a photograph and eleven copies of it."""
    folder.mkdir()
    shutil.copy(file, folder)
    with Image.open(file) as image:
        for change in CHANGES:
            change(image.convert("RGB"), folder)
    return folder


def search(installation: Installation, probe: Path, *names: str) -> tuple[ShownCandidate, ...]:
    who = sign_in.operator(installation)
    done = open_search(installation, who, Request("archive-research", names), [probe.read_bytes()], [1])
    return candidates.show_search(installation, who, done.id).candidates


def test_twelve_copies_of_a_photograph_are_one_candidate_with_twelve_sources(
    archive: Installation, tmp_path: Path
):
    """In whatever format, size, quality, light or colour, and in whichever collection."""
    make_collection(archive, "pages", twelve(tmp_path / "pages", SAMPLES / "mated" / "obama.jpg"))
    shown = search(archive, OBAMA, "archive", "pages")
    assert [one.rank for one in shown] == [1]
    paths = {(one.collection, one.image.provenance.path) for one in shown[0].sources}
    assert len(shown[0].sources) == len(paths) == 13  # the archive has the photograph itself
    alone = search(archive, OBAMA, "pages")
    assert [len(one.sources) for one in alone] == [12]


def test_two_people_in_one_photograph_are_two_candidates(installation: Installation, tmp_path: Path):
    """A group photograph and its copies: every face stays with itself."""
    folder = tmp_path / "groups"
    folder.mkdir()
    shutil.copy(SOLVAY, folder)
    with Image.open(SOLVAY) as image:
        save("smaller.jpg", scale(0.8), quality=90)(image, folder)
        save("cut.jpg", crop(0.005), quality=90)(image, folder)
    make_collection(installation, "archive", folder, make_permission(("missing-person",)))
    assert len({image.group_id for image in stored(installation)}) == 1
    who = sign_in.operator(installation)
    case = a_case(installation)
    # A purpose that lists the nearest, whoever they are.
    request = Request(case.purpose, ("archive",), case.reference, Obtained.ARCHIVE)
    done = open_search(installation, who, request, [SOLVAY.read_bytes()], [1])
    places: dict[int, list[StoredImage]] = {}
    with installation.records.read() as tx:
        faces = images.faces(tx, [row.face_id for row in done.candidates])
    for row in done.candidates:
        places.setdefault(row.rank, []).append(faces[row.face_id].image)
    assert len(places) > 5
    for there in places.values():  # no rank has two faces of one photograph
        assert len({one.id for one in there}) == len(there)
    assert len(places[1]) == 3


def stored(installation: Installation) -> list[StoredImage]:
    with installation.records.read() as tx:
        ids = list(tx.scalars(select(schema.image.c.id)))
        return images.images(tx, ids)


def test_people_before_the_same_flag_are_not_copies(installation: Installation):
    """All sample portraits, of which no two are of one person: none is linked with another."""
    files = sorted(CONGRESS.glob("*.jpg"))
    copies = Copies([], np.zeros((0, 32), np.uint8))
    groups = []
    for number, file in enumerate(files):
        with Image.open(file) as image:
            shared = fingerprint(np.asarray(image.convert("RGB")))
        groups.append(copies.group_of(shared, str(number)))
        copies.add(shared, groups[-1])
    assert groups == [str(number) for number in range(len(files))]


def test_the_nearest_photograph_gives_the_group_if_it_is_near_enough():
    """More than fit into the first room; the limit counts as near."""
    draw = np.random.default_rng(3)
    shared = draw.integers(0, 256, (3_000, 32), np.uint8)
    copies = Copies([f"g{number}" for number in range(2_000)], shared[:2_000])
    for number in range(2_000, 3_000):
        copies.add(shared[number].tobytes(), f"g{number}")
    for number in (0, 1_999, 2_000, 2_999):
        assert copies.group_of(flipped(shared[number], NEAR), "new") == f"g{number}"
        assert copies.group_of(flipped(shared[number], NEAR + 1), "new") == "new"
    copies.add(flipped(shared[7], 10), "other")
    assert copies.group_of(flipped(shared[7], 9), "new") == "other"
    assert copies.group_of(flipped(shared[7], 2), "new") == "g7"


def flipped(shared: np.ndarray, bits: int) -> bytes:
    """Return a fingerprint with its first bits turned over."""
    turned = np.unpackbits(shared)
    turned[:bits] ^= 1
    return np.packbits(turned).tobytes()


@pytest.mark.parametrize("name", ["archive", "second"])
def test_a_copy_that_comes_later_joins_the_group(archive: Installation, tmp_path: Path, name: str):
    """In the same collection or another one, by another ingest."""
    if name == "second":
        make_collection(archive, name)
    folder = tmp_path / "later"
    folder.mkdir()
    with Image.open(SAMPLES / "mated" / "obama.jpg") as image:
        save("later.png", scale(0.5))(image, folder)
    who = sign_in.operator(archive)
    assert ingest(archive, who, name, open_source(folder), lambda _done: None).new == 1
    groups = [row.group_id for row in stored(archive)]
    assert sorted(map(groups.count, set(groups))) == [1] * 6 + [2]
    assert [one.name for one in collections.show(archive)] == sorted({"archive", name})
