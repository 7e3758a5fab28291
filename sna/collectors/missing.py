"""Fills the gaps of a case: missing parents, claimed roots and unfinished conversations, until no more can be had."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sna.collectors.base import Ask, Budget, Collector, ServiceError, What
from sna.collectors.pace import Pace
from sna.collectors.run import Gathered, Progress, Writer, gather
from sna.errors import InputError, UsageError
from sna.store.ingest import now
from sna.store.opening import Store

NOT_ASKED = "not asked"
MOST_ROUNDS = 100


@dataclass(slots=True)
class Filled:
    """What filling the gaps brought, and what remains.

    `remaining` counts absent parents by (source, reason), `replies` the posts that answer them; `unseen_replies` are
    replies that sources count and do not give (deleted, protected or hidden there); `notes` tell which source could
    not be asked and why.
    """

    gathered: Gathered = field(default_factory=Gathered)
    rounds: int = 0
    remaining: list[dict[str, object]] = field(default_factory=list)
    unseen_replies: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Means:
    """How gaps are filled: a collector and its settings for a source, the budget, the pace."""

    collector_for: Callable[[str], tuple[Collector, Mapping[str, str]]]
    budget: Budget
    pace: Pace
    progress: Progress | None = None


def fill_gaps(writer: Writer, means: Means, sources: tuple[str, ...] = ()) -> Filled:
    """Ask the sources for what is missing, round after round, until a round brings nothing new."""
    filled, started_at = Filled(), now()
    closed: set[str] = set()
    asked: set[tuple[str, str]] = set()
    while filled.rounds < MOST_ROUNDS and not means.budget.is_used_up:
        with writer() as store:
            absent = _absent_posts(store, started_at)
            unfinished = [pair for pair in _unfinished(store) if pair not in asked]
        todo = _by_source(absent, unfinished, sources, closed)
        if not todo:
            break
        filled.rounds += 1
        for source, (ids, conversations) in todo.items():
            try:
                collector, settings = means.collector_for(source)
                _ask_source(writer, means, filled, collector, settings, ids, conversations)
            except (UsageError, InputError) as error:
                closed.add(source)
                filled.notes.append(f"{source}: {error}")
            asked |= {(source, conversation) for conversation in conversations}
    with writer() as store:
        filled.remaining, filled.unseen_replies = _remaining(store), _unseen_replies(store)
    return filled


def _ask_source(
    writer: Writer,
    means: Means,
    filled: Filled,
    collector: Collector,
    settings: Mapping[str, str],
    ids: list[str],
    conversations: list[str],
) -> None:
    can = collector.about.can
    asks = [Ask(What.LOOKUP, ids=tuple(ids), budget=means.budget)] if ids and What.LOOKUP in can else []
    asks += [Ask(What.THREAD, post, budget=means.budget) for post in conversations if What.THREAD in can]
    refusals: list[InputError] = []
    for ask in asks:
        if means.budget.is_used_up:
            return
        try:
            filled.gathered.add(gather(writer, collector, ask, settings, means.pace, means.progress))
        except ServiceError:
            raise
        except InputError as error:
            # One conversation that is refused does not keep the others from being asked for.
            if ask.what is What.LOOKUP:
                raise
            refusals.append(error)
    if refusals:
        others = f", and {len(refusals) - 1:,} more conversations" if len(refusals) > 1 else ""
        filled.notes.append(f"{collector.about.name}: {refusals[0]}{others}")


def _absent_posts(store: Store, started_at: datetime) -> list[tuple[str, str]]:
    """Return (source, id) of each parent and claimed root that is not here, unless this run asked for it already.

    What was found deleted stays so; any other reason is asked about again in a new run.
    """
    rows = store.rows(
        """SELECT DISTINCT p.source, k.native_id
           FROM (SELECT source, parent AS absent FROM post WHERE kind <> 'repost'
                 UNION SELECT source, conversation FROM post) p
           JOIN post_key k ON k.post = p.absent
           WHERE p.absent NOT IN (SELECT post FROM post) AND NOT starts_with(k.native_id, 'erased:')
             AND NOT EXISTS (FROM suppressed s WHERE s.source = p.source AND s.native_id = k.native_id)
             AND NOT EXISTS (FROM gap g WHERE g.source = p.source AND g.native_id = k.native_id
                             AND (g.checked_at >= ? OR g.reason = 'deleted'))
           ORDER BY 1, 2""",
        started_at,
    )
    return [(str(source), str(native_id)) for source, native_id in rows]


def _unfinished(store: Store) -> list[tuple[str, str]]:
    """Return (source, id) for each conversation with fewer replies than its source counts, or with an absent parent.

    The id is that of the claimed conversation, else of the top. One that was asked for to its end after its posts
    were last seen is left alone.
    """
    rows = store.rows(
        """WITH answered AS (SELECT parent AS post, count(*) AS replies FROM post WHERE kind <> 'repost' GROUP BY 1),
           part AS (
               SELECT p.source, coalesce(p.conversation, t.top, p.post) AS conversation, p.seen_at,
                      coalesce(p.replies, 0) > coalesce(a.replies, 0)
                      OR (p.parent IS NOT NULL AND p.parent NOT IN (SELECT post FROM post)) AS is_open
               FROM post p LEFT JOIN answered a USING (post) LEFT JOIN thread_post t USING (post)
               WHERE p.kind NOT IN ('repost', 'report')),
           conversation AS (
               SELECT source, conversation, max(seen_at) AS seen_at FROM part GROUP BY ALL HAVING bool_or(is_open))
           SELECT c.source, k.native_id FROM conversation c JOIN post_key k ON k.post = c.conversation
           WHERE NOT starts_with(k.native_id, 'erased:')
             AND NOT EXISTS (FROM collection d WHERE d.source = c.source AND d.what = 'thread'
                             AND d.query = k.native_id AND d.finished_at >= c.seen_at)
           ORDER BY 1, 2"""
    )
    return [(str(source), str(native_id)) for source, native_id in rows]


def _by_source(
    absent: list[tuple[str, str]], unfinished: list[tuple[str, str]], sources: tuple[str, ...], closed: set[str]
) -> dict[str, tuple[list[str], list[str]]]:
    todo: dict[str, tuple[list[str], list[str]]] = {}
    for place, pairs in enumerate((absent, unfinished)):
        for source, native_id in pairs:
            if source not in closed and (not sources or source in sources):
                todo.setdefault(source, ([], []))[place].append(native_id)
    return todo


def _remaining(store: Store) -> list[dict[str, object]]:
    """Return one row per source and reason: absent parents, the replies to them, and the parents' ids."""
    rows = store.rows(
        """SELECT p.source, coalesce(CASE WHEN s.native_id IS NOT NULL THEN 'deleted'
                      WHEN starts_with(k.native_id, 'erased:') THEN 'erased' END, g.reason, ?) AS reason,
                  count(DISTINCT p.parent), count(*), list_sort(list_distinct(list(k.native_id)))
           FROM post p JOIN post_key k ON k.post = p.parent
           LEFT JOIN gap g ON g.source = p.source AND g.native_id = k.native_id
           LEFT JOIN suppressed s ON s.source = p.source AND s.native_id = k.native_id
           WHERE p.kind <> 'repost' AND p.parent NOT IN (SELECT post FROM post)
           GROUP BY 1, 2 ORDER BY 1, 3 DESC""",
        NOT_ASKED,
    )
    names = ("source", "reason", "parents", "replies", "ids")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _unseen_replies(store: Store) -> int:
    return store.value(
        """SELECT sum(greatest(p.replies - coalesce(a.replies, 0), 0)) FROM post p
           LEFT JOIN (SELECT parent AS post, count(*) AS replies FROM post WHERE kind <> 'repost' GROUP BY 1) a
           USING (post) WHERE p.kind NOT IN ('repost', 'report')"""
    )
