"""Reddit: communities' listings, searches, accounts, whole submissions and look-ups, by praw.

https://www.reddit.com/dev/api
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from sna.collectors.base import About, Absence, Ask, Gap, Page, Secret, ServiceError, Setting, What
from sna.collectors.pace import Pace, cause_of, checked_address, host_of, polite_session, refused, user_agent
from sna.collectors.registry import need
from sna.errors import UsageError

if TYPE_CHECKING:
    import requests

HOST, OAUTH_HOST = "https://www.reddit.com", "https://oauth.reddit.com"
PAGE_SIZE, IDS_AT_ONCE, CHILDREN_AT_ONCE = 100, 100, 100
SORTS = ("new", "hot", "top", "rising", "controversial")
WITHDRAWN = ("[deleted]", "[removed]")


class Reddit:
    """Gathers from Reddit's API, read-only, as a registered application."""

    about: ClassVar[About] = About(
        name="reddit",
        title="Reddit",
        can={
            What.LISTING: f"a community, or COMMUNITY/SORT with one of {', '.join(SORTS)}",
            What.SEARCH: "words; within a community as COMMUNITY: words",
            What.THREAD: "a submission: its id (t3_...) or link, or a comment's (t1_...)",
            What.POSTS: "an account's name",
            What.LOOKUP: "ids with their prefix: t3_... or t1_...",
            What.DELETIONS: "nothing: the case's posts are looked up",
        },
        limits="as the headers of each answer say (100 requests a minute); a listing ends after about 1,000 posts",
        settings=(Setting("endpoint", "another address of the API, such as a gateway", OAUTH_HOST),),
        secrets=(
            Secret("client-id", "SNA_REDDIT_CLIENT_ID", "an application's id"),
            Secret("client-secret", "SNA_REDDIT_CLIENT_SECRET", "an application's secret"),
        ),
        extra="reddit",
        specification="https://www.reddit.com/dev/api",
        no_query=frozenset({What.DELETIONS}),
    )

    def __init__(self, settings: Mapping[str, str], secrets: Mapping[str, str], pace: Pace) -> None:
        """Prepare a client; raises UsageError when praw is not installed."""
        need("praw", "reddit")
        import praw

        address = checked_address(settings.get("endpoint", OAUTH_HOST))
        self.host = host_of(address)
        self._session = session = polite_session(
            pace, {OAUTH_HOST: address, HOST: HOST if address == OAUTH_HOST else address}
        )
        self._answers: list[requests.Response] = []
        session.hooks["response"].append(lambda answer, **_: self._answers.append(answer))
        self.client: praw.Reddit = praw.Reddit(
            client_id=secrets["client-id"],
            client_secret=secrets["client-secret"],
            user_agent=user_agent(),
            requestor_kwargs={"session": session},
            check_for_updates=False,
            check_for_async=False,
        )

    def pages(self, ask: Ask, cursor: str | None = None) -> Iterator[Page]:
        """Yield the answers to `ask`; see base.Collector."""
        query = ask.query.strip()
        match ask.what:
            case What.LISTING:
                community, _, sort = query.removeprefix("/").removeprefix("r/").partition("/")
                if sort and sort not in SORTS:
                    raise UsageError(f"a listing is sorted by one of {', '.join(SORTS)}")
                yield from self._listing(f"r/{_word(community)}/{sort or 'new'}", {}, ask, cursor)
            case What.SEARCH:
                community, colon, words = query.partition(": ")
                path = f"r/{_word(community)}/search" if colon else "search"
                parameters = {"q": words if colon else query, "sort": "new", "restrict_sr": "1" if colon else None}
                yield from self._listing(path, parameters, ask, cursor)
            case What.POSTS:
                name = query.removeprefix("u/")
                yield from self._listing(f"user/{_word(name)}/overview", {"sort": "new"}, ask, cursor)
            case What.THREAD:
                yield from self._thread(query, ask, cursor)
            case What.LOOKUP | What.DELETIONS:
                yield from self._lookup(ask, ask.ids or tuple(query.split()), int(cursor or 0))
            case _:
                raise UsageError(f"Reddit cannot be asked for {ask.what}")

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()

    def _listing(self, path: str, parameters: Mapping[str, object], ask: Ask, cursor: str | None) -> Iterator[Page]:
        while size := ask.budget.page_size(PAGE_SIZE):
            content, page = self._ask("GET", path, {**parameters, "limit": size, "after": cursor})
            cursor = content.get("data", {}).get("after")
            yield replace(page, cursor=cursor)
            if cursor is None:
                return

    def _thread(self, query: str, ask: Ask, cursor: str | None) -> Iterator[Page]:
        """Ask for a submission, then for every comment that the answers hold back.

        The cursor is the submission's id and what is still held back: groups of comments' ids, or one comment
        after `>` below which the tree goes on.
        """
        state = json.loads(cursor) if cursor else None
        if state is None:
            submission = self._submission_of(query)
            content, page = self._ask("GET", f"comments/{submission}/", {"limit": 500, "sort": "confidence"})
            todo = _held_back(content)
        else:
            submission, todo = state
            page = None
        asked: list[list[str]] = []
        while True:
            if page is not None:
                yield replace(page, cursor=json.dumps([submission, todo]) if todo else None)
            if not todo or ask.budget.is_used_up:
                return
            group = todo.pop(0)
            asked.append(group)
            if group[0].startswith(">"):
                path = f"comments/{submission}/_/{group[0][1:]}"
                content, page = self._ask("GET", path, {"limit": 500, "sort": "confidence"})
            else:
                data = {"children": ",".join(group), "link_id": f"t3_{submission}", "sort": "confidence"}
                content, page = self._ask("POST", "api/morechildren", {}, data)
            todo += [held for held in _held_back(content) if held not in todo and held not in asked]

    def _submission_of(self, query: str) -> str:
        if query.startswith("t1_"):
            content, _ = self._ask("GET", "api/info", {"id": query})
            things = content["data"]["children"]
            if not things:
                raise refused(self.host, 404, "the comment")
            return str(things[0]["data"]["link_id"]).removeprefix("t3_")
        parts = query.split("/")
        found = parts[parts.index("comments") + 1] if "comments" in parts else query.removeprefix("t3_")
        return _word(found)

    def _lookup(self, ask: Ask, ids: Sequence[str], start: int) -> Iterator[Page]:
        for begin in range(start, len(ids), IDS_AT_ONCE):
            if ask.budget.is_used_up:
                return
            chosen = ids[begin : begin + IDS_AT_ONCE]
            content, page = self._ask("GET", "api/info", {"id": ",".join(chosen)})
            things = [child["data"] for child in content["data"]["children"]]
            following = begin + IDS_AT_ONCE
            given = {thing["name"] for thing in things}
            absences = tuple(Absence(i, Gap.NOT_FOUND) for i in chosen if i not in given)
            page = replace(page, cursor=str(following) if following < len(ids) else None)
            if ask.what is What.DELETIONS:
                gone = tuple(Absence(thing["name"], Gap.DELETED) for thing in things if _is_withdrawn(thing))
                yield replace(page, deletions=(*absences, *gone))
            else:
                yield replace(page, absences=absences)

    def _ask(
        self, method: str, path: str, parameters: Mapping[str, object], data: Mapping[str, object] | None = None
    ) -> tuple[Any, Page]:
        import prawcore

        given: dict[str, str | int] = {name: str(value) for name, value in parameters.items() if value is not None}
        self._answers.clear()
        try:
            content = self.client.request(method=method, path=path, params=given, data=dict(data) if data else None)
        except prawcore.exceptions.ResponseException as error:
            if isinstance(error, prawcore.exceptions.BadJSON):
                raise ServiceError(f"{self.host} answered with something else than JSON; repeat the command") from None
            raise refused(self.host, error.response.status_code, path.split("/")[0]) from None
        except prawcore.exceptions.OAuthException:
            raise refused(self.host, 401, "the application's secret") from None
        except prawcore.exceptions.RequestException as error:
            if (cause := cause_of(error)) is not None:
                raise cause from None
            raise ServiceError(f"{self.host} cannot be reached; repeat the command later") from None
        answer = self._answers[-1]
        return content, Page(answer.content, f"{method} {answer.request.path_url}", None)


def _held_back(content: Any) -> list[list[str]]:  # noqa: ANN401
    """Return what an answer names and does not show: groups of comments' ids, or [`>` and a comment's id]."""
    groups: list[list[str]] = []
    todo = [content]
    while todo:
        item = todo.pop()
        if isinstance(item, list):
            todo += item
        elif isinstance(item, dict):
            if item.get("kind") == "more":
                more = item["data"]
                ids = list(more.get("children") or ())
                if ids:
                    groups += [ids[n : n + CHILDREN_AT_ONCE] for n in range(0, len(ids), CHILDREN_AT_ONCE)]
                else:
                    groups.append([">" + str(more["parent_id"]).removeprefix("t1_")])
            else:
                todo += [v for k, v in item.items() if k in ("data", "json", "things", "children", "replies")]
    return groups


def _is_withdrawn(thing: Mapping[str, Any]) -> bool:
    return thing.get("body", thing.get("selftext")) in WITHDRAWN


def _word(text: str) -> str:
    if not text.replace("_", "").replace("-", "").isalnum():
        raise UsageError("names and ids on Reddit are of letters, digits, _ and -")
    return text
