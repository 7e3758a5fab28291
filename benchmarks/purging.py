"""Purges half of a case and looks for what is left of it: `benchmarks/purge [--quick] [--write]`."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

import sna
from benchmarks.clock import timed
from benchmarks.tables import printed, put_below

DATA = Path(__file__).parent / "data-purge"
PAGE = Path(__file__).parents[1] / "docs" / "compliance.md"
LENGTHS = {"short": 20, "tweet-long": 240, "long": 2_000}
HEADER = 4096
EXPIRED = datetime(2020, 1, 1)
_READ = """
import duckdb, sys
with duckdb.connect(sys.argv[1], read_only=True) as db:
    print(*(row[0] for row in db.execute("SELECT text[:13] FROM post").fetchall()), sep="\\n")
"""
_LETTERS = "abcdefghijklmnopqrstuvwxyz     "


def main() -> None:
    """Run the measurements; with --write, put the table into the page."""
    quick = "--quick" in sys.argv
    posts = 20_000 if quick else 200_000
    shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir()
    try:
        measured = f"Measured {datetime.now(UTC):%Y-%m-%d} with DuckDB {duckdb.__version__}."
        speed = _speed([100_000] if quick else [1_000_000, 5_000_000])
        lines = printed(chain((measured, ""), _recovery(posts), speed))
    finally:
        shutil.rmtree(DATA, ignore_errors=True)
    if "--write" in sys.argv:
        put_below(PAGE, lines)


def _recovery(posts: int) -> Iterator[str]:
    yield f"Half of {posts:,} posts purged; how many of them could be recovered afterwards:"
    yield ""
    yield "| texts | compression | after DELETE alone: bytes | older header | after the purge: bytes | older header |"
    yield "| --- | --- | ---: | ---: | ---: | ---: |"
    for name, length in LENGTHS.items():
        for compressed in (True, False):
            folder = DATA / f"{name}-{compressed}"
            case = fill_case(folder, posts, length)
            if not compressed:
                lay_uncompressed(case)
            marks = expire_half(case)
            before = after_delete_alone(case.folder.store, marks)
            case.retention()
            case.purge()
            after = recoverable(case.folder.path, marks)
            shutil.rmtree(folder)
            figures = " | ".join(f"{count:,}" for count in (*before, *after))
            yield f"| {name} | {'on' if compressed else 'off'} | {figures} |"
    yield ""


def _speed(sizes: list[int]) -> Iterator[str]:
    yield f"Speed of `sna retention purge`, half of the posts gone ({os.cpu_count()} cores, memory limit 1 GB):"
    yield ""
    yield "| posts | file before | seconds | MB/s of file | peak memory |"
    yield "| ---: | ---: | ---: | ---: | ---: |"
    for size in sizes:
        folder = DATA / f"speed-{size}"
        megabytes = float(str(timed("benchmarks.purging:prepare", str(folder), size).result))
        run = timed("benchmarks.purging:purge", str(folder))
        shutil.rmtree(folder)
        yield (
            f"| {size:,} | {megabytes:,.0f} MB | {run.seconds:.1f} | {megabytes / run.seconds:.0f} "
            f"| {run.memory:.2f} GB |"
        )


def prepare(folder: str, posts: int) -> float:
    """Make a case whose posts are half expired and hidden; returns the size of its store in MB."""
    os.environ["SNA_KEYS"] = str(DATA / "keys")
    case = fill_case(Path(folder), posts, LENGTHS["tweet-long"])
    expire_half(case)
    case.retention()
    return case.folder.store.stat().st_size / 1e6


def purge(folder: str) -> float:
    """Purge the case; returns the seconds."""
    os.environ["SNA_KEYS"], os.environ["SNA_MEMORY"] = str(DATA / "keys"), "1GB"
    case = sna.open_case(folder)
    begun = time.perf_counter()
    case.purge()
    return time.perf_counter() - begun


def fill_case(folder: Path, posts: int, length: int) -> sna.Case:
    """Return a new case with posts of random text, each with a mark of its own."""
    os.environ.setdefault("SNA_KEYS", str(DATA / "keys"))
    case = sna.new_case(folder, "a measurement", "none needed: invented posts", 30)
    path = folder.with_suffix(".csv")
    luck = np.random.default_rng(7)
    pool = "".join(luck.choice(list(_LETTERS), 1_000_000 + length))
    starts = luck.integers(0, 1_000_000, posts)
    numbers = np.arange(posts)
    pl.DataFrame({
        "id": [f"id{n:09}" for n in numbers],
        "author": [f"user{n % (posts // 10):07}" for n in numbers],
        "parent": [f"id{n // 2:09}" if n % 3 else "" for n in numbers],
        "at": ["2026-03-01T12:00:00Z"] * posts,
        "text": [f"mark{n:09} {pool[s : s + length]}" for n, s in zip(numbers, starts, strict=True)],
    }).write_csv(path)  # fmt: skip
    fields = {"id": "id", "author": "author", "reply_to": "parent", "created_at": "at", "text": "text"}
    case.import_files([path], sna.ImportPlan("table", fields, "town"))
    path.unlink()
    return case


def lay_uncompressed(case: sna.Case) -> None:
    """Write the texts of a case anew without compression."""
    with duckdb.connect(str(case.folder.store)) as db:
        db.execute("SET force_compression = 'uncompressed'")
        db.execute("UPDATE post SET text = text || ''")
        db.execute("CHECKPOINT")


def expire_half(case: sna.Case) -> list[str]:
    """End the retention of every second post; returns the marks in their texts."""
    with duckdb.connect(str(case.folder.store)) as db:
        rows = db.execute("SELECT text[:13] FROM post WHERE post % 2 = 0").fetchall()
        db.execute("UPDATE post SET expires_at = ? WHERE post % 2 = 0", [EXPIRED])
        db.execute("CHECKPOINT")
    return [str(row[0]) for row in rows]


def after_delete_alone(store: Path, marks: list[str]) -> tuple[int, int]:
    """Return what `recoverable` finds in a copy of a store whose expired posts were deleted and nothing else."""
    folder = store.with_name("deleted")
    folder.mkdir()
    copy = folder / store.name
    shutil.copy(store, copy)
    with duckdb.connect(str(copy)) as db:
        db.execute("DELETE FROM post WHERE expires_at = ?", [EXPIRED])
        db.execute("CHECKPOINT")
    found = recoverable(folder, marks)
    shutil.rmtree(folder)
    return found


def recoverable(folder: Path, marks: list[str]) -> tuple[int, int]:
    """Return how many marks a byte search finds in any file of the case, and how many behind the older header."""
    wanted = {mark.encode() for mark in marks}
    found: set[bytes] = set()
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            place = content.find(b"mark")
            while place >= 0:
                found.add(content[place : place + 13])
                place = content.find(b"mark", place + 1)
    return len(found & wanted), len(behind_older_header(folder / "store.duckdb") & wanted)


def behind_older_header(store: Path) -> set[bytes]:
    """Return the marks of the posts that are read once the older of the file's two headers is made current.

    A DuckDB file has its two database headers at 4 KiB and 8 KiB; each holds a checksum, then its iteration.
    """
    copy = store.with_name("older.duckdb")
    shutil.copy(store, copy)
    try:
        with copy.open("r+b") as file:
            file.seek(HEADER)
            first, second = file.read(HEADER), file.read(HEADER)
            is_first_older = first[8:16][::-1] < second[8:16][::-1]
            file.seek(HEADER)
            file.write((first if is_first_older else second) * 2)
        # What is found there may be no sound database at all, and end the process that opens it.
        done = subprocess.run([sys.executable, "-c", _READ, str(copy)], capture_output=True, check=False)
        return set(done.stdout.split(b"\n"))
    finally:
        copy.unlink()


if __name__ == "__main__":
    main()
