"""The purge: survivors go to a new file, the old one is filled with zeros; a journal lets any end be finished.

`DELETE` is no purge: deleted rows stay readable in the file's free blocks and behind its older header.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from sna.case import CaseFolder, write_private
from sna.errors import CaseError, InputError
from sna.privacy.register import exports_that_hold
from sna.privacy.survivors import copy_survivors, verify_survivors
from sna.privacy.wipe import empty_folder, sync_folder, wipe, wipe_and_remove
from sna.store.erasure import remember_all
from sna.store.expiry import time_for_retention
from sna.store.opening import JOURNAL_FILE, NEW_FILE, Store, connect_pair, turn

RECEIPTS_FOLDER = "receipts"
LOCK_FILE = "purge.lock"
SPARE = 32 * 1024 * 1024

# Called with each receipt once it is written, and before the journal goes.
Done = Callable[[dict[str, object]], None]


class BusyError(CaseError):
    """Another process is purging the case."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a purge would take: posts by source and reason, quarantined lines, and the files that still hold them."""

    as_of: datetime
    posts: int
    by_source: Mapping[str, int]
    by_reason: Mapping[str, int]
    exports: tuple[dict[str, object], ...]
    file_bytes: int


def plan_purge(store: Store) -> Plan:
    """Return what the next purge takes away; what has expired must have been hidden before."""
    return Plan(
        time_for_retention(store),
        store.value("SELECT count(DISTINCT post) FROM due"),
        _counted(store, "source"),
        _counted(store, "reason"),
        tuple(exports_that_hold(store, "due")),
        store.path.stat().st_size if store.path.exists() else 0,
    )


def purge(folder: CaseFolder, plan: Plan, done: Done = lambda _: None) -> dict[str, object]:
    """Rewrite the store of a case without what is due, and return the receipt.

    What is due must be hidden and on record (`prepare_purge`). Raises CaseError when another process works on the
    case or the copy differs from what must be kept, InputError when the disk is too full; nothing is changed then.
    """
    with _alone(folder):
        check_space(folder)
        numbers = [int(path.stem) for path in (folder.path / RECEIPTS_FOLDER).glob("[0-9]*.json")]
        journal: dict[str, object] = {
            "state": "copying",
            "number": max(numbers, default=0) + 1,
            "started_at": _now(),
            "as_of": plan.as_of.isoformat() + "Z",
            "posts": plan.posts,
            "by_source": dict(plan.by_source),
            "by_reason": dict(plan.by_reason),
            "exports_that_still_hold_them": list(plan.exports),
            "bytes_before": folder.store.stat().st_size,
        }
        with turn(folder.store):
            return _run(folder, journal, done)


def finish_purge(folder: CaseFolder, done: Done = lambda _: None) -> dict[str, object] | None:
    """Finish the purge that a case's journal tells of, if nobody is at it; returns its receipt, or None."""
    if not (folder.path / JOURNAL_FILE).exists():
        return None
    try:
        with _alone(folder), turn(folder.store):
            path = folder.path / JOURNAL_FILE
            if not path.exists():
                return None
            return _run(folder, json.loads(path.read_text("utf-8")), done)
    except BusyError:
        return None


def prepare_purge(store: Store) -> None:
    """Remember by keyed hash which posts go for good, so that no later import brings them back."""
    now = time_for_retention(store)
    store.db.execute("BEGIN")
    try:
        for reason, wanted in (("expired", "reason = 'expired'"), ("deleted", _GONE_FOR_GOOD)):
            if store.value(f"SELECT count(*) FROM (FROM due WHERE {wanted} LIMIT 1)"):
                remember_all(store, "post", f"(SELECT source, native_id AS name FROM due WHERE {wanted})", reason, now)
        store.db.execute(
            """INSERT INTO gap SELECT DISTINCT source, native_id, 'deleted', ? FROM suppressed s WHERE to_purge
               AND NOT EXISTS (FROM gap g WHERE g.source = s.source AND g.native_id = s.native_id)""",
            [now],
        )
        store.db.execute("DELETE FROM suppressed WHERE to_purge")
        store.db.execute("COMMIT")
    except BaseException:
        store.db.execute("ROLLBACK")
        raise
    store.checkpoint()


# An account that is gone may come back, and a post without its words keeps its place.
_GONE_FOR_GOOD = "reason NOT IN ('expired', 'withdrawn', 'mention', 'objected') AND NOT starts_with(reason, 'account ')"


def check_space(folder: CaseFolder) -> None:
    """Raise InputError when the disk has no room for the new file beside the old one."""
    needed = folder.store.stat().st_size + SPARE
    free = shutil.disk_usage(folder.path).free
    if free < needed:
        raise InputError(
            f"the purge writes a new file and needs {needed / 1e6:,.0f} MB free, there are {free / 1e6:,.0f} MB; "
            "free some and repeat, nothing was changed"
        )


def step(name: str) -> None:
    """Mark the boundary between two steps of a purge; does nothing."""


def _run(folder: CaseFolder, journal: dict[str, object], done: Done) -> dict[str, object]:
    new = folder.path / NEW_FILE
    if journal["state"] == "copying":
        _write_journal(folder, journal)
        step("journal written")
        try:
            journal["rows_kept"] = _rewrite(folder, new)
        except BaseException:
            # Stopped or failed, the old store is as it was; killed, the next start begins anew.
            _forget(folder, new)
            raise
        journal |= {"state": "verified", "bytes_after": new.stat().st_size}
        _write_journal(folder, journal)
        step("verified")
    if new.exists():
        wipe(folder.store)
        step("old file filled with zeros")
        wipe_and_remove(_log_of(folder.store))
        new.replace(folder.store)
        step("renamed")
        sync_folder(folder.path)
    empty_folder(folder.spill)
    step("spill emptied")
    receipt = {name: value for name, value in journal.items() if name != "state"}
    path = folder.path / RECEIPTS_FOLDER / f"{journal['number']:04}.json"
    if path.exists():
        receipt = json.loads(path.read_text("utf-8"))
    else:
        receipt["finished_at"] = _now()
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_private(path, (json.dumps(receipt, ensure_ascii=False, indent=2) + "\n").encode())
        sync_folder(path.parent)
    step("receipt written")
    done(receipt)
    step("told")
    (folder.path / JOURNAL_FILE).unlink()
    sync_folder(folder.path)
    return receipt


def _rewrite(folder: CaseFolder, new: Path) -> dict[str, int]:
    """Write the survivors to the new file, verified and synced; returns the rows of each table."""
    wipe_and_remove(new)
    wipe_and_remove(_log_of(new))
    db = connect_pair(folder.store, new, folder.spill)
    try:
        step("new file begun")
        copy_survivors(db)
        step("survivors copied")
        kept = verify_survivors(db)
    finally:
        db.close()
    with new.open("rb") as file:
        os.fsync(file.fileno())
    sync_folder(folder.path)
    step("new file synced")
    return kept


def _forget(folder: CaseFolder, new: Path) -> None:
    wipe_and_remove(new)
    wipe_and_remove(_log_of(new))
    (folder.path / JOURNAL_FILE).unlink(missing_ok=True)


def _write_journal(folder: CaseFolder, journal: Mapping[str, object]) -> None:
    write_private(folder.path / JOURNAL_FILE, json.dumps(journal, ensure_ascii=False).encode())
    sync_folder(folder.path)


def _log_of(store: Path) -> Path:
    return store.with_name(store.name + ".wal")


@contextmanager
def _alone(folder: CaseFolder) -> Iterator[None]:
    try:
        with FileLock(folder.path / LOCK_FILE, timeout=0, mode=0o600):
            yield
    except Timeout as error:
        raise BusyError(f"another process is purging {folder.path}; wait until that is done") from error


def _counted(store: Store, column: str) -> dict[str, int]:
    name = {"source": "source", "reason": "reason"}[column]
    rows = store.rows(f"SELECT {name}, count(DISTINCT post) FROM due GROUP BY 1 ORDER BY 1")
    return {str(key): int(str(count)) for key, count in rows}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
