"""Mastodon: statuses, contexts, timelines and stream events. https://docs.joinmastodon.org/entities/Status/"""

from sna.formats.shape import Nested, Shape

_ACCOUNT = {"id": "VARCHAR", "acct": "VARCHAR", "display_name": "VARCHAR", "url": "VARCHAR"}
_PLACE = {"id": "VARCHAR", "account": _ACCOUNT}


def _post_id(local: str) -> str:
    # Each server numbers all posts by itself; its name makes the number one of its own.
    return f"{local} || coalesce('@' || $origin, '')"


def _account_id(account: str) -> str:
    # The address of an account's page is the same wherever it is seen, its number is not.
    return f"coalesce({account}.url, {account}.id)"


_ANSWERED = "list_filter(j.mentions, lambda m: m.id = j.in_reply_to_account_id)[1]"
# Links to accounts and hashtags carry a class before anything else, links to pages a `rel` or `target`.
_PAGE_LINKS = 'regexp_extract_all(j.content, \'<a href="([^"]+)" (?:rel|target|translate)=\', 1)'

STATUS = Shape(
    name="Mastodon status",
    source="mastodon",
    recognise=lambda keys: {"id", "account", "content"} <= keys,
    spec={
        "id": "VARCHAR",
        "account": _ACCOUNT,
        "created_at": "VARCHAR",
        "edited_at": "VARCHAR",
        "content": "VARCHAR",
        "spoiler_text": "VARCHAR",
        "language": "VARCHAR",
        "visibility": "VARCHAR",
        "in_reply_to_id": "VARCHAR",
        "in_reply_to_account_id": "VARCHAR",
        "url": "VARCHAR",
        "uri": "VARCHAR",
        "favourites_count": "BIGINT",
        "reblogs_count": "BIGINT",
        "replies_count": "BIGINT",
        "quotes_count": "BIGINT",
        "reblog": _PLACE,
        "quote": {"quoted_status": _PLACE, "id": "VARCHAR", "account": _ACCOUNT},
        "quote_id": "VARCHAR",
        "mentions": [{"id": "VARCHAR", "acct": "VARCHAR", "url": "VARCHAR"}],
        "media_attachments": [{"url": "VARCHAR", "remote_url": "VARCHAR"}],
        "tags": [{"name": "VARCHAR"}],
        "card": {"url": "VARCHAR"},
    },
    post={
        "id": _post_id("j.id"),
        "alias": "j.uri",
        "author_id": _account_id("j.account"),
        "author_handle": "j.account.acct",
        "author_name": "j.account.display_name",
        "created_raw": "j.created_at",
        "edited_raw": "j.edited_at",
        "text": "concat_ws(E'\\n\\n', nullif(j.spoiler_text, ''), plain_text(j.content))",
        "lang": "j.language",
        "reply_to": _post_id("j.in_reply_to_id"),
        "reply_to_author": f"CASE WHEN j.in_reply_to_account_id = j.account.id THEN {_account_id('j.account')} "
        f"WHEN j.account.url IS NULL THEN j.in_reply_to_account_id ELSE {_ANSWERED}.url END",
        "quote_of": _post_id("coalesce(j.quote.quoted_status.id, j.quote.id, j.quote_id)"),
        "quote_author": f"coalesce({_account_id('j.quote.quoted_status.account')}, {_account_id('j.quote.account')})",
        "repost_of": _post_id("j.reblog.id"),
        "repost_author": _account_id("j.reblog.account"),
        "mentions": "list_transform(j.mentions, lambda m: {'id': coalesce(m.url, m.id), 'handle': m.acct})",
        "hashtags": "list_transform(j.tags, lambda t: t.name)",
        "urls": f"list_distinct(list_concat({_PAGE_LINKS}, "
        "CASE WHEN j.card.url IS NULL THEN [] ELSE [j.card.url] END))",
        "likes": "j.favourites_count",
        "reposts": "j.reblogs_count",
        "replies": "j.replies_count",
        "quotes": "j.quotes_count",
        "link": "coalesce(j.url, j.uri)",
        "media": "list_transform(j.media_attachments, lambda m: coalesce(m.remote_url, m.url))",
        "protected": "j.visibility IN ('private', 'direct', 'limited')",
        "nested": "j.reblog.id IS NOT NULL OR j.quote.quoted_status.id IS NOT NULL OR j.quote.id IS NOT NULL",
    },
    inside=(
        Nested(
            "list_filter([json_extract(line, '$.reblog'), json_extract(line, '$.quote.quoted_status'), "
            "json_extract(line, '$.quote')], lambda s: json_exists(s, '$.content'))",
            referenced=True,
        ),
    ),
    text_path="$.content",
)

CONTEXT = Shape(
    name="Mastodon context",
    source="mastodon",
    recognise=lambda keys: {"ancestors", "descendants"} <= keys,
    inside=(
        Nested("from_json(json_extract(line, '$.ancestors'), '[\"JSON\"]')", referenced=True),
        Nested("from_json(json_extract(line, '$.descendants'), '[\"JSON\"]')", referenced=True),
    ),
)

ACCOUNT = Shape(
    name="Mastodon account",
    source="mastodon",
    recognise=lambda keys: {"id", "acct"} <= keys,
    spec=dict(_ACCOUNT),
    actor={"id": _account_id("j"), "handle": "j.acct", "name": "j.display_name"},
)

# A stream writes its payload as JSON text inside JSON.
EVENT = Shape(
    name="Mastodon stream event",
    source="mastodon",
    recognise=lambda keys: {"event", "payload"} <= keys,
    spec={"event": "VARCHAR", "payload": "VARCHAR"},
    inside=(
        Nested("CASE WHEN j.event IN ('update', 'status.update') AND json_valid(j.payload) THEN [j.payload::JSON] END"),
    ),
    deletion=f"CASE WHEN j.event = 'delete' THEN {_post_id('j.payload')} END",
)

SHAPES = (STATUS, CONTEXT, ACCOUNT, EVENT)
