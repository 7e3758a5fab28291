"""Makes one post of the ids that several servers give it.

A federated server numbers the posts of others by itself; what holds everywhere is the post's address, its `alias`.
`post_alias` leads from each further id, and from the address, to the id under which the post is known here.
"""

from sna.store.opening import Store

_NAMING = ("id", "reply_to", "quote_of", "repost_of", "conversation")
_KEYS = ("parent", "quote_of", "repost_of", "conversation")


def resolve_aliases(store: Store) -> None:
    """Replace every id in the `incoming` tables by the one under which its post is known."""
    has_new = store.value("SELECT count(alias) FROM incoming WHERE problem IS NULL AND NOT protected")
    if has_new:
        _learn_aliases(store)
        _join_known(store)
    if not store.value("SELECT count(*) FROM (FROM post_alias LIMIT 1)"):
        return
    for name in _NAMING:
        if store.value(f"SELECT count({name}) FROM incoming"):
            store.db.execute(
                f"""UPDATE incoming SET {name} = a.native_id FROM post_alias a
                    WHERE a.source = incoming.source AND a.alias = incoming.{name}"""
            )
    store.db.execute(
        """UPDATE incoming_deletion SET id = a.native_id FROM post_alias a
           WHERE a.source = incoming_deletion.source AND a.alias = incoming_deletion.id"""
    )


def _learn_aliases(store: Store) -> None:
    """Make `learned`: each id of the chunk with its address and the id to keep; new ones go into `post_alias`.

    The id to keep is the one that the address, or one of the ids, leads to already; else one that is in the store;
    else the first in order.
    """
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE learned AS
           WITH pair AS (
               SELECT DISTINCT source, alias, id FROM incoming
               WHERE alias IS NOT NULL AND alias <> id AND problem IS NULL AND NOT protected),
           known AS (
               SELECT pair.*, a.native_id AS by_address, b.native_id AS by_id, k.native_id AS stored
               FROM pair
               LEFT JOIN post_alias a ON a.source = pair.source AND a.alias = pair.alias
               LEFT JOIN post_alias b ON b.source = pair.source AND b.alias = pair.id
               LEFT JOIN post_key k ON k.source = pair.source AND k.native_id = pair.id),
           kept AS (
               SELECT source, alias, coalesce(any_value(by_address), min(by_id), min(stored), min(id)) AS native_id
               FROM known GROUP BY source, alias)
           SELECT pair.source, pair.alias, pair.id, kept.native_id FROM pair JOIN kept USING (source, alias)"""
    )
    store.db.execute(
        """INSERT INTO post_alias
           SELECT DISTINCT source, other, native_id FROM (
               SELECT source, alias AS other, native_id FROM learned
               UNION ALL SELECT source, id, native_id FROM learned WHERE id <> native_id) l
           WHERE NOT EXISTS (FROM post_alias a WHERE a.source = l.source AND a.alias = l.other)"""
    )


def _join_known(store: Store) -> None:
    """Make one of the posts that were keyed apart before their common address was known."""
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE joined AS
           SELECT DISTINCT o.post AS old, l.source, l.id AS old_id, l.native_id, k.post AS kept
           FROM learned l JOIN post_key o ON o.source = l.source AND o.native_id = l.id
           LEFT JOIN post_key k ON k.source = l.source AND k.native_id = l.native_id
           WHERE l.id <> l.native_id"""
    )
    if not store.value("SELECT count(*) FROM joined"):
        return
    db = store.db
    db.execute(
        """UPDATE post_key SET native_id = j.native_id FROM joined j
           WHERE post_key.post = j.old AND j.kept IS NULL"""
    )
    db.execute("DELETE FROM joined WHERE kept IS NULL")
    db.execute(
        """INSERT INTO to_trace
           SELECT post FROM thread_post WHERE top IN (
               SELECT t.top FROM thread_post t JOIN joined j ON t.post IN (j.old, j.kept))
           UNION SELECT p.post FROM post p JOIN joined j ON p.parent = j.old"""
    )
    for table in ("post", "mention", "thread_post"):
        has_both = f"post IN (SELECT old FROM joined WHERE kept IN (SELECT post FROM {table}))"
        db.execute(f"DELETE FROM {table} WHERE {has_both}")
        if table != "thread_post":
            db.execute(f"UPDATE {table} SET post = j.kept FROM joined j WHERE {table}.post = j.old")
    db.execute("DELETE FROM thread_post WHERE post IN (SELECT old FROM joined)")
    db.execute("UPDATE to_trace SET post = j.kept FROM joined j WHERE to_trace.post = j.old")
    for name in _KEYS:
        db.execute(f"UPDATE post SET {name} = j.kept FROM joined j WHERE post.{name} = j.old")
    db.execute("DELETE FROM post_key WHERE post IN (SELECT old FROM joined)")
