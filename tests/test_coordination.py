"""Coordination: the pairs of a window, their network, and what chance alone would give."""

import json
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sna
from sna.graphs.bicm import expected_co_shares, expected_with_repeats, link_probability
from sna.graphs.coordination import Search, benjamini_hochberg, find_coordination
from sna.graphs.coshares import find_co_shares
from sna.post import Post
from sna.store.opening import Store
from sna.store.terms import Terms


def repost(number: int, actor: int, item: int, second: float):
    from datetime import datetime, timedelta

    at = datetime(2026, 3, 1) + timedelta(seconds=second)
    return Post(source="x", id=f"{number}", author_id=f"a{actor}", created_at=at, repost_of=f"item{item}")


shares = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 300)), max_size=40)


@settings(max_examples=12, deadline=None)
@given(shares, st.integers(0, 120))
def test_pairs_are_those_that_counting_by_hand_gives(tmp_path_factory, shares, window):
    case = sna.new_case(tmp_path_factory.mktemp("c") / "case", "t", "t", 9)
    case.ingest([repost(n, a, i, t) for n, (a, i, t) in enumerate(shares)])
    items: dict[tuple[int, int], set[int]] = {}
    close = 0
    for (a, i, t), (b, j, u) in combinations(shares, 2):
        if i == j and a != b and abs(t - u) <= window:
            items.setdefault((min(a, b), max(a, b)), set()).add(i)
            close += 1
    found = case.coordination(Search(window=window, min_shared=1))
    got = {
        tuple(sorted((int(r["actor"][1:]), int(r["other"][1:])))): r["shared"]
        for r in found.pairs.iter_rows(named=True)
    }
    assert got == {pair: len(common) for pair, common in items.items()}
    assert found.facts["share_pairs"] == {"repost": close}


def test_the_figures_of_the_real_retweets(case, data):
    from sna.formats.importer import ImportPlan

    folder = data("coordination_russian_retweets")
    mapping = {"id": "content_id", "author": "account_id", "created_at": "timestamp_share", "repost_of": "object_id"}
    case.import_files([folder / "russian_coord_tweets.csv.gz"], ImportPlan("table", mapping, "x"))
    for expected in json.loads((folder / "expected.json").read_text())["windows"]:
        found = case.coordination(Search(window=expected["window_seconds"]))
        facts = found.facts
        assert facts["share_pairs"]["repost"] == expected["share_pairs"]
        assert facts["actor_pairs"]["repost"] == expected["account_pairs"]
        assert facts["pairs"] == expected["account_pairs_with_2_or_more_objects"]
        assert facts["actors"] == expected["accounts_in_those"]
        assert facts["component_sizes"][:10] == expected["component_sizes_of_those"]
        top = found.pairs.sort("shared", descending=True).row(0, named=True)
        assert [*sorted((top["actor"], top["other"])), top["shared"]] == expected["top_pairs_by_objects"][0]


def test_many_items_over_many_years_are_told_apart(tmp_path):
    with Store(tmp_path / "s.duckdb", tmp_path / "spill", terms=Terms(9)) as store:
        store.db.execute(
            """CREATE TEMP TABLE share AS
               SELECT item, actor, TIMESTAMP '1995-01-01' + (item % 30) * INTERVAL 1 YEAR + actor * INTERVAL 1 SECOND
                   AS acted_at
               FROM range(20000) i(item), range(2) a(actor)"""
        )
        found = find_co_shares(store, 60)
        assert (found.share_pairs, found.actor_pairs) == (20_000, 1)
        assert store.rows("SELECT low, high, shared, gap_min FROM co_share") == [(0, 1, 20_000, 1.0)]


def test_a_share_with_oneself_is_no_pair(case):
    case.ingest([repost(n, 1, 1, n) for n in range(5)])
    assert case.coordination(Search(min_shared=1)).pairs.height == 0


def test_the_link_in_the_same_words_is_one_act_not_two(case):
    text = "read this about the tram it is important for everyone here"
    from datetime import datetime

    case.ingest(
        [
            Post(
                source="x",
                id=f"{n}",
                author_id=f"a{n}",
                created_at=datetime(2026, 3, 1),
                text=text,
                urls=("https://a.example",),
            )
            for n in range(2)
        ]
    )
    assert case.coordination(Search(("url", "text"))).pairs.height == 0
    assert case.coordination(Search(("url", "text"), min_shared=1)).pairs["url_shared"].to_list() == [1]


def test_a_planted_group_is_found_and_busy_accounts_and_viral_items_are_not(tmp_path):
    true, false, missed = planted(tmp_path, 1)
    assert false <= 0.01 * max(true, 1)
    assert missed == 0


@pytest.mark.long
def test_a_planted_group_is_found_over_twenty_seeds(tmp_path):
    results = [planted(tmp_path / str(seed), seed) for seed in range(100, 120)]
    assert sum(false for _, false, _ in results) <= 0.01 * sum(true for true, _, _ in results)
    assert sum(missed for _, _, missed in results) == 0


def planted(folder, seed: int) -> tuple[int, int, int]:
    """Return the significant pairs within a group of 12, those beside it, and the members in no such pair.

    20,000 accounts and 8,000 items of skewed activity, items that rise and fade, three items shared by thousands
    within an hour, repeated shares; the group does ten things within 40 seconds and something of its own besides.
    """
    random = np.random.default_rng(seed)
    accounts, items, days = 20_000, 8_000, 14 * 86_400
    activity = random.zipf(1.8, accounts).clip(1, 400).astype(float)
    popularity = random.zipf(1.7, items).clip(1, 2_000).astype(float)
    born = random.uniform(0, days, items)

    def ordinary(who, count):
        item = random.choice(items, count, p=popularity / popularity.sum())
        return who, item, born[item] + random.lognormal(8, 1.8, count)

    parts = [ordinary(random.choice(accounts, 100_000, p=activity / activity.sum()), 100_000)]
    for viral in range(3):
        who = random.choice(accounts, 3_000, p=activity / activity.sum())
        parts.append((who, np.full(3_000, items + viral), random.uniform(0, days) + random.exponential(1_800, 3_000)))
    group = np.arange(accounts, accounts + 12)
    for _ in range(10):
        who, item = group[random.random(12) < 0.85], random.integers(items)
        at = born[item] + random.lognormal(8, 1.8) + random.uniform(0, 40, len(who))
        parts.append((who, np.full(len(who), item), at))
    parts.append(ordinary(random.choice(group, 120), 120))
    actor, item, at = (np.concatenate([part[place] for part in parts]) for place in range(3))
    folder.mkdir(exist_ok=True)
    with Store(folder / f"{seed}.duckdb", folder / "spill", terms=Terms(9)) as store:
        rows = pl.DataFrame({"actor": actor, "item": item, "moment": (at * 1e6).astype(np.int64)})
        store.db.register("rows", rows.to_arrow())
        store.db.execute(
            """INSERT INTO post (post, source, kind, actor, repost_of, created_at, seen_as, seen_at, batch, expires_at)
               SELECT 1000000 + row_number() OVER (), 'x', 'repost', actor, item, make_timestamp(moment), 'collected',
                      TIMESTAMP '2026-01-01', 1, TIMESTAMP '2099-01-01' FROM rows"""
        )
        store.db.execute("INSERT INTO actor SELECT DISTINCT actor, 'x', actor::VARCHAR FROM rows")
        found = find_coordination(store).pairs.filter("is_significant")
    members = set(group.astype(str).tolist())
    is_true = [a in members and b in members for a, b in found.select("actor", "other").iter_rows()]
    met = {a for pair, ok in zip(found.select("actor", "other").iter_rows(), is_true, strict=True) if ok for a in pair}
    return sum(is_true), len(is_true) - sum(is_true), 12 - len(met)


def test_the_null_model_keeps_every_degree():
    rows, columns = np.array([1, 2, 7]), np.array([1, 3, 5])
    row_counts, column_counts = np.array([9, 4, 2]), np.array([6, 5, 2])
    p = link_probability(rows, columns, row_counts, column_counts)
    assert p @ column_counts == pytest.approx(rows, rel=1e-5)
    assert row_counts @ p == pytest.approx(columns, rel=1e-5)
    assert ((p > 0) & (p < 1)).all()


def test_chance_is_what_drawing_at_random_gives():
    random = np.random.default_rng(1)
    degree = np.full(40, 5)
    item_degree = np.full(20, 10)
    kinds, expected = expected_co_shares(degree, item_degree, np.ones(20))
    assert kinds.tolist() == [5]
    # Two of 40 actors with 5 of 20 items each share 20 * (1/4)^2 items on average.
    assert expected[0, 0] == pytest.approx(20 * 0.25**2, rel=0.01)
    s = np.array([30.0, 10.0, 5.0])
    mine = random.poisson(np.outer(np.full(200_000, 6), s / s.sum()))
    yours = random.poisson(np.outer(np.full(200_000, 9), s / s.sum()))
    closeness = np.array([0.02, 0.1, 0.3])
    drawn = (1 - (1 - closeness) ** (mine * yours)).sum(axis=1).mean()
    told = expected_with_repeats(np.array([54.0]), s, closeness)[0]
    assert told == pytest.approx(drawn, rel=0.25)
    assert told >= drawn


def test_adjusted_p_values_are_those_of_the_textbook():
    p = np.array([0.01, 0.04, 0.03, 0.005])
    assert benjamini_hochberg(p, 4) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert benjamini_hochberg(p, 8) == pytest.approx([0.04, 0.08, 0.08, 0.04])


def test_the_command_says_that_coordination_is_not_guilt_and_writes_the_network(case, run, tmp_path):
    case.ingest([repost(10 * item + actor, actor, item, item * 600 + actor) for item in range(4) for actor in range(3)])
    out = tmp_path / "net.gexf"
    shown = run("coordination", "--out", out, case=case)
    assert "not guilt" in shown.err
    assert out.exists()
    content = run("coordination", "--json", case=case).json()
    assert content["pairs"][0]["shared"] == 4
    assert content["groups"][0]["actors"] == 3
    assert content["caution"]


@pytest.mark.parametrize("options", [("--by", "mood"), ("--by", ""), ("--fdr", "2"), ("--window", "-1")])
def test_what_cannot_be_is_refused(case, run, options):
    assert run("coordination", *options, case=case).code == 2
