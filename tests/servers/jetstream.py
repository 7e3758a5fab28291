"""A stand-in for a Jetstream: replays lines from a cursor on, and can cut the connection."""

import json
import threading
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve


def event(number: int, did: str, kind: str = "commit", **fields: object) -> dict:
    return {"did": did, "time_us": 1_795_000_000_000_000 + number * 10_000_000, "kind": kind, **fields}


def post_event(number: int, did: str, text: str, key: str | None = None, **record: object) -> dict:
    commit = {
        "operation": "create",
        "collection": "app.bsky.feed.post",
        "rkey": key or f"k{number}",
        "record": {"createdAt": "2026-11-20T10:00:00.000Z", "text": text, **record},
    }
    return event(number, did, commit=commit)


def deletion(number: int, did: str, key: str) -> dict:
    return event(number, did, commit={"operation": "delete", "collection": "app.bsky.feed.post", "rkey": key})


class Jetstream:
    """Sends `lines` whose time is not before the cursor; `cut_after` ends each connection after so many."""

    def __init__(self, lines: list[dict | bytes], cut_after: int | None = None) -> None:
        self.lines, self.cut_after = lines, cut_after
        self.connections: list[dict[str, list[str]]] = []
        self.agents: list[str] = []
        self._server: Server = serve(self._send, "127.0.0.1", 0, compression=None)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/subscribe"

    def _send(self, connection: ServerConnection) -> None:
        query = parse_qs(urlsplit(connection.request.path).query)
        self.connections.append(query)
        self.agents.append(connection.request.headers.get("User-Agent", ""))
        cursor = int(query.get("cursor", ["0"])[0])
        sent = 0
        try:
            for line in self.lines:
                raw = line if isinstance(line, bytes) else json.dumps(line).encode()
                if not isinstance(line, bytes) and line["time_us"] < cursor:
                    continue
                connection.send(raw, text=True)
                sent += 1
                if self.cut_after and sent >= self.cut_after:
                    connection.socket.shutdown(2)
                    return
            connection.recv()
        except (ConnectionClosed, OSError):
            return

    def close(self) -> None:
        self._server.shutdown()
