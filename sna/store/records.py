"""Hands records to the store: posts and actors become rows of the `incoming` tables, through Arrow."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from sna.post import Actor, Post, SeenAs
from sna.store.opening import Store

CLOCK_SLACK = timedelta(minutes=5)
_METRICS = ("likes", "reposts", "replies", "quotes", "views")
_PLAUSIBLE = datetime(1990, 1, 1)


def offer_records(store: Store, posts: Iterable[Post], actors: Iterable[Actor], seen_at: datetime) -> None:
    """Add posts and actors to `incoming` and `incoming_actor`; `seen_at` is their time where they carry none."""
    offered = pa.Table.from_pylist([_as_row(post, number, seen_at) for number, post in enumerate(posts)], _ARROW)
    profiles = pa.Table.from_pylist(
        [{"source": a.source, "id": a.id, "handle": a.handle, "name": a.name, "seen_at": seen_at} for a in actors],
        _ARROW_ACTOR,
    )
    for table, rows in (("incoming", offered), ("incoming_actor", profiles)):
        if rows.num_rows:
            store.db.register("offered", rows)
            store.db.execute(f"INSERT INTO {table} BY NAME SELECT * FROM offered")
            store.db.unregister("offered")


_ARROW = pa.schema(
    [("byte_offset", pa.int64())]
    + [
        (name, pa.string())
        for name in (
            "source",
            "id",
            "author_id",
            "author_handle",
            "author_name",
            "text",
            "lang",
            "reply_to",
            "reply_to_author",
            "quote_of",
            "repost_of",
            "conversation",
            "link",
            "problem",
            "line_sha256",
            "alias",
            "state",
        )
    ]
    + [(name, pa.timestamp("us")) for name in ("created_at", "edited_at", "seen_at")]
    + [(name, pa.int64()) for name in _METRICS]
    + [(name, pa.float64()) for name in ("latitude", "longitude")]
    + [(name, pa.list_(pa.string())) for name in ("hashtags", "urls", "media", "flags")]
    + [("mentions", pa.list_(pa.struct([("id", pa.string()), ("handle", pa.string())])))]
    + [(name, pa.bool_()) for name in ("referenced", "protected", "is_report")]
)
_ARROW_ACTOR = pa.schema(
    [(name, pa.string()) for name in ("source", "id", "handle", "name")] + [("seen_at", pa.timestamp("us"))]
)


def _as_row(post: Post, number: int, seen_at: datetime) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(post, name, None) for name in _ARROW.names}
    created_at = _utc(post.created_at)
    suspect = created_at is not None and not _PLAUSIBLE <= created_at <= seen_at + CLOCK_SLACK
    has_nul = "\0" in (post.text or "")
    row.update(
        byte_offset=number,
        text=post.text.replace("\0", "") if post.text and has_nul else post.text,
        created_at=created_at,
        edited_at=_utc(post.edited_at),
        mentions=[{"id": m.id, "handle": m.handle} for m in post.mentions],
        hashtags=list(post.hashtags),
        urls=list(post.urls),
        media=list(post.media),
        referenced=post.seen_as is SeenAs.REFERENCED,
        seen_at=_utc(post.seen_at) or seen_at,
        flags=[flag for flag, is_set in (("time_suspect", suspect), ("nul_removed", has_nul)) if is_set] or None,
        problem=None if post.id else "no id",
    )
    texts = [value for value in row.values() if isinstance(value, str)]
    texts += [*post.hashtags, *post.urls, *post.media, *(m.handle or m.id or "" for m in post.mentions)]
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return {"byte_offset": number, "source": post.source, "problem": "lone surrogate", "protected": False}
    return row


def _utc(time: datetime | None) -> datetime | None:
    return time.astimezone(UTC).replace(tzinfo=None) if time is not None and time.tzinfo else time
