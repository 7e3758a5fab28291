"""Runs a collection into a case: page by page, each with its cursor in one transaction, so that any end is a pause."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa

from sna.collectors.base import Absence, Ask, Collector, Page, ServiceError, What
from sna.collectors.pace import Pace
from sna.formats.reader import SHAPES, read_json_chunk
from sna.formats.units import Chunk
from sna.post import Tally
from sna.store.ingest import absorb_incoming, begin_batch, clear_incoming, end_batch, now
from sna.store.opening import Store
from sna.store.records import offer_records

# Opens the store for one write and lets it go again, so that others can read between pages.
Writer = Callable[[], AbstractContextManager[Store]]
TRIES = 3
_KNOWN_FORMATS = frozenset(shape.source for shape in SHAPES)


@dataclass(slots=True)
class Gathered:
    """What a collection brought: posts, pages, the money spent, posts that were not to be had and why."""

    tally: Tally = field(default_factory=Tally)
    pages: int = 0
    cost: float = 0.0
    absent: Counter[str] = field(default_factory=Counter)
    is_complete: bool = False
    resumed: bool = False

    def note(self, tally: Tally, page: Page) -> None:
        """Count one page and what became of its posts."""
        self.tally.add(tally)
        self.pages += 1
        self.cost += page.cost
        self.absent.update(absence.reason.value for absence in page.absences)
        self.is_complete = page.cursor is None

    def add(self, other: "Gathered") -> None:
        """Add what another collection brought."""
        self.tally.add(other.tally)
        self.pages += other.pages
        self.cost += other.cost
        self.absent.update(other.absent)
        self.is_complete = other.is_complete
        self.resumed |= other.resumed


# Called after each page with what was gathered so far.
Progress = Callable[[Gathered], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a collection stands in the store: its number, its batch, and the cursor to go on from."""

    collection: int
    batch: int
    cursor: str | None
    is_resumed: bool


def gather(
    writer: Writer,
    collector: Collector,
    ask: Ask,
    settings: Mapping[str, str],
    pace: Pace,
    progress: Progress | None = None,
    read: Callable[[Page], Page] = lambda page: page,
) -> Gathered:
    """Carry out `ask` until its last page or the end of its budget; returns what it brought.

    A collection that was ended before its last page goes on from there when the same is asked again. Raises
    ServiceError when the service stays out of reach, InputError when it refuses; what came before is kept.
    `read` may change how a page is taken.
    """
    with writer() as store:
        place = find_place(store, collector.about.name, ask, settings)
    gathered = Gathered(resumed=place.is_resumed)
    with closing(_pages_with_patience(collector, ask, place.cursor, pace)) as pages:
        for page in map(read, pages):
            with writer() as store:
                tally = absorb_page(store, place, collector.about.name, ask, page)
            gathered.note(tally, page)
            if progress:
                progress(gathered)
            if ask.budget.is_used_up or gathered.is_complete:
                break
        else:
            # The generator came to its own end: there is no further page.
            gathered.is_complete = not (ask.budget.is_used_up or ask.budget.has_refused)
    with writer() as store:
        end_batch(store, place.batch)
    return gathered


def find_place(store: Store, source: str, ask: Ask, settings: Mapping[str, str]) -> Place:
    """Return where the same collection was left, or the beginning of a new one."""
    key = [source, ask.what.value, _query_of(ask), _settings_of(ask, settings)]
    found = store.rows(
        """SELECT collection, cursor FROM collection
           WHERE source = ? AND what = ? AND query = ? AND settings = ? AND finished_at IS NULL
           ORDER BY collection DESC LIMIT 1""",
        *key,
    )
    batch = begin_batch(store, f"collect {source} {ask.what.value}")
    if found:
        return Place(int(str(found[0][0])), batch, None if found[0][1] is None else str(found[0][1]), True)
    number = store.value("SELECT coalesce(max(collection), 0) + 1 FROM collection")
    store.db.execute("INSERT INTO collection VALUES (?, ?, ?, ?, ?, NULL, ?, NULL)", [number, *key, now()])
    return Place(number, batch, None, False)


def absorb_page(store: Store, place: Place, source: str, ask: Ask, page: Page) -> Tally:
    """Store one page with its cursor, its hash and its gaps in one transaction; returns what became of its posts."""
    clear_incoming(store)
    received_at = now()
    units = page.units or (() if page.posts or page.actors or not page.body else (page.body,))
    if units:
        form = source if source in _KNOWN_FORMATS else None
        read_json_chunk(store, _chunk(units), received_at, page.timezone, form, page.origin)
    offer_records(store, page.posts, page.actors, received_at)
    for absence in page.deletions:
        store.db.execute("INSERT INTO incoming_deletion VALUES (?, ?, ?)", [source, absence.id, absence.reason.value])
    if page.terms:
        _leave_unasked(store, page)
    if page.is_selective:
        _leave_strangers(store)
    asked = store.value("SELECT count(*) FROM incoming WHERE NOT coalesce(referenced, false)")
    before = _counts(store, place)

    def note() -> None:
        _note_page(store, place, page, received_at, ask, before)
        _note_absences(store, source, page.absences, received_at)
        _keep_raw(store, place, page)

    tally = absorb_incoming(store, place.batch, f"{source} {ask.what.value}", note)
    ask.budget.taken += asked
    ask.budget.spent += page.cost
    return tally


def known_ids(store: Store, source: str) -> tuple[str, ...]:
    """Return the ids of all posts of a source that the case holds."""
    rows = store.rows(
        "SELECT k.native_id FROM post p JOIN post_key k USING (post) WHERE p.source = ? ORDER BY k.native_id", source
    )
    return tuple(str(row[0]) for row in rows)


def last_settings(store: Store, source: str) -> dict[str, str]:
    """Return the settings of the source's latest collection; none when there was no collection."""
    rows = store.rows("SELECT settings FROM collection WHERE source = ? ORDER BY collection DESC LIMIT 1", source)
    found = json.loads(str(rows[0][0])) if rows else {}
    return {name: value for name, value in found.items() if name not in ("since", "until")}


def _pages_with_patience(collector: Collector, ask: Ask, cursor: str | None, pace: Pace) -> Generator[Page]:
    """Yield pages; after a failure that may pass, go on from the last cursor. Streams are taken up again for ever."""
    attempt = 0
    while True:
        try:
            for page in collector.pages(ask, cursor):
                yield page
                attempt, cursor = 0, page.cursor
                if cursor is None:
                    return
        except ServiceError as error:
            attempt += 1
            if ask.what is not What.STREAM and attempt >= TRIES:
                raise
            pace.note(f"{error}")
            pace.back_off(min(attempt, pace.tries - 1), collector.about.title, "was lost")
            continue
        if ask.what is not What.STREAM:
            return
        attempt += 1
        pace.back_off(min(attempt, pace.tries - 1), collector.about.title, "ended the stream")


def _chunk(units: tuple[bytes, ...]) -> Chunk:
    lengths = np.fromiter(map(len, units), np.int64, len(units))
    offset = np.concatenate(([0], np.cumsum(lengths[:-1]))) if len(units) else np.zeros(0, np.int64)
    return Chunk(pa.array(units, pa.large_binary()), offset.astype(np.int64), int(lengths.sum()), False, ())


def _leave_unasked(store: Store, page: Page) -> None:
    """Leave aside the posts of a whole stream that do not match, nor answer, quote or repost a post of the case."""
    store.db.execute(
        """CREATE OR REPLACE TEMP TABLE matching AS
           SELECT rowid AS row, source, id FROM incoming
           WHERE problem IS NULL AND list_bool_or(list_transform($terms::VARCHAR[][],
               lambda words: list_bool_and(list_transform(words, lambda word:
                   contains(lower(concat_ws(' #', text, array_to_string(hashtags, ' #'))), word)))))""",
        {"terms": [list(words) for words in page.terms]},
    )
    store.db.execute(
        """DELETE FROM incoming WHERE problem IS NULL AND rowid NOT IN (SELECT row FROM matching) AND NOT EXISTS (
               FROM (SELECT source, native_id AS id FROM post_key JOIN post USING (post, source)
                     UNION ALL SELECT source, id FROM matching) k
               WHERE k.source = incoming.source
                 AND k.id IN (incoming.id, incoming.reply_to, incoming.quote_of, incoming.repost_of))"""
    )


def _leave_strangers(store: Store) -> None:
    """Leave aside events about posts and accounts that this case has never met."""
    store.db.execute(
        """DELETE FROM incoming_deletion d WHERE NOT EXISTS (
               FROM post_key k WHERE k.source = d.source AND k.native_id = d.id)
           AND NOT EXISTS (FROM incoming i WHERE i.source = d.source AND i.id = d.id)"""
    )
    store.db.execute(
        """DELETE FROM incoming_standing s WHERE NOT EXISTS (
               FROM actor a WHERE a.source = s.source AND a.native_id = s.id)"""
    )
    store.db.execute(
        """DELETE FROM incoming_actor i WHERE NOT EXISTS (
               FROM actor a WHERE a.source = i.source AND a.native_id = i.id)"""
    )


def _counts(store: Store, place: Place) -> list[int]:
    row = store.rows("SELECT stored, duplicates, dropped, quarantined FROM batch WHERE batch = ?", place.batch)[0]
    return [int(str(count)) for count in row]


def _note_page(store: Store, place: Place, page: Page, received_at: datetime, ask: Ask, before: list[int]) -> None:
    counts = [after - earlier for after, earlier in zip(_counts(store, place), before, strict=True)]
    store.db.execute(
        "INSERT INTO page VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            place.collection,
            place.batch,
            page.request,
            received_at,
            len(page.body),
            hashlib.sha256(page.body).hexdigest(),
            *counts,
        ],
    )
    # A stream has no last page; it is taken up where it was left.
    is_last = page.cursor is None and ask.what is not What.STREAM
    store.db.execute(
        "UPDATE collection SET cursor = ?, finished_at = ? WHERE collection = ?",
        [page.cursor, received_at if is_last else None, place.collection],
    )


def _keep_raw(store: Store, place: Place, page: Page) -> None:
    """Keep the page as it came where the policy says so, with the posts it holds, so that it goes with any of them.

    A page that holds a post which must not be stored is not kept, nor one of a whole network.
    """
    if not store.terms.keep_raw or not page.body or page.is_selective or page.terms:
        return
    if store.value("SELECT count(*) FROM incoming WHERE protected OR problem IS NOT NULL"):
        return
    number = store.value("SELECT coalesce(max(page), 0) + 1 FROM raw_page")
    store.db.execute(
        """INSERT INTO raw_post SELECT DISTINCT ?::BIGINT, k.post FROM incoming i
           JOIN post_key k ON k.source = i.source AND k.native_id = i.id""",
        [number],
    )
    if store.value("SELECT count(*) FROM raw_post WHERE page = ?", number):
        digest = hashlib.sha256(page.body).hexdigest()
        store.db.execute("INSERT INTO raw_page VALUES (?, ?, ?, ?)", [number, place.collection, digest, page.body])


def _note_absences(store: Store, source: str, absences: tuple[Absence, ...], checked_at: datetime) -> None:
    for absence in absences:
        store.db.execute("DELETE FROM gap WHERE source = ? AND native_id = ?", [source, absence.id])
        store.db.execute("INSERT INTO gap VALUES (?, ?, ?, ?)", [source, absence.id, absence.reason.value, checked_at])


def _query_of(ask: Ask) -> str:
    return ask.query if not ask.ids else hashlib.sha256("\n".join(ask.ids).encode()).hexdigest()


def _settings_of(ask: Ask, settings: Mapping[str, str]) -> str:
    window = {n: t.isoformat() for n, t in (("since", ask.since), ("until", ask.until)) if t}
    return json.dumps({**dict(sorted(settings.items())), **window}, ensure_ascii=False)
