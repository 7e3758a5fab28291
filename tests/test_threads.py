"""Threads: tops, depths, root statuses and first posters, traced whole or bit by bit."""

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sna
from sna import Post

NOON = datetime(2026, 3, 1, 12)


def post(native: str, reply_to: str | None = None, author: str | None = None, minutes: int = 0, **fields) -> Post:
    return Post(
        "x",
        native,
        author or f"author of {native}",
        created_at=NOON + timedelta(minutes=minutes),
        reply_to=reply_to,
        **fields,
    )


def thread_of(case: sna.Case, native: str) -> dict[str, object]:
    trace = case.trace(native)
    return {"top": trace.top, "depth": trace.depth, "status": trace.root_status, "first": trace.first_poster}


def test_a_reply_belongs_to_the_thread_of_the_post_it_answers(case):
    case.ingest([post("a"), post("b", "a"), post("c", "b")])
    assert thread_of(case, "c") == {"top": "a", "depth": 2, "status": "observed", "first": "author of a"}
    assert case.trace("c").path == ("c", "b", "a")


def test_reply_to_a_missing_parent_has_no_first_poster(case):
    case.ingest([post("b", "a", conversation="a"), post("c", "b", conversation="a")])
    assert thread_of(case, "c") == {"top": "b", "depth": 1, "status": "missing", "first": None}
    assert case.trace("c").missing_parent == "a"
    assert case.trace("c").claimed_conversation == "a"
    assert case.status().missing_parents == 1


def test_a_parent_that_arrives_later_joins_its_fragments(case):
    case.ingest([post("b", "a"), post("c", "b"), post("d", "a")])
    assert case.status().threads == 1
    case.ingest([post("a")])
    assert case.status().threads == 1
    assert {thread_of(case, p)["top"] for p in "abcd"} == {"a"}
    assert thread_of(case, "c") == {"top": "a", "depth": 2, "status": "observed", "first": "author of a"}


def test_posts_that_answer_each_other_are_a_cycle_without_first_poster(case):
    case.ingest([post("a", "b", minutes=1), post("b", "a", minutes=2), post("c", "b", minutes=3), post("s", "s")])
    assert thread_of(case, "a") == {"top": "a", "depth": 0, "status": "cycle", "first": None}
    assert thread_of(case, "b") == {"top": "a", "depth": 1, "status": "cycle", "first": None}
    assert thread_of(case, "c") == {"top": "a", "depth": 2, "status": "cycle", "first": None}
    assert thread_of(case, "s") == {"top": "s", "depth": 0, "status": "cycle", "first": None}
    assert case.status().cycles == 2


def test_two_cycles_of_any_length_stay_apart(case):
    ring = [post(f"r{n}", f"r{(n + 1) % 7}", minutes=n) for n in range(7)]
    other = [post(f"o{n}", f"o{(n + 1) % 4}", minutes=n) for n in range(4)]
    case.ingest([*ring, *other, post("tail", "r3", minutes=9)])
    assert {thread_of(case, f"r{n}")["top"] for n in range(7)} == {"r0"}
    assert {thread_of(case, f"o{n}")["top"] for n in range(4)} == {"o0"}
    assert thread_of(case, "tail")["depth"] == 5
    assert case.status().cycles == 2


@pytest.mark.parametrize("length", [10_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_18_a_long_chain_of_replies_is_traced(case, length):
    case.ingest([post("0"), *(post(str(n), str(n - 1)) for n in range(1, length + 1))])
    last = str(length)
    assert thread_of(case, last) == {"top": "0", "depth": length, "status": "observed", "first": "author of 0"}
    assert len(case.trace(last).path) == length + 1
    assert len(case.thread("5").nodes) == length + 1


def test_reposts_are_no_nodes_and_a_quote_starts_its_own_thread(case):
    case.ingest([post("a"), post("b", "a"), post("rt", repost_of="a"), post("q", quote_of="a"), post("c", "q")])
    threads = case.threads()
    assert dict(zip(threads["top"], threads["posts"], strict=True)) == {"a": 2, "q": 2}
    with pytest.raises(sna.UsageError, match="repost"):
        case.trace("rt")


def test_a_reply_to_a_repost_belongs_to_what_was_reposted(case):
    case.ingest([post("a"), post("rt", repost_of="a"), post("b", "rt")])
    assert case.trace("b").path == ("b", "a")
    assert case.thread("b").nodes[1].parent == "a"


def test_one_id_on_two_sources_is_two_posts(case):
    case.ingest([Post("x", "1", "a"), Post("mastodon", "1", "b"), Post("mastodon", "2", "c", reply_to="1")])
    assert case.status().posts == 2 + 1
    assert thread_of(case, "2")["first"] == "b"
    with pytest.raises(sna.UsageError, match="several sources"):
        case.trace("1")
    assert case.trace("x:1").first_poster == "a"


def test_fragments_of_a_claimed_conversation_are_grouped_and_told_apart(case):
    case.ingest(
        [
            post("b", "gone1", conversation="root"),
            post("b2", "b", conversation="root"),
            post("c", "gone2", conversation="root"),
            post("c2", "c", conversation="root"),
        ]
    )
    listed = case.threads()
    assert set(listed["top"]) == {"b", "c"}
    assert listed["fragments"].to_list() == [2, 2]
    grouped = case.conversations()
    assert grouped.select("conversation", "first_post_collected", "fragments", "posts").rows() == [
        ("root", False, 2, 4)
    ]
    assert case.thread("b").fragments == ("c",)


def test_replies_older_than_their_parent_are_kept_and_flagged(case):
    case.ingest([post("a", minutes=5), post("b", "a", minutes=1)])
    assert case.status().older_than_parent == 1
    assert case.thread("a").nodes[1].older_than_parent


def test_posts_without_author_or_text_are_kept(case):
    case.ingest([Post("x", "a"), Post("x", "b", reply_to="a")])
    assert case.trace("b").root_status == "observed"
    assert case.trace("b").first_poster is None


def test_threads_can_be_filtered_and_sorted(case):
    case.ingest(
        [
            post("a", minutes=0, text="about the Tram"),
            post("b", "a", author="bob", author_handle="Bob"),
            post("c", "gone", minutes=60),
            post("d", "c"),
            post("e", "d", minutes=99),
        ]
    )
    tops = lambda **f: case.threads(sna.ThreadFilter(**f))["top"].to_list()  # noqa: E731
    assert tops() == ["c", "a"]
    assert tops(root_status="missing") == ["c"]
    assert tops(actor="@bob") == ["a"]
    assert tops(text="tRAM") == ["a"]
    assert tops(text="%") == []
    assert tops(since=NOON + timedelta(minutes=1)) == []
    assert tops(until=NOON + timedelta(minutes=1)) == ["c", "a"]
    assert tops(min_posts=3) == ["c"]
    assert case.threads(sort="start")["top"].to_list() == ["a", "c"]
    assert case.threads(sort="depth", limit=1)["top"].to_list() == ["c"]
    assert tops(source="'; DROP TABLE post; --") == []


def oracle(parents: dict[int, int | None]) -> dict[int, tuple[str, int | None]]:
    """Return (status, top where no cycle) per post by walking up, the slow way."""
    found: dict[int, tuple[str, int | None]] = {}
    for start in parents:
        seen, at = set(), start
        while at not in seen and parents[at] is not None and parents[at] in parents:
            seen.add(at)
            at = parents[at]  # type: ignore[assignment]
        found[start] = ("cycle", None) if at in seen else ("observed" if parents[at] is None else "missing", at)
    return found


ANY_ORDER = given(
    st.lists(st.one_of(st.none(), st.integers(0, 25)), min_size=1, max_size=22), st.integers(1, 4), st.randoms()
)
UNHURRIED = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@settings(max_examples=8, **UNHURRIED)
@ANY_ORDER
def test_any_order_of_imports_gives_the_threads_of_one_import(tmp_path_factory, links, parts, luck):
    assert_order_is_no_matter(tmp_path_factory, links, parts, luck)


@pytest.mark.long
@settings(max_examples=100, **UNHURRIED)
@ANY_ORDER
def test_a_hundred_orders_of_imports_give_the_threads_of_one_import(tmp_path_factory, links, parts, luck):
    assert_order_is_no_matter(tmp_path_factory, links, parts, luck)


def assert_order_is_no_matter(tmp_path_factory, links, parts, luck):
    parents = dict(enumerate(links))
    posts = [post(str(n), None if p is None else str(p), minutes=n) for n, p in parents.items()]
    case = sna.new_case(tmp_path_factory.mktemp("any") / "case", "p", "b", 1)
    luck.shuffle(posts)
    for n in range(parts):
        case.ingest(posts[n::parts])
    whole = sna.new_case(tmp_path_factory.mktemp("whole") / "case", "p", "b", 1)
    whole.ingest(posts)
    listed = case.threads(sna.ThreadFilter(min_posts=1))
    assert listed.equals(whole.threads(sna.ThreadFilter(min_posts=1)))
    found = {}
    for top, status in listed.select("top", "root_status").rows():
        nodes = {node.id: node for node in case.thread(top).nodes}
        for node in nodes.values():
            found[int(node.id)] = (status, None if status == "cycle" else int(top))
            assert node.depth == (0 if node.id == top else nodes[node.parent].depth + 1)
    assert found == oracle(parents)
