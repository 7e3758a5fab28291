"""Each known format, recognised by content: what becomes of its fields and of the posts inside posts."""

import gzip
import json

import pytest
import zstandard
from conftest import reply, tweet

import sna
from sna import ImportPlan


def figures(case: sna.Case, *files, **plan):
    """Import files and return (posts, kinds, referenced)."""
    case.import_files(files, ImportPlan(**plan) if plan else None)
    status = case.status()
    return status.posts, {k: v for k, v in status.by_kind.items() if v}, status.referenced


def only_node(case: sna.Case, native: str):
    return next(node for node in case.thread(native).nodes if node.id == native)


X_PAGE = {
    "data": [
        reply("2", "1", "20", conversation_id="1", in_reply_to_user_id="10"),
        tweet("3", "30", referenced_tweets=[{"type": "retweeted", "id": "1"}]),
        tweet("4", "30", referenced_tweets=[{"type": "quoted", "id": "1"}]),
    ],
    "includes": {
        "tweets": [tweet("1", "10", conversation_id="1")],
        "users": [{"id": "10", "username": "ann", "name": "Ann"}, {"id": "20", "username": "bob", "name": "Bob"}],
    },
    "meta": {"result_count": 3},
    "__twarc": {"retrieved_at": "2026-03-02T00:00:00+00:00"},
}


def test_x_v2_pages_bring_their_included_posts_and_users(case, write):
    assert figures(case, write(X_PAGE)) == (4, {"original": 1, "reply": 1, "quote": 1, "repost": 1}, 1)
    assert case.trace("2").first_poster_handle == "ann"


def test_x_v2_flattened_lines_bring_the_posts_that_they_refer_to(case, write):
    line = reply("2", "1") | {"author": {"id": "2", "username": "bob", "name": "Bob"}}
    inner = tweet("1", "10", referenced_tweets=[{"type": "quoted"} | tweet("0", "5")])
    line["referenced_tweets"][0] |= inner | {"author": {"id": "10", "username": "ann"}}
    assert figures(case, write(line)) == (3, {"original": 1, "quote": 1, "reply": 1}, 2)
    assert case.trace("2").first_poster_handle == "ann"


def test_x_v2_stream_objects_arrays_and_user_files_are_read(case, write):
    stream = write({"data": tweet("1"), "matching_rules": [{"id": "9"}]}, name="stream.jsonl")
    array = write(json.dumps([tweet("2", "7"), tweet("3", "7")], indent=2), name="array.json")
    users = write({"users": [{"id": "7", "username": "gus", "name": "Gus"}]}, name="users.json")
    assert figures(case, stream, array, users)[0] == 3
    assert case.trace("2").first_poster_handle == "gus"


def test_x_v2_posts_with_default_fields_alone_are_posts(case, write):
    page = {"data": [{"id": "1", "text": "a", "edit_history_tweet_ids": ["1"]}, {"id": "2", "text": "b"}], "meta": {}}
    assert figures(case, write(page)) == (2, {"original": 2}, 0)


def test_x_v1_posts_inside_posts_need_no_numeric_id(case, write):
    inner = {k: v for k, v in v1("1", "10").items() if k != "id"}
    protected = inner | {"id_str": "3", "user": {"id_str": "9", "screen_name": "p", "protected": True}}
    path = write(v1("2", "20", retweeted_status=inner), v1("4", "20", retweeted_status=protected))
    tally = case.import_files([path])
    assert (tally.stored, tally.dropped) == (3, 1)


def test_x_v2_long_posts_are_stored_whole(case, write):
    figures(case, write(tweet("1", note_tweet={"text": "the long text"})))
    assert only_node(case, "1").text == "the long text"


def v1(post: str, user: str = "1", **fields):
    return {
        "id_str": post,
        "id": int(post),
        "created_at": "Sun Mar 01 12:00:00 +0000 2026",
        "text": f"text {post}",
        "user": {"id_str": user, "screen_name": f"user{user}", "name": "N"},
    } | fields


def test_x_v1_lines_with_extended_text_reposts_and_quotes(case, write):
    quoted = v1("1", "10", extended_tweet={"full_text": "the whole text", "entities": {}})
    original = v1("2", "20", quoted_status=quoted, quoted_status_id_str="1")
    answer = v1(
        "3",
        "30",
        in_reply_to_status_id_str="2",
        in_reply_to_user_id_str="20",
        entities={"user_mentions": [{"id_str": "20", "screen_name": "user20"}, {"id_str": "99", "screen_name": "z"}]},
    )
    repost = v1("4", "40", retweeted_status=original, quoted_status=quoted, quoted_status_id_str="1")
    assert figures(case, write(answer, repost)) == (4, {"original": 1, "quote": 1, "reply": 1, "repost": 1}, 2)
    assert only_node(case, "1").text == "the whole text"
    network = case.interactions()
    assert {(e["reply"], e["mention"], e["quote"], e["repost"]) for e in network.edges.iter_rows(named=True)} == {
        (1, 0, 0, 0),
        (0, 1, 0, 0),
        (0, 0, 1, 0),
        (0, 0, 0, 1),
    }


def test_x_v1_deletions_take_a_post_away_and_keep_it_away(case, write):
    first = write(v1("1"), v1("2", in_reply_to_status_id_str="1"), name="a.jsonl")
    figures(case, first)
    tally = case.import_files([write({"delete": {"status": {"id_str": "1", "user_id_str": "1"}}}, name="b.jsonl")])
    assert (tally.deletions, tally.deleted) == (1, 1)
    assert case.trace("2").root_status == "missing"
    again = case.import_files([first])
    assert (again.stored, again.dropped, again.duplicates) == (0, 1, 1)


def status(post: str, account: str = "1", **fields):
    return {
        "id": post,
        "created_at": "2026-03-01T12:00:00.000Z",
        "content": f"<p>text {post}</p>",
        "visibility": "public",
        "account": {"id": account, "acct": f"user{account}@a.example", "display_name": "N"},
        "mentions": [],
        "tags": [],
        "reblog": None,
        "in_reply_to_id": None,
    } | fields


def test_mastodon_statuses_contexts_and_boosts(case, write):
    boost = status("9", "3", content="", reblog=status("1"))
    context = {
        "ancestors": [status("1")],
        "descendants": [status("2", "2", in_reply_to_id="1", in_reply_to_account_id="1")],
    }
    assert figures(case, write(boost, context)) == (3, {"original": 1, "reply": 1, "repost": 1}, 2)
    assert case.trace("2").first_poster_handle == "user1@a.example"


def test_mastodon_text_is_plain_and_links_are_kept(case, write):
    content = (
        '<p>a &amp; <b>b</b><br>c <a href="https://m.example/@x" class="u-url mention">@x</a> '
        '<a href="https://page.example/?a=1&amp;b=2" rel="nofollow" target="_blank">page</a></p><p>d</p>'
    )
    figures(case, write(status("1", content=content, spoiler_text="warning", tags=[{"name": "Tram"}])))
    assert only_node(case, "1").text == "warning\n\na & b\nc @x page\n\nd"
    assert case.network("hashtags").nodes["label"].to_list() == ["user1@a.example", "tram"]
    assert case.network("urls").nodes.height == 2


def test_mastodon_stream_events_and_private_posts(case, write):
    lines = [
        {"event": "update", "payload": json.dumps(status("1"))},
        {"event": "update", "payload": json.dumps(status("2", visibility="private"))},
        {"event": "delete", "payload": "1"},
    ]
    tally = case.import_files([write(*lines)])
    assert (tally.read, tally.stored, tally.dropped, tally.deletions) == (2, 0, 2, 1)


DID, OTHER = "did:plc:ann", "did:plc:bob"


def view(key: str, did: str = DID, **fields):
    return {
        "uri": f"at://{did}/app.bsky.feed.post/{key}",
        "cid": "c",
        "likeCount": 1,
        "author": {"did": did, "handle": f"{did[8:]}.example", "displayName": ""},
        "record": {"createdAt": "2026-03-01T12:00:00Z", "text": f"text {key}"},
    } | fields


def answer(key: str, to: str, did: str = OTHER):
    refs = {
        "parent": {"uri": f"at://{DID}/app.bsky.feed.post/{to}"},
        "root": {"uri": f"at://{DID}/app.bsky.feed.post/1"},
    }
    return view(key, did, record={"createdAt": "2026-03-01T13:00:00Z", "text": "yes", "reply": refs})


def test_bluesky_feeds_threads_quotes_and_reposts(case, write):
    quoting = view(
        "5",
        OTHER,
        embed={
            "$type": "app.bsky.embed.record#view",
            "record": {**{k: v for k, v in view("4").items() if k != "record"}, "value": view("4")["record"]},
        },
    )
    quoting["record"] |= {"embed": {"record": {"uri": f"at://{DID}/app.bsky.feed.post/4"}}}
    feed = {
        "feed": [
            {"post": answer("2", "1"), "reply": {"root": view("1"), "parent": view("1")}},
            {
                "post": view("1"),
                "reason": {
                    "$type": "x#reasonRepost",
                    "by": {"did": OTHER, "handle": "b"},
                    "indexedAt": "2026-03-01T14:00:00Z",
                },
            },
        ]
    }
    thread = {
        "thread": {
            "$type": "t",
            "post": view("1"),
            "replies": [{"post": answer("3", "1"), "replies": []}, {"uri": "at://x/y/z", "notFound": True}],
        }
    }
    assert figures(case, write(feed, thread, {"posts": [quoting]})) == (
        6,
        {"original": 2, "reply": 2, "quote": 1, "repost": 1},
        2,
    )
    assert case.trace(f"at://{OTHER}/app.bsky.feed.post/3").first_poster_handle == "ann.example"


def commit(
    operation: str, key: str, record: dict | None = None, collection: str = "app.bsky.feed.post", did: str = DID
):
    body = {"operation": operation, "collection": collection, "rkey": key}
    return {
        "did": did,
        "time_us": 1772366400000000,
        "kind": "commit",
        "commit": body | ({"record": record} if record else {}),
    }


def test_bluesky_jetstream_lines_with_deletions_before_and_after(case, write):
    record = {"createdAt": "2026-03-01T12:00:00Z", "text": "hello"}
    lines = [
        commit("create", "1", record),
        commit("create", "2", record),
        commit("delete", "1"),
        commit("delete", "9"),
        commit(
            "create",
            "r",
            {"createdAt": "2026-03-01T12:00:00Z", "subject": {"uri": f"at://{DID}/app.bsky.feed.post/2"}},
            "app.bsky.feed.repost",
            OTHER,
        ),
        commit("create", "l", {"subject": {"uri": "at://x"}}, "app.bsky.feed.like"),
        {
            "did": DID,
            "time_us": 1772366400000000,
            "kind": "identity",
            "identity": {"did": DID, "handle": "ann.example"},
        },
    ]
    tally = case.import_files([write(*lines)])
    assert (tally.stored, tally.dropped, tally.deletions) == (2, 1, 2)
    assert case.trace(f"at://{DID}/app.bsky.feed.post/2").first_poster_handle == "ann.example"
    assert case.import_files([write(commit("create", "9", record), name="late.jsonl")]).dropped == 1


def comment(key: str, parent: str, **fields):
    return {
        "kind": "t1",
        "data": {
            "id": key,
            "name": f"t1_{key}",
            "author": f"u{key}",
            "body": f"text {key}",
            "parent_id": parent,
            "link_id": "t3_s",
            "created_utc": 1772366400.0,
            "subreddit": "s",
            "replies": "",
        }
        | fields,
    }


def test_reddit_listings_nested_comments_and_morechildren(case, write):
    submission = {
        "kind": "t3",
        "data": {
            "id": "s",
            "name": "t3_s",
            "author": "op",
            "title": "Title",
            "selftext": "see u/someone",
            "subreddit": "s",
            "created_utc": 1772366300,
            "is_self": True,
        },
    }
    nested = comment(
        "a",
        "t3_s",
        replies={
            "kind": "Listing",
            "data": {
                "children": [
                    comment("b", "t1_a", author="[deleted]", body="[removed]"),
                    {"kind": "more", "data": {"count": 3, "parent_id": "t1_a", "children": ["x"]}},
                ]
            },
        },
    )
    page = [
        {"kind": "Listing", "data": {"children": [submission]}},
        {"kind": "Listing", "data": {"children": [nested]}},
    ]
    more = {"json": {"errors": [], "data": {"things": [comment("c", "t1_b")]}}}
    pushshift = {
        "id": "d",
        "author": "ud",
        "body": "flat",
        "parent_id": "t1_c",
        "link_id": "t3_s",
        "created_utc": "1772366500",
        "subreddit": "s",
    }
    assert figures(case, write(page, more, pushshift)) == (5, {"original": 1, "reply": 4}, 0)
    assert case.trace("t1_d").path == ("t1_d", "t1_c", "t1_b", "t1_a", "t3_s")
    assert case.trace("t1_d").first_poster == "op"
    assert case.status().mentioned_only == 1


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_packed_files_are_recognised_by_content(case, write, tmp_path, pack):
    packed = tmp_path / "anything.bin"
    packed.write_bytes(pack(write(tweet("1"), tweet("2")).read_bytes()))
    assert figures(case, packed)[0] == 2


def test_standard_input_is_read(case, write, monkeypatch, run):
    with write(tweet("1")).open("rb") as stdin:
        monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": stdin}))
        assert run("import", "-", "--json", case=case).json()["stored"] == 1


def test_formats_may_be_mixed_in_one_file(case, write):
    tally = case.import_files([write(tweet("1"), status("2"), view("3"), comment("4", "t3_s"), v1("5"))])
    assert (tally.stored, tally.quarantined) == (5, 0)
    assert case.status().by_source == {"bluesky": 1, "mastodon": 1, "reddit": 1, "x": 2}
