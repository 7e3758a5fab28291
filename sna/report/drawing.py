"""The timeline and the network of a report, counted by the steps of one clock so that a browser can filter both."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sna.errors import UsageError
from sna.exports.style import layout
from sna.graphs.interactions import KINDS
from sna.graphs.networks import build_network
from sna.graphs.timeline import Steps, Timeline, count_by_step
from sna.report.compact import as_table
from sna.report.veil import Veil
from sna.store.opening import Store

# The step of what has no usable time: it is in no part of the timeline.
UNDATED = -1
MOST_STRETCH = 1.6
_MEASURES = ("in_degree", "out_degree", "strength", "pagerank", "core", "posts", "community")


@dataclass(frozen=True, slots=True)
class Clock:
    """Numbers times by the steps of the timeline."""

    steps: Steps | None

    def number(self, time: pl.Expr) -> pl.Expr:
        """Return the step of each time, UNDATED where it is in none."""
        if self.steps is None:
            return pl.lit(UNDATED)
        micro = int(self.steps.step.total_seconds() * 1_000_000)
        since = int((self.steps.since - datetime(1970, 1, 1)).total_seconds() * 1_000_000)
        number = (time.dt.epoch("us") - since) // micro
        return pl.when((time >= self.steps.since) & (time < self.steps.until)).then(number).otherwise(UNDATED)


def timeline_of(store: Store) -> Timeline | None:
    """Return the timeline of the whole case; None where no post has a usable time."""
    try:
        return count_by_step(store)
    except UsageError:
        return None


def draw_timeline(timeline: Timeline, clock: Clock) -> dict[str, object]:
    """Return posts by step and kind, and the bursts of the whole as first and last step."""
    table, steps = timeline.table, timeline.steps
    bursts = timeline.bursts.filter(pl.col("series") == "all", pl.col("level") == 1).with_columns(
        first=clock.number(pl.col("from")), last=clock.number(pl.col("until") - pl.duration(microseconds=1))
    )
    return {
        "since": round((steps.since - datetime(1970, 1, 1)).total_seconds() * 1000),
        "step": round(steps.step.total_seconds() * 1000),
        "count": table.height,
        "series": {name.removeprefix("series "): table[name].to_list() for name in table.columns[2:]},
        "bursts": bursts.select("first", "last", "gain", "posts").sort("first").to_dicts(),
        "undated": timeline.undated,
    }


def draw_network(
    store: Store, clock: Clock, veil: Veil, most_nodes: int, most_edges: int
) -> tuple[dict[str, object], set[str]]:
    """Return the strongest part of the interaction network, laid out, and the ids (source:id) of its accounts.

    Measures are those of the whole network; an edge's `acts` are step, kind and count, one after the other.
    """
    whole = build_network(store).measured(with_betweenness=False)
    part = whole.narrowed(top=most_nodes, top_edges=most_edges)
    nodes, place = part.nodes, _widened(layout(part.arrays()))
    rows = [
        {
            "id": veil.actor(row["platform"], row["native_id"]),
            "label": veil.label(row["platform"], row["native_id"], row["handle"]),
            "x": round(float(x), 1),
            "y": round(float(y), 1),
            **{name: row[name] for name in _MEASURES},
        }
        for row, (x, y) in zip(nodes.iter_rows(named=True), place.tolist(), strict=True)
    ]
    edges = part.edges.select("source", "target", "weight")
    events = part.events if part.events is not None else edges.head(0)
    if events.height:
        kinds = pl.col("kind").replace_strict(list(KINDS), list(range(len(KINDS))), return_dtype=pl.Int64)
        acts = (
            events.with_columns(bin=clock.number(pl.col("acted_at")), number=kinds)
            .group_by("source", "target", "bin", "number")
            .agg(n=pl.len().cast(pl.Int64))
            .sort("source", "target", "bin", "number")
            .with_columns(act=pl.concat_list("bin", "number", "n"))
            .group_by("source", "target", maintain_order=True)
            .agg(pl.col("act").explode())
        )
        edges = edges.join(acts, on=["source", "target"], how="left", maintain_order="left")
    else:
        edges = edges.with_columns(act=pl.lit(None, pl.List(pl.Int64)))
    listed = [[s, t, w, acts or []] for s, t, w, acts in edges.select("source", "target", "weight", "act").iter_rows()]
    shown: dict[str, object] = {
        "kinds": list(KINDS),
        "nodes": as_table(rows),
        "edges": listed,
        "told": {
            "nodes": len(rows),
            "all_nodes": whole.nodes.height,
            "edges": len(listed),
            "all_edges": whole.edges.height,
        },
    }
    return shown, set(nodes["id"].to_list())


def actor_activity(store: Store, clock: Clock) -> dict[str, list[int]]:
    """Return by source:id the steps in which an account posted and how often, one after the other."""
    frame = store.frame(
        """SELECT a.source || ':' || a.native_id AS id, p.created_at FROM timed_post p JOIN actor a USING (actor)"""
    )
    counts = frame.select("id", bin=clock.number(pl.col("created_at"))).group_by("id", "bin").agg(n=pl.len())
    pairs = counts.sort("id", "bin").with_columns(pair=pl.concat_list("bin", pl.col("n").cast(pl.Int64)))
    grouped = pairs.group_by("id").agg(pl.col("pair").explode())
    return dict(grouped.iter_rows())


def _widened(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return positions stretched sideways, towards the shape of the frame that they are drawn in."""
    if not len(place):
        return place
    width, height = np.maximum(np.ptp(place, axis=0), 1.0)
    return place * (np.clip(2 * height / width, 1.0, MOST_STRETCH), 1.0)
