"""Measures everything once and prints the tables of docs/performance.md: `benchmarks/run [--quick] [--write]`."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from benchmarks.clock import Timing, timed
from benchmarks.generate import write_posts
from benchmarks.measures import MEASURES
from benchmarks.streaming import stream_events, table

DATA = Path(__file__).parent / "data"
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
MARK = "<!-- measured -->"
LIBRARIES = ("duckdb", "polars", "pyarrow", "numpy", "scipy", "networkit", "networkx", "igraph", "orjson", "twarc-csv")


def main() -> None:
    """Run the measurements; with --write, put the tables into the page."""
    quick = "--quick" in sys.argv
    imports = [20_000] if quick else [100_000, 1_000_000, 10_000_000]
    forests = [100_000] if quick else [100_000, 1_000_000, 10_000_000]
    edges = 50_000 if quick else 1_000_000
    shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir()
    lines: list[str] = []
    try:
        for part in (
            _machine(),
            _importing(imports),
            _threads(forests),
            _measures(edges),
            _gexf(edges // 2),
            _stream(quick),
        ):
            for line in part:
                print(line, flush=True)
                lines.append(line)
    finally:
        shutil.rmtree(DATA, ignore_errors=True)
    if "--write" in sys.argv:
        head = PAGE.read_text("utf-8").split(MARK)[0]
        PAGE.write_text(head + MARK + "\n\n" + "\n".join(lines) + "\n", "utf-8")


def _machine() -> Iterator[str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield f"Machine: {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}."
    yield "Libraries: " + ", ".join(f"{name} {version(name)}" for name in LIBRARIES) + "."
    yield ""


def _importing(sizes: list[int]) -> Iterator[str]:
    yield "## Import of X v2 lines"
    yield ""
    yield "| posts | file | sna import | posts/s | peak memory | orjson parse | sna / orjson | read_json | twarc csv |"
    yield "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for size in sizes:
        path = DATA / f"posts-{size}.jsonl"
        write_posts(path, size)
        own = timed("benchmarks.importing:import_file", str(path))
        parse = timed("benchmarks.importing:parse_orjson", str(path))
        read = timed("benchmarks.importing:read_columns", str(path))
        twarc = _seconds(timed("benchmarks.importing:twarc_csv", str(path))) if size <= 100_000 else "-"
        yield (
            f"| {size:,} | {path.stat().st_size / 1e9:.2f} GB | {_seconds(own)} | {size / own.seconds:,.0f} "
            f"| {own.memory:.1f} GB | {_seconds(parse)} | {own.seconds / parse.seconds:.1f} "
            f"| {_seconds(read)} | {twarc} |"
        )
        path.unlink()
    yield ""


def _threads(sizes: list[int]) -> Iterator[str]:
    yield "## Threads of all posts in the store"
    yield ""
    peers = "dict | networkx | recursive SQL"
    yield f"| posts | sna trace | peak memory | scan + one join | ratio | after 1,000 more | {peers} |"
    yield "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for size in sizes:
        folder = DATA / f"store-{size}"
        folder.mkdir()
        timed("benchmarks.importing:fill_store", str(folder), size)
        own = timed("benchmarks.threads:trace", str(folder))
        scan = timed("benchmarks.threads:scan_and_join", str(folder))
        more = timed("benchmarks.threads:trace_increment", str(folder))
        walk = timed("benchmarks.threads:python_dict", str(folder))
        graph = _seconds(timed("benchmarks.threads:with_networkx", str(folder))) if size <= 1_000_000 else "-"
        recursive = _seconds(timed("benchmarks.threads:recursive_query", str(folder))) if size <= 1_000_000 else "-"
        yield (
            f"| {size:,} | {_seconds(own)} | {own.memory:.1f} GB | {_seconds(scan)} | {own.seconds / scan.seconds:.1f} "
            f"| {_seconds(more)} | {_seconds(walk)} | {graph} | {recursive} |"
        )
        shutil.rmtree(folder)
    yield ""


def _measures(edges: int) -> Iterator[str]:
    yield f"## Measures on {edges:,} edges, arrays ready"
    yield ""
    yield "| measure | sna | NetworKit | scipy | igraph | networkx | sna / best |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name in MEASURES:
        own = timed("benchmarks.measures:sna_measure", name, edges)
        direct = timed("benchmarks.measures:networkit_measure", name, edges)
        bare = timed("benchmarks.measures:scipy_pagerank", edges) if name == "pagerank" else None
        other = timed("benchmarks.measures:igraph_measure", name, edges)
        slow = timed("benchmarks.measures:networkx_measure", name, edges) if name != "leiden" else None
        peers = [t.seconds for t in (direct, bare, other, slow) if t]
        yield (
            f"| {name} | {_seconds(own)} | {_seconds(direct)} | {_seconds(bare)} | {_seconds(other)} "
            f"| {_seconds(slow)} | {own.seconds / min(peers):.1f} |"
        )
    yield ""


def _gexf(edges: int) -> Iterator[str]:
    yield f"## GEXF of {edges // 10:,} nodes and {edges:,} edges"
    yield ""
    yield "| writer | seconds | peak memory |"
    yield "| --- | ---: | ---: |"
    own, slow = timed("benchmarks.measures:sna_gexf", edges), timed("benchmarks.measures:networkx_gexf", edges)
    yield f"| sna | {_seconds(own)} | {own.memory:.1f} GB |"
    yield f"| networkx.write_gexf | {_seconds(slow)} | {slow.memory:.1f} GB |"
    yield f"| ratio | {slow.seconds / own.seconds:.0f} | |"


def _stream(quick: bool) -> Iterator[str]:
    yield ""
    yield "## Jetstream events from loopback into a case, by `sna watch`"
    yield ""
    yield table([stream_events(20_000 if quick else 200_000)])


def _seconds(timing: Timing | None) -> str:
    return "-" if timing is None else f"{timing.seconds:.2f} s"


if __name__ == "__main__":
    main()
