"""Open the records safely and hand out transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from sqlite3 import Connection as SQLiteConnection
from sqlite3 import Error as SQLiteError
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, exc

from lineament.errors import RecordsBusy, RecordsNewer, RecordsUnusable, StorageFailed

BUSY_TIMEOUT_MS = 20_000
# SQLite's own words for: WAL, FULL, ON, ON; what it answers is compared with what it was told.
_REQUIRED = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
_SETTINGS = _REQUIRED | {"busy_timeout": BUSY_TIMEOUT_MS}


class Records:
    """The system of record: one SQLite file. Reads see one snapshot; writes queue, one at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that sees one snapshot and changes nothing."""
        with _storage_errors(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open the one writing transaction; it commits on leaving, or leaves nothing on any exception."""
        connection = self._engine.connect().execution_options(lineament_write=True)
        with _storage_errors(), connection, connection.begin():
            yield connection

    def forget(self) -> bool:
        """Leave no byte of what was deleted in the write-ahead log; say whether that worked.

        It does not while another process reads. What is deleted from the database itself is overwritten at
        once (secure_delete).
        """
        with _storage_errors(), self._engine.connect() as connection:
            # Past SQLAlchemy, which would begin a transaction: inside one nothing can be truncated.
            cursor = connection.connection.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            busy, *_ = cursor.fetchone() or (1,)
            return not busy

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def open_records(file: Path) -> Records:
    """Open or create the records, bring the schema up to date and assert the durability settings.

    Raises RecordsUnusable, RecordsNewer, RecordsBusy or StorageFailed.
    """
    engine = create_engine(URL.create("sqlite", database=str(file)))
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    try:
        with _storage_errors():
            file.parent.mkdir(parents=True, exist_ok=True)
            _migrate(engine)
            _require_settings(engine)
    except BaseException:
        engine.dispose()
        raise
    return Records(engine)


def _require_settings(engine: Engine) -> None:
    with engine.connect() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in _REQUIRED}
    if found != _REQUIRED:
        raise RecordsUnusable(f"This SQLite does not accept the settings that keep records safe: {found}.")


@contextmanager
def _storage_errors() -> Iterator[None]:
    """Turn what the database driver raises into this project's errors."""
    try:
        yield
    except OSError as error:
        raise StorageFailed(f"The data folder cannot be used: {error.strerror}.") from error
    except exc.DBAPIError as error:
        if not isinstance(error.orig, SQLiteError) or isinstance(error, exc.IntegrityError):
            raise
        name = getattr(error.orig, "sqlite_errorname", "")
        if name.startswith("SQLITE_BUSY"):
            raise RecordsBusy("Another program is writing to the records.") from error
        if name.startswith(("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_IOERR", "SQLITE_CANTOPEN")):
            raise StorageFailed(f"The records cannot be written or read: {error.orig}.") from error
        raise RecordsUnusable(f"The records are damaged: {error.orig}.") from error


def _configure(connection: SQLiteConnection, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's begin event below starts every transaction
    for name, value in _SETTINGS.items():
        connection.execute(f"PRAGMA {name} = {value}")


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("lineament_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _migrate(engine: Engine) -> None:
    with as_file(files("lineament.records") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        scripts = ScriptDirectory.from_config(config)
        with engine.connect() as connection, connection.begin():  # only looks, so that readers never wait
            current = MigrationContext.configure(connection).get_current_revision()
        if current == scripts.get_current_head():
            return
        if current not in {None, *(script.revision for script in scripts.walk_revisions())}:
            raise RecordsNewer(
                "The data folder was written by a version of Lineament that is not known here."
            )
        with engine.connect() as connection:
            config.attributes["connection"] = connection.execution_options(lineament_write=True)
            with connection.begin():
                command.upgrade(config, "head")
