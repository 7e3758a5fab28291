"""X, held to its official OpenAPI description: conversations, look-ups, stream and compliance jobs."""

import json
import threading

import pytest

import sna
from sna.collectors.base import Ask, Budget, What
from sna.collectors.pace import Pace
from sna.collectors.watch import Job, Plan
from sna.errors import InputError
from tests.servers import x
from tests.test_collector_contract import content


@pytest.fixture
def server(monkeypatch):
    if not x.SPECIFICATION.exists():
        pytest.skip("X's official OpenAPI file is not here; it belongs into ../shared/data/api-specs")
    posts = [x.post(1000, 1, 1000)]
    posts += [x.post(1000 + n, 1 + n % 7, 1000, 1000 + (n - 1) // 2) for n in range(1, 250)]
    quoted, reposted = {"type": "quoted", "id": "1003"}, {"type": "retweeted", "id": "1003"}
    posts += [x.post(2000, 8, 2000, referenced_posts=[quoted]), x.post(2001, 9, 2001, referenced_posts=[reposted])]
    made = x.XServer(posts)
    monkeypatch.setenv("SNA_X_BEARER_TOKEN", x.TOKEN)
    yield made
    made.close()
    assert not made.complaints


def collect(case, server, what, query="", **fields):
    pace = Pace(first_wait=0.01, tries=3)
    return case.collect("x", [Ask(what, query, **fields)], {"endpoint": server.address}, pace)


def test_a_conversation_over_many_pages_equals_the_same_conversation_from_a_file(server, case, tmp_path, write):
    gathered = collect(case, server, What.THREAD, "1077")
    assert gathered.pages == 5
    conversation = [p for p in server.posts.values() if p["conversation_id"] == "1000"]
    users = [{"id": str(n), "name": f"User {n}", "username": f"user{n}"} for n in range(1, 8)]
    imported = sna.new_case(tmp_path / "imported", "p", "b", 9)
    imported.import_files([write({"data": conversation, "includes": {"users": users}}, name="page.json")])
    assert content(case) == content(imported)
    assert case.thread("1077").first_poster_handle == "user1"


def test_the_command_counts_before_it_collects_and_holds_its_budget(server, case, run):
    asked = run("collect", "x", "flood", "--endpoint", server.address, "--count", "--json", case=case).json()
    assert (asked["posts"], round(asked["cost"], 2)) == (252, 1.26)
    assert sum(row["posts"] for row in asked["rows"]) == 252
    shown = run("collect", "x", "flood", "--endpoint", server.address, "--count", case=case)
    assert "252 posts, at least $1.26" in shown.out
    bought = run("collect", "x", "flood", "--endpoint", server.address, "--max-cost", "0.6", "--json", case=case).json()
    assert 0 < bought["cost"] <= 0.7
    assert not bought["complete"]
    assert x.TOKEN not in shown.out + shown.err


def test_quotes_reposts_and_a_timeline(server, case):
    collect(case, server, What.QUOTES, "1003")
    collect(case, server, What.REPOSTS, "https://x.com/user4/status/1003")
    collect(case, server, What.POSTS, "@user3")
    kinds = case.status().by_kind
    assert (kinds["quote"], kinds["repost"]) == (1, 1)
    (edge,) = case.interactions(kinds=["repost"]).edges.iter_rows(named=True)
    assert edge["weight"] == 1


def test_an_unknown_account_and_a_wrong_token_are_told_in_one_line(server, case, run, monkeypatch):
    failed = run("collect", "x", "nobody", "--what", "posts", "--endpoint", server.address, case=case)
    assert (failed.code, failed.err.count("\n")) == (4, 1)
    assert "does not know it" in failed.err
    monkeypatch.setenv("SNA_X_BEARER_TOKEN", "wrong-token")
    failed = run("collect", "x", "flood", "--endpoint", server.address, case=case)
    assert failed.code == 4
    assert "sna secrets set" in failed.err
    assert "wrong-token" not in failed.err


def test_what_is_not_given_has_its_reason(server, case):
    server.gone = {
        "1001": "not-authorized-for-resource",
        "1002": "suspended",
        "1003": "resource-unavailable",
        "1004": "resource-not-found",
    }
    gathered = collect(case, server, What.LOOKUP, ids=tuple(str(1000 + n) for n in range(150)))
    assert gathered.pages == 2
    assert gathered.absent == {"protected": 1, "suspended": 1, "out of reach": 1, "not found": 1}
    assert case.status().posts == 146


def test_missing_parents_are_fetched_and_what_remains_is_explained(server, case):
    server.window, server.gone = 1200, {"1100": "suspended"}
    collect(case, server, What.SEARCH, "flood")
    assert case.status().missing_parents > 0
    assert case.thread("1240").root_status == "missing"
    filled = case.collect_missing(pace=Pace(first_wait=0.01))
    (gap,) = filled.remaining
    assert (gap["source"], gap["reason"], gap["parents"], gap["ids"]) == ("x", "suspended", 1, ["1100"])
    assert case.thread("1240").first_poster_handle == "user1"
    assert case.thread("1201").root_status == "missing"
    assert case.status().gaps == {"suspended": 1}
    # What was told once is asked again in a later run: an account may come back.
    server.gone = {}
    assert case.collect_missing(pace=Pace(first_wait=0.01)).remaining == []
    assert case.thread("1201").root_status == "observed"
    assert case.status().gaps == {}


def test_the_budget_bounds_the_filling_of_gaps(server, case):
    server.window = 1200
    collect(case, server, What.SEARCH, "flood")
    requests = len(server.requests)
    filled = case.collect_missing(budget=Budget(posts=10))
    assert len(server.requests) - requests <= 2
    assert sum(int(str(row["parents"])) for row in filled.remaining) > 0


def test_deleted_posts_are_found_by_a_compliance_job_and_hidden(server, case, run):
    collect(case, server, What.THREAD, "1000")
    server.deleted = {"1005", "1006"}
    gathered = collect(case, server, What.DELETIONS)
    assert gathered.tally.deleted == 2
    status = case.status()
    assert (status.posts, status.awaiting_purge, status.missing_parents) == (248, 2, 2)
    assert run("threads", "show", "1005", case=case).code == 2
    assert len(server.uploaded) == 250


def test_a_compliance_job_that_failed_is_told_and_begun_anew_the_next_time(server, case):
    collect(case, server, What.THREAD, "1000")
    server.job_status, server.deleted = "failed", {"1005"}
    with pytest.raises(sna.SnaError, match="compliance job failed"):
        collect(case, server, What.DELETIONS)
    server.job_status = "complete"
    assert collect(case, server, What.DELETIONS).tally.deleted == 1
    assert len(server.jobs) == 2


def streamed(number: int, rule: str = "101") -> dict:
    post = x.post(number, 3, number) | {"edit_history_tweet_ids": [str(number)]}
    return {"data": post, "includes": {"users": [x._user("3")]}, "matching_rules": [{"id": rule, "tag": "sna"}]}


def test_the_stream_survives_cuts_catches_up_and_keeps_to_its_rule(server, case):
    server.lines = [
        [streamed(3000), streamed(3001), streamed(4000, rule="77"), {"errors": [{"title": "operational-disconnect"}]}],
        [streamed(3005)],
    ]
    # Posted while the stream was cut: found by the search that catches up.
    for number in (3002, 3003):
        server.posts[str(number)] = x.post(number, 4, number)
    stop, states = threading.Event(), []
    plan = Plan((Job("x", Ask(What.STREAM, "flood"), {"endpoint": server.address}),), 0.2)

    def show(state):
        if state.gathered.tally.stored >= 5:
            stop.set()

    timer = threading.Timer(30, stop.set)
    timer.start()
    states.append(case.watch(plan, stop, show))
    timer.cancel()
    with case._reader() as store:
        found = {row[0] for row in store.rows("SELECT native_id FROM post JOIN post_key USING (post)")}
    assert found == {"3000", "3001", "3002", "3003", "3005"}
    assert [rule["value"] for rule in server.rules] == ["someone else's", "flood"]
    assert not states[0].failures


def test_an_endpoint_in_clear_is_refused_because_the_token_would_be_seen(case, run, monkeypatch):
    monkeypatch.setenv("SNA_X_BEARER_TOKEN", "t")
    assert run("collect", "x", "flood", "--endpoint", "http://example.org", case=case).code == 2


def test_a_compliance_event_of_the_stream_hides_posts_and_accounts(case, run, write):
    def post(number, author):
        return {"id": str(number), "author_id": author, "text": "t", "created_at": "2026-03-01T12:00:00Z"}

    case.import_files([write(post(1, "7"), post(2, "7"), post(3, "8"), post(4, "9"), name="posts.jsonl")])
    about = {"event_at": "2026-03-02T00:00:00Z"}
    events = write(
        json.dumps({"data": {"delete": {"post": {"id": "4", "author_id": "9"}, **about}}}),
        json.dumps({"data": {"user_protect": {"user": {"id": "7"}, **about}}}),
        name="events.jsonl",
    )
    tally = case.import_files([events])
    assert tally.deleted == 3
    assert case.status().posts == 1
    again = case.import_files([write(post(1, "7"), post(5, "7"), name="later.jsonl")])
    assert again.dropped == 2
    open_again = json.dumps({"data": {"user_unprotect": {"user": {"id": "7"}, **about}}})
    case.import_files([write(open_again, name="open.jsonl")])
    assert case.import_files([write(post(6, "7"), name="new.jsonl")]).stored == 1


def test_the_library_is_named_when_it_is_missing(case, run, monkeypatch):
    monkeypatch.setenv("SNA_X_BEARER_TOKEN", "t")
    monkeypatch.setitem(__import__("sys").modules, "tweepy", None)
    failed = run("collect", "x", "flood", case=case)
    assert (failed.code, failed.err.count("\n")) == (2, 1)
    assert "pip install 'sna[x]'" in failed.err


def test_an_id_that_is_none_is_refused_before_anything_is_asked(server, case):
    with pytest.raises(InputError):
        collect(case, server, What.POSTS, "nobody")
    with pytest.raises(sna.UsageError):
        collect(case, server, What.THREAD, "../../2/users")
