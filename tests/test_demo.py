"""The fictional case: the same at every run, with everything in it that a real one would have."""

import hashlib

import networkx as nx

from sna.demo import run_demo


def test_it_has_what_a_case_has(demo):
    status = demo.status
    assert set(status.by_source) == {"x", "mastodon", "bluesky", "reddit", "forum", "open311"}
    assert min(status.by_kind.values()) > 0
    assert status.missing_parents > 3
    assert status.deleted == 1
    assert status.quarantined == 0
    assert demo.tally.read == demo.tally.stored + demo.tally.duplicates + demo.tally.dropped
    assert "unknown" not in demo.threads["root_status"].to_list()


def test_its_coordinated_group_reposts_together(lune):
    reposts = lune.interactions(kinds=["repost"])
    group = [
        n for n, name in zip(reposts.nodes["node"], reposts.nodes["label"], strict=True) if "echo_du_large" in name
    ]
    assert len(group) == 8
    edges = reposts.edges.filter(reposts.edges["source"].is_in(group) & reposts.edges["target"].is_in(group))
    assert edges["weight"].sum() == 5 * 8 - 5


def test_its_exports_open(demo):
    for file in demo.files:
        assert file.stat().st_size > 0
        if file.suffix == ".gexf":
            assert nx.read_gexf(file, version="1.3").number_of_nodes() > 100


def test_it_is_the_same_at_every_run(demo, tmp_path):
    again = run_demo(tmp_path / "case")

    def digest(files):
        return [hashlib.sha256(f.read_bytes()).hexdigest() for f in files]

    assert digest(again.files) == digest(demo.files)
    assert again.threads.equals(demo.threads)


def test_a_second_run_in_the_same_folder_adds_nothing(own_lune, run):
    before = own_lune.status().posts
    second = run("demo", own_lune.folder.path, "--json").json()
    assert second["status"]["posts"] == before


def test_it_leaves_other_cases_alone(case, run):
    assert run("demo", case.folder.path).code == 3
