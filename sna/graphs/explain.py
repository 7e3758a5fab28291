"""Explains a figure: each component with its value, its rank, its formula, and the posts that make it up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from sna.errors import UsageError
from sna.graphs.actors import list_actors
from sna.graphs.conversations import find_post
from sna.graphs.interactions import KINDS, find_interactions
from sna.graphs.methods import find_method
from sna.graphs.roles import COMPONENTS, DOUBTS, ROLES
from sna.store.opening import Store

# Stands for a value that is the number of the posts behind it.
COUNTED = object()


@dataclass(frozen=True, slots=True)
class Evidence:
    """One post behind a figure."""

    source: str
    post: str
    actor: str | None
    handle: str | None
    created_at: datetime | None
    kind: str
    link: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Component:
    """One figure: its value, its rank among `of` (1 the highest, ties share it), and some of its `posts` posts."""

    name: str
    value: object
    rank: int | None
    of: int | None
    method: str
    formula: str
    posts: int
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is explained - an actor, a post, a thread or an edge -, its head facts and its components."""

    kind: str
    subject: Mapping[str, object]
    components: tuple[Component, ...]


def explain_actor(store: Store, name: str, limit: int | None = 3) -> Explanation:
    """Return every figure of an account, named by handle, native id or source:id, with `limit` posts each.

    Raises UsageError when the case has no such account, or several.
    """
    key, source, native = find_actor(store, name)
    table = list_actors(store, role=ROLES[0])
    mine = table.filter((pl.col("source") == source) & (pl.col("id") == native))
    if not mine.height:
        raise UsageError("this account neither posted nor was addressed in the case; nothing is known about it")
    row = mine.row(0, named=True)
    names = [*(f"{role}_score" for role in ROLES), *(n for role in ROLES for n in COMPONENTS[role]), *DOUBTS]
    names += ["posts", "replies_received", "reposts_received", "quotes_received", "mentions_received"]
    names += ["threads_started", "in_degree", "out_degree", "pagerank", "core"]
    components = []
    for component in dict.fromkeys(names):
        value = row[component]
        rank = None if value is None else int((table[component].fill_null(0) > value).sum()) + 1
        components.append(_component(store, component, value, rank, table.height, _ACTOR.get(component), key, limit))
    subject = {name: row[name] for name in ("source", "id", "handle", "name", "first_at", "last_at", "community")}
    subject |= {f"{role}_interval": [row[f"{role}_low"], row[f"{role}_high"]] for role in ROLES}
    return Explanation("actor", subject, tuple(components))


def explain_post(store: Store, name: str, limit: int | None = 3) -> Explanation:
    """Return what is known about a post: its place, its answers, what it carries, what its text was read as."""
    key, source, native = find_post(store, name)
    head = _evidence(store, "SELECT $key AS post", key, None)[0]
    place = store.frame(
        """SELECT t.root_status, t.depth, k.native_id AS top, g.lang, g.lang_from, g.confidence, g.pipeline FROM post p
           LEFT JOIN thread_post t USING (post) LEFT JOIN post_key k ON k.post = t.top
           LEFT JOIN post_language g ON g.post = p.post WHERE p.post = ?""",
        key,
    ).row(0, named=True)
    spans = store.frame(
        """SELECT s.label, s.rule, s.state, substring(p.text, s.start + 1, s.stop - s.start) AS words
           FROM span s JOIN post p USING (post) WHERE s.post = ? ORDER BY s.start""",
        key,
    )
    subject = {
        "source": source,
        "post": native,
        "actor": head.actor,
        "handle": head.handle,
        "created_at": head.created_at,
        "kind": head.kind,
        "text": head.text,
        "link": head.link,
        **place,
        "spans": spans.to_dicts(),
    }
    figures = [_component(store, n, COUNTED, None, None, query, key, limit) for n, query in _POST.items()]
    return Explanation("post", subject, tuple(figures))


def explain_thread(store: Store, name: str, limit: int | None = 3) -> Explanation:
    """Return the figures of the thread that a post belongs to; raises UsageError for a repost."""
    key, source, _ = find_post(store, name)
    rows = store.rows("SELECT top, root_status FROM thread_post WHERE post = ?", key)
    if not rows:
        raise UsageError(f"{name} is a repost, which is no part of a thread; explain the post that it repeats")
    top, status = int(str(rows[0][0])), str(rows[0][1])
    head = _evidence(store, "SELECT $key AS post", top, None)[0]
    head_figures = store.frame(
        """SELECT count(*) AS posts, count(DISTINCT actor) AS actors, max(depth) AS depth,
                  min(created_at) AS started_at, max(created_at) AS last_at
           FROM thread_post JOIN post USING (post) WHERE top = ?""",
        top,
    ).row(0, named=True)
    subject = {
        "source": source,
        "top": head.post,
        "root_status": status,
        "first_poster": head.actor if status == "observed" else None,
        "first_poster_handle": head.handle if status == "observed" else None,
        **head_figures,
    }
    components = [
        _component(store, n, subject.get(n, COUNTED), None, None, query, top, limit) for n, query in _THREAD.items()
    ]
    return Explanation("thread", subject, tuple(components))


def explain_edge(store: Store, name: str, other: str, limit: int | None = 3) -> Explanation:
    """Return the interactions between two accounts, each kind and direction with its posts."""
    key, source, native = find_actor(store, name)
    other_key, other_source, other_native = find_actor(store, other)
    find_interactions(store)
    components = []
    for ends, here, there in (
        (f"{native} to {other_native}", key, other_key),
        (f"{other_native} to {native}", other_key, key),
    ):
        for kind in KINDS:
            store.db.execute(
                """CREATE OR REPLACE TEMP TABLE act AS SELECT post, source AS actor FROM interaction
                   WHERE source = ? AND target = ? AND kind = ?""",
                [here, there, kind],
            )
            found = _component(store, kind, COUNTED, None, None, "SELECT post FROM act WHERE actor = $key", here, limit)
            if found.posts:
                components.append(replace(found, name=f"{kind}: {ends}"))
    subject = {"source": source, "id": native, "other_source": other_source, "other": other_native}
    return Explanation("edge", subject, tuple(components))


def evidence_by_actor(store: Store, actors: pl.DataFrame, names: Sequence[str], limit: int = 3) -> pl.DataFrame:
    """Return the posts behind figures of several accounts: source, id, figure, posts (in all) and the post's columns.

    `actors` has `source` and `id`; of each figure in `names` the `limit` earliest posts. Needs the tables that
    list_actors leaves behind, so it is called right after it.
    """
    store.db.register("wanted_ids", actors.select("source", "id").to_arrow())
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE wanted AS SELECT a.actor AS key, w.source, w.id FROM wanted_ids w
           JOIN actor a ON a.source = w.source AND a.native_id = w.id"""
    )
    store.db.unregister("wanted_ids")
    frames = [
        store.frame(
            f"""WITH behind AS (
                    SELECT DISTINCT wanted.key, wanted.source, wanted.id, e.post
                    FROM wanted, LATERAL ({_ACTOR[name].replace("$key", "wanted.key")}) e),
                placed AS (
                    SELECT b.*, count(*) OVER (PARTITION BY b.key) AS posts,
                           row_number() OVER (PARTITION BY b.key ORDER BY p.created_at NULLS LAST, b.post) AS place
                    FROM behind b JOIN post p ON p.post = b.post)
                SELECT d.source, d.id, $name AS figure, d.posts::BIGINT AS posts, k.native_id AS post, p.kind,
                       p.created_at, a.native_id AS author, l.handle AS author_handle, p.link, p.text
                FROM placed d JOIN post p ON p.post = d.post JOIN post_key k ON k.post = d.post
                LEFT JOIN actor a ON a.actor = p.actor LEFT JOIN actor_label l ON l.actor = p.actor
                WHERE place <= $limit ORDER BY d.source, d.id, place""",
            {"name": name, "limit": limit},
        )
        for name in names
        if name in _ACTOR
    ]
    return pl.concat(frames)


def find_actor(store: Store, name: str) -> tuple[int, str, str]:
    """Return (key, source, native id) of an account named by handle, native id or source:id.

    Raises UsageError when there is none, or several.
    """
    source, _, native = name.partition(":")
    rows = store.rows(
        """SELECT DISTINCT a.actor, a.source, a.native_id FROM actor a LEFT JOIN actor_label l USING (actor)
           WHERE a.native_id = $name OR (a.source = $source AND (a.native_id = $native
                 OR lower(l.handle) = lower(ltrim($native, '@')))) OR lower(l.handle) = lower(ltrim($name, '@'))
           ORDER BY a.source, a.native_id""",
        {"name": name, "source": source, "native": native},
    )
    if not rows:
        raise UsageError("no such account in this case; accounts are named by handle, id or source:id")
    if len(rows) > 1:
        raise UsageError(
            f"several accounts have this name; name it as {rows[0][1]}:{rows[0][2]} or {rows[1][1]}:{rows[1][2]}"
        )
    return int(str(rows[0][0])), str(rows[0][1]), str(rows[0][2])


def _component(
    store: Store,
    name: str,
    value: object,
    rank: int | None,
    of: int | None,
    query: str | None,
    key: int,
    limit: int | None,
) -> Component:
    """Return one component; COUNTED stands for the number of its posts."""
    method = find_method(name)
    count = store.value(f"SELECT count(DISTINCT post) FROM ({query})", {"key": key}) if query else 0
    evidence = _evidence(store, query, key, limit) if query else ()
    value = count if value is COUNTED else value
    return Component(name, value, rank, of, method.name, method.formula, count, evidence)


def _evidence(store: Store, query: str, key: int, limit: int | None) -> tuple[Evidence, ...]:
    frame = store.frame(
        f"""SELECT k.source, k.native_id AS post, a.native_id AS actor, l.handle, p.created_at, p.kind, p.link, p.text
            FROM (SELECT DISTINCT post FROM ({query})) e JOIN post p USING (post) JOIN post_key k USING (post)
            LEFT JOIN actor a ON a.actor = p.actor LEFT JOIN actor_label l ON l.actor = p.actor
            ORDER BY p.created_at NULLS LAST, k.source, k.native_id LIMIT $limit""",
        {"key": key, "limit": 2**62 if limit is None else limit},
    )
    return tuple(Evidence(**row) for row in frame.iter_rows(named=True))


_RECEIVED = "SELECT post FROM interaction WHERE target = $key AND kind = '{}' AND is_target_collected"
_IN_ITS_THREADS = """
SELECT t.{} AS post FROM thread_post t JOIN post p USING (post) JOIN post r ON r.post = t.top
WHERE r.actor = $key AND p.actor <> r.actor AND t.root_status = 'observed'"""
_TAKEN_UP = "SELECT post FROM took_up WHERE actor = $key"
# The posts behind each figure of an account; needs the tables of takeup.find_contributions.
_ACTOR = {
    "posts": "SELECT post FROM post WHERE actor = $key",
    "own_posts": "SELECT post FROM post WHERE actor = $key AND kind <> 'repost'",
    "conversation_share": "SELECT post FROM post WHERE actor = $key AND kind <> 'repost'",
    "reach": "SELECT post FROM interaction WHERE target = $key AND source <> $key AND kind <> 'mention'"
    " AND is_target_collected",
    "reposts_sent": "SELECT post FROM post WHERE actor = $key AND kind = 'repost'",
    "links_shared": "SELECT post FROM post WHERE actor = $key AND kind <> 'repost' AND len(urls) > 0",
    "calls_answered": "SELECT post FROM took_up WHERE other = $key",
    "actors_moved": f"{_IN_ITS_THREADS.format('post')} UNION {_TAKEN_UP}",
    "actors_drawn": _IN_ITS_THREADS.format("post"),
    "threads_drawing": _IN_ITS_THREADS.format("top"),
    "threads_started": "SELECT t.top AS post FROM thread_post t JOIN post r ON r.post = t.top"
    " WHERE r.actor = $key AND t.root_status = 'observed' AND t.depth > 0",
    "days_starting": f"{_IN_ITS_THREADS.format('top')} UNION SELECT post FROM call WHERE actor = $key",
    "calls_made": "SELECT post FROM call WHERE actor = $key",
    "call_takers": _TAKEN_UP,
    "partners": "SELECT post FROM interaction WHERE (source = $key OR target = $key) AND source <> target",
    "reciprocated": "SELECT i.post FROM interaction i SEMI JOIN interaction b ON b.source = i.target"
    " AND b.target = i.source WHERE (i.source = $key OR i.target = $key) AND i.source <> i.target",
    "brokerage": "SELECT post FROM interaction WHERE (source = $key OR target = $key) AND source <> target",
    "early_position": "SELECT post FROM cascade_post WHERE actor = $key",
    "tied_firsts": "SELECT post FROM cascade_post WHERE actor = $key AND is_tied_first",
    "unrooted_posts": "SELECT post FROM thread_post JOIN post USING (post)"
    " WHERE actor = $key AND root_status <> 'observed'",
    **{
        f"{act}_received": _RECEIVED.format(kind)
        for act, kind in (("replies", "reply"), ("reposts", "repost"), ("quotes", "quote"), ("mentions", "mention"))
    },
}
_ACTOR["mentions_received"] = "SELECT post FROM interaction WHERE target = $key AND kind = 'mention'"
_POST = {
    "parent": "SELECT parent AS post FROM post WHERE post = $key AND parent IN (SELECT post FROM post)",
    "replies_received": "SELECT post FROM post WHERE parent = $key AND kind <> 'repost'",
    "reposts_received": "SELECT post FROM post WHERE repost_of = $key",
    "quotes_received": "SELECT post FROM post WHERE quote_of = $key",
}
_THREAD = {
    "posts": "SELECT post FROM thread_post WHERE top = $key",
    "root_status": "SELECT $key AS post",
    "actors": "SELECT post FROM thread_post WHERE top = $key",
    "depth": "SELECT arg_max(post, depth) AS post FROM thread_post WHERE top = $key",
    "reposts": "SELECT r.post FROM post r JOIN thread_post t ON t.post = r.repost_of WHERE t.top = $key",
    "quotes_received": "SELECT q.post FROM post q JOIN thread_post t ON t.post = q.quote_of WHERE t.top = $key",
}
