"""Measures on ready arrays, and GEXF, beside the libraries called directly."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import igraph
import networkit
import networkx as nx
import numpy as np
import polars as pl
from scipy.sparse import coo_array

from benchmarks.clock import stopwatch
from sna.exports.gexf import write_gexf
from sna.graphs import measures
from sna.graphs.arrays import EdgeArrays
from sna.graphs.communities import leiden
from sna.graphs.network import Network

MEASURES = ("pagerank", "core", "leiden", "components")


def make_edges(count: int, seed: int = 3) -> EdgeArrays:
    """Return `count` distinct directed edges over count / 10 nodes with power-law degrees."""
    luck = np.random.default_rng(seed)
    nodes = max(count // 10, 10)
    drawn = int(count * 1.6)
    source = (nodes * luck.random(drawn) ** 2).astype(np.int64)
    target = (nodes * luck.random(drawn) ** 3).astype(np.int64)
    pairs = np.unique(source * nodes + target)
    pairs = luck.permutation(pairs[pairs // nodes != pairs % nodes])[:count]
    return EdgeArrays(nodes, pairs // nodes, pairs % nodes, np.ones(len(pairs)))


def sna_measure(name: str, count: int) -> float:
    """Seconds of sna's own function."""
    edges = make_edges(count)
    functions: dict[str, Callable[[EdgeArrays], object]] = {
        "pagerank": measures.pagerank,
        "core": measures.core_numbers,
        "leiden": leiden,
        "components": measures.components,
    }
    work = functions[name]
    return stopwatch(lambda: work(edges), repeat=2)


def networkit_measure(name: str, count: int) -> float:
    """Seconds of NetworKit on the same arrays, the graph's making included."""
    edges = make_edges(count)

    def work() -> object:
        pairs = (edges.source.astype(np.uint64), edges.target.astype(np.uint64))
        graph = networkit.GraphFromCoo(
            (edges.weight, pairs), n=edges.nodes, directed=name in ("pagerank", "components")
        )
        if name == "pagerank":
            return networkit.centrality.PageRank(graph, 0.85, 1e-9).run().scores()
        if name == "components":
            return networkit.components.WeaklyConnectedComponents(graph).run().getPartition()
        graph.removeMultiEdges()
        if name == "core":
            return networkit.centrality.CoreDecomposition(graph).run().scores()
        return networkit.community.ParallelLeiden(graph, iterations=10).run().getPartition()

    return stopwatch(work, repeat=2)


def igraph_measure(name: str, count: int) -> float:
    """Seconds of igraph on the same arrays, the graph's making included."""
    edges = make_edges(count)

    def work() -> object:
        pairs = np.column_stack((edges.source, edges.target))
        graph = igraph.Graph(n=edges.nodes, edges=pairs, directed=name in ("pagerank", "components"))
        if name == "pagerank":
            return graph.pagerank()
        if name == "components":
            return graph.connected_components(mode="weak").membership
        graph.simplify()
        if name == "core":
            return graph.coreness()
        return graph.community_leiden("modularity", n_iterations=10).membership

    return stopwatch(work, repeat=2)


def networkx_measure(name: str, count: int) -> float:
    """Seconds of networkx, the graph's making included."""
    edges = make_edges(count)

    def work() -> object:
        directed = name in ("pagerank", "components")
        graph: nx.Graph[int] = nx.DiGraph() if directed else nx.Graph()
        graph.add_nodes_from(range(edges.nodes))
        graph.add_edges_from(zip(edges.source.tolist(), edges.target.tolist(), strict=True))
        if name == "pagerank":
            return nx.pagerank(graph)
        if name == "components":
            return list(nx.weakly_connected_components(graph))
        return nx.core_number(graph) if name == "core" else nx.community.louvain_communities(graph, seed=1)

    return stopwatch(work)


def scipy_pagerank(count: int) -> float:
    """Seconds of a bare power iteration with scipy on the same arrays, to the same tolerance as sna."""
    edges = make_edges(count)

    def work() -> object:
        n = edges.nodes
        out = np.bincount(edges.source, minlength=n).astype(np.float64)
        matrix = coo_array((1 / out[edges.source], (edges.target, edges.source)), shape=(n, n)).tocsr()
        rank, dangling = np.full(n, 1 / n), out == 0
        while True:
            following = 0.85 * (matrix @ rank + rank[dangling].sum() / n) + 0.15 / n
            if np.abs(following - rank).sum() < 1e-12:
                return following
            rank = following

    return stopwatch(work, repeat=2)


def _network(count: int) -> Network:
    edges = make_edges(count)
    place = np.arange(edges.nodes)
    nodes = pl.DataFrame({"node": place, "id": place}).with_columns(
        id=pl.format("x:{}", "id"),
        label=pl.format("user{}", "id"),
        posts=pl.col("node") % 50,
        pagerank=pl.col("node") / 7.0,
    )
    at = pl.Series(np.full(len(edges.source), 1_600_000_000_000_000)).cast(pl.Datetime("us"))
    weight = np.ones(len(edges.source), np.int64)
    columns = {
        "source": edges.source,
        "target": edges.target,
        "weight": weight,
        "first_at": at,
        "reply": 1,
        "mention": 0,
    }
    frame = pl.DataFrame(columns)
    return Network("interactions", True, nodes, frame)


def sna_gexf(count: int) -> float:
    """Seconds of the streaming writer."""
    network = _network(count)
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "o.gexf").open("wb") as file:
        return stopwatch(lambda: write_gexf(network, file))


def networkx_gexf(count: int) -> float:
    """Seconds of networkx.write_gexf on a graph that is ready."""
    network = _network(count)
    network = Network(network.name, True, network.nodes, network.edges.drop("first_at"))
    graph = network.to_networkx()
    with tempfile.TemporaryDirectory() as folder:
        return stopwatch(lambda: nx.write_gexf(graph, Path(folder) / "o.gexf"))
