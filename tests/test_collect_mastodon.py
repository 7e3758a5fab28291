"""Mastodon: recorded official answers through the real library, conversations in parts, federation, streams."""

import gzip
import json
import threading

import pytest

from sna.collectors.base import Ask, What
from sna.collectors.pace import Pace
from sna.collectors.watch import Job, Plan
from tests.servers import mastodon


def collect(case, address, what, query=""):
    return case.collect("mastodon", [Ask(what, query)], {"instance": address}, Pace(first_wait=0.01))


@pytest.fixture
def serve():
    servers = []

    def start(server):
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()


def test_the_recorded_timeline_of_an_account_comes_page_by_page(data, serve, case):
    server = serve(mastodon.replay(data("mastodon_api") / "get_account_statuses_limit.jsonl.gz"))
    gathered = collect(case, server.address, What.POSTS, "109302436954721982")
    status = case.status()
    assert gathered.pages == 6
    assert status.posts == 101
    assert (status.replies, status.orphan_replies, status.by_kind["repost"]) == (52, 46, 1)


def test_recorded_hashtag_and_public_timelines(data, serve, case):
    folder = data("mastodon_api")
    server = serve(
        mastodon.replay(
            folder / "get_timeline_hashtag_default.jsonl.gz", folder / "get_timeline_public_default.jsonl.gz"
        )
    )
    collect(case, server.address, What.HASHTAG, "#rstats")
    assert case.status().posts >= 5
    collect(case, server.address, What.PUBLIC)
    assert case.status().posts >= 25


def test_the_recorded_boosters_of_a_post_become_reposts(data, serve, case):
    server = serve(mastodon.replay(data("mastodon_api") / "get_reblogged_by_default.jsonl.gz"))
    gathered = collect(case, server.address, What.REPOSTS, "109294719267373593")
    kinds = case.status().by_kind
    assert kinds["repost"] == gathered.tally.stored > 30


def test_a_conversation_shown_in_parts_is_asked_for_until_it_is_whole(serve, case):
    statuses = [mastodon.status(1000, 1)]
    statuses += [mastodon.status(1000 + n, 1 + n % 6, 1000 + (n - 1) // 2) for n in range(1, 120)]
    server = serve(mastodon.MastodonServer(statuses, most_below=25))
    collect(case, server.address, What.THREAD, "1100")
    assert case.status().posts == 120
    assert case.status().missing_parents == 0
    assert case.thread(f"1100@{server.address.split('//')[1]}").first_poster_handle == "user1"


def test_missing_parents_are_fetched_from_the_server_that_named_them(serve, case):
    statuses = [mastodon.status(1000 + n, 1 + n % 3, 1000 + n - 1 if n else None) for n in range(30)]
    server = serve(mastodon.MastodonServer(statuses))
    collect(case, server.address, What.LOOKUP, "1029")
    del server.statuses["1010"]
    filled = case.collect_missing(pace=Pace(first_wait=0.01))
    assert [row["reason"] for row in filled.remaining] == ["not found"]
    assert case.status().posts == 19


def test_one_post_known_to_two_servers_is_one_post(serve, case):
    uri = "https://home.test/users/ada/statuses/1"
    author = {"id": "5", "acct": "ada@home.test", "display_name": "Ada", "url": "https://home.test/@ada"}
    one = serve(
        mastodon.MastodonServer([mastodon.status(111, 1, uri=uri, account=author), mastodon.status(112, 2, 111)])
    )
    answer = mastodon.status(991, 3, 990, uri="https://two.test/users/c/statuses/9")
    two = serve(mastodon.MastodonServer([mastodon.status(990, 1, uri=uri, account=author | {"id": "77"}), answer]))
    # The second server's answer is met before its parent: the parent is first known by a number of that server.
    collect(case, two.address, What.LOOKUP, "991")
    collect(case, one.address, What.HASHTAG, "flood")
    assert case.status().missing_parents == 1
    gathered = collect(case, two.address, What.HASHTAG, "flood")
    status = case.status()
    assert gathered.tally.duplicates == 2
    assert (status.posts, status.missing_parents) == (3, 0)
    thread = case.thread(uri)
    assert len(thread.nodes) == 3
    assert thread.first_poster_handle == "ada@home.test"
    assert case.thread("990@" + two.address.split("//")[1]).top == thread.top
    assert case.status().actors == 3


def test_protected_posts_are_dropped_and_counted(serve, case):
    statuses = [
        mastodon.status(1, 1),
        mastodon.status(2, 1, visibility="private"),
        mastodon.status(3, 1, visibility="direct"),
    ]
    server = serve(mastodon.MastodonServer(statuses))
    gathered = collect(case, server.address, What.HASHTAG, "flood")
    assert (gathered.tally.stored, gathered.tally.dropped) == (1, 2)


def test_a_token_goes_to_its_own_server_alone(serve, case, monkeypatch, run):
    one = serve(mastodon.MastodonServer([mastodon.status(n, 1) for n in range(100, 130)]))
    two = serve(mastodon.MastodonServer([mastodon.status(1, 1)]))
    monkeypatch.setenv("SNA_MASTODON_TOKENS", f"{one.address.split('//')[1]}={mastodon.TOKEN}")
    assert collect(case, one.address, What.SEARCH, "flood").tally.stored == 30
    failed = run("collect", "mastodon", "flood", "--what", "search", "--instance", two.address, case=case)
    assert failed.code == 4
    assert all("authorization" not in request.headers for request in two.requests)


def watched(case, address, enough):
    stop = threading.Event()
    plan = Plan((Job("mastodon", Ask(What.STREAM, "flood"), {"instance": address}),), 0.2)
    timer = threading.Timer(30, stop.set)
    timer.start()
    state = case.watch(plan, stop, lambda state: stop.set() if enough(state) else None)
    timer.cancel()
    return state


def event(name: str, payload: object) -> bytes:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return f"event: {name}\ndata: {text}\n\n".encode()


def test_a_stream_brings_posts_edits_and_deletions_and_catches_up_after_a_cut(serve, case):
    server = serve(mastodon.MastodonServer([]))
    edited = mastodon.status(1, 1, content="<p>edited</p>", edited_at="2026-11-20T12:00:00.000Z")
    server.events = [
        event("update", mastodon.status(1, 1)),
        event("update", mastodon.status(2, 2)),
        event("status.update", edited),
        event("delete", "2"),
    ]
    # Posted while the stream was cut.
    server.statuses["5"] = mastodon.status(5, 3)
    state = watched(case, server.address, lambda s: s.gathered.tally.stored >= 2)
    assert not state.failures
    with case._reader() as store:
        found = dict(store.rows("SELECT native_id, text FROM post JOIN post_key USING (post)"))
    origin = server.address.split("//")[1]
    assert found == {f"1@{origin}": "edited", f"5@{origin}": "status 5 #flood"}
    # The second post was deleted before it could be written: it never was.
    assert state.gathered.tally.dropped >= 1
    assert case.status().awaiting_purge == 0


def test_the_captured_stream_and_the_broken_one(data, serve, case):
    folder = data("mastodon_api")
    with gzip.open(folder / "stream_mastodonsocial.jsonl.gz") as lines:
        statuses = [line.decode().strip() for line in lines]
    with gzip.open(folder / "stream_malformed.txt.gz") as broken:
        malformed = broken.read().splitlines()
    server = serve(mastodon.MastodonServer([]))
    # Each line of the broken capture as a payload: cut-off JSON as it was received.
    server.events = [event("update", text) for text in statuses]
    server.events += [b"event: update\ndata: " + line + b"\n\n" for line in malformed if line.strip()]
    state = watched(case, server.address, lambda s: s.gathered.pages >= 1)
    tally = state.gathered.tally
    assert not state.failures
    assert case.status().posts >= 48
    assert tally.read == tally.stored + tally.duplicates + tally.dropped + tally.quarantined
    assert tally.quarantined >= 1
