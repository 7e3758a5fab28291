"""Opens the DuckDB file of a case: hardened, locked against a second writer, with clear messages."""

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import polars as pl

from sna.errors import CaseError, UsageError
from sna.store import schema
from sna.store.terms import Terms

DEFAULT_MEMORY = "4GB"


# While this file lies beside a store, a purge is rewriting it, and nobody else may work on it.
JOURNAL_FILE = "purge.json"
NEW_FILE = "store.duckdb.new"


class LockedError(CaseError):
    """Another process has the store open."""


class Store:
    """One open connection to a case's DuckDB file; a context manager that checkpoints and closes it."""

    def __init__(
        self, path: Path, spill: Path, *, read_only: bool = False, terms: Terms | None = None, patience: float = 0.0
    ) -> None:
        """Open the store at `path`, or make it; raises CaseError when it is locked, broken or newer than this sna.

        `terms` tell when posts stored through this connection expire; `patience` for how many seconds to wait
        for another process to let go of the file.
        """
        self.path = path
        self.read_only = read_only
        self.terms = terms or Terms()
        self._turn = _turn_of(path)
        self._turn.acquire()
        try:
            if read_only and not path.exists():
                Store(path, spill, terms=terms, patience=patience).close()
            self.db = _connect_patiently(path, read_only=read_only, patience=patience)
            self._prepare(path, spill)
        except BaseException:
            self._turn.release()
            raise

    def _prepare(self, path: Path, spill: Path) -> None:
        try:
            _harden(self.db, spill)
            # A run that was ended while it made the store leaves an empty one behind.
            if not self.value("SELECT count(*) FROM duckdb_tables() WHERE database_name = 'store'"):
                self._make_tables(spill)
            self._upgrade(spill)
            _check_version(self.db, path)
            self.db.execute(schema.MACROS)
        except duckdb.Error as error:
            self.db.close()
            if "No space left" in str(error):
                raise
            raise CaseError(
                f"{path} cannot be read as a store ({_first_line(error)}); restore it from a copy"
            ) from error
        except BaseException:
            self.db.close()
            raise

    def _make_tables(self, spill: Path) -> None:
        if self.read_only:
            self._write_first(spill)
            return
        self.db.execute("BEGIN")
        self.db.execute(schema.TABLES)
        self.db.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(schema.VERSION)])
        self.db.execute("COMMIT")
        self.checkpoint()

    def _upgrade(self, spill: Path) -> None:
        """Bring the tables of an older sna up to date, all or none."""
        found = self.rows("SELECT value FROM meta WHERE name = 'schema_version'")
        version = int(str(found[0][0])) if found else schema.VERSION
        if not 1 <= version < schema.VERSION:
            return
        if self.read_only:
            self._write_first(spill)
            return
        self.db.execute("BEGIN")
        for step in range(version + 1, schema.VERSION + 1):
            self.db.execute(schema.UPGRADES[step])
        self.db.execute("UPDATE meta SET value = ? WHERE name = 'schema_version'", [str(schema.VERSION)])
        self.db.execute("COMMIT")
        self.checkpoint()

    def _write_first(self, spill: Path) -> None:
        """Let a writer make or bring up to date what this reader wants to read."""
        self.db.close()
        Store(self.path, spill, terms=self.terms).close()
        self.db = _connect(self.path, read_only=True)
        _harden(self.db, spill)

    def checkpoint(self) -> None:
        """Make what was committed durable: written into the file and synced."""
        self.db.execute("CHECKPOINT store")

    def close(self) -> None:
        """Write what is pending into the file and let it go."""
        try:
            if not self.read_only:
                self.checkpoint()
        finally:
            self.db.close()
            self._turn.release()

    def rows(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """Return all rows of a query with bound parameters: some in order, or one dictionary of named ones."""
        return self.db.execute(sql, _bound(parameters)).fetchall()

    def frame(self, sql: str, *parameters: object) -> pl.DataFrame:
        """Return a query's rows as a frame, handed over through Arrow."""
        frame: pl.DataFrame = self.db.sql(sql, params=_bound(parameters)).pl()
        return frame

    def value(self, sql: str, *parameters: object) -> int:
        """Return the single integer that a query yields (0 for NULL)."""
        rows = self.rows(sql, *parameters)
        return int(str(rows[0][0])) if rows and rows[0][0] is not None else 0

    def __enter__(self) -> Self:
        """Return the open store."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self.close()


def connect_pair(old: Path, new: Path, spill: Path) -> duckdb.DuckDBPyConnection:
    """Return a hardened connection to an existing store, attached to read as `old`, and a new one as `store`."""
    db = _connect(new, read_only=False)
    try:
        db.execute(f"ATTACH '{_quoted(old)}' AS old (READ_ONLY)")
        _harden(db, spill)
    except duckdb.Error as error:
        db.close()
        kind = LockedError if "lock" in str(error).lower() else CaseError
        raise kind(_why_not_opened(old, error)) from error
    return db


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Keep the other threads of this process off a store."""
    lock = _turn_of(path)
    with lock:
        yield


# The lock that DuckDB takes on a file does not keep two threads of one process apart.
_TURNS: dict[Path, threading.RLock] = {}
_TURNS_LOCK = threading.Lock()


def _turn_of(path: Path) -> threading.RLock:
    with _TURNS_LOCK:
        return _TURNS.setdefault(path.resolve(), threading.RLock())


def _connect_patiently(path: Path, *, read_only: bool, patience: float) -> duckdb.DuckDBPyConnection:
    end = time.monotonic() + patience
    while True:
        try:
            return _connect_unless_purged(path, read_only=read_only)
        except LockedError:
            if time.monotonic() >= end:
                raise
            time.sleep(0.05)


def _connect_unless_purged(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    db = _connect(path, read_only=read_only)
    if path.with_name(JOURNAL_FILE).exists():
        db.close()
        raise LockedError(f"{path.parent} is being purged; wait until that is done")
    return db


def _threads() -> dict[str, str]:
    """Return how many threads the environment allows; all cores where it is silent."""
    wanted = os.environ.get("SNA_THREADS", "")
    if wanted and not (wanted.isdecimal() and int(wanted) > 0):
        raise UsageError("SNA_THREADS must be a whole number above 0")
    return {"threads": wanted} if wanted else {}


def _bound(parameters: tuple[object, ...]) -> object:
    if len(parameters) == 1 and isinstance(parameters[0], dict):
        return parameters[0]
    return list(parameters) or None


# The entry with the version of a log: its first field, and its kind.
_LOG_BEGINS = b"\x64\x00\x62"


def _connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    log = path.with_name(path.name + ".wal")
    if log.exists() and log.stat().st_size and log.read_bytes()[:3] != _LOG_BEGINS:
        # What is no log of DuckDB's ends the process that reads it as one.
        raise CaseError(f"{log} is damaged or no log of a store; remove it, sna keeps nothing there")
    mask = os.umask(0o077)
    db = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "memory_limit": os.environ.get("SNA_MEMORY", DEFAULT_MEMORY),
            **_threads(),
        },
    )
    try:
        # Without a write-ahead log nothing of a post lingers beside the file; what counts is the checkpoint.
        mode = "READ_ONLY" if read_only else "RECOVERY_MODE no_wal_writes"
        db.execute(f"ATTACH '{_quoted(path)}' AS store ({mode})")
        db.execute("USE store")
    except duckdb.Error as error:
        db.close()
        kind = LockedError if "lock" in str(error).lower() else CaseError
        raise kind(_why_not_opened(path, error)) from error
    finally:
        os.umask(mask)
    return db


def _quoted(path: Path) -> str:
    # ATTACH and SET take no bound parameters.
    return str(path).replace("'", "''")


def _harden(db: duckdb.DuckDBPyConnection, spill: Path) -> None:
    db.execute(f"SET temp_directory = '{_quoted(spill)}'")
    db.execute("SET TimeZone = 'UTC'")
    db.execute("SET enable_external_access = false")
    db.execute("SET lock_configuration = true")


def _check_version(db: duckdb.DuckDBPyConnection, path: Path) -> None:
    found = db.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchall()
    if not found or int(found[0][0]) != schema.VERSION:
        version = found[0][0] if found else "no"
        raise CaseError(
            f"{path} is of schema version {version}, this sna reads version {schema.VERSION}; use a matching sna"
        )


def _why_not_opened(path: Path, error: duckdb.Error) -> str:
    message = str(error)
    if "lock" in message.lower():
        holder = re.search(r"PID (\d+)", message)
        who = f"process {holder[1]}" if holder else "another process"
        return f"the case is in use by {who} ({path.name} is locked); wait for it or stop it"
    if isinstance(error, duckdb.IOException) and "permission" in message.lower():
        return f"{path} may not be read or written by this user; ask its owner"
    return f"{path} cannot be opened ({_first_line(error)}); it is damaged, no store, or of a newer DuckDB"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:160] if str(error) else type(error).__name__
