"""A stand-in for a Mastodon server: invented statuses, or recorded official answers with their paging headers."""

import gzip
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.servers.loopback import Answer, Loopback, Request, numbered_pages

TOKEN = "mastodon-secret-token"


def account(number: int, home: str = "local.test") -> dict:
    acct = f"user{number}" if home == "local.test" else f"user{number}@{home}"
    return {"id": str(number), "acct": acct, "display_name": f"User {number}", "url": f"https://{home}/@user{number}"}


def status(number: int, author: int, to: int | None = None, uri: str | None = None, **fields: object) -> dict:
    return {
        "id": str(number),
        "uri": uri or f"https://local.test/users/user{author}/statuses/{number}",
        "url": f"https://local.test/@user{author}/{number}",
        "account": account(author),
        "content": f"<p>status {number} #flood</p>",
        "created_at": f"2026-11-20T{number // 60 % 24:02d}:{number % 60:02d}:00.000Z",
        "visibility": "public",
        "in_reply_to_id": str(to) if to else None,
        "in_reply_to_account_id": None,
        "mentions": [],
        "tags": [{"name": "flood"}],
        "replies_count": 0,
        "reblogs_count": 0,
        "favourites_count": 0,
        "media_attachments": [],
        "reblog": None,
        **fields,
    }


class MastodonServer(Loopback):
    """Serves invented statuses; a context shows at most `most_below` descendants, as for those not logged in."""

    def __init__(self, statuses: list[dict], most_below: int = 60) -> None:
        self.statuses = {s["id"]: s for s in statuses}
        self.most_below = most_below
        self.boosters: list[dict] = []
        self.events: list[bytes] = []
        for s in statuses:
            if (to := s["in_reply_to_id"]) in self.statuses:
                self.statuses[to]["replies_count"] += 1
        super().__init__(self._route)

    def _route(self, request: Request) -> Answer:
        path = request.path
        if path.startswith("/api/v1/timelines/") or re.fullmatch(r"/api/v1/accounts/\d+/statuses", path):
            return self._timeline(request)
        if path == "/api/v1/accounts/lookup":
            return Answer(account(1))
        if path == "/api/v2/search":
            return self._search(request)
        if found := re.fullmatch(r"/api/v1/statuses/(\d+)(/context|/reblogged_by)?", path):
            one = self.statuses.get(found[1])
            if one is None:
                return Answer({"error": "Record not found"}, 404)
            if found[2] == "/reblogged_by":
                return self._paged(self.boosters, request)
            return Answer(self._context(one) if found[2] else one)
        if path.startswith("/api/v1/streaming/"):
            return Answer(pieces=iter([b":thump\n\n", *self.events]), kind="text/event-stream")
        return Answer({"error": "unknown"}, 404)

    def _timeline(self, request: Request) -> Answer:
        chosen = sorted(self.statuses.values(), key=lambda s: -int(s["id"]))
        if "min_id" in request.query:
            newer = [s for s in chosen if int(s["id"]) > int(request.query["min_id"])]
            return Answer(newer[-int(request.query["limit"]) :])
        return self._paged([s for s in chosen if int(s["id"]) < int(request.query.get("max_id", 1 << 62))], request)

    def _paged(self, items: list[dict], request: Request) -> Answer:
        left = [s for s in items if int(s["id"]) < int(request.query.get("max_id", 1 << 62))]
        some, following = numbered_pages(left, 0, int(request.query.get("limit", 20)))
        link = f'<{self.address}{request.path}?max_id={some[-1]["id"]}>; rel="next"' if following else ""
        return Answer(some, headers={"Link": link} if link else {})

    def _search(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer({"error": "This method requires an authenticated user"}, 401)
        some, _ = numbered_pages(list(self.statuses.values()), int(request.query.get("offset", 0)), 20)
        return Answer({"accounts": [], "statuses": some, "hashtags": []})

    def _context(self, one: dict) -> dict:
        above, below, last = [], [], one
        while last["in_reply_to_id"] in self.statuses:
            last = self.statuses[last["in_reply_to_id"]]
            above.insert(0, last)
        todo = [one["id"]]
        while todo:
            answered = todo.pop(0)
            found = [s for s in self.statuses.values() if s["in_reply_to_id"] == answered]
            below += found
            todo += [s["id"] for s in found]
        return {"ancestors": above, "descendants": below[: self.most_below]}


def replay(*recordings: Path) -> Loopback:
    """Serve recorded answers: by path and place in the paging; what was not recorded is not found."""
    recorded: dict[tuple[str, str | None], dict] = {}
    for path in recordings:
        with gzip.open(path) as lines:
            for line in map(json.loads, lines):
                parts = urlsplit(line["uri"])
                recorded[parts.path, parse_qs(parts.query).get("max_id", [None])[0]] = line

    def answer(request: Request) -> Answer:
        line = recorded.get((request.path, request.query.get("max_id")))
        if line is None:
            return Answer({"error": "Record not found"}, 404)
        link = re.sub(r"https://[^/>]+", server.address, line["link"]) if line.get("link") else None
        # What follows the last recorded page is empty.
        return Answer(line["body"], line["status"], {"Link": link} if link else {})

    def last_is_empty(request: Request) -> Answer:
        known = answer(request)
        is_further = known.status == 404 and "max_id" in request.query
        return Answer([]) if is_further else known

    server = Loopback(last_is_empty)
    return server
