"""One setting says which engine holds the index."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from lineament.config import load_settings
from lineament.errors import IndexUnavailable, SettingsInvalid
from lineament.index.engines import open_index
from tests.index.contract import KEY


@pytest.mark.parametrize("where", ["embedded", "faiss"])
def test_an_engine_inside_the_process_keeps_its_files_in_the_folder(where: str, tmp_path: Path):
    """The library for codes makes no other difference."""
    opened = open_index(where, tmp_path / "index", "sha256:a", 128, KEY)
    assert opened.revision == 0
    assert (tmp_path / "index").is_dir()
    opened.close()


@pytest.mark.parametrize(
    ("where", "library"),
    [("postgresql://127.0.0.1/x", "psycopg"), ("milvus://127.0.0.1:1", "pymilvus"), ("cuda", "torch")],
)
def test_a_library_that_is_not_installed_is_named(where: str, library: str, tmp_path: Path):
    """Extras are installed by those who need them."""
    if find_spec(library):
        pytest.skip(f"{library} is installed")
    with pytest.raises(IndexUnavailable, match=r"(?i)torch|'psycopg'|'pymilvus'"):
        open_index(where, tmp_path, "sha256:a", 128, KEY)


def test_an_engine_that_there_is_not_is_refused_and_a_password_is_not_shown(monkeypatch: pytest.MonkeyPatch):
    """A wrong setting is a sentence; a right one keeps its secret."""
    monkeypatch.setenv("LINEAMENT_INDEX", "hnsw")
    with pytest.raises(SettingsInvalid, match="LINEAMENT_INDEX cannot be used: it is no engine"):
        load_settings()
    monkeypatch.setenv("LINEAMENT_INDEX", "postgresql://operator:opensesame@127.0.0.1/x")
    assert "opensesame" not in repr(load_settings())
