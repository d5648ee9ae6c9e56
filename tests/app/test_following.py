"""The index follows the records, and whoever doubts it can check it or build it anew."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lineament.app import following, sign_in
from lineament.app.installation import Installation
from lineament.app.search import Request, open_search
from lineament.errors import IndexBehind
from lineament.index.embedded import EmbeddedIndex
from lineament.records import collections, images
from tests.samples import OBAMA


@pytest.fixture
def kept(archive: Installation, tmp_path: Path):
    """The archive with an index that writes every batch to disk."""
    index = EmbeddedIndex(
        tmp_path / "index", archive.contract, archive.vision.dimension, bytes(32), segment_rows=1
    )
    yield replace(archive, index=index)
    index.close()


def search(installation: Installation):
    who, request = sign_in.operator(installation), Request("archive-research", ("archive",))
    return open_search(installation, who, request, [OBAMA.read_bytes()])


def test_a_search_over_segments_on_disk_finds_what_one_in_memory_finds(
    archive: Installation, kept: Installation, tmp_path: Path
):
    """The list, its order and its scores are the same."""
    assert [(row.rank, row.face_id, row.score) for row in search(archive).candidates] == [
        (row.rank, row.face_id, row.score) for row in search(kept).candidates
    ]
    assert list((tmp_path / "index").glob("segment-*"))


def test_what_the_index_lacks_is_an_error_and_verify_says_how_much(kept: Installation):
    """Fewer faces than the records hold are never searched as if they were all."""
    following.catch_up(kept)
    (archive,) = collections_of(kept)
    with kept.records.read() as tx:
        new = next(images.templates_since(tx, kept.keys, kept.contract, 0, 10**6))
    kept.index.remove(new.face_ids[:2], kept.index.revision)
    with pytest.raises(IndexBehind, match="covers 5 of 7 faces"):
        search(kept)
    assert following.verify(kept) == [f"The index holds 5 faces of '{archive}', the records 7."]
    done: list[int] = []
    following.rebuild(kept, done.append)
    assert (following.verify(kept), done[-1]) == ([], 7)
    assert search(kept).searched_faces == 7


def test_templates_come_in_whole_revisions(archive: Installation, monkeypatch: pytest.MonkeyPatch):
    """An index that is stopped half-way knows up to which revision it holds everything."""
    monkeypatch.setattr("lineament.records.images._AT_ONCE", 3)
    with archive.records.write() as tx:
        (known,) = images.faces(tx, [new_face(archive)]).values()
        photograph = known.image
        key = images.image_key(tx, archive.keys, photograph)
        for size in (2, 1, 4, 2):
            revision = collections.next_revision(tx, photograph.collection_id)
            for _ in range(size):
                images.add_face(
                    tx,
                    archive.new_id(),
                    photograph.id,
                    key,
                    photograph.collection_id,
                    known.detected,
                    archive.contract,
                    np.ones(archive.vision.dimension, np.float32),
                    revision,
                )
    with archive.records.read() as tx:
        batches = list(images.templates_since(tx, archive.keys, archive.contract, 0, revision))
        seen = [face for batch in batches for face in batch.face_ids]
        assert len(seen) == len(set(seen)) == 7 + 9
        for batch in batches:
            rest = list(images.templates_since(tx, archive.keys, archive.contract, batch.revision, revision))
            later = {face for one in rest for face in one.face_ids}
            assert later == set(seen[seen.index(batch.face_ids[-1]) + 1 :])
    assert len(batches) > 2


def new_face(installation: Installation) -> str:
    with installation.records.read() as tx:
        added = images.templates_since(tx, installation.keys, installation.contract, 0, 10**6)
        return next(added).face_ids[0]


def collections_of(installation: Installation) -> list[str]:
    with installation.records.read() as tx:
        return [one.name for one in collections.list_collections(tx)]
