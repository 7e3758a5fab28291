"""For each source a stand-in with something to gather, and how it is gathered."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sna.collectors.base import Ask, What
from tests.servers import bluesky, mastodon, open311, reddit, x
from tests.servers.loopback import Loopback


@dataclass
class World:
    source: str
    server: Loopback
    what: What
    query: str
    posts: int
    settings: dict[str, str]
    secrets: dict[str, str] = field(default_factory=dict)

    def ask(self, **fields: object) -> Ask:
        return Ask(self.what, self.query, **fields)  # type: ignore[arg-type]


def x_world() -> World:
    posts = [x.post(1000, 1, 1000)]
    posts += [x.post(1000 + n, 1 + n % 7, 1000, 1000 + (n - 1) // 2) for n in range(1, 240)]
    server = x.XServer(posts)
    return World("x", server, What.SEARCH, "flood", 0, {"endpoint": server.address}, {"SNA_X_BEARER_TOKEN": x.TOKEN})


def bluesky_world() -> World:
    posts = [bluesky.post(0, 0)]
    for n in range(1, 230):
        posts.append(bluesky.post(n, n % 5, posts[(n - 1) // 3]["uri"]))
    server = bluesky.AppView(posts)
    return World("bluesky", server, What.SEARCH, "flood", 0, {"service": server.address})


def mastodon_world() -> World:
    statuses = [mastodon.status(1000, 1)]
    statuses += [mastodon.status(1000 + n, 1 + n % 6, 1000 + (n - 1) // 4) for n in range(1, 130)]
    server = mastodon.MastodonServer(statuses)
    return World("mastodon", server, What.HASHTAG, "flood", 0, {"instance": server.address})


def reddit_world() -> World:
    comments = [reddit.comment(0, "t3_top")]
    comments += [reddit.comment(n, f"t1_c{(n - 1) // 5}" if n > 4 else "t3_top") for n in range(1, 24)]
    server = reddit.RedditServer([reddit.submission("top", num_comments=24)], comments)
    secrets = {"SNA_REDDIT_CLIENT_ID": reddit.CLIENT_ID, "SNA_REDDIT_CLIENT_SECRET": reddit.CLIENT_SECRET}
    return World("reddit", server, What.THREAD, "t3_top", 0, {"endpoint": server.address}, secrets)


def open311_world() -> World:
    server = open311.Open311Server([open311.report(n) for n in range(133)], most=50)
    return World("open311", server, What.REPORTS, "", 0, {"endpoint": server.address})


WORLDS: dict[str, tuple[Callable[[], World], int]] = {
    "x": (x_world, 240),
    "bluesky": (bluesky_world, 230),
    "mastodon": (mastodon_world, 130),
    "reddit": (reddit_world, 25),
    "open311": (open311_world, 133),
}
