"""Tables of any kind, whose columns the user maps: CSV, JSON Lines, Parquet."""

from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
from test_import_formats import figures, only_node

COLUMNS = {"id": "nr", "author": "who", "created_at": "when", "text": "what", "reply_to": "to", "hashtags": "tags"}


def test_csv_tables_with_quotes_and_line_breaks(case, write):
    path = write(
        "nr;who;when;what;to;tags",
        '1;ann;2026-03-01 12:00;"a ""b""\nc; d";;one two',
        "2;bob;2026-03-01 13:00;yes;1;",
        name="t.csv",
        end=b"",
    )
    assert figures(case, path, format="table", mapping=COLUMNS, source="forum", timezone="Europe/Paris") == (
        2,
        {"original": 1, "reply": 1},
        0,
    )
    node = only_node(case, "1")
    assert node.text == 'a "b"\nc; d'
    assert node.created_at.isoformat() == "2026-03-01T11:00:00"
    assert sorted(case.network("hashtags").nodes["label"]) == ["ann", "one", "two"]


def test_json_lines_tables_with_odd_column_names(case, write):
    mapping = {"id": "a/b", "author": "x~y", "text": "'; DROP TABLE post; --", "mentions": "m"}
    path = write({"a/b": 12345678901234567890, "x~y": "ann", "'; DROP TABLE post; --": "hi", "m": ["bob", "@Ann"]})
    assert figures(case, path, format="table", mapping=mapping)[0] == 1
    assert only_node(case, "12345678901234567890").text == "hi"
    assert case.status().mentioned_only == 1


def test_parquet_tables_with_times_and_lists(case, tmp_path):
    table = pa.table(
        {
            "nr": pa.array([2**62, 2**62 + 1]),
            "who": ["ann", "bob"],
            "what": ["a", None],
            "when": pa.array([datetime(2026, 3, 1, 12), None], pa.timestamp("us", "Europe/Paris")),
            "to": [None, str(2**62)],
            "tags": [["x", "y"], []],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    assert figures(case, tmp_path / "t.parquet", format="table", mapping=COLUMNS)[:2] == (
        2,
        {"original": 1, "reply": 1},
    )
    assert only_node(case, str(2**62)).created_at.isoformat() == "2026-03-01T12:00:00"


def test_a_table_without_list_columns_takes_hashtags_mentions_and_links_from_the_text(case, write):
    path = write(
        "id,author,text", "1,ann,hello @bob #Tram https://a.example/x (mail a@b.example)", "2,Bob,yes", name="t.csv"
    )
    figures(case, path, format="table", mapping={"id": "id", "author": "author", "text": "text"})
    assert case.interactions().edges.select("mention").rows() == [(1,)]
    assert case.interactions().nodes["label"].to_list() == ["Bob", "ann"]
    assert "tram" in case.network("hashtags").nodes["label"]
    assert "https://a.example/x" in case.network("urls").nodes["label"]
