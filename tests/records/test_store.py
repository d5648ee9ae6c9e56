"""The records open safely, keep what was committed and nothing else, and refuse what they do not know."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from lineament.errors import BlobLost, RecordsBusy, RecordsNewer, RecordsUnusable, StorageFailed
from lineament.records import ledger_entries, store
from lineament.records.blobs import Blobs
from lineament.records.schema import metadata
from lineament.records.sealed import new_key
from lineament.records.store import open_records


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(tmp_path: Path):
    """Schema and migrations cannot drift apart."""
    records = open_records(tmp_path / "records.sqlite3")
    with records.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), metadata) == []
    records.close()


def test_they_are_durable_and_forget_what_is_deleted(tmp_path: Path):
    """The settings that matter are on in every connection."""
    records = open_records(tmp_path / "records.sqlite3")
    with records.write() as tx:
        found = {
            name: tx.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
    records.close()


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path):
    """An exception half-way rolls everything back."""
    records = open_records(tmp_path / "records.sqlite3")
    with pytest.raises(RuntimeError), records.write() as tx:
        ledger_entries.append(tx, b"half an act")
        raise RuntimeError("stopped")
    with records.read() as tx:
        assert ledger_entries.count(tx) == 0
    records.close()


def test_a_killed_writer_leaves_nothing_half_written(tmp_path: Path):
    """A real process is killed inside a transaction; the next one finds only what was committed."""
    file = tmp_path / "records.sqlite3"
    program = f"""
import os, signal
from pathlib import Path
from lineament.records import ledger_entries, store
from lineament.records.store import open_records
records = open_records(Path({str(file)!r}))
with records.write() as tx:
    ledger_entries.append(tx, b"committed")
with records.write() as tx:
    ledger_entries.append(tx, b"not committed")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9
    records = open_records(file)
    with records.read() as tx:
        assert list(ledger_entries.read(tx, 0, 9)) == [b"committed"]
    records.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path):
    """The sentence says so; the file stays as it was."""
    file = tmp_path / "records.sqlite3"
    file.write_bytes(b"these are somebody's notes" * 100)
    with pytest.raises(RecordsUnusable, match="damaged"):
        open_records(file)
    assert file.read_bytes().startswith(b"these are")


def test_a_newer_schema_is_refused(tmp_path: Path):
    """An old program does not guess at what a newer one wrote."""
    file = tmp_path / "records.sqlite3"
    open_records(file).close()
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(RecordsNewer, match="not known here"):
        open_records(file)


def test_a_blob_comes_back_or_is_reported(tmp_path: Path):
    """Changed and missing bytes are both noticed."""
    blobs, key = Blobs(tmp_path), new_key()
    blobs.put("ab12", b"a photograph", key)
    assert blobs.get("ab12", key) == b"a photograph"
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    file.write_bytes(b"another photograph")
    assert not blobs.holds("ab12", key)
    with pytest.raises(BlobLost, match="changed on disk"):
        blobs.get("ab12", key)
    with pytest.raises(BlobLost, match="missing"):
        blobs.get("0" * 64, key)


def test_a_full_disk_is_a_sentence(tmp_path: Path):
    """A folder that cannot be written is no traceback, for records and blobs alike."""
    taken = tmp_path / "taken"
    taken.write_text("a file where a folder should be")
    with pytest.raises(StorageFailed):
        open_records(taken / "records.sqlite3")
    with pytest.raises(StorageFailed):
        Blobs(taken).put("ab12", b"a photograph", new_key())


def test_a_strange_folder_name_keeps_the_records_inside_it(tmp_path: Path):
    """Characters that mean something in an address mean nothing here."""
    file = tmp_path / "100% q?x=1#y" / "records.sqlite3"
    open_records(file).close()
    assert file.exists()


def test_a_writer_that_takes_too_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Readers go on; a second writer gives up with a sentence."""
    monkeypatch.setitem(store._SETTINGS, "busy_timeout", 1)
    file = tmp_path / "records.sqlite3"
    records, other = open_records(file), sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with records.read() as tx:
        assert ledger_entries.count(tx) == 0
    with pytest.raises(RecordsBusy), records.write() as tx:
        ledger_entries.append(tx, b"entry")
    other.close()
    records.close()
