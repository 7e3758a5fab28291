"""Takes posts out of every query from the second on at which their retention ends; their bytes go with the purge."""

from datetime import datetime, timedelta

from sna.store.absence import hide_posts
from sna.store.ingest import now
from sna.store.opening import Store

CLOCK_SLACK = timedelta(minutes=5)


def time_for_retention(store: Store) -> datetime:
    """Return the latest time that the case has seen: a clock that is set back keeps no post alive."""
    rows = store.rows(
        """SELECT max(seen) FROM (
               SELECT max(started_at) AS seen FROM batch UNION ALL SELECT max(received_at) FROM page
               UNION ALL SELECT max(due_at) FROM due
               UNION ALL SELECT max(value::TIMESTAMP) FROM meta WHERE name = 'latest_time')"""
    )
    seen = rows[0][0]
    return max(now(), seen) if isinstance(seen, datetime) else now()


def clock_is_back(store: Store) -> bool:
    """Return whether the clock of this machine shows an earlier time than the case has seen."""
    return time_for_retention(store) > now() + CLOCK_SLACK


def has_expired(store: Store) -> bool:
    """Return whether posts or quarantined lines are past the end of their retention."""
    at = time_for_retention(store)
    return bool(
        store.value("SELECT count(*) FROM (FROM post WHERE expires_at <= ? LIMIT 1)", at)
        or store.value("SELECT count(*) FROM (FROM quarantine WHERE expires_at <= ? LIMIT 1)", at)
    )


def hide_expired(store: Store) -> int:
    """Hide the posts whose retention is over; returns how many. They are in `due` until the next purge."""
    at = time_for_retention(store)
    db = store.db
    db.execute("BEGIN")
    try:
        db.execute(
            "CREATE OR REPLACE TEMP TABLE expired AS SELECT post, source, expires_at FROM post WHERE expires_at <= ?",
            [at],
        )
        hidden = store.value("SELECT count(*) FROM expired")
        db.execute(
            """INSERT INTO due SELECT e.post, e.source, k.native_id, 'expired', e.expires_at
               FROM expired e JOIN post_key k USING (post)"""
        )
        hide_posts(store, "expired")
        db.execute("DELETE FROM quarantine WHERE expires_at <= ?", [at])
        db.execute("DELETE FROM meta WHERE name = 'latest_time'")
        db.execute("INSERT INTO meta VALUES ('latest_time', ?)", [at.isoformat()])
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    store.checkpoint()
    return hidden
