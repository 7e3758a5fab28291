"""Bluesky's answers at their edges: branches beyond one answer, roots that are gone, streams that are cut."""

import json
import threading

import pytest

from sna.collectors.base import Ask, What
from sna.collectors.pace import Pace
from sna.collectors.watch import Job, Plan
from tests.servers import bluesky
from tests.servers.jetstream import Jetstream, deletion, event, post_event


@pytest.fixture
def appview():
    posts = [bluesky.post(0, 0)]
    for n in range(1, 60):
        posts.append(bluesky.post(n, n % 5, posts[n - 1 if n < 40 else n - 30]["uri"]))
    server = bluesky.AppView(posts, deepest=6)
    yield server
    server.close()


def collect(case, server, what, query):
    return case.collect("bluesky", [Ask(what, query)], {"service": server.address}, Pace(first_wait=0.01))


def watched(case, address, query, enough, commit_seconds=0.2):
    """Watch a stream until `enough(state)`; returns the state at the end."""
    stop = threading.Event()
    plan = Plan((Job("bluesky", Ask(What.STREAM, query), {"stream": address}),), commit_seconds)
    timer = threading.Timer(30, stop.set)
    timer.start()
    state = case.watch(plan, stop, lambda state: stop.set() if enough(state) else None)
    timer.cancel()
    return state


def test_a_thread_deeper_than_any_answer_comes_whole(appview, case):
    gathered = collect(case, appview, What.THREAD, list(appview.posts)[30])
    assert case.status().posts == 60
    assert case.status().max_depth == 39
    assert gathered.tally.quarantined == 0


def test_where_the_root_is_gone_the_rest_hangs_on_the_highest_post_left(appview, case):
    uris = list(appview.posts)
    appview.gone = {uris[0]}
    appview.gone_accounts = {"did:plc:a0": "AccountTakedown"}
    gathered = collect(case, appview, What.THREAD, uris[20])
    assert case.status().posts == 59
    assert gathered.absent["suspended"] >= 1
    thread = case.thread(uris[20])
    assert (thread.root_status, thread.first_poster, thread.missing_parent) == ("missing", None, uris[0])


def test_missing_parents_get_the_reason_that_their_account_tells(appview, case):
    uris = list(appview.posts)
    appview.gone = {uris[5], uris[6], uris[7], uris[8]}
    appview.gone_accounts = {
        "did:plc:a1": "AccountTakedown", "did:plc:a2": "AccountDeactivated", "did:plc:a3": "InvalidRequest",
    }  # fmt: skip
    gathered = collect(case, appview, What.LOOKUP, " ".join(uris[5:10]))
    assert gathered.absent == {"deleted": 2, "suspended": 1, "out of reach": 1}


def test_a_post_is_named_by_link_as_well_and_nonsense_is_refused(appview, case, run):
    collect(case, appview, What.LOOKUP, "https://bsky.app/profile/did:plc:a1/post/p1")
    assert case.status().posts == 1
    asked = run("collect", "bluesky", "12345", "--what", "thread", "--service", appview.address, case=case)
    assert (asked.code, asked.err.count("\n")) == (2, 1)


def test_a_cut_stream_is_taken_up_where_it_was_left_without_gap_or_double(case):
    lines = [post_event(n, f"did:plc:s{n % 3}", f"post {n}") for n in range(50)]
    server = Jetstream(lines, cut_after=20)
    state = watched(case, server.address, "", lambda s: s.gathered.tally.stored >= 50)
    server.close()
    assert case.status().posts == 50
    assert state.gathered.tally.read == state.gathered.tally.stored + state.gathered.tally.duplicates
    assert len(server.connections) >= 3
    assert "cursor" not in server.connections[0]
    assert all("cursor" in query for query in server.connections[1:])
    assert all(agent.startswith("sna/") for agent in server.agents)
    # A later run goes on from the last position as well.
    again = Jetstream([*lines, post_event(60, "did:plc:s1", "later")])
    watched(case, again.address, "", lambda s: s.gathered.tally.stored >= 1)
    again.close()
    assert case.status().posts == 51


def test_a_deletion_before_its_create_keeps_the_create_out(case):
    server = Jetstream(
        [deletion(1, "did:plc:a", "k9"), post_event(2, "did:plc:a", "late", "k9"), post_event(3, "did:plc:a", "x")]
    )
    state = watched(case, server.address, "", lambda s: s.gathered.tally.read >= 2)
    server.close()
    assert case.status().posts == 1
    assert state.gathered.tally.dropped == 1


def test_accounts_that_leave_take_their_posts_along_and_bring_new_ones_when_they_return(case):
    def account(number, active, status=None):
        return event(number, "did:plc:gone", "account", account={"active": active, "status": status})

    server = Jetstream(
        [
            post_event(1, "did:plc:gone", "one"),
            post_event(2, "did:plc:stays", "two"),
            account(3, active=False, status="deactivated"),
            post_event(4, "did:plc:other", "three"),
        ]
    )
    watched(case, server.address, "", lambda s: s.gathered.tally.stored >= 2)
    server.close()
    assert case.status().posts == 2
    back = Jetstream(
        [post_event(5, "did:plc:gone", "four"), account(6, active=True), post_event(30, "did:plc:end", "z")]
    )
    watched(case, back.address, "", lambda s: s.gathered.tally.stored >= 1)
    back.close()
    later = Jetstream([post_event(40, "did:plc:gone", "five")])
    watched(case, later.address, "", lambda s: s.gathered.tally.stored >= 1)
    later.close()
    with case._reader() as store:
        texts = {row[0] for row in store.rows("SELECT text FROM post")}
    assert {"two", "three", "five"} <= texts
    assert "one" not in texts


def test_a_filtered_stream_keeps_what_matches_and_what_belongs_to_it(case):
    flood = "at://did:plc:a/app.bsky.feed.post/k1"
    answer = {"reply": {"parent": {"uri": flood}, "root": {"uri": flood}}}
    server = Jetstream(
        [
            post_event(1, "did:plc:a", "The FLOOD at the harbour"),
            post_event(2, "did:plc:b", "the flood"),
            post_event(3, "did:plc:c", "an answer", **answer),
            post_event(4, "did:plc:d", "sunny day"),
            post_event(5, "did:plc:e", "storm"),
            deletion(6, "did:plc:x", "never-seen"),
            event(7, "did:plc:x", "account", account={"active": False, "status": "deleted"}),
        ]
    )
    watched(case, server.address, "flood harbour OR storm", lambda s: s.gathered.tally.stored >= 3)
    server.close()
    with case._reader() as store:
        assert {row[0] for row in store.rows("SELECT text FROM post")} == {
            "The FLOOD at the harbour",
            "an answer",
            "storm",
        }
        # Nothing is kept about people who have nothing to do with the case.
        assert store.value("SELECT count(*) FROM suppressed") == 0
        assert store.value("SELECT count(*) FROM suppressed_actor") == 0
        assert not store.rows("FROM actor WHERE native_id = 'did:plc:x'")


def test_broken_lines_of_a_stream_end_in_the_quarantine(case):
    lines = [
        post_event(1, "did:plc:a", "one"),
        b'{"did": "did:plc:a", "time_us": ',
        b"\x00\xff",
        post_event(2, "did:plc:a", "two"),
    ]
    server = Jetstream(lines)
    state = watched(case, server.address, "", lambda s: s.gathered.tally.stored >= 2)
    server.close()
    assert state.gathered.tally.quarantined >= 1
    assert case.status().posts == 2


def test_the_second_wire_of_jetstream_is_read_as_well(case, write):
    def frame(kind, **payload):
        name = f"network.bsky.jetstream.subscribeEvents#{kind}"
        base = {"$type": name, "did": "did:plc:a", "seq": 1, "time": "2026-11-20T10:00:00.000001Z"}
        return json.dumps({"$type": "message", "payload": {**base, **payload}})

    record = {"text": "hello", "createdAt": "2026-11-20T10:00:00Z"}
    commit = {"operation": "create", "collection": "app.bsky.feed.post", "rkey": "k1", "rev": "r", "record": record}
    case.import_files([write(frame("commit", **commit), name="v2.jsonl")])
    assert case.status().posts == 1
    deleted = {"operation": "delete", "collection": "app.bsky.feed.post", "rkey": "k1", "rev": "s"}
    left = frame("account", account={"active": False, "status": "deleted", "did": "did:plc:a", "seq": 9, "time": "t"})
    case.import_files([write(frame("commit", **deleted), left, name="v2b.jsonl")])
    assert case.status().posts == 0


def test_an_address_that_is_no_stream_fails_that_job_and_says_so(case):
    state = watched(case, "https://example.org", "", lambda s: bool(s.failures))
    assert "no address of a stream" in state.failures[0]
