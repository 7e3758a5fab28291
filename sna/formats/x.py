"""X (Twitter): API v2 pages, flattened lines, stream objects and user files; API v1.1 lines.

https://docs.x.com/x-api/fundamentals/data-dictionary and, for v1.1,
https://developer.x.com/en/docs/x-api/v1/data-dictionary/object-model/tweet
"""

from sna.formats.shape import Nested, Shape

# Since its version 2.167 the contract says "posts" where it said "tweets"; both are read.
_REFERENCES = [{"type": "VARCHAR", "id": "VARCHAR", "text": "VARCHAR", "author_id": "VARCHAR"}]


# What the API sends when nothing more is asked for.
_DEFAULT_FIELDS = {
    *("id", "text", "lang", "entities", "withheld"),
    *("edit_history_tweet_ids", "edit_history_post_ids", "referenced_tweets", "referenced_posts"),
}


def _first_of(kind: str) -> str:
    # A post has at most one reference of a kind, so the first of the filtered list is the one.
    return f"list_filter(coalesce(j.referenced_tweets, j.referenced_posts), lambda r: r.type IN ({kind}))[1]"


POST = Shape(
    name="X v2 post",
    source="x",
    recognise=lambda keys: (
        {"id", "text"} <= keys
        and not keys & {"id_str", "user", "record", "account", "subreddit"}
        and (bool(keys & {"author_id", "public_metrics", "conversation_id", "created_at"}) or keys <= _DEFAULT_FIELDS)
    ),
    spec={
        "id": "VARCHAR",
        "author_id": "VARCHAR",
        "created_at": "VARCHAR",
        "text": "VARCHAR",
        "lang": "VARCHAR",
        "conversation_id": "VARCHAR",
        "in_reply_to_user_id": "VARCHAR",
        "referenced_tweets": _REFERENCES,
        "referenced_posts": _REFERENCES,
        "note_tweet": {"text": "VARCHAR"},
        "note_post": {"text": "VARCHAR"},
        "attachments": {"media_keys": ["VARCHAR"]},
        "geo": {"coordinates": {"coordinates": ["DOUBLE"]}},
        "public_metrics": {
            "like_count": "BIGINT",
            "retweet_count": "BIGINT",
            "repost_count": "BIGINT",
            "reply_count": "BIGINT",
            "quote_count": "BIGINT",
            "impression_count": "BIGINT",
        },
        "entities": {
            "hashtags": [{"tag": "VARCHAR"}],
            "mentions": [{"username": "VARCHAR", "id": "VARCHAR"}],
            "urls": [{"expanded_url": "VARCHAR", "unwound_url": "VARCHAR", "url": "VARCHAR"}],
        },
        "author": {"id": "VARCHAR", "username": "VARCHAR", "name": "VARCHAR", "protected": "BOOLEAN"},
        "__twarc": {"retrieved_at": "VARCHAR"},
    },
    lets=(
        ("answered", _first_of("'replied_to'")),
        ("quoted", _first_of("'quoted'")),
        ("reposted", _first_of("'retweeted', 'reposted'")),
    ),
    post={
        "id": "j.id",
        "author_id": "coalesce(j.author_id, j.author.id)",
        "author_handle": "j.author.username",
        "author_name": "j.author.name",
        "created_raw": "j.created_at",
        "text": "coalesce(j.note_post.text, j.note_tweet.text, j.text)",
        "lang": "j.lang",
        "reply_to": "answered.id",
        "reply_to_author": "j.in_reply_to_user_id",
        "quote_of": "quoted.id",
        "quote_author": "quoted.author_id",
        "repost_of": "reposted.id",
        "repost_author": "reposted.author_id",
        "conversation": "j.conversation_id",
        "mentions": "list_transform(j.entities.mentions, lambda m: {'id': m.id, 'handle': m.username})",
        "hashtags": "list_transform(j.entities.hashtags, lambda h: h.tag)",
        "urls": "list_transform(j.entities.urls, lambda u: coalesce(u.unwound_url, u.expanded_url, u.url))",
        "likes": "j.public_metrics.like_count",
        "reposts": "coalesce(j.public_metrics.repost_count, j.public_metrics.retweet_count)",
        "replies": "j.public_metrics.reply_count",
        "quotes": "j.public_metrics.quote_count",
        "views": "j.public_metrics.impression_count",
        "protected": "j.author.protected",
        "media": "j.attachments.media_keys",
        "longitude": "j.geo.coordinates.coordinates[1]",
        "latitude": "j.geo.coordinates.coordinates[2]",
        "nested": "answered.text IS NOT NULL OR quoted.text IS NOT NULL OR reposted.text IS NOT NULL",
    },
    seen="j.__twarc.retrieved_at",
    inside=(
        Nested(
            "list_filter(from_json(coalesce(json_extract(line, '$.referenced_tweets'), "
            "json_extract(line, '$.referenced_posts')), '[\"JSON\"]'), lambda r: json_exists(r, '$.text'))",
            referenced=True,
        ),
    ),
)

USER = Shape(
    name="X v2 user",
    source="x",
    recognise=lambda keys: {"id", "username", "name"} <= keys and "acct" not in keys,
    spec={"id": "VARCHAR", "username": "VARCHAR", "name": "VARCHAR"},
    actor={"id": "j.id", "handle": "j.username", "name": "j.name"},
)

_MANY = (
    "CASE json_type(line, '{0}') WHEN 'ARRAY' THEN from_json(json_extract(line, '{0}'), '[\"JSON\"]') "
    "WHEN 'OBJECT' THEN [json_extract(line, '{0}')] END"
)

PAGE = Shape(
    name="X v2 page",
    source="x",
    recognise=lambda keys: (
        ("data" in keys and "kind" not in keys and "event" not in keys)
        or (bool(keys & {"includes", "meta"}) and keys <= {"includes", "meta", "errors", "__twarc", "matching_rules"})
    ),
    spec={"__twarc": {"retrieved_at": "VARCHAR"}},
    seen="j.__twarc.retrieved_at",
    inside=(
        Nested(_MANY.format("$.data")),
        Nested(_MANY.format("$.includes.tweets"), referenced=True),
        Nested(_MANY.format("$.includes.posts"), referenced=True),
        Nested(_MANY.format("$.includes.users")),
    ),
)

USERS = Shape(
    name="X v2 users",
    source="x",
    recognise=lambda keys: (
        "users" in keys and keys <= {"users", "tweets", "media", "places", "polls", "meta", "errors"}
    ),
    inside=(Nested(_MANY.format("$.users")), Nested(_MANY.format("$.tweets"), referenced=True)),
)

ERRORS = Shape(
    name="X v2 errors",
    source="x",
    recognise=lambda keys: (
        "errors" in keys and keys <= {"errors", "title", "detail", "type", "status", "connection_issue"}
    ),
)

_ENTITIES = {
    "hashtags": [{"text": "VARCHAR"}],
    "media": [{"media_url_https": "VARCHAR"}],
    "user_mentions": [{"id_str": "VARCHAR", "screen_name": "VARCHAR", "id": "VARCHAR"}],
    "urls": [{"expanded_url": "VARCHAR", "url": "VARCHAR"}],
}
_OF = "coalesce(j.extended_tweet.entities, j.entities)"

POST_V1 = Shape(
    name="X v1.1 post",
    source="x",
    recognise=lambda keys: "user" in keys and bool(keys & {"text", "full_text"}) and bool(keys & {"id_str", "id"}),
    spec={
        "id_str": "VARCHAR",
        "id": "VARCHAR",
        "created_at": "VARCHAR",
        "text": "VARCHAR",
        "full_text": "VARCHAR",
        "lang": "VARCHAR",
        "in_reply_to_status_id_str": "VARCHAR",
        "in_reply_to_status_id": "VARCHAR",
        "in_reply_to_user_id_str": "VARCHAR",
        "in_reply_to_user_id": "VARCHAR",
        "quoted_status_id_str": "VARCHAR",
        "quoted_status_id": "VARCHAR",
        "favorite_count": "BIGINT",
        "retweet_count": "BIGINT",
        "reply_count": "BIGINT",
        "quote_count": "BIGINT",
        "entities": _ENTITIES,
        "coordinates": {"coordinates": ["DOUBLE"]},
        "extended_tweet": {"full_text": "VARCHAR", "entities": _ENTITIES},
        "user": {
            "id_str": "VARCHAR",
            "id": "VARCHAR",
            "screen_name": "VARCHAR",
            "name": "VARCHAR",
            "protected": "BOOLEAN",
        },
        "retweeted_status": {"id_str": "VARCHAR", "id": "VARCHAR", "user": {"id_str": "VARCHAR", "id": "VARCHAR"}},
        "quoted_status": {"id_str": "VARCHAR", "id": "VARCHAR", "user": {"id_str": "VARCHAR", "id": "VARCHAR"}},
    },
    post={
        "id": "coalesce(j.id_str, j.id)",
        "author_id": "coalesce(j.user.id_str, j.user.id)",
        "author_handle": "j.user.screen_name",
        "author_name": "j.user.name",
        "created_raw": "j.created_at",
        "text": "coalesce(j.extended_tweet.full_text, j.full_text, j.text)",
        "lang": "nullif(j.lang, 'und')",
        "reply_to": "coalesce(j.in_reply_to_status_id_str, j.in_reply_to_status_id)",
        "reply_to_author": "coalesce(j.in_reply_to_user_id_str, j.in_reply_to_user_id)",
        # A repost of a quoting post repeats the quote's fields; the one who quotes is the original's author.
        "quote_of": "CASE WHEN j.retweeted_status IS NULL THEN coalesce(j.quoted_status_id_str, j.quoted_status_id, "
        "j.quoted_status.id_str, j.quoted_status.id) END",
        "quote_author": "CASE WHEN j.retweeted_status IS NULL "
        "THEN coalesce(j.quoted_status.user.id_str, j.quoted_status.user.id) END",
        "repost_of": "coalesce(j.retweeted_status.id_str, j.retweeted_status.id)",
        "repost_author": "coalesce(j.retweeted_status.user.id_str, j.retweeted_status.user.id)",
        "mentions": f"list_transform({_OF}.user_mentions, "
        "lambda m: {'id': coalesce(m.id_str, m.id), 'handle': m.screen_name})",
        "hashtags": f"list_transform({_OF}.hashtags, lambda h: h.text)",
        "urls": f"list_transform({_OF}.urls, lambda u: coalesce(u.expanded_url, u.url))",
        "likes": "j.favorite_count",
        "reposts": "j.retweet_count",
        "replies": "j.reply_count",
        "quotes": "j.quote_count",
        "protected": "j.user.protected",
        "media": f"list_transform({_OF}.media, lambda m: m.media_url_https)",
        "longitude": "j.coordinates.coordinates[1]",
        "latitude": "j.coordinates.coordinates[2]",
        "nested": "coalesce(j.retweeted_status.id_str, j.retweeted_status.id, j.quoted_status.id_str, "
        "j.quoted_status.id) IS NOT NULL",
    },
    inside=(
        Nested(
            "list_filter([json_extract(line, '$.retweeted_status'), json_extract(line, '$.quoted_status')], "
            "lambda s: json_type(s) = 'OBJECT')",
            referenced=True,
        ),
    ),
)

_ABOUT_POST = {"post": {"id": "VARCHAR"}, "tweet": {"id": "VARCHAR"}}

DELETE_V1 = Shape(
    name="X v1.1 deletion",
    source="x",
    recognise=lambda keys: keys == {"delete"},
    spec={"delete": {"status": {"id_str": "VARCHAR", "id": "VARCHAR"}, **_ABOUT_POST}},
    deletion="coalesce(j.delete.status.id_str, j.delete.status.id, j.delete.post.id, j.delete.tweet.id)",
)

_ABOUT_USER = {"user": {"id": "VARCHAR"}}
_POST_EVENTS = ("delete", "withheld", "drop")
_USER_EVENTS = {
    "user_delete": "deleted",
    "user_suspend": "suspended",
    "user_protect": "protected",
    "user_withheld": "withheld",
    "user_undelete": "active",
    "user_unsuspend": "active",
    "user_unprotect": "active",
}
_GONE_USERS = ("deactivated", "suspended", "protected")
_ABOUT = _POST_EVENTS + tuple(_USER_EVENTS)

# https://docs.x.com/x-api/compliance/streams/introduction; of an event's one key the rest follows.
COMPLIANCE = Shape(
    name="X compliance event",
    source="x",
    recognise=lambda keys: len(keys) == 1 and bool(keys & {*_ABOUT, "undrop", "user_scrub_geo", "post_edit"}),
    spec={**dict.fromkeys(_POST_EVENTS, _ABOUT_POST), **dict.fromkeys(_USER_EVENTS, _ABOUT_USER)},
    deletion="coalesce(" + ", ".join(f"j.{e}.post.id, j.{e}.tweet.id" for e in _POST_EVENTS) + ")",
    why="CASE WHEN coalesce(j.withheld.post.id, j.withheld.tweet.id) IS NOT NULL THEN 'withheld' END",
    standing={
        "id": "coalesce(" + ", ".join(f"j.{event}.user.id" for event in _USER_EVENTS) + ")",
        "state": "CASE "
        + " ".join(f"WHEN j.{event}.user.id IS NOT NULL THEN '{state}'" for event, state in _USER_EVENTS.items())
        + " END",
    },
)

# One line of a finished batch compliance job; of a job about users the id is a user's.
JOB_RESULT = Shape(
    name="X compliance result",
    source="x",
    recognise=lambda keys: {"id", "action", "reason"} <= keys,
    spec={"id": "VARCHAR", "action": "VARCHAR", "reason": "VARCHAR"},
    deletion="CASE WHEN j.action = 'delete' THEN j.id END",
    why="CASE j.reason WHEN 'deleted' THEN 'deleted' ELSE 'account ' || j.reason END",
    standing={"id": "j.id", "state": f"CASE WHEN j.action = 'delete' AND j.reason IN {_GONE_USERS} THEN j.reason END"},
)

USER_V1 = Shape(
    name="X v1.1 user",
    source="x",
    recognise=lambda keys: {"id_str", "screen_name"} <= keys,
    spec={"id_str": "VARCHAR", "screen_name": "VARCHAR", "name": "VARCHAR"},
    actor={"id": "j.id_str", "handle": "j.screen_name", "name": "j.name"},
)

SHAPES = (POST, POST_V1, USER, USER_V1, DELETE_V1, COMPLIANCE, JOB_RESULT, PAGE, USERS, ERRORS)
