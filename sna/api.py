"""A case in Python: the verbs of the command line as methods."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from sna import case as cases
from sna.errors import CaseError
from sna.formats.importer import ImportPlan, Progress, import_files
from sna.graphs.actors import list_actors
from sna.graphs.conversations import (
    Thread,
    ThreadFilter,
    Trace,
    list_conversations,
    list_threads,
    show_thread,
    trace_post,
)
from sna.graphs.interactions import KINDS, Window
from sna.graphs.network import Network
from sna.graphs.networks import build_network
from sna.graphs.status import Status, count_status, list_quarantine
from sna.graphs.threads import trace_threads
from sna.post import Actor, Post, Tally
from sna.store.ingest import ingest_posts
from sna.store.opening import Store


class Case:
    """An investigation in its folder; each method opens the store, does its work and lets the file go."""

    def __init__(self, folder: cases.CaseFolder) -> None:
        """Work on the case in `folder`."""
        self.folder = folder

    @property
    def policy(self) -> cases.Policy:
        """Why the case exists, and how long its posts may be kept."""
        return self.folder.policy

    def import_files(
        self, files: Sequence[Path | None], plan: ImportPlan | None = None, progress: Progress | None = None
    ) -> Tally:
        """Import files and trace their threads; see formats.importer.import_files."""
        with self._writer() as store:
            tally = import_files(store, files, plan or ImportPlan(), progress)
            trace_threads(store)
        return tally

    def ingest(self, posts: Iterable[Post], profiles: Iterable[Actor] = ()) -> Tally:
        """Store records and trace their threads; returns what became of them."""
        with self._writer() as store:
            tally = ingest_posts(store, posts, profiles)
            trace_threads(store)
        return tally

    def status(self) -> Status:
        """Return the figures of the whole case."""
        with self._reader() as store:
            return count_status(store)

    def quarantine(self) -> list[tuple[str, int, str, str]]:
        """Return (file, byte offset, reason, sha256) of each line that was kept out."""
        with self._reader() as store:
            return list_quarantine(store)

    def threads(
        self, chosen: ThreadFilter | None = None, sort: str = "posts", limit: int | None = None
    ) -> pl.DataFrame:
        """Return one row per thread; see graphs.conversations.list_threads."""
        with self._reader() as store:
            return list_threads(store, chosen, sort, limit)

    def conversations(self, limit: int | None = None) -> pl.DataFrame:
        """Return one row per claimed platform conversation; see graphs.conversations.list_conversations."""
        with self._reader() as store:
            return list_conversations(store, limit)

    def thread(self, post: str) -> Thread:
        """Return the thread of a post as a tree in reading order."""
        with self._reader() as store:
            return show_thread(store, post)

    def trace(self, post: str) -> Trace:
        """Return the path from a post up to its top."""
        with self._reader() as store:
            return trace_post(store, post)

    def actors(self, sort: str = "replies_received", limit: int | None = None) -> pl.DataFrame:
        """Return one row per account; see graphs.actors.list_actors."""
        with self._reader() as store:
            return list_actors(store, sort, limit)

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

    @contextmanager
    def _writer(self) -> Iterator[Store]:
        self._check_open()
        with Store(self.folder.store, self.folder.spill, keep_days=self.policy.keep_days) as store:
            yield store

    @contextmanager
    def _reader(self) -> Iterator[Store]:
        # An import that was stopped leaves posts without threads; they are traced before anything is read.
        with Store(self.folder.store, self.folder.spill, read_only=True) as store:
            is_traced = not store.value("SELECT count(*) FROM to_trace")
            if is_traced:
                yield store
        if not is_traced:
            with Store(self.folder.store, self.folder.spill, keep_days=self.policy.keep_days) as store:
                trace_threads(store)
                yield store

    def _check_open(self) -> None:
        if self.policy.closed_at is not None and self.policy.closed_at <= datetime.now(UTC):
            raise CaseError(f"{self.folder.path} is closed and takes nothing in; make a new case")


def open_case(path: str | Path | None = None) -> Case:
    """Return the case at `path`, else at SNA_CASE, else in the current folder; raises CaseError when there is none."""
    return Case(cases.find_case(None if path is None else Path(path)))


def new_case(path: str | Path, purpose: str, legal_basis: str, keep_days: int) -> Case:
    """Make a new case folder and return it; see case.new_case."""
    return Case(cases.new_case(Path(path), purpose, legal_basis, keep_days))
