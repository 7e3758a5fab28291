"""A stand-in for an AppView: searches in pages, threads that an answer shows to a certain depth, look-ups, profiles."""

from tests.servers.loopback import Answer, Loopback, Request, numbered_pages

ROOT = "at://did:plc:a0/app.bsky.feed.post/p0"


def uri(number: int, author: int) -> str:
    return f"at://did:plc:a{author}/app.bsky.feed.post/p{number}"


def post(number: int, author: int, parent: str | None = None, root: str = ROOT) -> dict:
    record: dict = {"createdAt": f"2026-11-20T{number // 60:02d}:{number % 60:02d}:00.000Z", "text": f"flood {number}"}
    if parent:
        record["reply"] = {"parent": {"uri": parent}, "root": {"uri": root}}
    return {
        "uri": uri(number, author),
        "author": {"did": f"did:plc:a{author}", "handle": f"user{author}.test"},
        "record": record,
        "replyCount": 0,
        "likeCount": 1,
    }


class AppView(Loopback):
    """Serves `posts`; `gone_accounts` maps a DID to the error that its profile gives."""

    def __init__(self, posts: list[dict], deepest: int = 6) -> None:
        self.posts = {p["uri"]: p for p in posts}
        self.deepest = deepest
        self.gone: set[str] = set()
        self.gone_accounts: dict[str, str] = {}
        for p in posts:
            if (parent := p["record"].get("reply", {}).get("parent", {}).get("uri")) in self.posts:
                self.posts[parent]["replyCount"] += 1
        super().__init__(self._route)

    def _route(self, request: Request) -> Answer:
        method, query = request.path.rsplit(".", 1)[-1], request.query
        there = {u: p for u, p in self.posts.items() if u not in self.gone}
        if method in ("searchPosts", "getAuthorFeed"):
            some, following = numbered_pages(list(there.values()), int(query.get("cursor", 0)), int(query["limit"]))
            more = {"cursor": str(following)} if following else {}
            given = [{"post": p} for p in some] if method == "getAuthorFeed" else some
            return Answer({"feed" if method == "getAuthorFeed" else "posts": given, **more})
        if method == "getPosts":
            return Answer({"posts": [there[u] for u in query["uris"].split(",") if u in there]})
        if method == "getProfile":
            if error := self.gone_accounts.get(query["actor"]):
                return Answer({"error": error, "message": "gone"}, 400)
            return Answer({"did": query["actor"], "handle": "user.test"})
        if method == "getPostThread":
            if query["uri"] not in there:
                return Answer({"error": "NotFound", "message": "Post not found"}, 400)
            node = self._below(query["uri"], min(int(query["depth"]), self.deepest))
            return Answer({"thread": self._above(node, int(query["parentHeight"]))})
        return Answer({"error": "MethodNotImplemented"}, 501)

    def _below(self, at: str, depth: int) -> dict:
        node: dict = {"$type": "app.bsky.feed.defs#threadViewPost", "post": self.posts[at]}
        if depth:
            node["replies"] = [
                self._below(u, depth - 1)
                for u, p in self.posts.items()
                if u not in self.gone and p["record"].get("reply", {}).get("parent", {}).get("uri") == at
            ]
        return node

    def _above(self, node: dict, height: int) -> dict:
        last = node
        while height and (parent := last["post"]["record"].get("reply", {}).get("parent", {}).get("uri")):
            if parent not in self.posts or parent in self.gone:
                last["parent"] = {"$type": "app.bsky.feed.defs#notFoundPost", "uri": parent, "notFound": True}
                break
            last["parent"] = {"$type": "app.bsky.feed.defs#threadViewPost", "post": self.posts[parent]}
            last, height = last["parent"], height - 1
        return node
