"""Turns chunks of JSON units into sightings: find the odd ones, classify by keys, read each shape, go inside."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sna.formats import bluesky, check, mastodon, reddit, reports, x
from sna.formats.shape import Shape, actors_sql, deletions_sql, inside_sql, posts_sql, standings_sql
from sna.formats.units import MAX_UNIT, ROWS_PER_BATCH, Chunk
from sna.store.ingest import now
from sna.store.opening import Store

# Where two shapes fit an object, the one that stands first is it.
SHAPES: tuple[Shape, ...] = (*x.SHAPES, *mastodon.SHAPES, *bluesky.SHAPES, *reddit.SHAPES, *reports.SHAPES)

UNKNOWN = "no known kind of post"
# Keys of these objects decide about a post, so a doubled key in them is looked for as well.
_KEY_PATHS = ["$", "$.user", "$.author", "$.account", "$.record", "$.commit", "$.data", "$.entities"]
_UNUSUAL = ("NaN", "Infinity", "\\u0000")


@dataclass(slots=True)
class Refused:
    """Units that never became sightings: where they stand, why, and the hash of their bytes."""

    offset: list[int] = field(default_factory=list)
    reason: list[str] = field(default_factory=list)
    sha256: list[str] = field(default_factory=list)

    def add(self, offset: int, reason: str, line: bytes = b"") -> None:
        """Note one unit."""
        self.offset.append(offset)
        self.reason.append(reason)
        self.sha256.append(hashlib.sha256(line).hexdigest())


def read_json_chunk(
    store: Store, chunk: Chunk, seen_at: datetime, zone: str | None, source: str | None, origin: str | None = None
) -> None:
    """Fill the `incoming` tables from a chunk of JSON units; what cannot be read gets its `problem` there.

    Only shapes of `source` count when it is given; `seen_at` is when the file was obtained, `zone` the
    time zone of times that carry none, `origin` the server whose own ids these are, where there are several.
    """
    refused = Refused()
    register_units(store, chunk, refused)
    shapes = [shape for shape in SHAPES if source in (None, shape.source)]
    parameters: dict[str, object] = {"seen_at": seen_at, "zone": zone, "now": now(), "origin": origin}
    level = 0
    while level <= check.MAX_DEPTH and _read_level(store, level, shapes, parameters):
        level += 1
    refuse(store, refused)


def register_units(store: Store, chunk: Chunk, refused: Refused) -> None:
    """Register the chunk's sound units as the relation `unit` and their keys as `unit_keys`.

    A vectorised look finds the few odd units; only those are examined one by one, and mended or refused.
    """
    for start in chunk.overlong:
        refused.add(start, f"longer than {MAX_UNIT // (1024 * 1024)} MB")
    offset, strings = _decoded(chunk, refused)
    nul = np.zeros(len(strings), bool)
    _register(store, offset, strings, nul)
    odd = _odd_units(store, offset, strings)
    if not odd:
        return
    keep = np.ones(len(strings), bool)
    mended: dict[int, str] = {}
    for i in odd:
        line = strings[i].as_py().encode("utf-8")
        clean = check.without_nul(line)
        is_cut = chunk.is_last and i == len(strings) - 1 and not line.endswith(b"\n")
        reason = check.reason_to_refuse(clean, is_cut=is_cut) if line.strip() else "blank"
        if reason:
            keep[i] = False
            if reason != "blank":
                refused.add(int(offset[i]), reason, line)
        elif clean != line:
            mended[i], nul[i] = clean.decode("utf-8"), True
    if mended:
        strings = pc.replace_with_mask(
            strings, pa.array(nul), pa.array([mended[i] for i in sorted(mended)], pa.large_string())
        )
    _register(store, offset[keep], strings.filter(pa.array(keep)), nul[keep])
    _read_keys(store)


def refuse(store: Store, refused: Refused) -> None:
    """Add the refused units to `incoming`, whose problems end in the quarantine."""
    if refused.offset:
        rows = pa.table({"byte_offset": refused.offset, "problem": refused.reason, "line_sha256": refused.sha256})
        store.db.register("refused_units", rows)
        store.db.execute("INSERT INTO incoming BY NAME SELECT * FROM refused_units")
        store.db.unregister("refused_units")


def _decoded(chunk: Chunk, refused: Refused) -> tuple[NDArray[np.int64], pa.Array]:
    try:
        return chunk.offset, chunk.text.cast(pa.large_string())
    except pa.ArrowInvalid:
        keep = np.ones(len(chunk.text), bool)
        for i, line in enumerate(chunk.text.to_pylist()):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                keep[i] = False
                refused.add(int(chunk.offset[i]), "invalid UTF-8", line)
        return chunk.offset[keep], chunk.text.filter(pa.array(keep)).cast(pa.large_string())


def _register(store: Store, offset: NDArray[np.int64], line: pa.Array, nul: NDArray[np.bool_]) -> None:
    table = pa.table({"byte_offset": pa.array(offset, pa.int64()), "line": line, "nul": pa.array(nul, pa.bool_())})
    # Small record batches let DuckDB scan the lines on every core.
    store.db.register("unit", pa.Table.from_batches(table.to_batches(max_chunksize=ROWS_PER_BATCH), table.schema))


def _read_keys(store: Store) -> None:
    """Make `unit_keys`: per unit the hash of its key lists, and `key_list`: per hash the lists themselves.

    Posts of one kind mostly have the same keys in the same order, so there are few lists for many units.
    """
    store.db.execute(
        f"""CREATE OR REPLACE TEMP TABLE unit_keys AS
            SELECT byte_offset, hash(try(json_keys(line, {_KEY_PATHS}))) AS keys_hash FROM unit"""
    )
    store.db.execute(
        f"""CREATE OR REPLACE TEMP TABLE key_list AS
            SELECT u.keys_hash, try(json_keys(line, {_KEY_PATHS})) AS keys FROM unit
            JOIN (SELECT keys_hash, min(byte_offset) AS byte_offset FROM unit_keys GROUP BY 1) u USING (byte_offset)"""
    )


def _odd_units(store: Store, offset: NDArray[np.int64], strings: pa.Array) -> list[int]:
    """Return the positions of units that are invalid, ambiguous, very deep or hold NUL; makes `unit_keys`."""
    _read_keys(store)
    unusual = " OR ".join(f"contains(line, '{word}')" for word in _UNUSUAL)
    rows = store.rows(
        f"""SELECT byte_offset FROM unit_keys JOIN key_list USING (keys_hash)
            WHERE keys IS NULL OR len(keys[1]) = 0 OR {_DOUBLED}
            UNION SELECT byte_offset FROM unit WHERE {unusual}"""
    )
    odd = set(np.searchsorted(offset, np.array([row[0] for row in rows], np.int64)).tolist())
    opened = pl.Series(pl.from_arrow(strings)).str.count_matches(r"[\[{]")
    for i in (opened > check.MAX_DEPTH).arg_true().to_list():
        if check.nesting(strings[i].as_py().encode()) > check.MAX_DEPTH:
            odd.add(i)
    return sorted(odd)


_DOUBLED = "list_bool_or(list_transform(keys, lambda k: len(k) <> len(list_distinct(k))))"


def _read_level(store: Store, level: int, shapes: Sequence[Shape], parameters: dict[str, object]) -> bool:
    """Read one level of objects; returns whether there are objects inside them to read next."""
    found = _classify(store, level, shapes)
    store.db.execute(
        f"""CREATE OR REPLACE TEMP TABLE inside_{level + 1} (
            byte_offset BIGINT, line VARCHAR, referenced BOOLEAN, seen_raw VARCHAR, nul BOOLEAN)"""
    )
    for number in found:
        shape = shapes[number]
        items = _items_of(store, level, number, alone=len(found) == 1)
        before = store.value("SELECT count(*) FROM incoming")
        if shape.post:
            _run(store, posts_sql(shape, items), parameters)
        if shape.actor:
            _run(store, actors_sql(shape, items), parameters)
        if shape.deletion:
            _run(store, deletions_sql(shape, items), parameters)
        if shape.standing:
            _run(store, standings_sql(shape, items), parameters)
        may_nest = not (shape.post and "nested" in shape.post) or store.value(
            "SELECT count(*) FROM incoming WHERE nested AND rowid >= ?", before
        )
        for nested in shape.inside if may_nest else ():
            only = bool(shape.post and "nested" in shape.post)
            _run(store, f"INSERT INTO inside_{level + 1} {inside_sql(nested, shape, items, only)}", parameters)
    if level == 0 and store.value("SELECT count(*) FROM key_list WHERE len(keys[1]) = 0"):
        store.db.execute(
            """INSERT INTO inside_1
               SELECT byte_offset, unnest(from_json(line, '["JSON"]')), false, NULL, nul
               FROM unit JOIN unit_keys USING (byte_offset) JOIN key_list USING (keys_hash)
               WHERE len(keys[1]) = 0 AND json_type(line) = 'ARRAY'"""
        )
    store.db.execute(
        f"""CREATE OR REPLACE TEMP TABLE item_{level + 1} AS
            SELECT *, hash(keys) AS keys_hash FROM (
                SELECT *, try(json_keys(line, {_KEY_PATHS})) AS keys FROM inside_{level + 1} WHERE line IS NOT NULL)"""
    )
    return store.value(f"SELECT count(*) FROM item_{level + 1}") > 0


def _classify(store: Store, level: int, shapes: Sequence[Shape]) -> list[int]:
    """Make `key_shape` for the key lists of one level, quarantine unknown objects; returns the shapes found."""
    if level:
        store.db.execute(
            f"""CREATE OR REPLACE TEMP TABLE key_list AS
                SELECT keys_hash, any_value(keys) AS keys FROM item_{level} GROUP BY 1"""
        )
    lists = store.rows(f"SELECT keys_hash, keys[1], {_DOUBLED} FROM key_list WHERE len(keys[1]) > 0")
    numbers: dict[int, int] = {}
    for keys_hash, keys, doubled in lists:
        names = frozenset(keys)  # type: ignore[call-overload]
        number = next((n for n, shape in enumerate(shapes) if shape.recognise(names)), _UNKNOWN_SHAPE)
        numbers[int(str(keys_hash))] = _DOUBLED_KEY if doubled else number
    store.db.register(
        "key_numbers",
        pa.table(
            {"keys_hash": pa.array(list(numbers), pa.uint64()), "shape": pa.array(list(numbers.values()), pa.int32())}
        ),
    )
    store.db.execute("CREATE OR REPLACE TEMP TABLE key_shape AS SELECT * FROM key_numbers")
    store.db.unregister("key_numbers")
    if any(number < 0 for number in numbers.values()):
        store.db.execute(
            f"""INSERT INTO incoming BY NAME
                SELECT byte_offset, sha256(line) AS line_sha256,
                       CASE WHEN shape = {_DOUBLED_KEY} THEN 'the same key twice' ELSE '{UNKNOWN}' END AS problem
                FROM {_lines_of(level)} JOIN key_shape USING (keys_hash) WHERE shape < 0"""
        )
    return sorted({number for number in numbers.values() if number >= 0})


_UNKNOWN_SHAPE, _DOUBLED_KEY = -1, -2


def _lines_of(level: int) -> str:
    return "unit JOIN unit_keys USING (byte_offset)" if level == 0 else f"item_{level}"


def _items_of(store: Store, level: int, number: int, *, alone: bool) -> str:
    """Return a relation with the items of one shape and one level."""
    columns = "byte_offset, line, false AS referenced, NULL::VARCHAR AS seen_raw, nul"
    if level == 0 and alone and not store.value("SELECT count(*) FROM key_shape WHERE shape < 0"):
        return f"(SELECT {columns} FROM unit)"
    chosen = columns if level == 0 else "byte_offset, line, referenced, seen_raw, nul"
    store.db.execute(
        f"""CREATE OR REPLACE TEMP TABLE shape_items AS SELECT {chosen} FROM {_lines_of(level)}
            JOIN key_shape USING (keys_hash) WHERE shape = {number}"""
    )
    return "shape_items"


def _run(store: Store, sql: str, parameters: dict[str, object]) -> None:
    store.db.execute(sql, {name: value for name, value in parameters.items() if f"${name}" in sql})
