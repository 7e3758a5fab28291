"""Communities: the Leiden method on interactions, with a fixed seed and the modularity that it reached."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sna.graphs.arrays import EdgeArrays, reproducible
from sna.graphs.measures import by_size

SEED = 1
ITERATIONS = 10


@dataclass(frozen=True, slots=True)
class Communities:
    """Per node its community (0 is the largest), and the modularity of the whole partition."""

    label: NDArray[np.int64]
    modularity: float


def leiden(edges: EdgeArrays, resolution: float = 1.0, seed: int = SEED) -> Communities:
    """Return communities of the undirected weighted graph (both directions added, loops left out).

    The same graph and seed give the same communities: it runs on one thread. Traag, Waltman, van Eck, "From
    Louvain to Leiden: guaranteeing well-connected communities" (2019), as in NetworKit.
    """
    plain = edges.without_loops().undirected()
    if len(plain.source) == 0:
        return Communities(by_size(np.arange(edges.nodes)), 0.0)
    import networkit

    with reproducible(seed):
        graph = plain.to_networkit(directed=False, weighted=True)
        method = networkit.community.ParallelLeiden(graph, iterations=ITERATIONS, gamma=resolution)
        label = np.asarray(method.run().getPartition().getVector()).astype(np.int64)
    label = by_size(label)
    return Communities(label, modularity(plain, label, resolution))


def modularity(edges: EdgeArrays, label: NDArray[np.int64], resolution: float = 1.0) -> float:
    """Return the modularity of a partition of an undirected weighted graph, one edge per pair.

    Q = sum over communities of (weight inside / W - resolution * (strength / 2W)^2). Newman, "Modularity and
    community structure in networks" (2006).
    """
    total = float(edges.weight.sum())
    if total == 0:
        return 0.0
    count = int(label.max()) + 1
    is_inside = label[edges.source] == label[edges.target]
    inside = np.bincount(label[edges.source][is_inside], edges.weight[is_inside], count)
    strength = np.bincount(label[edges.source], edges.weight, count)
    strength += np.bincount(label[edges.target], edges.weight, count)
    return float((inside / total - resolution * (strength / (2 * total)) ** 2).sum())
