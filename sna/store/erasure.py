"""Keeps out what was erased: a list of keyed hashes of posts, accounts and handles that must not come back.

HMAC-SHA256 (RFC 2104) under the key of the case: the list tells nobody whom it names.
"""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

import pyarrow as pa

from sna.store.opening import Store

# No word, so that nothing that reads texts takes it for one.
REDACTED = "█████"
_SEPARATOR = "\x1f"
_WORD = r"\w(?:[\w.-]*\w)?"
# HMAC over columns: RFC 2104, with the key's two pads as parameters; the same as `keyed_hash`.
_HASH = (
    """unhex(sha256($outer::BLOB || unhex(sha256($inner::BLOB || encode(concat_ws(chr(31), what, source, name))))))"""
)
_BLOCK = 64
# What stands for the id of an erased post where other posts still lead to it; `e.hash` is its keyed hash.
ERASED_ID = "'erased:' || lower(left(hex(e.hash), 32))"


def keyed_hash(key: bytes, what: str, *parts: str) -> bytes:
    """Return the keyed hash (32 bytes) of a thing: what it is, then its source and id."""
    return hmac.digest(key, _SEPARATOR.join((what, *parts)).encode(), "sha256")


def remember_erased(store: Store, what: str, names: Iterable[tuple[str, str]], reason: str, at: datetime) -> None:
    """Add (source, id) pairs of posts, actors or handles to the list of what must not come back."""
    pairs = list(names)
    columns = {
        "source": pa.array([s for s, _ in pairs], pa.string()),
        "name": pa.array([n for _, n in pairs], pa.string()),
    }
    store.db.register("to_remember", pa.table(columns))
    remember_all(store, what, "to_remember", reason, at)
    store.db.unregister("to_remember")


def remember_all(store: Store, what: str, names: str, reason: str, at: datetime) -> None:
    """Add what a table of pairs names to the list; `names` is a fixed table expression with source and name."""
    store.db.execute(
        f"""INSERT INTO erased
            SELECT DISTINCT $what, hash, $reason, $at::TIMESTAMP FROM (
                SELECT {_HASH} AS hash FROM (SELECT $what AS what, source, name FROM {names}))
            WHERE hash NOT IN (SELECT hash FROM erased) ORDER BY 2""",
        {"what": what, "reason": reason, "at": at, **_pads(store.terms.key())},
    )


def drop_erased(store: Store, at: datetime) -> None:
    """Mark the chunk's posts that were erased, or whose author was, to be dropped; take erased names off the others.

    A repost of what was erased repeats it, and goes with it.
    """
    if not store.value("SELECT count(*) FROM (FROM erased LIMIT 1)"):
        return
    _find_erased(store)
    if not store.value("SELECT count(*) FROM (FROM erased_name LIMIT 1)"):
        return
    _learn_ids(store, at)
    db = store.db
    for column, what in (
        ("id", "post"),
        ("repost_of", "post"),
        ("author_id", "actor"),
        ("repost_author", "actor"),
    ):
        # What merely expired may be told again by someone else's repost.
        db.execute(
            f"""UPDATE incoming SET protected = true FROM erased_name e
                WHERE e.what = '{what}' AND e.source = incoming.source AND e.name = incoming.{column}
                AND ({column == "id"} OR e.reason <> 'expired')"""
        )
    db.execute(
        """UPDATE incoming SET protected = true FROM erased_name e
           WHERE e.what = 'handle' AND e.source = incoming.source AND e.name = lower(incoming.author_handle)
           AND (incoming.author_id IS NULL OR starts_with(incoming.author_id, '@'))"""
    )
    _redact_incoming(store)


def _learn_ids(store: Store, at: datetime) -> None:
    """Put the id of an account that was erased by its handle alone on the list once it comes with both."""
    if not store.value("SELECT count(*) FROM erased_name WHERE what = 'named'"):
        return
    pairs = store.rows(
        """SELECT DISTINCT i.source, i.id FROM (
               SELECT source, author_id AS id, author_handle AS handle FROM incoming
               UNION ALL SELECT source, id, handle FROM incoming_actor) i
           JOIN erased_name e ON e.what = 'named' AND e.source = i.source AND e.name = lower(i.handle)
           WHERE i.id IS NOT NULL"""
    )
    remember_erased(store, "actor", [(str(source), str(own_id)) for source, own_id in pairs], "erased", at)
    _find_erased(store)


def _pads(key: bytes) -> dict[str, bytes]:
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return {"inner": bytes(byte ^ 0x36 for byte in block), "outer": bytes(byte ^ 0x5C for byte in block)}


def _find_erased(store: Store) -> None:
    """Make `erased_name`: what, source, name and reason of all in the chunk that is on the list."""
    store.db.execute(
        f"""CREATE OR REPLACE TEMP TABLE erased_name AS
           SELECT n.what, n.source, n.name, e.reason, e.hash
           FROM (SELECT *, {_HASH} AS hash FROM (SELECT DISTINCT what, source, name FROM (
               SELECT 'post' AS what, source,
                      unnest([id, repost_of, reply_to, quote_of, conversation]) AS name FROM incoming
               UNION ALL
               SELECT 'actor', source,
                      unnest([author_id, repost_author, reply_to_author, quote_author]) FROM incoming
               UNION ALL SELECT 'actor', source, unnest(list_transform(mentions, lambda m: m.id)) FROM incoming
               UNION ALL SELECT 'actor', source, id FROM incoming_actor
               UNION ALL SELECT unnest(['handle', 'named']), source, lower(author_handle) FROM incoming
               UNION ALL SELECT 'named', source, lower(handle) FROM incoming_actor
               UNION ALL SELECT 'handle', source, lower(handle) FROM incoming_actor
               UNION ALL
               SELECT 'handle', source, unnest(list_transform(mentions, lambda m: lower(m.handle))) FROM incoming
               UNION ALL
               SELECT 'handle', source, unnest(regexp_extract_all(
                   lower(concat_ws(' ', text, link, array_to_string(urls, ' '))), '{_WORD}')) FROM incoming
           ) WHERE name IS NOT NULL)) n JOIN erased e USING (what, hash)""",
        _pads(store.terms.key()),
    )


def _redact_incoming(store: Store) -> None:
    """Take erased names off posts of others; their links to an erased post lead to its hash."""
    db = store.db
    for column in ("reply_to", "quote_of", "conversation"):
        db.execute(
            f"""UPDATE incoming SET {column} = {ERASED_ID} FROM erased_name e
                WHERE e.what = 'post' AND e.reason IN ('erased', 'objected') AND e.source = incoming.source
                AND e.name = incoming.{column}"""
        )
    for column in ("reply_to_author", "quote_author"):
        db.execute(
            f"""UPDATE incoming SET {column} = NULL FROM erased_name e
                WHERE e.what = 'actor' AND e.source = incoming.source AND e.name = incoming.{column}"""
        )
    db.execute(
        """DELETE FROM incoming_actor i WHERE EXISTS (
               FROM erased_name e WHERE e.source = i.source
               AND ((e.what = 'actor' AND e.name = i.id)
                    OR (e.what = 'handle' AND e.name = lower(i.handle) AND starts_with(i.id, '@'))))"""
    )
    db.execute(
        """UPDATE incoming SET mentions = list_filter(mentions, lambda m:
               NOT coalesce(list_contains(g.ids, m.id), false)
               AND NOT coalesce(list_contains(g.handles, lower(m.handle)), false))
           FROM (SELECT source, list(name) FILTER (what = 'actor') AS ids,
                        list(name) FILTER (what = 'handle') AS handles FROM erased_name GROUP BY source) g
           WHERE g.source = incoming.source AND len(mentions) > 0"""
    )
    for source, handle in store.rows("SELECT source, name FROM erased_name WHERE what = 'handle'"):
        redact(store, "incoming", str(source), str(handle))


def redact(store: Store, table: str, source: str, handle: str) -> None:
    """Write REDACTED for a handle in the texts and links of a table of posts: `incoming` or `post`.

    A handle of letters alone may be a word like any other; it is one's name only after one of @ / : = .
    """
    pattern = name_pattern(handle, must_be_marked=handle.isalpha())
    for column in ("text", "link"):
        store.db.execute(
            f"""UPDATE {table} SET {column} = {without_name(column)}
                WHERE source = $source AND contains(lower({column}), $handle)""",
            {"pattern": pattern, "source": source, "handle": handle.lower()},
        )
    store.db.execute(
        f"""UPDATE {table} SET urls = list_transform(urls, lambda u: {without_name("u")})
            WHERE source = $source AND contains(lower(array_to_string(urls, ' ')), $handle)""",
        {"pattern": pattern, "source": source, "handle": handle.lower()},
    )


def without_name(column: str) -> str:
    """Return the expression of a text column in which what `$pattern` matches is REDACTED."""
    # Twice, since the sign between two neighbours belongs to the match of the first.
    once = f"regexp_replace({column}, $pattern, '\\1{REDACTED}\\2', 'g')"
    return f"regexp_replace({once}, $pattern, '\\1{REDACTED}\\2', 'g')"


def name_pattern(name: str, *, must_be_marked: bool = False) -> str:
    """Return a pattern (RE2) for a name as a word of its own; its groups are the signs around it."""
    before = "[@/:=]" if must_be_marked else r"^|[^\w]"
    return rf"(?i)({before}){_literal(name)}($|[^\w])"


def _literal(text: str) -> str:
    """Return the text as a pattern that means nothing but itself (RE2)."""
    return "".join(char if char.isalnum() or char == "_" else f"\\x{{{ord(char):x}}}" for char in text)
