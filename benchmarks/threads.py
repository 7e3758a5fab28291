"""Tops, depths and root statuses of all posts: sna, beside a scan with one join and three other ways."""

import tempfile
from pathlib import Path

import networkx as nx

from benchmarks.clock import stopwatch
from sna.graphs.threads import trace_threads
from sna.store import Store


def trace(folder: str) -> float:
    """Trace all threads of the store; leaves it as it was."""
    with _open(folder) as store:
        seconds = stopwatch(lambda: trace_threads(store))
        store.db.execute("INSERT INTO to_trace SELECT post FROM post")
        store.db.execute("DELETE FROM thread_post")
    return seconds


def scan_and_join(folder: str) -> float:
    """Scan the columns that tracing reads and join them once on integers: the yardstick."""
    query = """SELECT count(*), sum(q.post) FROM (SELECT post, parent FROM post WHERE kind <> 'repost') p
               LEFT JOIN (SELECT post, kind FROM post) q ON q.post = p.parent"""
    with _open(folder) as store:
        return stopwatch(lambda: store.rows(query), repeat=3)


def python_dict(folder: str) -> float:
    """Walk up a dictionary of parents, remembering tops."""
    with _open(folder) as store:

        def walk() -> int:
            parents = dict(store.db.execute("SELECT post, parent FROM post").fetchall())
            top: dict[int, tuple[int, int]] = {}
            for post in parents:
                path, at = [], post
                while at not in top and parents[at] is not None and parents[at] in parents:
                    path.append(at)
                    at = parents[at]
                found, depth = top.get(at, (at, 0))
                top[at] = (found, depth)
                for place, below in enumerate(reversed(path), 1):
                    top[below] = (found, depth + place)
            return len(top)

        return stopwatch(walk)


def with_networkx(folder: str) -> float:
    """Build a networkx graph and take each weak component with its depths from the top."""
    with _open(folder) as store:

        def walk() -> int:
            graph: nx.DiGraph[int] = nx.DiGraph()
            graph.add_nodes_from(row[0] for row in store.db.execute("SELECT post FROM post").fetchall())
            graph.add_edges_from(
                store.db.execute("SELECT parent, post FROM post WHERE parent IN (SELECT post FROM post)").fetchall()
            )
            depth: dict[int, int] = {}
            for top in [node for node, degree in graph.in_degree() if degree == 0]:
                depth.update(nx.single_source_shortest_path_length(graph, top))
            return len(depth)

        return stopwatch(walk)


def recursive_query(folder: str) -> float:
    """Walk down from the tops with a recursive query, one level a round."""
    query = """WITH RECURSIVE down AS (
                   SELECT post, post AS top, 0 AS depth FROM post
                   WHERE parent IS NULL OR parent NOT IN (SELECT post FROM post)
                   UNION ALL SELECT p.post, d.top, d.depth + 1 FROM post p JOIN down d ON p.parent = d.post)
               SELECT count(*), max(depth) FROM down"""
    with _open(folder) as store:
        return stopwatch(lambda: store.rows(query))


def trace_increment(folder: str) -> float:
    """Trace the whole store, then add 1,000 answers and trace again; returns the seconds of the second time."""
    with _open(folder) as store:
        trace_threads(store)
        store.db.execute(
            """INSERT INTO post BY NAME
               SELECT 2000000000 + row_number() OVER () AS post, post AS parent, 'reply' AS kind,
                      * EXCLUDE (post, parent, kind) FROM post USING SAMPLE 1000 ROWS"""
        )
        store.db.execute("INSERT INTO to_trace SELECT post FROM post WHERE post > 2000000000")
        seconds = stopwatch(lambda: trace_threads(store))
        store.db.execute("DELETE FROM post WHERE post > 2000000000")
        store.db.execute("DELETE FROM thread_post")
        store.db.execute("INSERT INTO to_trace SELECT post FROM post")
    return seconds


def _open(folder: str) -> Store:
    path = Path(folder)
    return Store(path / "store.duckdb", Path(tempfile.gettempdir()) / "sna-bench-spill")
