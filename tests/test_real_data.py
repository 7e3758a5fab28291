"""The real data sets come out with their known figures, through the command line.

Where a set counts otherwise than sna does, the test says so: the sets count reposts as nodes of their own
threads of one, while here a repost is no node of a thread, so `true_roots` and depth 0 leave reposts out.
"""

import gzip
import json
from collections import Counter

import pytest

pytestmark = pytest.mark.long


@pytest.fixture
def imported(case, run):
    """Import files and return a function that runs a command on the case with --json."""

    def begin(*files, options=()):
        assert run("import", *files, *options, case=case).code == 0
        return lambda *command: run(*command, "--json", case=case).json()

    return begin


def depths(case) -> dict[str, int]:
    with case._reader() as store:
        return {
            str(depth): int(count) for depth, count in store.rows("SELECT depth, count(*) FROM thread_post GROUP BY 1")
        }


def check_figures(case, ask, expected, posts_beyond=0, name="first_poster"):
    """Compare a case with a set's expected.json; `posts_beyond` posts are stored that the set does not count."""
    status = ask("status")
    reposts = status["by_kind"]["repost"]
    assert status["posts"] == expected["nodes"] + posts_beyond
    assert status["actors"] == expected["authors"]
    assert status["replies"] == expected["replies"]
    assert status["orphan_replies"] == expected["orphan_replies"]
    assert status["replies_with_parent"] == expected["replies"] - expected["orphan_replies"]
    assert status["missing_parents"] == expected["distinct_absent_parents"]
    assert status["threads"] == expected["threads"]
    assert status["max_depth"] == expected["max_depth"]
    assert status["cycles"] == 0
    assert status["older_than_parent"] == expected["replies_older_than_parent"]
    assert status["true_roots"] == expected["true_roots"] + posts_beyond - reposts
    histogram = expected["depth_histogram"] | {"0": expected["depth_histogram"]["0"] + posts_beyond - reposts}
    assert depths(case) == histogram
    listed = {t["top"]: t for t in ask("threads", "list", "--limit", 0)["threads"]}
    for thread in expected["largest_threads"]:
        found = listed[thread["top"]]
        assert (found["posts"], found["depth"]) == (thread["size"], thread["max_depth"])
        if found["root_status"] == "observed":
            assert found[name] == thread["first_poster"]
        else:
            assert found["first_poster"] is None
    is_true = [t for t in listed.values() if t["root_status"] == "observed"]
    assert len(is_true) == expected["threads_with_true_root"]


def check_actors(
    ask,
    expected,
    name="id",
    counts=(("replies_received", "top_authors_by_replies_received"), ("posts", "top_authors_by_posts")),
):
    for column, key in counts:
        found = {a[name]: a[column] for a in ask("actors", "--sort", column, "--limit", 30)["actors"]}
        for actor, count in expected[key]:
            assert found[actor] == count


def load(folder):
    return json.loads((folder / "expected.json").read_text())


def test_rumoureval_threads_and_first_posters(case, data, imported):
    folder = data("twitter_v1_rumoureval2017")
    ask = imported(folder / "tweets_v1.jsonl.gz")
    expected = load(folder)
    check_figures(case, ask, expected)
    check_actors(ask, expected)
    with gzip.open(folder / "tweet_index.jsonl.gz", "rt") as lines:
        index = [json.loads(line) for line in lines]
    source_of = {row["thread"]: row for row in index if row["role"] == "source"}
    with case._reader() as store:
        tops = dict(
            store.rows(
                """SELECT k.native_id, t.native_id FROM thread_post p JOIN post_key k USING (post)
               JOIN post_key t ON t.post = p.top"""
            )
        )
        edges = dict(
            store.rows(
                """SELECT k.native_id, q.native_id FROM post p JOIN post_key k USING (post)
                   JOIN post_key q ON q.post = p.parent"""
            )
        )
    ids = [str(row.get("id") or row.get("tweet_id")) for row in index]
    threads = {str(row.get("id") or row.get("tweet_id")): str(row["thread"]) for row in index}
    assert len(source_of) == 297
    assert all(tops[tweet] == threads[tweet] for tweet in ids)

    compared = 0
    with gzip.open(folder / "threads_structure.jsonl.gz", "rt") as lines:
        for line in lines:
            row = json.loads(line)
            waiting = [(None, next(v for v in row.values() if isinstance(v, dict)))]
            while waiting:
                parent, children = waiting.pop()
                for child, below in (children or {}).items():
                    if parent in tops and child in tops:
                        assert edges[child] == parent
                        compared += 1
                    waiting.append((child, below if isinstance(below, dict) else {}))
    assert compared == expected["annotated_edges_comparable"] == 4222


def test_rumoureval_import_is_idempotent_and_order_free(case, data, imported, run):
    file = data("twitter_v1_rumoureval2017") / "tweets_v1.jsonl.gz"
    ask = imported(file)
    before = ask("threads", "list", "--limit", 0)
    again = run("import", file, "--json", case=case).json()
    assert (again["stored"], again["duplicates"], again["updated"]) == (0, 4519, 0)
    assert ask("threads", "list", "--limit", 0) == before


def test_hk2_orphans_have_no_first_poster(case, data, imported):
    folder = data("twitter_v2")
    ask = imported(*sorted(folder.glob("academictwitter_hk2__data_*")))
    expected = load(folder)["academictwitter_hk2"]
    check_figures(case, ask, expected)
    check_actors(ask, expected)
    status = ask("status")
    assert status["orphan_replies"] == 687
    assert status["by_kind"]["repost"] == expected["references_in_data"]["retweeted"]
    orphan_threads = ask("threads", "list", "--limit", 0, "--min-posts", 1, "--root-status", "missing")["threads"]
    assert len(orphan_threads) == 687
    assert all(t["first_poster"] is None and t["first_poster_handle"] is None for t in orphan_threads)
    received = {
        a["id"]: a["reposts_received"] for a in ask("actors", "--sort", "reposts_received", "--limit", 5)["actors"]
    }
    assert received["1313128625680592896"] == 961


def test_hk2_user_files_name_the_actors_and_bring_the_posts_that_they_include(case, data, imported):
    folder = data("twitter_v2")
    ask = imported(*sorted(folder.glob("academictwitter_hk2__data_*")), *sorted((folder / "users_hk2").glob("*")))
    status = ask("status")
    # The user files are the `includes` of the same answers: their posts fill gaps, as referenced.
    assert status["posts"] - status["referenced"] == 3498
    assert status["orphan_replies"] < 687
    assert ask("actors", "--sort", "posts", "--limit", 1)["actors"][0]["handle"]


@pytest.mark.parametrize(
    "name",
    [
        "twarc_network_blm",
        "twarc_csv_brexit",
        "twarc_csv_cashtags",
        "twarc_csv_kpop",
        "twarc_csv_noflat",
        "twarc_csv_streaming_output_with_error",
        "twarc_csv_users",
        "twarc_csv_withheld",
    ],
)
def test_x_v2_pages(case, data, imported, name):
    folder = data("twitter_v2")
    expected = load(folder)[f"{name}.jsonl.gz"]
    ask = imported(folder / f"{name}.jsonl.gz")
    check_figures(case, ask, expected)
    check_actors(ask, expected)
    assert ask("status")["quarantined"] == expected.get("lines_not_json", 0)


def test_x_v2_flattened_lines_equal_their_pages(case, data, imported):
    folder = data("twitter_v2")
    # The set counts the 100 top-level posts alone; the lines hold the posts that they refer to, 164 in all,
    # which are those of the same answers as pages.
    ask = imported(folder / "twarc_csv_flat.jsonl.gz")
    assert ask("status")["posts"] - ask("status")["referenced"] == 100
    check_figures(case, ask, load(folder)["twarc_csv_noflat.jsonl.gz"])


def test_reddit_tree(case, data, imported):
    folder = data("reddit_api")
    ask = imported(folder / "things.jsonl.gz")
    expected = load(folder)
    check_figures(case, ask, expected)
    check_actors(ask, expected)


def test_reddit_answers_give_the_same_tree(case, data, imported, unwrapped):
    folder = data("reddit_api")
    ask = imported(unwrapped(folder / "responses.jsonl.gz"))
    check_figures(case, ask, load(folder))


def test_mastodon_answers(data, unwrapped, run, tmp_path):
    import sna

    folder = data("mastodon_api")
    expected = load(folder)
    seen = 0
    for name, figures in expected.items():
        if not name.startswith("get_") or "authors" not in figures:
            continue
        case = sna.new_case(tmp_path / name, "p", "b", 1)
        assert run("import", unwrapped(folder / name), case=case).code == 0
        # The set names authors by handle; the actor is the account's id.
        check_figures(
            case, lambda *c, case=case: run(*c, "--json", case=case).json(), figures, name="first_poster_handle"
        )
        seen += 1
    assert seen >= 6


def test_mastodon_streams(case, data, imported):
    folder = data("mastodon_api")
    expected = load(folder)
    ask = imported(folder / "stream_mastodonsocial.jsonl.gz")
    assert ask("status")["posts"] == expected["stream_mastodonsocial.jsonl.gz"]["nodes"]


def test_a_broken_mastodon_stream_keeps_what_is_whole(case, data, imported):
    ask = imported(data("mastodon_api") / "stream_malformed.txt.gz")
    status = ask("status")
    assert status["quarantined"] > 0
    assert status["posts"] + status["duplicates"] + status["quarantined"] == 50


def test_bluesky_answers(data, unwrapped, run, tmp_path):
    import sna

    folder = data("bluesky_api")
    for name, figures in load(folder).items():
        if not figures.get("nodes"):
            continue
        case = sna.new_case(tmp_path / name, "p", "b", 1)
        assert run("import", unwrapped(folder / name), case=case).code == 0
        status = run("status", "--json", case=case).json()
        # The set counts no embedded quotes and no repost events; both are posts here, quotes as referenced.
        reposts = status["by_kind"]["repost"]
        assert reposts == figures.get("repost_events", 0)
        assert status["posts"] - reposts >= figures["nodes"]
        assert status["replies"] >= figures["replies"]
        assert status["max_depth"] == figures["max_depth"]
        listed = {t["top"]: t for t in run("threads", "list", "--limit", 0, "--json", case=case).json()["threads"]}
        for thread in figures["largest_threads"]:
            found = listed[thread["top"]]
            assert (found["posts"], found["depth"]) == (thread["size"], thread["max_depth"])
            assert found["first_poster_handle"] in (thread["first_poster"], None)


def test_irc_lines_as_a_table(case, data, imported):
    folder = data("irc_ubuntu_replies")
    maps = ("id=id", "author=author", "created_at=date", "text=text", "reply_to=reply_to")
    ask = imported(
        folder / "messages.jsonl.gz",
        options=("--format", "table", "--source", "ubuntu", *(part for m in maps for part in ("--map", m))),
    )
    expected = load(folder)["messages.jsonl.gz"]
    status = ask("status")
    # The set's forest is the annotated lines and their parents (68,074); here each line is a post.
    assert status["posts"] == 220_463
    assert status["replies"] == status["replies_with_parent"] == expected["replies"]
    assert status["threads"] == expected["threads"]
    assert status["max_depth"] == expected["max_depth"] == 103
    assert {d: n for d, n in depths(case).items() if d != "0"} == {
        d: n for d, n in expected["depth_histogram"].items() if d != "0"
    }
    listed = {t["top"]: t for t in ask("threads", "list", "--limit", 20)["threads"]}
    for thread in expected["largest_threads"]:
        found = listed[thread["top"]]
        assert (found["posts"], found["depth"]) == (thread["size"], thread["max_depth"])
        assert f"ubuntu/{found['first_poster']}" == thread["first_poster"]
    received = {f"ubuntu/{a['id']}": a["replies_received"] for a in ask("actors", "--limit", 20)["actors"]}
    for actor, count in expected["top_authors_by_replies_received"]:
        assert received[actor] == count


def test_coordination_table_as_reposts(case, data, imported):
    folder = data("coordination_russian_retweets")
    maps = ("id=content_id", "author=account_id", "created_at=timestamp_share", "repost_of=object_id")
    ask = imported(
        folder / "russian_coord_tweets.csv.gz",
        options=("--format", "table", "--source", "x", *(part for m in maps for part in ("--map", m))),
    )
    expected = load(folder)
    status = ask("status")
    # 40 content ids stand in several rows: one post each, 39 of the repeated rows contradict the first.
    assert status["posts"] == expected["contents"]
    assert status["posts"] + status["duplicates"] == expected["rows"]
    assert status["actors"] == expected["accounts"]
    assert Counter(status["by_kind"])["repost"] == expected["contents"]
