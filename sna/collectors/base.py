"""What a collector is: the records it is given, the pages it yields, and the failures it may raise."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

from sna.errors import InputError
from sna.post import Actor, Post

if TYPE_CHECKING:
    from sna.collectors.pace import Pace


class What(StrEnum):
    """What can be asked of a source; each collector names those that it can do."""

    SEARCH = "search"
    THREAD = "thread"
    POSTS = "posts"
    HASHTAG = "hashtag"
    PUBLIC = "public"
    LISTING = "listing"
    QUOTES = "quotes"
    REPOSTS = "reposts"
    LOOKUP = "lookup"
    REPORTS = "reports"
    STREAM = "stream"
    DELETIONS = "deletions"


ABOUT_WHAT = {
    What.SEARCH: "posts that match a query",
    What.THREAD: "a whole conversation, given any of its posts",
    What.POSTS: "the posts of an account",
    What.HASHTAG: "posts with a hashtag",
    What.PUBLIC: "the public timeline",
    What.LISTING: "a community's posts",
    What.QUOTES: "the posts that quote a post",
    What.REPOSTS: "those who reposted a post",
    What.LOOKUP: "posts by their ids",
    What.REPORTS: "citizens' reports",
    What.STREAM: "posts as they come, with deletions",
    What.DELETIONS: "which of the case's posts are gone",
}

# Kinds whose query names posts that the case knows already; the others are bound by the policy's criteria.
ABOUT_KNOWN_POSTS = frozenset({What.THREAD, What.QUOTES, What.REPOSTS, What.LOOKUP, What.DELETIONS})


class Gap(StrEnum):
    """Why a post that was asked for is not there."""

    DELETED = "deleted"
    PROTECTED = "protected"
    SUSPENDED = "suspended"
    NOT_FOUND = "not found"
    OUT_OF_REACH = "out of reach"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a collector: becomes an option of `sna collect SOURCE` and a key of watch.toml."""

    name: str
    about: str
    default: str | None = None
    is_flag: bool = False


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret of a collector, as named in the keyring; `variable` is the environment variable that holds it."""

    name: str
    variable: str
    about: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class About:
    """What a collector can do and needs.

    `can` maps what can be asked to what the query means there; the first is what is done unless told otherwise.
    `no_query` are those that can do without one.
    """

    name: str
    title: str
    can: Mapping[What, str]
    limits: str
    settings: tuple[Setting, ...] = ()
    secrets: tuple[Secret, ...] = ()
    extra: str | None = None
    specification: str = ""
    no_query: frozenset[What] = frozenset()


@dataclass(slots=True)
class Budget:
    """How much a run may still take, shared by all its queries: posts, and money in US dollars.

    `has_refused` tells that a request was not made because too little was left for it.
    """

    posts: int | None = None
    money: float | None = None
    spent: float = 0.0
    taken: int = 0
    has_refused: bool = False

    @property
    def is_used_up(self) -> bool:
        """Whether nothing more may be asked for."""
        return (self.posts is not None and self.taken >= self.posts) or (
            self.money is not None and self.spent >= self.money
        )

    def page_size(self, most: int, least: int = 1, price: float = 0.0) -> int:
        """Return how many posts the next request may ask for, 0 for none, when each costs about `price`."""
        size = most
        if self.posts is not None:
            size = min(size, self.posts - self.taken)
        if self.money is not None and price:
            affordable = int((self.money - self.spent) / price)
            size = min(size, affordable) if affordable >= least else 0
        self.has_refused |= size <= 0
        return max(size, least) if size > 0 else 0


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing to gather: what, the query's text, a window of time (UTC), and what may be spent on it.

    `ids` are the native ids for a look-up or a check of deletions.
    """

    what: What
    query: str = ""
    since: datetime | None = None
    until: datetime | None = None
    ids: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True, slots=True)
class Absence:
    """A post that was asked for and not given, and why."""

    id: str
    reason: Gap


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a service.

    `body` is what the service sent, byte for byte; `units` what is to be read of it, each a JSON object or array in
    a format that sna imports (the whole body where empty). A collector of a source that sna has no format for
    gives `posts` and `actors` instead. `request` says what was asked, without any secret; `cursor` where to go on
    after this page, None when it is the last; `origin` the server whose own ids these are. `is_selective` tells that
    the service sent more than was asked for, so that deletions of posts unknown here are no concern of the case;
    of its posts those count that hold all words of one group in `terms`, or that answer, quote or repost a known one.
    """

    body: bytes
    request: str
    cursor: str | None
    units: tuple[bytes, ...] = ()
    posts: tuple[Post, ...] = ()
    actors: tuple[Actor, ...] = ()
    absences: tuple[Absence, ...] = ()
    deletions: tuple[Absence, ...] = ()
    origin: str | None = None
    cost: float = 0.0
    is_selective: bool = False
    terms: tuple[tuple[str, ...], ...] = ()
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a query would bring: rows to show, the posts it counts and what they would cost in US dollars."""

    rows: tuple[Mapping[str, object], ...]
    posts: int | None = None
    cost: float | None = None


class Collector(Protocol):
    """Gathers from one source. Made for one run with its settings and secrets; knows nothing of the store."""

    about: ClassVar[About]

    def __init__(self, settings: Mapping[str, str], secrets: Mapping[str, str], pace: "Pace") -> None:
        """Prepare; no request is made yet."""

    def pages(self, ask: Ask, cursor: str | None = None) -> Iterator[Page]:
        """Yield the answers to `ask`, from `cursor` on where one is given.

        Raises ServiceError where trying again later may help, InputError where it will not.
        """

    def close(self) -> None:
        """Let go of connections."""


@runtime_checkable
class CanPreview(Protocol):
    """A collector that can tell what a query would bring before it is gathered."""

    def preview(self, ask: Ask) -> Preview:
        """Return what `ask` would bring."""


class ServiceError(InputError):
    """A service failed in a way that may pass: no connection, an overload, a cut stream."""


class StoppedError(Exception):
    """A run was asked to stop while it waited."""
