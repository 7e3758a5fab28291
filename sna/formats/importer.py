"""Imports files into a case: any known format, resumable chunk by chunk, with every line accounted for."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sna.errors import InputError, UsageError
from sna.formats import table
from sna.formats.reader import SHAPES, read_json_chunk
from sna.formats.reports import ushahidi_mapping
from sna.formats.stream import Stream, open_stream
from sna.formats.units import Chunk, read_chunks
from sna.post import Tally
from sna.store.ingest import absorb_incoming, begin_batch, clear_incoming, end_batch
from sna.store.opening import Store

FORMATS = ("auto", *sorted({shape.source for shape in SHAPES}), "ushahidi", "table")
_FINGERPRINT_BYTES = 1 << 16
_HEADER_BYTES = 1 << 16

# Called after each chunk with the bytes taken, the bytes in all (None where unknown) and the counts so far.
Progress = Callable[[int, int | None, Tally], None]


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """How to read the files: the format, and for tables which column holds what.

    `mapping` gives the table's column for each of table.FIELDS; `source` names the platform of a table;
    `timezone` is the zone of times that carry none.
    """

    format: str = "auto"
    mapping: Mapping[str, str] | None = None
    source: str | None = None
    timezone: str | None = None

    def check(self) -> None:
        """Raise UsageError where the parts do not fit together."""
        if self.format not in FORMATS:
            raise UsageError(f"unknown format {self.format!r}; one of {', '.join(FORMATS)}")
        if self.format == "table":
            table.check_mapping(self.mapping or {})
        elif self.mapping or (self.source and self.format != "ushahidi"):
            raise UsageError("--map and --source belong to --format table")
        if self.timezone:
            try:
                ZoneInfo(self.timezone)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise UsageError(f"unknown time zone {self.timezone!r}; such as Europe/Paris or UTC") from error


def import_files(
    store: Store, files: Sequence[Path | None], plan: ImportPlan, progress: Progress | None = None
) -> Tally:
    """Import files (None is standard input) as one batch; returns what became of their posts.

    Each chunk is one transaction and its end is noted, so an import that was stopped goes on there when
    the same file is given again. Raises UsageError for a wrong plan and InputError for a file that cannot
    be read at all.
    """
    plan.check()
    for file in files:
        if file is not None and not file.exists():
            raise InputError(f"{file} does not exist; check the name")
    batch = begin_batch(store, "import")
    total = Tally()
    try:
        for file in files:
            with open_stream(file) as stream:
                _import_stream(store, stream, file, plan, batch, total, progress)
    finally:
        end_batch(store, batch)
    return total


def imported_files(store: Store) -> list[tuple[str, int, str]]:
    """Return the name, size and SHA-256 of each file that the latest import read to its end."""
    rows = store.rows(
        """SELECT name, bytes, sha256 FROM import_file
           WHERE finished AND sha256 IS NOT NULL AND batch = (SELECT max(batch) FROM batch)"""
    )
    return [(str(name), int(str(size or 0)), str(digest)) for name, size, digest in rows]


def _import_stream(
    store: Store,
    stream: Stream,
    file: Path | None,
    plan: ImportPlan,
    batch: int,
    total: Tally,
    progress: Progress | None,
) -> None:
    fingerprint = None if file is None else _fingerprint(file)
    done_to = _done_to(store, fingerprint)
    for chunk in _read_into_incoming(store, stream, file, plan, done_to):
        if chunk.is_last:
            stream.drain()
        note = partial(_note_progress, store, stream, fingerprint, chunk.end, chunk.is_last, batch)
        tally = absorb_incoming(store, batch, stream.name, note)
        total.add(tally)
        if progress:
            progress(stream.taken, stream.size, total)


def _read_into_incoming(
    store: Store, stream: Stream, file: Path | None, plan: ImportPlan, done_to: int
) -> Iterator[Chunk | table.TableChunk]:
    """Fill the `incoming` tables chunk by chunk; yields each chunk once it is there."""
    if plan.format == "table":
        mapping, platform = plan.mapping or {}, plan.source or "table"
        for rows in table.read_table_chunks(stream, file, mapping, done_to):
            clear_incoming(store)
            table.read_table_chunk(store, rows, mapping, platform, stream.modified_at, plan.timezone)
            yield rows
    elif plan.format == "ushahidi":
        mapping, zone = ushahidi_mapping(stream.name, table.header_of(stream.name, stream.peek(_HEADER_BYTES)))
        for rows in table.read_table_chunks(stream, file, mapping, done_to):
            clear_incoming(store)
            zone, platform = plan.timezone or zone, plan.source or "ushahidi"
            table.read_table_chunk(store, rows, mapping, platform, stream.modified_at, zone, are_reports=True)
            yield rows
    else:
        source = None if plan.format == "auto" else plan.format
        for units in _one_ahead(read_chunks(stream, skip_to=done_to)):
            clear_incoming(store)
            read_json_chunk(store, units, stream.modified_at, plan.timezone, source)
            yield units


def _one_ahead(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Yield the chunks while the next one is being read in the background."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        following = pool.submit(next, chunks, None)
        while (chunk := following.result()) is not None:
            following = pool.submit(next, chunks, None)
            yield chunk


def _fingerprint(file: Path) -> str:
    stat = file.stat()
    with file.open("rb") as content:
        head = content.read(_FINGERPRINT_BYTES)
    return hashlib.sha256(head + f"{stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()


def _done_to(store: Store, fingerprint: str | None) -> int:
    return store.value("SELECT max(done_to) FROM import_file WHERE fingerprint = ? AND NOT finished", fingerprint)


def _note_progress(store: Store, stream: Stream, fingerprint: str | None, end: int, is_last: bool, batch: int) -> None:
    modified: datetime = stream.modified_at
    store.db.execute("DELETE FROM import_file WHERE fingerprint = ? AND NOT finished", [fingerprint])
    store.db.execute(
        "INSERT INTO import_file VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            fingerprint or "",
            stream.name,
            stream.size,
            modified,
            stream.sha256 if is_last else None,
            end,
            is_last,
            batch,
        ],
    )
