"""The filtered stream of X: its rule set, and its lines gathered into pages."""

import json
import queue
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from sna.collectors.base import Page, ServiceError
from sna.collectors.pace import Pace, polite_session, refused, user_agent
from sna.collectors.streams import END, next_batch
from sna.errors import InputError

if TYPE_CHECKING:
    import requests

    # Sends one request of the API: method, route, and what else it carries.
    Asking = Callable[..., requests.Response]

TAG = "sna"
PAGE_LINES = 500
FIELDS = {
    "tweet_fields": "attachments,author_id,conversation_id,created_at,entities,geo,in_reply_to_user_id,lang,note_tweet,"
    "public_metrics,referenced_tweets,withheld",
    "expansions": "author_id,referenced_tweets.id,referenced_tweets.id.author_id,in_reply_to_user_id,"
    "entities.mentions.username,attachments.media_keys",
    "user_fields": "id,name,username,protected",
}


def stream_pages(
    ask: "Asking", token: str, reroute: Mapping[str, str], rule: str, pace: Pace, cursor: str | None
) -> Iterator[Page]:
    """Yield the posts that match `rule`, about a second's worth a page; the cursor is the newest post's id.

    Raises ServiceError when the stream ends, to be taken up again.
    """
    number = _set_rule(ask, rule)
    lines: queue.Queue[bytes] = queue.Queue(maxsize=100_000)
    stream = _listener(token, reroute, pace, lines)
    thread = stream.filter(threaded=True, **FIELDS)
    newest = cursor or "0"
    try:
        while True:
            batch, has_ended = next_batch(lines, pace, PAGE_LINES)
            ours = [line for line in batch if _matches(line, number)]
            if ours:
                newest = max([newest, *(_id_of(line) for line in ours)], key=int)
                yield Page(b"\n".join(ours), "GET /2/tweets/search/stream", newest, tuple(ours))
            if has_ended:
                raise stream.failure or ServiceError("X ended the stream")
    finally:
        stream.disconnect()
        stream.session.close()
        thread.join(timeout=1)


def _listener(token: str, reroute: Mapping[str, str], pace: Pace, lines: "queue.Queue[bytes]"):  # type: ignore[no-untyped-def]  # noqa: ANN202
    import tweepy

    class Listener(tweepy.StreamingClient):  # type: ignore[misc]
        """Puts each line of the stream into the queue, and END at its end."""

        failure: InputError | None = None

        def on_data(self, raw_data: bytes) -> None:
            lines.put(raw_data)

        def on_request_error(self, status_code: int) -> None:
            self.failure = refused("X", status_code, "the filtered stream")
            self.disconnect()

        def on_connection_error(self) -> None:
            self.disconnect()

        def on_exception(self, exception: Exception) -> None:
            # Also how a closed session shows; the end of the stream says enough.
            self.disconnect()

        def on_closed(self, response: object) -> None:
            self.disconnect()

        def on_disconnect(self) -> None:
            lines.put(END)

    listener = Listener(token, daemon=True, max_retries=0)
    listener.session = polite_session(pace, reroute)
    listener.user_agent = user_agent()
    return listener


def _set_rule(ask: "Asking", rule: str) -> str:
    """Make `rule` part of the rule set, unless it is; rules that others set stay. Returns its number."""
    route = "/2/tweets/search/stream/rules"
    found = ask("GET", route).json().get("data") or []
    for known in found:
        if known["value"] == rule:
            return str(known["id"])
    stale = [known["id"] for known in found if known.get("tag") == TAG]
    if stale:
        ask("POST", route, json={"delete": {"ids": stale}})
    made = ask("POST", route, json={"add": [{"value": rule, "tag": TAG}]}).json().get("data") or []
    if not made:
        raise refused("X", 400, "a rule for the stream")
    return str(made[0]["id"])


def _matches(line: bytes, rule: str) -> bool:
    try:
        return any(str(match.get("id")) == rule for match in json.loads(line).get("matching_rules", ()))
    except (ValueError, AttributeError):
        # What cannot be read goes to the quarantine, not overboard.
        return True


def _id_of(line: bytes) -> str:
    try:
        found = str(json.loads(line)["data"]["id"])
    except (ValueError, KeyError, TypeError):
        return "0"
    return found if found.isdigit() else "0"
