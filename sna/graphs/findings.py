"""All that a case shows at a glance: one value for the terminal and for whatever else presents an investigation."""

from dataclasses import dataclass

import polars as pl

from sna.errors import UsageError
from sna.graphs.actors import list_actors
from sna.graphs.community_names import Named, name_communities
from sna.graphs.conversations import Thread, ThreadFilter, list_threads, show_thread
from sna.graphs.coordination import Coordination, find_coordination
from sna.graphs.origins import list_origins
from sna.graphs.roles import ROLES
from sna.graphs.status import Status, count_status
from sna.graphs.timeline import Timeline, count_by_step
from sna.store.opening import Store

# Kinds of items whose origins are shown; texts and images need a threshold or media, and have their own command.
SPREAD = ("url", "hashtag")


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings of a case, each as its own command gives it, cut to the first `limit` rows.

    `roles` maps each role to its leading actors; `threads` are the largest, `thread` the largest as a tree; `origins`
    maps each kind of item to what the most accounts carry. `timeline` is None where no post has a usable time.
    """

    status: Status
    timeline: Timeline | None
    roles: dict[str, pl.DataFrame]
    threads: pl.DataFrame
    thread: Thread | None
    origins: dict[str, pl.DataFrame]
    coordination: Coordination
    communities: Named

    @property
    def gaps(self) -> list[str]:
        """Sentences on what is not in the case, and what that does to the findings."""
        return gaps_of(self.status, self.timeline)


def find_all(store: Store, limit: int = 5) -> Findings:
    """Return the findings of a whole case."""
    threads = list_threads(store, ThreadFilter(), "posts", limit)
    top = threads.row(0, named=True) if threads.height else None
    actors = list_actors(store)
    return Findings(
        count_status(store),
        _timeline(store),
        {role: _leading(actors, role, limit) for role in ROLES},
        threads,
        show_thread(store, f"{top['source']}:{top['top']}") if top else None,
        {kind: dated_origins(store, kind, limit) for kind in SPREAD},
        find_coordination(store),
        name_communities(store, limit),
    )


# What is not in a case, and what that does, by the facts of `gap_facts`.
GAPS = {
    "missing_parents": "{missing_parents} answered posts were not collected: of the threads below them nobody can tell "
    "who posted first, and {orphan_replies} replies count for no parent's author unless it was named.",
    "refused": "{posts} posts were asked for and not given ({reason}): what they said is not in any figure.",
    "referenced": "{posts} posts are known from inside others alone, as they were when these were collected.",
    "quarantined": "{lines} lines were kept out when they were read, and are in no figure unless a later import "
    "brought them (sna status --quarantine).",
    "removed": "Posts that were deleted, protected, expired or erased are not shown, and their reposts not counted.",
    "times": "{posts} posts have no time, or one that cannot be right: they are in no timeline and never an origin.",
    "older": "{posts} replies are older than the post that they answer: the clocks of their servers differ.",
    "window": "Only what was collected is counted: silence here is not silence there.",
}


def dated_origins(store: Store, kind: str, limit: int) -> pl.DataFrame:
    """Return what the most accounts carry, as list_origins does; an item without a dated post has no origin."""
    return list_origins(store, kind).filter(pl.col("first_at").is_not_null()).head(limit)


def gap_facts(status: Status, timeline: Timeline | None) -> list[tuple[str, dict[str, int | str]]]:
    """Return what is not in the case: a name of GAPS and the figures of its sentence."""
    told: list[tuple[str, dict[str, int | str]]] = []
    if status.missing_parents:
        told.append(
            (
                "missing_parents",
                {"missing_parents": status.missing_parents, "orphan_replies": status.orphan_replies},
            )
        )
    told += [("refused", {"posts": count, "reason": reason}) for reason, count in status.gaps.items()]
    if status.referenced:
        told.append(("referenced", {"posts": status.referenced}))
    if status.quarantined:
        told.append(("quarantined", {"lines": status.quarantined}))
    if status.dropped or status.awaiting_purge:
        told.append(("removed", {}))
    without_time = status.posts if timeline is None else timeline.undated
    if without_time:
        told.append(("times", {"posts": without_time}))
    if status.older_than_parent:
        told.append(("older", {"posts": status.older_than_parent}))
    told.append(("window", {}))
    return told


def gaps_of(status: Status, timeline: Timeline | None) -> list[str]:
    """Return what is not in the case and what follows from it, a sentence each."""
    return [
        GAPS[name].format(**{key: f"{value:,}" if isinstance(value, int) else value for key, value in facts.items()})
        for name, facts in gap_facts(status, timeline)
    ]


def _leading(actors: pl.DataFrame, role: str, limit: int) -> pl.DataFrame:
    score = f"{role}_score"
    scored = actors.filter(pl.col(score) > 0) if actors.height else actors
    return scored.sort(score, "source", "id", descending=[True, False, False]).head(limit)


def _timeline(store: Store) -> Timeline | None:
    try:
        return count_by_step(store)
    except UsageError:
        return None
