"""Exports: every format reads back, the official GEXF schema holds, and hostile text is inert in all of them."""

import csv
import json
from datetime import timedelta

import networkx as nx
import polars as pl
import pytest
from conftest import HOSTILE, NOON

import sna
from sna import Post
from sna.exports.files import SUFFIXES, export_network
from sna.exports.tables import node_and_edge_files
from sna.exports.text import for_html, for_script, for_terminal
from sna.post import Mention


def exported(case: sna.Case, tmp_path, name: str, network: str = "interactions", **options):
    measured = case.network(network).measured()
    export_network(measured, tmp_path / name, **options)
    return tmp_path / name, measured


NETWORKS = ("interactions", "posts", "hashtags", "urls", "hashtag-pairs", "url-actors")


@pytest.mark.parametrize("network", NETWORKS)
def test_gexf_reads_back_and_is_valid(hostile, tmp_path, data, network):
    etree = pytest.importorskip("lxml.etree")
    schema = etree.XMLSchema(etree.parse(str(data("schemas") / "gexf-1.3" / "gexf.xsd")))
    for dynamic in (False, True):
        if dynamic and hostile.network(network).events is None:
            continue
        path, measured = exported(hostile, tmp_path, "o.gexf", network, dynamic=dynamic, with_layout=True)
        schema.assertValid(etree.parse(str(path)))
        graph = nx.read_gexf(path, version="1.3")
        assert (graph.number_of_nodes(), graph.number_of_edges()) == (measured.nodes.height, measured.edges.height)
        assert graph.is_directed() == measured.directed
        weights = sorted(weight for _, _, weight in graph.edges(data="weight"))
        assert weights == sorted(measured.edges["weight"].to_list())


@pytest.mark.parametrize("network", NETWORKS)
def test_other_formats_read_back(hostile, tmp_path, network):
    path, measured = exported(hostile, tmp_path, "o.graphml", network)
    graph = nx.read_graphml(path)
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (measured.nodes.height, measured.edges.height)
    assert all(isinstance(rank, float) for _, rank in graph.nodes(data="pagerank"))
    path, _ = exported(hostile, tmp_path, "o.json", network)
    content = json.loads(path.read_text("utf-8"))
    assert (len(content["nodes"]), len(content["edges"])) == (measured.nodes.height, measured.edges.height)
    keys = {node["key"] for node in content["nodes"]}
    assert len(keys) == measured.nodes.height
    assert all(edge["source"] in keys and edge["target"] in keys for edge in content["edges"])
    for suffix, read in ((".csv", pl.read_csv), (".parquet", pl.read_parquet)):
        path, _ = exported(hostile, tmp_path, f"o{suffix}", network)
        nodes, edges = map(read, node_and_edge_files(path))
        assert (nodes.height, edges.height) == (measured.nodes.height, measured.edges.height)
        assert set(edges["Source"]) | set(edges["Target"]) <= set(nodes["Id"])


@pytest.mark.parametrize("suffix", [s for s in SUFFIXES if s != ".parquet"])
@pytest.mark.parametrize("network", NETWORKS)
def test_no_export_carries_control_or_direction_characters(hostile, tmp_path, suffix, network):
    path, _ = exported(hostile, tmp_path, f"o{suffix}", network)
    for file in node_and_edge_files(path) if suffix == ".csv" else [path]:
        text = file.read_text("utf-8")
        assert not {c for c in text if c < " " and c not in "\t\n\r"}
        assert not set(text) & set("\x7f\x9b\u202e\u200b\u2028\ufffe\uffff")
        assert "<script>" not in text or suffix == ".csv"


def test_csv_cells_start_no_formula(hostile, tmp_path):
    path, _ = exported(hostile, tmp_path, "o.csv")
    with node_and_edge_files(path)[0].open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for name in ("Id", "Label", "handle", "name", "native_id"):
            assert not (row[name].strip() or "x").startswith(("=", "+", "-", "@", "|", "%")), row[name]
    assert "'=cmd|' /C calc'!A0" in {row["handle"] for row in rows}


def test_parquet_keeps_values_as_they_are(hostile, tmp_path):
    path, _ = exported(hostile, tmp_path, "o.parquet")
    assert set(HOSTILE) - {""} <= set(pl.read_parquet(node_and_edge_files(path)[0])["handle"]) | {"m"}


@pytest.mark.parametrize("text", HOSTILE)
def test_terminal_and_html_show_hostile_text_and_obey_none(text):
    line = for_terminal(text, 60)
    assert "\n" not in line
    assert line.isprintable()
    assert not set(for_html(text)) & set("<>\"'\x1b\u202e")
    assert "<" not in for_script(json.dumps(text))


def test_wide_characters_are_cut_at_columns_not_at_characters():
    assert for_terminal("你好你好", 5) == "你好…"
    assert for_terminal("abcdef", 6) == "abcdef"
    assert for_terminal(None) == "—"


def test_a_dynamic_export_carries_the_time_of_every_act(case, tmp_path):
    case.ingest(
        [
            Post("x", "1", "a", created_at=NOON),
            Post("x", "2", "b", created_at=NOON, reply_to="1"),
            Post("x", "3", "b", created_at=NOON + timedelta(hours=1), reply_to="1"),
        ]
    )
    path, _ = exported(case, tmp_path, "o.gexf", dynamic=True)
    text = path.read_text()
    edge = text[text.index("<edge ") :]
    assert edge.count('<spell timestamp="2026-03-01T1') == 2
    assert '<spell timestamp="2026-03-01T13:00:00.000Z"/>' in edge
    assert 'mode="dynamic"' in text


def test_networks_can_be_narrowed(case):
    case.ingest(
        [
            Post("x", "1", "hub"),
            *(Post("x", f"r{n}", f"a{n % 5}", reply_to="1", created_at=NOON) for n in range(8)),
            Post("x", "2", "far"),
            Post("x", "3", "away", reply_to="2"),
            Post("x", "4", "hub", reply_to="1"),
        ]
    )
    whole = case.interactions()
    assert (whole.nodes.height, whole.edges.height) == (8, 6)
    assert case.interactions(loops=True).edges.height == 7
    assert whole.narrowed(min_weight=2).edges["weight"].to_list() == [2, 2, 2]
    assert whole.narrowed(largest_component=True).nodes.height == 6
    assert whole.narrowed(min_weight=2).events.height == 6
    top = whole.narrowed(top=2)
    assert (top.nodes["native_id"].to_list(), top.edges.height) == (["a0", "hub"], 1)
    assert set(whole.narrowed(largest_component=True, top=3).to_networkx()) == {"x:hub", "x:a0", "x:a1"}
    with pytest.raises(sna.UsageError):
        whole.narrowed(top=0)


def test_interactions_of_each_kind_and_window(case):
    case.ingest(
        [
            Post("x", "1", "ann", created_at=NOON),
            Post(
                "x",
                "2",
                "bob",
                created_at=NOON + timedelta(hours=1),
                reply_to="1",
                reply_to_author="ann",
                mentions=(Mention("ann"), Mention("cat")),
            ),
            Post(
                "x",
                "3",
                "bob",
                created_at=NOON + timedelta(hours=2),
                reply_to="9",
                reply_to_author="dan",
                mentions=(Mention("dan"),),
            ),
            Post("x", "4", "eve", created_at=NOON + timedelta(hours=3), quote_of="1"),
            Post(
                "x",
                "5",
                "eve",
                created_at=NOON + timedelta(hours=4),
                repost_of="2",
                mentions=(Mention("bob"), Mention("ann")),
            ),
        ]
    )

    def edges(**window):
        network = case.interactions(**window)
        names = network.nodes["native_id"].to_list()
        return {
            (names[e["source"]], names[e["target"]], *(k for k in ("reply", "mention", "quote", "repost") if e[k]))
            for e in network.edges.iter_rows(named=True)
        }

    assert edges() == {
        ("bob", "ann", "reply"),
        ("bob", "cat", "mention"),
        ("bob", "dan", "reply"),
        ("eve", "ann", "quote"),
        ("eve", "bob", "repost"),
    }
    assert edges(kinds=["mention"]) == {("bob", "cat", "mention")}
    assert edges(since=NOON + timedelta(hours=2), until=NOON + timedelta(hours=4)) == {
        ("bob", "dan", "reply"),
        ("eve", "ann", "quote"),
    }
    row = dict(
        zip(
            ("received", "addressed"),
            case.actors().filter(pl.col("id") == "dan").select("replies_received", "replies_addressed").row(0),
            strict=True,
        )
    )
    assert row == {"received": 0, "addressed": 1}


def test_an_export_that_fails_leaves_no_file(case, tmp_path, run):
    case.ingest([Post("x", "1", "a"), Post("x", "2", "b", reply_to="1")])
    assert run("graph", "export", tmp_path / "o.docx", case=case).code == 2
    assert run("graph", "export", tmp_path / "no" / "o.gexf", case=case).code == 4
    assert run("graph", "export", tmp_path / "o.csv", "--dynamic", case=case).code == 2
    assert [p.name for p in tmp_path.iterdir()] == ["case"]
