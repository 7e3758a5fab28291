"""Measures of nodes and of whole graphs: arrays in, arrays out, computed by NetworKit and scipy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from sna.graphs.arrays import EdgeArrays, reproducible

EXACT_BETWEENNESS_NODES = 2_000
# Eight independent runs of 64 sources each tell how far their mean may be off.
SAMPLE_RUNS = 8
SAMPLES_A_RUN = 64
# Student's t for 7 degrees of freedom, two-sided 95 %.
_T_95 = 2.365


@dataclass(frozen=True, slots=True)
class Degrees:
    """Per node (n values each): distinct partners in and out, and the summed weights of those edges."""

    in_degree: NDArray[np.int64]
    out_degree: NDArray[np.int64]
    in_strength: NDArray[np.float64]
    out_strength: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Betweenness:
    """Per node the share of shortest paths through it, and how it was computed.

    `error` is 0 for exact values; otherwise half the width of the 95 % confidence interval of the node where
    it is widest, so that each single value is off by more with a probability of at most 5 %.
    """

    value: NDArray[np.float64]
    error: float


def degrees(edges: EdgeArrays) -> Degrees:
    """Return in- and out-degree (distinct neighbours) and in- and out-strength (summed weight) of each node.

    A node that is its own neighbour counts once in each. Barrat et al., "The architecture of complex
    weighted networks" (2004).
    """
    return Degrees(
        np.bincount(edges.target, minlength=edges.nodes),
        np.bincount(edges.source, minlength=edges.nodes),
        np.bincount(edges.target, edges.weight, edges.nodes).astype(np.float64),
        np.bincount(edges.source, edges.weight, edges.nodes).astype(np.float64),
    )


def pagerank(edges: EdgeArrays, damping: float = 0.85, tolerance: float = 1e-12) -> NDArray[np.float64]:
    """Return the PageRank of each node (n values that sum to 1), by weighted power iteration.

    A node without outgoing edges gives its rank to all nodes alike. Page, Brin, Motwani, Winograd, "The
    PageRank Citation Ranking" (1999).
    """
    n = edges.nodes
    if n == 0:
        return np.zeros(0)
    out = np.bincount(edges.source, edges.weight, n)
    is_dangling = out == 0
    matrix = edges.to_csr().T.tocsr()
    scale = np.divide(1.0, out, out=np.zeros(n), where=~is_dangling)
    rank = np.full(n, 1.0 / n)
    for _ in range(1_000):
        following = damping * (matrix @ (rank * scale) + rank[is_dangling].sum() / n) + (1.0 - damping) / n
        moved = np.abs(following - rank).sum()
        rank = following
        if moved < tolerance:
            break
    return np.asarray(rank / rank.sum())


def core_numbers(edges: EdgeArrays) -> NDArray[np.int64]:
    """Return per node the largest k such that it belongs to the k-core, directions and loops ignored.

    Seidman, "Network structure and minimum degree" (1983); Batagelj and Zaversnik (2003).
    """
    if edges.nodes == 0:
        return np.zeros(0, np.int64)
    import networkit

    graph = edges.without_loops().undirected().to_networkit(directed=False)
    return np.asarray(networkit.centrality.CoreDecomposition(graph).run().scores()).astype(np.int64)


def betweenness(edges: EdgeArrays, seed: int = 1) -> Betweenness:
    """Return per node the share of directed, unweighted shortest paths between others that pass it.

    Exact up to EXACT_BETWEENNESS_NODES nodes: Brandes, "A faster algorithm for betweenness centrality"
    (2001). Beyond, estimated from sampled sources: Geisberger, Sanders, Schultes, "Better Approximation of
    Betweenness Centrality" (2008), the mean of SAMPLE_RUNS runs, whose spread gives the stated error.
    """
    if edges.nodes < 3:
        return Betweenness(np.zeros(edges.nodes), 0.0)
    import networkit

    graph = edges.without_loops().to_networkit()
    if edges.nodes <= EXACT_BETWEENNESS_NODES:
        with reproducible(seed):
            exact = networkit.centrality.Betweenness(graph, normalized=True).run().scores()
        return Betweenness(np.asarray(exact, np.float64), 0.0)
    runs = np.empty((SAMPLE_RUNS, edges.nodes))
    for number in range(SAMPLE_RUNS):
        with reproducible(seed + number):
            sampled = networkit.centrality.EstimateBetweenness(graph, SAMPLES_A_RUN, normalized=True)
            runs[number] = sampled.run().scores()
    spread = runs.std(axis=0, ddof=1).max() / np.sqrt(SAMPLE_RUNS)
    return Betweenness(runs.mean(axis=0), float(_T_95 * spread))


def reciprocity(edges: EdgeArrays) -> float:
    """Return the share of directed edges, loops aside, whose reverse edge exists too (0 without edges).

    Wasserman and Faust, "Social Network Analysis" (1994), chapter 13.
    """
    plain = edges.without_loops()
    if len(plain.source) == 0:
        return 0.0
    forth = plain.source * plain.nodes + plain.target
    back = plain.target * plain.nodes + plain.source
    return float(np.isin(forth, back).mean())


def components(edges: EdgeArrays, *, strong: bool = False) -> NDArray[np.int64]:
    """Return per node the number of its weak (or strong) component; component 0 is the largest.

    Of components of one size, the one with the lowest node comes first. Tarjan (1972).
    """
    if edges.nodes == 0:
        return np.zeros(0, np.int64)
    _, label = connected_components(edges.to_csr(), directed=True, connection="strong" if strong else "weak")
    return by_size(label.astype(np.int64))


def by_size(label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return labels renumbered so that 0 is the most frequent; ties go to the label of the lowest node."""
    _, first, place, count = np.unique(label, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -count))
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    return number[place]
