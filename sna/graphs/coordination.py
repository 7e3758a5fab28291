"""Coordination: pairs that do the same within a window again and again, beyond what their activity explains.

Coordination is not guilt: fan clubs, newsrooms and activists coordinate too. After Pacheco et al., "Uncovering
Coordinated Networks on Social Media" (2021), with a null model in place of a fixed threshold.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import pdtrc

from sna.errors import UsageError
from sna.graphs.bicm import expected_co_shares, expected_with_repeats
from sna.graphs.carriers import find_carriers
from sna.graphs.coshares import CoShares, find_co_shares
from sna.graphs.near import THRESHOLD
from sna.graphs.network import Network
from sna.store.opening import Store

BEHAVIOURS = ("repost", "url", "text", "hashtag", "reply")
CAUTION = "coordination is not guilt: fan clubs, newsrooms and activists coordinate too"


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for: behaviours (layers), the window in seconds, the fewest items a pair must have in common.

    `fdr` is the share of false pairs to be borne among those called significant.
    """

    by: Sequence[str] = ("repost",)
    window: float = 60.0
    min_shared: int = 2
    fdr: float = 0.05
    threshold: float = THRESHOLD

    def __post_init__(self) -> None:
        """Raise UsageError for what cannot be."""
        for behaviour in self.by:
            if behaviour not in BEHAVIOURS:
                raise UsageError(f"unknown behaviour {behaviour!r}; any of {', '.join(BEHAVIOURS)}")
        if not self.by or self.window < 0 or self.min_shared < 1 or not 0 < self.fdr < 1:
            raise UsageError("--window is 0 or more, --min-shared 1 or more, --fdr between 0 and 1")


@dataclass(frozen=True, slots=True)
class Coordination:
    """What was found.

    `pairs`: source, actor, handle, other_source, other, other_handle, shared, expected, p, q, is_significant,
    mean_gap and min_gap (seconds), group, and one count per behaviour; the most certain first. `groups`: the
    connected parts of significant pairs, or of all where none is: group, actors, pairs, shared, mean_gap, members.
    `facts`: figures of the whole search.
    """

    pairs: pl.DataFrame
    groups: pl.DataFrame
    facts: dict[str, object]

    def network(self) -> Network:
        """Return the pairs as an undirected network, edges weighted by the items in common."""
        ends = [
            self.pairs.select(platform=f"{prefix}source", native_id=name, handle=handle)
            for prefix, name, handle in (("", "actor", "handle"), ("other_", "other", "other_handle"))
        ]
        nodes = pl.concat(ends).unique(["platform", "native_id"]).sort("platform", "native_id")
        nodes = nodes.with_columns(
            node=pl.int_range(pl.len()).cast(pl.Int64),
            id=pl.col("platform") + ":" + pl.col("native_id"),
            label=pl.coalesce("handle", "native_id"),
        ).select("node", "id", "label", "platform", "native_id", "handle")
        number = nodes.select("platform", "native_id", "node")
        edges = self.pairs.join(number, left_on=["source", "actor"], right_on=["platform", "native_id"])
        edges = edges.join(
            number, left_on=["other_source", "other"], right_on=["platform", "native_id"], suffix="_other"
        )
        low, high = pl.min_horizontal("node", "node_other"), pl.max_horizontal("node", "node_other")
        chosen = ("expected", "q", "is_significant", "mean_gap")
        edges = edges.select(low.alias("source"), high.alias("target"), pl.col("shared").alias("weight"), *chosen)
        return Network("coordination", False, nodes, edges.sort("source", "target"), facts=dict(self.facts))


def find_coordination(store: Store, search: Search | None = None) -> Coordination:
    """Return pairs of actors that did the same within the window at least `min_shared` times, and their groups.

    Under the null model each actor and each item keeps its activity (see bicm.py), and two sharers of an item are
    within the window as often as its sharers are. The count of a pair is then Poisson with the sum over items as its
    mean; of several layers the most telling one counts, corrected for their number; q is the p-value after
    Benjamini and Hochberg, "Controlling the False Discovery Rate" (1995), over all pairs of actors with at least
    `min_shared` items.
    """
    search = search or Search()
    db = store.db
    db.execute(
        "CREATE OR REPLACE TEMP TABLE layer (layer VARCHAR, low BIGINT, high BIGINT, shared BIGINT, gap_sum DOUBLE,"
        " gap_min DOUBLE, expected DOUBLE)"
    )
    db.execute("CREATE OR REPLACE TEMP TABLE activity (actor BIGINT, items BIGINT)")
    met: dict[str, CoShares] = {}
    for behaviour in dict.fromkeys(search.by):
        _find_shares(store, behaviour, search.threshold)
        # Most pairs share one thing once; only those that can be reported are worth a model.
        met[behaviour] = find_co_shares(store, search.window, search.min_shared)
        _expect(store, behaviour)
    pairs = _over_layers(store, search)
    active = store.value(
        "SELECT count(*) FROM (SELECT actor FROM activity GROUP BY actor HAVING max(items) >= ?)", search.min_shared
    )
    tests = active * (active - 1) // 2
    q = benjamini_hochberg(pairs["p"].to_numpy(), tests)
    pairs = _grouped(pairs.with_columns(q=pl.Series(q), is_significant=pl.Series(q <= search.fdr)))
    facts: dict[str, object] = {
        "by": list(search.by),
        "window_seconds": search.window,
        "min_shared": search.min_shared,
        "fdr": search.fdr,
        "share_pairs": {name: found.share_pairs for name, found in met.items()},
        "actor_pairs": {name: found.actor_pairs for name, found in met.items()},
        "pairs": pairs.height,
        "actors": pl.concat([pairs["low"], pairs["high"]]).n_unique(),
        "component_sizes": _component_sizes(pairs),
        "significant_pairs": int(pairs["is_significant"].sum()),
        "tests": tests,
        "caution": CAUTION,
    }
    named = _named(store, pairs)
    return Coordination(named, _groups(named), facts)


def pair_evidence(store: Store, low: str, high: str, search: Search) -> pl.DataFrame:
    """Return what two actors (source:id) did together: behaviour, item, post, other_post, acted_at, gap (seconds)."""
    frames = []
    for behaviour in dict.fromkeys(search.by):
        _find_shares(store, behaviour, search.threshold)
        frames.append(
            store.frame(
                """SELECT $behaviour AS behaviour, n.name AS item, ak.native_id AS post, bk.native_id AS other_post,
                          a.acted_at, epoch(b.acted_at - a.acted_at) AS gap
                   FROM share a JOIN share b USING (item) JOIN share_item n USING (item)
                   JOIN post_key ak ON ak.post = a.post JOIN post_key bk ON bk.post = b.post
                   WHERE a.actor IN (SELECT actor FROM actor WHERE source || ':' || native_id = $low)
                     AND b.actor IN (SELECT actor FROM actor WHERE source || ':' || native_id = $high)
                     AND abs(epoch(b.acted_at - a.acted_at)) <= $window
                   QUALIFY row_number() OVER (PARTITION BY item ORDER BY abs(gap), a.acted_at) = 1
                   ORDER BY a.acted_at""",
                {"behaviour": behaviour, "low": low, "high": high, "window": search.window},
            )
        )
    return pl.concat(frames)


def _find_shares(store: Store, behaviour: str, threshold: float) -> None:
    """Make `share` (item, actor, post, acted_at) and `share_item` (item, name) of one behaviour."""
    if behaviour in ("repost", "reply"):
        column = {"repost": "repost_of", "reply": "parent"}[behaviour]
        chosen = f"SELECT {column} AS item, actor, post, created_at AS acted_at FROM timed_post"
        names = "SELECT DISTINCT item, native_id AS name FROM share JOIN post_key ON post_key.post = share.item"
        if behaviour == "reply":
            chosen += " WHERE repost_of IS NULL"
    else:
        find_carriers(store, behaviour, threshold)
        store.db.execute(
            """CREATE OR REPLACE TEMP TABLE item_number AS
               SELECT item AS name, row_number() OVER (ORDER BY item) AS item FROM carry GROUP BY item"""
        )
        chosen = """SELECT n.item, c.actor, c.post, c.created_at AS acted_at
                    FROM carry c JOIN item_number n ON n.name = c.item WHERE c.how <> 'repost'"""
        names = "SELECT item, name FROM item_number"
    store.db.execute(
        f"""CREATE OR REPLACE TEMP TABLE share AS
            SELECT * FROM ({chosen}) WHERE item IS NOT NULL AND actor IS NOT NULL"""
    )
    store.db.execute(f"CREATE OR REPLACE TEMP TABLE share_item AS {names}")


def _expect(store: Store, behaviour: str) -> None:
    """Add the layer's pairs to `layer`, each with what chance would give it, and the actors' items to `activity`.

    Chance is counted both ways, by the different items of an actor and by all its shares; the greater one counts.
    """
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE busy AS
           SELECT actor, count(DISTINCT item) AS items, count(*) AS shares FROM share WHERE acted_at IS NOT NULL
           GROUP BY actor"""
    )
    store.db.execute("INSERT INTO activity SELECT actor, items FROM busy")
    items = store.frame(
        """WITH times AS (
               SELECT item, actor, count(*)::DOUBLE AS shares FROM share WHERE acted_at IS NOT NULL GROUP BY ALL),
           size AS (
               SELECT item, count(*) AS sharers, sum(shares) AS shares,
                      (sum(shares) ** 2 - sum(shares ** 2)) / 2 AS share_pairs FROM times GROUP BY item)
           SELECT s.sharers, s.shares, coalesce(c.close / nullif(s.sharers * (s.sharers - 1) / 2, 0), 0) AS closeness,
                  coalesce(c.close_shares / nullif(s.share_pairs, 0), 0) AS share_closeness
           FROM size s LEFT JOIN item_closeness c USING (item)"""
    )
    degrees, expected = expected_co_shares(
        store.frame("SELECT items FROM busy")["items"].to_numpy(),
        items["sharers"].to_numpy(),
        items["closeness"].to_numpy(),
    )
    place = pl.DataFrame({"items": degrees, "place": np.arange(len(degrees), dtype=np.int64)})
    store.db.register("degree_place", place.to_arrow())
    pairs = store.frame(
        """SELECT c.*, l.place AS low_place, h.place AS high_place, (a.shares * b.shares)::DOUBLE AS product
           FROM co_share c
           JOIN busy a ON a.actor = c.low JOIN degree_place l ON l.items = a.items
           JOIN busy b ON b.actor = c.high JOIN degree_place h ON h.items = b.items"""
    )
    store.db.unregister("degree_place")
    by_items = expected[pairs["low_place"].to_numpy(), pairs["high_place"].to_numpy()]
    by_shares = expected_with_repeats(
        pairs["product"].to_numpy(), items["shares"].to_numpy(), items["share_closeness"].to_numpy()
    )
    rows = pairs.select(
        pl.lit(behaviour).alias("layer"),
        *("low", "high", "shared", "gap_sum", "gap_min"),
        pl.Series("expected", np.maximum(by_items, by_shares)),
    )
    store.db.register("layer_rows", rows.to_arrow())
    store.db.execute("INSERT INTO layer SELECT * FROM layer_rows")
    store.db.unregister("layer_rows")


def _over_layers(store: Store, search: Search) -> pl.DataFrame:
    """Return one row per pair with enough items in one layer: that of the layer where chance explains it least.

    What one post does in two layers (the same link in the same words) is one act. So layers are not added up: the
    smallest p-value counts, times the number of layers (Bonferroni), whatever the layers have in common.
    """
    layers = list(dict.fromkeys(search.by))
    rows = store.frame("FROM layer")
    mean = np.maximum(rows["expected"].to_numpy(), 1e-300)
    p = np.minimum(pdtrc(rows["shared"].to_numpy() - 1, mean) * len(layers), 1.0)
    rows = rows.with_columns(p=pl.Series(p, dtype=pl.Float64), mean_gap=pl.col("gap_sum") / pl.col("shared"))
    counts = [
        pl.col("shared").filter(pl.col("layer") == name).sum().cast(pl.Int64).alias(f"{name}_shared") for name in layers
    ]
    best = [
        pl.col(name).sort_by("p", "shared", "layer", descending=[False, True, False]).first()
        for name in ("shared", "expected", "p", "mean_gap", "gap_min")
    ]
    return rows.group_by("low", "high").agg(*best, *counts).rename({"gap_min": "min_gap"}).sort("low", "high")


def benjamini_hochberg(p: NDArray[np.float64], tests: int) -> NDArray[np.float64]:
    """Return the adjusted p-values of some of `tests` hypotheses; the others count with p = 1."""
    if not len(p):
        return np.zeros(0)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * max(tests, len(p)) / np.arange(1, len(p) + 1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted


def _grouped(pairs: pl.DataFrame) -> pl.DataFrame:
    """Add `group`: the connected part, 0 the largest, of significant pairs, or of all pairs where none is."""
    chosen = pairs["is_significant"] if pairs["is_significant"].any() else pl.Series(np.ones(pairs.height, bool))
    label = _parts(pairs.filter(chosen))
    group = np.full(pairs.height, -1, np.int64)
    group[chosen.to_numpy()] = label
    return pairs.with_columns(group=pl.Series(group)).with_columns(
        group=pl.when(pl.col("group") >= 0).then(pl.col("group"))
    )


def _parts(pairs: pl.DataFrame) -> NDArray[np.int64]:
    """Return per pair the number of its connected part; 0 has the most actors, then the lowest actor."""
    if not pairs.height:
        return np.zeros(0, np.int64)
    actors, place = np.unique(np.concatenate([pairs["low"], pairs["high"]]), return_inverse=True)
    low, high = place[: pairs.height], place[pairs.height :]
    graph = coo_array((np.ones(len(low)), (low, high)), shape=(len(actors), len(actors)))
    count, label = connected_components(graph.tocsr(), directed=False)
    size = np.bincount(label, minlength=count)
    first = np.full(count, len(actors))
    np.minimum.at(first, label, np.arange(len(actors)))
    number = np.empty(count, np.int64)
    number[np.lexsort((first, -size))] = np.arange(count)
    return np.asarray(number[label[low]], np.int64)


def _component_sizes(pairs: pl.DataFrame) -> list[int]:
    part = pl.DataFrame({"part": _parts(pairs), "low": pairs["low"], "high": pairs["high"]})
    ends = pl.concat([part.select("part", actor="low"), part.select("part", actor="high")])
    return ends.group_by("part").agg(size=pl.col("actor").n_unique()).sort("size", descending=True)["size"].to_list()


def _named(store: Store, pairs: pl.DataFrame) -> pl.DataFrame:
    store.db.register("found_pairs", pairs.to_arrow())
    layers = ", ".join(f"p.{name}" for name in pairs.columns if name.endswith("_shared"))
    named = store.frame(
        f"""SELECT a.source, a.native_id AS actor, la.handle, b.source AS other_source, b.native_id AS other,
                   lb.handle AS other_handle, p.shared, round(p.expected, 6) AS expected, p.p, p.q, p.is_significant,
                   round(p.mean_gap, 3) AS mean_gap, p.min_gap, p."group", {layers}
            FROM found_pairs p JOIN actor a ON a.actor = p.low JOIN actor b ON b.actor = p.high
            LEFT JOIN actor_label la ON la.actor = p.low LEFT JOIN actor_label lb ON lb.actor = p.high
            ORDER BY p.p, p.shared DESC, a.source, a.native_id, b.native_id"""
    )
    store.db.unregister("found_pairs")
    return named


def _groups(pairs: pl.DataFrame) -> pl.DataFrame:
    grouped = pairs.filter(pl.col("group").is_not_null())
    ends = pl.concat(
        [
            grouped.select("group", actor=pl.col("source") + ":" + pl.col("actor")),
            grouped.select("group", actor=pl.col("other_source") + ":" + pl.col("other")),
        ]
    )
    members = ends.group_by("group").agg(actors=pl.col("actor").n_unique(), members=pl.col("actor").unique().sort())
    figures = grouped.group_by("group").agg(
        pairs=pl.len().cast(pl.Int64),
        shared=pl.col("shared").sum(),
        mean_gap=((pl.col("mean_gap") * pl.col("shared")).sum() / pl.col("shared").sum()).round(3),
        is_significant=pl.col("is_significant").any(),
    )
    table = members.join(figures, on="group").sort("group")
    return table.select(
        "group", pl.col("actors").cast(pl.Int64), "pairs", "shared", "mean_gap", "is_significant", "members"
    )
