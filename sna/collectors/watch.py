"""Watches: streams and periodic searches from a `watch.toml`, written by one writer in batches, until told to stop."""

import queue
import re
import threading
import time
import tomllib
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from sna.collectors.base import Ask, Collector, Page, ServiceError, StoppedError, What
from sna.collectors.pace import Pace
from sna.collectors.run import Gathered, Place, Writer, absorb_page, find_place
from sna.errors import InputError, SnaError, UsageError
from sna.store.ingest import end_batch, now

COMMIT_SECONDS = 5.0
MOST_WAITING = 8
UNITS_PER_PAGE = 100_000
OVERLAP = timedelta(minutes=15)
# The file is free for readers at least this long between two commits.
PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class Job:
    """One entry of the watch: what to ask of which source, and how often where it is no stream."""

    source: str
    ask: Ask
    settings: Mapping[str, str]
    every: float | None = None
    number: int = 1

    @property
    def title(self) -> str:
        """How the status line names it; by its number in the file, since a query may hold a handle."""
        return f"{self.source} {self.ask.what.value} {self.number}"

    @property
    def key(self) -> tuple[object, ...]:
        """What makes it a collection of its own."""
        ask = self.ask
        return self.source, ask.what, ask.query, ask.since, tuple(sorted(self.settings.items()))


@dataclass(frozen=True, slots=True)
class Plan:
    """All jobs of a watch, and how often what came is committed."""

    jobs: tuple[Job, ...]
    commit_seconds: float = COMMIT_SECONDS


@dataclass(slots=True)
class State:
    """Where a watch stands, for its status line."""

    gathered: Gathered = field(default_factory=Gathered)
    doing: dict[str, str] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    failures: list[str] = field(default_factory=list)
    commits: int = 0
    waiting: int = 0


def read_plan(path: Path) -> Plan:
    """Return the plan in a watch.toml; raises UsageError that names the entry and the key that cannot be."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read as a watch ({error})") from error
    unknown = set(content) - {"commit_seconds", "stream", "search"}
    if unknown:
        raise UsageError(
            f"{path}: unknown key {sorted(unknown)[0]!r}; there are commit_seconds, [[stream]], [[search]]"
        )
    jobs = []
    for kind in ("stream", "search"):
        entries = content.get(kind, [])
        if not isinstance(entries, list):
            raise UsageError(f"{path}: write [[{kind}]] with two brackets")
        for number, entry in enumerate(entries, 1):
            jobs.append(replace(_job(entry, kind, f"{path}: [[{kind}]] number {number}"), number=number))
    if not jobs:
        raise UsageError(f"{path} has no [[stream]] and no [[search]]")
    seconds = content.get("commit_seconds", COMMIT_SECONDS)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0.1 <= seconds <= 3600:
        raise UsageError(f"{path}: commit_seconds is a number from 0.1 to 3600")
    return Plan(tuple(jobs), float(seconds))


def watch(
    writer: Writer,
    plan: Plan,
    collector_for: Callable[[str, Mapping[str, str], Pace], Collector],
    stop: threading.Event,
    show: Callable[[State], None],
    note: Callable[[str], None],
) -> State:
    """Run all jobs until `stop` is set or none is left; commits what came every few seconds; returns the end state."""
    state = State()
    pages: queue.Queue[tuple[Job, Page]] = queue.Queue(MOST_WAITING)
    places = _Places(writer)
    threads = []
    for job in plan.jobs:
        runner = _Runner(job, collector_for, places, pages, stop, state, note)
        threads.append(threading.Thread(target=runner.run, name=job.title, daemon=True))
    for thread in threads:
        thread.start()
    while not stop.is_set() and (any(thread.is_alive() for thread in threads) or not pages.empty()):
        due = time.monotonic() + plan.commit_seconds
        batch = _collect_batch(pages, due, stop, threads)
        _commit(writer, places, batch, state, pages)
        state.waiting = pages.qsize()
        show(state)
        time.sleep(PAUSE)
    stop.set()
    for thread in threads:
        # A thread that waits to hand over its page is let go by taking it.
        while thread.is_alive():
            _commit(writer, places, _collect_batch(pages, time.monotonic() + 0.1, stop, threads), state, pages)
            thread.join(timeout=0.2)
    _commit(writer, places, _collect_batch(pages, time.monotonic(), stop, threads), state, pages)
    places.end()
    return state


def failure_of(state: State) -> InputError | None:
    """Return the error to end with when a job failed for good."""
    return InputError("; ".join(state.failures)) if state.failures else None


class _Places:
    """Where each job stands; known to the threads, kept by the writer."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._found: dict[tuple[object, ...], Place] = {}
        self._lock = threading.Lock()

    def find(self, job: Job) -> Place:
        with self._lock:
            if job.key not in self._found:
                with self._writer() as store:
                    self._found[job.key] = find_place(store, job.source, job.ask, job.settings)
            return self._found[job.key]

    def forget(self, job: Job) -> None:
        """Let the next round of a search be a collection of its own."""
        with self._lock:
            place = self._found.pop(job.key, None)
            if place:
                with self._writer() as store:
                    end_batch(store, place.batch)

    def end(self) -> None:
        with self._lock, self._writer() as store:
            for place in self._found.values():
                end_batch(store, place.batch)


class _Runner:
    """Runs one job in its thread: hands its pages over, waits, takes up again what was lost."""

    def __init__(
        self,
        job: Job,
        collector_for: Callable[[str, Mapping[str, str], Pace], Collector],
        places: _Places,
        pages: "queue.Queue[tuple[Job, Page]]",
        stop: threading.Event,
        state: State,
        note: Callable[[str], None],
    ) -> None:
        self.job, self.places, self.pages, self.stop, self.state, self.note = job, places, pages, stop, state, note
        self.pace = Pace(note=self._tell, stop=stop)
        self._collector_for = collector_for

    def run(self) -> None:
        try:
            with closing(self._collector_for(self.job.source, self.job.settings, self.pace)) as collector:
                self._go_on(collector)
        except StoppedError:
            pass
        except SnaError as error:
            self._fail(str(error))
        except Exception as error:
            # A defect in one source's library must not end the others; what it was is told without its words.
            self._fail(f"stopped by an unexpected {type(error).__name__}")

    def _go_on(self, collector: Collector) -> None:
        job, attempt = self.job, 0
        cursor = self.places.find(job).cursor
        while not self.stop.is_set():
            began = now()
            try:
                self._tell("running")
                for page in collector.pages(job.ask, cursor):
                    self._hand_over(job, page)
                    attempt, cursor = 0, page.cursor
            except ServiceError as error:
                attempt += 1
                self.note(f"{job.title}: {error}")
                self.pace.back_off(min(attempt, self.pace.tries - 1), collector.about.title, "was lost")
                continue
            if job.every is None:
                attempt += 1
                self.pace.back_off(min(attempt, self.pace.tries - 1), collector.about.title, "ended the stream")
                continue
            self.pages.join()
            self.places.forget(job)
            self._tell(f"next in {_span(job.every)}")
            if self.stop.wait(job.every):
                return
            job, cursor = replace(job, ask=replace(job.ask, since=began - OVERLAP)), None
            self.places.find(job)

    def _hand_over(self, job: Job, page: Page) -> None:
        while not self.stop.is_set():
            with suppress(queue.Full):
                self.pages.put((job, page), timeout=0.2)
                return
        raise StoppedError

    def _tell(self, what: str) -> None:
        self.state.doing[self.job.title] = what

    def _fail(self, why: str) -> None:
        self._tell("failed")
        self.state.failures.append(f"{self.job.title}: {why}")
        self.note(f"{self.job.title}: {why}")


def _collect_batch(
    pages: "queue.Queue[tuple[Job, Page]]", due: float, stop: threading.Event, threads: list[threading.Thread]
) -> list[tuple[Job, Page]]:
    batch: list[tuple[Job, Page]] = []
    units = 0
    while units < UNITS_PER_PAGE:
        left = due - time.monotonic()
        try:
            job, page = pages.get(timeout=min(left, 0.1)) if left > 0 else pages.get_nowait()
        except queue.Empty:
            if left <= 0 or stop.is_set() or not any(thread.is_alive() for thread in threads):
                break
            continue
        units += max(len(page.units), 1)
        batch.append((job, page))
    return batch


def _commit(
    writer: Writer,
    places: _Places,
    batch: list[tuple[Job, Page]],
    state: State,
    pages: "queue.Queue[tuple[Job, Page]]",
) -> None:
    """Write a batch; the pages of one stream that follow each other become one."""
    if not batch:
        return
    try:
        found = [(job, page, places.find(job)) for job, page in _merged(batch)]
        with writer() as store:
            for job, page, place in found:
                state.gathered.note(absorb_page(store, place, job.source, job.ask, page), page)
    finally:
        # A search that waits until its pages are written must not wait for ever.
        for _ in batch:
            pages.task_done()
    state.commits += 1


def _merged(batch: list[tuple[Job, Page]]) -> list[tuple[Job, Page]]:
    merged: list[tuple[Job, Page]] = []
    last: dict[tuple[object, ...], int] = {}
    for job, page in batch:
        at = last.get(job.key)
        earlier = merged[at][1] if at is not None else None
        fits = earlier is not None and job.ask.what is What.STREAM and bool(earlier.units and page.units)
        if fits and earlier is not None and at is not None:
            both = replace(
                page,
                body=earlier.body + b"\n" + page.body,
                units=earlier.units + page.units,
                cost=earlier.cost + page.cost,
            )
            merged[at] = (job, both)
        else:
            last[job.key] = len(merged)
            merged.append((job, page))
    return merged


def _job(entry: object, kind: str, where: str) -> Job:
    if not isinstance(entry, dict):
        raise UsageError(f"{where} is no table")
    known = {"source", "query", "settings"} | ({"what", "every"} if kind == "search" else set())
    unknown = set(entry) - known
    if unknown:
        raise UsageError(f"{where}: unknown key {sorted(unknown)[0]!r}; there are {', '.join(sorted(known))}")
    source, query, settings = entry.get("source"), entry.get("query", ""), entry.get("settings", {})
    if not isinstance(source, str) or not isinstance(query, str) or not isinstance(settings, dict):
        raise UsageError(f"{where}: source and query are texts, settings is a table")
    given = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in settings.items()}
    if kind == "stream":
        return Job(source, Ask(What.STREAM, query), given)
    try:
        what = What(str(entry.get("what", "search")))
    except ValueError as error:
        raise UsageError(f"{where}: what is one of {', '.join(What)}") from error
    return Job(source, Ask(what, query), given, _seconds(entry.get("every"), where))


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _seconds(text: object, where: str) -> float:
    found = re.fullmatch(r"(\d+)\s*([smhd])", str(text))
    if not found or not int(found[1]):
        raise UsageError(f"{where}: every is a time such as 30s, 15m, 6h or 1d")
    return float(int(found[1]) * _UNITS[found[2]])


def _span(seconds: float) -> str:
    return str(timedelta(seconds=int(seconds)))
