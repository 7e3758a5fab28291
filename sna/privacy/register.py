"""The register of exports: which file was given to whom, and which posts it holds."""

from dataclasses import dataclass
from pathlib import Path

from sna.store.ingest import now
from sna.store.opening import Store


@dataclass(frozen=True, slots=True)
class Handover:
    """How an export is made: for whom, and with pseudonyms or names."""

    recipient: str | None = None
    pseudonymised: bool = False


def register_export(store: Store, path: Path, command: str, handover: Handover, posts: str = "post") -> int:
    """Note that a file is about to hold the posts of a table, as ranges of their keys; returns its number.

    `posts` is the name of a table with the column post. It is done before the file is written, so that a run that is
    killed in between registers too much rather than too little.
    """
    number = store.value("SELECT coalesce(max(export), 0) + 1 FROM export")
    db = store.db
    db.execute("BEGIN")
    try:
        db.execute(
            "INSERT INTO export VALUES (?, ?, ?, ?, ?, ?, NULL)",
            [number, str(path.resolve()), command, now(), handover.recipient, handover.pseudonymised],
        )
        db.execute(
            f"""INSERT INTO export_range
                SELECT ?, min(post), max(post) FROM (
                    SELECT post, post - row_number() OVER (ORDER BY post) AS island FROM (
                        SELECT DISTINCT post FROM {posts} WHERE post IN (SELECT post FROM post)))
                GROUP BY island ORDER BY 2""",
            [number],
        )
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    return number


def note_export_hash(store: Store, number: int, sha256: str) -> None:
    """Note the hash of a registered export once its file is whole."""
    store.db.execute("UPDATE export SET sha256 = ? WHERE export = ?", [sha256, number])


def forget_export(store: Store, number: int) -> None:
    """Take back a registration whose file could not be written."""
    store.db.execute("DELETE FROM export_range WHERE export = ?", [number])
    store.db.execute("DELETE FROM export WHERE export = ?", [number])


def list_exports(store: Store) -> list[dict[str, object]]:
    """Return each registered export: file, recipient, time (UTC), pseudonyms or names, SHA-256 and number of posts."""
    rows = store.rows(
        """SELECT e.path, e.command, e.recipient, e.made_at, e.pseudonymised, e.sha256, (
               SELECT count(*) FROM post p JOIN export_range r ON p.post BETWEEN r.first AND r.last
               WHERE r.export = e.export)
           FROM export e ORDER BY e.export"""
    )
    names = ("file", "command", "recipient", "made_at", "pseudonymised", "sha256", "posts")
    return [dict(zip(names, row, strict=True)) for row in rows]


def exports_that_hold(store: Store, posts: str) -> list[dict[str, object]]:
    """Return the registered exports that were made with posts of a table, and with how many of them.

    `posts` is the name of a table with the column post. The file itself may be gone: `still_there`.
    """
    rows = store.rows(
        f"""SELECT e.path, e.recipient, e.made_at, e.sha256, e.pseudonymised, count(DISTINCT p.post)
            FROM export e JOIN export_range r USING (export) JOIN {posts} p ON p.post BETWEEN r.first AND r.last
            GROUP BY ALL ORDER BY e.made_at, e.path"""
    )
    return [
        {
            "file": str(path),
            "recipient": None if recipient is None else str(recipient),
            "made_at": str(made_at),
            "sha256": sha256,
            "pseudonymised": pseudonymised,
            "posts": int(str(held)),
            "still_there": Path(str(path)).exists(),
        }
        for path, recipient, made_at, sha256, pseudonymised, held in rows
    ]
