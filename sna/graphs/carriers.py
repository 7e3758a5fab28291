"""Who carries what: one row for each post that carries a URL, a hashtag, a text or an image, reposts included."""

from sna.errors import UsageError
from sna.graphs.near import THRESHOLD, Groups, group_texts
from sna.graphs.urls import canonical_urls
from sna.store.opening import Store

ITEMS = ("url", "hashtag", "text", "media")


def find_carriers(store: Store, kind: str, threshold: float = THRESHOLD) -> Groups | None:
    """Make the temporary table `carry`: item, post, actor, created_at (null where unknown or suspect), how, of.

    `how` is own (the post's own words), quote, reply or repost; `of` the post that it quotes, answers or reposts. A
    repost carries what the post behind it carries. Items: url, in canonical form; hashtag, in lower case; text, the
    key of the group's earliest post; media, as the source names it (a hash of the image on Bluesky). For texts the
    figures of the search for near-duplicates are returned. Raises UsageError for an unknown kind.
    """
    if kind not in ITEMS:
        raise UsageError(f"there are no origins of {kind!r}; one of {', '.join(ITEMS)}")
    groups = None
    if kind == "url":
        canonical_urls(store)
    elif kind == "text":
        groups = group_texts(store, threshold)
    store.db.execute(
        f"""CREATE OR REPLACE TEMP TABLE carry AS
            WITH own AS (SELECT DISTINCT item, post FROM ({_OWN[kind]}) WHERE item IS NOT NULL AND item <> ''),
            carried AS (
                SELECT item, p.post FROM own JOIN post p USING (post)
                UNION SELECT o.item, p.post FROM post p JOIN own o ON o.post = p.repost_of)
            SELECT c.item, p.post, p.actor, t.created_at,
                   CASE WHEN p.repost_of IS NOT NULL THEN 'repost' WHEN p.quote_of IS NOT NULL THEN 'quote'
                        WHEN p.parent IS NOT NULL THEN 'reply' ELSE 'own' END AS how,
                   coalesce(p.repost_of, p.quote_of, p.parent) AS of
            FROM carried c JOIN post p USING (post) LEFT JOIN timed_post t USING (post)"""
    )
    return groups


_OWN = {
    "url": """SELECT f.form AS item, u.post FROM (SELECT post, unnest(urls) AS raw FROM post) u
              JOIN url_form f USING (raw)""",
    "hashtag": "SELECT lower(ltrim(unnest(hashtags), '#')) AS item, post FROM post",
    "media": "SELECT unnest(media) AS item, post FROM post",
    "text": """SELECT first_value(post) OVER (PARTITION BY item ORDER BY created_at NULLS LAST, post)::VARCHAR AS item,
                      post FROM text_group JOIN post USING (post)""",
}
