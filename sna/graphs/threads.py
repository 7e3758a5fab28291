"""Traces each post to its top: parent, depth, root status; set-based, and only where something changed.

A parent link leads from a reply to the post it answers; where that is a repost, to the post behind it.
Reposts are no nodes of a thread.
"""

from sna.store.opening import Store


def trace_threads(store: Store) -> int:
    """Bring `thread_post` up to date: one row per post that is no repost, with its top, depth and root status.

    Takes the posts of `to_trace` and everything below them; returns how many posts were traced. Pointer
    jumping: each pass doubles the distance looked up, so a chain of n replies needs log2(n) passes.
    Wyllie, "The Complexity of Parallel Computations" (1979).
    """
    if not store.value("SELECT count(*) FROM (FROM to_trace LIMIT 1)"):
        return 0
    db = store.db
    db.execute("BEGIN")
    try:
        is_first = not store.value("SELECT count(*) FROM (FROM thread_post LIMIT 1)")
        if not is_first:
            _choose_posts(store)
        _link_parents(store, chosen="" if is_first else "SEMI JOIN touched USING (post)")
        traced = store.value("SELECT count(*) FROM link")
        _start_pointers(store, is_first=is_first)
        passes = max(traced, 1).bit_length() + 1
        for _ in range(passes):
            if not _jump(store):
                break
        _cut_cycles(store, passes)
        if not is_first:
            db.execute("DELETE FROM thread_post WHERE post IN (FROM touched)")
        db.execute("INSERT INTO thread_post SELECT post, top, depth, root_status FROM done")
        db.execute("DELETE FROM to_trace")
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    return traced


def _choose_posts(store: Store) -> None:
    """Make `touched`: new or changed posts, and every post under a top that now has a parent of its own."""
    store.db.execute("CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT post FROM to_trace")
    store.db.execute(
        """INSERT INTO touched
           SELECT t.post FROM thread_post t
           WHERE t.top IN (
               SELECT o.post FROM post o JOIN thread_post ot ON ot.post = o.post
               WHERE ot.top = o.post AND (o.parent IN (FROM touched) OR o.parent IN (
                   SELECT post FROM post WHERE repost_of IN (FROM touched))))
           AND t.post NOT IN (FROM touched)"""
    )


def _link_parents(store: Store, chosen: str) -> None:
    """Make `link`: one row per chosen post that is a node: whether it answers, and the collected post to follow."""
    store.db.execute(
        f"""CREATE OR REPLACE TEMP TABLE link AS
            SELECT p.post, p.parent IS NOT NULL AS answers, q.kind = 'repost' AS is_by_repost,
                   CASE WHEN q.kind = 'repost' THEN q.repost_of ELSE q.post END AS parent
            FROM (SELECT post, parent FROM post {chosen} WHERE kind <> 'repost') p
            LEFT JOIN (SELECT post, kind, repost_of FROM post) q ON q.post = p.parent"""
    )
    if store.value("SELECT count(*) FROM link WHERE is_by_repost"):
        store.db.execute(
            """UPDATE link SET parent = NULL
               WHERE is_by_repost AND parent NOT IN (SELECT post FROM post WHERE kind <> 'repost')"""
        )


def _start_pointers(store: Store, *, is_first: bool) -> None:
    """Make `done` (posts whose top is known) and `open` (posts with a pointer further up and its distance)."""
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE done AS
           SELECT post, post AS top, 0 AS depth, CASE WHEN answers THEN 'missing' ELSE 'observed' END AS root_status
           FROM link WHERE parent IS NULL"""
    )
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE open AS
           SELECT post, parent AS above, 1 AS distance FROM link WHERE parent IS NOT NULL"""
    )
    if not is_first:
        # Where the parent is outside the touched posts, its thread is traced already.
        store.db.execute(
            """INSERT INTO done
               SELECT o.post, t.top, t.depth + 1, t.root_status FROM open o
               JOIN thread_post t ON t.post = o.above ANTI JOIN touched x ON x.post = o.above"""
        )
        store.db.execute("DELETE FROM open WHERE above NOT IN (FROM touched)")


def _jump(store: Store) -> bool:
    """Move every open pointer to where the post above points; returns whether any is still open."""
    db = store.db
    db.execute(
        """INSERT INTO done
           SELECT o.post, d.top, d.depth + o.distance, d.root_status FROM open o JOIN done d ON d.post = o.above"""
    )
    db.execute(
        """CREATE OR REPLACE TEMP TABLE open AS
           SELECT o.post, a.above, o.distance + a.distance AS distance
           FROM open o JOIN open a ON a.post = o.above"""
    )
    return bool(store.value("SELECT count(*) FROM (FROM open LIMIT 1)"))


def _cut_cycles(store: Store, passes: int) -> None:
    """Trace the posts that are on or below a cycle: each cycle is cut above its earliest post.

    After as many passes as doublings fit into the number of posts, an open pointer stands on a cycle, and
    every post of every cycle is pointed to.
    """
    if not store.value("SELECT count(*) FROM (FROM open LIMIT 1)"):
        return
    db = store.db
    db.execute(
        """CREATE OR REPLACE TEMP TABLE ring AS
           SELECT l.post, l.parent AS above, l.post AS first FROM link l
           WHERE l.post IN (SELECT above FROM open)"""
    )
    db.execute(
        """CREATE OR REPLACE TEMP TABLE rank AS
           SELECT r.post, row_number() OVER (ORDER BY p.created_at NULLS LAST, k.native_id) AS place
           FROM ring r JOIN post p USING (post) JOIN post_key k USING (post)"""
    )
    db.execute("UPDATE ring SET first = place FROM rank WHERE rank.post = ring.post")
    for _ in range(passes):
        db.execute(
            """CREATE OR REPLACE TEMP TABLE ring AS
               SELECT r.post, a.above, least(r.first, a.first) AS first FROM ring r JOIN ring a ON a.post = r.above"""
        )
    db.execute(
        """INSERT INTO done
           SELECT r.post, r.post, 0, 'cycle' FROM ring r JOIN rank k ON k.post = r.post AND k.place = r.first"""
    )
    db.execute(
        """CREATE OR REPLACE TEMP TABLE open AS
           SELECT post, parent AS above, 1 AS distance FROM link
           WHERE parent IS NOT NULL AND post NOT IN (SELECT post FROM done)"""
    )
    for _ in range(passes):
        if not _jump(store):
            break
