"""Builds each kind of network from the store: accounts, posts, what accounts share, and what is shared together."""

from dataclasses import dataclass

import polars as pl

from sna.errors import UsageError
from sna.graphs.interactions import KINDS, Window, find_interactions, weigh_edges
from sna.graphs.network import Network
from sna.store.opening import Store

# A projection of an item with n carriers has n * (n - 1) / 2 edges; beyond this many it says little and costs much.
MAX_CARRIERS = 1_000


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of network: what its nodes and edges are."""

    name: str
    about: str


NETWORKS = (
    Kind("interactions", "accounts, linked by their replies, mentions, quotes and reposts"),
    Kind("posts", "posts, linked to the post that they answer, quote or repost"),
    Kind("hashtags", "accounts and the hashtags that they use"),
    Kind("urls", "accounts and the URLs that they share"),
    Kind("hashtag-pairs", "hashtags, linked by the number of accounts that use both"),
    Kind("url-pairs", "URLs, linked by the number of accounts that share both"),
    Kind("hashtag-actors", "accounts, linked by the number of hashtags that they have in common"),
    Kind("url-actors", "accounts, linked by the number of URLs that they have in common"),
)


def build_network(
    store: Store, name: str = "interactions", window: Window | None = None, *, loops: bool = False
) -> Network:
    """Return a network of the named kind from the posts in the window; self-loops only with `loops`.

    Raises UsageError for an unknown name. Nodes are ordered by source and native id, so that the same
    case gives the same network.
    """
    window = window or Window()
    if name == "interactions":
        return _interactions(store, window, loops=loops)
    if name == "posts":
        return _posts(store, window)
    item, _, side = name.partition("-")
    if item in ("hashtag", "hashtags", "url", "urls") and name in {kind.name for kind in NETWORKS}:
        _find_uses(store, "hashtags" if item.startswith("hashtag") else "urls", window)
        return _bipartite(store, name) if not side else _projection(store, name, of_actors=side == "actors")
    raise UsageError(f"unknown network {name!r}; one of {', '.join(kind.name for kind in NETWORKS)}")


def _interactions(store: Store, window: Window, *, loops: bool) -> Network:
    find_interactions(store, window)
    if not loops:
        store.db.execute("DELETE FROM interaction WHERE source = target")
    weigh_edges(store)
    _number(store, "SELECT source AS key FROM edge UNION SELECT target FROM edge", "actor")
    nodes = store.frame(
        """SELECT n.node, a.source || ':' || a.native_id AS id, coalesce(l.handle, a.native_id) AS label,
                  a.source AS platform, a.native_id, l.handle, l.name, coalesce(p.posts, 0) AS posts
           FROM numbered n JOIN actor a ON a.actor = n.key LEFT JOIN actor_label l ON l.actor = n.key
           LEFT JOIN (SELECT actor, count(*) AS posts FROM post GROUP BY actor) p ON p.actor = n.key
           ORDER BY n.node""",
    )
    edges = store.frame(
        f"""SELECT s.node AS source, t.node AS target, e.weight, e.first_at, e.last_at, {", ".join(KINDS)}
            FROM edge e JOIN numbered s ON s.key = e.source JOIN numbered t ON t.key = e.target
            ORDER BY s.node, t.node""",
    )
    events = store.frame(
        """SELECT s.node AS source, t.node AS target, e.acted_at, e.kind FROM interaction e
           JOIN numbered s ON s.key = e.source JOIN numbered t ON t.key = e.target
           WHERE e.acted_at IS NOT NULL ORDER BY s.node, t.node, e.acted_at""",
    )
    return Network("interactions", True, nodes, edges, events)


def _posts(store: Store, window: Window) -> Network:
    kinds = set(window.kinds)
    column = {"reply": "parent", "quote": "quote_of", "repost": "repost_of"}
    parts = [
        f"""SELECT '{kind}' AS kind, post AS source, {target} AS target, created_at AS acted_at FROM post
            WHERE {target} IS NOT NULL AND {target} IN (SELECT post FROM post)"""
        for kind, target in column.items()
        if kind in kinds
    ]
    if not parts:
        raise UsageError("posts are linked by reply, quote and repost; give one of them to --kind")
    store.db.execute(
        f"""CREATE OR REPLACE TEMP TABLE link_of_posts AS SELECT * FROM ({" UNION ALL ".join(parts)})
            WHERE ($since IS NULL OR acted_at >= $since::TIMESTAMP)
            AND ($until IS NULL OR acted_at < $until::TIMESTAMP)""",
        {"since": window.since, "until": window.until},
    )
    _number(store, "SELECT source AS key FROM link_of_posts UNION SELECT target FROM link_of_posts", "post_key")
    nodes = store.frame(
        """SELECT n.node, k.source || ':' || k.native_id AS id, k.native_id AS label, k.source AS platform, k.native_id,
                  p.kind, l.handle AS author, p.created_at, p.lang, t.depth, t.root_status
           FROM numbered n JOIN post_key k ON k.post = n.key JOIN post p ON p.post = n.key
           LEFT JOIN actor_label l ON l.actor = p.actor LEFT JOIN thread_post t ON t.post = n.key ORDER BY n.node""",
    )
    edges = store.frame(
        """SELECT s.node AS source, t.node AS target, count(*) AS weight,
                  min(acted_at) AS first_at, max(acted_at) AS last_at,
                  string_agg(kind, ' ' ORDER BY kind) AS kinds
           FROM link_of_posts e JOIN numbered s ON s.key = e.source JOIN numbered t ON t.key = e.target
           GROUP BY ALL ORDER BY s.node, t.node""",
    )
    events = edges.select("source", "target", acted_at="first_at").filter(pl.col("acted_at").is_not_null())
    return Network("posts", True, nodes, edges, events)


def _find_uses(store: Store, column: str, window: Window) -> None:
    """Make `item_use`: one row per use of a hashtag or URL by an account, with its time; reposts repeat, not use."""
    name = {"hashtags": "lower(item)", "urls": "item"}[column]
    store.db.execute(
        f"""CREATE OR REPLACE TEMP TABLE item_use AS
            SELECT actor, {name} AS item, acted_at FROM (
                SELECT actor, unnest({column}) AS item, created_at AS acted_at FROM post
                WHERE actor IS NOT NULL AND kind <> 'repost'
                AND ($since IS NULL OR created_at >= $since::TIMESTAMP)
                AND ($until IS NULL OR created_at < $until::TIMESTAMP))
            WHERE item IS NOT NULL AND item <> ''""",
        {"since": window.since, "until": window.until},
    )


def _bipartite(store: Store, name: str) -> Network:
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE member AS
           SELECT row_number() OVER (ORDER BY is_item, platform, native_id) - 1 AS node, * FROM (
               SELECT false AS is_item, a.source AS platform, a.native_id, a.actor, NULL AS item
               FROM actor a WHERE actor IN (SELECT actor FROM item_use)
               UNION ALL SELECT DISTINCT true, '', item, NULL, item FROM item_use)"""
    )
    nodes = store.frame(
        """SELECT m.node, CASE WHEN is_item THEN 'item:' || item ELSE platform || ':' || native_id END AS id,
                  coalesce(item, l.handle, native_id) AS label, CASE WHEN is_item THEN 'item' ELSE 'actor' END AS side
           FROM member m LEFT JOIN actor_label l ON l.actor = m.actor ORDER BY m.node""",
    )
    edges = store.frame(
        """SELECT a.node AS source, i.node AS target, count(*) AS weight,
                  min(acted_at) AS first_at, max(acted_at) AS last_at
           FROM item_use u JOIN member a ON a.actor = u.actor JOIN member i ON i.item = u.item
           GROUP BY ALL ORDER BY a.node, i.node""",
    )
    events = store.frame(
        """SELECT a.node AS source, i.node AS target, acted_at FROM item_use u JOIN member a ON a.actor = u.actor
           JOIN member i ON i.item = u.item WHERE acted_at IS NOT NULL ORDER BY ALL""",
    )
    return Network(name, True, nodes, edges, events)


def _projection(store: Store, name: str, *, of_actors: bool) -> Network:
    node, shared = ("actor", "item") if of_actors else ("item", "actor")
    label = (
        "a.source || ':' || a.native_id AS id, coalesce(l.handle, a.native_id) AS label FROM carrier c "
        "JOIN actor a ON a.actor = c.key LEFT JOIN actor_label l ON l.actor = c.key"
        if of_actors
        else "'item:' || c.key AS id, c.key AS label FROM carrier c"
    )
    store.db.execute(
        f"""CREATE OR REPLACE TEMP TABLE used AS
            SELECT DISTINCT {node} AS key, {shared} AS shared FROM item_use
            WHERE {shared} IN (SELECT {shared} FROM item_use GROUP BY {shared}
                               HAVING count(DISTINCT {node}) BETWEEN 2 AND {MAX_CARRIERS})"""
    )
    skipped = store.value(
        f"""SELECT count(*) FROM (SELECT {shared} FROM item_use GROUP BY {shared}
            HAVING count(DISTINCT {node}) > {MAX_CARRIERS})"""
    )
    store.db.execute("CREATE OR REPLACE TEMP TABLE carrier AS SELECT DISTINCT key FROM used")
    store.db.execute(
        f"""CREATE OR REPLACE TEMP TABLE numbered AS
            SELECT row_number() OVER (ORDER BY id) - 1 AS node, key, id, label
            FROM (SELECT c.key, {label})"""
    )
    nodes = store.frame("SELECT node, id, label FROM numbered ORDER BY node")
    edges = store.frame(
        """SELECT least(s.node, t.node) AS source, greatest(s.node, t.node) AS target, count(*) AS weight
           FROM used a JOIN used b ON a.shared = b.shared AND a.key < b.key
           JOIN numbered s ON s.key = a.key JOIN numbered t ON t.key = b.key GROUP BY ALL ORDER BY 1, 2""",
    )
    return Network(name, False, nodes, edges, facts={"too_common_left_out": skipped})


def _number(store: Store, keys: str, table: str) -> None:
    """Make `numbered`: a node number for each key, by source and native id."""
    key = {"actor": "actor", "post_key": "post"}[table]
    store.db.execute(
        f"""CREATE OR REPLACE TEMP TABLE numbered AS
            SELECT row_number() OVER (ORDER BY source, native_id) - 1 AS node, {key} AS key
            FROM {table} WHERE {key} IN ({keys})"""
    )
