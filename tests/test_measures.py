"""Measures on compiled arrays agree with networkx on random graphs."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sna.graphs import measures
from sna.graphs.arrays import EdgeArrays
from sna.graphs.communities import leiden, modularity


@st.composite
def graphs(draw, min_nodes: int = 0) -> EdgeArrays:
    n = draw(st.integers(min_nodes, 25))
    pairs = draw(
        st.lists(st.tuples(st.integers(0, max(n - 1, 0)), st.integers(0, max(n - 1, 0))), unique=True, max_size=80)
    )
    pairs = pairs if n else []
    weights = draw(st.lists(st.integers(1, 9), min_size=len(pairs), max_size=len(pairs)))
    return EdgeArrays(
        n,
        np.array([a for a, _ in pairs], np.int64),
        np.array([b for _, b in pairs], np.int64),
        np.array(weights, np.float64),
    )


def as_networkx(edges: EdgeArrays) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from(range(edges.nodes))
    graph.add_weighted_edges_from(zip(edges.source.tolist(), edges.target.tolist(), edges.weight.tolist(), strict=True))
    return graph


def values(of: dict[int, float] | list, n: int) -> list[float]:
    return [dict(of)[node] for node in range(n)]


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_degrees_and_strengths(edges):
    graph, found = as_networkx(edges), measures.degrees(edges)
    assert found.in_degree.tolist() == values(graph.in_degree(), edges.nodes)
    assert found.out_degree.tolist() == values(graph.out_degree(), edges.nodes)
    assert found.in_strength.tolist() == values(graph.in_degree(weight="weight"), edges.nodes)
    assert found.out_strength.tolist() == values(graph.out_degree(weight="weight"), edges.nodes)


@settings(deadline=None, max_examples=60)
@given(graphs(min_nodes=1))
def test_pagerank(edges):
    expected = nx.pagerank(as_networkx(edges), tol=1e-13, max_iter=10_000)
    assert measures.pagerank(edges) == pytest.approx(values(expected, edges.nodes), abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_core_numbers(edges):
    graph = nx.Graph(as_networkx(edges))
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    assert measures.core_numbers(edges).tolist() == values(nx.core_number(graph), edges.nodes)


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_exact_betweenness(edges):
    found = measures.betweenness(edges)
    assert found.error == 0
    assert found.value == pytest.approx(values(nx.betweenness_centrality(as_networkx(edges)), edges.nodes), abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_reciprocity(edges):
    graph = as_networkx(edges)
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    expected = nx.overall_reciprocity(graph) if graph.number_of_edges() else 0.0
    assert measures.reciprocity(edges) == pytest.approx(expected, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(graphs(), st.booleans())
def test_components_are_those_of_networkx_largest_first(edges, strong):
    label = measures.components(edges, strong=strong)
    find = nx.strongly_connected_components if strong else nx.weakly_connected_components
    expected = {frozenset(part) for part in find(as_networkx(edges))}
    assert {frozenset(np.flatnonzero(label == k).tolist()) for k in set(label.tolist())} == expected
    assert (np.diff(np.bincount(label)) <= 0).all()


@settings(deadline=None, max_examples=60)
@given(graphs(min_nodes=1))
def test_communities_are_reproducible_and_their_modularity_is_that_of_networkx(edges):
    found = leiden(edges)
    assert found.label.tolist() == leiden(edges).label.tolist()
    plain = edges.without_loops().undirected()
    graph = nx.Graph(as_networkx(plain))
    if graph.number_of_edges():
        parts = [set(np.flatnonzero(found.label == k).tolist()) for k in set(found.label.tolist())]
        assert found.modularity == pytest.approx(nx.community.modularity(graph, parts), abs=1e-6)


def test_leiden_finds_planted_communities():
    graph = nx.planted_partition_graph(4, 30, 0.5, 0.01, seed=7)
    pairs = np.array(graph.edges(), np.int64)
    found = leiden(EdgeArrays(120, pairs[:, 0], pairs[:, 1], np.ones(len(pairs))))
    assert len({tuple(found.label[k * 30 : k * 30 + 30]) for k in range(4)}) == 4
    assert all(len(set(found.label[k * 30 : k * 30 + 30].tolist())) == 1 for k in range(4))


def test_undirected_edges_add_up_and_go_both_ways():
    edges = EdgeArrays(3, np.array([0, 1, 2, 2]), np.array([1, 0, 1, 2]), np.array([2.0, 3.0, 1.0, 4.0]))
    plain = edges.undirected()
    assert list(zip(plain.source, plain.target, plain.weight, strict=True)) == [(0, 1, 5.0), (1, 2, 1.0), (2, 2, 4.0)]
    assert len(plain.both_ways().source) == 5
    assert modularity(plain.without_loops(), np.zeros(3, np.int64)) == 0


def test_sampled_betweenness_states_its_error_and_ranks_like_the_exact_one(monkeypatch):
    graph = nx.gnp_random_graph(400, 0.008, seed=3, directed=True)
    pairs = np.array(graph.edges(), np.int64)
    edges = EdgeArrays(400, pairs[:, 0], pairs[:, 1], np.ones(len(pairs)))
    exact = measures.betweenness(edges).value
    monkeypatch.setattr(measures, "EXACT_BETWEENNESS_NODES", 100)
    sampled = measures.betweenness(edges)
    assert 0 < sampled.error < exact.max() / 2
    assert (np.abs(sampled.value - exact) <= sampled.error).mean() >= 0.95
    assert sampled.value.tolist() == measures.betweenness(edges).value.tolist()
    top = set(np.argsort(-exact)[:20].tolist())
    assert len(top & set(np.argsort(-sampled.value)[:30].tolist())) >= 18
