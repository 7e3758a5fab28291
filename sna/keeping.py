"""How a case is opened and kept: one writer, expired posts hidden first, every use in the audit, purges finished."""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, cast

import polars as pl
from filelock import FileLock, Timeout

from sna import case as cases
from sna.errors import CaseError
from sna.graphs.actors import list_actors
from sna.graphs.networks import build_network
from sna.graphs.threads import trace_threads
from sna.post import COUNTS, Tally
from sna.privacy import audit, register, requests, retention, subject
from sna.privacy.keys import case_key, destroy_key
from sna.privacy.processing import record_of_processing
from sna.privacy.purge import Plan, check_space, finish_purge, plan_purge, prepare_purge, purge
from sna.store.expiry import clock_is_back, has_expired, hide_expired
from sna.store.ingest import now
from sna.store.opening import Store
from sna.store.terms import Terms

# How long a short command waits for another one to let the store go, and how long a collection waits.
SHORT_WAIT, LONG_WAIT = 3.0, 120.0
CLOCK_WARNING = "the clock of this machine is behind the times that the case has seen; retention goes by those"

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="Keeper")


class Run:
    """What this run of the program has to tell at its end: the heads of the audits it wrote, and warnings."""

    heads: dict[Path, audit.Head] = {}  # noqa: RUF012
    warnings: list[str] = []  # noqa: RUF012


def recorded(command: str, *plain: str) -> Callable[[Callable[Concatenate[S, P], R]], Callable[Concatenate[S, P], R]]:
    """Make a method of a case leave a line in its audit, whether it succeeds or fails.

    Of its arguments numbers, times and truths are told, and those named in `plain`, whose values come from fixed
    lists; of all others only that they were given: they may hold a handle or a text.
    """

    def wrap(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
        signature = inspect.signature(method)

        @functools.wraps(method)
        def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
            bound = signature.bind(self, *args, **kwargs)
            criteria = {n: _told(v, n in plain) for n, v in list(bound.arguments.items())[1:] if not callable(v)}
            criteria = {name: value for name, value in criteria.items() if value not in (None, False)}
            self.files_in, self.files_out = [], []
            try:
                result = method(self, *args, **kwargs)
            except BaseException as error:
                name = type(error).__name__
                self.tell(command, criteria, {"failed": name})
                raise
            self.tell(command, criteria, _counts_of(result))
            return result

        return cast("Callable[Concatenate[S, P], R]", call)

    return wrap


class Keeper:
    """A case as something to be kept: its store opened for one purpose at a time, its policy, purge and audit."""

    def __init__(self, folder: cases.CaseFolder) -> None:
        """Keep the case in `folder`; a purge that was killed is finished first."""
        self.folder = folder
        self.files_in: list[dict[str, object]] = []
        self.files_out: list[dict[str, object]] = []
        finish_purge(folder, self._tell_purge)

    @property
    def policy(self) -> cases.Policy:
        """Why the case exists, and how long its posts may be kept."""
        return self.folder.policy

    @property
    def terms(self) -> Terms:
        """For how long what comes in now may be kept."""
        duties = self.policy.duties
        return Terms(
            self.policy.keep_days,
            duties.days_by_source,
            duties.days_by_kind,
            self.policy.expires_at,
            duties.keep_raw,
            lambda: case_key(self.folder),
        )

    def tell(self, command: str, criteria: Mapping[str, object], counts: Mapping[str, object]) -> None:
        """Add a line to the case's audit."""
        head = audit.append_line(self.folder.path, command, criteria, counts, self.files_in, self.files_out)
        Run.heads[self.folder.path] = head

    @recorded("retention status")
    def retention(self) -> retention.Retention:
        """Return what is due now and soon; see privacy.retention.retention_status."""
        with self._reader() as store:
            return retention.retention_status(store, self.policy.duties.recheck_hours)

    @recorded("retention check")
    def overdue(self, limit: int | None = None) -> list[dict[str, object]]:
        """Return the posts that should be gone from the file; see privacy.retention.overdue_posts."""
        with self._reader() as store:
            return retention.overdue_posts(store, limit)

    @recorded("retention plan")
    def plan_purge(self) -> Plan:
        """Return what a purge would take away now."""
        with self._reader() as store:
            return plan_purge(store)

    @recorded("retention purge")
    def purge(self) -> dict[str, object]:
        """Take what is due out of the file's bytes and return the receipt; see privacy.purge.purge."""
        return self._purge()

    @recorded("case close")
    def close(self, *, seal: bool = False) -> dict[str, object]:
        """Close the case: purge every post, or with `seal` those due alone, and destroy its key; returns the receipt.

        A sealed case can be read until its retention ends, and takes nothing in. Without its key no pseudonym can be
        led back, and its list of what was erased says nothing any more.
        """
        if self.policy.closed_at is not None:
            raise CaseError(f"{self.folder.path} is closed already")
        with self._keeper() as store:
            if not seal:
                store.db.execute("UPDATE post SET expires_at = ?", [now()])
                hide_expired(store)
                store.db.execute("DELETE FROM quarantine")
                trace_threads(store)
            else:
                prepare_purge(store)
            plan = plan_purge(store)
        receipt = purge(self.folder, plan)
        destroy_key(self.folder)
        closed = replace(
            self.policy,
            closed_at=datetime.now(UTC).replace(microsecond=0),
            sealed=seal,
            duties=replace(self.policy.duties, key_file=""),
        )
        self.folder = cases.change_policy(self.folder, closed)
        return receipt

    def record(self) -> dict[str, object]:
        """Return the record of processing of this case; see privacy.processing.record_of_processing."""
        given = sorted({str(row["recipient"]) for row in self.exports() if row["recipient"]})
        return record_of_processing(self.folder, given)

    @recorded("subject access")
    def held_about(self, about: subject.Subject, received_at: datetime | None = None) -> subject.Held:
        """Return everything that the case holds about an account, and note the request as answered."""
        with self._keeper() as store:
            held = subject.find_held(store, about, self.folder.exports)
            held = replace(held, computed=_computed_about(store, about.source, held.accounts))
            requests.close_request(store, "access", str(about), f"{held.rows} rows", received_at)
        return held

    @recorded("subject erase")
    def erase(self, about: subject.Subject, received_at: datetime | None = None) -> dict[str, object]:
        """Erase an account for good, purge at once, and return the counts and the receipt; see privacy.subject."""
        counts = self._take_out(about, "erased", "erase", received_at)
        return {**counts, "receipt": self._purge()}

    @recorded("subject object")
    def stop_processing(self, about: subject.Subject, received_at: datetime | None = None) -> dict[str, object]:
        """Take an account out of all findings from now on; its bytes go with the next purge."""
        return self._take_out(about, "objected", "object", received_at)

    @recorded("subject rectify")
    def rectify(
        self,
        about: subject.Subject,
        handle: str | None = None,
        name: str | None = None,
        received_at: datetime | None = None,
    ) -> dict[str, object]:
        """Put the handle or name of an account right and purge what was wrong; returns the rows and the receipt."""
        with self._writer() as store:
            changed = subject.rectify(store, about, handle, name)
            requests.close_request(store, "rectify", str(about), f"{changed} rows", received_at)
        return {"rows": changed, "receipt": self._purge()}

    @recorded("subject note", "kind")
    def note_request(self, kind: str, about: subject.Subject, received_at: datetime | None = None) -> int:
        """Note a request that is still to be answered; returns its number."""
        with self._keeper() as store:
            number = requests.note_request(store, kind, str(about), received_at)
            store.checkpoint()
        return number

    @recorded("subject list")
    def requests(self) -> pl.DataFrame:
        """Return the register of requests; see privacy.requests.list_requests."""
        with self._reader() as store:
            return requests.list_requests(store)

    @recorded("exports list")
    def exports(self) -> list[dict[str, object]]:
        """Return the register of exports; see privacy.register.list_exports."""
        with self._reader() as store:
            return register.list_exports(store)

    def check_exportable(self) -> None:
        """Raise CaseError when the policy forbids an export now: the case is past its end, or checks are overdue."""
        expires_at = self.policy.expires_at
        if expires_at is not None and expires_at <= now():
            raise CaseError(f"{self.folder.path} is past the end of its retention; nothing is exported from it")
        with self._reader() as store:
            unchecked = retention.unchecked_posts(store, self.policy.duties.recheck_hours)
        if unchecked:
            listed = ", ".join(f"{count:,} of {source}" for source, count in unchecked.items())
            raise CaseError(
                f"posts were not checked for deletions in time ({listed}); run `sna retention sync`, "
                "or set recheck_hours in case.toml"
            )

    def _purge(self) -> dict[str, object]:
        check_space(self.folder)
        with self._keeper() as store:
            prepare_purge(store)
            plan = plan_purge(store)
        return purge(self.folder, plan)

    def _take_out(
        self, about: subject.Subject, reason: str, kind: str, received_at: datetime | None
    ) -> dict[str, object]:
        with self._keeper() as store:
            counts = subject.take_out(store, about, reason)
            trace_threads(store)
            requests.close_request(store, kind, str(about), f"{counts['posts']} posts", received_at)
        return {**counts}

    def _tell_purge(self, receipt: dict[str, object]) -> None:
        self.tell("retention purge finished", {}, {"posts": receipt["posts"], "receipt": receipt["number"]})

    @contextmanager
    def _collecting(self) -> Iterator[None]:
        """Let only one process collect into the case; others may read, and import, between its pages."""
        self._check_open()
        lock = FileLock(self.folder.path / "collecting.lock", timeout=0, mode=0o600)
        try:
            lock.acquire()
        except Timeout as error:
            raise CaseError(f"another process is collecting into {self.folder.path}; wait for it or stop it") from error
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _tracing_writer(self) -> Iterator[Store]:
        self._check_open()
        with self._keeper(LONG_WAIT) as store:
            yield store
            trace_threads(store)

    @contextmanager
    def _writer(self) -> Iterator[Store]:
        self._check_open()
        with self._keeper() as store:
            yield store

    @contextmanager
    def _keeper(self, patience: float = SHORT_WAIT) -> Iterator[Store]:
        """Open the store to write, closed case or not; what has expired is hidden first."""
        with Store(self.folder.store, self.folder.spill, terms=self.terms, patience=patience) as store:
            if has_expired(store):
                hide_expired(store)
                trace_threads(store)
            yield store

    @contextmanager
    def _reader(self) -> Iterator[Store]:
        # An import that was stopped leaves posts without threads; they are traced before anything is read.
        with Store(self.folder.store, self.folder.spill, read_only=True, patience=SHORT_WAIT) as store:
            is_ready = not store.value("SELECT count(*) FROM to_trace") and not has_expired(store)
            if clock_is_back(store) and CLOCK_WARNING not in Run.warnings:
                Run.warnings.append(CLOCK_WARNING)
            if is_ready:
                yield store
        if not is_ready:
            with self._keeper() as store:
                trace_threads(store)
                yield store

    def _check_open(self) -> None:
        reason = self.policy.why_not_in(now())
        if reason:
            raise CaseError(f"{self.folder.path} {reason} and takes nothing in; make a new case")


def _computed_about(store: Store, source: str, accounts: Sequence[str]) -> dict[str, pl.DataFrame]:
    """Return what is computed about accounts of a source: their measures, and their edges with the partners' ids."""
    if not accounts:
        return {}
    measures = list_actors(store).filter((pl.col("source") == source) & pl.col("id").is_in(accounts))
    network = build_network(store)
    names = network.nodes.select("node", "id")
    edges = network.edges.join(names.rename({"node": "source", "id": "from"}), on="source")
    edges = edges.join(names.rename({"node": "target", "id": "to"}), on="target").drop("source", "target")
    own = [f"{source}:{account}" for account in accounts]
    return {
        "measures": measures,
        "interactions": edges.filter(pl.col("from").is_in(own) | pl.col("to").is_in(own)).select(
            "from", "to", pl.exclude("from", "to")
        ),
    }


def _told(value: object, is_plain: bool) -> object:
    """Return what the audit tells of an argument."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if is_plain:
        return str(value)
    return len(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else "given"


def _counts_of(result: object) -> dict[str, object]:
    """Return the counts that the audit tells of a result."""
    tally = result if isinstance(result, Tally) else getattr(result, "tally", None)
    if isinstance(tally, Tally):
        return {"read": tally.read, **{name: getattr(tally, name) for name in COUNTS if getattr(tally, name)}}
    if isinstance(result, pl.DataFrame):
        return {"rows": result.height}
    if isinstance(result, dict):
        return {n: v for n, v in result.items() if n in ("number", "posts") and isinstance(v, int)}
    return {"rows": len(result)} if isinstance(result, list) else {}
