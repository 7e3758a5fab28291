"""What of each table lives on after a purge, and the proof that it is all there and nothing else."""

import duckdb

from sna.errors import CaseError
from sna.store import schema

# Posts and accounts that a surviving post still names: as parent, quoted, reposted, mentioned.
_NAMED = """
CREATE TEMP TABLE kept_key AS
SELECT DISTINCT unnest([post, parent, quote_of, repost_of, conversation]) AS post FROM old.post;
CREATE TEMP TABLE kept_actor AS
SELECT DISTINCT actor FROM (
    SELECT unnest([actor, parent_actor, quote_actor, repost_actor]) AS actor FROM old.post
    UNION ALL SELECT actor FROM old.mention WHERE post IN (SELECT post FROM old.post));
CREATE TEMP TABLE kept_author AS SELECT DISTINCT actor FROM old.post WHERE actor IS NOT NULL;
CREATE TEMP TABLE kept_id AS
SELECT source, native_id FROM old.post_key WHERE post IN (SELECT post FROM kept_key);
"""

_HERE = "post IN (SELECT post FROM old.post)"
_BY_ID = "(source, native_id) IN (SELECT (source, native_id) FROM kept_id)"

# For each table what survives; a table that is not named here survives whole.
_WHERE = {
    **dict.fromkeys((name for name in schema.OF_POST if name != "post"), _HERE),
    "raw_page": f"page NOT IN (SELECT page FROM old.raw_post WHERE NOT {_HERE})",
    "raw_post": f"page NOT IN (SELECT page FROM old.raw_post WHERE NOT {_HERE})",
    "post_key": "post IN (SELECT post FROM kept_key)",
    "actor": "actor IN (SELECT actor FROM kept_actor)",
    "actor_handle": "actor IN (SELECT actor FROM kept_actor)",
    "post_alias": _BY_ID,
    "gap": _BY_ID,
    "due": "false",
}

# The name that an account gave itself came with its posts and goes with the last of them. The hash of a file that
# was imported whole would tell what it held; the audit keeps it.
_INSTEAD = {
    "actor_handle": "REPLACE (CASE WHEN actor IN (SELECT actor FROM kept_author) THEN name END AS name)",
    "import_file": """REPLACE (CASE WHEN finished THEN '' ELSE fingerprint END AS fingerprint,
        CASE WHEN NOT finished THEN sha256 END AS sha256, CASE WHEN NOT finished THEN bytes END AS bytes,
        CASE WHEN NOT finished THEN modified_at END AS modified_at,
        CASE WHEN finished THEN 0 ELSE done_to END AS done_to)""",
}


def copy_survivors(db: duckdb.DuckDBPyConnection) -> None:
    """Fill the new store, attached as `store`, with what of `old` survives."""
    db.execute("USE store")
    db.execute(schema.TABLES)
    db.execute(_NAMED)
    db.execute("BEGIN")
    for table in _tables(db):
        db.execute(f"INSERT INTO store.{table} BY NAME {_survivors(table)}")
    db.execute("COMMIT")
    db.execute("CHECKPOINT store")


def verify_survivors(db: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return the rows of each table, after comparing each with what should have survived; raises CaseError if not.

    The comparison is a count and two sums of row hashes, whatever the order of the rows.
    """
    kept: dict[str, int] = {}
    for table in _tables(db):
        columns = ", ".join(_columns(db, table))
        wanted = _digest(db, f"SELECT {columns} FROM ({_survivors(table)})")
        found = _digest(db, f"SELECT {columns} FROM store.{table}")
        if wanted != found:
            raise CaseError(f"the rewritten table {table} differs from what must be kept; nothing was changed")
        kept[table] = int(str(found[0]))
    for table in schema.OF_POST:
        orphans = db.execute(
            f"SELECT count(*) FROM store.{table} WHERE post NOT IN (SELECT post FROM store.post)"
        ).fetchall()
        if orphans[0][0]:
            raise CaseError(f"the rewritten table {table} still names purged posts; nothing was changed")
    return kept


def _survivors(table: str) -> str:
    return f"SELECT * {_INSTEAD.get(table, '')} FROM old.{table} WHERE {_WHERE.get(table, 'true')}"


def _tables(db: duckdb.DuckDBPyConnection) -> list[str]:
    rows = db.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = 'store' ORDER BY table_name"
    ).fetchall()
    return [str(row[0]) for row in rows]


def _columns(db: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    rows = db.execute(
        """SELECT column_name FROM duckdb_columns() WHERE database_name = 'store' AND table_name = ?
           ORDER BY column_index""",
        [table],
    ).fetchall()
    return [str(row[0]) for row in rows]


def _digest(db: duckdb.DuckDBPyConnection, rows: str) -> tuple[object, ...]:
    found = db.execute(f"SELECT count(*), bit_xor(hash(t)), sum(hash(t)::HUGEINT) FROM ({rows}) t").fetchall()
    return tuple(found[0])
