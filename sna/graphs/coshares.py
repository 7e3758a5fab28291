"""Who did the same within a window: pairs of shares of one item, on sorted arrays."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sna.store.opening import Store

# Pairs of shares that are made at once.
CHUNK = 4_000_000
# What fits into the positive part of a 64-bit integer.
MOST_BITS = 63


@dataclass(frozen=True, slots=True)
class CoShares:
    """How many pairs of shares there were within the window, and how many pairs of actors made them."""

    share_pairs: int
    actor_pairs: int


def find_co_shares(store: Store, window: float, min_shared: int = 1) -> CoShares:
    """Make `co_share` and `item_closeness` from `share` (item, actor, acted_at); returns the figures of all pairs.

    `co_share`: low, high (actor keys), shared (distinct items that both shared within `window` seconds of each
    other, at least `min_shared`), gap_sum and gap_min (seconds, of the closest pair of shares of each item).
    `item_closeness`: item, close (pairs of actors within the window) and close_shares (pairs of their shares). An
    actor's shares beside its own do not count.
    """
    shares = store.frame(
        """SELECT item, actor, epoch_us(acted_at) AS moment FROM share WHERE acted_at IS NOT NULL
           ORDER BY item, moment"""
    )
    sorted_items, actor, moment = (shares[name].to_numpy() for name in ("item", "actor", "moment"))
    is_next = _changes(sorted_items)
    items, item = sorted_items[is_next], np.cumsum(is_next) - 1
    # The store's keys are dense: a pair of them is one number.
    actors = int(actor.max()) + 1 if len(actor) else 1
    del shares
    pair, place, gap = _all_pairs(item, actor, moment, actors, int(window * 1_000_000))
    close_shares = np.bincount(place, minlength=len(items))
    order = _order(pair, place, actors, len(items))
    pair, place, gap = pair[order], place[order], gap[order]
    del order
    # Of one pair's shares of one item the closest counts.
    starts = np.flatnonzero(_changes(pair) | _changes(place))
    gap = np.minimum.reduceat(gap, starts) if len(starts) else gap
    pair, place = pair[starts], place[starts]
    close = np.bincount(place, minlength=len(items))
    _hand_over(store, "item_closeness", {"item": items, "close": close, "close_shares": close_shares})
    starts = np.flatnonzero(_changes(pair))
    shared = np.diff(np.append(starts, len(pair)))
    is_enough = shared >= min_shared
    kept = pair[starts][is_enough]
    columns: dict[str, NDArray[np.generic]] = {
        "low": kept // actors,
        "high": kept % actors,
        "shared": shared[is_enough],
        "gap_sum": (np.add.reduceat(gap, starts, dtype=np.float64) if len(starts) else gap)[is_enough],
        "gap_min": (np.minimum.reduceat(gap, starts) if len(starts) else gap)[is_enough].astype(np.float64),
    }
    _hand_over(store, "co_share", columns)
    return CoShares(int(close_shares.sum()), len(starts))


def _all_pairs(
    item: NDArray[np.int64], actor: NDArray[np.int64], moment: NDArray[np.int64], actors: int, window: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Return, per pair of shares of different actors: the pair as low * actors + high, the item, the gap (seconds)."""
    pairs, places, gaps = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
    for first, second in _close_pairs(item, moment, window):
        one, other = actor[first], actor[second]
        differs = one != other
        one, other, first, second = one[differs], other[differs], first[differs], second[differs]
        pairs.append(np.minimum(one, other) * actors + np.maximum(one, other))
        places.append(item[first].astype(np.int32))
        gaps.append(((moment[second] - moment[first]) / 1_000_000).astype(np.float32))
    return np.concatenate(pairs), np.concatenate(places), np.concatenate(gaps)


def _order(pair: NDArray[np.int64], place: NDArray[np.int32], actors: int, items: int) -> NDArray[np.int64]:
    """Return the order by pair, then item."""
    if 2 * max(actors, 1).bit_length() + max(items, 1).bit_length() <= MOST_BITS:
        # One key sorts many times faster than two.
        return np.argsort(pair * items + place)
    return np.lexsort((place, pair))


def _changes(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Return where a value differs from the one before it; the first always does."""
    changes = np.ones(len(values), bool)
    changes[1:] = values[1:] != values[:-1]
    return changes


def _hand_over(store: Store, table: str, columns: dict[str, NDArray[np.generic]]) -> None:
    store.db.register("found_columns", pl.DataFrame(columns).to_arrow())
    store.db.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS FROM found_columns")
    store.db.unregister("found_columns")


def _close_pairs(
    item: NDArray[np.int64], at: NDArray[np.int64], window: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the places of the first and the second of each two shares of an item at most `window` apart.

    `item` and `at` are sorted by item, then time. Each yield holds about CHUNK pairs.
    """
    if not len(item):
        return
    # One ascending line of time for all items. A step beyond the window, or to the next item, counts as just beyond
    # it: which shares are within the window stays the same, and the line stays short.
    step = np.minimum(np.diff(at), window + 1)
    step[item[1:] != item[:-1]] = window + 1
    line = np.concatenate(([0], np.cumsum(step)))
    following = np.searchsorted(line, line + window, "right") - np.arange(len(line)) - 1
    before = np.concatenate(([0], np.cumsum(following)))
    cut = 0
    while cut < len(item):
        end = max(int(np.searchsorted(before, before[cut] + CHUNK, "right")) - 1, cut + 1)
        counts = following[cut:end]
        first = np.repeat(np.arange(cut, end), counts)
        within = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
        yield first, first + 1 + within
        cut = end
