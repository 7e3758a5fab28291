"""The report by number of posts: time to make it, size, and time to open and to filter it in Chromium."""

import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser

import sna
from benchmarks.clock import stopwatch, timed
from benchmarks.generate import write_posts
from benchmarks.tables import printed, put_below
from tests.browser import Opened, chromium

ROOT = Path(__file__).parents[1]
DATA = Path(__file__).parent / "data-report"
PAGE = ROOT / "docs" / "report.md"
OPENINGS = 3


def main() -> None:
    """Print the table; with --write, put it into the page."""
    sizes = [1_000, 10_000] if "--quick" in sys.argv else [1_000, 10_000, 100_000, 1_000_000]
    shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir()
    os.environ["SNA_KEYS"] = str(DATA / "keys")
    try:
        with chromium() as start:
            lines = printed(_table(start(), sizes))
    finally:
        shutil.rmtree(DATA, ignore_errors=True)
    if "--write" in sys.argv:
        put_below(PAGE, lines)


def fill(folder: str, posts: int) -> None:
    """Make a case of so many generated posts."""
    case = sna.new_case(Path(folder), "a measurement", "invented posts", 30)
    file = Path(folder).with_suffix(".jsonl")
    write_posts(file, posts)
    case.import_files([file])
    file.unlink()


def make(folder: str) -> list[float]:
    """Write the report of a case; returns seconds, bytes, accounts drawn and in all, links drawn and in all."""
    case = sna.open_case(Path(folder))
    file = Path(folder).with_suffix(".html")
    begun = time.perf_counter()
    made = case.report(file)
    seconds = time.perf_counter() - begun
    told = made["network"]
    drawn = [told[name] for name in ("nodes", "all_nodes", "edges", "all_edges")] if isinstance(told, dict) else []
    return [seconds, file.stat().st_size, *drawn]


def opened(browser: Browser, file: Path) -> tuple[float, float]:
    """Return the least seconds until a report has drawn itself in Chromium, and those of one choice of time."""
    report = Opened(browser, file)
    seconds = stopwatch(report.anew, OPENINGS)
    choice = """async () => {
        const begun = performance.now();
        choose(5, 20);
        await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
        return performance.now() - begun;
    }"""
    return seconds, min(float(report.page.evaluate(choice)) for _ in range(OPENINGS)) / 1000


def _table(browser: Browser, sizes: list[int]) -> Iterator[str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
    yield f"Machine: {machine}, no graphics card: WebGL by software."
    yield ""
    yield "| posts | accounts drawn | links drawn | made in | peak memory | file | opens in | another time chosen in |"
    yield "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for size in sizes:
        folder = DATA / f"case-{size}"
        timed("benchmarks.reporting:fill", str(folder), size)
        report = timed("benchmarks.reporting:make", str(folder))
        figures = [float(value) for value in report.result] if isinstance(report.result, list) else []
        seconds, weight, *drawn = figures
        accounts, links = (f"{drawn[at]:,.0f} of {drawn[at + 1]:,.0f}" for at in (0, 2))
        opening, filtering = opened(browser, folder.with_suffix(".html"))
        yield (
            f"| {size:,} | {accounts} | {links} | {seconds:.1f} s | {report.memory:.1f} GB "
            f"| {weight / 1e6:.1f} MB | {opening:.2f} s | {filtering:.2f} s |"
        )
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
