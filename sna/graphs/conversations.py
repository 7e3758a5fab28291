"""Reads threads: lists them, shows one as a tree, and follows a post up to its top."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from sna.errors import UsageError
from sna.post import RootStatus
from sna.store.opening import Store

SORTS = ("posts", "actors", "depth", "start")


@dataclass(frozen=True, slots=True)
class ThreadFilter:
    """Which threads to list; a thread counts when it starts in the window and one of its posts fits the rest."""

    min_posts: int = 2
    source: str | None = None
    root_status: str | None = None
    actor: str | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Raise UsageError for an unknown root status."""
        if self.root_status is not None and self.root_status not in set(RootStatus):
            raise UsageError(f"unknown root status {self.root_status!r}; one of {', '.join(RootStatus)}")


@dataclass(frozen=True, slots=True)
class Trace:
    """The way from a post up to its top: ids from the post on, and what is known about the start."""

    source: str
    post: str
    path: tuple[str, ...]
    top: str
    depth: int
    root_status: str
    first_poster: str | None
    first_poster_handle: str | None
    claimed_conversation: str | None
    missing_parent: str | None


@dataclass(frozen=True, slots=True)
class Node:
    """One post of a thread's tree: its place (`depth`, 0 at the top), who wrote it, when and what."""

    id: str
    parent: str | None
    depth: int
    actor: str | None
    handle: str | None
    created_at: datetime | None
    kind: str
    text: str | None
    link: str | None
    older_than_parent: bool


@dataclass(frozen=True, slots=True)
class Thread:
    """A whole thread in reading order (each post before its answers), with its head facts."""

    source: str
    top: str
    root_status: str
    first_poster: str | None
    first_poster_handle: str | None
    conversation: str | None
    missing_parent: str | None
    fragments: tuple[str, ...]
    nodes: tuple[Node, ...]


def list_threads(
    store: Store, chosen: ThreadFilter | None = None, sort: str = "posts", limit: int | None = None
) -> pl.DataFrame:
    """Return one row per thread, the highest `sort` first (`start`: the earliest first), then by source and top.

    Columns: source, top, root_status, first_poster and first_poster_handle (null unless the root is
    observed), conversation (the platform's id as claimed by the top), fragments (threads that claim it),
    posts, actors, depth, started_at, last_at (UTC). Raises UsageError for an unknown sort.
    """
    if sort not in SORTS:
        raise UsageError(f"cannot sort threads by {sort!r}; one of {', '.join(SORTS)}")
    chosen = chosen or ThreadFilter()
    order = {"posts": "posts DESC", "actors": "actors DESC", "depth": "depth DESC", "start": "started_at"}[sort]
    return store.frame(
        f"""{_THREADS}
            SELECT * FROM described d
            WHERE posts >= $min_posts AND ($source IS NULL OR source = $source)
              AND ($status IS NULL OR root_status = $status)
              AND ($since IS NULL OR started_at >= $since::TIMESTAMP)
              AND ($until IS NULL OR started_at < $until::TIMESTAMP)
              AND (($actor IS NULL AND $text IS NULL) OR top_key IN (
                  SELECT t.top FROM thread_post t JOIN post p USING (post)
                  LEFT JOIN actor a ON a.actor = p.actor LEFT JOIN actor_handle h ON h.actor = p.actor
                  WHERE ($actor IS NULL OR a.native_id = $actor OR lower(h.handle) = lower(ltrim($actor, '@')))
                    AND ($text IS NULL OR contains(lower(p.text), lower($text)))))
            ORDER BY {order} NULLS LAST, source, top LIMIT $limit""",
        {
            "min_posts": chosen.min_posts,
            "source": chosen.source,
            "status": chosen.root_status,
            "since": chosen.since,
            "until": chosen.until,
            "actor": chosen.actor,
            "text": chosen.text,
            "limit": limit if limit is not None else 2**62,
        },
    ).drop("top_key")


# One row per thread; only an observed root has a first poster.
_THREADS = """
WITH size AS (
    SELECT t.top, any_value(t.root_status) AS root_status, count(*) AS posts, count(DISTINCT p.actor) AS actors,
           max(t.depth) AS depth,
           min(p.created_at) FILTER (NOT list_contains(coalesce(p.flags, []), 'time_suspect')) AS started_at,
           max(p.created_at) FILTER (NOT list_contains(coalesce(p.flags, []), 'time_suspect')) AS last_at
    FROM thread_post t JOIN post p USING (post) GROUP BY t.top),
claimed AS (
    SELECT p.conversation, count(*) AS fragments FROM size s JOIN post p ON p.post = s.top
    WHERE p.conversation IS NOT NULL GROUP BY 1),
described AS (
    SELECT s.top AS top_key, k.source, k.native_id AS top, s.root_status,
           CASE WHEN s.root_status = 'observed' THEN a.native_id END AS first_poster,
           CASE WHEN s.root_status = 'observed' THEN l.handle END AS first_poster_handle,
           c.native_id AS conversation, coalesce(f.fragments, 1) AS fragments,
           s.posts, s.actors, s.depth, s.started_at, s.last_at
    FROM size s JOIN post_key k ON k.post = s.top JOIN post p ON p.post = s.top
    LEFT JOIN actor a ON a.actor = p.actor LEFT JOIN actor_label l ON l.actor = p.actor
    LEFT JOIN post_key c ON c.post = p.conversation LEFT JOIN claimed f ON f.conversation = p.conversation)
"""


def list_conversations(store: Store, limit: int | None = None) -> pl.DataFrame:
    """Return one row per claimed platform conversation: its threads (fragments), posts and what starts it.

    Columns: source, conversation, first_post_collected, fragments, posts, actors, started_at, last_at; the
    most fragments first.
    """
    return store.frame(
        """SELECT k.source, k.native_id AS conversation, bool_or(p.post = p.conversation) AS first_post_collected,
                  count(DISTINCT t.top) AS fragments, count(*) AS posts, count(DISTINCT p.actor) AS actors,
                  min(p.created_at) AS started_at, max(p.created_at) AS last_at
           FROM thread_post t JOIN post p USING (post) JOIN post_key k ON k.post = p.conversation
           GROUP BY ALL HAVING count(*) > 1 ORDER BY fragments DESC, posts DESC, k.source, conversation LIMIT ?""",
        limit if limit is not None else 2**62,
    )


def trace_post(store: Store, name: str) -> Trace:
    """Return the path from a post, named by native id or `source:id`, up to its top.

    Raises UsageError when the post is not in the case, is named by several sources, or is a repost.
    """
    key, source, native = find_post(store, name)
    rows = store.rows("SELECT top, depth, root_status FROM thread_post WHERE post = ?", key)
    if not rows:
        raise UsageError(f"{name} is a repost, which is no part of a thread; trace the post that it repeats")
    top, depth, status = int(str(rows[0][0])), int(str(rows[0][1])), str(rows[0][2])
    above = _pairs(
        store.rows(
            """SELECT t.post, CASE WHEN q.kind = 'repost' THEN q.repost_of ELSE p.parent END FROM thread_post t
           JOIN post p USING (post) LEFT JOIN post q ON q.post = p.parent WHERE t.top = ?""",
            top,
        )
    )
    path = [key]
    while path[-1] != top:
        path.append(int(str(above[path[-1]])))
    ids = _pairs(
        store.rows(
            "SELECT post, native_id FROM post_key WHERE post IN (SELECT post FROM thread_post WHERE top = ?)", top
        )
    )
    head = _head(store, top, status)
    return Trace(
        source,
        native,
        tuple(str(ids[p]) for p in path),
        str(ids[top]),
        depth,
        status,
        head.first_poster,
        head.first_poster_handle,
        head.conversation,
        head.missing_parent,
    )


def show_thread(store: Store, name: str) -> Thread:
    """Return the thread that a post belongs to, as a tree in reading order, answers by time.

    Raises UsageError as trace_post does.
    """
    key, source, _ = find_post(store, name)
    rows = store.rows("SELECT top, root_status FROM thread_post WHERE post = ?", key)
    if not rows:
        raise UsageError(f"{name} is a repost, which is no part of a thread; show the post that it repeats")
    top, status = int(str(rows[0][0])), str(rows[0][1])
    head = _head(store, top, status)
    found = store.rows(
        """SELECT t.post, CASE WHEN q.kind = 'repost' THEN q.repost_of ELSE p.parent END, k.native_id, t.depth,
                  a.native_id, l.handle, CASE WHEN year(p.created_at) BETWEEN 1 AND 9999 THEN p.created_at END,
                  p.kind, p.text, p.link, coalesce(p.created_at < q.created_at, false)
           FROM thread_post t JOIN post p USING (post) JOIN post_key k USING (post)
           LEFT JOIN post q ON q.post = p.parent LEFT JOIN actor a ON a.actor = p.actor
           LEFT JOIN actor_label l ON l.actor = p.actor
           WHERE t.top = ? ORDER BY p.created_at NULLS LAST, k.native_id""",
        top,
    )
    return Thread(
        source,
        head.top,
        status,
        head.first_poster,
        head.first_poster_handle,
        head.conversation,
        head.missing_parent,
        head.fragments,
        tuple(_in_reading_order(found, top)),
    )


def find_post(store: Store, name: str) -> tuple[int, str, str]:
    """Return (key, source, native id) of a collected post named by native id, by an alias of it, or `source:id`.

    Raises UsageError when there is none, or several.
    """
    source, _, native = name.partition(":")
    rows = store.rows(
        """SELECT k.post, k.source, k.native_id FROM post_key k SEMI JOIN post p USING (post)
           WHERE k.native_id = $name OR (k.source = $source AND k.native_id = $native)
              OR k.native_id IN (SELECT a.native_id FROM post_alias a WHERE a.source = k.source AND a.alias = $name)
           ORDER BY k.source""",
        {"name": name, "source": source, "native": native},
    )
    if not rows:
        raise UsageError("no such post in this case; posts are named by their id or by source:id")
    if len(rows) > 1:
        raise UsageError(f"several sources have this id; name it as {rows[0][1]}:ID or {rows[1][1]}:ID")
    return int(str(rows[0][0])), str(rows[0][1]), str(rows[0][2])


def _head(store: Store, top: int, status: str) -> Thread:
    row = store.rows(
        """SELECT k.source, k.native_id, a.native_id, l.handle, c.native_id, m.native_id, p.conversation
           FROM post p JOIN post_key k USING (post) LEFT JOIN actor a ON a.actor = p.actor
           LEFT JOIN actor_label l ON l.actor = p.actor LEFT JOIN post_key c ON c.post = p.conversation
           LEFT JOIN post_key m ON m.post = p.parent WHERE p.post = ?""",
        top,
    )[0]
    source, top_id, poster, handle, conversation, parent, conversation_key = row
    is_observed = status == RootStatus.OBSERVED
    fragments = (
        ()
        if conversation_key is None
        else tuple(
            str(r[0])
            for r in store.rows(
                """SELECT k.native_id FROM thread_post t JOIN post p USING (post) JOIN post_key k USING (post)
           WHERE t.depth = 0 AND t.top = t.post AND p.conversation = $conversation AND t.post <> $top
           ORDER BY p.created_at, k.native_id""",
                {"conversation": conversation_key, "top": top},
            )
        )
    )
    return Thread(
        str(source),
        str(top_id),
        status,
        _text(poster) if is_observed else None,
        _text(handle) if is_observed else None,
        _text(conversation),
        _text(parent) if status == RootStatus.MISSING else None,
        fragments,
        (),
    )


def _in_reading_order(rows: list[tuple[object, ...]], top: int) -> Iterator[Node]:
    answers: dict[object, list[int]] = {}
    for place, row in enumerate(rows):
        if row[0] != top:
            answers.setdefault(row[1], []).append(place)
    names = {row[0]: str(row[2]) for row in rows}
    waiting = [next(place for place, row in enumerate(rows) if row[0] == top)]
    while waiting:
        post, parent, native, depth, actor, handle, at, kind, text, link, is_older = rows[waiting.pop()]
        yield Node(
            str(native),
            names.get(parent),
            int(str(depth)),
            _text(actor),
            _text(handle),
            at if isinstance(at, datetime) else None,
            str(kind),
            _text(text),
            _text(link),
            bool(is_older),
        )
        waiting.extend(reversed(answers.get(post, [])))


def _pairs(rows: list[tuple[object, ...]]) -> dict[object, object]:
    return {row[0]: row[1] for row in rows}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
