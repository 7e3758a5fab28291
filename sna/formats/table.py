"""Tables - CSV, JSON Lines or Parquet - whose columns the user maps to the fields of a post."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from sna.errors import InputError, UsageError
from sna.formats.reader import Refused, refuse, register_units
from sna.formats.shape import COMMON_PROBLEMS, TIMES, TYPED_COLUMNS
from sna.formats.stream import Stream, refuse_foreign
from sna.formats.units import CHUNK, Chunk, read_chunks
from sna.store.ingest import now
from sna.store.opening import Store

FIELDS = (
    "id",
    "author",
    "handle",
    "created_at",
    "text",
    "lang",
    "reply_to",
    "conversation",
    "quote_of",
    "repost_of",
    "mentions",
    "hashtags",
    "urls",
    "title",
    "category",
    "latitude",
    "longitude",
    "media",
    "state",
    "link",
)
PARQUET_ROWS = 200_000
_DELIMITERS = b",\t;|"

# A list column holds a JSON array, or words between spaces, commas, semicolons or bars.
_LIST = r"""CASE WHEN starts_with(trim({0}), '[') THEN try(from_json({0}, '["VARCHAR"]'))
                 ELSE list_filter(regexp_split_to_array(trim({0}), '[\s,;|]+'), lambda w: w <> '') END"""
_FROM_TEXT = {
    "hashtags": r"list_distinct(regexp_extract_all(text, "
    r"'(?:^|[^\w&/])[#\x{FF03}]([\p{L}\p{N}_]*[\p{L}_][\p{L}\p{N}_]*)', 1))",
    "mentions": r"list_distinct(regexp_extract_all(text, '(?:^|[^\w@/.])@([A-Za-z0-9_](?:[\w.-]*\w)?)', 1))",
    "urls": r"""list_distinct(regexp_extract_all(text, 'https?://[^\s<>")\]]+'))""",
}


@dataclass(frozen=True, slots=True)
class TableChunk:
    """Rows of a table: either JSON units still to be read, or columns (all text) with a byte offset each."""

    end: int
    is_last: bool
    units: Chunk | None = None
    columns: pa.Table | None = None
    refused: Refused | None = None


def check_mapping(mapping: Mapping[str, str]) -> None:
    """Raise UsageError unless the mapping names the id and only known fields."""
    unknown = sorted(set(mapping) - set(FIELDS))
    if unknown:
        raise UsageError(f"unknown field {unknown[0]!r} in --map; one of {', '.join(FIELDS)}")
    if "id" not in mapping:
        raise UsageError("a table needs to know where its ids are; give --map id=COLUMN")


def read_table_chunks(
    stream: Stream, file: Path | None, mapping: Mapping[str, str], skip_to: int
) -> Iterator[TableChunk]:
    """Yield the rows of a table from the position `skip_to` on; the kind of table is recognised by content.

    Raises InputError when it cannot be read, UsageError when a mapped column is not there.
    """
    head = stream.peek(4096)
    if head.startswith(b"PAR1"):
        if file is None:
            raise InputError("a Parquet table cannot be read from standard input; give its file name")
        yield from _parquet(file, mapping, skip_to)
    elif head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        for chunk in read_chunks(stream, skip_to=skip_to):
            yield TableChunk(chunk.end, chunk.is_last, units=chunk)
    else:
        refuse_foreign(stream.name, head)
        yield from _csv(stream, mapping, skip_to)


def read_table_chunk(
    store: Store,
    chunk: TableChunk,
    mapping: Mapping[str, str],
    source: str,
    seen_at: datetime,
    zone: str | None,
    *,
    are_reports: bool = False,
) -> None:
    """Fill `incoming` from rows of a table, as posts, or citizens' reports, of the source named `source`."""
    refused = chunk.refused or Refused()
    if chunk.units is None and chunk.columns is None:
        return
    if chunk.units is not None:
        register_units(store, chunk.units, refused)
        fields = [name for name in FIELDS if name in mapping]
        chosen = ", ".join(f"v[{n}] AS {name}" for n, name in enumerate(fields, 1))
        values = "(SELECT *, json_extract_string(line, $paths) AS v FROM unit)"
        rows = f"(SELECT byte_offset, line, nul, {chosen} FROM {values})"
        parameters: dict[str, object] = {"paths": ["/" + _escaped(mapping[name]) for name in fields]}
    else:
        fields = [name for name in FIELDS if name in mapping]
        store.db.register("table_rows", chunk.columns)
        whole_row = "concat_ws(chr(31), *COLUMNS(* EXCLUDE byte_offset))"
        rows = f"(SELECT *, {whole_row} AS line, contains(text, chr(0)) AS nul FROM table_rows)"
        parameters = {}
    parameters |= {"source": source, "seen_at": seen_at, "zone": zone, "now": now(), "is_report": are_reports}
    _insert(store, rows, fields, parameters)
    refuse(store, refused)


def _insert(store: Store, rows: str, fields: list[str], parameters: dict[str, object]) -> None:
    has = set(fields)
    scalar = {name: (f"nullif({name}, '')" if name in has else "NULL::VARCHAR") for name in FIELDS}
    lists = {
        name: _LIST.format(name) if name in has else (_FROM_TEXT[name] if "text" in has else "NULL::VARCHAR[]")
        for name in ("mentions", "hashtags", "urls")
    }
    store.db.execute(
        f"""INSERT INTO incoming BY NAME
            SELECT byte_offset, $source AS source, author_id, author_handle, {_text_of(has)} AS text, lang, reply_to,
                   conversation, quote_of, repost_of, {lists["hashtags"]} AS hashtags, {lists["urls"]} AS urls,
                   list_transform({lists["mentions"]}, lambda h: {{'id': NULL::VARCHAR, 'handle': ltrim(h, '@')}})
                       AS mentions,
                   try_cast(latitude AS DOUBLE) AS latitude, try_cast(longitude AS DOUBLE) AS longitude,
                   {_LIST.format("media")} AS media, link,
                   CASE lower(trim(state)) WHEN 'yes' THEN 'verified' WHEN 'no' THEN 'unverified'
                        WHEN '' THEN NULL ELSE lower(trim(state)) END AS state,
                   $is_report AS is_report, {TYPED_COLUMNS}, CASE {COMMON_PROBLEMS} END AS problem,
                   CASE WHEN problem IS NOT NULL THEN sha256(line) END AS line_sha256
            FROM (SELECT *, {TIMES} FROM (
                SELECT * REPLACE ({scalar["id"]} AS id), {scalar["author"]} AS author_id,
                       coalesce({scalar["handle"]}, {scalar["author"]}) AS author_handle,
                       {scalar["created_at"]} AS created_raw, NULL::VARCHAR AS edited_raw, NULL AS own_seen,
                       NULL AS seen_raw, false AS referenced, false AS protected
                FROM {_filled(rows, has)}))""",
        parameters,
    )


def _text_of(has: set[str]) -> str:
    if not has & {"title", "category"}:
        return "replace(text, chr(0), '')" if "text" in has else "NULL::VARCHAR"
    parts = ", ".join(f"nullif(trim({name}, E' ,\\n'), '')" for name in ("title", "text", "category"))
    return f"nullif(replace(concat_ws(E'\\n\\n', {parts}), chr(0), ''), '')"


def _filled(rows: str, has: set[str]) -> str:
    missing = "".join(f", NULL::VARCHAR AS {name}" for name in FIELDS if name not in has)
    blank = ", ".join(
        f"nullif({name}, '') AS {name}" for name in ("lang", "reply_to", "conversation", "quote_of", "repost_of")
    )
    return f"(SELECT * REPLACE ({blank}) FROM (SELECT *{missing} FROM {rows}))"


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _csv(stream: Stream, mapping: Mapping[str, str], skip_to: int) -> Iterator[TableChunk]:
    names: list[str] = []
    delimiter, base, carry = ",", 0, b""
    while True:
        data = stream.read(CHUNK)
        buffer = carry + data
        is_last = len(data) < CHUNK
        start = 0
        if not names:
            start = 3 if buffer.startswith(b"\xef\xbb\xbf") else 0
            if not buffer[start:].strip():
                yield TableChunk(len(buffer), True)
                return
            names, delimiter, start = _header(stream.name, buffer, start)
            _require(stream.name, names, mapping)
        ends = _record_ends(buffer, start)
        cut = len(buffer) if is_last else (int(ends[-1]) if len(ends) else start)
        if base + cut > skip_to or is_last:
            begin = max(start, skip_to - base) if skip_to else start
            yield _csv_chunk(buffer[begin:cut], base + begin, names, delimiter, mapping, base + cut, is_last)
        if is_last:
            return
        base, carry = base + cut, buffer[cut:]


def header_of(name: str, head: bytes) -> list[str]:
    """Return the column names of a CSV table from its first bytes."""
    return _header(name, head, 3 if head.startswith(b"\xef\xbb\xbf") else 0)[0]


def _header(name: str, buffer: bytes, start: int) -> tuple[list[str], str, int]:
    end = buffer.find(b"\n", start)
    end = len(buffer) if end < 0 else end
    line = buffer[start:end].rstrip(b"\r")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: the line with the column names is no UTF-8; save the table as UTF-8") from error
    delimiter = max((chr(d) for d in _DELIMITERS), key=text.count)
    parsed = (
        pa_csv.read_csv(
            io.BytesIO(line + b"\n"),
            pa_csv.ReadOptions(autogenerate_column_names=True),
            pa_csv.ParseOptions(delimiter=delimiter),
            pa_csv.ConvertOptions(strings_can_be_null=False, auto_dict_encode=False, column_types={}),
        )
        if line
        else None
    )
    names = [str(column[0].as_py()) for column in parsed.columns] if parsed is not None and parsed.num_rows else []
    return names, delimiter, min(end + 1, len(buffer))


def _require(name: str, names: list[str], mapping: Mapping[str, str]) -> None:
    for column in mapping.values():
        if column not in names:
            raise UsageError(f"{name} has no column {column!r}; it has {', '.join(map(repr, names[:20]))}")


def _record_ends(buffer: bytes, start: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return where records end: behind each line break outside quotes."""
    view = np.frombuffer(buffer, np.uint8)[start:]
    inside = np.cumsum(view == 34) % 2 == 1
    return np.flatnonzero((view == 10) & ~inside) + 1 + start


def _csv_chunk(
    buffer: bytes, base: int, names: list[str], delimiter: str, mapping: Mapping[str, str], end: int, is_last: bool
) -> TableChunk:
    refused = Refused()
    body = _sound_lines(buffer, base, refused)
    searched = 0

    def on_invalid(row: pa_csv.InvalidRow) -> str:
        nonlocal searched
        text = (row.text or "").encode("utf-8")
        at = body.find(text, searched)
        while at > 0 and body[at - 1] != 10:
            at = body.find(text, at + 1)
        searched = max(at, 0) + len(text)
        is_cut = is_last and body.rstrip(b"\r\n").endswith(text) and not body.endswith(b"\n")
        reason = "incomplete" if is_cut else f"{row.actual_columns} columns instead of {row.expected_columns}"
        refused.add(base + max(at, 0), reason, text)
        return "skip"

    columns = sorted(set(mapping.values()))
    try:
        parsed = (
            pa_csv.read_csv(
                io.BytesIO(body),
                pa_csv.ReadOptions(column_names=names, use_threads=False, block_size=max(len(body) + 1, 1 << 16)),
                pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=on_invalid),
                pa_csv.ConvertOptions(
                    column_types={name: pa.large_string() for name in names},
                    include_columns=columns,
                    strings_can_be_null=False,
                ),
            )
            if body.strip()
            else pa.table({name: pa.array([], pa.large_string()) for name in columns})
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"the table cannot be read: {str(error)[:160]}") from error
    starts = np.concatenate(([0], _record_ends(body, 0)))
    spans = [int(s) for s, e in pairwise(starts) if body[s:e].strip()]
    if starts[-1] < len(body):
        spans.append(int(starts[-1]))
    bad = {offset - base for offset in refused.offset}
    spans = [s for s in spans if s not in bad]
    offsets = [base + s for s in spans] if len(spans) == parsed.num_rows else [base] * parsed.num_rows
    fields = {"byte_offset": pa.array(offsets, pa.int64())}
    fields |= {name: parsed.column(column) for name, column in mapping.items()}
    if "text" not in fields:
        fields["text"] = pa.nulls(parsed.num_rows, pa.large_string())
    return TableChunk(end, is_last, columns=pa.table(fields), refused=refused)


def _sound_lines(buffer: bytes, base: int, refused: Refused) -> bytes:
    try:
        pa.array([buffer], pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid:
        sound, at = [], base
        for line in buffer.splitlines(keepends=True):
            try:
                line.decode("utf-8")
                sound.append(line)
            except UnicodeDecodeError:
                refused.add(at, "invalid UTF-8", line)
                # Blank lines of the same length are passed over and keep all offsets true.
                sound.append(b"\n" * len(line))
            at += len(line)
        return b"".join(sound)
    return buffer


def _parquet(file: Path, mapping: Mapping[str, str], skip_to: int) -> Iterator[TableChunk]:
    try:
        content = pq.ParquetFile(file)
        _require(str(file), content.schema_arrow.names, mapping)
        done, total = 0, content.metadata.num_rows
        for batch in content.iter_batches(PARQUET_ROWS, columns=sorted(set(mapping.values()))):
            end = done + batch.num_rows
            if end > skip_to:
                fields = {"byte_offset": pa.array(range(done, end), pa.int64())}
                fields |= {name: _as_text(batch.column(column), name) for name, column in mapping.items()}
                if "text" not in fields:
                    fields["text"] = pa.nulls(batch.num_rows, pa.large_string())
                yield TableChunk(end, end >= total, columns=pa.table(fields))
            done = end
        if not total:
            empty = {name: pa.array([], pa.large_string()) for name in {*mapping, "text"}}
            yield TableChunk(0, True, columns=pa.table({"byte_offset": pa.array([], pa.int64())} | empty))
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{file} cannot be read as Parquet: {str(error)[:160]}") from error


def _as_text(column: pa.Array, name: str) -> pa.Array:
    kind = column.type
    if pa.types.is_timestamp(kind):
        zone = "Z" if kind.tz else ""
        return pc.strftime(
            column.cast(pa.timestamp("us", "UTC" if kind.tz else None)), f"%Y-%m-%dT%H:%M:%S{zone}"
        ).cast(pa.large_string())
    if pa.types.is_floating(kind) and name == "created_at":
        return pc.round(pc.multiply(column, 1e6)).cast(pa.int64()).cast(pa.large_string())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pc.binary_join(column.cast(pa.list_(pa.string())), " ").cast(pa.large_string())
    try:
        return column.cast(pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"the column for {name} holds {cast(object, kind)}, which is no text") from error
