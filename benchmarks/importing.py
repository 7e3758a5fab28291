"""Import of a file of posts, beside parsing it and beside twarc's conversion to CSV."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import orjson

import sna
from benchmarks.clock import stopwatch
from sna.store import Store


def import_file(path: str) -> float:
    """Import the file into a new case; returns the seconds of the import with its threads traced."""
    folder = Path(tempfile.mkdtemp(dir=Path(path).parent))
    case = sna.new_case(folder / "case", "benchmark", "invented posts", 1)
    try:
        return stopwatch(lambda: case.import_files([Path(path)]))
    finally:
        shutil.rmtree(folder)


def parse_orjson(path: str) -> float:
    """Parse each line with orjson, keep nothing."""

    def parse() -> None:
        with Path(path).open("rb") as file:
            for line in file:
                orjson.loads(line)

    return stopwatch(parse)


def read_columns(path: str) -> float:
    """Read the file with DuckDB's read_json and declared columns into a table, the least that an import must do."""
    import duckdb

    columns = """{'id': 'VARCHAR', 'author_id': 'VARCHAR', 'created_at': 'VARCHAR', 'text': 'VARCHAR',
        'lang': 'VARCHAR', 'conversation_id': 'VARCHAR', 'in_reply_to_user_id': 'VARCHAR',
        'referenced_tweets': 'STRUCT(type VARCHAR, id VARCHAR)[]', 'public_metrics': 'STRUCT(like_count BIGINT)',
        'entities': 'STRUCT(hashtags STRUCT(tag VARCHAR)[], mentions STRUCT(username VARCHAR, id VARCHAR)[])',
        'author': 'STRUCT(id VARCHAR, username VARCHAR, name VARCHAR)'}"""
    read = f"CREATE TABLE t AS FROM read_json(?, format = 'newline_delimited', columns = {columns})"
    return stopwatch(lambda: duckdb.connect().execute(read, [path]))


def twarc_csv(path: str) -> float:
    """Convert the file with `twarc2 csv`."""
    out = Path(path).with_suffix(".csv")
    twarc = [str(Path(sys.executable).with_name("twarc2")), "--bearer-token", "none", "--log", f"{out}.log"]
    try:
        return stopwatch(lambda: subprocess.run([*twarc, "csv", path, str(out)], check=True, capture_output=True))
    finally:
        out.unlink(missing_ok=True)
        Path(f"{out}.log").unlink(missing_ok=True)


def fill_store(folder: str, count: int) -> int:
    """Make a store with `count` posts and nothing traced, by columns; returns the count."""
    import pyarrow as pa

    from benchmarks.generate import grow

    forest = grow(count)
    path = Path(folder)
    with Store(path / "store.duckdb", path / "spill") as store:
        posts = pa.table({"post": pa.array(range(count)), "actor": forest.author, "parent": forest.parent})
        store.db.register("grown", posts)
        store.db.execute("INSERT INTO post_key SELECT post, 'x', post::VARCHAR FROM grown")
        store.db.execute(
            """INSERT INTO post BY NAME
               SELECT post, 'x' AS source, CASE WHEN parent = -1 THEN 'original' ELSE 'reply' END AS kind, actor,
                      make_timestamp(1600000000000000 + post * 50000) AS created_at,
                      CASE WHEN parent >= 0 THEN parent WHEN parent = -2 THEN post + 1000000000 END AS parent,
                      'collected' AS seen_as, make_timestamp(1700000000000000) AS seen_at, 1 AS batch,
                      make_timestamp(1900000000000000) AS expires_at FROM grown"""
        )
        store.db.execute("INSERT INTO to_trace SELECT post FROM post")
    return count
