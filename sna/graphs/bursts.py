"""Bursts: stretches of time in which something happens more often than before.

Kleinberg, "Bursty and Hierarchical Structure in Streams" (2002), in the form for counts per step.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

SCALING = 2.0
GAMMA = 1.0
LEVELS = 4


@dataclass(frozen=True, slots=True)
class Burst:
    """A stretch of steps `first` to `last` (both within) at `level` 1 or above; `gain` is what it saves in cost."""

    first: int
    last: int
    level: int
    gain: float


def find_bursts(counts: NDArray[np.int64], scaling: float = SCALING, gamma: float = GAMMA) -> list[Burst]:
    """Return the bursts in counts per step, the earliest first.

    State k expects `mean * scaling^k` per step (Poisson); going up a state costs gamma * ln(steps), going down
    nothing. The cheapest sequence of states is found by dynamic programming; a burst of level k is a stretch in state
    k or above.
    """
    steps = len(counts)
    if steps < 2 or counts.sum() == 0:
        return []
    rates = counts.mean() * scaling ** np.arange(LEVELS)
    cost = rates[None, :] - counts[:, None] * np.log(rates)[None, :] + gammaln(counts + 1)[:, None]
    climb = gamma * np.log(steps) * np.maximum(np.arange(LEVELS)[None, :] - np.arange(LEVELS)[:, None], 0)
    path = _cheapest(cost, climb)
    bursts = []
    for level in range(1, LEVELS):
        is_in = np.concatenate(([False], path >= level, [False]))
        edges = np.flatnonzero(is_in[1:] != is_in[:-1])
        for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            gained = float((cost[first:end, level - 1] - cost[first:end, level]).sum())
            bursts.append(Burst(first, end - 1, level, round(gained, 3)))
    return sorted(bursts, key=lambda burst: (burst.first, burst.level))


def _cheapest(cost: NDArray[np.float64], climb: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the state of each step on the cheapest path; it starts from state 0."""
    total = climb[0] + cost[0]
    came_from = np.zeros((len(cost), cost.shape[1]), np.int64)
    for step in range(1, len(cost)):
        ways = total[:, None] + climb
        came_from[step] = ways.argmin(axis=0)
        total = ways.min(axis=0) + cost[step]
    path = np.empty(len(cost), np.int64)
    path[-1] = int(total.argmin())
    for step in range(len(cost) - 1, 0, -1):
        path[step - 1] = came_from[step, path[step]]
    return path
