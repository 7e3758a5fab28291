"""Bluesky: XRPC answers (feeds, threads, searches, quotes) and Jetstream lines.

https://docs.bsky.app/docs/api and https://github.com/bluesky-social/jetstream
"""

from sna.formats.shape import Nested, Shape

_REF = {"uri": "VARCHAR"}
# A picture is named by the hash of its bytes.
_IMAGES = [{"image": {"ref": {"$link": "VARCHAR"}}}]
_RECORD: dict[str, object] = {
    "createdAt": "VARCHAR",
    "text": "VARCHAR",
    "langs": ["VARCHAR"],
    "reply": {"parent": _REF, "root": _REF},
    "facets": [{"features": [{"did": "VARCHAR", "tag": "VARCHAR", "uri": "VARCHAR"}]}],
    "tags": ["VARCHAR"],
    "embed": {
        "record": {"uri": "VARCHAR", "record": _REF},
        "external": {"uri": "VARCHAR"},
        "images": _IMAGES,
        "media": {"images": _IMAGES, "external": {"uri": "VARCHAR"}},
    },
    "subject": _REF,
}
_AUTHOR = {"did": "VARCHAR", "handle": "VARCHAR", "displayName": "VARCHAR"}
_COUNTS: dict[str, object] = {
    "likeCount": "BIGINT",
    "repostCount": "BIGINT",
    "replyCount": "BIGINT",
    "quoteCount": "BIGINT",
}


def _record_columns(r: str) -> dict[str, str]:
    """Columns from a post record, which looks the same in views, embeds and Jetstream; `r` names the struct."""
    quoted = f"coalesce({r}.embed.record.uri, {r}.embed.record.record.uri)"
    is_post = "LIKE '%/app.bsky.feed.post/%'"
    features = f"flatten(list_transform({r}.facets, lambda f: f.features))"
    return {
        "created_raw": f"{r}.createdAt",
        "text": f"{r}.text",
        "lang": f"{r}.langs[1]",
        "reply_to": f"{r}.reply.parent.uri",
        "reply_to_author": _did_of(f"{r}.reply.parent.uri"),
        "quote_of": f"CASE WHEN {quoted} {is_post} THEN {quoted} END",
        "quote_author": f"CASE WHEN {quoted} {is_post} THEN {_did_of(quoted)} END",
        "mentions": f"list_transform(list_filter({features}, lambda f: f.did IS NOT NULL), "
        "lambda f: {'id': f.did, 'handle': NULL::VARCHAR})",
        "hashtags": f"list_concat(list_filter(list_transform({features}, lambda f: f.tag), "
        f"lambda t: t IS NOT NULL), {r}.tags)",
        "urls": f"list_distinct(list_filter(list_concat(list_transform({features}, lambda f: f.uri), "
        f"[{r}.embed.external.uri, {r}.embed.media.external.uri]), lambda u: u IS NOT NULL))",
        "media": f'list_transform(coalesce({r}.embed.images, {r}.embed.media.images), lambda i: i.image.ref."$link")',
    }


def _did_of(uri: str) -> str:
    # at://did/collection/key names its author.
    return f"nullif(split_part({uri}, '/', 3), '')"


def _view(record: str) -> dict[str, str]:
    root = f"j.{record}.reply.root.uri"
    return {
        "id": "j.uri",
        "author_id": "j.author.did",
        "author_handle": "j.author.handle",
        "author_name": "nullif(j.author.displayName, '')",
        "likes": "j.likeCount",
        "reposts": "j.repostCount",
        "replies": "j.replyCount",
        "quotes": "j.quoteCount",
        "conversation": f"coalesce({root}, j.uri)",
        "link": "'https://bsky.app/profile/' || j.author.did || '/post/' || split_part(j.uri, '/', 5)",
        **_record_columns(f"j.{record}"),
    }


_EMBEDDED = (
    "list_filter([json_extract(line, '$.embed.record'), json_extract(line, '$.embed.record.record'), "
    "json_extract(line, '$.embeds[0].record'), json_extract(line, '$.embeds[0].record.record')], "
    "lambda s: json_exists(s, '$.value') AND json_exists(s, '$.author'))"
)

POST = Shape(
    name="Bluesky post",
    source="bluesky",
    recognise=lambda keys: {"uri", "author", "record"} <= keys,
    spec={
        "uri": "VARCHAR",
        "author": _AUTHOR,
        "record": _RECORD,
        "embed": {"record": {"uri": "VARCHAR", "record": _REF}},
        **_COUNTS,
    },
    post=_view("record") | {"nested": "coalesce(j.embed.record.uri, j.embed.record.record.uri) IS NOT NULL"},
    inside=(Nested(_EMBEDDED, referenced=True),),
    text_path="$.record.text",
)

EMBEDDED_POST = Shape(
    name="Bluesky embedded post",
    source="bluesky",
    recognise=lambda keys: {"uri", "author", "value"} <= keys,
    spec={
        "uri": "VARCHAR",
        "author": _AUTHOR,
        "value": _RECORD,
        "embeds": [{"record": {"record": _REF, "uri": "VARCHAR"}}],
        **_COUNTS,
    },
    post=_view("value") | {"nested": "len(j.embeds) > 0"},
    where="j.uri LIKE '%/app.bsky.feed.post/%'",
    inside=(Nested(_EMBEDDED, referenced=True),),
    text_path="$.value.text",
)

# An answer tells who reposted and when, not always the repost's own id; the pair names it then.
FEED_ITEM = Shape(
    name="Bluesky feed item",
    source="bluesky",
    recognise=lambda keys: "post" in keys and keys <= {"post", "reply", "reason", "feedContext", "reqId"},
    spec={
        "post": {"uri": "VARCHAR", "author": {"did": "VARCHAR"}},
        "reason": {"$type": "VARCHAR", "by": _AUTHOR, "indexedAt": "VARCHAR", "uri": "VARCHAR"},
    },
    post={
        "id": "coalesce(j.reason.uri, 'repost by ' || j.reason.by.did || ' of ' || j.post.uri)",
        "author_id": "j.reason.by.did",
        "author_handle": "j.reason.by.handle",
        "author_name": "nullif(j.reason.by.displayName, '')",
        "created_raw": "j.reason.indexedAt",
        "repost_of": "j.post.uri",
        "repost_author": "j.post.author.did",
    },
    where="j.reason.by.did IS NOT NULL",
    inside=(
        Nested("[json_extract(line, '$.post')]"),
        Nested(
            "list_filter([json_extract(line, '$.reply.root'), json_extract(line, '$.reply.parent')], "
            "lambda s: json_type(s) = 'OBJECT')",
            referenced=True,
        ),
    ),
    text_path="$.no_text",
)

THREAD = Shape(
    name="Bluesky thread",
    source="bluesky",
    recognise=lambda keys: "thread" in keys,
    inside=(Nested("[json_extract(line, '$.thread')]"),),
)

THREAD_VIEW = Shape(
    name="Bluesky thread view",
    source="bluesky",
    recognise=lambda keys: "post" in keys and bool(keys & {"parent", "replies", "threadContext", "$type"}),
    inside=(
        Nested("[json_extract(line, '$.post')]"),
        Nested("list_filter([json_extract(line, '$.parent')], lambda s: json_type(s) = 'OBJECT')", referenced=True),
        Nested("from_json(json_extract(line, '$.replies'), '[\"JSON\"]')", referenced=True),
    ),
)

ANSWER = Shape(
    name="Bluesky answer",
    source="bluesky",
    recognise=lambda keys: bool(keys & {"feed", "posts"}) and not keys & {"id", "kind"},
    inside=(Nested("from_json(coalesce(json_extract(line, '$.feed'), json_extract(line, '$.posts')), '[\"JSON\"]')"),),
)

PROFILES = Shape(
    name="Bluesky profiles",
    source="bluesky",
    recognise=lambda keys: bool(keys & {"repostedBy", "actors", "likes", "profiles"}) and not keys & {"id", "kind"},
    inside=(
        Nested(
            "list_filter(from_json(coalesce(json_extract(line, '$.repostedBy'), json_extract(line, '$.actors'), "
            "json_extract(line, '$.profiles')), '[\"JSON\"]'), lambda s: json_exists(s, '$.did'))"
        ),
    ),
)

PROFILE = Shape(
    name="Bluesky profile",
    source="bluesky",
    recognise=lambda keys: {"did", "handle"} <= keys,
    spec=dict(_AUTHOR),
    actor={"id": "j.did", "handle": "j.handle", "name": "nullif(j.displayName, '')"},
)

GONE = Shape(
    name="Bluesky absent post",
    source="bluesky",
    recognise=lambda keys: "uri" in keys and bool(keys & {"notFound", "blocked", "detached"}),
)

_URI = "'at://' || j.did || '/' || j.commit.collection || '/' || j.commit.rkey"
_WRITES = "j.commit.operation IN ('create', 'update')"
_JETSTREAM: dict[str, object] = {
    "did": "VARCHAR",
    "kind": "VARCHAR",
    "time_us": "VARCHAR",
    "commit": {"operation": "VARCHAR", "collection": "VARCHAR", "rkey": "VARCHAR", "record": _RECORD},
    "identity": {"did": "VARCHAR", "handle": "VARCHAR"},
    "account": {"active": "BOOLEAN", "status": "VARCHAR"},
}

EVENT = Shape(
    name="Bluesky Jetstream event",
    source="bluesky",
    recognise=lambda keys: {"did", "time_us"} <= keys,
    spec=_JETSTREAM,
    post={
        **_record_columns("j.commit.record"),
        "id": _URI,
        "author_id": "j.did",
        "conversation": "CASE WHEN j.commit.collection = 'app.bsky.feed.post' "
        f"THEN coalesce(j.commit.record.reply.root.uri, {_URI}) END",
        "repost_of": "CASE WHEN j.commit.collection = 'app.bsky.feed.repost' THEN j.commit.record.subject.uri END",
        "repost_author": "CASE WHEN j.commit.collection = 'app.bsky.feed.repost' "
        f"THEN {_did_of('j.commit.record.subject.uri')} END",
        "edited_raw": "CASE WHEN j.commit.operation = 'update' THEN j.time_us END",
        "link": "CASE WHEN j.commit.collection = 'app.bsky.feed.post' "
        "THEN 'https://bsky.app/profile/' || j.did || '/post/' || j.commit.rkey END",
    },
    where=f"j.kind = 'commit' AND {_WRITES} AND j.commit.collection IN ('app.bsky.feed.post', 'app.bsky.feed.repost')",
    actor={"id": "CASE WHEN j.kind = 'identity' THEN j.did END", "handle": "j.identity.handle"},
    deletion="CASE WHEN j.commit.operation = 'delete' AND j.commit.collection IN "
    f"('app.bsky.feed.post', 'app.bsky.feed.repost') THEN {_URI} END",
    standing={
        "id": "CASE WHEN j.kind = 'account' THEN j.did END",
        "state": "CASE WHEN j.account.active THEN 'active' ELSE j.account.status END",
    },
    seen="j.time_us",
    text_path="$.commit.record.text",
    event_spec={**_JETSTREAM, "commit": {"operation": "VARCHAR", "collection": "VARCHAR", "rkey": "VARCHAR"}},
)

# The second version of Jetstream wraps each event and lays the commit flat.
FRAME = Shape(
    name="Bluesky Jetstream 2 frame",
    source="bluesky",
    recognise=lambda keys: {"$type", "payload"} <= keys,
    inside=(Nested("[json_extract(line, '$.payload')]"),),
)

_URI_2 = "'at://' || j.did || '/' || j.collection || '/' || j.rkey"
_FEED_2 = "j.collection IN ('app.bsky.feed.post', 'app.bsky.feed.repost')"

EVENT_2 = Shape(
    name="Bluesky Jetstream 2 event",
    source="bluesky",
    recognise=lambda keys: {"did", "seq", "time"} <= keys,
    spec={
        "did": "VARCHAR",
        "time": "VARCHAR",
        "operation": "VARCHAR",
        "collection": "VARCHAR",
        "rkey": "VARCHAR",
        "record": _RECORD,
        "account": {"active": "BOOLEAN", "status": "VARCHAR"},
        "identity": {"handle": "VARCHAR"},
    },
    post={
        **_record_columns("j.record"),
        "id": _URI_2,
        "author_id": "j.did",
        "conversation": "CASE WHEN j.collection = 'app.bsky.feed.post' "
        f"THEN coalesce(j.record.reply.root.uri, {_URI_2}) END",
        "repost_of": "CASE WHEN j.collection = 'app.bsky.feed.repost' THEN j.record.subject.uri END",
        "repost_author": f"CASE WHEN j.collection = 'app.bsky.feed.repost' THEN {_did_of('j.record.subject.uri')} END",
        "edited_raw": "CASE WHEN j.operation = 'update' THEN j.time END",
        "link": "CASE WHEN j.collection = 'app.bsky.feed.post' "
        "THEN 'https://bsky.app/profile/' || j.did || '/post/' || j.rkey END",
    },
    where=f"j.operation IN ('create', 'update') AND {_FEED_2}",
    actor={"id": "CASE WHEN j.identity.handle IS NOT NULL THEN j.did END", "handle": "j.identity.handle"},
    deletion=f"CASE WHEN j.operation = 'delete' AND {_FEED_2} THEN {_URI_2} END",
    standing={
        "id": "CASE WHEN j.account.active IS NOT NULL THEN j.did END",
        "state": "CASE WHEN j.account.active THEN 'active' ELSE j.account.status END",
    },
    seen="j.time",
    text_path="$.record.text",
)

SHAPES = (FRAME, EVENT_2, POST, EMBEDDED_POST, FEED_ITEM, THREAD, THREAD_VIEW, EVENT, PROFILE, PROFILES, GONE, ANSWER)
