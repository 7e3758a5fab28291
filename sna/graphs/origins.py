"""Origins: the earliest collected post that carries a URL, a hashtag, a text or an image, and how it spread from there.

What was not collected may be older. An origin is therefore always the earliest *collected* post, never "the first".
"""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from sna.errors import UsageError
from sna.graphs.carriers import find_carriers
from sna.graphs.conversations import find_post
from sna.graphs.near import THRESHOLD, Groups
from sna.graphs.urls import canonical_url
from sna.store.opening import Store

SORTS = ("actors", "carriers", "speed", "start")
CLAIM = "earliest collected"


@dataclass(frozen=True, slots=True)
class OriginFilter:
    """Which items to list: carried by at least so many actors, their origin in the window (UTC)."""

    min_actors: int = 2
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Carrier:
    """One post that carries an item: `seconds` after the origin; `how` own, quote, reply or repost, `of` which post."""

    post: str
    source: str
    actor: str | None
    handle: str | None
    created_at: datetime | None
    seconds: float | None
    how: str
    of: str | None
    of_is_collected: bool
    text: str | None
    link: str | None
    similarity: float | None


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of one item, its figures (those of `list_origins`), its carriers by time, and what may precede it."""

    kind: str
    item: str
    claim: str
    figures: dict[str, object]
    ties: tuple[str, ...]
    carriers: tuple[Carrier, ...]
    window_first: datetime | None
    window_last: datetime | None
    before: tuple[str, ...]
    groups: Groups | None


def list_origins(
    store: Store,
    kind: str,
    chosen: OriginFilter | None = None,
    sort: str = "actors",
    limit: int | None = None,
    threshold: float = THRESHOLD,
) -> pl.DataFrame:
    """Return one row per item: its earliest collected post and how it spread, the highest `sort` first.

    Columns: item (a text as its words), source, post, actor, handle, first_at (UTC), how (own, quote, reply, repost),
    ties (further posts of the same second), carriers (posts, reposts included), reposts, actors, undated (carriers
    without a usable time, no candidates), seconds_to_second, seconds_to_tenth, seconds_to_half (until the second, the
    tenth, half of all dated carriers), last_at. Sorted by speed means the shortest time to half first. Raises
    UsageError for an unknown kind or sort.
    """
    if sort not in SORTS:
        raise UsageError(f"cannot sort origins by {sort!r}; one of {', '.join(SORTS)}")
    find_carriers(store, kind, threshold)
    chosen = chosen or OriginFilter()
    order = {
        "actors": "actors DESC, carriers DESC",
        "carriers": "carriers DESC, actors DESC",
        "speed": "seconds_to_half NULLS LAST, actors DESC",
        "start": "first_at NULLS LAST",
    }[sort]
    return store.frame(
        f"""{_ITEMS} SELECT * EXCLUDE (key) FROM described
            WHERE actors >= $min_actors AND ($since IS NULL OR first_at >= $since::TIMESTAMP)
              AND ($until IS NULL OR first_at < $until::TIMESTAMP)
            ORDER BY {order}, item LIMIT $limit""",
        {
            "is_text": kind == "text",
            "min_actors": chosen.min_actors,
            "since": chosen.since,
            "until": chosen.until,
            "limit": 2**62 if limit is None else limit,
        },
    )


def show_origin(store: Store, kind: str, value: str, limit: int | None = 20, threshold: float = THRESHOLD) -> Origin:
    """Return the origin of one item with its first `limit` carriers (None: all).

    `value` is a URL in any spelling, a hashtag, the name of an image; for texts a post's id, or words of it. Raises
    UsageError when no post of the case carries it.
    """
    groups = find_carriers(store, kind, threshold)
    item = _item_of(store, kind, value)
    store.db.execute("DELETE FROM carry WHERE item <> ?", [item])
    figures = store.frame(f"{_ITEMS} SELECT * EXCLUDE (key) FROM described", {"is_text": kind == "text"})
    if not figures.height:
        raise UsageError(f"no post of the case carries this {kind}; see: sna origins {kind}")
    row = figures.row(0, named=True)
    ties = store.rows(
        """SELECT k.native_id FROM carry c JOIN post_key k USING (post)
           WHERE c.created_at = (SELECT min(created_at) FROM carry) ORDER BY k.native_id"""
    )
    window: pl.DataFrame = store.frame("SELECT min(created_at) AS first, max(created_at) AS last FROM timed_post")
    first, last = window.row(0)
    return Origin(
        kind,
        str(row["item"]),
        CLAIM,
        row,
        tuple(str(tie[0]) for tie in ties if str(tie[0]) != row["post"]),
        _carriers(store, kind, limit),
        first,
        last,
        _before(store, row["first_at"], first),
        groups,
    )


# One row per item of `carry`. The origin is the earliest dated carrier; of equal times the lowest id.
_ITEMS = """
WITH ranked AS (
    SELECT c.*, k.native_id, row_number() OVER by_time AS place,
           count(c.created_at) OVER (PARTITION BY item) AS dated,
           min(c.created_at) OVER (PARTITION BY item) AS first_at
    FROM carry c JOIN post_key k USING (post)
    WINDOW by_time AS (PARTITION BY item ORDER BY c.created_at NULLS LAST, k.source, k.native_id)),
spread AS (
    SELECT item, any_value(first_at) AS first_at, max(created_at) AS last_at, count(*) AS carriers,
           count(*) FILTER (how = 'repost') AS reposts, count(DISTINCT actor) AS actors,
           count(*) FILTER (created_at IS NULL) AS undated,
           greatest(count(*) FILTER (created_at = first_at) - 1, 0) AS ties,
           any_value(post) FILTER (place = 1) AS key,
           any_value(how) FILTER (place = 1) AS how,
           epoch(any_value(created_at) FILTER (place = 2) - any_value(first_at)) AS seconds_to_second,
           epoch(any_value(created_at) FILTER (place = 10) - any_value(first_at)) AS seconds_to_tenth,
           epoch(any_value(created_at) FILTER (place = (dated + 1) // 2 AND dated > 1) - any_value(first_at))
               AS seconds_to_half
    FROM ranked GROUP BY item),
described AS (
    SELECT CASE WHEN $is_text THEN p.text ELSE s.item END AS item, p.source, k.native_id AS post, a.native_id AS actor,
           l.handle, s.first_at, s.how, s.ties, s.carriers, s.reposts, s.actors, s.undated,
           s.seconds_to_second, s.seconds_to_tenth, s.seconds_to_half, s.last_at, s.key
    FROM spread s JOIN post p ON p.post = s.key JOIN post_key k ON k.post = s.key
    LEFT JOIN actor a ON a.actor = p.actor LEFT JOIN actor_label l ON l.actor = p.actor)
"""


def _item_of(store: Store, kind: str, value: str) -> str:
    if kind == "url":
        return canonical_url(value)
    if kind == "hashtag":
        return value.lstrip("#\uff03").lower()
    if kind == "media":
        return value
    try:
        key, _, _ = find_post(store, value)
    except UsageError:
        rows = store.rows(
            """SELECT c.item FROM carry c JOIN post p USING (post) WHERE contains(lower(p.text), lower(?))
               ORDER BY c.created_at NULLS LAST, c.post LIMIT 1""",
            value,
        )
        if not rows:
            raise UsageError("no text of the case holds these words, nor is there a post of this id") from None
        return str(rows[0][0])
    rows = store.rows("SELECT item FROM carry WHERE post = ?", key)
    if not rows:
        raise UsageError(f"the text of {value} is too short to be compared, or it has none")
    return str(rows[0][0])


def _carriers(store: Store, kind: str, limit: int | None) -> tuple[Carrier, ...]:
    similarity = "g.similarity" if kind == "text" else "NULL::DOUBLE"
    groups = "LEFT JOIN text_group g ON g.post = c.post" if kind == "text" else ""
    rows = store.frame(
        f"""SELECT k.native_id AS post, k.source, a.native_id AS actor, l.handle, c.created_at,
                   epoch(c.created_at - min(c.created_at) OVER ()) AS seconds, c.how, o.native_id AS of,
                   coalesce(c.of IN (SELECT post FROM post), false) AS of_is_collected, p.text, p.link,
                   {similarity} AS similarity
            FROM carry c JOIN post p USING (post) JOIN post_key k ON k.post = c.post
            LEFT JOIN post_key o ON o.post = c.of LEFT JOIN actor a ON a.actor = c.actor
            LEFT JOIN actor_label l ON l.actor = c.actor {groups}
            ORDER BY c.created_at NULLS LAST, k.source, k.native_id LIMIT ?""",
        2**62 if limit is None else limit,
    )
    return tuple(Carrier(**row) for row in rows.iter_rows(named=True))


def _before(store: Store, first_at: datetime | None, window_first: datetime | None) -> tuple[str, ...]:
    """Say what may be older than the origin, from what the case knows."""
    notes = []
    hidden = store.rows(
        """SELECT count(*), count(*) FILTER (created_at = (SELECT min(created_at) FROM carry)) FROM carry
           WHERE of IS NOT NULL AND of NOT IN (SELECT post FROM post)"""
    )[0]
    if hidden[1]:
        notes.append(
            "the earliest collected post repeats, quotes or answers a post that was not collected: it is older"
        )
    elif hidden[0]:
        notes.append(f"{hidden[0]:,} of the carriers repeat, quote or answer posts that were not collected")
    undated = store.value("SELECT count(*) FROM carry WHERE created_at IS NULL")
    if undated:
        notes.append(f"{undated:,} carriers have no usable time and could be older")
    if first_at is not None and window_first is not None:
        hours = (first_at - window_first).total_seconds() / 3600
        notes.append(
            f"the case's earliest post is {hours:,.1f} hours older than this; what came before was not collected"
        )
    notes.append("posts that the collection's queries did not match, and deleted or protected ones, are not here")
    return tuple(notes)
