"""A stand-in for Reddit's API: invented comments that are held back in part, or the recorded answers of one tree."""

import gzip
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.servers.loopback import Answer, Loopback, Request, numbered_pages

CLIENT_ID, CLIENT_SECRET = "an-application", "reddit-secret"
_ACCESS = {"access_token": "reddit-access-token", "token_type": "bearer", "expires_in": 3600, "scope": "*"}


def submission(key: str, **fields: object) -> dict:
    return {
        "id": key,
        "name": f"t3_{key}",
        "title": f"submission {key}",
        "selftext": "about the flood",
        "author": "first",
        "subreddit": "portlune",
        "created_utc": 1795000000.0,
        "num_comments": 0,
        "score": 1,
        "edited": False,
        "permalink": f"/r/portlune/comments/{key}/",
        "is_self": True,
        **fields,
    }


def comment(number: int, to: str, link: str = "t3_top") -> dict:
    return {
        "id": f"c{number}",
        "name": f"t1_c{number}",
        "body": f"comment {number}",
        "author": f"user{number % 9}",
        "subreddit": "portlune",
        "parent_id": to,
        "link_id": link,
        "created_utc": 1795000000.0 + 60 * number,
        "score": 1,
        "edited": False,
        "permalink": f"/r/portlune/comments/top/_/c{number}/",
    }


class RedditServer(Loopback):
    """Serves a subreddit's listing, and one submission whose comments are shown three at a time."""

    def __init__(self, submissions: list[dict], comments: list[dict]) -> None:
        self.things = {t["name"]: t for t in (*submissions, *comments)}
        self.listing = [t["name"] for t in submissions]
        super().__init__(self._route)

    def _route(self, request: Request) -> Answer:
        if request.path == "/api/v1/access_token":
            return Answer(_ACCESS)
        if request.headers.get("authorization") != "bearer reddit-access-token":
            return Answer({"message": "Unauthorized", "error": 401}, 401)
        if request.path.rstrip("/").endswith(("/new", "/search", "search", "/overview")):
            start = self.listing.index(request.query["after"]) + 1 if "after" in request.query else 0
            some, following = numbered_pages(self.listing, start, min(int(request.query["limit"]), 10))
            return Answer(_listing([self.things[n] for n in some], some[-1] if following and some else None))
        if request.path.startswith("/api/morechildren"):
            names = [f"t1_{key}" for key in request.form()["children"].split(",")]
            return Answer({"json": {"errors": [], "data": {"things": self._shown(names, nested=False)}}})
        if request.path.startswith("/api/info"):
            wanted = request.query["id"].split(",")
            return Answer(_listing([self.things[n] for n in wanted if n in self.things], None))
        if found := re.fullmatch(r"/comments/(\w+)/(?:_/(\w+)/?)?", request.path):
            top = f"t3_{found[1]}"
            if top not in self.things:
                return Answer({"message": "Not Found", "error": 404}, 404)
            branch = [f"t1_{found[2]}"] if found[2] else self._children(top)
            tree = {"kind": "Listing", "data": {"children": self._shown(branch), "after": None}}
            return Answer([_listing([self.things[top]], None), tree])
        return Answer({"message": "Not Found", "error": 404}, 404)

    def _children(self, name: str) -> list[str]:
        return [t["name"] for t in self.things.values() if t.get("parent_id") == name]

    def _shown(self, names: list[str], depth: int = 0, *, nested: bool = True) -> list[dict]:
        """Show three of the comments and name the rest; below the third level, say only that the tree goes on."""
        shown = []
        for name in names[:3]:
            thing = dict(self.things[name])
            below = self._children(name)
            if below and depth >= 2:
                more = {"kind": "more", "data": {"count": 0, "children": [], "id": "_", "parent_id": name}}
                thing["replies"] = {"kind": "Listing", "data": {"children": [more], "after": None}}
            elif below:
                thing["replies"] = {
                    "kind": "Listing",
                    "data": {"children": self._shown(below, depth + 1), "after": None},
                }
            else:
                thing["replies"] = ""
            shown.append({"kind": "t1", "data": thing})
        if names[3:]:
            keys = [name.removeprefix("t1_") for name in names[3:]]
            parent = self.things[names[3]]["parent_id"]
            shown.append(
                {"kind": "more", "data": {"count": len(keys), "children": keys, "id": keys[0], "parent_id": parent}}
            )
        return shown


def _listing(things: list[dict], after: str | None) -> dict:
    kinds = [{"kind": t["name"][:2], "data": t} for t in things]
    return {"kind": "Listing", "data": {"children": kinds, "after": after}}


def replay(recording: Path) -> Loopback:
    """Serve the recorded answers of one submission: the tree, and each comment in the answer that showed it."""
    with gzip.open(recording) as lines:
        answers = [json.loads(line) for line in lines]
    trees = {urlsplit(a["uri"]).path.rstrip("/"): a["body"] for a in answers if a["method"] == "GET"}
    by_child: dict[str, int] = {}
    for number, recorded in enumerate(answers):
        if recorded["request_body"]:
            for child in parse_qs(recorded["request_body"])["children"][0].split(","):
                by_child[child] = number

    def answer(request: Request) -> Answer:
        if request.path == "/api/v1/access_token":
            return Answer(_ACCESS)
        if request.path.startswith("/api/morechildren"):
            numbers = sorted({by_child[child] for child in request.form()["children"].split(",")})
            things = [thing for n in numbers for thing in answers[n]["body"]["json"]["data"]["things"]]
            return Answer({"json": {"errors": [], "data": {"things": things}}})
        tree = trees.get(request.path.rstrip("/"))
        return Answer({"message": "Not Found", "error": 404}, 404) if tree is None else Answer(tree)

    return Loopback(answer)
