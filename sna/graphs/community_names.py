"""Communities with names: what sets their words and hashtags apart, who stands in the middle, how firm they are."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sna.graphs import measures
from sna.graphs.arrays import EdgeArrays
from sna.graphs.communities import SEED, leiden
from sna.graphs.networks import build_network
from sna.store.opening import Store

# The partition shown is that of the first seed; the others tell how firm it is.
SEEDS = 10
WORDS, HASHTAGS, ACTORS = 5, 3, 3
SMALLEST = 3
# Words of fewer posts in a community tell nothing about it.
FEWEST_POSTS = 2
PRIOR = 500.0


@dataclass(frozen=True, slots=True)
class Named:
    """The communities of a case, the bridges between them, and figures of the whole partition.

    `communities`: community (0 the largest), name, actors, posts, hashtags, words, central (handles), stability (0 to
    1), inside (share of its members' interactions that stay within). `bridges`: community, other, interactions, share
    of all, and the actor that carries most of them (bridge, bridge_handle, bridge_interactions).
    """

    communities: pl.DataFrame
    bridges: pl.DataFrame
    facts: dict[str, object]


def name_communities(store: Store, limit: int | None = None, smallest: int = SMALLEST) -> Named:
    """Return the communities of the interaction network of at least `smallest` actors, the largest first.

    Words and hashtags are ranked by the log-odds ratio with an informative Dirichlet prior, one post of an actor
    counting a word once: Monroe, Colaresi, Quinn, "Fightin' Words" (2008). Stability is the mean over SEEDS - 1 other
    seeds of the best Jaccard index with a community there: Hennig, "Cluster-wise assessment of cluster stability"
    (2007).
    """
    network = build_network(store)
    arrays = network.arrays()
    groups = leiden(arrays)
    keys = store.frame("SELECT key AS actor FROM numbered ORDER BY node")
    members = keys.with_columns(
        community=pl.Series(groups.label, dtype=pl.Int64), rank=pl.Series(measures.pagerank(arrays), dtype=pl.Float64)
    )
    store.db.register("members", members.to_arrow())
    store.db.execute("CREATE OR REPLACE TEMP TABLE community_member AS FROM members")
    store.db.unregister("members")
    table = store.frame(
        """SELECT m.community, count(DISTINCT m.actor) AS actors, count(p.post) AS posts FROM community_member m
           LEFT JOIN post p ON p.actor = m.actor GROUP BY 1 HAVING count(DISTINCT m.actor) >= ? ORDER BY 1 LIMIT ?""",
        smallest,
        2**62 if limit is None else limit,
    )
    others = [leiden(arrays, seed=SEED + number).label for number in range(1, SEEDS)]
    firm = stability(groups.label, others)
    inside = _inside(arrays, groups.label)
    place = table["community"].to_numpy()
    table = table.with_columns(
        hashtags=_top(store, _HASHTAGS, HASHTAGS, place),
        words=_top(store, _WORDS, WORDS, place),
        central=_central(store, place),
        stability=pl.Series(np.round(firm[place], 3), dtype=pl.Float64),
        inside=pl.Series(np.round(inside[place], 3), dtype=pl.Float64),
    )
    # A community is called by what only it says; by who stands in its middle where it says nothing of its own.
    shown = pl.concat_list(pl.col("hashtags").list.head(2), pl.col("words").list.head(2)).list.head(3)
    name = pl.when(shown.list.len() > 0).then(shown.list.join(" ")).otherwise(pl.col("central").list.join(" "))
    table = table.select("community", name.alias("name"), *(c for c in table.columns if c != "community"))
    facts: dict[str, object] = {
        "communities": int(groups.label.max()) + 1 if len(groups.label) else 0,
        "shown": table.height,
        "modularity": round(groups.modularity, 4),
        "seeds": SEEDS,
        "mean_stability": round(float(firm[groups.label].mean()), 3) if len(groups.label) else None,
    }
    return Named(table, _bridges(store, place), facts)


def stability(label: NDArray[np.int64], others: list[NDArray[np.int64]]) -> NDArray[np.float64]:
    """Return per community of `label` the mean over the other partitions of its best Jaccard index there."""
    if not len(label):
        return np.zeros(0)
    count = int(label.max()) + 1
    size = np.bincount(label, minlength=count)
    total = np.zeros(count)
    for other in others:
        width = int(other.max()) + 1
        pair, both = np.unique(label * width + other, return_counts=True)
        mine, theirs = pair // width, pair % width
        jaccard = both / (size[mine] + np.bincount(other, minlength=width)[theirs] - both)
        best = np.zeros(count)
        np.maximum.at(best, mine, jaccard)
        total += best
    return total / max(len(others), 1)


def _inside(edges: EdgeArrays, label: NDArray[np.int64]) -> NDArray[np.float64]:
    if not len(label):
        return np.zeros(0)
    count = int(label.max()) + 1
    both = edges.without_loops().both_ways()
    home = label[both.source]
    all_weight = np.bincount(home, both.weight, count)
    kept = np.bincount(home, both.weight * (home == label[both.target]), count)
    return np.divide(kept, all_weight, out=np.zeros(count), where=all_weight > 0)


# One row per community, word and post in which a member wrote it.
_HASHTAGS = """
SELECT DISTINCT m.community, '#' || lower(ltrim(h, '#')) AS word, p.post
FROM (SELECT post, actor, unnest(hashtags) AS h FROM post WHERE kind <> 'repost') p
JOIN community_member m USING (actor)"""
_WORDS = r"""
SELECT DISTINCT m.community, p.word, p.post
FROM (SELECT post, actor, unnest(regexp_extract_all(regexp_replace(lower(text), 'https?://\S+|[@#][\w.@-]+|\bamp\b',
          ' ', 'g'), '[\p{L}\p{M}]{4,}')) AS word
      FROM post WHERE kind <> 'repost' AND text IS NOT NULL) p
JOIN community_member m USING (actor)"""


def _top(store: Store, uses: str, count: int, communities: NDArray[np.int64]) -> pl.Series:
    """Return per community the `count` words with the highest z-score of their log-odds ratio, if above 1.96."""
    rows = store.frame(
        f"""WITH used AS ({uses}),
            part AS (SELECT community, word, count(*) AS n FROM used GROUP BY ALL),
            whole AS (SELECT word, sum(n) AS n FROM part GROUP BY word),
            size AS (SELECT community, sum(n) AS n FROM part GROUP BY community),
            total AS (SELECT sum(n) AS n FROM whole),
            scored AS (
                SELECT p.community, p.word, p.n AS posts, $prior * w.n / t.n AS prior,
                       p.n + $prior * w.n / t.n AS mine, w.n - p.n + $prior * w.n / t.n AS theirs,
                       s.n + $prior AS mine_all, t.n - s.n + $prior AS theirs_all
                FROM part p JOIN whole w USING (word) JOIN size s USING (community) CROSS JOIN total t
                WHERE p.n >= $fewest AND list_contains($communities::BIGINT[], p.community)),
            odds AS (
                SELECT community, word, (ln(mine / (mine_all - mine)) - ln(theirs / (theirs_all - theirs)))
                       / sqrt(1 / mine + 1 / theirs) AS z FROM scored
                WHERE mine_all > mine AND theirs_all > theirs)
            SELECT community, list(word ORDER BY z DESC, word)[1:$count] AS words FROM odds WHERE z > 1.96
            GROUP BY community""",
        {"prior": PRIOR, "fewest": FEWEST_POSTS, "communities": communities.tolist(), "count": count},
    )
    return _by_community(rows, communities)


def _central(store: Store, communities: NDArray[np.int64]) -> pl.Series:
    rows = store.frame(
        """SELECT community, list(coalesce(l.handle, a.native_id) ORDER BY rank DESC, a.native_id)[1:?] AS words
           FROM community_member m JOIN actor a USING (actor) LEFT JOIN actor_label l USING (actor)
           GROUP BY community""",
        ACTORS,
    )
    return _by_community(rows, communities)


def _by_community(rows: pl.DataFrame, communities: NDArray[np.int64]) -> pl.Series:
    found: dict[int, list[str]] = dict(zip(rows["community"].to_list(), rows["words"].to_list(), strict=True))
    return pl.Series([found.get(community, []) for community in communities.tolist()], dtype=pl.List(pl.String))


def _bridges(store: Store, communities: NDArray[np.int64]) -> pl.DataFrame:
    """Return one row per pair of shown communities with interactions between them, the most first."""
    return store.frame(
        """WITH act AS (
               SELECT e.source AS actor, least(s.community, t.community) AS community,
                      greatest(s.community, t.community) AS other, e.weight
               FROM edge e JOIN community_member s ON s.actor = e.source JOIN community_member t ON t.actor = e.target
               WHERE s.community <> t.community AND list_contains($shown::BIGINT[], s.community)
                 AND list_contains($shown::BIGINT[], t.community)),
           by_actor AS (SELECT community, other, actor, sum(weight)::BIGINT AS weight FROM act GROUP BY ALL),
           top AS (SELECT *, row_number() OVER (PARTITION BY community, other ORDER BY weight DESC, actor) AS place
                   FROM by_actor),
           pair AS (SELECT community, other, sum(weight)::BIGINT AS interactions FROM by_actor GROUP BY ALL)
           SELECT p.community, p.other, p.interactions,
                  round(p.interactions / (SELECT sum(weight) FROM edge), 4) AS share, a.source || ':' || a.native_id AS
                  bridge, l.handle AS bridge_handle, t.weight AS bridge_interactions
           FROM pair p JOIN top t ON t.community = p.community AND t.other = p.other AND t.place = 1
           JOIN actor a USING (actor) LEFT JOIN actor_label l USING (actor)
           ORDER BY p.interactions DESC, p.community, p.other""",
        {"shown": communities.tolist()},
    )
