"""A network as two frames - nodes and edges - that can be narrowed, measured, exported or handed to networkx."""

from dataclasses import dataclass, replace

import networkx as nx
import numpy as np
import polars as pl
from numpy.typing import NDArray

from sna.errors import UsageError
from sna.graphs import measures
from sna.graphs.arrays import EdgeArrays
from sna.graphs.communities import leiden


@dataclass(frozen=True, slots=True)
class Network:
    """Nodes and weighted edges of one kind of graph.

    `nodes` has `node` (0 .. n-1), `id` (unique text), `label` and attributes; `edges` has `source` and
    `target` (node numbers), `weight` and attributes; `events`, where the network knows them, one row per
    act: `source`, `target`, `acted_at`. `facts` holds what is true of the whole graph, such as its modularity.
    """

    name: str
    directed: bool
    nodes: pl.DataFrame
    edges: pl.DataFrame
    events: pl.DataFrame | None = None
    facts: dict[str, object] | None = None

    def arrays(self) -> EdgeArrays:
        """Return the edges as arrays over the node numbers."""
        return EdgeArrays(
            self.nodes.height,
            self.edges["source"].to_numpy().astype(np.int64),
            self.edges["target"].to_numpy().astype(np.int64),
            self.edges["weight"].to_numpy().astype(np.float64),
        )

    def to_networkx(self) -> "nx.DiGraph[str] | nx.Graph[str]":
        """Return the network for networkx, nodes by their `id`, all columns as attributes (absent ones left out)."""
        graph: nx.DiGraph[str] | nx.Graph[str] = nx.DiGraph() if self.directed else nx.Graph()
        ids = self.nodes["id"].to_list()
        for row in self.nodes.drop("node").iter_rows(named=True):
            graph.add_node(row.pop("id"), **{k: v for k, v in row.items() if v is not None})
        for row in self.edges.iter_rows(named=True):
            source, target = ids[row.pop("source")], ids[row.pop("target")]
            graph.add_edge(source, target, **{k: v for k, v in row.items() if v is not None})
        return graph

    def narrowed(
        self,
        *,
        min_weight: int = 1,
        largest_component: bool = False,
        top: int | None = None,
        top_edges: int | None = None,
    ) -> "Network":
        """Return the part with edges of at least `min_weight`, of the largest component, of the `top` strongest nodes.

        Strength is the summed weight of a node's edges in both directions; ties go to the lower node. Of what is left
        the `top_edges` heaviest edges are kept. Raises UsageError for a `top` or `min_weight` below 1.
        """
        if min_weight < 1 or (top is not None and top < 1):
            raise UsageError("--min-weight and --top must be 1 or more")
        network = self
        if min_weight > 1:
            network = network._kept(network.edges.filter(pl.col("weight") >= min_weight))
        if largest_component and network.nodes.height:
            label = measures.components(network.arrays())
            network = network._with_nodes(np.flatnonzero(label == 0))
        if top is not None and network.nodes.height > top:
            degree = measures.degrees(network.arrays())
            strength = degree.in_strength + degree.out_strength
            order = np.lexsort((np.arange(len(strength)), -strength))
            network = network._with_nodes(np.sort(order[:top]))
        if top_edges is not None and network.edges.height > top_edges:
            heaviest = network.edges.with_row_index("place").sort(["weight", "place"], descending=[True, False])
            network = network._kept(heaviest.head(top_edges).sort("place").drop("place"))
        return network

    def measured(self, *, with_betweenness: bool = True) -> "Network":
        """Return the network with the columns of each measure on its nodes, and `facts` of the whole graph."""
        edges = self.arrays()
        groups = leiden(edges)
        # An undirected edge is two directed ones to the measures that follow directions.
        arrays = edges if self.directed else edges.both_ways()
        degree = measures.degrees(arrays)
        columns = {"degree": degree.in_degree, "strength": degree.in_strength}
        if self.directed:
            columns = {
                "in_degree": degree.in_degree,
                "out_degree": degree.out_degree,
                "in_strength": degree.in_strength,
                "out_strength": degree.out_strength,
                "strength": degree.in_strength + degree.out_strength,
            }
        columns |= {
            "pagerank": measures.pagerank(arrays),
            "core": measures.core_numbers(arrays),
            "component": measures.components(arrays),
            "community": groups.label,
        }
        facts: dict[str, object] = {
            "nodes": arrays.nodes,
            "edges": len(edges.source),
            "communities": int(groups.label.max()) + 1 if arrays.nodes else 0,
            "modularity": groups.modularity,
        }
        if self.directed:
            facts["reciprocity"] = measures.reciprocity(arrays)
        if with_betweenness:
            between = measures.betweenness(arrays)
            columns["betweenness"] = between.value
            facts["betweenness_error"] = between.error
        measured = self.nodes.with_columns(**{name: pl.Series(values) for name, values in columns.items()})
        return replace(self, nodes=measured, facts=(self.facts or {}) | facts)

    def _kept(self, edges: pl.DataFrame) -> "Network":
        used = np.union1d(edges["source"].to_numpy(), edges["target"].to_numpy())
        events = None if self.events is None else self.events.join(edges, on=["source", "target"], how="semi")
        return replace(self, edges=edges, events=events)._with_nodes(used)

    def _with_nodes(self, kept: NDArray[np.int64]) -> "Network":
        number = pl.DataFrame({"old": pl.Series(kept, dtype=pl.Int64), "new": np.arange(len(kept), dtype=np.int64)})

        def renumbered(frame: pl.DataFrame) -> pl.DataFrame:
            order = frame.columns
            for side in ("source", "target"):
                frame = frame.join(number, left_on=side, right_on="old", how="inner", maintain_order="left")
                frame = frame.drop(side).rename({"new": side})
            return frame.select(order)

        nodes = self.nodes.join(number, left_on="node", right_on="old", how="inner", maintain_order="left")
        return replace(
            self,
            nodes=nodes.with_columns(node=pl.col("new")).drop("new"),
            edges=renumbered(self.edges),
            events=None if self.events is None else renumbered(self.events),
        )
