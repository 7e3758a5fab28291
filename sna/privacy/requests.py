"""The register of what people asked for under chapter III of the GDPR, each with its due date.

Art. 12(3): an answer is due one month after receipt; the month ends by Regulation 1182/71 art. 3 on the day of the
same number, or on the last day of a shorter month.
"""

from datetime import datetime

import polars as pl

from sna.errors import UsageError
from sna.store.erasure import keyed_hash
from sna.store.ingest import now
from sna.store.opening import Store

KINDS = ("access", "erase", "object", "rectify")


def note_request(store: Store, kind: str, subject: str, received_at: datetime | None) -> int:
    """Add an open request about `subject` (source:name) and return its number; the month runs from `received_at`."""
    if kind not in KINDS:
        raise UsageError(f"no request of the kind {kind!r}; one of {', '.join(KINDS)}")
    at = received_at or now()
    if at > now():
        raise UsageError("a request cannot be received in the future; check --received")
    number = store.value("SELECT coalesce(max(request), 0) + 1 FROM request")
    store.db.execute(
        "INSERT INTO request VALUES ($1, $2, $3, $4, $4::TIMESTAMP + to_months(1), NULL, NULL)",
        [number, kind, subject, at],
    )
    return number


def close_request(store: Store, kind: str, subject: str, outcome: str, received_at: datetime | None) -> int:
    """Mark the oldest open request of this kind about the subject as done, or note one that is done at once.

    What is done is kept under a keyed hash: the register proves that it was answered, and names nobody.
    """
    found = store.rows(
        """SELECT request FROM request WHERE kind = ? AND lower(subject) = lower(?) AND done_at IS NULL
           ORDER BY received_at, request LIMIT 1""",
        kind,
        subject,
    )
    number = int(str(found[0][0])) if found else note_request(store, kind, subject, received_at)
    hashed = keyed_hash(store.terms.key(), "subject", subject.lower()).hex()[:16]
    store.db.execute(
        "UPDATE request SET done_at = ?, outcome = ?, subject = ? WHERE request = ?", [now(), outcome, hashed, number]
    )
    return number


def list_requests(store: Store) -> pl.DataFrame:
    """Return the register, open requests first: number, kind, subject, received, due, done (UTC), outcome, overdue."""
    return store.frame(
        """SELECT request AS number, kind, subject, received_at, due_at, done_at, outcome,
                  done_at IS NULL AND due_at < ?::TIMESTAMP AS overdue
           FROM request ORDER BY done_at IS NOT NULL, due_at, request""",
        now(),
    )
