"""Asks the sources whether posts are still there; what is gone is hidden, what cannot be reached stays unknown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sna.collectors.base import Ask, Budget, Collector, Gap, Page, ServiceError, What
from sna.collectors.pace import Pace
from sna.collectors.run import Gathered, Progress, Writer, gather
from sna.errors import InputError, UsageError
from sna.privacy.retention import find_unchecked
from sna.store.ingest import now
from sna.store.opening import Store

# What a source answers about a post that it shows to nobody any more.
GONE = frozenset({Gap.DELETED, Gap.PROTECTED, Gap.SUSPENDED, Gap.NOT_FOUND})
PART = 1_000


@dataclass(slots=True)
class Checked:
    """What a check brought: posts checked, what was gathered, sources that stay unknown and why.

    `gathered.tally.deleted` counts the posts that are gone.
    """

    checked: int = 0
    gathered: Gathered = field(default_factory=Gathered)
    unknown: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Todo:
    """What is to be checked: posts not seen for so many hours, of these sources (all when empty), for how much."""

    hours: float
    sources: tuple[str, ...]
    budget: Budget


def recheck_posts(
    writer: Writer,
    collector_for: Callable[[str], tuple[Collector, Mapping[str, str]]],
    todo: Todo,
    pace: Pace,
    progress: Progress | None = None,
) -> Checked:
    """Look up the posts from collectors that were not seen for so many hours, the oldest keys first.

    A source that fails leaves its posts unknown and unchanged; the others go on.
    """
    done = Checked()
    with writer() as store:
        unchecked = _unchecked(store, todo)
    for source, ids in unchecked.items():
        try:
            collector, settings = collector_for(source)
            if What.LOOKUP not in collector.about.can:
                done.unknown[source] = "it cannot be asked for posts by their ids"
                continue
            for start in range(0, len(ids), PART):
                if todo.budget.is_used_up:
                    done.unknown[source] = "the budget is used up"
                    break
                part = tuple(ids[start : start + PART])
                ask = Ask(What.LOOKUP, ids=part, budget=todo.budget)
                gathered = gather(writer, collector, ask, settings, pace, progress, _gone_is_deleted)
                done.gathered.add(gathered)
                if not gathered.is_complete:
                    done.unknown[source] = "the budget is used up"
                    break
                with writer() as store:
                    done.checked += _note_checked(store, source, part)
        except (ServiceError, InputError, UsageError) as error:
            done.unknown[source] = str(error)
    return done


def _gone_is_deleted(page: Page) -> Page:
    """Return the page on which the word that a known post is not there counts as the post's deletion."""
    gone = tuple(absence for absence in page.absences if absence.reason in GONE)
    left = tuple(absence for absence in page.absences if absence.reason not in GONE)
    return replace(page, deletions=(*page.deletions, *gone), absences=left)


def _unchecked(store: Store, todo: Todo) -> dict[str, list[str]]:
    find_unchecked(store, todo.hours, todo.sources)
    found: dict[str, list[str]] = {}
    for source, native_id in store.rows("SELECT source, native_id FROM unchecked ORDER BY source, post"):
        found.setdefault(str(source), []).append(str(native_id))
    return found


def _note_checked(store: Store, source: str, ids: tuple[str, ...]) -> int:
    """Note when the posts of these ids that are still here were checked; returns how many ids were asked for."""
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE just_checked AS
           SELECT post FROM post_key JOIN post USING (post, source)
           WHERE source = ? AND list_contains(?, native_id)""",
        [source, list(ids)],
    )
    store.db.execute("DELETE FROM checked WHERE post IN (FROM just_checked)")
    store.db.execute("INSERT INTO checked SELECT post, ? FROM just_checked", [now()])
    return len(ids)
