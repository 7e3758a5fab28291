"""Who did the same within a window: pairs of shares of one item, on sorted arrays, gathered in DuckDB."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sna.store.opening import Store

# Pairs of shares that are held in memory at once.
CHUNK = 8_000_000


def find_co_shares(store: Store, window: float) -> int:
    """Make `co_share` and `item_closeness` from `share` (item, actor, acted_at); returns how many pairs of shares.

    `co_share`: low, high (actor keys), shared (distinct items that both shared within `window` seconds of each
    other), gap_sum and gap_min (seconds, of the closest pair of shares of each item). `item_closeness`: item, close
    (pairs of actors within the window) and close_shares (pairs of their shares).
    An actor's shares beside its own do not count.
    """
    db = store.db
    for table, columns in (
        ("co_share_part", "low BIGINT, high BIGINT, shared BIGINT, gap_sum DOUBLE, gap_min DOUBLE"),
        ("item_closeness", "item BIGINT, close BIGINT, close_shares BIGINT"),
    ):
        db.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({columns})")
    shares = store.frame(
        """SELECT item, actor, epoch_us(acted_at) AS moment FROM share WHERE acted_at IS NOT NULL
           ORDER BY item, moment, actor"""
    )
    item, actor, at = (shares[name].to_numpy() for name in ("item", "actor", "moment"))
    count = 0
    for first, second in _close_pairs(item, at, int(window * 1_000_000)):
        count += _gather(store, item, actor, at, first, second)
    db.execute(
        """CREATE OR REPLACE TEMP TABLE co_share AS
           SELECT low, high, sum(shared)::BIGINT AS shared, sum(gap_sum) AS gap_sum, min(gap_min) AS gap_min
           FROM co_share_part GROUP BY low, high"""
    )
    db.execute("DROP TABLE co_share_part")
    return count


def _gather(
    store: Store,
    item: NDArray[np.int64],
    actor: NDArray[np.int64],
    at: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> int:
    """Add the pairs of some whole items to the tables; returns how many pairs of shares of different actors."""
    differs = actor[first] != actor[second]
    first, second = first[differs], second[differs]
    if not len(first):
        return 0
    pairs = pl.DataFrame(
        {
            "item": item[first],
            "low": np.minimum(actor[first], actor[second]),
            "high": np.maximum(actor[first], actor[second]),
            "gap": (at[second] - at[first]) / 1_000_000,
        }
    )
    store.db.register("close_pairs", pairs.to_arrow())
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE close_item AS
           SELECT item, low, high, min(gap) AS gap, count(*) AS shares FROM close_pairs GROUP BY item, low, high"""
    )
    store.db.unregister("close_pairs")
    store.db.execute(
        """INSERT INTO co_share_part
           SELECT low, high, count(*), sum(gap), min(gap) FROM close_item GROUP BY low, high"""
    )
    store.db.execute("INSERT INTO item_closeness SELECT item, count(*), sum(shares) FROM close_item GROUP BY item")
    store.db.execute("DROP TABLE close_item")
    return len(first)


def _close_pairs(
    item: NDArray[np.int64], at: NDArray[np.int64], window: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the places of the first and the second of each two shares of an item at most `window` apart.

    `item` and `at` are sorted by item, then time. Each yield holds whole items, about CHUNK pairs.
    """
    if not len(item):
        return
    # One ascending line of time for all items, each a window apart from the next.
    stretch = int(at.max() - at.min()) + window + 1
    number = np.concatenate(([0], np.cumsum(item[1:] != item[:-1])))
    line = number * stretch + (at - at.min())
    following = np.searchsorted(line, line + window, "right") - np.arange(len(line)) - 1
    before = np.concatenate(([0], np.cumsum(following)))
    starts = np.flatnonzero(np.concatenate(([True], item[1:] != item[:-1])))
    cut = 0
    while cut < len(item):
        # The last beginning of an item that keeps the chunk within its size, but one item at the least.
        most = int(np.searchsorted(before, before[cut] + CHUNK, "right")) - 1
        place = int(np.searchsorted(starts, most, "right"))
        end = int(starts[place - 1]) if most < len(item) and place else len(item)
        if most >= len(item):
            end = len(item)
        elif end <= cut:
            later = starts[np.searchsorted(starts, cut, "right") :]
            end = int(later[0]) if len(later) else len(item)
        counts = following[cut:end]
        first = np.repeat(np.arange(cut, end), counts)
        within = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
        yield first, first + 1 + within
        cut = end
