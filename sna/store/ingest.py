"""Moves the sightings in `incoming` into the store: keyed, deduplicated, merged, each row counted once.

Every step is one SQL statement over a whole chunk, and a chunk is one transaction. All of it is idempotent:
a post is known by (source, native id), so a repeated chunk stores nothing twice.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import duckdb

from sna.post import Actor, Post, Tally
from sna.store import schema
from sna.store.absence import drop_suppressed, hide_deleted
from sna.store.alias import resolve_aliases
from sna.store.erasure import drop_erased
from sna.store.merge import merge_repeated, store_handles, store_mentions
from sna.store.opening import Store
from sna.store.records import offer_records

KIND = """CASE WHEN is_report THEN 'report' WHEN repost_of IS NOT NULL THEN 'repost'
    WHEN parent IS NOT NULL THEN 'reply' WHEN quote_of IS NOT NULL THEN 'quote' ELSE 'original' END"""
FOREVER = datetime(9999, 1, 1)


def begin_batch(store: Store, command: str) -> int:
    """Record that a run starts to write, and return the number that its rows will carry."""
    batch = store.value("SELECT coalesce(max(batch), 0) + 1 FROM batch")
    store.db.execute("INSERT INTO batch (batch, command, started_at) VALUES (?, ?, ?)", [batch, command, now()])
    return batch


def end_batch(store: Store, batch: int) -> None:
    """Record that a run is complete."""
    store.db.execute("UPDATE batch SET finished_at = ? WHERE batch = ?", [now(), batch])


def clear_incoming(store: Store) -> None:
    """Make the `incoming` tables empty for the next chunk."""
    store.db.execute(schema.INCOMING)


def ingest_posts(store: Store, posts: Iterable[Post], actors: Iterable[Actor] = ()) -> Tally:
    """Store records as one batch; returns what became of them."""
    clear_incoming(store)
    offer_records(store, posts, actors, now())
    batch = begin_batch(store, "ingest")
    tally = absorb_incoming(store, batch, file="")
    end_batch(store, batch)
    return tally


def absorb_incoming(store: Store, batch: int, file: str, note: Callable[[], None] | None = None) -> Tally:
    """Move one chunk from the `incoming` tables into the store in one transaction; returns its counts.

    `file` names the chunk's origin in the quarantine; `note` writes what else belongs into the same
    transaction. A checkpoint makes it durable; one that fails may still
    be so, which is harmless: the retry finds every row as a duplicate.
    """
    db = store.db
    db.execute("BEGIN")
    try:
        tally = _absorb(store, batch, file)
        db.execute(
            """UPDATE batch SET stored = stored + ?, duplicates = duplicates + ?, updated = updated + ?,
                   dropped = dropped + ?, quarantined = quarantined + ?, profiles = profiles + ?,
                   deletions = deletions + ? WHERE batch = ?""",
            [
                tally.stored,
                tally.duplicates,
                tally.updated,
                tally.dropped,
                tally.quarantined,
                tally.profiles,
                tally.deletions,
                batch,
            ],
        )
        if note:
            note()
        db.execute("COMMIT")
        store.checkpoint()
    except BaseException:
        _roll_back(db)
        raise
    return tally


def _absorb(store: Store, batch: int, file: str) -> Tally:
    db, tally = store.db, Tally()
    resolve_aliases(store)
    tally.deletions, tally.deleted = hide_deleted(store, now())
    drop_suppressed(store)
    drop_erased(store, now())
    _quarantine(store, batch, file, tally)
    tally.dropped = store.value("SELECT count(*) FROM incoming WHERE problem IS NULL AND protected")
    tally.profiles = store.value("SELECT count(*) FROM incoming_actor")
    sources = store.rows("SELECT DISTINCT source FROM incoming UNION SELECT DISTINCT source FROM incoming_actor")
    for (source,) in sorted(sources, key=str):
        _number_posts(db, source)
        _number_actors(db, source)
        _sort_sightings(db, source)
        tally.stored += _store_new(store, batch, source)
        repeated = store.value("SELECT count(*) FROM sighting WHERE NOT is_new")
        tally.duplicates += repeated
        if repeated:
            updated, conflicts = merge_repeated(db, batch)
            tally.updated += updated
            tally.conflicts += conflicts
        store_handles(db, source)
    return tally


def _quarantine(store: Store, batch: int, file: str, tally: Tally) -> None:
    store.db.execute(
        """INSERT INTO quarantine
           SELECT ?, ?, coalesce(byte_offset, 0), problem, coalesce(line_sha256, sha256(coalesce(id, ''))),
                  ?::TIMESTAMP + to_days(?)
           FROM incoming WHERE problem IS NOT NULL""",
        [batch, file, now(), store.terms.keep_days],
    )
    for reason, count in store.rows("SELECT problem, count(*) FROM incoming WHERE problem IS NOT NULL GROUP BY 1"):
        tally.reasons[str(reason)] = int(str(count))
        tally.quarantined += int(str(count))


def _number_posts(db: duckdb.DuckDBPyConnection, source: object) -> None:
    """Make `known_post`: one row per post id named in the chunk, with its dense key; new ids get the next ones."""
    db.execute(
        """CREATE OR REPLACE TEMP TABLE named_post AS
           SELECT DISTINCT unnest([id, reply_to, quote_of, repost_of, conversation]) AS id FROM incoming
           WHERE source = ? AND problem IS NULL AND NOT protected""",
        [source],
    )
    db.execute("DELETE FROM named_post WHERE id IS NULL")
    _number(db, "post", source)


def _number_actors(db: duckdb.DuckDBPyConnection, source: object) -> None:
    """Make `known_actor`: one row per account named in the chunk; one known by handle alone has the id `@handle`."""
    db.execute(
        """CREATE OR REPLACE TEMP TABLE named_actor AS
           SELECT DISTINCT id FROM (
               SELECT unnest([author_id, reply_to_author, quote_author, repost_author]) AS id FROM incoming
               WHERE source = $source AND problem IS NULL AND NOT protected
               UNION ALL
               SELECT coalesce(m.id, '@' || lower(m.handle)) FROM
                   (SELECT unnest(mentions) AS m FROM incoming
                    WHERE source = $source AND problem IS NULL AND NOT protected)
               UNION ALL
               SELECT id FROM incoming_actor WHERE source = $source
           ) WHERE id IS NOT NULL""",
        {"source": source},
    )
    _number(db, "actor", source)


def _number(db: duckdb.DuckDBPyConnection, what: str, source: object) -> None:
    table = {"post": "post_key", "actor": "actor"}[what]
    db.execute(
        f"""CREATE OR REPLACE TEMP TABLE known_{what} AS
            SELECT n.id, k.{what} FROM named_{what} n
            JOIN (FROM {table} WHERE source = ?) k ON k.native_id = n.id""",
        [source],
    )
    db.execute(
        f"""CREATE OR REPLACE TEMP TABLE unknown_{what} AS
            SELECT row_number() OVER () + (SELECT coalesce(max({what}), 0) FROM {table}) AS {what}, id
            FROM (SELECT id FROM named_{what} n ANTI JOIN known_{what} k USING (id))"""
    )
    db.execute(f"INSERT INTO {table} SELECT {what}, ?, id FROM unknown_{what}", [source])
    db.execute(f"INSERT INTO known_{what} SELECT id, {what} FROM unknown_{what}")


# Columns of `incoming` that hold ids: what they name, and the column of `sighting` that holds its key.
_KEYED = {
    "author_id": ("actor", "actor"),
    "reply_to": ("post", "parent"),
    "reply_to_author": ("actor", "parent_actor"),
    "quote_of": ("post", "quote_of"),
    "quote_author": ("actor", "quote_actor"),
    "repost_of": ("post", "repost_of"),
    "repost_author": ("actor", "repost_actor"),
    "conversation": ("post", "conversation"),
}


def _sort_sightings(db: duckdb.DuckDBPyConnection, source: object) -> None:
    """Make `sighting`: the chunk's posts with keys for ids; `is_new` marks the one to store per unknown post.

    Of several sightings of one new post the collected, then the latest, then the first one is stored; the others
    are merged.
    """
    filled = db.execute(f"SELECT {', '.join(f'count({name})' for name in _KEYED)} FROM incoming").fetchall()[0]
    used = [name for name, count in zip(_KEYED, filled, strict=True) if count]
    keys = ", ".join(
        f"{f'k_{name}.{_KEYED[name][0]}' if name in used else 'NULL::BIGINT'} AS {_KEYED[name][1]}" for name in _KEYED
    )
    joins = " ".join(f"LEFT JOIN known_{_KEYED[name][0]} k_{name} ON k_{name}.id = i.{name}" for name in used)
    db.execute(
        f"""CREATE OR REPLACE TEMP TABLE sighting AS
            SELECT i.rowid AS seq, k.post, i.* EXCLUDE (source, id, {", ".join(_KEYED)}, problem, protected),
                   {keys}, NOT EXISTS (FROM post p WHERE p.post = k.post) AS is_new
            FROM incoming i JOIN known_post k ON k.id = i.id {joins}
            WHERE i.source = $source AND i.problem IS NULL AND NOT i.protected""",
        {"source": source},
    )
    db.execute(
        """CREATE OR REPLACE TEMP TABLE chosen AS
           SELECT post, arg_max(seq, (NOT referenced, seen_at, -seq)) AS seq FROM sighting
           WHERE is_new GROUP BY post HAVING count(*) > 1"""
    )
    db.execute(
        "UPDATE sighting SET is_new = false FROM chosen c WHERE sighting.post = c.post AND sighting.seq <> c.seq"
    )


def _store_new(store: Store, batch: int, source: object) -> int:
    db = store.db
    db.execute(
        f"""INSERT INTO post BY NAME
           SELECT post, $source AS source, {KIND} AS kind,
                  actor, created_at, text, lang, parent, parent_actor, quote_of, quote_actor, repost_of, repost_actor,
                  conversation, hashtags, urls, media, latitude, longitude, state,
                  likes, reposts, replies, quotes, views, edited_at,
                  CASE WHEN referenced THEN 'referenced' ELSE 'collected' END AS seen_as,
                  seen_at, link, flags, $batch AS batch,
                  least($now::TIMESTAMP + to_days(least($days, coalesce(
                      $kind_days[list_position($kinds, {KIND})], $days))), $until::TIMESTAMP) AS expires_at
           FROM sighting WHERE is_new""",
        {
            "source": source,
            "batch": batch,
            "now": now(),
            "days": store.terms.days_of(str(source)),
            "kinds": list(store.terms.by_kind),
            "kind_days": list(store.terms.by_kind.values()),
            "until": store.terms.until or FOREVER,
        },
    )
    store_mentions(db, "sighting WHERE is_new")
    db.execute("INSERT INTO to_trace SELECT post FROM sighting WHERE is_new")
    return store.value("SELECT count(*) FROM sighting WHERE is_new")


def _roll_back(db: duckdb.DuckDBPyConnection) -> None:
    try:
        db.execute("ROLLBACK")
    except duckdb.Error:
        return


def now() -> datetime:
    """Return the time in UTC, without a zone, as the store keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)
