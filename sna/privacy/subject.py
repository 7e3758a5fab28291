"""The rights of a person: everything that a case holds about an account, and how it is taken out or put right.

GDPR art. 15 (access), 16 (rectification), 17 (erasure), 21 (objection).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from sna.errors import UsageError
from sna.privacy.register import exports_that_hold
from sna.store.absence import hide_posts, mark_for_purge
from sna.store.erasure import ERASED_ID, REDACTED, keyed_hash, name_pattern, redact, remember_erased, without_name
from sna.store.ingest import now
from sna.store.merge import forget_language
from sna.store.opening import Store

# Columns by what their keys name, in whatever table they stand.
_ACTOR_KEYS = ("actor", "parent_actor", "quote_actor", "repost_actor")
_POST_KEYS = ("post", "parent", "quote_of", "repost_of", "conversation", "top")
# The policy of a case and the list of hashes hold no one's content.
_NOT_SWEPT = ("meta", "erased")
# Where a name may stand in what was asked for, and not only in what came.
_ASKED = (
    ("collection", "query"),
    ("collection", "settings"),
    ("collection", "cursor"),
    ("page", "request"),
    ("import_file", "name"),
    ("quarantine", "file"),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a request is about: the source, and the account's handle or its id there."""

    source: str
    handle: str | None = None
    id: str | None = None

    def __post_init__(self) -> None:
        """Raise UsageError unless exactly one of handle and id is given."""
        if bool(self.handle) == bool(self.id):
            raise UsageError("give the handle or the id of the account, one of the two")
        if self.handle:
            object.__setattr__(self, "handle", self.handle.strip().lstrip("@"))

    def __str__(self) -> str:
        """Return source:@handle or source:id."""
        return f"{self.source}:{f'@{self.handle}' if self.handle else self.id}"


@dataclass(frozen=True, slots=True)
class Held:
    """What a case holds about a subject.

    `accounts` are the ids, `names` the handles that were found to be theirs; `tables` maps each table of the store to
    its rows about them; `computed` holds what follows from them, measures and interactions; `exports` are the files
    that hold posts of theirs, or their name; `elsewhere` names other sources where a handle like this is known.
    """

    subject: str
    as_of: datetime
    accounts: tuple[str, ...]
    names: tuple[str, ...]
    tables: dict[str, pl.DataFrame]
    exports: tuple[dict[str, object], ...]
    elsewhere: tuple[str, ...] = ()
    computed: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows of the store are about them."""
        return sum(frame.height for frame in self.tables.values())


def find_held(store: Store, subject: Subject, exports_folder: Path) -> Held:
    """Return every row of every table that is about an account, and the files that were made with it.

    A row is about it when an actor key of the row is its own, when a post key is that of a post of its own, or when
    a text of the row holds a handle or id of the account as a word of its own.
    """
    accounts, names = _find_subject(store, subject)
    tables = {}
    for (table,) in store.rows(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = 'store' ORDER BY table_name"
    ):
        if table not in _NOT_SWEPT:
            frame = _rows_about(store, str(table), subject, [*accounts, *names])
            if frame.height:
                tables[str(table)] = frame
    exports = _exports_about(store, [*accounts, *names], exports_folder)
    return Held(str(subject), now(), accounts, names, tables, exports, _elsewhere(store, subject))


def take_out(store: Store, subject: Subject, reason: str) -> dict[str, int]:
    """Take an account out of all that queries read, for good; returns counts by what was done.

    Its posts and the reposts of them are hidden and marked for the purge; in posts of others its handles become
    REDACTED and its ids go; account, handles and posts are put on the list of what must not come back. A handle of
    letters alone is taken off texts where a sign before it makes it a name; `bare_words_left` counts the posts where
    it stands as a bare word, which may be one.
    """
    accounts, names = _find_subject(store, subject)
    if len(accounts) > 1 and not subject.id and len([a for a in accounts if not a.startswith("@")]) > 1:
        raise UsageError("several accounts went by this handle; name one by --id (sna subject access tells them)")
    db, at = store.db, now()
    db.execute("BEGIN")
    try:
        _find_doomed(store)
        doomed = store.value("SELECT count(*) FROM doomed")
        taken = store.rows(
            """SELECT source, native_id FROM doomed_key UNION SELECT a.source, a.alias FROM post_alias a
               JOIN doomed_key d ON d.source = a.source AND d.native_id = a.native_id"""
        )
        remember_erased(store, "post", [(str(s), str(i)) for s, i in taken], reason, at)
        own = {*accounts, *([subject.id] if subject.id else [])}
        remember_erased(store, "actor", [(subject.source, account) for account in sorted(own)], reason, at)
        handles = {n.lower() for n in (*names, subject.handle) if n}
        remember_erased(store, "handle", [(subject.source, h) for h in sorted(handles)], reason, at)
        if all(account.startswith("@") for account in own):
            # Of one who is known by a handle alone, what comes under this handle is taken for theirs.
            remember_erased(store, "named", [(subject.source, h) for h in sorted(handles)], reason, at)
        mark_for_purge(db, "doomed", reason, at)
        hide_posts(store, "doomed")
        counts = {"accounts": len(accounts), "posts": doomed, **_off_others(store, subject, sorted(handles), accounts)}
        _off_keys(store, subject, accounts)
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    store.checkpoint()
    return counts


def rectify(store: Store, subject: Subject, handle: str | None, name: str | None) -> int:
    """Put the handle or the name of an account right; returns how many rows were wrong.

    What stood there before is replaced wherever it was kept. Raises UsageError when there is nothing to change.
    """
    accounts, _ = _find_subject(store, subject)
    if not accounts:
        raise UsageError("the case holds no such account; see `sna subject access`")
    if handle is None and name is None:
        raise UsageError("give what is right: --new-handle or --name")
    changed = 0
    for column, value in (("handle", handle and handle.strip().lstrip("@")), ("name", name)):
        if value is not None:
            wrong = f"actor IN (FROM subject_actor) AND {column} IS DISTINCT FROM ?"
            changed += store.value(f"SELECT count(*) FROM actor_handle WHERE {wrong}", value)
            store.db.execute(f"UPDATE actor_handle SET {column} = ? WHERE {wrong}", [value, value])
    store.checkpoint()
    return changed


def _find_subject(store: Store, subject: Subject) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Make `subject_actor` and `subject_post`, their keys; return the account's ids and all handles it bore."""
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE subject_actor AS
           SELECT DISTINCT a.actor FROM actor a LEFT JOIN actor_handle h USING (actor)
           WHERE a.source = $source AND (
               a.native_id = $id OR a.native_id = '@' || lower($handle) OR lower(h.handle) = lower($handle))""",
        {"source": subject.source, "id": subject.id, "handle": subject.handle},
    )
    # What others call the account that is known here by its id is the same account under its handle alone.
    store.db.execute(
        """INSERT INTO subject_actor
           SELECT DISTINCT a.actor FROM actor a
           JOIN (SELECT DISTINCT lower(handle) AS handle FROM actor_handle
                 WHERE actor IN (FROM subject_actor) AND handle IS NOT NULL) h ON a.native_id = '@' || h.handle
           WHERE a.source = ? AND a.actor NOT IN (FROM subject_actor)""",
        [subject.source],
    )
    store.db.execute(
        "CREATE OR REPLACE TEMP TABLE subject_post AS SELECT post FROM post WHERE actor IN (FROM subject_actor)"
    )
    accounts = store.rows("SELECT native_id FROM actor WHERE actor IN (FROM subject_actor) ORDER BY 1")
    names = store.rows(
        "SELECT DISTINCT handle FROM actor_handle WHERE actor IN (FROM subject_actor) AND handle IS NOT NULL ORDER BY 1"
    )
    known = tuple(str(row[0]) for row in names)
    if subject.handle and subject.handle.lower() not in {name.lower() for name in known}:
        known = (*known, subject.handle)
    return tuple(str(row[0]) for row in accounts), known


def _rows_about(store: Store, table: str, subject: Subject, words: list[str]) -> pl.DataFrame:
    columns = {
        str(name): str(kind)
        for name, kind in store.rows(
            """SELECT column_name, data_type FROM duckdb_columns()
               WHERE database_name = 'store' AND table_name = ? ORDER BY column_index""",
            table,
        )
    }
    tests = [f"{name} IN (FROM subject_actor)" for name in columns if name in _ACTOR_KEYS]
    tests += [f"{name} IN (FROM subject_post)" for name in columns if name in _POST_KEYS]
    bound: dict[str, object] = {}
    if {"source", "native_id"} <= set(columns):
        tests.append(
            """(source, native_id) IN (SELECT (source, native_id) FROM post_key WHERE post IN (FROM subject_post)
                UNION ALL SELECT (source, native_id) FROM actor WHERE actor IN (FROM subject_actor)
                UNION ALL SELECT (d.source, d.native_id) FROM due d WHERE d.post IN (FROM subject_post))"""
        )
    if {"first", "last"} <= set(columns):
        tests.append("EXISTS (FROM subject_post s WHERE s.post BETWEEN first AND last)")
    texts = [name for name, kind in columns.items() if kind in ("VARCHAR", "VARCHAR[]", "BLOB") and name != "source"]
    patterns = [name_pattern(word.lstrip("@")) for word in words if len(word.lstrip("@")) > 1]
    if texts and patterns:
        bound = {"names": "|".join(patterns)}
        tests += [f"regexp_matches({_as_text(name, columns[name])}, $names)" for name in texts]
    if not tests:
        return pl.DataFrame()
    shown = ", ".join(
        f"{_as_text(name, columns[name])} AS {name}" if columns[name] == "BLOB" else name for name in columns
    )
    keyed = ", (SELECT native_id FROM post_key k WHERE k.post = t.post) AS post_id" if "post" in columns else ""
    return store.frame(f"SELECT {shown}{keyed} FROM {table} t WHERE {' OR '.join(tests)}", *([bound] if bound else []))


def _as_text(column: str, kind: str) -> str:
    return f"coalesce(TRY(decode({column})), {column}::VARCHAR)" if kind == "BLOB" else f"{column}::VARCHAR"


def _exports_about(store: Store, words: list[str], folder: Path) -> tuple[dict[str, object], ...]:
    found = exports_that_hold(store, "subject_post")
    told = {str(row["file"]) for row in found}
    names = [word.lstrip("@") for word in words if len(word.lstrip("@")) > 2]
    pattern = re.compile(rb"(?<!\w)(?:" + b"|".join(re.escape(name.encode().lower()) for name in names) + rb")(?!\w)")
    registered = {Path(str(row[0])) for row in store.rows("SELECT DISTINCT path FROM export")}
    here = {path.resolve() for path in folder.rglob("*") if path.is_file()} if folder.is_dir() else set()
    for path in sorted(registered | here):
        if names and str(path) not in told and path.is_file() and pattern.search(path.read_bytes().lower()):
            found.append({"file": str(path), "posts": None, "still_there": True, "holds": "its name"})
    return tuple(found)


def _elsewhere(store: Store, subject: Subject) -> tuple[str, ...]:
    rows = store.rows(
        """SELECT DISTINCT a.source FROM actor a LEFT JOIN actor_handle h USING (actor)
           WHERE a.source <> $source AND (lower(h.handle) = lower($handle) OR a.native_id = $id) ORDER BY 1""",
        {"source": subject.source, "handle": subject.handle, "id": subject.id},
    )
    return tuple(str(row[0]) for row in rows)


def _find_doomed(store: Store) -> None:
    """Make `doomed`: the posts of the subject and the reposts of them; and `doomed_key`, their source and id."""
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE doomed AS
           SELECT post FROM post WHERE actor IN (FROM subject_actor) OR repost_actor IN (FROM subject_actor)
              OR repost_of IN (FROM subject_post)"""
    )
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE doomed_key AS
           SELECT k.* FROM post_key k WHERE k.post IN (FROM doomed)"""
    )


def _off_others(store: Store, subject: Subject, handles: list[str], accounts: tuple[str, ...]) -> dict[str, int]:
    """Take the subject off the posts of others; returns mentions, links and texts that were changed."""
    db = store.db
    mentions = store.value("SELECT count(*) FROM mention WHERE actor IN (FROM subject_actor)")
    db.execute(
        """CREATE OR REPLACE TEMP TABLE touched AS
           SELECT post FROM mention WHERE actor IN (FROM subject_actor)
           UNION SELECT post FROM post WHERE parent_actor IN (FROM subject_actor)
              OR quote_actor IN (FROM subject_actor)"""
    )
    db.execute("DELETE FROM mention WHERE actor IN (FROM subject_actor)")
    for column in ("parent_actor", "quote_actor"):
        db.execute(f"UPDATE post SET {column} = NULL WHERE {column} IN (FROM subject_actor)")
    words = [*handles, *(a for a in accounts if not a.startswith("@") and len(a) > 4)]
    left = 0
    for word in words:
        redact(store, "post", subject.source, word)
        left += store.value(
            "SELECT count(*) FROM post WHERE source = ? AND regexp_matches(text, ?)", subject.source, name_pattern(word)
        )
    db.execute(
        f"""CREATE OR REPLACE TEMP TABLE redacted AS
            SELECT post FROM post WHERE contains(text, '{REDACTED}') AND post IN (SELECT post FROM post_language)"""
    )
    forget_language(db, "redacted")
    for table, column in _ASKED:
        for word in words:
            db.execute(
                f"UPDATE {table} SET {column} = {without_name(column)} WHERE regexp_matches({column}, $pattern)",
                {"pattern": name_pattern(word)},
            )
    for word in words:
        body = _as_text("body", "BLOB")
        db.execute(
            f"""CREATE OR REPLACE TEMP TABLE naming AS
                SELECT page FROM raw_page WHERE regexp_matches({body}, ?)""",
            [name_pattern(word)],
        )
        for table in ("raw_page", "raw_post"):
            db.execute(f"DELETE FROM {table} WHERE page IN (FROM naming)")
    return {"mentions": mentions, "links": store.value("SELECT count(*) FROM touched"), "bare_words_left": left}


def _off_keys(store: Store, subject: Subject, accounts: tuple[str, ...]) -> None:
    """Take the ids of the subject and its posts out of the tables of keys; others' links lead to a hash then."""
    db, key = store.db, store.terms.key()
    gone = store.frame("SELECT post, source, native_id FROM doomed_key")
    hashes = [keyed_hash(key, "post", s, i) for s, i in zip(gone["source"], gone["native_id"], strict=True)]
    hashed = gone.with_columns(pl.Series("hash", hashes, pl.Binary)).to_arrow()
    db.register("hashed_key", hashed)
    for table in ("gap", "suppressed", "post_alias"):
        db.execute(f"""DELETE FROM {table} WHERE (source, native_id) IN (SELECT (source, native_id) FROM doomed_key)""")
    db.execute(f"UPDATE post_key SET native_id = {ERASED_ID} FROM hashed_key e WHERE post_key.post = e.post")
    db.unregister("hashed_key")
    for table in ("actor_handle", "actor"):
        db.execute(f"DELETE FROM {table} WHERE actor IN (FROM subject_actor)")
    db.execute(
        "DELETE FROM suppressed_actor WHERE source = ? AND list_contains(?, native_id)",
        [subject.source, [*accounts, subject.id or ""]],
    )
