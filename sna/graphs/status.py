"""The state of a case in figures: what was collected, what is missing, over which time."""

from dataclasses import dataclass
from datetime import datetime

from sna.post import Kind
from sna.store.opening import Store


@dataclass(frozen=True, slots=True)
class Status:
    """Counts over the whole case.

    `actors` are accounts with at least one post, `mentioned_only` those named and never seen posting.
    `threads` have two posts or more; reposts are no part of threads, so `true_roots` leaves them out.
    `missing_parents` are distinct absent posts, `orphan_replies` the replies to them. `older_than_parent`
    and `time_suspect` count posts whose clock cannot be right. `awaiting_purge` are posts hidden from every query
    whose bytes the next purge takes away; `gaps` counts absent posts that were asked for, by why they were not given.
    """

    posts: int
    actors: int
    mentioned_only: int
    by_source: dict[str, int]
    by_kind: dict[str, int]
    referenced: int
    replies: int
    replies_with_parent: int
    missing_parents: int
    orphan_replies: int
    threads: int
    true_roots: int
    cycles: int
    max_depth: int
    quarantined: int
    duplicates: int
    dropped: int
    deleted: int
    conflicts: int
    older_than_parent: int
    time_suspect: int
    awaiting_purge: int
    gaps: dict[str, int]
    window: dict[str, datetime | None]
    expires_first: datetime | None


def count_status(store: Store) -> Status:
    """Return the figures of the whole case; needs traced threads."""
    value, rows = store.value, store.rows
    reply = "parent IS NOT NULL AND kind <> 'repost'"
    absent = f"{reply} AND parent NOT IN (SELECT post FROM post)"
    window = rows("SELECT min(created_at), max(created_at) FROM timed_post")[0]
    kinds = {str(kind): int(str(count)) for kind, count in rows("SELECT kind, count(*) FROM post GROUP BY 1")}
    sources = rows("SELECT source, count(*) FROM post GROUP BY 1 ORDER BY 1")
    batch = rows("SELECT coalesce(sum(duplicates), 0), coalesce(sum(dropped), 0) FROM batch")[0]
    replies = value(f"SELECT count(*) FROM post WHERE {reply}")
    orphans = value(f"SELECT count(*) FROM post WHERE {absent}")
    return Status(
        posts=value("SELECT count(*) FROM post"),
        actors=value("SELECT count(DISTINCT actor) FROM post"),
        mentioned_only=value(
            """SELECT count(DISTINCT actor) FROM mention
               WHERE actor NOT IN (SELECT actor FROM post WHERE actor IS NOT NULL)"""
        ),
        by_source={str(source): int(str(count)) for source, count in sources},
        by_kind={kind.value: kinds.get(kind.value, 0) for kind in Kind},
        referenced=value("SELECT count(*) FROM post WHERE seen_as = 'referenced'"),
        replies=replies,
        replies_with_parent=replies - orphans,
        missing_parents=value(f"SELECT count(DISTINCT parent) FROM post WHERE {absent}"),
        orphan_replies=orphans,
        threads=value("SELECT count(*) FROM (SELECT top FROM thread_post GROUP BY top HAVING count(*) > 1)"),
        true_roots=value("SELECT count(*) FROM thread_post WHERE depth = 0 AND root_status = 'observed'"),
        cycles=value("SELECT count(*) FROM thread_post WHERE depth = 0 AND root_status = 'cycle'"),
        max_depth=value("SELECT max(depth) FROM thread_post"),
        quarantined=value("SELECT count(*) FROM quarantine"),
        duplicates=int(str(batch[0])),
        dropped=int(str(batch[1])),
        deleted=value("SELECT count(*) FROM suppressed"),
        conflicts=value("SELECT count(*) FROM conflict"),
        older_than_parent=value(
            "SELECT count(*) FROM post p JOIN post q ON q.post = p.parent WHERE p.created_at < q.created_at"
        ),
        time_suspect=value("SELECT count(*) FROM post WHERE list_contains(flags, 'time_suspect')"),
        awaiting_purge=value("SELECT count(*) FROM due"),
        gaps={
            str(reason): int(str(count))
            for reason, count in rows(
                """SELECT g.reason, count(DISTINCT k.post) FROM gap g
                   JOIN post_key k ON k.source = g.source AND k.native_id = g.native_id
                   WHERE k.post NOT IN (SELECT post FROM post) GROUP BY 1 ORDER BY 1"""
            )
        },
        window={"first": _time(window[0]), "last": _time(window[1])},
        expires_first=_time(rows("SELECT min(expires_at) FROM post")[0][0]),
    )


def list_quarantine(store: Store) -> list[tuple[str, int, str, str]]:
    """Return (file, byte offset, reason, sha256) of each quarantined line, by file and offset."""
    rows = store.rows("SELECT file, byte_offset, reason, sha256 FROM quarantine ORDER BY file, byte_offset, reason")
    return [(str(f), int(str(o)), str(r), str(h)) for f, o, r, h in rows]


def _time(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
