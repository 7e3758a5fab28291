"""Bluesky: searches, whole threads, feeds, quotes, reposts, look-ups and streams, by atproto.

https://docs.bsky.app/docs/api (lexicons app.bsky.feed.*)
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from sna.collectors.base import About, Absence, Ask, Gap, Page, Secret, Setting, What
from sna.collectors.pace import Pace, checked_address
from sna.collectors.registry import need
from sna.errors import InputError, UsageError

SERVICE = "https://public.api.bsky.app"
STREAM = "wss://jetstream2.us-east.bsky.network/subscribe"
PAGE_SIZE, IDS_AT_ONCE = 100, 25
# Each level of a thread nests deeper; what lies below is asked for by its own post.
DEPTH, PARENTS = 100, 100


class Bluesky:
    """Gathers from an AppView of the AT Protocol, and from Jetstream or the firehose."""

    about: ClassVar[About] = About(
        name="bluesky",
        title="Bluesky",
        can={
            What.SEARCH: "a query, such as '#flood lang:en'",
            What.THREAD: "any post of the thread: at:// address or https://bsky.app link",
            What.POSTS: "a handle or a DID",
            What.QUOTES: "the post: at:// address or link",
            What.REPOSTS: "the post: at:// address or link",
            What.LOOKUP: "posts: at:// addresses or links",
            What.STREAM: "words that must all occur, OR between alternatives, did:... for accounts",
            What.DELETIONS: "nothing: the case's posts are looked up",
        },
        limits="as the headers of each answer say (3,000 requests in 5 minutes); searching may need an app password",
        settings=(
            Setting("service", "the AppView, or the server of your account when logging in", SERVICE),
            Setting(
                "stream",
                "a Jetstream (.../subscribe, .../xrpc/network.bsky.jetstream.subscribeEvents) or a firehose "
                "(.../xrpc/com.atproto.sync.subscribeRepos)",
                STREAM,
            ),
        ),
        secrets=(
            Secret("handle", "SNA_BLUESKY_HANDLE", "a handle to log in with", required=False),
            Secret("app-password", "SNA_BLUESKY_APP_PASSWORD", "an app password", required=False),
        ),
        extra="bluesky",
        specification="https://docs.bsky.app/docs/api",
        no_query=frozenset({What.STREAM, What.DELETIONS}),
    )

    def __init__(self, settings: Mapping[str, str], secrets: Mapping[str, str], pace: Pace) -> None:
        """Prepare a client; raises UsageError when atproto is not installed or an address cannot be."""
        need("atproto", "bluesky")
        from sna.collectors.bluesky_client import Xrpc

        self.pace = pace
        self.stream = settings.get("stream", STREAM)
        self.xrpc = Xrpc(checked_address(settings.get("service", SERVICE)), secrets, pace)

    def pages(self, ask: Ask, cursor: str | None = None) -> Iterator[Page]:
        """Yield the answers to `ask`; see base.Collector."""
        query = ask.query.strip()
        match ask.what:
            case What.SEARCH:
                window = {"since": _time(ask.since), "until": _time(ask.until)}
                yield from self._paged("searchPosts", {"q": query, "sort": "latest", **window}, ask, cursor)
            case What.THREAD:
                yield from self._thread(self._uri(query), ask, cursor)
            case What.POSTS:
                parameters = {"actor": query.removeprefix("@"), "filter": "posts_with_replies"}
                yield from self._paged("getAuthorFeed", parameters, ask, cursor)
            case What.QUOTES:
                yield from self._paged("getQuotes", {"uri": self._uri(query)}, ask, cursor)
            case What.REPOSTS:
                yield from self._reposts(self._uri(query), ask, cursor)
            case What.LOOKUP:
                yield from self._lookup(ask.ids or tuple(map(self._uri, query.split())), ask, int(cursor or 0))
            case What.DELETIONS:
                yield from self._deletions(ask.ids, int(cursor or 0))
            case What.STREAM:
                from sna.collectors.bluesky_stream import stream_pages

                yield from stream_pages(self.stream, query, self.pace, cursor)
            case _:
                raise UsageError(f"Bluesky cannot be asked for {ask.what}")

    def close(self) -> None:
        """Let go of connections."""
        self.xrpc.close()

    def _paged(self, method: str, parameters: Mapping[str, object], ask: Ask, cursor: str | None) -> Iterator[Page]:
        while size := ask.budget.page_size(PAGE_SIZE):
            content, body, request = self._ask(method, {**parameters, "limit": size, "cursor": cursor})
            cursor = str(content["cursor"]) if content.get("cursor") else None
            yield Page(body, request, cursor)
            if cursor is None:
                return

    def _thread(self, post: str, ask: Ask, cursor: str | None) -> Iterator[Page]:
        """Ask for the thread of the root, then for each branch that an answer did not show to its end.

        The cursor holds the posts whose branches are still to be asked for; one after `^` with its ancestors.
        """
        todo: list[str] = json.loads(cursor) if cursor else [self._root_of(post)]
        while todo and not ask.budget.is_used_up:
            entry = todo.pop(0)
            uri = entry.removeprefix("^")
            height = PARENTS if entry.startswith("^") else 0
            try:
                content, body, request = self._ask(
                    "getPostThread", {"uri": uri, "depth": DEPTH, "parentHeight": height}
                )
            except _GoneError:
                # Where the root is gone, what is left hangs on the highest ancestor that is still there.
                if uri != post:
                    todo.append(f"^{post}")
                absence = Absence(uri, self._why_absent([uri])[uri])
                yield Page(b"", f"GET getPostThread {uri}", _as_cursor(todo), absences=(absence,))
                continue
            branch = _Branch(content["thread"])
            todo += [cut for cut in branch.cut if cut not in todo]
            yield Page(
                body, request, _as_cursor(todo), tuple(branch.posts) or (b"[]",), absences=tuple(branch.absences)
            )

    def _root_of(self, post: str) -> str:
        content, _, _ = self._ask("getPosts", {"uris": [post]})
        posts: list[dict[str, Any]] = content.get("posts") or []
        record = posts[0].get("record", {}) if posts else {}
        return str(record.get("reply", {}).get("root", {}).get("uri", post))

    def _reposts(self, uri: str, ask: Ask, cursor: str | None) -> Iterator[Page]:
        while size := ask.budget.page_size(PAGE_SIZE):
            content, body, request = self._ask("getRepostedBy", {"uri": uri, "limit": size, "cursor": cursor})
            cursor = str(content["cursor"]) if content.get("cursor") else None
            # The answer names the accounts alone: no repost has its own address or time here.
            items = [
                {"post": {"uri": uri, "author": {"did": uri.split("/")[2]}}, "reason": {"by": account}}
                for account in content.get("repostedBy", ())
            ]
            yield Page(body, request, cursor, tuple(json.dumps(item).encode() for item in items) or (b"[]",))
            if cursor is None:
                return

    def _lookup(self, uris: Sequence[str], ask: Ask, start: int) -> Iterator[Page]:
        for begin in range(start, len(uris), IDS_AT_ONCE):
            if ask.budget.is_used_up:
                return
            chosen = uris[begin : begin + IDS_AT_ONCE]
            content, body, request = self._ask("getPosts", {"uris": list(chosen)})
            given = {post["uri"] for post in content.get("posts", ())}
            absent = [uri for uri in chosen if uri not in given]
            reasons = self._why_absent(absent)
            following = begin + IDS_AT_ONCE
            cursor = str(following) if following < len(uris) else None
            yield Page(body, request, cursor, absences=tuple(Absence(uri, reasons[uri]) for uri in absent))

    def _deletions(self, ids: Sequence[str], start: int) -> Iterator[Page]:
        for page in self._lookup([uri for uri in ids if uri.startswith("at://")], Ask(What.LOOKUP), start):
            gone = tuple(a for a in page.absences if a.reason is not Gap.OUT_OF_REACH)
            yield Page(page.body, page.request, page.cursor, deletions=gone)

    def _why_absent(self, uris: Iterable[str]) -> dict[str, Gap]:
        """Return why each post is not given: its account tells whether it is gone as well."""
        from sna.collectors.bluesky_client import XrpcError

        reasons: dict[str, Gap] = {}
        accounts: dict[str, Gap] = {}
        for uri in uris:
            did = uri.split("/")[2]
            if did not in accounts:
                try:
                    self.xrpc.ask("app.bsky.actor.getProfile", {"actor": did})
                    accounts[did] = Gap.DELETED
                except XrpcError as error:
                    accounts[did] = _why_no_account(error)
            reasons[uri] = accounts[did]
        return reasons

    def _ask(self, method: str, parameters: Mapping[str, object]) -> tuple[dict[str, Any], bytes, str]:
        from sna.collectors.bluesky_client import XrpcError

        try:
            return self.xrpc.ask(f"app.bsky.feed.{method}", parameters)
        except XrpcError as error:
            if error.name in ("NotFound", "BlockedActor", "BlockedByActor") and method == "getPostThread":
                raise _GoneError from None
            raise InputError(
                f"{self.xrpc.host} refuses {method} ({error.name or error.status}); check the query"
            ) from None

    def _uri(self, text: str) -> str:
        """Return the at:// address of a post given by address or link."""
        if text.startswith("at://") and text.count("/") == 4:
            return text
        parts = text.rstrip("/").split("/")
        if "profile" in parts and "post" in parts:
            name, key = parts[parts.index("profile") + 1], parts[parts.index("post") + 1]
            if not name.startswith("did:"):
                content, _, _ = self.xrpc.ask("com.atproto.identity.resolveHandle", {"handle": name})
                name = str(content["did"])
            return f"at://{name}/app.bsky.feed.post/{key}"
        raise UsageError("posts on Bluesky are named by their at:// address or their https://bsky.app link")


class _GoneError(Exception):
    """A post that was asked for is not there."""


class _Branch:
    """A thread's answer laid flat: its posts as JSON, the posts absent from it, and where it was cut."""

    def __init__(self, thread: dict[str, Any]) -> None:
        self.posts: list[bytes] = []
        self.absences: list[Absence] = []
        self.cut: list[str] = []
        todo = [(thread, True)]
        while todo:
            node, is_asked_for = todo.pop()
            post = node.get("post")
            if post is None:
                self._note_absent(node)
                continue
            self.posts.append(json.dumps(post, ensure_ascii=False).encode())
            replies = node.get("replies") or []
            if not replies and post.get("replyCount") and not is_asked_for and "parent" not in node:
                self.cut.append(post["uri"])
            todo += [(reply, False) for reply in replies]
            if is_asked_for:
                todo += self._ancestors(node)

    def _ancestors(self, node: dict[str, Any]) -> list[tuple[dict[str, Any], bool]]:
        above = []
        while "parent" in node:
            node = node["parent"]
            above.append(node)
        posts = [found for found in above if "post" in found]
        if posts:
            self.cut.append(f"^{posts[-1]['post']['uri']}")
        return [(dict(found, replies=[], parent=None), False) for found in above]

    def _note_absent(self, node: dict[str, Any]) -> None:
        if node.get("uri"):
            is_blocked = bool(node.get("blocked"))
            self.absences.append(Absence(node["uri"], Gap.OUT_OF_REACH if is_blocked else Gap.DELETED))


def _why_no_account(error: Exception) -> Gap:
    name = str(getattr(error, "name", "")).lower()
    status = getattr(error, "status", 0)
    if "takedown" in name or "takendown" in name or "suspend" in name:
        return Gap.SUSPENDED
    if "deactivated" in name:
        return Gap.OUT_OF_REACH
    return Gap.DELETED if status == 400 else Gap.OUT_OF_REACH


def _as_cursor(todo: list[str]) -> str | None:
    return json.dumps(todo) if todo else None


def _time(time: datetime | None) -> str | None:
    return None if time is None else time.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
