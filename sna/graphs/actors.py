"""Actors with their counts, their place in the interaction network, and their roles."""

import numpy as np
import polars as pl

from sna.errors import UsageError
from sna.graphs import measures
from sna.graphs.communities import leiden
from sna.graphs.interactions import find_interactions
from sna.graphs.networks import build_network
from sna.graphs.roles import COMPONENTS, DOUBTS, RANKED, ROLES, check_role, find_roles
from sna.store.opening import Store

COUNTS = (
    "posts",
    "replies_sent",
    "replies_received",
    "reposts_sent",
    "reposts_received",
    "quotes_sent",
    "quotes_received",
    "mentions_sent",
    "mentions_received",
    "threads_started",
    "replies_addressed",
)
SCORES = tuple(f"{role}_score" for role in ROLES)
SORTS = (
    *(*COUNTS, "in_degree", "out_degree", "pagerank", "core", "betweenness"),
    *(name for name in RANKED if name not in COUNTS),
    *SCORES,
)


def list_actors(
    store: Store, sort: str | None = None, limit: int | None = None, role: str | None = None
) -> pl.DataFrame:
    """Return one row per account that posted or was addressed, the highest `sort` first, then by source and id.

    With `role` the order is that role's score, and each score comes with the interval of its resamples.

    Columns: source, id, handle, name, the counts of COUNTS, first_at, last_at, in_degree, out_degree,
    pagerank, core, community, component, and those of roles.find_roles (null for accounts without a post).
    `..._received` counts acts on collected posts of the account, self-replies included; `replies_addressed` counts
    replies to it whether or not the answered post was collected. `threads_started` counts observed roots that drew at
    least one answer. Raises UsageError for an unknown sort or role.
    """
    order = f"{check_role(role)}_score" if role else sort or "replies_received"
    if order not in SORTS:
        raise UsageError(f"cannot sort actors by {sort!r}; one of {', '.join(SORTS)}")
    network = build_network(store)
    keys = store.frame("SELECT key FROM numbered ORDER BY node")["key"].to_numpy().astype(np.int64)
    arrays = network.arrays()
    degree = measures.degrees(arrays)
    measured = pl.DataFrame(
        {
            "actor": keys,
            "in_degree": pl.Series(degree.in_degree, dtype=pl.Int64),
            "out_degree": pl.Series(degree.out_degree, dtype=pl.Int64),
            "pagerank": pl.Series(measures.pagerank(arrays), dtype=pl.Float64),
            "core": pl.Series(measures.core_numbers(arrays), dtype=pl.Int64),
            "component": pl.Series(measures.components(arrays), dtype=pl.Int64),
            "community": pl.Series(leiden(arrays).label, dtype=pl.Int64),
        }
    )
    if order == "betweenness":
        between = measures.betweenness(arrays).value
        measured = measured.with_columns(betweenness=pl.Series(between, dtype=pl.Float64))
    roles = find_roles(store, arrays, keys, with_intervals=role is not None)
    shown = ["actor", *(name for name in roles.columns if name not in ("actor", *COUNTS))]
    table = _counts(store).join(measured, on="actor", how="left").join(roles.select(shown), on="actor", how="left")
    zero = [name for name in ("in_degree", "out_degree", "core", "pagerank", "betweenness") if name in table.columns]
    table = table.drop("actor").with_columns(pl.col(zero).fill_null(0))
    table = table.sort([order, "source", "id"], descending=[True, False, False], nulls_last=True)
    return table if limit is None else table.head(limit)


def role_columns(role: str) -> tuple[str, ...]:
    """Return the columns that tell about one role: its score with interval, what makes it up, what bears on it."""
    return f"{role}_score", f"{role}_low", f"{role}_high", *COMPONENTS[role], *DOUBTS


def _counts(store: Store) -> pl.DataFrame:
    """One row per account with its counts; needs the temporary table `interaction`, made anew here with loops."""
    find_interactions(store)
    return store.frame(
        """WITH sent AS (
               SELECT source AS actor, count(*) FILTER (kind = 'quote') AS quotes_sent,
                      count(*) FILTER (kind = 'mention') AS mentions_sent
               FROM interaction GROUP BY 1),
           received AS (
               SELECT target AS actor, count(*) FILTER (kind = 'reply' AND is_target_collected) AS replies_received,
                      count(*) FILTER (kind = 'repost' AND is_target_collected) AS reposts_received,
                      count(*) FILTER (kind = 'quote' AND is_target_collected) AS quotes_received,
                      count(*) FILTER (kind = 'mention') AS mentions_received,
                      count(*) FILTER (kind = 'reply') AS replies_addressed
               FROM interaction GROUP BY 1),
           wrote AS (
               SELECT actor, count(*) AS posts, count(*) FILTER (kind = 'reply') AS replies_sent,
                      count(*) FILTER (kind = 'repost') AS reposts_sent FROM post WHERE actor IS NOT NULL GROUP BY 1),
           dated AS (SELECT actor, min(created_at) AS first_at, max(created_at) AS last_at FROM timed_post GROUP BY 1),
           started AS (
               SELECT p.actor, count(*) AS threads_started FROM post p
               JOIN (SELECT top FROM thread_post WHERE root_status = 'observed' GROUP BY top HAVING count(*) > 1) t
                 ON t.top = p.post GROUP BY 1)
           SELECT a.actor, a.source, a.native_id AS id, l.handle, l.name, coalesce(posts, 0) AS posts,
                  coalesce(replies_sent, 0) AS replies_sent, coalesce(replies_received, 0) AS replies_received,
                  coalesce(reposts_sent, 0) AS reposts_sent, coalesce(reposts_received, 0) AS reposts_received,
                  coalesce(quotes_sent, 0) AS quotes_sent, coalesce(quotes_received, 0) AS quotes_received,
                  coalesce(mentions_sent, 0) AS mentions_sent, coalesce(mentions_received, 0) AS mentions_received,
                  coalesce(threads_started, 0) AS threads_started,
                  coalesce(replies_addressed, 0) AS replies_addressed, first_at, last_at
           FROM actor a LEFT JOIN wrote USING (actor) LEFT JOIN sent USING (actor) LEFT JOIN received USING (actor)
           LEFT JOIN dated USING (actor) LEFT JOIN started USING (actor) LEFT JOIN actor_label l USING (actor)
           WHERE posts IS NOT NULL OR received.actor IS NOT NULL"""
    )
