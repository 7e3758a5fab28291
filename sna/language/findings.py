"""Reads what the language pipeline found: languages, calls to action, entities and key phrases."""

import polars as pl

from sna.errors import UsageError
from sna.language.rules import CALLS
from sna.store.opening import Store

WHAT = ("languages", "calls", "entities", "phrases")


def find_in_texts(store: Store, what: str, limit: int | None = None) -> pl.DataFrame:
    """Return what was found, `what` being one of WHAT.

    - languages: lang, lang_from (source, py3langid or none), pipeline, posts, confidence (mean of those identified)
    - calls: source, post, actor, handle, created_at, call, state, rule, words (the span's text)
    - entities: label, words, posts, actors, the most frequent first
    - phrases: words, posts, actors, the most frequent first

    Raises UsageError for anything else, and when `sna language run` has not been run.
    """
    if what not in WHAT:
        raise UsageError(f"cannot show {what!r}; one of {', '.join(WHAT)}")
    need_language(store)
    return store.frame(f"{_QUERIES[what]} LIMIT ?", 2**62 if limit is None else limit)


def need_language(store: Store) -> None:
    """Raise UsageError when no post of the case was read by the language pipeline."""
    if not store.value("SELECT count(*) FROM (FROM post_language LIMIT 1)"):
        raise UsageError("no post was read by the language pipeline yet; run: sna language run")


def unread_posts(store: Store) -> int:
    """Return how many posts with a text the language pipeline has not read."""
    return store.value(
        """SELECT count(*) FROM post WHERE text IS NOT NULL AND kind <> 'repost'
           AND post NOT IN (SELECT post FROM post_language)"""
    )


_WORDS = "lower(substring(p.text, s.start + 1, s.stop - s.start))"
_QUERIES = {
    "languages": """
        SELECT lang, lang_from, pipeline, count(*) AS posts, round(avg(confidence), 3) AS confidence
        FROM post_language GROUP BY ALL ORDER BY posts DESC, lang, lang_from""",
    "calls": """
        SELECT p.source, k.native_id AS post, a.native_id AS actor, l.handle, p.created_at,
               substring(s.label, 6) AS call, s.state, s.rule,
               substring(p.text, s.start + 1, s.stop - s.start) AS words
        FROM span s JOIN post p USING (post) JOIN post_key k USING (post) LEFT JOIN actor a ON a.actor = p.actor
        LEFT JOIN actor_label l ON l.actor = p.actor WHERE starts_with(s.label, 'call:')
        ORDER BY p.created_at NULLS LAST, p.source, k.native_id, s.start""",
    "entities": f"""
        SELECT s.label, {_WORDS} AS words, count(DISTINCT s.post) AS posts, count(DISTINCT p.actor) AS actors
        FROM span s JOIN post p USING (post) WHERE s.label IN ('place', 'organisation', 'time', 'quantity')
        GROUP BY 1, 2 ORDER BY posts DESC, label, words""",
    "phrases": f"""
        SELECT {_WORDS} AS words, count(DISTINCT s.post) AS posts, count(DISTINCT p.actor) AS actors
        FROM span s JOIN post p USING (post) WHERE s.label = 'phrase'
        GROUP BY 1 ORDER BY posts DESC, words""",
}
CALL_LABELS = tuple(f"call:{call}" for call in CALLS)
