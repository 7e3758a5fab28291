"""What is due and when, and which posts have not been checked at their source in time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sna.store.expiry import clock_is_back, time_for_retention
from sna.store.opening import Store

SOON, LATER = timedelta(days=7), timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Retention:
    """What is due: posts hidden that await the purge, and posts that expire within 7 and 30 days, by source.

    `by_reason` tells why those due are; `first` is when the next post expires; `unchecked` counts, by source, posts
    from collectors whose check for deletions is overdue. `clock_is_back` warns that this machine's clock shows an
    earlier time than the case has seen, which then counts. Times are UTC.
    """

    as_of: datetime
    due_now: dict[str, int]
    due_in_7_days: dict[str, int]
    due_in_30_days: dict[str, int]
    by_reason: dict[str, int]
    first: datetime | None
    unchecked: dict[str, int]
    clock_is_back: bool


def retention_status(store: Store, recheck_hours: int) -> Retention:
    """Return what is due now and soon; what has expired must have been hidden before."""
    at = time_for_retention(store)
    first = store.rows("SELECT min(expires_at) FROM post")[0][0]
    return Retention(
        at,
        _counted(store, "SELECT source, count(DISTINCT post) FROM due GROUP BY 1 ORDER BY 1"),
        _counted(store, _EXPIRING, at + SOON),
        _counted(store, _EXPIRING, at + LATER),
        _counted(store, "SELECT reason, count(DISTINCT post) FROM due GROUP BY 1 ORDER BY 1"),
        first if isinstance(first, datetime) else None,
        unchecked_posts(store, recheck_hours),
        clock_is_back(store),
    )


def overdue_posts(store: Store, limit: int | None = None) -> list[dict[str, object]]:
    """Return the posts whose bytes should be gone: source, id, reason, since when (UTC), the oldest first."""
    rows = store.rows(
        """SELECT source, native_id, min(reason), min(due_at) FROM due GROUP BY 1, 2 ORDER BY 4, 1, 2 LIMIT ?""",
        limit,
    )
    return [dict(zip(("source", "id", "reason", "since"), row, strict=True)) for row in rows]


def find_unchecked(store: Store, recheck_hours: float, sources: tuple[str, ...] = ()) -> None:
    """Make `unchecked`: post, source and native id of posts from collectors that were not seen for so many hours.

    Posts from files have no source that could be asked whether they are still there.
    """
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE unchecked AS
           SELECT p.post, p.source, k.native_id FROM post p JOIN post_key k USING (post)
           JOIN batch b USING (batch)
           LEFT JOIN (SELECT post, max(checked_at) AS checked_at FROM checked GROUP BY post) c USING (post)
           WHERE (starts_with(b.command, 'collect') OR starts_with(b.command, 'watch'))
             AND greatest(p.seen_at, coalesce(c.checked_at, p.seen_at)) <= ?::TIMESTAMP - to_seconds(? * 3600)
             AND (len(?) = 0 OR list_contains(?, p.source))""",
        [time_for_retention(store), recheck_hours, list(sources), list(sources)],
    )


def unchecked_posts(store: Store, recheck_hours: int) -> dict[str, int]:
    """Return, by source, how many posts from collectors are overdue for a check; none when the hours are 0."""
    if not recheck_hours:
        return {}
    find_unchecked(store, recheck_hours)
    return _counted(store, "SELECT source, count(*) FROM unchecked GROUP BY 1 ORDER BY 1")


_EXPIRING = "SELECT source, count(*) FROM post WHERE expires_at <= ? GROUP BY 1 ORDER BY 1"


def _counted(store: Store, sql: str, *parameters: object) -> dict[str, int]:
    return {str(name): int(str(count)) for name, count in store.rows(sql, *parameters)}
