"""What a JSON object can be - a post, a page of posts, a profile, a deletion - and the SQL that reads each kind."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

# Columns of `incoming` that a shape may fill; times come as text and are read by `utc_time`.
COLUMNS = (
    "id",
    "author_id",
    "author_handle",
    "author_name",
    "text",
    "lang",
    "reply_to",
    "reply_to_author",
    "quote_of",
    "quote_author",
    "repost_of",
    "repost_author",
    "conversation",
    "mentions",
    "hashtags",
    "urls",
    "likes",
    "reposts",
    "replies",
    "quotes",
    "views",
    "link",
    "protected",
    "alias",
    "is_report",
    "media",
    "latitude",
    "longitude",
    "state",
)
RAW_COLUMNS = (*COLUMNS, "created_raw", "edited_raw", "nested")


@dataclass(frozen=True, slots=True)
class Nested:
    """Objects inside an object, to be read as objects of their own.

    `items` is an SQL expression over the parsed object `j` and its text `line` that yields JSON[]. With
    `referenced` they count as found inside another post, whatever their container is.
    """

    items: str
    referenced: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of JSON object: how to know it by its keys, and SQL over `j` for what it holds.

    `spec` is the structure for DuckDB's json_transform; `post` maps columns of `incoming` to expressions
    over `j`, `actor` those of `incoming_actor`, `deletion` gives the id of a deleted post and `why` the reason,
    `standing` maps `id` and `state` of an account's event; `seen` is the time at which the source gave the
    object; `lets` names expressions over `j` that others use. Where a post
    has an expression `nested`, `inside` is read only for posts where it is true. `event_spec` is the smaller structure
    that profiles, deletions and account events need, where a post's own is large.
    """

    name: str
    source: str
    recognise: Callable[[frozenset[str]], bool]
    spec: dict[str, object] = field(default_factory=dict)
    post: dict[str, str] | None = None
    where: str = "true"
    inside: tuple[Nested, ...] = ()
    actor: dict[str, str] | None = None
    deletion: str | None = None
    why: str = "NULL"
    standing: dict[str, str] | None = None
    seen: str = "NULL"
    lets: tuple[tuple[str, str], ...] = ()
    text_path: str = "$.text"
    event_spec: dict[str, object] = field(default_factory=dict)


# One row per object of a chunk: where it stands, its JSON text, whether another post brought it along.
ITEM_COLUMNS = "byte_offset BIGINT, line VARCHAR, referenced BOOLEAN, seen_raw VARCHAR, nul BOOLEAN"


def parsed(shape: Shape, items: str, *, as_event: bool = False) -> str:
    """Return a FROM clause that adds to each row of the relation `items` its parsed struct `j`."""
    spec = json.dumps((as_event and shape.event_spec) or shape.spec or {"_": "VARCHAR"}).replace("'", "''")
    rows = f"(SELECT *, json_transform(line, '{spec}') AS j FROM {items})"
    lets = "".join(f", {expression} AS {name}" for name, expression in shape.lets)
    return f"(SELECT *{lets} FROM {rows})" if lets else rows


def posts_sql(shape: Shape, items: str) -> str:
    """Return the statement that moves the posts of `items` into `incoming`; parameters $seen_at, $zone, $now."""
    given = shape.post or {}
    chosen = ",\n".join(f"{given.get(name, 'NULL')} AS {name}" for name in RAW_COLUMNS)
    return f"""
    INSERT INTO incoming BY NAME
    SELECT byte_offset, '{shape.source}' AS source, {", ".join(c for c in COLUMNS if c not in ("id", "protected"))},
           {TYPED_COLUMNS}, {_problem(shape.text_path)} AS problem,
           CASE WHEN problem IS NOT NULL THEN sha256(line) END AS line_sha256, nested
    FROM (SELECT *, {TIMES} FROM (
        SELECT byte_offset, line, referenced, nul, {shape.seen} AS own_seen, seen_raw, {chosen}
        FROM {parsed(shape, items)} WHERE {shape.where}))"""


# Shared by JSON shapes and tables: what follows once the raw columns are named.
TIMES = """utc_time(created_raw, $zone) AS created_time, utc_time(edited_raw, $zone) AS edited_time"""
TYPED_COLUMNS = """
    nullif(trim(id), '') AS id, created_time AS created_at, edited_time AS edited_at,
    coalesce(referenced, false) AS referenced, coalesce(protected, false) AS protected,
    coalesce(utc_time(coalesce(own_seen, seen_raw), 'UTC'), $seen_at) AS seen_at,
    nullif(list_filter([
        CASE WHEN created_time < TIMESTAMP '1990-01-01' OR created_time > $now + INTERVAL 5 MINUTES
             THEN 'time_suspect' END,
        CASE WHEN is_day(created_raw) THEN 'day_only' END,
        CASE WHEN nul THEN 'nul_removed' END], lambda f: f IS NOT NULL), []) AS flags
"""


def _problem(text_path: str) -> str:
    return f"""CASE {COMMON_PROBLEMS}
        WHEN left(text, 1) IN ('{{', '[') AND json_type(line, '{text_path}') IN ('OBJECT', 'ARRAY')
            THEN 'the text is no text' END"""


COMMON_PROBLEMS = r"""
        WHEN id IS NULL OR trim(id) = '' THEN 'no id'
        WHEN (contains(id, '.') OR contains(id, 'e') OR contains(id, 'E'))
             AND regexp_full_match(id, '\d+(\.\d+)?[eE][+-]?\d+|\d+\.\d+')
            THEN 'the id is a rounded number'
        WHEN left(id, 1) IN ('{', '[') OR lower(ltrim(id, '-')) IN ('nan', 'inf', 'infinity') THEN 'the id is no text'
        WHEN created_raw <> '' AND created_time IS NULL THEN
            CASE WHEN $zone IS NULL AND utc_time(created_raw, 'UTC') IS NOT NULL
                 THEN 'time without a zone (give --timezone)' ELSE 'impossible time' END
"""


def inside_sql(nested: Nested, shape: Shape, items: str, only_nested: bool) -> str:
    """Return a SELECT of the item rows inside the objects of `items`."""
    referenced = "true" if nested.referenced else "referenced"
    chosen = f"(FROM {items} SEMI JOIN (FROM incoming WHERE nested) n USING (byte_offset))" if only_nested else items
    return f"""
    SELECT byte_offset, unnest({nested.items}) AS line, {referenced} AS referenced,
           coalesce({shape.seen}, seen_raw) AS seen_raw, nul
    FROM {parsed(shape, chosen)}"""


def actors_sql(shape: Shape, items: str) -> str:
    """Return the statement that moves the profiles of `items` into `incoming_actor`; parameter $seen_at."""
    actor = shape.actor or {}
    return f"""
    INSERT INTO incoming_actor BY NAME
    SELECT '{shape.source}' AS source, {actor["id"]} AS id, {actor["handle"]} AS handle,
           {actor.get("name", "NULL")} AS name, coalesce(utc_time(seen_raw, 'UTC'), $seen_at) AS seen_at
    FROM {parsed(shape, items, as_event=True)} WHERE {actor["id"]} IS NOT NULL"""


def deletions_sql(shape: Shape, items: str) -> str:
    """Return the statement that moves the deletion events of `items` into `incoming_deletion`."""
    return f"""
    INSERT INTO incoming_deletion
    SELECT '{shape.source}', {shape.deletion}, {shape.why} FROM {parsed(shape, items, as_event=True)}
    WHERE {shape.deletion} IS NOT NULL"""


def standings_sql(shape: Shape, items: str) -> str:
    """Return the statement that moves the account events of `items` into `incoming_standing`."""
    event = shape.standing or {}
    return f"""
    INSERT INTO incoming_standing
    SELECT '{shape.source}', {event["id"]}, {event["state"]}, byte_offset FROM {parsed(shape, items, as_event=True)}
    WHERE {event["id"]} IS NOT NULL AND {event["state"]} IS NOT NULL"""
