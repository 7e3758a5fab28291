"""Mastodon's streams: server-sent events gathered into pages. https://docs.joinmastodon.org/methods/streaming/"""

import json
import queue
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sna.collectors.base import Page, ServiceError
from sna.collectors.pace import Pace
from sna.collectors.streams import END, next_batch

if TYPE_CHECKING:
    import mastodon as library
    import requests

PAGE_LINES = 10_000
QUIET = 300.0
EVENTS = frozenset({"update", "status.update", "delete"})


def stream_pages(client: "library.Mastodon", tag: str, server: str, pace: Pace, cursor: str | None) -> Iterator[Page]:
    """Yield the posts, edits and deletions of a stream, about a second's worth a page.

    The cursor is the number of the newest post. Raises ServiceError when the stream ends, to be taken up again.
    """
    import mastodon as library

    events: queue.Queue[bytes] = queue.Queue(maxsize=100_000)

    class Listener(library.StreamListener):
        """Takes the events as they come, broken ones as well, which end in the quarantine."""

        def handle_stream(self, response: "requests.Response") -> None:
            for unit in _units(response):
                events.put(unit)

    def listen() -> None:
        try:
            if tag:
                client.stream_hashtag(tag, Listener(), timeout=QUIET)
            else:
                client.stream_public(Listener(), timeout=QUIET)
        except (library.MastodonError, OSError):
            pass
        finally:
            events.put(END)

    threading.Thread(target=listen, daemon=True).start()
    try:
        while True:
            units, has_ended = next_batch(events, pace, PAGE_LINES)
            if units:
                cursor = _newest(units, cursor)
                request = f"STREAM {server}{f' #{tag}' if tag else ''}"
                yield Page(b"\n".join(units), request, cursor, tuple(units), origin=server)
            if has_ended:
                raise ServiceError(f"{server} ended the stream")
    finally:
        client.session.close()


def _units(response: "requests.Response") -> Iterator[bytes]:
    """Yield each event as a JSON object of its name and payload; one that is none comes as it is."""
    name, data = b"", bytearray()
    for line in response.iter_lines(chunk_size=512):
        if not line:
            if data and (not name or name.decode("utf-8", "replace") in EVENTS):
                yield _unit(name, bytes(data))
            name, data = b"", bytearray()
        elif line.startswith(b":"):
            continue
        elif line.startswith(b"event:"):
            name = line[6:].strip()
        elif line.startswith(b"data:"):
            data += (b"\n" if data else b"") + line[5:].removeprefix(b" ")
        else:
            yield bytes(line)
    if data:
        yield _unit(name, bytes(data))


def _unit(name: bytes, data: bytes) -> bytes:
    try:
        text = data.decode("utf-8")
        if name != b"delete":
            json.loads(text)
    except ValueError:
        return data
    return json.dumps({"event": name.decode("utf-8", "replace"), "payload": text.strip()}, ensure_ascii=False).encode()


def _newest(units: list[bytes], cursor: str | None) -> str | None:
    numbers = [cursor] if cursor else []
    for unit in units:
        try:
            event = json.loads(unit)
            if event["event"] == "update":
                numbers.append(str(json.loads(event["payload"])["id"]))
        except (ValueError, KeyError, TypeError):
            continue
    return max(numbers, key=lambda number: (len(number), number)) if numbers else None
