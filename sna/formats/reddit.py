"""Reddit: listings, `morechildren` answers, single things, and Pushshift / Arctic Shift lines.

https://www.reddit.com/dev/api and https://github.com/ArthurHeitmann/arctic_shift (field names)
"""

from sna.formats.shape import Nested, Shape

# A deleted author is nobody; a name on Reddit never changes, and old records carry nothing else.
_AUTHOR = "CASE WHEN j.author NOT IN ('[deleted]', '[removed]') THEN j.author END"
# What is left of a post that its author deleted, or that moderators removed: its place, not its words.
_STATE = "CASE {text} WHEN '[deleted]' THEN 'deleted' WHEN '[removed]' THEN 'removed' END"
_WORDS = "CASE WHEN {text} NOT IN ('[deleted]', '[removed]') THEN {text} END"
_FULL_ID = "coalesce(j.name, '{prefix}_' || j.id)"
_TIME = "coalesce(j.created_utc, j.created)"
_SEEN = "coalesce(j.retrieved_on, j.retrieved_utc)"
_EDITED = "CASE WHEN j.edited NOT IN ('false', 'true') THEN j.edited END"
_MENTIONS = (
    "list_transform(list_distinct(regexp_extract_all({text}, '(?:^|[^\\w/])/?u/([A-Za-z0-9_-]{{3,20}})', 1)), "
    "lambda h: {{'id': NULL::VARCHAR, 'handle': h}})"
)
_URLS = "list_distinct(list_concat({own}, regexp_extract_all({text}, 'https?://[^\\s)\\]>\"]+')))"
_TITLE_AND_TEXT = "concat_ws(E'\\n\\n', nullif(j.title, ''), nullif(" + _WORDS.format(text="j.selftext") + ", ''))"

COMMENT = Shape(
    name="Reddit comment",
    source="reddit",
    recognise=lambda keys: {"body", "id"} <= keys and bool(keys & {"link_id", "subreddit"}),
    spec={
        "id": "VARCHAR",
        "name": "VARCHAR",
        "author": "VARCHAR",
        "body": "VARCHAR",
        "created_utc": "VARCHAR",
        "created": "VARCHAR",
        "parent_id": "VARCHAR",
        "link_id": "VARCHAR",
        "score": "BIGINT",
        "edited": "VARCHAR",
        "permalink": "VARCHAR",
        "retrieved_on": "VARCHAR",
        "retrieved_utc": "VARCHAR",
        "replies": {"kind": "VARCHAR"},
    },
    post={
        "id": _FULL_ID.format(prefix="t1"),
        "author_id": _AUTHOR,
        "author_handle": _AUTHOR,
        "created_raw": _TIME,
        # Pushshift once wrote parents as bare numbers: the comment's id in base 10 without its prefix.
        "text": _WORDS.format(text="j.body"),
        "state": _STATE.format(text="j.body"),
        "reply_to": "CASE WHEN j.parent_id LIKE 't__%' THEN j.parent_id WHEN j.parent_id IS NULL THEN j.link_id "
        "ELSE 't1_' || j.parent_id END",
        "conversation": "j.link_id",
        "mentions": _MENTIONS.format(text="j.body"),
        "urls": _URLS.format(own="[]", text="j.body"),
        "likes": "j.score",
        "edited_raw": _EDITED,
        "link": "'https://www.reddit.com' || j.permalink",
        "nested": "j.replies.kind IS NOT NULL",
    },
    inside=(Nested("list_filter([json_extract(line, '$.replies')], lambda s: json_type(s) = 'OBJECT')"),),
    seen=_SEEN,
    text_path="$.body",
)

SUBMISSION = Shape(
    name="Reddit submission",
    source="reddit",
    recognise=lambda keys: {"title", "id"} <= keys and bool(keys & {"subreddit", "selftext"}) and "body" not in keys,
    spec={
        "id": "VARCHAR",
        "name": "VARCHAR",
        "author": "VARCHAR",
        "title": "VARCHAR",
        "selftext": "VARCHAR",
        "created_utc": "VARCHAR",
        "created": "VARCHAR",
        "url": "VARCHAR",
        "score": "BIGINT",
        "num_comments": "BIGINT",
        "edited": "VARCHAR",
        "permalink": "VARCHAR",
        "crosspost_parent": "VARCHAR",
        "is_self": "BOOLEAN",
        "retrieved_on": "VARCHAR",
        "retrieved_utc": "VARCHAR",
        "crosspost_parent_list": [{"id": "VARCHAR"}],
    },
    post={
        "id": _FULL_ID.format(prefix="t3"),
        "author_id": _AUTHOR,
        "author_handle": _AUTHOR,
        "created_raw": _TIME,
        "text": _TITLE_AND_TEXT,
        "state": _STATE.format(text="j.selftext"),
        "quote_of": "j.crosspost_parent",
        "conversation": _FULL_ID.format(prefix="t3"),
        "mentions": _MENTIONS.format(text=_TITLE_AND_TEXT),
        "urls": _URLS.format(
            own="CASE WHEN j.is_self OR j.url IS NULL THEN [] ELSE [j.url] END", text="coalesce(j.selftext, '')"
        ),
        "likes": "j.score",
        "replies": "j.num_comments",
        "edited_raw": _EDITED,
        "link": "'https://www.reddit.com' || j.permalink",
        "nested": "len(j.crosspost_parent_list) > 0",
    },
    inside=(Nested("from_json(json_extract(line, '$.crosspost_parent_list'), '[\"JSON\"]')", referenced=True),),
    seen=_SEEN,
    text_path="$.selftext",
)

THING = Shape(
    name="Reddit thing",
    source="reddit",
    recognise=lambda keys: {"kind", "data"} <= keys,
    spec={"kind": "VARCHAR"},
    inside=(
        Nested(
            "CASE WHEN j.kind = 'Listing' THEN from_json(json_extract(line, '$.data.children'), '[\"JSON\"]') "
            "WHEN j.kind IN ('t1', 't3') THEN [json_extract(line, '$.data')] END"
        ),
    ),
)

MORE_CHILDREN = Shape(
    name="Reddit morechildren",
    source="reddit",
    recognise=lambda keys: keys == {"json"},
    inside=(Nested("from_json(json_extract(line, '$.json.data.things'), '[\"JSON\"]')"),),
)

# What is left of a listing's fold: a count and ids of comments that were not sent.
MORE = Shape(
    name="Reddit more",
    source="reddit",
    recognise=lambda keys: {"children", "parent_id", "count"} <= keys,
)

SHAPES = (COMMENT, SUBMISSION, THING, MORE_CHILDREN, MORE)
