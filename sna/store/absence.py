"""Hides what its platform took away: deleted posts, and posts of accounts that are gone or protected.

From the commit on, no query sees them; their bytes leave the file with the next purge, for which they are marked.
"""

from datetime import datetime

import duckdb

from sna.store.opening import Store
from sna.store.schema import OF_POST

# An account in one of these states is shown no more by its platform, and so not here.
GONE_STATES = ("deleted", "deactivated", "suspended", "takendown", "withheld", "protected")


def hide_deleted(store: Store, now: datetime) -> tuple[int, int]:
    """Carry out the chunk's deletion and account events; returns (events met, posts hidden).

    A deleted post that is not here is remembered as well, so that its creation, should it come later, is dropped.
    """
    events = store.value("SELECT count(*) FROM incoming_deletion")
    standings = store.value("SELECT count(*) FROM incoming_standing")
    if not events and not standings:
        return 0, 0
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE doomed AS
           SELECT DISTINCT p.post, k.source, k.native_id, coalesce(d.reason, 'deleted') AS reason
           FROM incoming_deletion d JOIN post_key k ON k.source = d.source AND k.native_id = d.id
           JOIN post p ON p.post = k.post"""
    )
    store.db.execute(
        """INSERT INTO suppressed
           SELECT source, id, ?::TIMESTAMP, coalesce(any_value(reason), 'deleted'), false FROM incoming_deletion d
           WHERE NOT EXISTS (FROM suppressed s WHERE s.source = d.source AND s.native_id = d.id)
           GROUP BY source, id""",
        [now],
    )
    if standings:
        _apply_standings(store, now)
    hidden = store.value("SELECT count(*) FROM doomed")
    if hidden:
        _hide_doomed(store, now)
    return events + standings, hidden


def drop_suppressed(store: Store) -> None:
    """Mark the chunk's posts that were deleted, or whose account is gone, like protected ones: to be dropped."""
    if store.value("SELECT count(*) FROM (FROM suppressed LIMIT 1)"):
        store.db.execute(
            """UPDATE incoming SET protected = true FROM suppressed s
               WHERE s.source = incoming.source AND s.native_id = incoming.id"""
        )
    if store.value("SELECT count(*) FROM (FROM suppressed_actor LIMIT 1)"):
        store.db.execute(
            """UPDATE incoming SET protected = true FROM suppressed_actor s
               WHERE s.source = incoming.source AND s.native_id = incoming.author_id"""
        )


def mark_for_purge(db: duckdb.DuckDBPyConnection, posts: str, reason: str, at: datetime) -> None:
    """Note in `due` that bytes of these posts are in the file that the next purge must take away.

    `posts` is a fixed expression of a table with the columns post and, where `reason` is blank, reason.
    """
    db.execute(
        f"""INSERT INTO due SELECT d.post, k.source, k.native_id, {"?" if reason else "coalesce(?, d.reason)"}, ?
            FROM (FROM {posts}) d JOIN post_key k ON k.post = d.post""",
        [reason or None, at],
    )


def hide_posts(store: Store, posts: str) -> None:
    """Take posts out of every table that queries read; `posts` is the name of a table with the column post.

    Their threads are traced anew. Pages as they came that hold one of them go whole.
    """
    store.db.execute(
        f"""INSERT INTO to_trace SELECT post FROM thread_post
            WHERE top IN (SELECT top FROM thread_post WHERE post IN (SELECT post FROM {posts}))"""
    )
    drop_raw(store, posts)
    for table in OF_POST:
        store.db.execute(f"DELETE FROM {table} WHERE post IN (SELECT post FROM {posts})")


def drop_raw(store: Store, posts: str) -> None:
    """Remove the pages as they came in which one of the posts was met."""
    if store.value("SELECT count(*) FROM (FROM raw_page LIMIT 1)"):
        store.db.execute(
            f"""CREATE OR REPLACE TEMP TABLE tainted AS
                SELECT DISTINCT page FROM raw_post WHERE post IN (SELECT post FROM {posts})"""
        )
        for table in ("raw_page", "raw_post"):
            store.db.execute(f"DELETE FROM {table} WHERE page IN (FROM tainted)")


def _apply_standings(store: Store, now: datetime) -> None:
    """Bring `suppressed_actor` up to date with the latest event of each account, and doom the posts of those gone."""
    store.db.execute(
        f"""CREATE OR REPLACE TEMP TABLE standing AS
            SELECT source, id, arg_max(state, byte_offset) AS state FROM incoming_standing i
            WHERE NOT EXISTS (FROM post_key k WHERE k.source = i.source AND k.native_id = i.id)
            GROUP BY source, id HAVING arg_max(state, byte_offset) IN {("active", *GONE_STATES)}"""
    )
    store.db.execute(
        """DELETE FROM suppressed_actor
           WHERE EXISTS (FROM standing s
                         WHERE s.source = suppressed_actor.source AND s.id = suppressed_actor.native_id)"""
    )
    store.db.execute(
        "INSERT INTO suppressed_actor SELECT source, id, ?::TIMESTAMP, state FROM standing WHERE state <> 'active'",
        [now],
    )
    store.db.execute(
        """INSERT INTO doomed
           SELECT p.post, k.source, k.native_id, 'account ' || s.state FROM standing s
           JOIN actor a ON a.source = s.source AND a.native_id = s.id
           JOIN post p ON p.actor = a.actor JOIN post_key k ON k.post = p.post
           WHERE s.state <> 'active' AND p.post NOT IN (SELECT post FROM doomed)"""
    )


def _hide_doomed(store: Store, now: datetime) -> None:
    # A post of an account that is gone is not suppressed itself: the account may come back, and the post with it.
    store.db.execute(
        """UPDATE suppressed SET to_purge = true FROM doomed d
           WHERE suppressed.source = d.source AND suppressed.native_id = d.native_id"""
    )
    mark_for_purge(store.db, "doomed", "", now)
    hide_posts(store, "doomed")
