"""Gathers what a report shows, as values that JSON can hold: each finding as its own command gives it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from sna.case import Policy
from sna.graphs.actors import list_actors
from sna.graphs.community_names import name_communities
from sna.graphs.conversations import Thread, ThreadFilter, list_threads, show_thread
from sna.graphs.coordination import find_coordination
from sna.graphs.explain import evidence_by_actor
from sna.graphs.findings import SPREAD, dated_origins, gap_facts
from sna.graphs.methods import all_methods
from sna.graphs.roles import COMPONENTS, ROLES
from sna.graphs.status import Status, count_status
from sna.report.compact import as_table
from sna.report.drawing import Clock, actor_activity, draw_network, draw_timeline, timeline_of
from sna.report.posts import PostTable, stamp
from sna.report.veil import Veil
from sna.store.opening import Store

# How much of each finding a report holds; what is left out is said beside it.
MOST_NODES, MOST_EDGES = 2_000, 10_000
MOST_THREADS, MOST_THREAD_POSTS, MOST_POSTS_OF_THREADS = 50, 300, 4_000
MOST_ITEMS, MOST_CARRIERS = 10, 300
MOST_PAIRS, MOST_GROUPS = 50, 10
MOST_PLACES = 2_000
EXPLAINED_PER_ROLE, MOST_EXPLAINED, EVIDENCE = 75, 400, 3
_SCORES = [f"{role}_score" for role in ROLES]
_FIGURES = ("posts", "replies_received", "reposts_received", "in_degree", "out_degree", "pagerank", "core")
_COMPONENTS = [name for role in ROLES for name in COMPONENTS[role]]
# Columns whose methods a report tells beside those of the scores: every number in it belongs to one of them.
_SHOWN = (
    *_FIGURES,
    *("source", "first_at", "weight", "strength", "community", "stability", "central", "root_status", "depth"),
    *("gain", "carriers", "actors", "ties", "seconds_to_half", "shared", "q", "missing_parents"),
)


@dataclass(frozen=True, slots=True)
class Made:
    """When a report is made, and by which version of sna."""

    at: datetime
    version: str


def gather_content(
    store: Store,
    policy: Policy,
    veil: Veil,
    made: Made,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Return the content of the report of a case, by panel; times are milliseconds since 1970, UTC.

    `progress` is told the name of each panel before it is gathered.
    """
    tell = progress or (lambda _: None)
    tell("timeline")
    status, timeline = count_status(store), timeline_of(store)
    clock = Clock(timeline.steps if timeline else None)
    tell("network")
    network, drawn = draw_network(store, clock, veil, MOST_NODES, MOST_EDGES)
    posts = PostTable(veil)
    content: dict[str, Any] = {
        "meta": _meta(status, policy, veil, made),
        "gaps": [[name, facts] for name, facts in gap_facts(status, timeline)],
        "timeline": None if timeline is None else draw_timeline(timeline, clock),
        "network": network,
        "methods": _methods(),
    }
    panels: dict[str, Callable[[], object]] = {
        "actors": lambda: _actors(store, clock, veil, posts, drawn),
        "communities": lambda: _communities(store, veil),
        "threads": lambda: _threads(store, veil, posts),
        "origins": lambda: _origins(store, veil),
        "coordination": lambda: _coordination(store, veil),
        "places": lambda: _places(store, clock),
    }
    for name, gather in panels.items():
        tell(name)
        content[name] = gather()
    return {**content, "posts": as_table(posts.rows)}


def shown_in(content: Mapping[str, Any]) -> dict[str, object]:
    """Return how much of each finding a report holds."""
    network, told = content["network"]["told"], {name: content[name]["told"] for name in ("actors", "threads")}
    return {"posts": content["meta"]["posts"], "network": network, **told, "origins": len(content["origins"])}


def _told(shown: int, of: int) -> dict[str, int]:
    """Return how much of a finding is shown, for the sentence that says so."""
    return {"shown": shown, "all": of}


def _meta(status: Status, policy: Policy, veil: Veil, made: Made) -> dict[str, object]:
    expires = [time for time in (status.expires_first, policy.expires_at) if time is not None]
    return {
        "purpose": policy.purpose,
        "basis": policy.legal_basis,
        "keep_days": policy.keep_days,
        "made_at": stamp(made.at),
        "version": made.version,
        "expires_first": stamp(min(expires, default=None)),
        "first": stamp(status.window["first"]),
        "last": stamp(status.window["last"]),
        "sources": status.by_source,
        "kinds": status.by_kind,
        "posts": status.posts,
        "actors": status.actors,
        "mentioned": status.mentioned_only,
        "threads": status.threads,
        "true_roots": status.true_roots,
        "missing_parents": status.missing_parents,
        "pseudonymised": veil.pseudonyms is not None,
        "with_text": veil.with_text,
    }


def _actors(store: Store, clock: Clock, veil: Veil, posts: PostTable, drawn: set[str]) -> dict[str, object]:
    """Return the accounts of the network and the leading ones of each role, and the posts behind the latter's roles."""
    table = list_actors(store)
    if not table.height:
        return {"rows": as_table([]), "told": _told(0, 0), "explained": {}}
    known = table.with_columns(key=pl.col("source") + ":" + pl.col("id"))
    leading = _leading(known)
    evidence = evidence_by_actor(store, leading, _COMPONENTS, EVIDENCE)
    shown = known.filter(pl.col("key").is_in(list(drawn)) | pl.col("key").is_in(leading["key"].to_list()))
    activity = actor_activity(store, clock)
    rows = [
        {
            "id": veil.actor(row["source"], row["id"]),
            "label": veil.label(row["source"], row["id"], row["handle"]),
            "source": row["source"],
            "community": row["community"],
            **{name: row[name] for name in (*_FIGURES, *_SCORES, *_COMPONENTS)},
            "bins": activity.get(row["key"], []),
        }
        for row in shown.iter_rows(named=True)
    ]
    explained: dict[str, dict[str, Any]] = {
        str(veil.actor(source, native_id)): {} for source, native_id in leading.select("source", "id").iter_rows()
    }
    for row in evidence.iter_rows(named=True):
        own = explained[str(veil.actor(row["source"], row["id"]))]
        figure = own.setdefault(row["figure"], {"posts": row["posts"], "evidence": []})
        place = posts.place(
            row["source"],
            row["post"],
            actor=row["author"],
            handle=row["author_handle"],
            at=row["created_at"],
            kind=row["kind"],
            text=row["text"],
            link=row["link"],
        )
        figure["evidence"].append(place)
    return {
        "rows": as_table(rows),
        "told": _told(len(rows), table.height),
        "explained": explained,
        "components": {role: list(COMPONENTS[role]) for role in ROLES},
    }


def _leading(known: pl.DataFrame) -> pl.DataFrame:
    """Return key, source and id of the accounts to explain: those that lead in a role, then the busiest."""
    leaders = [
        known.filter(pl.col(score) > 0).sort(score, "key", descending=[True, False]).head(EXPLAINED_PER_ROLE)
        for score in _SCORES
    ]
    busiest = known.sort("posts", "key", descending=[True, False]).head(MOST_EXPLAINED)
    ranked = pl.concat(frame.select("key", "source", "id") for frame in (*leaders, busiest))
    return ranked.unique("key", keep="first", maintain_order=True).head(MOST_EXPLAINED)


def _communities(store: Store, veil: Veil) -> list[dict[str, object]]:
    table = name_communities(store, 8).communities
    rows = []
    for row in table.iter_rows(named=True):
        words = veil.text(row["name"]) if veil.with_text and not veil.pseudonyms else None
        rows.append({name: row[name] for name in ("community", "actors", "posts", "stability", "inside")})
        rows[-1]["name"] = words
    return rows


def _threads(store: Store, veil: Veil, posts: PostTable) -> dict[str, object]:
    """Return the largest threads, each with its first posts in reading order, until the room for posts is full."""
    table = list_threads(store, ThreadFilter())
    shown: list[dict[str, object]] = []
    room = MOST_POSTS_OF_THREADS
    for row in table.head(MOST_THREADS).iter_rows(named=True):
        if room <= 0:
            break
        thread = show_thread(store, f"{row['source']}:{row['top']}")
        nodes = _nodes(thread, posts)
        room -= len(nodes)
        shown.append(
            {
                "status": thread.root_status,
                "first_poster": veil.label(thread.source, thread.first_poster, thread.first_poster_handle)
                if thread.first_poster
                else None,
                "missing_parent": veil.post(thread.source, thread.missing_parent),
                **{name: row[name] for name in ("source", "fragments", "posts", "actors", "depth")},
                "first": stamp(row["started_at"]),
                "last": stamp(row["last_at"]),
                "nodes": nodes,
            }
        )
    return {"told": _told(len(shown), table.height), "threads": shown}


def _nodes(thread: Thread, posts: PostTable) -> list[dict[str, object]]:
    kept = thread.nodes[:MOST_THREAD_POSTS]
    place = {node.id: number for number, node in enumerate(kept)}
    return [
        {
            # In a cycle the first post answers a later one, below which it does not stand.
            "parent": place.get(node.parent or "") if number else None,
            "depth": node.depth,
            "older": node.older_than_parent,
            "post": posts.place(
                thread.source,
                node.id,
                actor=node.actor,
                handle=node.handle,
                at=node.created_at,
                kind=node.kind,
                text=node.text,
                link=node.link,
            ),
        }
        for number, node in enumerate(kept)
    ]


def _origins(store: Store, veil: Veil) -> list[dict[str, object]]:
    """Return the items that most accounts carry, each with its first carriers by time."""
    items: list[dict[str, object]] = []
    for kind in SPREAD:
        table = dated_origins(store, kind, MOST_ITEMS)
        carriers = store.frame(
            """SELECT c.item, k.source, k.native_id AS post, a.native_id AS actor, l.handle, c.created_at, c.how, p.link
               FROM carry c JOIN post_key k USING (post) JOIN post p USING (post)
               LEFT JOIN actor a ON a.actor = c.actor LEFT JOIN actor_label l ON l.actor = c.actor
               WHERE c.item IN (SELECT unnest($items::VARCHAR[])) AND c.created_at IS NOT NULL
               QUALIFY row_number() OVER (PARTITION BY c.item ORDER BY c.created_at, k.source, k.native_id) <= $most
               ORDER BY c.item, c.created_at, k.source, k.native_id""",
            {"items": table["item"].to_list(), "most": MOST_CARRIERS},
        )
        by_item = carriers.partition_by("item", as_dict=True)
        for row in table.iter_rows(named=True):
            own = by_item.get((row["item"],))
            items.append(
                {
                    "kind": kind,
                    "item": ("#" if kind == "hashtag" else "") + veil.item(row["item"]),
                    "actor": veil.actor(row["source"], row["actor"]),
                    "first": veil.label(row["source"], row["actor"], row["handle"]),
                    "at": stamp(row["first_at"]),
                    **{n: row[n] for n in ("ties", "carriers", "reposts", "actors", "undated", "seconds_to_half")},
                    "cascade": []
                    if own is None
                    else [
                        {
                            "at": stamp(c["created_at"]),
                            "how": c["how"],
                            "label": veil.label(c["source"], c["actor"], c["handle"]),
                            "link": veil.link(c["link"]),
                        }
                        for c in own.iter_rows(named=True)
                    ],
                }
            )
    return items


def _coordination(store: Store, veil: Veil) -> dict[str, object]:
    found = find_coordination(store)
    rows = [
        {
            "group": row["group"],
            "actor": veil.label(row["source"], row["actor"], row["handle"]),
            "other": veil.label(row["other_source"], row["other"], row["other_handle"]),
            "ids": [veil.actor(row["source"], row["actor"]), veil.actor(row["other_source"], row["other"])],
            **{name: row[name] for name in ("shared", "expected", "q", "is_significant", "mean_gap")},
        }
        for row in found.pairs.head(MOST_PAIRS).iter_rows(named=True)
    ]
    facts = {n: found.facts[n] for n in ("by", "window_seconds", "min_shared", "fdr", "significant_pairs", "tests")}
    groups = [
        {**group, "members": _members(found.pairs, group["group"], veil)}
        for group in found.groups.drop("members").head(MOST_GROUPS).to_dicts()
    ]
    return {"pairs": rows, "groups": groups, "facts": facts, "told": _told(len(rows), found.pairs.height)}


def _members(pairs: pl.DataFrame, group: int, veil: Veil) -> list[str]:
    """Return the names of a group's members, in order."""
    own = pairs.filter(pl.col("group") == group)
    one = own.select("source", "actor", "handle")
    other = own.select(source="other_source", actor="other", handle="other_handle")
    return sorted(veil.label(*row) for row in pl.concat([one, other]).unique(["source", "actor"]).iter_rows())


def _places(store: Store, clock: Clock) -> dict[str, object]:
    """Return where posts were made: latitude, longitude (four decimals, some ten metres) and posts by step."""
    frame = store.frame(
        """SELECT round(latitude, 4) AS lat, round(longitude, 4) AS lon, created_at FROM timed_post
           WHERE latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180"""
    )
    frame = frame.with_columns(bin=clock.number(pl.col("created_at")))
    counts = frame.group_by("lat", "lon", "bin").agg(n=pl.len()).sort("lat", "lon", "bin")
    spots = counts.group_by("lat", "lon", maintain_order=True).agg("bin", "n", all=pl.col("n").sum())
    spots = spots.sort("all", "lat", "lon", descending=[True, False, False])
    rows = [
        {"lat": r["lat"], "lon": r["lon"], "bins": [v for pair in zip(r["bin"], r["n"], strict=True) for v in pair]}
        for r in spots.head(MOST_PLACES).iter_rows(named=True)
    ]
    return {"spots": rows, "told": _told(len(rows), spots.height), "posts": frame.height}


def _methods() -> list[dict[str, object]]:
    return [
        {
            name: getattr(method, name)
            for name in ("name", "title", "definition", "formula", "parameters", "limits", "source")
        }
        for method in all_methods()
        if not {*_SHOWN, *_SCORES, *_COMPONENTS}.isdisjoint(method.columns)
    ]
