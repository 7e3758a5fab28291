"""Reddit: the recorded tree with everything that was held back, and posts that lost their words."""

import json

import pytest

from sna.collectors.base import Ask, What
from sna.collectors.pace import Pace
from tests.servers import reddit


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv("SNA_REDDIT_CLIENT_ID", reddit.CLIENT_ID)
    monkeypatch.setenv("SNA_REDDIT_CLIENT_SECRET", reddit.CLIENT_SECRET)


def collect(case, server, what, query="", **fields):
    return case.collect("reddit", [Ask(what, query, **fields)], {"endpoint": server.address}, Pace(first_wait=0.01))


def test_the_recorded_submission_comes_with_every_comment(data, case):
    folder = data("reddit_api")
    expected = json.loads((folder / "expected.json").read_text())
    server = reddit.replay(folder / "responses.jsonl.gz")
    collect(case, server, What.THREAD, "https://www.reddit.com/r/funny/comments/3hahrw/title/")
    server.close()
    status = case.status()
    assert (status.posts, status.max_depth, status.missing_parents) == (542, 12, 0)
    assert "542" in json.dumps(expected)
    (thread,) = case.threads(limit=1).iter_rows(named=True)
    assert (thread["posts"], thread["first_poster_handle"]) == (542, "your_local_librarian")


def test_listing_search_and_account(case):
    submissions = [reddit.submission(f"s{n}") for n in range(35)]
    server = reddit.RedditServer(submissions, [])
    assert collect(case, server, What.LISTING, "r/portlune/new").pages == 4
    assert case.status().posts == 35
    assert collect(case, server, What.SEARCH, "portlune: flood").tally.duplicates == 35
    assert collect(case, server, What.POSTS, "u/first").tally.duplicates == 35
    server.close()


def test_missing_parents_are_fetched_with_the_rest_of_the_tree(case):
    comments = [reddit.comment(0, "t3_top")] + [reddit.comment(n, f"t1_c{n - 1}") for n in range(1, 20)]
    server = reddit.RedditServer([reddit.submission("top", num_comments=20)], comments)
    collect(case, server, What.LOOKUP, "t1_c15")
    assert case.thread("t1_c15").root_status == "missing"
    filled = case.collect_missing(pace=Pace(first_wait=0.01))
    server.close()
    assert filled.remaining == []
    assert case.status().posts == 21
    assert case.thread("t1_c15").first_poster_handle == "first"


def test_words_that_are_gone_there_are_gone_here(case):
    comments = [reddit.comment(0, "t3_top"), reddit.comment(1, "t1_c0")]
    server = reddit.RedditServer([reddit.submission("top")], comments)
    collect(case, server, What.THREAD, "t3_top")
    server.things["t1_c0"] |= {"body": "[deleted]", "author": "[deleted]"}
    server.things["t1_c1"] |= {"body": "[removed]"}
    collect(case, server, What.THREAD, "t3_top")
    with case._reader() as store:
        rows = store.rows(
            """SELECT native_id, text, state, actor FROM post JOIN post_key USING (post)
               WHERE native_id LIKE 't1%' ORDER BY 1"""
        )
    assert [row[:3] for row in rows] == [("t1_c0", None, "deleted"), ("t1_c1", None, "removed")]
    assert rows[0][3] is None
    assert case.status().max_depth == 2
    assert case.status().awaiting_purge == 2
    gathered = collect(case, server, What.DELETIONS)
    server.close()
    assert gathered.tally.deleted == 2
    assert case.status().posts == 1


def test_an_unknown_submission_and_a_wrong_name(case, run):
    server = reddit.RedditServer([], [])
    failed = run("collect", "reddit", "t3_none", "--what", "thread", "--endpoint", server.address, case=case)
    assert (failed.code, failed.err.count("\n")) == (4, 1)
    assert run("collect", "reddit", "../../x", "--endpoint", server.address, case=case).code == 2
    server.close()
