"""Bluesky for real, on loopback: search, threads, feeds, quotes, reposts and the firehose with its deletions."""

import threading
import time
from dataclasses import dataclass

import pytest

import sna
from sna.collectors.base import Ask, What
from sna.collectors.pace import Pace
from sna.collectors.watch import Job, Plan
from tests.servers.bluesky_network import Network, running

DEPTH, REPLIES = 15, 60
# One network for all of them.
pytestmark = [pytest.mark.xdist_group("bluesky-network"), pytest.mark.long]


@dataclass
class Town:
    network: Network
    posts: list
    parents: list[int | None]
    quote: object
    repost: object

    @property
    def settings(self) -> dict[str, str]:
        return {"service": self.network.appview, "stream": self.network.firehose}


@pytest.fixture(scope="module")
def town() -> Town:
    """A thread of 60 replies, 15 deep, of six accounts; every third post says `flood`."""
    from atproto import models

    with running() as network:
        clients = [network.account(name) for name in ("alma", "boris", "chloe", "denis", "elsa", "felix")]
        posts, parents = [], [None]
        posts.append(clients[0].send_post("is there a flood in port-lune?"))
        root = models.create_strong_ref(posts[0])
        for number in range(1, REPLIES + 1):
            parent = number - 1 if number <= DEPTH else (number * 7) % (number - 1) if number % 4 else number // 3
            ref = models.AppBskyFeedPost.ReplyRef(parent=models.create_strong_ref(posts[parent]), root=root)
            text = f"number {number}{' about the flood' if number % 3 == 0 else ''}"
            posts.append(clients[number % 6].send_post(text, reply_to=ref))
            parents.append(parent)
        embed = models.AppBskyEmbedRecord.Main(record=root)
        quote = clients[2].send_post("look at this", embed=embed)
        repost = clients[3].repost(posts[0].uri, posts[0].cid)
        made = Town(network, posts, parents, quote, repost)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            # The AppView has seen all once it knows the last act.
            if clients[0].get_posts([posts[0].uri]).posts[0].repost_count and indexed(made, posts[-1].uri):
                break
            time.sleep(0.3)
        yield made


def indexed(town: Town, uri: str) -> bool:
    return bool(town.network.clients["alma"].get_posts([uri]).posts)


def depth_of(town: Town) -> int:
    depths: list[int] = []
    for parent in town.parents:
        depths.append(0 if parent is None else depths[parent] + 1)
    return max(depths)


def collect(case: sna.Case, town: Town, what: What, query: str):
    return case.collect("bluesky", [Ask(what, query)], town.settings, Pace(first_wait=0.1))


def test_search_alone_has_gaps_and_missing_fills_them(town, case, run, monkeypatch):
    collect(case, town, What.SEARCH, "flood")
    before = case.status()
    assert before.posts == 1 + REPLIES // 3
    assert before.missing_parents > 0
    filled = run("collect", "missing", "--json", case=case).json()
    after = case.status()
    assert after.missing_parents == filled["missing_parents"] == 0
    assert filled["remaining"] == []
    thread = case.thread(town.posts[0].uri)
    assert len(thread.nodes) == REPLIES + 1
    assert max(node.depth for node in thread.nodes) == depth_of(town)
    assert (thread.root_status, thread.first_poster_handle) == ("observed", "alma.test")
    found = {node.id: node.parent for node in thread.nodes}
    uris = [post.uri for post in town.posts]
    assert found == {uri: None if p is None else uris[p] for uri, p in zip(uris, town.parents, strict=True)}


def test_any_post_leads_to_the_whole_thread_beyond_the_depth_of_one_answer(town, case, monkeypatch):
    monkeypatch.setattr("sna.collectors.bluesky.DEPTH", 4)
    gathered = collect(case, town, What.THREAD, town.posts[DEPTH].uri)
    assert gathered.pages > 1
    assert case.status().posts == REPLIES + 1
    assert case.status().max_depth == depth_of(town)


def test_feed_quotes_and_reposts(town, case):
    collect(case, town, What.POSTS, "chloe.test")
    assert case.status().by_kind["quote"] == 1
    assert case.actors().filter(pl_handle("chloe.test"))["posts"][0] == 1 + sum(
        n % 6 == 2 for n in range(1, REPLIES + 1)
    )
    collect(case, town, What.QUOTES, town.posts[0].uri)
    quotes = case.interactions(kinds=["quote"]).edges
    assert quotes["weight"].sum() == 1
    collect(case, town, What.REPOSTS, f"https://bsky.app/profile/alma.test/post/{town.posts[0].uri.split('/')[-1]}")
    reposts = case.interactions(kinds=["repost"])
    names = reposts.nodes["label"].to_list()
    assert [(names[a], names[b]) for a, b in reposts.edges.select("source", "target").rows()] == [
        ("denis.test", "alma.test")
    ]


def pl_handle(handle: str):
    import polars as pl

    return pl.col("handle") == handle


def test_look_up_tells_a_deleted_post_from_one_that_is_there(town, case):
    gone = town.network.clients["elsa"].send_post("soon gone")
    town.network.clients["elsa"].delete_post(gone.uri)
    time.sleep(1)
    gathered = collect(case, town, What.LOOKUP, f"{town.posts[1].uri} {gone.uri}")
    assert case.status().posts == 1
    assert gathered.absent == {"deleted": 1}


def test_the_firehose_brings_posts_hides_deleted_ones_and_those_of_accounts_that_leave(town, case, run):
    from atproto import models

    boris, felix = town.network.clients["boris"], town.network.clients["felix"]
    stop, states = threading.Event(), []
    plan = Plan((Job("bluesky", Ask(What.STREAM, "harbour"), town.settings),), commit_seconds=0.3)
    watching = threading.Thread(target=lambda: states.append(case.watch(plan, stop)))
    watching.start()
    try:
        time.sleep(2)
        kept = boris.send_post("the harbour is closed")
        deleted = felix.send_post("harbour rumour, soon deleted")
        answer = models.AppBskyFeedPost.ReplyRef(
            parent=models.create_strong_ref(kept), root=models.create_strong_ref(kept)
        )
        felix.send_post("an answer without the word", reply_to=answer)
        boris.send_post("nothing to do with it")
        until(lambda: case.status().posts == 3)
        felix.delete_post(deleted.uri)
        until(lambda: case.status().posts == 2)
        assert run("threads", "show", deleted.uri, case=case).code == 2
        out = case.folder.path / "exports" / "all.csv"
        assert run("graph", "export", out, case=case).code == 0
        assert "soon deleted" not in str(case.threads().rows())
        assert case.status().awaiting_purge == 1
        felix.com.atproto.server.deactivate_account({})
        until(lambda: case.status().posts == 1)
        assert case.status().awaiting_purge == 2
    finally:
        stop.set()
        watching.join(timeout=20)
    assert not states[0].failures
    # A later copy of the deleted post, or of one by the account that left, is dropped.
    late = case.ingest(
        [sna.Post("bluesky", deleted.uri, felix.me.did, text="back"), sna.Post("bluesky", "x", felix.me.did)]
    )
    assert (late.dropped, late.stored) == (2, 0)


def until(is_so, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.2)
