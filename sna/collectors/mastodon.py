"""Mastodon and servers that speak its API: timelines, searches, conversations, boosts and streams, by Mastodon.py.

https://docs.joinmastodon.org/methods/
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from sna.collectors.base import About, Absence, Ask, Gap, Page, Secret, ServiceError, Setting, What
from sna.collectors.pace import Pace, cause_of, checked_address, polite_session, refused, user_agent
from sna.collectors.registry import need
from sna.errors import UsageError
from sna.post import Post

if TYPE_CHECKING:
    import requests

PAGE_SIZE, IDS_AT_ONCE = 40, 20
NEWEST_KNOWN = "4.5.0"


class Mastodon:
    """Gathers from one or several servers; a post that two of them know is one post."""

    about: ClassVar[About] = About(
        name="mastodon",
        title="Mastodon",
        can={
            What.HASHTAG: "a hashtag",
            What.SEARCH: "words (needs an access token)",
            What.POSTS: "an account: name@server, or its number on the server",
            What.PUBLIC: "nothing, or 'local' for the server's own posts",
            What.THREAD: "any post: its number on the server, NUMBER@SERVER or a link",
            What.REPOSTS: "a post",
            What.LOOKUP: "posts",
            What.STREAM: "a hashtag, or nothing for the public timeline",
            What.DELETIONS: "nothing: the case's posts are looked up",
        },
        limits="as the headers of each answer say (300 requests in 5 minutes)",
        settings=(Setting("instance", "the servers to ask, by commas: mastodon.social,fosstodon.org"),),
        secrets=(
            Secret("tokens", "SNA_MASTODON_TOKENS", "SERVER=TOKEN, by spaces for several servers", required=False),
        ),
        extra="mastodon",
        specification="https://docs.joinmastodon.org/methods/",
        no_query=frozenset({What.PUBLIC, What.STREAM, What.DELETIONS}),
    )

    def __init__(self, settings: Mapping[str, str], secrets: Mapping[str, str], pace: Pace) -> None:
        """Prepare; raises UsageError when Mastodon.py is not installed or a server's name cannot be."""
        need("mastodon", "mastodon")
        self.pace = pace
        self.sessions: list[requests.Session] = []
        named = [name.strip() for name in settings.get("instance", "").split(",") if name.strip()]
        self.servers = {_origin(address): address for address in map(checked_address, named)}
        self._tokens = dict(pair.split("=", 1) for pair in secrets.get("tokens", "").split() if "=" in pair)

    def pages(self, ask: Ask, cursor: str | None = None) -> Iterator[Page]:
        """Yield the answers to `ask`, of one server after the other; see base.Collector."""
        query = ask.query.strip()
        if ask.what in (What.LOOKUP, What.DELETIONS):
            yield from self._lookup(ask, ask.ids or tuple(query.split()), int(cursor or 0))
            return
        names = [self._place(query)[0]] if ask.what in (What.THREAD, What.REPOSTS) else list(self.servers)
        if not names:
            raise UsageError("say which server to ask: --instance SERVER")
        at, _, rest = (cursor or "").partition(" ")
        for number, name in enumerate(names):
            if at and name != at and at in names[number:]:
                continue
            following = f"{names[number + 1]} " if number + 1 < len(names) else None
            for page in self._of_server(_Server(self, name), query, ask, rest if name == at else None):
                yield replace(page, cursor=following if page.cursor is None else f"{name} {page.cursor}")

    def close(self) -> None:
        """Let go of connections."""
        for session in self.sessions:
            session.close()

    def _of_server(self, server: "_Server", query: str, ask: Ask, cursor: str | None) -> Iterator[Page]:
        client = server.client
        match ask.what:
            case What.HASHTAG:
                tag = query.removeprefix("#")
                yield from _timeline(server, lambda **p: client.timeline_hashtag(tag, **p), ask, cursor)
            case What.PUBLIC:
                timeline = client.timeline_local if query == "local" else client.timeline_public
                yield from _timeline(server, timeline, ask, cursor)
            case What.POSTS:
                account = server.account(query)
                yield from _timeline(server, lambda **p: client.account_statuses(account, **p), ask, cursor)
            case What.SEARCH:
                yield from _search(server, query, ask, cursor)
            case What.THREAD:
                yield from _thread(server, self._place(query)[1], ask, cursor)
            case What.REPOSTS:
                yield from _boosts(server, self._place(query)[1], ask, cursor)
            case What.STREAM:
                from sna.collectors.mastodon_stream import stream_pages

                tag = query.removeprefix("#")
                if cursor:
                    yield from _caught_up(server, tag, ask, cursor)
                yield from stream_pages(server.client, tag, server.name, self.pace, cursor)
            case _:
                raise UsageError(f"Mastodon cannot be asked for {ask.what}")

    def _lookup(self, ask: Ask, ids: Sequence[str], start: int) -> Iterator[Page]:
        for begin in range(start, len(ids), IDS_AT_ONCE):
            if ask.budget.is_used_up:
                return
            following = begin + IDS_AT_ONCE if begin + IDS_AT_ONCE < len(ids) else None
            units: dict[str, list[bytes]] = {}
            absences = []
            for native_id in ids[begin : begin + IDS_AT_ONCE]:
                try:
                    name, number = self._place(native_id)
                except UsageError:
                    absences.append(Absence(native_id, Gap.OUT_OF_REACH))
                    continue
                server = _Server(self, name)
                answer = server.ask(server.client.status, number, may_be_absent=True)
                if answer.ok:
                    units.setdefault(name, []).append(answer.content)
                else:
                    absences.append(Absence(native_id, _why_absent(answer.status_code)))
            gone = tuple(a for a in absences if a.reason is not Gap.OUT_OF_REACH) if ask.what is What.DELETIONS else ()
            groups = list(units.items()) or [("", [])]
            for number_of, (name, bodies) in enumerate(groups):
                is_last = number_of == len(groups) - 1
                yield Page(
                    b"\n".join(bodies),
                    f"GET {name}/api/v1/statuses/:id ({len(bodies)})",
                    (None if following is None else str(following)) if is_last else str(begin),
                    tuple(bodies) or (b"[]",),
                    absences=() if gone or not is_last else tuple(absences),
                    deletions=gone if is_last else (),
                    origin=name or None,
                )

    def _place(self, text: str) -> tuple[str, str]:
        """Return the server and the number there of a post named by number, NUMBER@SERVER or link."""
        if "://" in text:
            address = urlsplit(text)
            return self._known(address.netloc), text.rstrip("/").rsplit("/", 1)[-1]
        number, _, name = text.partition("@")
        if not number.isalnum():
            raise UsageError("posts on Mastodon are named by NUMBER@SERVER or by their link")
        if not name and not self.servers:
            raise UsageError("say on which server the post has this number: --instance SERVER")
        return self._known(name) if name else next(iter(self.servers)), number

    def _known(self, name: str) -> str:
        if name not in self.servers:
            self.servers[name] = checked_address(name)
        return name

    def token_of(self, name: str) -> str | None:
        """Return the access token for a server; it is given to no other."""
        return self._tokens.get(name)


class _Server:
    """One server's client, and the last answer as it came."""

    def __init__(self, collector: Mastodon, name: str) -> None:
        import mastodon as library

        self.name = name
        self.address = collector.servers[name]
        self._token = collector.token_of(name)
        self._session = session = polite_session(collector.pace)
        collector.sessions.append(session)
        self._answers: list[requests.Response] = []
        session.hooks["response"].append(lambda answer, **_: self._answers.append(answer))
        self.client: library.Mastodon = library.Mastodon(
            api_base_url=self.address,
            access_token=self._token,
            ratelimit_method="throw",
            # The library would ask the server for its version before some calls, and again when there is no answer.
            version_check_mode="none",
            mastodon_version=NEWEST_KNOWN,
            session=session,
            user_agent=user_agent(),
        )

    def ask(
        self, call: Callable[..., object], *arguments: object, may_be_absent: bool = False, **named: object
    ) -> "requests.Response":
        """Make one call of the library and return the answer behind it, as it came."""
        import mastodon as library

        self._answers.clear()
        try:
            call(*arguments, **named)
        except library.MastodonError as error:
            if (cause := cause_of(error)) is not None:
                raise cause from None
            answer = self._answers[-1] if self._answers else None
            if answer is None:
                raise ServiceError(f"{self.name} cannot be reached; repeat the command later") from None
            if may_be_absent and answer.status_code in (401, 403, 404, 410):
                return answer
            if answer.ok:
                raise ServiceError(f"{self.name} answered with something else than JSON; repeat the command") from None
            raise refused(self.name, answer.status_code, "a request to the server") from None
        return self._answers[-1]

    def get(self, path: str, parameters: Mapping[str, str]) -> "requests.Response":
        """Ask for what the library has no paging for."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        answer = self._session.get(self.address + path, params=parameters, headers=headers)
        if not answer.ok:
            raise refused(self.name, answer.status_code, "a request to the server")
        return answer

    def account(self, name: str) -> str:
        """Return the number of an account on this server."""
        if name.isdigit():
            return name
        answer = self.ask(self.client.account_lookup, name.removeprefix("@"))
        return str(answer.json()["id"])

    def page(self, answer: "requests.Response", cursor: str | None, units: Sequence[bytes] | None = None) -> Page:
        """Return an answer as a page of this server's posts."""
        given = () if units is None else tuple(units) or (b"[]",)
        request = f"GET {self.name}{answer.request.path_url}"
        return Page(answer.content, request, cursor, given, origin=self.name)


def _timeline(server: _Server, call: Callable[..., object], ask: Ask, cursor: str | None) -> Iterator[Page]:
    while size := ask.budget.page_size(PAGE_SIZE):
        parameters: dict[str, Any] = {"limit": size} | ({"max_id": cursor} if cursor else {})
        if ask.until and not cursor:
            parameters["max_id"] = ask.until
        if ask.since:
            parameters["since_id"] = ask.since
        answer = server.ask(call, **parameters)
        cursor = _next(answer, "max_id")
        yield server.page(answer, cursor)
        if cursor is None:
            return


def _search(server: _Server, query: str, ask: Ask, cursor: str | None) -> Iterator[Page]:
    offset = int(cursor or 0)
    while ask.budget.page_size(PAGE_SIZE):
        parameters = {
            "q": query,
            "type": "statuses",
            "resolve": "false",
            "offset": str(offset),
            "limit": str(PAGE_SIZE),
        }
        answer = server.get("/api/v2/search", parameters)
        units = [_json(status) for status in answer.json().get("statuses", ())]
        offset += len(units)
        yield server.page(answer, str(offset) if units else None, units)
        if not units:
            return


def _thread(server: _Server, post: str, ask: Ask, cursor: str | None) -> Iterator[Page]:
    """Ask for a post's context, then for that of each post whose answers, or whose parent, were not shown."""
    state: dict[str, list[str]] = json.loads(cursor) if cursor else {"todo": [post], "asked": []}
    todo, asked = state["todo"], state["asked"]
    while todo and not ask.budget.is_used_up:
        number = todo.pop(0)
        asked.append(number)
        itself = server.ask(server.client.status, number, may_be_absent=True)
        if not itself.ok:
            absence = Absence(f"{number}@{server.name}", _why_absent(itself.status_code))
            yield replace(server.page(itself, _as_cursor(state), ()), absences=(absence,))
            continue
        answer = server.ask(server.client.status_context, number)
        context = answer.json()
        above, below = context.get("ancestors", []), context.get("descendants", [])
        statuses = [itself.json(), *above, *below]
        todo += [cut for cut in _cuts(statuses, above, below) if cut not in todo and cut not in asked]
        yield server.page(answer, _as_cursor(state), [_json(status) for status in statuses])


def _cuts(statuses: list[dict[str, Any]], above: list[dict[str, Any]], below: list[dict[str, Any]]) -> list[str]:
    shown = {status["id"] for status in statuses}
    answers = Counter(status["in_reply_to_id"] for status in statuses)
    cut = [s["id"] for s in below if s.get("replies_count", 0) > answers[s["id"]]]
    tops = [s["in_reply_to_id"] for s in statuses if s.get("in_reply_to_id") and s["in_reply_to_id"] not in shown]
    # Seen from below, a conversation shows one line of ancestors; its root shows all.
    root = [above[0]["id"]] if above and not above[0].get("in_reply_to_id") else []
    return list(dict.fromkeys((*root, *cut, *tops)))


def _boosts(server: _Server, post: str, ask: Ask, cursor: str | None) -> Iterator[Page]:
    native_id = f"{post}@{server.name}"
    while ask.budget.page_size(PAGE_SIZE):
        parameters = {"limit": str(PAGE_SIZE)} | ({"max_id": cursor} if cursor else {})
        answer = server.get(f"/api/v1/statuses/{post}/reblogged_by", parameters)
        cursor = _next(answer, "max_id")
        # The answer names the accounts alone: no boost has its own number or time here.
        boosts = tuple(
            Post(
                "mastodon",
                f"boost by {account['url']} of {native_id}",
                author_id=account["url"],
                author_handle=account["acct"],
                author_name=account.get("display_name"),
                repost_of=native_id,
            )
            for account in answer.json()
        )
        yield replace(server.page(answer, cursor), posts=boosts)
        if cursor is None:
            return


def _caught_up(server: _Server, tag: str, ask: Ask, cursor: str) -> Iterator[Page]:
    """Yield what was posted since the post `cursor`, oldest first, by the timeline that belongs to the stream."""
    while not ask.budget.is_used_up:
        if tag:
            answer = server.ask(server.client.timeline_hashtag, tag, min_id=cursor, limit=PAGE_SIZE)
        else:
            answer = server.ask(server.client.timeline_public, min_id=cursor, limit=PAGE_SIZE)
        numbers = [str(status["id"]) for status in answer.json()]
        if not numbers:
            return
        cursor = max(numbers, key=lambda number: (len(number), number))
        yield server.page(answer, cursor)


def _next(answer: "requests.Response", name: str) -> str | None:
    address = answer.links.get("next", {}).get("url")
    return parse_qs(urlsplit(address).query).get(name, [None])[0] if address and answer.json() else None


def _why_absent(status: int) -> Gap:
    return {410: Gap.DELETED, 401: Gap.PROTECTED, 403: Gap.PROTECTED}.get(status, Gap.NOT_FOUND)


def _as_cursor(state: dict[str, list[str]]) -> str | None:
    return json.dumps(state) if state["todo"] else None


def _json(status: object) -> bytes:
    return json.dumps(status, ensure_ascii=False).encode()


def _origin(address: str) -> str:
    return urlsplit(address).netloc
