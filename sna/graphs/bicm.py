"""What chance alone would give: actors and items linked at random, each as active as it is.

The bipartite configuration model of maximum entropy (BiCM): Saracco, Di Clemente, Gabrielli, Squartini, "Randomizing
bipartite networks: the case of the World Trade Web" (2015). Nodes of one degree have one probability, so that all is
computed on the few different degrees.
"""

import numpy as np
from numpy.typing import NDArray

ITERATIONS = 5_000
TOLERANCE = 1e-8
GRID = 1_000


def link_probability(
    rows: NDArray[np.int64], columns: NDArray[np.int64], row_counts: NDArray[np.int64], column_counts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return p[i, j]: how likely a row of degree `rows[i]` is linked to a column of degree `columns[j]`.

    `row_counts` and `column_counts` say how many nodes have each degree. p = xy / (1 + xy), with x and y such that
    every node keeps its degree on average; found by fixed-point iteration from the values of a sparse network.
    """
    total = float(rows @ row_counts)
    if total == 0:
        return np.zeros((len(rows), len(columns)))
    x, y = rows / np.sqrt(total), columns / np.sqrt(total)
    for _ in range(ITERATIONS):
        with np.errstate(divide="ignore", invalid="ignore"):
            grown = rows / ((column_counts * y) / (1 + np.outer(x, y))).sum(axis=1)
            y_grown = columns / ((row_counts * grown)[:, None] / (1 + np.outer(grown, y))).sum(axis=0)
        # A node that is linked to all grows without bound; its probability is 1 long before.
        grown, y_grown = np.clip(grown, 0, 1e12), np.clip(y_grown, 0, 1e12)
        moved = max(np.abs(grown / np.maximum(x, 1e-300) - 1).max(), np.abs(y_grown / np.maximum(y, 1e-300) - 1).max())
        x, y = grown, y_grown
        if moved < TOLERANCE:
            break
    product = np.outer(x, y)
    return np.asarray(product / (1 + product))


def expected_co_shares(
    actor_degree: NDArray[np.int64], item_degree: NDArray[np.int64], item_weight: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the different degrees of actors, and how many items two actors of given degrees share by chance.

    `item_degree` and `item_weight` have one value per item; the weight is the chance that two of its sharers do so
    within the window. The second value is a matrix over the different degrees: the sum over items of p p' weight.
    """
    degrees, counts = np.unique(actor_degree, return_counts=True)
    kinds, place, items = np.unique(item_degree, return_inverse=True, return_counts=True)
    weight = np.bincount(place, item_weight, len(kinds))
    p = link_probability(degrees, kinds, counts, items)
    return degrees, np.asarray((p * weight) @ p.T)


def expected_with_repeats(
    product: NDArray[np.float64], item_shares: NDArray[np.float64], closeness: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how many items two actors share closely by chance when each may share an item again and again.

    `product` has, per pair, the product of the two actors' numbers of shares; `item_shares` and `closeness` per item
    its shares, and the chance that two of them, of different actors, are within the window. The number of an actor's
    shares of an item is Poisson with mean (shares of the actor) (shares of the item) / (all shares): the random
    multigraph of Chung and Lu, "Connected Components in Random Graphs with Given Expected Degree Sequences" (2002).
    """
    total = item_shares.sum()
    weight = item_shares**2 * closeness / max(total, 1.0) ** 2
    weight = weight[weight > 0]
    if not len(product) or not len(weight):
        return np.zeros(len(product))
    # The sum depends on the pair by its product alone: computed on a grid of weights and products, then looked up.
    edges = np.geomspace(weight.min(), weight.max() * 1.0001, GRID)
    place = np.clip(np.searchsorted(edges, weight, "right") - 1, 0, GRID - 1)
    count = np.bincount(place, minlength=GRID)
    mean = np.divide(np.bincount(place, weight, GRID), count, out=np.zeros(GRID), where=count > 0)
    grid = np.geomspace(max(product.min(), 1e-12), max(product.max(), 1e-12) * 1.0001, GRID)
    sums = -(np.expm1(-np.outer(grid, mean)) @ count)
    return np.asarray(np.exp(np.interp(np.log(product), np.log(grid), np.log(np.maximum(sums, 1e-300)))))
