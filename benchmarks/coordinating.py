"""Pairs that repost the same within a minute: sna beside coordination_network_toolkit, on invented shares."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from sna.graphs.coordination import find_coordination
from sna.graphs.coshares import find_co_shares
from sna.store.opening import Store
from sna.store.terms import Terms

WINDOW = 60
MIN_SHARED = 2


def invented_shares(shares: int) -> pl.DataFrame:
    """Return `shares` reposts of skewed activity and popularity: post, actor, item, second."""
    random = np.random.default_rng(5)
    actors, items, days = max(shares // 20, 10), max(shares // 15, 10), 30 * 86_400
    activity, popularity = random.zipf(1.9, actors).clip(1, 300), random.zipf(1.8, items).clip(1, 3_000)
    item = random.choice(items, shares, p=popularity / popularity.sum())
    second = (random.uniform(0, days, items)[item] + random.lognormal(8.5, 1.8, shares)).astype(np.int64)
    return pl.DataFrame(
        {
            "post": np.arange(shares) + 10 * shares,
            "actor": random.choice(actors, shares, p=activity / activity.sum()),
            "item": item,
            "second": second,
        }
    )


def prepare(folder: str, shares: int) -> None:
    """Put the same shares into a store and into a database of the toolkit."""
    rows = invented_shares(shares)
    with Store(Path(folder) / "store.duckdb", Path(folder) / "spill", terms=Terms(1)) as store:
        store.db.register("rows", rows.to_arrow())
        store.db.execute(
            """INSERT INTO post (post, source, kind, actor, repost_of, created_at, seen_as, seen_at, batch, expires_at)
               SELECT post, 'x', 'repost', actor, item, make_timestamp(second * 1000000), 'collected',
                      TIMESTAMP '2026-01-01', 1, TIMESTAMP '2099-01-01' FROM rows"""
        )
        store.db.execute("INSERT INTO actor SELECT DISTINCT actor, 'x', actor::VARCHAR FROM rows")


def prepare_toolkit(folder: str, shares: int) -> None:
    """Let the toolkit take the same shares in, as its own preprocessing does."""
    from coordination_network_toolkit.preprocess import preprocess_data

    rows = invented_shares(shares)
    messages: Iterator[tuple[object, ...]] = (
        (str(post), str(actor), str(actor), str(item), None, "", second, [])
        for post, actor, item, second in rows.iter_rows()
    )
    preprocess_data(f"{folder}/toolkit.sqlite", messages)


def sna_pairs(folder: str) -> list[int]:
    """Return the pairs with MIN_SHARED items, and those beyond chance, by the whole of `sna coordination`."""
    with Store(Path(folder) / "store.duckdb", Path(folder) / "spill", read_only=True) as store:
        found = find_coordination(store)
    return [found.pairs.height, int(found.pairs["is_significant"].sum())]


def sna_pairs_alone(folder: str) -> float:
    """Return the seconds for the pairs alone, as the toolkit counts them."""
    with Store(Path(folder) / "store.duckdb", Path(folder) / "spill", read_only=True) as store:
        store.db.execute(
            "CREATE TEMP TABLE share AS SELECT repost_of AS item, actor, post, created_at AS acted_at FROM post"
        )
        began = time.perf_counter()
        find_co_shares(store, WINDOW)
        return time.perf_counter() - began


def toolkit_pairs(folder: str) -> int:
    """Return the pairs that the toolkit finds; an edge each way, and loops, are taken off."""
    from coordination_network_toolkit.compute_networks import compute_co_retweet_parallel

    path = f"{folder}/toolkit.sqlite"
    compute_co_retweet_parallel(path, WINDOW, n_threads=2, min_edge_weight=1)
    with sqlite3.connect(path) as db:
        return int(db.execute("SELECT count(*) FROM co_retweet_network WHERE user_1 < user_2").fetchone()[0])


def sna_all_pairs(folder: str) -> int:
    """Return the pairs with any shared item within the window."""
    with Store(Path(folder) / "store.duckdb", Path(folder) / "spill", read_only=True) as store:
        store.db.execute(
            "CREATE TEMP TABLE share AS SELECT repost_of AS item, actor, post, created_at AS acted_at FROM post"
        )
        return find_co_shares(store, WINDOW).actor_pairs
