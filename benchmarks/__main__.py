"""Measures everything once and prints the tables of docs/performance.md: `benchmarks/run [--quick] [--write]`."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from benchmarks.clock import Timing, timed
from benchmarks.generate import write_posts
from benchmarks.measures import MEASURES
from benchmarks.streaming import stream_events, table
from benchmarks.tables import printed, put_below

DATA = Path(__file__).parent / "data"
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
LIBRARIES = ("duckdb", "polars", "pyarrow", "numpy", "scipy", "networkit", "networkx", "igraph", "orjson", "twarc-csv")


def main() -> None:
    """Run the measurements; with --write, put the tables into the page."""
    quick = "--quick" in sys.argv
    imports = [20_000] if quick else [100_000, 1_000_000, 10_000_000]
    forests = [100_000] if quick else [100_000, 1_000_000, 10_000_000]
    edges = 50_000 if quick else 1_000_000
    shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir()
    try:
        parts = [*_findings(quick)]
        if "--findings" not in sys.argv:
            whole = _machine(), _importing(imports), _threads(forests), _measures(edges), _gexf(edges // 2)
            parts = [*whole, _stream(quick), *parts]
        lines = printed(chain.from_iterable(parts))
    finally:
        shutil.rmtree(DATA, ignore_errors=True)
    if "--write" in sys.argv:
        put_below(PAGE, lines)


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


def _findings(quick: bool) -> Iterator[Iterator[str]]:
    sizes = [50_000] if quick else [100_000, 1_000_000, 10_000_000]
    yield _coordination(sizes)
    yield _near([20_000] if quick else [100_000, 1_000_000])
    yield _language(20_000 if quick else 200_000)


def _coordination(sizes: list[int]) -> Iterator[str]:
    yield ""
    yield "## Coordination: pairs that repost the same within 60 seconds"
    yield ""
    yield "| shares | pairs | sna, pairs alone | sna coordination | peak memory | toolkit | toolkit / pairs | / whole |"
    yield "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for size in sizes:
        folder = DATA / f"shares-{size}"
        folder.mkdir()
        timed("benchmarks.coordinating:prepare", str(folder), size)
        whole = timed("benchmarks.coordinating:sna_pairs", str(folder))
        alone = timed("benchmarks.coordinating:sna_pairs_alone", str(folder))
        pairs = timed("benchmarks.coordinating:sna_all_pairs", str(folder)).result
        peer = None
        if size <= 1_000_000:
            timed("benchmarks.coordinating:prepare_toolkit", str(folder), size)
            peer = timed("benchmarks.coordinating:toolkit_pairs", str(folder))
            if peer.result != pairs:
                raise RuntimeError(f"the toolkit finds {peer.result} pairs, sna {pairs}")
        ratios = ("-", "-") if peer is None else tuple(f"{peer.seconds / t.seconds:.1f}" for t in (alone, whole))
        yield (
            f"| {size:,} | {pairs:,} | {_seconds(alone)} | {_seconds(whole)} "
            f"| {whole.memory:.1f} GB | {_seconds(peer)} | {ratios[0]} | {ratios[1]} |"
        )
        shutil.rmtree(folder)


def _near(sizes: list[int]) -> Iterator[str]:
    yield ""
    yield "## Near-duplicate texts: a tenth are copies with three words changed"
    yield ""
    yield "| texts | sna | recall | precision | peak memory | datasketch's loop | its recall | ratio |"
    yield "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for size in sizes:
        folder = DATA / f"texts-{size}"
        folder.mkdir()
        own = timed("benchmarks.texts:sna_near", str(folder), size)
        seconds, recall, precision = _floats(own)
        loop = "- | - | -"
        if size <= 100_000:
            peer_seconds, peer_recall = _floats(timed("benchmarks.texts:datasketch_near", size))
            loop = f"{peer_seconds:.1f} s | {peer_recall:.3f} | {peer_seconds / seconds:.1f}"
        yield f"| {size:,} | {seconds:.1f} s | {recall:.3f} | {precision:.3f} | {own.memory:.1f} GB | {loop} |"
        shutil.rmtree(folder)


def _language(posts: int) -> Iterator[str]:
    yield ""
    yield f"## Language: {posts:,} invented French posts"
    yield ""
    yield "| step | seconds | posts/s |"
    yield "| --- | ---: | ---: |"
    bare, whole = timed("benchmarks.texts:bare_tokens", posts), timed("benchmarks.texts:whole_pipeline", posts)
    yield f"| bare spaCy tokens | {_seconds(bare)} | {posts / bare.seconds:,.0f} |"
    yield f"| whole pipeline | {_seconds(whole)} | {posts / whole.seconds:,.0f} |"
    yield f"| share of the bare rate | {bare.seconds / whole.seconds:.0%} | |"


def _floats(timing: Timing) -> list[float]:
    found = timing.result
    return [float(value) for value in found] if isinstance(found, list) else []


def _seconds(timing: Timing | None) -> str:
    return "-" if timing is None else f"{timing.seconds:.2f} s"


if __name__ == "__main__":
    main()
