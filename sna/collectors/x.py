"""X: searches, conversations, timelines, quotes, reposts, look-ups, filtered stream and compliance jobs, by tweepy.

Parameters and answers follow the OpenAPI description of the X API v2 (2.167): https://docs.x.com/x-api
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from sna.collectors.base import About, Absence, Ask, Gap, Page, Preview, Secret, ServiceError, Setting, What
from sna.collectors.pace import Pace, checked_address, host_of, polite_session, refused, user_agent
from sna.collectors.registry import need
from sna.errors import InputError, UsageError

if TYPE_CHECKING:
    import requests

HOST = "https://api.twitter.com"
FIELDS = {
    "post.fields": "attachments,conversation_id,created_at,entities,geo,lang,note_post,public_metrics,withheld",
    "expansions": "author_id,referenced_posts,in_reply_to_user_id,entities.mentions.username,attachments.media_keys",
    "user.fields": "id,name,username,protected",
}
PAGE_SIZE, ARCHIVE_PAGE_SIZE, LEAST, IDS_AT_ONCE = 100, 500, 10, 100
# What the price list says per post and per account returned; https://docs.x.com/x-api/getting-started/pricing
POST_PRICE, USER_PRICE = "0.005", "0.010"
POLL_SECONDS = 5.0


class X:
    """Gathers from the X API v2 with an app-only bearer token."""

    about: ClassVar[About] = About(
        name="x",
        title="X",
        can={
            What.SEARCH: "a query in X's own language, such as 'flood lang:en'",
            What.THREAD: "the id of any post of the conversation",
            What.POSTS: "a handle or an account's id",
            What.QUOTES: "the id of the post",
            What.REPOSTS: "the id of the post",
            What.LOOKUP: "ids of posts",
            What.STREAM: "a rule in X's own language",
            What.DELETIONS: "nothing: the case's posts are checked by a batch compliance job",
        },
        limits="as the headers of each answer say (15-minute windows); searches reach back 7 days, further with "
        "--archive; each post and account costs money",
        settings=(
            Setting("archive", "search the full archive (needs that access)", is_flag=True),
            Setting("post-price", "US dollars for a post returned", POST_PRICE),
            Setting("user-price", "US dollars for an account returned", USER_PRICE),
            Setting("endpoint", "another address of the API, such as a gateway", HOST),
        ),
        secrets=(Secret("bearer-token", "SNA_X_BEARER_TOKEN", "an app-only bearer token"),),
        extra="x",
        specification="https://docs.x.com/x-api",
        no_query=frozenset({What.DELETIONS}),
    )

    def __init__(self, settings: Mapping[str, str], secrets: Mapping[str, str], pace: Pace) -> None:
        """Prepare a client; raises UsageError when tweepy is not installed or a setting cannot be."""
        need("tweepy", "x")
        import requests
        import tweepy

        self.archive = settings.get("archive") == "true"
        self.pace = pace
        try:
            self.post_price = float(settings.get("post-price", POST_PRICE))
            self.user_price = float(settings.get("user-price", USER_PRICE))
        except ValueError as error:
            raise UsageError("prices are numbers, in US dollars, such as 0.005") from error
        address = checked_address(settings.get("endpoint", HOST))
        self.host = host_of(address)
        self._reroute = {HOST: address}
        self._token = secrets["bearer-token"]
        self.client: tweepy.Client = tweepy.Client(self._token, return_type=requests.Response)
        self.client.session = polite_session(pace, self._reroute)
        self.client.user_agent = user_agent()

    def pages(self, ask: Ask, cursor: str | None = None) -> Iterator[Page]:
        """Yield the answers to `ask`; see base.Collector."""
        quoted = ask.query.strip()
        match ask.what:
            case What.SEARCH:
                yield from self._search(quoted, ask, cursor)
            case What.THREAD:
                yield from self._thread(_id(quoted), ask, cursor)
            case What.POSTS:
                yield from self._posts(quoted.removeprefix("@"), ask, cursor)
            case What.QUOTES:
                yield from self._paged(f"/2/tweets/{_id(quoted)}/quote_tweets", {}, ask, cursor)
            case What.REPOSTS:
                yield from self._paged(f"/2/tweets/{_id(quoted)}/retweets", {}, ask, cursor)
            case What.LOOKUP:
                yield from self._lookup(ask.ids or tuple(quoted.split()), ask, int(cursor or 0))
            case What.STREAM:
                yield from self._stream(quoted, ask, cursor)
            case What.DELETIONS:
                yield from self._deletions(ask.ids, cursor)
            case _:
                raise UsageError(f"X cannot be asked for {ask.what}")

    def close(self) -> None:
        """Let go of connections."""
        self.client.session.close()

    def preview(self, ask: Ask) -> Preview:
        """Return how many posts a search would bring, by day, and what they would cost at the least."""
        if ask.what is not What.SEARCH:
            raise UsageError("X counts posts for searches only")
        rows: list[dict[str, object]] = []
        token = None
        while True:
            route = f"/2/tweets/counts/{self._depth}"
            answer = self._get(
                route, {"query": ask.query, "granularity": "day", "next_token": token, **_window(ask)}
            ).json()
            for day in answer.get("data", ()):
                rows.append(
                    {"from": day["start"], "to": day["end"], "posts": day.get("post_count", day.get("tweet_count"))}
                )
            token = answer.get("meta", {}).get("next_token")
            if not token:
                break
        posts = sum(int(str(row["posts"])) for row in rows)
        return Preview(tuple(sorted(rows, key=lambda row: str(row["from"]))), posts, posts * self.post_price)

    @property
    def _depth(self) -> str:
        return "all" if self.archive else "recent"

    def _search(self, query: str, ask: Ask, cursor: str | None, since_id: str | None = None) -> Iterator[Page]:
        most = ARCHIVE_PAGE_SIZE if self.archive else PAGE_SIZE
        parameters = {"query": query, "since_id": since_id, **_window(ask)}
        yield from self._paged(f"/2/tweets/search/{self._depth}", parameters, ask, cursor, most, "next_token")

    def _thread(self, post: str, ask: Ask, cursor: str | None) -> Iterator[Page]:
        conversation, _, token = (cursor or "").partition(" ")
        if not conversation:
            found = self._get("/2/tweets", {"ids": post, **FIELDS})
            conversation = next((p.get("conversation_id", post) for p in _data(found)), post)
            yield self._page(found, f"{conversation} ", self._absences(found))
            if conversation != post:
                top = self._get("/2/tweets", {"ids": conversation, **FIELDS})
                yield self._page(top, f"{conversation} ", self._absences(top))
        query = f"conversation_id:{conversation}"
        for page in self._search(query, ask, token or None):
            yield replace(page, cursor=None if page.cursor is None else f"{conversation} {page.cursor}")

    def _posts(self, name: str, ask: Ask, cursor: str | None) -> Iterator[Page]:
        account = name
        if not name.isdigit():
            found = self._get(f"/2/users/by/username/{_word(name)}", {"user.fields": FIELDS["user.fields"]}).json()
            if "id" not in found.get("data", {}):
                raise refused(self.host, 404, "an account by its handle")
            account = found["data"]["id"]
        yield from self._paged(f"/2/users/{account}/tweets", _window(ask), ask, cursor, least=5)

    def _paged(
        self,
        route: str,
        parameters: Mapping[str, object],
        ask: Ask,
        cursor: str | None,
        most: int = PAGE_SIZE,
        token_name: str = "pagination_token",  # noqa: S107
        least: int = LEAST,
    ) -> Iterator[Page]:
        while True:
            size = ask.budget.page_size(most, least, self.post_price + self.user_price)
            if not size:
                return
            answer = self._get(route, {**parameters, **FIELDS, "max_results": size, token_name: cursor})
            cursor = answer.json().get("meta", {}).get("next_token")
            yield self._page(answer, cursor, self._absences(answer))
            if cursor is None:
                return

    def _lookup(self, ids: Sequence[str], ask: Ask, start: int) -> Iterator[Page]:
        for begin in range(start, len(ids), IDS_AT_ONCE):
            if ask.budget.is_used_up:
                return
            chosen = ids[begin : begin + IDS_AT_ONCE]
            answer = self._get("/2/tweets", {"ids": ",".join(map(_id, chosen)), **FIELDS})
            given = {post["id"] for post in _data(answer)}
            absences = {a.id: a for a in self._absences(answer)}
            silent = [Absence(i, Gap.NOT_FOUND) for i in chosen if i not in given and i not in absences]
            following = begin + IDS_AT_ONCE
            yield self._page(answer, str(following) if following < len(ids) else None, [*absences.values(), *silent])

    def _stream(self, rule: str, ask: Ask, cursor: str | None) -> Iterator[Page]:
        from sna.collectors.x_stream import stream_pages

        if cursor is not None:
            # What was posted while nobody listened.
            newest = cursor
            for page in self._search(rule, ask, None, since_id=cursor):
                newest = max(newest, _newest(page.body) or newest, key=int)
                yield replace(page, cursor=newest)
            cursor = newest
        yield from stream_pages(self._request, self._token, self._reroute, rule, self.pace, cursor)

    def _deletions(self, ids: Sequence[str], cursor: str | None) -> Iterator[Page]:
        if not ids:
            return
        if not cursor:
            job = self._request("POST", "/2/compliance/jobs", json={"type": "tweets"}).json()["data"]
            session = self.client.session
            body = "\n".join(ids).encode()
            answer = session.put(job["upload_url"], data=body, headers={"Content-Type": "text/plain"})
            if not answer.ok:
                raise ServiceError(
                    f"{host_of(job['upload_url'])} did not take the list of ids; repeat the command later"
                )
            cursor = str(job["id"])
            yield Page(b"", "POST /2/compliance/jobs", cursor)
        while True:
            job = self._get(f"/2/compliance/jobs/{cursor}", {}).json()["data"]
            if job["status"] == "complete":
                break
            if job["status"] in ("failed", "expired"):
                # The job stays failed however often it is looked at: the cursor goes back to the start.
                yield Page(b"", f"GET /2/compliance/jobs/{cursor}", "")
                raise InputError("X's compliance job failed; repeat the command, it starts a new one")
            self.pace.wait(POLL_SECONDS, "the compliance job is running")
        answer = self.client.session.get(job["download_url"])
        if not answer.ok:
            raise ServiceError("the result of the compliance job cannot be fetched; repeat the command later")
        units = tuple(line for line in answer.content.splitlines() if line.strip())
        yield Page(answer.content, f"GET /2/compliance/jobs/{cursor}", None, units or (b"[]",))

    def _get(self, route: str, parameters: Mapping[str, object]) -> "requests.Response":
        return self._request(
            "GET", route, params={name: value for name, value in parameters.items() if value is not None}
        )

    def _request(self, method: str, route: str, **carried: object) -> "requests.Response":
        import tweepy

        try:
            answer: requests.Response = self.client.request(method, route, **carried)
        except tweepy.HTTPException as error:
            raise refused(self.host, error.response.status_code, _kind_of(route)) from None
        try:
            json.loads(answer.content)
        except ValueError:
            raise ServiceError(f"{self.host} answered with something else than JSON; repeat the command") from None
        return answer

    def _page(self, answer: "requests.Response", cursor: str | None, absences: Sequence[Absence]) -> Page:
        content = answer.json()
        includes = content.get("includes", {})
        posts = len(_data(answer)) + len(includes.get("posts", includes.get("tweets", ())))
        cost = posts * self.post_price + len(includes.get("users", ())) * self.user_price
        request = f"{answer.request.method} {answer.request.path_url}"
        return Page(answer.content, request, cursor, absences=tuple(absences), cost=cost)

    def _absences(self, answer: "requests.Response") -> list[Absence]:
        return [
            Absence(str(problem.get("resource_id") or problem.get("value")), _reason(problem))
            for problem in answer.json().get("errors", ())
            if problem.get("resource_type") in ("tweet", "post")
            and (problem.get("resource_id") or problem.get("value"))
        ]


def _reason(problem: Mapping[str, Any]) -> Gap:
    """Return why a post is not given, from the problem that the API states in its place."""
    kind = str(problem.get("type", "")).rsplit("/", 1)[-1]
    told = f"{problem.get('title', '')} {problem.get('detail', '')}".lower()
    if "suspended" in told:
        return Gap.SUSPENDED
    if "deleted" in told:
        return Gap.DELETED
    if kind == "not-authorized-for-resource" or "not authorized" in told:
        return Gap.PROTECTED
    return Gap.NOT_FOUND if kind == "resource-not-found" else Gap.OUT_OF_REACH


def _data(answer: "requests.Response") -> list[dict[str, Any]]:
    data = answer.json().get("data", [])
    return data if isinstance(data, list) else [data]


def _newest(body: bytes) -> str | None:
    newest = json.loads(body).get("meta", {}).get("newest_id")
    return None if newest is None else str(newest)


def _window(ask: Ask) -> dict[str, object]:
    return {"start_time": _time(ask.since), "end_time": _time(ask.until)}


def _time(time: datetime | None) -> str | None:
    return None if time is None else time.replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _id(text: str) -> str:
    number = text.rstrip("/").rsplit("/", 1)[-1]
    if not number.isdigit():
        raise UsageError("posts on X are named by their number, or by a link that ends in it")
    return number


def _word(text: str) -> str:
    if not text.replace("_", "").isalnum():
        raise UsageError("an account on X is named by its handle, of letters, digits and _, or by its number")
    return text


def _kind_of(route: str) -> str:
    return "/".join(part for part in route.split("/")[2:] if part.isalpha() or ("_" in part and not part.isdigit()))
