"""The tables of the store; each row of a person's content hangs on a post or an actor key, for the purge."""

VERSION = 4

# What collectors need beside posts: second ids, who is gone, how far a collection got, its pages, its gaps.
_COLLECTED = """
CREATE TABLE post_alias (source VARCHAR NOT NULL, alias VARCHAR NOT NULL, native_id VARCHAR NOT NULL);

CREATE TABLE suppressed_actor (
    source VARCHAR NOT NULL, native_id VARCHAR NOT NULL, since TIMESTAMP NOT NULL, reason VARCHAR NOT NULL
);

CREATE TABLE collection (
    collection BIGINT NOT NULL, source VARCHAR NOT NULL, what VARCHAR NOT NULL, query VARCHAR NOT NULL,
    settings VARCHAR NOT NULL, cursor VARCHAR, started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP
);

CREATE TABLE page (
    collection BIGINT NOT NULL, batch BIGINT NOT NULL, request VARCHAR NOT NULL, received_at TIMESTAMP NOT NULL,
    bytes BIGINT NOT NULL, sha256 VARCHAR NOT NULL, stored BIGINT NOT NULL, duplicates BIGINT NOT NULL,
    dropped BIGINT NOT NULL, quarantined BIGINT NOT NULL
);

CREATE TABLE gap (
    source VARCHAR NOT NULL, native_id VARCHAR NOT NULL, reason VARCHAR NOT NULL, checked_at TIMESTAMP NOT NULL
);
"""

# What the language pipeline found. Spans hold places, not words: the words stay in the post alone.
_LANGUAGE = """
CREATE TABLE post_language (
    post BIGINT NOT NULL, lang VARCHAR NOT NULL, lang_from VARCHAR NOT NULL, confidence DOUBLE,
    pipeline VARCHAR NOT NULL, signature VARCHAR NOT NULL
);

CREATE TABLE span (
    post BIGINT NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL, label VARCHAR NOT NULL,
    rule VARCHAR NOT NULL, state VARCHAR
);
"""

# What retention and rights need: what awaits the purge, who must not come back, what was given away, who asked.
_RIGHTS = """
CREATE TABLE due (
    post BIGINT NOT NULL, source VARCHAR NOT NULL, native_id VARCHAR NOT NULL, reason VARCHAR NOT NULL,
    due_at TIMESTAMP NOT NULL
);

CREATE TABLE erased (what VARCHAR NOT NULL, hash BLOB NOT NULL, reason VARCHAR NOT NULL, since TIMESTAMP NOT NULL);

CREATE TABLE checked (post BIGINT NOT NULL, checked_at TIMESTAMP NOT NULL);

CREATE TABLE export (
    export BIGINT NOT NULL, path VARCHAR NOT NULL, command VARCHAR NOT NULL, made_at TIMESTAMP NOT NULL,
    recipient VARCHAR, pseudonymised BOOLEAN NOT NULL, sha256 VARCHAR
);

CREATE TABLE export_range (export BIGINT NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL);

CREATE TABLE request (
    request BIGINT NOT NULL, kind VARCHAR NOT NULL, subject VARCHAR NOT NULL, received_at TIMESTAMP NOT NULL,
    due_at TIMESTAMP NOT NULL, done_at TIMESTAMP, outcome VARCHAR
);

CREATE TABLE raw_page (page BIGINT NOT NULL, collection BIGINT NOT NULL, sha256 VARCHAR NOT NULL, body BLOB NOT NULL);

CREATE TABLE raw_post (page BIGINT NOT NULL, post BIGINT NOT NULL);
"""

_TIMED_POST = """
CREATE OR REPLACE VIEW timed_post AS
SELECT * FROM post WHERE created_at IS NOT NULL AND NOT list_contains(coalesce(flags, []), 'time_suspect');
"""

# `post_key` and `actor` give every id that was ever named a dense integer, whether its post was
# collected or not, so that a parent that arrives later needs no second look at its children.
TABLES = f"""
CREATE TABLE meta (name VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);

CREATE TABLE batch (
    batch BIGINT NOT NULL, command VARCHAR NOT NULL, started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP,
    stored BIGINT NOT NULL DEFAULT 0, duplicates BIGINT NOT NULL DEFAULT 0, updated BIGINT NOT NULL DEFAULT 0,
    dropped BIGINT NOT NULL DEFAULT 0, quarantined BIGINT NOT NULL DEFAULT 0, profiles BIGINT NOT NULL DEFAULT 0,
    deletions BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE import_file (
    fingerprint VARCHAR NOT NULL, name VARCHAR NOT NULL, bytes BIGINT, modified_at TIMESTAMP,
    sha256 VARCHAR, done_to BIGINT NOT NULL, finished BOOLEAN NOT NULL, batch BIGINT NOT NULL
);

CREATE TABLE quarantine (
    batch BIGINT NOT NULL, file VARCHAR NOT NULL, byte_offset BIGINT NOT NULL, reason VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL, expires_at TIMESTAMP NOT NULL
);

CREATE TABLE suppressed (
    source VARCHAR NOT NULL, native_id VARCHAR NOT NULL, deleted_at TIMESTAMP NOT NULL,
    reason VARCHAR NOT NULL DEFAULT 'deleted', to_purge BOOLEAN NOT NULL DEFAULT false
);

CREATE TABLE post_key (post BIGINT NOT NULL, source VARCHAR NOT NULL, native_id VARCHAR NOT NULL);

CREATE TABLE actor (actor BIGINT NOT NULL, source VARCHAR NOT NULL, native_id VARCHAR NOT NULL);

CREATE TABLE actor_handle (
    actor BIGINT NOT NULL, handle VARCHAR, name VARCHAR, first_seen TIMESTAMP NOT NULL, last_seen TIMESTAMP NOT NULL
);

CREATE TABLE post (
    post BIGINT NOT NULL, source VARCHAR NOT NULL, kind VARCHAR NOT NULL, actor BIGINT,
    created_at TIMESTAMP, text VARCHAR, lang VARCHAR,
    parent BIGINT, parent_actor BIGINT, quote_of BIGINT, quote_actor BIGINT, repost_of BIGINT, repost_actor BIGINT,
    conversation BIGINT, hashtags VARCHAR[], urls VARCHAR[], media VARCHAR[],
    latitude DOUBLE, longitude DOUBLE, state VARCHAR,
    likes BIGINT, reposts BIGINT, replies BIGINT, quotes BIGINT, views BIGINT,
    edited_at TIMESTAMP, seen_as VARCHAR NOT NULL, seen_at TIMESTAMP NOT NULL, link VARCHAR, flags VARCHAR[],
    batch BIGINT NOT NULL, expires_at TIMESTAMP NOT NULL
);

CREATE TABLE mention (post BIGINT NOT NULL, actor BIGINT NOT NULL);

CREATE TABLE conflict (post BIGINT NOT NULL, field VARCHAR NOT NULL, batch BIGINT NOT NULL);

CREATE TABLE thread_post (
    post BIGINT NOT NULL, top BIGINT NOT NULL, depth INTEGER NOT NULL, root_status VARCHAR NOT NULL
);

CREATE TABLE to_trace (post BIGINT NOT NULL);

{_COLLECTED}{_LANGUAGE}{_RIGHTS}
CREATE VIEW actor_label AS
SELECT actor, arg_max(handle, last_seen) AS handle, arg_max(name, last_seen) AS name
FROM actor_handle GROUP BY actor;
{_TIMED_POST}"""

# The tables whose rows belong to one post each, by their column `post`.
OF_POST = ("post", "mention", "thread_post", "post_language", "span", "conflict", "to_trace", "checked", "raw_post")

# What brings a store of the version before to the one named.
UPGRADES = {
    2: f"""
ALTER TABLE suppressed ADD COLUMN reason VARCHAR DEFAULT 'deleted';
ALTER TABLE suppressed ADD COLUMN to_purge BOOLEAN DEFAULT false;
ALTER TABLE post ADD COLUMN media VARCHAR[];
ALTER TABLE post ADD COLUMN latitude DOUBLE;
ALTER TABLE post ADD COLUMN longitude DOUBLE;
ALTER TABLE post ADD COLUMN state VARCHAR;
{_COLLECTED}{_TIMED_POST}""",
    3: _LANGUAGE,
    4: _RIGHTS,
}

# Expressions used by every format. A macro lives as long as the connection.
MACROS = r"""
CREATE OR REPLACE TEMP MACRO epoch_time(raw) AS
CASE
    WHEN abs(try_cast(raw AS DOUBLE)) < 1e11 THEN make_timestamp((try_cast(raw AS DECIMAL(30, 6)) * 1000000)::BIGINT)
    WHEN abs(try_cast(raw AS DOUBLE)) < 1e14 THEN make_timestamp((try_cast(raw AS DECIMAL(30, 3)) * 1000)::BIGINT)
    WHEN abs(try_cast(raw AS DOUBLE)) < 1e17 THEN make_timestamp(try_cast(raw AS BIGINT))
    ELSE make_timestamp(try_cast(raw AS BIGINT) // 1000)
END;

CREATE OR REPLACE TEMP MACRO is_day(raw) AS regexp_full_match(raw, '\d{4}-\d{2}-\d{2}');

CREATE OR REPLACE TEMP MACRO utc_time(raw, zone) AS
CASE
    WHEN raw IS NULL OR raw = '' THEN NULL
    WHEN raw LIKE '____-__-__T__:__:__%Z' AND raw NOT LIKE '%:60%' THEN try_cast(raw AS TIMESTAMP)
    WHEN regexp_full_match(raw, '-?\d+(\.\d*)?') THEN try(epoch_time(raw))
    WHEN is_day(raw) THEN try_cast(raw AS TIMESTAMP)
    WHEN regexp_full_match(raw, '\w{3} \w{3} \d\d \d\d:\d\d:\d\d [+-]\d{4} \d{4}')
        THEN try_strptime(raw, '%a %b %d %H:%M:%S %z %Y')::TIMESTAMP
    WHEN regexp_full_match(raw, '\d{4,6}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)? ?([Zz]|UTC|[+-]\d\d(:?\d\d)?)')
        THEN try_cast(replace(regexp_replace(regexp_replace(raw, '(\d\d:\d\d):60', '\1:59'), ' ?(UTC|[zZ])$', '+00'),
                              ',', '.') AS TIMESTAMPTZ)::TIMESTAMP
    WHEN zone IS NOT NULL
        THEN timezone(zone, try_cast(regexp_replace(raw, '(\d\d:\d\d):60', '\1:59') AS TIMESTAMP))::TIMESTAMP
END;

CREATE OR REPLACE TEMP MACRO plain_text(html) AS
CASE WHEN html NOT SIMILAR TO '.*[<&].*' THEN html ELSE
    replace(replace(replace(replace(replace(replace(replace(
        regexp_replace(regexp_replace(regexp_replace(html, '</p>\s*<p>', E'\n\n', 'g'), '<br\s*/?>', E'\n', 'g'),
                       '<[^>]*>', '', 'g'),
        '&lt;', '<'), '&gt;', '>'), '&quot;', '"'), '&#39;', ''''), '&apos;', ''''), '&nbsp;', ' '), '&amp;', '&')
END;
"""

# What one sighting of a post looks like on its way into the store; the formats and collectors fill it.
INCOMING = """
CREATE OR REPLACE TEMP TABLE incoming (
    byte_offset BIGINT, source VARCHAR, id VARCHAR, author_id VARCHAR, author_handle VARCHAR, author_name VARCHAR,
    created_at TIMESTAMP, text VARCHAR, lang VARCHAR, reply_to VARCHAR, reply_to_author VARCHAR,
    quote_of VARCHAR, quote_author VARCHAR, repost_of VARCHAR, repost_author VARCHAR, conversation VARCHAR,
    mentions STRUCT(id VARCHAR, handle VARCHAR)[], hashtags VARCHAR[], urls VARCHAR[],
    likes BIGINT, reposts BIGINT, replies BIGINT, quotes BIGINT, views BIGINT,
    edited_at TIMESTAMP, referenced BOOLEAN, seen_at TIMESTAMP, link VARCHAR, protected BOOLEAN,
    flags VARCHAR[], problem VARCHAR, line_sha256 VARCHAR, nested BOOLEAN,
    alias VARCHAR, is_report BOOLEAN, media VARCHAR[], latitude DOUBLE, longitude DOUBLE, state VARCHAR
);
CREATE OR REPLACE TEMP TABLE incoming_actor (
    source VARCHAR, id VARCHAR, handle VARCHAR, name VARCHAR, seen_at TIMESTAMP
);
CREATE OR REPLACE TEMP TABLE incoming_deletion (source VARCHAR, id VARCHAR, reason VARCHAR);
CREATE OR REPLACE TEMP TABLE incoming_standing (source VARCHAR, id VARCHAR, state VARCHAR, byte_offset BIGINT);
"""
