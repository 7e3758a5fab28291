"""The records that every part of sna exchanges: posts, actors and what a run did with them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What a post is. A post that answers and quotes at once is a reply; its quote link is kept.

    A report is a citizen's, sent to a city or put on a map.
    """

    ORIGINAL = "original"
    REPLY = "reply"
    QUOTE = "quote"
    REPOST = "repost"
    REPORT = "report"


class SeenAs(StrEnum):
    """How a post came into the case: asked for, or found inside another post."""

    COLLECTED = "collected"
    REFERENCED = "referenced"


class RootStatus(StrEnum):
    """What is known about the start of a thread.

    `observed`: the top answers nothing, so it is the true root. `missing`: the top answers a post
    that was not collected. `cycle`: replies that answer each other.
    """

    OBSERVED = "observed"
    MISSING = "missing"
    CYCLE = "cycle"


class Interaction(StrEnum):
    """Directed acts between two actors."""

    REPLY = "reply"
    MENTION = "mention"
    QUOTE = "quote"
    REPOST = "repost"


@dataclass(frozen=True, slots=True)
class Actor:
    """An account on one source, keyed by (source, native id); never a natural person."""

    source: str
    id: str
    handle: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Mention:
    """An account named in a post: by native id where the source gives it, by handle otherwise."""

    id: str | None = None
    handle: str | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """One public message. Ids are text, exactly as the source writes them; times are UTC without zone.

    `alias` is a second id of the same post that holds beyond one server; `state` is what became of a report;
    positions are WGS 84 degrees; `media` are links.
    """

    source: str
    id: str
    author_id: str | None = None
    author_handle: str | None = None
    author_name: str | None = None
    created_at: datetime | None = None
    text: str | None = None
    lang: str | None = None
    reply_to: str | None = None
    reply_to_author: str | None = None
    quote_of: str | None = None
    repost_of: str | None = None
    conversation: str | None = None
    mentions: tuple[Mention, ...] = ()
    hashtags: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    likes: int | None = None
    reposts: int | None = None
    replies: int | None = None
    quotes: int | None = None
    views: int | None = None
    edited_at: datetime | None = None
    seen_as: SeenAs = SeenAs.COLLECTED
    seen_at: datetime | None = None
    link: str | None = None
    protected: bool = False
    is_report: bool = False
    latitude: float | None = None
    longitude: float | None = None
    media: tuple[str, ...] = ()
    state: str | None = None
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A line kept out of the store: where it stands, why, and the SHA-256 of its bytes."""

    file: str
    byte_offset: int
    reason: str
    sha256: str


# The counts of a tally, in the order in which they are told.
COUNTS = (
    "stored",
    "duplicates",
    "updated",
    "dropped",
    "quarantined",
    "profiles",
    "deletions",
    "deleted",
    "conflicts",
)


@dataclass(slots=True)
class Tally:
    """What became of the posts of one run: read = stored + duplicates + dropped + quarantined."""

    stored: int = 0
    duplicates: int = 0
    updated: int = 0
    dropped: int = 0
    quarantined: int = 0
    profiles: int = 0
    deletions: int = 0
    deleted: int = 0
    conflicts: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def read(self) -> int:
        """Posts met, broken lines included."""
        return self.stored + self.duplicates + self.dropped + self.quarantined

    def add(self, other: "Tally") -> None:
        """Add the counts of `other` to these."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for reason, count in other.reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + count
