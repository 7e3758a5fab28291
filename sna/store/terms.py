"""For how long a case may keep what it takes in, as its store needs to know it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sna.errors import CaseError


def _no_key() -> bytes:
    raise CaseError("this store was opened without the key of its case")


@dataclass(frozen=True, slots=True)
class Terms:
    """The retention of what comes in: days in all, by source and by kind, of which the shortest counts.

    Nothing is kept beyond `until` (UTC). `key` gives the case's secret key when ids have to be hashed;
    `keep_raw` tells to keep the pages of sources as they came.
    """

    keep_days: int = 1
    by_source: Mapping[str, int] = field(default_factory=dict)
    by_kind: Mapping[str, int] = field(default_factory=dict)
    until: datetime | None = None
    keep_raw: bool = False
    key: Callable[[], bytes] = _no_key

    def days_of(self, source: str) -> int:
        """Return the days that posts of a source are kept, unless their kind has fewer."""
        return min(self.keep_days, self.by_source.get(source, self.keep_days))
