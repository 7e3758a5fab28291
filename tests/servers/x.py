"""A stand-in for the X API: every request and every answer is held to the official OpenAPI description."""

import gzip
import json
import re
import time
from functools import cache
from pathlib import Path

from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from tests.servers.loopback import Answer, Loopback, Request, numbered_pages

SPECIFICATION = Path(__file__).resolve().parents[3] / "shared/data/api-specs/x-api-v2-openapi-2.167.json.gz"
TOKEN = "AAAA-very-secret-bearer"
PROBLEM = "https://api.x.com/2/problems/"
_EXPANDED = {
    "author_id": "author_id",
    "in_reply_to_user_id": "in_reply_to_user_id",
    "referenced_posts": "referenced_posts",
}


@cache
def specification() -> tuple[OpenAPI, dict]:
    with gzip.open(SPECIFICATION) as file:
        content = json.load(file)
    content["servers"] = [{"url": "http://x.test"}]
    for operation in (o for path in content["paths"].values() for o in path.values()):
        # We come with an app-only token; the library knows no other scheme either.
        operation["security"] = [way for way in operation.get("security", []) if "BearerToken" in way]
    # The official file names an enum value twice somewhere; it is used as it is.
    return OpenAPI.from_dict(content, config=Config(spec_validator_cls=None)), content


def post(number: int, author: int, conversation: int, to: int | None = None, **fields: object) -> dict:
    references = [{"type": "replied_to", "id": str(to)}] if to else []
    return {
        "id": str(number),
        "text": f"post {number} about the flood #portlune",
        "edit_history_post_ids": [str(number)],
        "author_id": str(author),
        "conversation_id": str(conversation),
        "created_at": f"2026-11-{20 + number % 4:02d}T{number // 60 % 24:02d}:{number % 60:02d}:00.000Z",
        "lang": "en",
        "public_metrics": dict.fromkeys(
            ("repost_count", "reply_count", "like_count", "quote_count", "bookmark_count", "impression_count"), 0
        ),
        "entities": {"hashtags": [{"start": 0, "end": 9, "tag": "portlune"}]},
        **({"referenced_posts": references, "in_reply_to_user_id": "1"} if references else {}),
        **fields,
    }


class XServer(Loopback):
    """Holds `posts`; `gone` maps ids to the problem that stands for them; streams `lines`, then cuts."""

    def __init__(self, posts: list[dict]) -> None:
        self.posts = {p["id"]: p for p in posts}
        self.gone: dict[str, str] = {}
        self.rules: list[dict] = [{"id": "77", "value": "someone else's", "tag": "other"}]
        self.lines: list[list[dict]] = []
        self.jobs: dict[str, dict] = {}
        self.job_status = "complete"
        self.deleted: set[str] = set()
        self.window: int | None = None
        self.complaints: list[str] = []
        super().__init__(self._checked)

    def _checked(self, request: Request) -> Answer:
        if request.path.startswith("/storage/"):
            return self._storage(request)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer({"title": "Unauthorized", "type": "about:blank", "status": 401}, 401)
        if "sna/" not in request.headers.get("user-agent", ""):
            self.complaints.append("the tool does not say its name")
        self._hold_request(request)
        answer = self._route(request)
        if answer.pieces is None and answer.status == 200:
            self._hold_answer(request, answer)
        return answer

    def _hold_request(self, request: Request) -> None:
        api, content = specification()
        path = next(
            (
                p
                for p in content["paths"]
                if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", p), request.path) and "{" not in p
            ),
            None,
        ) or next(p for p in content["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", p), request.path))
        operation = content["paths"][path][request.method.lower()]
        known = {
            (content["components"]["parameters"][p["$ref"].split("/")[-1]] if "$ref" in p else p)["name"]
            for p in operation.get("parameters", [])
        }
        unknown = set(request.query) - known
        if unknown:
            self.complaints.append(f"{path} knows no parameter {sorted(unknown)}")
        try:
            api.validate_request(_mock(request))
        except Exception as error:
            self.complaints.append(f"{request.method} {path}: {error!r} {error.__cause__!r}")

    def _hold_answer(self, request: Request, answer: Answer) -> None:
        api, _ = specification()
        try:
            api.validate_response(_mock(request), MockResponse(data=answer.bytes(), status_code=answer.status))
        except Exception as error:
            self.complaints.append(f"the stand-in's own answer to {request.path}: {error!r} {error.__cause__!r}")

    def _route(self, request: Request) -> Answer:
        path, query = request.path, request.query
        if path.startswith("/2/tweets/search/stream/rules"):
            return self._rules(request)
        if path == "/2/tweets/search/stream":
            return Answer(pieces=self._streamed())
        if path.startswith("/2/tweets/search/"):
            return self._page(self._found(query), query, "next_token")
        if path.startswith("/2/tweets/counts/"):
            return self._counts(query)
        if path == "/2/tweets":
            return self._lookup(query)
        if found := re.fullmatch(r"/2/tweets/(\d+)/(quote_tweets|retweets)", path):
            kind = {"quote_tweets": "quoted", "retweets": "retweeted"}[found[2]]
            wanted = {"type": kind, "id": found[1]}
            chosen = [p for p in self.posts.values() if wanted in p.get("referenced_posts", [])]
            return self._page(chosen, query, "pagination_token")
        if found := re.fullmatch(r"/2/users/by/username/(\w+)", path):
            if found[1] == "nobody":
                return Answer({"errors": [_problem("resource-not-found", found[1], "user")]})
            return Answer({"data": _user(found[1].removeprefix("user"))})
        if found := re.fullmatch(r"/2/users/(\d+)/tweets", path):
            chosen = [p for p in self.posts.values() if p["author_id"] == found[1]]
            return self._page(chosen, query, "pagination_token")
        return self._compliance(request)

    def _found(self, query: dict[str, str]) -> list[dict]:
        words = query["query"]
        chosen = list(self.posts.values())
        if words.startswith("conversation_id:"):
            chosen = [p for p in chosen if p["conversation_id"] == words.split(":")[1]]
        else:
            chosen = [p for p in chosen if words.split()[0] in p["text"]]
        if "since_id" in query:
            chosen = [p for p in chosen if int(p["id"]) > int(query["since_id"])]
        if "start_time" in query:
            chosen = [p for p in chosen if p["created_at"] >= query["start_time"]]
        if self.window:
            # Recent search reaches back a week only.
            chosen = [p for p in chosen if int(p["id"]) >= self.window]
        return sorted(chosen, key=lambda p: -int(p["id"]))

    def _page(self, chosen: list[dict], query: dict[str, str], token: str) -> Answer:
        start = int(query.get(token, "0").removeprefix("t") or 0)
        some, following = numbered_pages(chosen, start, int(query.get("max_results", 10)))
        meta: dict[str, object] = {"result_count": len(some)}
        if some:
            meta |= {
                "newest_id": max((p["id"] for p in some), key=int),
                "oldest_id": min((p["id"] for p in some), key=int),
            }
        if following:
            meta["next_token"] = f"t{following}"
        return Answer(self._expanded(some, query) | {"meta": meta})

    def _lookup(self, query: dict[str, str]) -> Answer:
        ids = query["ids"].split(",")
        some = [self.posts[i] for i in ids if i in self.posts and i not in self.gone]
        errors = [
            _problem(self.gone.get(i, "resource-not-found"), i) for i in ids if i in self.gone or i not in self.posts
        ]
        return Answer((self._expanded(some, query) if some else {}) | ({"errors": errors} if errors else {}))

    def _expanded(self, some: list[dict], query: dict[str, str]) -> dict:
        """Give what was asked for and no more, as the API does."""
        fields = set(query.get("post.fields", query.get("tweet.fields", "")).split(",")) | {
            "id",
            "text",
            "edit_history_post_ids",
        }
        expansions = set(query.get("expansions", "").split(","))
        fields |= {field for expansion, field in _EXPANDED.items() if expansion in expansions}

        def shown(p: dict) -> dict:
            return {name: value for name, value in p.items() if name in fields}

        includes: dict[str, list] = {}
        if "author_id" in expansions:
            includes["users"] = [_user(a) for a in sorted({p["author_id"] for p in some})]
        if "referenced_posts" in expansions:
            ids = {r["id"] for p in some for r in p.get("referenced_posts", [])} - {p["id"] for p in some}
            if known := [shown(self.posts[i]) for i in sorted(ids) if i in self.posts and i not in self.gone]:
                includes["posts"] = known
        return {"data": [shown(p) for p in some]} | ({"includes": includes} if includes else {}) if some else {}

    def _counts(self, query: dict[str, str]) -> Answer:
        found = self._found(query)
        days = sorted({p["created_at"][:10] for p in found})
        data = [
            {
                "start": f"{day}T00:00:00.000Z",
                "end": f"{day}T23:59:59.000Z",
                "post_count": sum(p["created_at"].startswith(day) for p in found),
            }
            for day in days
        ]
        return Answer({"data": data, "meta": {"total_post_count": len(found)}})

    def _rules(self, request: Request) -> Answer:
        if request.method == "GET":
            return Answer(
                {"data": self.rules, "meta": {"sent": "2026-11-24T00:00:00.000Z", "result_count": len(self.rules)}}
            )
        change = json.loads(request.body)
        added = [{"id": str(100 + len(self.rules)), **rule} for rule in change.get("add", [])]
        self.rules = [r for r in self.rules if r["id"] not in change.get("delete", {}).get("ids", [])] + added
        summary = {"created": len(added), "not_created": 0, "valid": len(added), "invalid": 0}
        if "delete" in change:
            summary = {"deleted": 1, "not_deleted": 0}
        return Answer({"data": added, "meta": {"sent": "2026-11-24T00:00:00.000Z", "summary": summary}})

    def _streamed(self):
        yield b"\r\n"
        for line in self.lines.pop(0) if self.lines else []:
            yield json.dumps(line).encode() + b"\r\n"
        time.sleep(0.3)

    def _compliance(self, request: Request) -> Answer:
        if request.method == "POST":
            job = {
                "id": str(len(self.jobs) + 1),
                "status": "created",
                "type": "tweets",
                "upload_url": f"{self.address}/storage/up",
                "download_url": f"{self.address}/storage/down",
            }
            self.jobs[job["id"]] = job
            return Answer({"data": job})
        return Answer({"data": self.jobs[request.path.rsplit("/", 1)[-1]] | {"status": self.job_status}})

    def _storage(self, request: Request) -> Answer:
        if "authorization" in request.headers:
            self.complaints.append("the token went to another host")
        if request.method == "PUT":
            self.uploaded = request.body.decode().split()
            return Answer(b"")
        lines = [
            {"id": i, "action": "delete", "created_at": "2026-11-20T00:00:00.000Z", "reason": "deleted"}
            for i in self.uploaded
            if i in self.deleted
        ]
        return Answer("".join(json.dumps(line) + "\n" for line in lines).encode())


def _user(number: str) -> dict:
    return {"id": str(number), "name": f"User {number}", "username": f"user{number}", "protected": False}


def _problem(kind: str, native_id: str, resource: str = "tweet") -> dict:
    details = {
        "resource-not-found": f"Could not find {resource} with ids: [{native_id}].",
        "not-authorized-for-resource": f"Sorry, you are not authorized to see the Tweet with ids: [{native_id}].",
        "suspended": f"User has been suspended: [{native_id}].",
        "resource-unavailable": f"The {resource} {native_id} is withheld.",
    }
    told = "not-authorized-for-resource" if kind == "suspended" else kind
    return {
        "type": PROBLEM + told,
        "title": "Problem",
        "detail": details[kind],
        "resource_type": resource,
        "resource_id": native_id,
        "value": native_id,
        "parameter": "ids",
    }


def _mock(request: Request) -> MockRequest:
    return MockRequest(
        "http://x.test",
        request.method.lower(),
        request.path,
        args=request.query,
        headers={"Authorization": request.headers.get("authorization", "")},
        data=request.body or None,
        content_type="application/json",
    )
