"""Who moved whom, thread by thread: what roles are counted from."""

from sna.graphs.carriers import find_carriers
from sna.graphs.interactions import find_interactions
from sna.store.opening import Store

# A cascade of fewer actors tells little about who came early.
SMALLEST_CASCADE = 5


def find_contributions(store: Store) -> None:
    """Make the temporary tables that roles are counted from.

    - `unit_of`: post, unit (the top of its thread; a repost belongs to the thread of what it repeats)
    - `took_up`: call, actor (who made it), post, other, unit: a repost, quote or answer to a call by somebody else
    - `moved`, `reached`, `partner`: actor, other, unit. Moved: answered in a thread that the actor started, or took up
      its call. Reached: answered, quoted or reposted one of its posts. Partner: any interaction, either way.
    - `contribution`: actor, unit, and what the actor did there
    - `cascade_place`: actor, item, place from 1 (first) to 0 (last), is_tied_first
    - `cascade_post`: actor, and the post by which it came into a cascade
    """
    _find_units(store)
    _find_takeups(store)
    _find_relations(store)
    _find_contributions(store)
    _find_places(store)


def _find_units(store: Store) -> None:
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE unit_of AS
           SELECT p.post, coalesce(t.top, r.top, p.repost_of, p.post) AS unit FROM post p
           LEFT JOIN thread_post t ON t.post = p.post LEFT JOIN thread_post r ON r.post = p.repost_of"""
    )


def _find_takeups(store: Store) -> None:
    """Make `call` (post, actor, created_at, unit) of asserted calls to action, and `took_up`."""
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE call AS
           SELECT p.post, p.actor, p.created_at, u.unit FROM post p JOIN unit_of u USING (post)
           WHERE p.actor IS NOT NULL AND p.post IN (
               SELECT post FROM span WHERE starts_with(label, 'call:') AND state = 'asserted')"""
    )
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE took_up AS
           SELECT c.post AS call, c.actor, p.post, p.actor AS other, c.unit FROM call c
           JOIN post p ON c.post IN (p.parent, p.quote_of, p.repost_of)
           WHERE p.actor IS NOT NULL AND p.actor <> c.actor
             AND (p.created_at IS NULL OR c.created_at IS NULL OR p.created_at >= c.created_at)"""
    )


def _find_relations(store: Store) -> None:
    db = store.db
    find_interactions(store)
    db.execute(
        """CREATE OR REPLACE TEMP TABLE moved AS
           SELECT r.actor, p.actor AS other, t.top AS unit FROM thread_post t
           JOIN post p USING (post) JOIN post r ON r.post = t.top
           WHERE t.root_status = 'observed' AND t.depth > 0 AND p.actor <> r.actor
           UNION SELECT actor, other, unit FROM took_up"""
    )
    db.execute(
        """CREATE OR REPLACE TEMP TABLE reached AS
           SELECT DISTINCT i.target AS actor, i.source AS other, u.unit FROM interaction i
           JOIN unit_of u ON u.post = i.post
           WHERE i.kind <> 'mention' AND i.is_target_collected AND i.source <> i.target"""
    )
    db.execute(
        """CREATE OR REPLACE TEMP TABLE partner AS
           WITH acts AS (SELECT source, target, unit FROM interaction JOIN unit_of USING (post) WHERE source <> target)
           SELECT source AS actor, target AS other, unit FROM acts UNION SELECT target, source, unit FROM acts"""
    )


def _find_contributions(store: Store) -> None:
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE contribution AS
           WITH size AS (SELECT top AS unit, count(*) AS posts FROM thread_post GROUP BY top),
           did AS (
               SELECT p.actor, u.unit, count(*) FILTER (kind <> 'repost') AS own_posts,
                      count(*) FILTER (kind = 'repost') AS reposts_sent,
                      count(*) FILTER (kind <> 'repost' AND len(urls) > 0) AS links_shared
               FROM post p JOIN unit_of u USING (post) WHERE p.actor IS NOT NULL GROUP BY ALL),
           answered AS (
               SELECT t.other AS actor, u.unit, count(DISTINCT t.post) AS calls_answered
               FROM took_up t JOIN unit_of u USING (post) GROUP BY ALL),
           called AS (SELECT actor, unit, count(*) AS calls_made FROM call GROUP BY ALL),
           drew AS (
               SELECT r.actor, t.top AS unit, 1 AS threads_drawing FROM thread_post t
               JOIN post p USING (post) JOIN post r ON r.post = t.top
               WHERE t.root_status = 'observed' AND p.actor <> r.actor GROUP BY ALL)
           SELECT d.actor, d.unit, d.own_posts, d.reposts_sent, d.links_shared,
                  CASE WHEN d.own_posts > 0 THEN coalesce(s.posts, d.own_posts) ELSE 0 END AS joined_posts,
                  coalesce(a.calls_answered, 0) AS calls_answered, coalesce(c.calls_made, 0) AS calls_made,
                  coalesce(w.threads_drawing, 0) AS threads_drawing
           FROM did d LEFT JOIN size s USING (unit) LEFT JOIN answered a USING (actor, unit)
           LEFT JOIN called c USING (actor, unit) LEFT JOIN drew w USING (actor, unit)"""
    )


def _find_places(store: Store) -> None:
    """Make `cascade_place` from URLs, hashtags and reposted posts that at least SMALLEST_CASCADE actors carry."""
    store.db.execute(
        "CREATE OR REPLACE TEMP TABLE cascade (item VARCHAR, post BIGINT, actor BIGINT, created_at TIMESTAMP)"
    )
    for kind in ("url", "hashtag"):
        find_carriers(store, kind)
        store.db.execute(
            "INSERT INTO cascade SELECT ? || item, post, actor, created_at FROM carry WHERE how <> 'repost'",
            [f"{kind} "],
        )
    store.db.execute(
        """INSERT INTO cascade
           SELECT 'post ' || repost_of, post, actor, created_at FROM timed_post WHERE repost_of IS NOT NULL
           UNION ALL SELECT 'post ' || post, post, actor, created_at FROM timed_post
           WHERE post IN (SELECT repost_of FROM post)"""
    )
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE cascade_place AS
           WITH first AS (
               SELECT item, actor, min(created_at) AS came_at FROM cascade
               WHERE actor IS NOT NULL AND created_at IS NOT NULL GROUP BY ALL),
           ranked AS (
               SELECT item, actor, rank() OVER (PARTITION BY item ORDER BY came_at) AS low,
                      count(*) OVER (PARTITION BY item, came_at) AS equal, count(*) OVER (PARTITION BY item) AS actors
               FROM first)
           SELECT actor, item, 1 - (low - 1 + (equal - 1) / 2) / (actors - 1) AS place,
                  low = 1 AND equal > 1 AS is_tied_first
           FROM ranked WHERE actors >= $least""",
        {"least": SMALLEST_CASCADE},
    )
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE cascade_post AS
           SELECT c.actor, arg_min(c.post, c.created_at) AS post, bool_or(p.is_tied_first) AS is_tied_first
           FROM cascade c JOIN cascade_place p USING (actor, item) GROUP BY c.actor, c.item"""
    )
