"""Edges as plain arrays: what every measure takes, and the bridges to NetworKit and scipy."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

if TYPE_CHECKING:
    import networkit


@dataclass(frozen=True, slots=True)
class EdgeArrays:
    """A directed weighted graph: edge i leads from `source[i]` to `target[i]`; nodes are 0 .. nodes-1.

    Each pair of nodes stands at most once; `weight` is positive.
    """

    nodes: int
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: NDArray[np.float64]

    def without_loops(self) -> "EdgeArrays":
        """Return the same graph without edges from a node to itself."""
        keep = self.source != self.target
        if keep.all():
            return self
        return EdgeArrays(self.nodes, self.source[keep], self.target[keep], self.weight[keep])

    def undirected(self) -> "EdgeArrays":
        """Return the graph with both directions of a pair added into one edge from the lower node to the higher."""
        low, high = np.minimum(self.source, self.target), np.maximum(self.source, self.target)
        pair, place = np.unique(low * self.nodes + high, return_inverse=True)
        weight = np.bincount(place, self.weight, len(pair)).astype(np.float64)
        divisor = max(self.nodes, 1)
        return EdgeArrays(self.nodes, pair // divisor, pair % divisor, weight)

    def both_ways(self) -> "EdgeArrays":
        """Return an undirected graph, one edge per pair, as a directed one with an edge each way (a loop stays one)."""
        other = self.source != self.target
        return EdgeArrays(
            self.nodes,
            np.concatenate((self.source, self.target[other])),
            np.concatenate((self.target, self.source[other])),
            np.concatenate((self.weight, self.weight[other])),
        )

    def to_csr(self) -> "csr_array":
        """Return the weighted adjacency matrix, row = source, column = target."""
        return coo_array((self.weight, (self.source, self.target)), shape=(self.nodes, self.nodes)).tocsr()

    def to_networkit(self, *, directed: bool = True, weighted: bool = False) -> "networkit.Graph":
        """Return the graph for NetworKit; undirected ones should come from `undirected`."""
        # NetworKit takes most of a second to start, which commands without measures should not pay.
        import networkit

        if len(self.source) == 0:
            return networkit.Graph(self.nodes, weighted, directed)
        pairs = (self.source.astype(np.uint64), self.target.astype(np.uint64))
        return networkit.GraphFromCoo((self.weight, pairs), n=self.nodes, weighted=weighted, directed=directed)


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """Run NetworKit on one thread from a fixed seed, so that every run gives the same figures to the last digit."""
    import networkit

    threads = networkit.getMaxNumberOfThreads()
    networkit.setNumberOfThreads(1)
    networkit.setSeed(seed, False)
    try:
        yield
    finally:
        networkit.setNumberOfThreads(threads)
