"""A case in Python: the verbs of the command line as methods."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl

from sna import case as cases
from sna.collectors import missing, recheck, run, watch
from sna.collectors.base import Ask, Budget, CanPreview, Collector, Preview, What
from sna.collectors.criteria import within_policy
from sna.collectors.pace import Pace
from sna.collectors.registry import collector as collector_of
from sna.errors import UsageError
from sna.formats.importer import ImportPlan, Progress, import_files, imported_files
from sna.graphs.actors import list_actors
from sna.graphs.community_names import SMALLEST, Named, name_communities
from sna.graphs.conversations import (
    Thread,
    ThreadFilter,
    Trace,
    find_post,
    list_conversations,
    list_threads,
    show_thread,
    trace_post,
)
from sna.graphs.coordination import Coordination, Search, find_coordination
from sna.graphs.explain import Explanation, explain_actor, explain_edge, explain_post, explain_thread
from sna.graphs.findings import Findings, find_all
from sna.graphs.interactions import KINDS, Window
from sna.graphs.near import THRESHOLD
from sna.graphs.network import Network
from sna.graphs.networks import build_network
from sna.graphs.origins import Origin, OriginFilter, list_origins, show_origin
from sna.graphs.status import Status, count_status, list_quarantine
from sna.graphs.threads import trace_threads
from sna.graphs.timeline import Timeline, count_by_step, first_seen, network_by_step, response_times
from sna.keeping import recorded
from sna.language import run as annotate
from sna.language.findings import find_in_texts, unread_posts
from sna.outgoing import Outgoing
from sna.post import Actor, Post, Tally
from sna.privacy.audit import told_file
from sna.secrets import secrets_of
from sna.store.ingest import ingest_posts


class Case(Outgoing):
    """An investigation in its folder; each method opens the store, does its work and lets the file go."""

    @recorded("import")
    def import_files(
        self, files: Sequence[Path | None], plan: ImportPlan | None = None, progress: Progress | None = None
    ) -> Tally:
        """Import files and trace their threads; see formats.importer.import_files."""
        with self._writer() as store:
            tally = import_files(store, files, plan or ImportPlan(), progress)
            trace_threads(store)
            self.files_in = [told_file(*file) for file in imported_files(store)]
        return tally

    @recorded("ingest")
    def ingest(self, posts: Iterable[Post], profiles: Iterable[Actor] = ()) -> Tally:
        """Store records and trace their threads; returns what became of them."""
        with self._writer() as store:
            tally = ingest_posts(store, posts, profiles)
            trace_threads(store)
        return tally

    @recorded("findings")
    def findings(self, limit: int = 5) -> Findings:
        """Return the findings of the whole case at a glance; see graphs.findings.find_all."""
        with self._reader() as store:
            return find_all(store, limit)

    @recorded("status")
    def status(self) -> Status:
        """Return the figures of the whole case."""
        with self._reader() as store:
            return count_status(store)

    @recorded("status quarantine")
    def quarantine(self) -> list[tuple[str, int, str, str]]:
        """Return (file, byte offset, reason, sha256) of each line that was kept out."""
        with self._reader() as store:
            return list_quarantine(store)

    @recorded("threads list", "sort")
    def threads(
        self, chosen: ThreadFilter | None = None, sort: str = "posts", limit: int | None = None
    ) -> pl.DataFrame:
        """Return one row per thread; see graphs.conversations.list_threads."""
        with self._reader() as store:
            return list_threads(store, chosen, sort, limit)

    @recorded("conversations")
    def conversations(self, limit: int | None = None) -> pl.DataFrame:
        """Return one row per claimed platform conversation; see graphs.conversations.list_conversations."""
        with self._reader() as store:
            return list_conversations(store, limit)

    @recorded("threads show")
    def thread(self, post: str) -> Thread:
        """Return the thread of a post as a tree in reading order."""
        with self._reader() as store:
            return show_thread(store, post)

    @recorded("threads trace")
    def trace(self, post: str) -> Trace:
        """Return the path from a post up to its top."""
        with self._reader() as store:
            return trace_post(store, post)

    @recorded("actors", "sort", "role")
    def actors(self, sort: str | None = None, limit: int | None = None, role: str | None = None) -> pl.DataFrame:
        """Return one row per account; see graphs.actors.list_actors."""
        with self._reader() as store:
            return list_actors(store, sort, limit, role)

    @recorded("origins", "kind", "sort")
    def origins(
        self,
        kind: str,
        chosen: OriginFilter | None = None,
        sort: str = "actors",
        limit: int | None = None,
        threshold: float = THRESHOLD,
    ) -> pl.DataFrame:
        """Return one row per item with its earliest collected post; see graphs.origins.list_origins."""
        with self._reader() as store:
            return list_origins(store, kind, chosen, sort, limit, threshold)

    @recorded("origin", "kind")
    def origin(self, kind: str, value: str, limit: int | None = 20, threshold: float = THRESHOLD) -> Origin:
        """Return the origin of one item and how it spread; see graphs.origins.show_origin."""
        with self._reader() as store:
            return show_origin(store, kind, value, limit, threshold)

    @recorded("language run")
    def read_texts(
        self, rules: Sequence[Path] = (), progress: annotate.Progress | None = None, *, use_trained: bool = True
    ) -> annotate.Annotated:
        """Bring languages, calls to action, entities and phrases up to date; see language.run.annotate_posts."""
        with self._writer() as store:
            return annotate.annotate_posts(store, rules, progress, use_trained=use_trained)

    @recorded("language show", "what")
    def texts(self, what: str, limit: int | None = None) -> tuple[pl.DataFrame, int]:
        """Return what was found in the texts, and how many posts were not read; see language.findings."""
        with self._reader() as store:
            return find_in_texts(store, what, limit), unread_posts(store)

    @recorded("coordination", "search")
    def coordination(self, search: Search | None = None) -> Coordination:
        """Return pairs of actors that do the same together, and their groups; see graphs.coordination."""
        with self._reader() as store:
            return find_coordination(store, search)

    @recorded("timeline", "step", "by")
    def timeline(
        self, step: str | None = None, by: str = "kind", since: datetime | None = None, until: datetime | None = None
    ) -> Timeline:
        """Return volumes by step with their bursts; see graphs.timeline.count_by_step."""
        with self._reader() as store:
            return count_by_step(store, step, by, since, until)

    @recorded("first seen", "kind")
    def first_seen(self, kind: str = "hashtag", limit: int | None = None) -> pl.DataFrame:
        """Return what appeared when; see graphs.timeline.first_seen."""
        with self._reader() as store:
            return first_seen(store, kind, limit)

    @recorded("response times", "step")
    def response_times(
        self, step: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> pl.DataFrame:
        """Return how fast replies came, by step; see graphs.timeline.response_times."""
        with self._reader() as store:
            return response_times(store, step, since, until)

    @recorded("network by step", "step")
    def network_by_step(
        self, step: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> pl.DataFrame:
        """Return the network of interactions step by step; see graphs.timeline.network_by_step."""
        with self._reader() as store:
            return network_by_step(store, step, since, until)

    @recorded("communities")
    def communities(self, limit: int | None = None, smallest: int = SMALLEST) -> Named:
        """Return the communities by name, with their bridges; see graphs.community_names.name_communities."""
        with self._reader() as store:
            return name_communities(store, limit, smallest)

    @recorded("explain")
    def explain(
        self, name: str, other: str | None = None, *, is_thread: bool = False, limit: int | None = 3
    ) -> Explanation:
        """Return the figures of an actor, a post, a thread or an edge, with the posts behind; see graphs.explain."""
        with self._reader() as store:
            if other is not None:
                return explain_edge(store, name, other, limit)
            if is_thread:
                return explain_thread(store, name, limit)
            try:
                find_post(store, name)
            except UsageError:
                return explain_actor(store, name, limit)
            return explain_post(store, name, limit)

    @recorded("network", "name", "window")
    def network(self, name: str = "interactions", window: Window | None = None, *, loops: bool = False) -> Network:
        """Return a network by name; see graphs.networks.build_network."""
        with self._reader() as store:
            return build_network(store, name, window, loops=loops)

    def interactions(
        self,
        kinds: Sequence[str] = KINDS,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        loops: bool = False,
    ) -> Network:
        """Return the network of accounts, linked by the given kinds of interaction in the window (UTC)."""
        return self.network("interactions", Window(kinds, since, until), loops=loops)

    @recorded("collect", "source")
    def collect(
        self,
        source: str,
        asks: Sequence[Ask],
        settings: Mapping[str, str] | None = None,
        pace: Pace | None = None,
        progress: run.Progress | None = None,
    ) -> run.Gathered:
        """Gather what is asked of a source, one after the other, and trace the threads; see collectors.run.gather."""
        pace, given = pace or Pace(), settings or {}
        gathered = run.Gathered()
        with self._collecting(), closing(self._collector(source, given, pace)) as collector:
            for ask in [self._with_ids(source, within_policy(self.policy, source, ask)) for ask in asks]:
                gathered.add(run.gather(self._tracing_writer, collector, ask, given, pace, progress))
        return gathered

    @recorded("preview", "source")
    def preview(self, source: str, ask: Ask, settings: Mapping[str, str] | None = None) -> Preview:
        """Return what a query would bring; raises UsageError for a source that cannot tell."""
        with closing(self._collector(source, settings or {}, Pace())) as collector:
            if not isinstance(collector, CanPreview):
                raise UsageError(f"{collector.about.title} does not tell beforehand what a query brings")
            return collector.preview(within_policy(self.policy, source, ask))

    @recorded("collect missing")
    def collect_missing(
        self,
        sources: Sequence[str] = (),
        settings: Mapping[str, Mapping[str, str]] | None = None,
        budget: Budget | None = None,
        pace: Pace | None = None,
        progress: run.Progress | None = None,
    ) -> missing.Filled:
        """Fetch missing parents and unfinished conversations; see collectors.missing.fill_gaps.

        `settings` are by source; those of the source's last collection count where none are given.
        """
        pace = pace or Pace()

        with self._collecting(), self._collectors(settings or {}, pace) as collector_for:
            means = missing.Means(collector_for, budget or Budget(), pace, progress)
            return missing.fill_gaps(self._tracing_writer, means, tuple(sources))

    @recorded("retention sync")
    def recheck(
        self,
        sources: Sequence[str] = (),
        within: float = 6.0,
        budget: Budget | None = None,
        pace: Pace | None = None,
        progress: run.Progress | None = None,
    ) -> recheck.Checked:
        """Ask the sources whether posts are still there that must be checked `within` so many hours.

        See collectors.recheck.recheck_posts.
        """
        hours = max((self.policy.duties.recheck_hours or cases.DEFAULT_RECHECK_HOURS) - within, 0)
        pace = pace or Pace()
        with self._collecting(), self._collectors({}, pace) as collector_for:
            todo = recheck.Todo(hours, tuple(sources), budget or Budget())
            return recheck.recheck_posts(self._tracing_writer, collector_for, todo, pace, progress)

    @recorded("watch")
    def watch(
        self,
        plan: watch.Plan,
        stop: threading.Event,
        show: Callable[[watch.State], None] = lambda _: None,
        note: Callable[[str], None] = lambda _: None,
    ) -> watch.State:
        """Run streams and periodic searches until `stop` is set; see collectors.watch.watch."""
        jobs = tuple(replace(job, ask=within_policy(self.policy, job.source, job.ask)) for job in plan.jobs)
        for job in jobs:
            if job.ask.what not in collector_of(job.source).about.can:
                raise UsageError(f"{job.source} cannot be asked for {job.ask.what}")
        with self._collecting():
            return watch.watch(self._tracing_writer, replace(plan, jobs=jobs), self._collector, stop, show, note)

    @contextmanager
    def _collectors(
        self, settings: Mapping[str, Mapping[str, str]], pace: Pace
    ) -> Iterator[Callable[[str], tuple[Collector, Mapping[str, str]]]]:
        """Give a function that makes the collector of a source, with its last settings, and keeps it to the end."""
        with ExitStack() as opened:
            known: dict[str, tuple[Collector, Mapping[str, str]]] = {}

            def collector_for(source: str) -> tuple[Collector, Mapping[str, str]]:
                if source not in known:
                    within_policy(self.policy, source, Ask(What.LOOKUP))
                    given = {**self._last_settings(source), **settings.get(source, {})}
                    known[source] = opened.enter_context(closing(self._collector(source, given, pace))), given
                return known[source]

            yield collector_for

    def _collector(self, source: str, settings: Mapping[str, str], pace: Pace) -> Collector:
        kind = collector_of(source)
        unknown = sorted(set(settings) - {setting.name for setting in kind.about.settings})
        if unknown:
            raise UsageError(f"{kind.about.title} has no setting {unknown[0]!r}; see `sna collect {source} --help`")
        return kind(settings, secrets_of(kind.about), pace)

    def _with_ids(self, source: str, ask: Ask) -> Ask:
        if ask.what is not What.DELETIONS or ask.ids:
            return ask
        with self._reader() as store:
            return replace(ask, ids=run.known_ids(store, source))

    def _last_settings(self, source: str) -> Mapping[str, str]:
        with self._reader() as store:
            return run.last_settings(store, source)


def open_case(path: str | Path | None = None) -> Case:
    """Return the case at `path`, else at SNA_CASE, else in the current folder; raises CaseError when there is none."""
    return Case(cases.find_case(None if path is None else Path(path)))


def new_case(
    path: str | Path,
    purpose: str,
    legal_basis: str,
    keep_days: int,
    bounds: cases.Bounds | None = None,
    duties: cases.Duties | None = None,
) -> Case:
    """Make a new case folder and return it; see case.new_case."""
    made = Case(cases.new_case(Path(path), purpose, legal_basis, keep_days, bounds, duties))
    made.tell("case new", {"keep_days": keep_days}, {})
    return made
