"""Brings what is stored up to date with what was met again: metrics, edits, missing fields, names, mentions."""

from datetime import UTC, datetime

import duckdb

from sna.store.absence import mark_for_purge

# A source never changes these: a second, different value is logged as a conflict, and the first one stays.
FIXED = ("actor", "created_at", "parent", "quote_of", "repost_of")
FILLED = ("parent_actor", "quote_actor", "repost_actor", "conversation")
NEWEST = (
    *("text", "lang", "link", "hashtags", "urls", "media", "latitude", "longitude", "state"),
    *("likes", "reposts", "replies", "quotes", "views"),
)


def merge_repeated(db: duckdb.DuckDBPyConnection, batch: int) -> tuple[int, int]:
    """Update posts from the rows of `sighting` that are not new; returns (posts changed, conflicts logged).

    The later edit, then the later sighting, wins for text and metrics; a missing field is filled from either.
    """
    db.execute(
        """CREATE OR REPLACE TEMP TABLE latest AS
           SELECT s.* EXCLUDE (referenced), NOT c.own AS referenced
           FROM sighting s JOIN (
               SELECT post, bool_or(NOT referenced) AS own,
                      arg_max(seq, (coalesce(edited_at, TIMESTAMP '1970-01-01'), seen_at, NOT referenced, seq)) AS seq
               FROM sighting WHERE NOT is_new GROUP BY post) c USING (seq)"""
    )
    conflicts = _log_conflicts(db, batch)
    _find_changes(db)
    changed = int(db.execute("SELECT count(*) FROM change").fetchall()[0][0])
    if changed:
        _apply_changes(db)
    _withdraw(db)
    # A post that was first met inside another one often comes without its mentions.
    store_mentions(db, "latest WHERE len(mentions) > 0 AND post NOT IN (SELECT post FROM mention)")
    return changed, conflicts


def _withdraw(db: duckdb.DuckDBPyConnection) -> None:
    """Take the words and the author off posts that their platform shows without them from now on.

    Their place in the thread stays, as it does there; the bytes are marked for the next purge.
    """
    db.execute(
        """CREATE OR REPLACE TEMP TABLE withdrawn AS
           SELECT l.post FROM latest l JOIN post p USING (post)
           WHERE l.state IN ('deleted', 'removed') AND (p.text IS NOT NULL OR p.actor IS NOT NULL)
             AND l.text IS NULL AND l.seen_at >= p.seen_at"""
    )
    gone = int(db.execute("SELECT count(*) FROM withdrawn").fetchall()[0][0])
    if not gone:
        return
    db.execute(
        """UPDATE post SET text = NULL, actor = NULL, hashtags = NULL, urls = NULL, media = NULL
           WHERE post IN (SELECT post FROM withdrawn)"""
    )
    db.execute("DELETE FROM mention WHERE post IN (SELECT post FROM withdrawn)")
    forget_language(db, "withdrawn")
    mark_for_purge(db, "withdrawn", "withdrawn", datetime.now(UTC).replace(tzinfo=None))


def forget_language(db: duckdb.DuckDBPyConnection, posts: str) -> None:
    """Remove what was read in the texts of posts that changed or went; `posts` is a fixed table expression."""
    for table in ("post_language", "span"):
        db.execute(f"DELETE FROM {table} WHERE post IN (SELECT post FROM {posts})")


def store_mentions(db: duckdb.DuckDBPyConnection, sightings: str) -> None:
    """Write one `mention` row per post and account named in it; `sightings` is a fixed table expression."""
    db.execute(
        f"""INSERT INTO mention
            SELECT DISTINCT s.post, a.actor
            FROM (SELECT post, unnest(mentions) AS m FROM {sightings}) s
            JOIN known_actor a ON a.id = coalesce(s.m.id, '@' || lower(s.m.handle))"""
    )


def store_handles(db: duckdb.DuckDBPyConnection, source: object) -> None:
    """Keep the names that accounts went by, each with the first and last time it was seen."""
    db.execute(
        """CREATE OR REPLACE TEMP TABLE named AS
           SELECT actor, handle, name, min(seen_at) AS first_seen, max(seen_at) AS last_seen FROM (
               SELECT actor, author_handle AS handle, author_name AS name, seen_at FROM sighting
               WHERE actor IS NOT NULL AND author_handle IS NOT NULL
               UNION ALL
               SELECT a.actor, i.handle, i.name, i.seen_at FROM incoming_actor i
               JOIN known_actor a ON a.id = i.id WHERE i.source = $source AND i.handle IS NOT NULL)
           GROUP BY actor, handle, name""",
        {"source": source},
    )
    db.execute(
        """UPDATE actor_handle h SET first_seen = least(h.first_seen, n.first_seen),
                                     last_seen = greatest(h.last_seen, n.last_seen)
           FROM named n
           WHERE h.actor = n.actor AND h.handle = n.handle AND h.name IS NOT DISTINCT FROM n.name
             AND (n.first_seen < h.first_seen OR n.last_seen > h.last_seen)"""
    )
    db.execute(
        """INSERT INTO actor_handle SELECT * FROM named n WHERE NOT EXISTS (
               FROM actor_handle h WHERE h.actor = n.actor AND h.handle = n.handle
               AND h.name IS NOT DISTINCT FROM n.name)"""
    )
    # A mention often tells the handle and nothing more; it is worth a row only while the handle is new.
    db.execute(
        """INSERT INTO actor_handle
           SELECT a.actor, t.handle, NULL, min(t.seen_at), max(t.seen_at) FROM (
               SELECT m.id AS id, m.handle AS handle, seen_at
               FROM (SELECT unnest(mentions) AS m, seen_at FROM sighting)) t
           JOIN known_actor a ON a.id = coalesce(t.id, '@' || lower(t.handle))
           WHERE t.handle IS NOT NULL AND NOT EXISTS (
               FROM actor_handle h WHERE h.actor = a.actor AND lower(h.handle) = lower(t.handle))
           GROUP BY a.actor, t.handle"""
    )
    _resolve_handles(db, source)


def _log_conflicts(db: duckdb.DuckDBPyConnection, batch: int) -> int:
    found = " UNION ALL ".join(
        f"SELECT post, '{name}' AS field FROM latest l JOIN post p USING (post) WHERE l.{name} <> p.{name}"
        for name in FIXED
    )
    rows = db.execute(
        f"""INSERT INTO conflict SELECT post, field, ? FROM ({found}) f
            WHERE NOT EXISTS (FROM conflict c WHERE c.post = f.post AND c.field = f.field)""",
        [batch],
    ).fetchall()
    return int(rows[0][0])


def _find_changes(db: duckdb.DuckDBPyConnection) -> None:
    """Make `change`: the final values of each post that differs from what is stored."""
    newest = ", ".join(
        f"CASE WHEN is_newer THEN coalesce(l.{n}, p.{n}) ELSE coalesce(p.{n}, l.{n}) END AS {n}" for n in NEWEST
    )
    kept = ", ".join(f"coalesce(p.{n}, l.{n}) AS {n}" for n in FIXED + FILLED)
    columns = (*NEWEST, *FIXED, *FILLED, "edited_at", "seen_as")
    differs = " OR ".join(f"f.{n} IS DISTINCT FROM p.{n}" for n in columns)
    db.execute(
        f"""CREATE OR REPLACE TEMP TABLE change AS
            WITH final AS (
                SELECT l.post, l.seq, {newest}, {kept}, is_newer,
                       greatest(p.edited_at, l.edited_at) AS edited_at, greatest(p.seen_at, l.seen_at) AS seen_at,
                       CASE WHEN l.referenced THEN p.seen_as ELSE 'collected' END AS seen_as
                FROM (SELECT l.*, (coalesce(l.edited_at, TIMESTAMP '1970-01-01'), l.seen_at)
                                  > (coalesce(o.edited_at, TIMESTAMP '1970-01-01'), o.seen_at) AS is_newer
                      FROM latest l JOIN post o USING (post)) l
                JOIN post p USING (post))
            SELECT f.*, f.text IS DISTINCT FROM p.text AS new_text, f.parent IS DISTINCT FROM p.parent AS new_parent
            FROM final f JOIN post p USING (post) WHERE {differs}"""
    )


def _apply_changes(db: duckdb.DuckDBPyConnection) -> None:
    columns = (*NEWEST, *FIXED, *FILLED, "edited_at", "seen_as", "seen_at")
    values = ", ".join(f"{n} = c.{n}" for n in columns)
    db.execute(
        f"""UPDATE post SET {values},
                kind = CASE WHEN post.kind = 'report' THEN 'report' WHEN c.repost_of IS NOT NULL THEN 'repost'
                            WHEN c.parent IS NOT NULL THEN 'reply'
                            WHEN c.quote_of IS NOT NULL THEN 'quote' ELSE 'original' END
            FROM change c WHERE post.post = c.post"""
    )
    db.execute("DELETE FROM mention WHERE post IN (SELECT post FROM change WHERE new_text)")
    forget_language(db, "change WHERE new_text")
    store_mentions(db, "sighting SEMI JOIN (FROM change WHERE new_text) USING (seq)")
    db.execute(
        """INSERT INTO to_trace
           SELECT post FROM change WHERE new_parent
           UNION SELECT post FROM thread_post WHERE top IN (
               SELECT t.top FROM thread_post t JOIN change c USING (post) WHERE c.new_parent)"""
    )


def _resolve_handles(db: duckdb.DuckDBPyConnection, source: object) -> None:
    """Point mentions by handle alone to the one account of the source that is known to bear the handle."""
    db.execute(
        """CREATE OR REPLACE TEMP TABLE resolved AS
           WITH by_handle AS (
               SELECT actor, substr(native_id, 2) AS handle FROM actor
               WHERE source = $source AND starts_with(native_id, '@')),
           bearer AS (
               SELECT lower(h.handle) AS handle, min(h.actor) AS actor
               FROM actor_handle h JOIN actor a USING (actor)
               WHERE a.source = $source AND NOT starts_with(a.native_id, '@')
                 AND lower(h.handle) IN (SELECT handle FROM by_handle)
               GROUP BY 1 HAVING count(DISTINCT h.actor) = 1)
           SELECT b.actor AS stub, r.actor FROM by_handle b JOIN bearer r USING (handle)""",
        {"source": source},
    )
    db.execute(
        """CREATE OR REPLACE TEMP TABLE moved AS
           SELECT DISTINCT m.post, r.actor FROM mention m JOIN resolved r ON m.actor = r.stub
           ANTI JOIN mention o ON o.post = m.post AND o.actor = r.actor"""
    )
    db.execute("DELETE FROM mention WHERE actor IN (SELECT stub FROM resolved)")
    db.execute("INSERT INTO mention SELECT post, actor FROM moved")
