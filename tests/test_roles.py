"""Roles and explanations: every figure recomputed from the posts by plain SQL or by hand."""

import json
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sna
from sna.graphs import methods
from sna.graphs.actors import role_columns
from sna.graphs.roles import COMPONENTS, RANKED, ROLES, percentiles
from tests.conftest import reply, tweet


@pytest.fixture
def town(case, write):
    """Ada's call draws bob and cleo, who answer; dan answers a post that is missing; eve reposts the call."""
    at = "2026-03-0{}T12:0{}:00Z"
    case.import_files(
        [
            write(
                tweet(
                    "1", "ada", created_at=at.format(1, 0), text="Please share this and join us tomorrow at the bridge"
                ),
                reply("2", "1", "bob", created_at=at.format(1, 1)),
                reply("3", "1", "cleo", created_at=at.format(1, 2)),
                reply("4", "2", "ada", created_at=at.format(1, 3)),
                reply("5", "999", "dan", created_at=at.format(1, 4)),
                tweet("6", "eve", created_at=at.format(1, 5), referenced_tweets=[{"type": "retweeted", "id": "1"}]),
                tweet("7", "ada", created_at=at.format(2, 0), text="A second day"),
                reply("8", "7", "bob", created_at=at.format(2, 1)),
            )
        ]
    )
    case.read_texts()
    return case


def actor(case, name: str, **options) -> dict:
    return case.actors(**options).filter(pl.col("id") == name).row(0, named=True)


def test_who_organises_is_counted_by_the_people_moved(town):
    ada = actor(town, "ada", role="organises")
    assert town.actors(role="organises")["id"][0] == "ada"
    assert (ada["actors_drawn"], ada["calls_made"], ada["call_takers"], ada["actors_moved"]) == (2, 1, 3, 3)
    assert (ada["threads_drawing"], ada["days_starting"]) == (2, 2)
    finer = (
        np.mean([ada[f"{n}_pct"] for n in ("threads_drawing", "brokerage", "early_position", "days_starting")]) / 100
    )
    assert ada["organises_score"] == pytest.approx(3 + finer, abs=1e-3)
    assert actor(town, "dan")["organises_score"] == 0


def test_who_speaks_acts_and_interacts(town):
    ada, bob, dan, eve = (actor(town, name) for name in ("ada", "bob", "dan", "eve"))
    assert (ada["own_posts"], ada["reach"], eve["own_posts"], eve["reposts_sent"]) == (3, 3, 0, 1)
    assert ada["conversation_share"] == 0.5
    assert (eve["calls_answered"], bob["calls_answered"], dan["calls_answered"]) == (1, 1, 0)
    assert (ada["partners"], ada["reciprocated"], bob["reciprocated"]) == (3, pytest.approx(1 / 3, abs=1e-4), 1.0)
    assert (dan["unrooted_posts"], ada["unrooted_posts"]) == (1, 0)


@pytest.mark.parametrize("role", ROLES)
def test_a_score_is_its_formula_over_columns_that_are_output_and_lies_in_its_interval(town, role):
    for row in town.actors(role=role).filter(pl.col("posts") > 0).iter_rows(named=True):
        if role != "organises":
            mean = np.mean([row[f"{name}_pct"] for name in COMPONENTS[role]])
            assert row[f"{role}_score"] == pytest.approx(mean, abs=1e-3)
        assert row[f"{role}_low"] <= row[f"{role}_high"]
        assert set(role_columns(role)) <= set(row)


def test_the_interval_holds_the_score_of_those_who_took_part_in_many_threads(case, data):
    case.import_files([data("twitter_v1_rumoureval2017") / "tweets_v1.jsonl.gz"])
    top = case.actors(role="organises", limit=20)
    assert (top["organises_low"] <= top["organises_score"]).all()
    assert (top["organises_score"] <= top["organises_high"] + 0.01).all()


def test_sources_of_the_threads_that_drew_most_actors_come_first(case, data):
    folder = data("twitter_v1_rumoureval2017")
    case.import_files([folder / "tweets_v1.jsonl.gz"])
    with case._reader() as store:
        drawn = store.rows(
            """SELECT a.native_id, count(DISTINCT p.actor) AS others FROM thread_post t
               JOIN post r ON r.post = t.top JOIN post p ON p.post = t.post JOIN actor a ON a.actor = r.actor
               WHERE t.depth > 0 AND p.actor <> r.actor GROUP BY 1 ORDER BY 2 DESC"""
        )
    ranked = case.actors(role="organises", limit=25)
    assert ranked["actors_drawn"].to_list() == [others for _, others in drawn[:25]]
    assert ranked["id"][0] == drawn[0][0]
    largest = {
        thread["top"]: thread["first_poster"]
        for thread in json.loads((folder / "expected.json").read_text())["largest_threads"]
    }
    for top, poster in largest.items():
        assert case.thread(top).first_poster == poster


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_percentiles_are_mid_ranks(values):
    array = np.array(values, float)
    expected = [100 * ((array < v).sum() + (array == v).sum() / 2) / len(array) for v in array]
    assert percentiles(array) == pytest.approx(expected, abs=0.006)


def test_every_figure_of_an_actor_is_explained_by_its_posts(town):
    found = {part.name: part for part in town.explain("ada", limit=None).components}
    posts = {name: {e.post for e in part.evidence} for name, part in found.items()}
    assert posts["own_posts"] == {"1", "4", "7"}
    assert posts["actors_drawn"] == {"2", "3", "8"}
    assert posts["actors_moved"] == {"2", "3", "6", "8"}
    assert posts["threads_drawing"] == {"1", "7"}
    assert posts["calls_made"] == {"1"}
    assert posts["call_takers"] == {"2", "3", "6"}
    assert posts["reach"] == {"2", "3", "6", "8"}
    assert found["organises_score"].rank == 1
    counted = ("own_posts", "reposts_sent", "links_shared", "calls_answered", "calls_made", "threads_drawing")
    for who in ("bob",):
        parts = {part.name: part for part in town.explain(who).components}
        for name in (*counted, "unrooted_posts", "replies_received", "reposts_received"):
            assert parts[name].value == parts[name].posts, (who, name)


def test_figures_of_real_accounts_are_those_of_plain_sql(case, data):
    case.import_files([data("twitter_v1_rumoureval2017") / "tweets_v1.jsonl.gz"])
    with case._reader() as store:
        for handle in ("jlpauk",):
            key = store.value("SELECT actor FROM actor_label WHERE handle = ?", handle)
            told = {part.name: part.value for part in sna.graphs.explain.explain_actor(store, handle).components}
            assert told["own_posts"] == store.value("SELECT count(*) FROM post WHERE actor = ?", key)
            assert told["reach"] == store.value(
                """SELECT count(DISTINCT r.actor) FROM post r JOIN post p ON p.post = r.parent
                   WHERE p.actor = $k AND r.actor <> $k""",
                {"k": key},
            )
            assert told["links_shared"] == store.value(
                "SELECT count(*) FROM post WHERE actor = ? AND len(urls) > 0", key
            )
            assert told["partners"] == store.value(
                """SELECT count(DISTINCT other) FROM (
                       SELECT m.actor AS other FROM mention m JOIN post p USING (post) WHERE p.actor = $k
                       UNION SELECT p.actor FROM mention m JOIN post p USING (post) WHERE m.actor = $k
                       UNION SELECT q.actor FROM post p JOIN post q ON q.post = p.parent WHERE p.actor = $k
                       UNION SELECT p.actor FROM post p JOIN post q ON q.post = p.parent WHERE q.actor = $k)
                   WHERE other <> $k""",
                {"k": key},
            )


def test_a_post_a_thread_and_an_edge_are_explained(town, run):
    post = town.explain("1", limit=None)
    assert {part.name: part.value for part in post.components}["replies_received"] == 2
    assert {span["label"] for span in post.subject["spans"]} >= {"call:spread", "call:meet"}
    thread = town.explain("4", is_thread=True)
    assert (thread.subject["first_poster"], thread.subject["posts"], thread.subject["actors"]) == ("ada", 4, 3)
    edge = town.explain("ada", "bob")
    assert {part.name: part.posts for part in edge.components} == {"reply: bob to ada": 2, "reply: ada to bob": 1}
    assert "call:meet" in run("explain", "1", case=town).out
    hidden = run("explain", "1", "--no-text", case=town).out
    assert "bridge" not in hidden
    assert "join us" not in hidden
    assert '"text"' not in run("explain", "ada", "--no-text", "--json", case=town).out


def test_an_orphan_thread_names_no_first_poster(town):
    assert town.explain("5", is_thread=True).subject["first_poster"] is None


@pytest.mark.parametrize("arguments", [("nobody",), ("ada", "nobody"), ("6", "--thread")])
def test_what_is_not_there_cannot_be_explained(town, run, arguments):
    assert run("explain", *arguments, case=town).code == 2


def test_no_output_column_lacks_a_method(town):
    from sna.graphs.coordination import Search
    from sna.language.findings import WHAT

    measured = town.network().measured()
    timeline = town.timeline("1h")
    named = town.communities(smallest=1)
    together = town.coordination(Search(("repost", "url", "text", "hashtag", "reply"), min_shared=1))
    frames = [town.threads(), town.conversations(), town.origins("hashtag"), measured.nodes, measured.edges]
    frames += [town.actors(role=role) for role in ROLES] + [town.texts(what)[0] for what in WHAT]
    frames += [
        timeline.table,
        timeline.bursts,
        town.first_seen(),
        town.response_times("1h"),
        town.network_by_step("1h"),
    ]
    frames += [named.communities, named.bridges, together.pairs, together.groups]
    names = {name for frame in frames for name in frame.columns if not name.startswith("series ")}
    facts = (measured.facts or {}, named.facts, together.facts)
    names |= {name for found in facts for name in found}
    names |= set(sna.graphs.origins.Origin.__slots__) - {"item", "carriers", "figures", "groups"}
    names |= set(town.status().__slots__)
    covered = {name for method in methods.all_methods() for name in method.columns}
    assert sorted(names - covered) == []


def test_every_method_says_what_it_means_and_cannot_tell(run):
    for method in methods.all_methods():
        assert all((method.definition, method.formula, method.inputs, method.limits, method.source)), method.name
    shown = run("methods", "early_position").out
    assert "role-organises" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert run("methods", "no-such").code == 2
    assert len(run("methods", "--json").json()["methods"]) == len(methods.all_methods())


def test_no_measure_speaks_of_danger_intent_or_truth():
    scored = set(RANKED) | {f"{role}_score" for role in ROLES}
    for word in ("bot", "risk", "danger", "threat", "trust", "loyal", "radical"):
        assert not [name for name in scored if word in name]


def test_a_role_without_language_run_counts_no_calls(case, write):
    case.import_files([write(tweet("1", "ada", text="Please share"), reply("2", "1", "bob"))])
    ada = actor(case, "ada", role="organises")
    assert (ada["calls_made"], ada["actors_drawn"]) == (0, 1)
    assert isinstance(ada["first_at"], datetime)


def test_ranking_by_a_role_prints_its_formula(town, run):
    shown = run("actors", "--role", "organises", case=town)
    assert "actors_moved" in shown.err
    assert max(map(len, shown.out.splitlines())) <= 80
    assert run("actors", "--role", "leads", case=town).code == 2
