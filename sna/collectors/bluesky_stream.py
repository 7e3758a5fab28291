"""Bluesky's streams: Jetstream lines as they come, and the firehose turned into such lines.

https://github.com/bluesky-social/jetstream and https://atproto.com/specs/sync (com.atproto.sync.subscribeRepos)
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from sna.collectors.base import Page, ServiceError
from sna.collectors.pace import Pace, host_of, user_agent
from sna.collectors.streams import PAGE_SECONDS
from sna.errors import UsageError

COLLECTIONS = ("app.bsky.feed.post", "app.bsky.feed.repost")
PAGE_LINES = 100_000
MOST_WAITING = 300_000
MAX_MESSAGE = 32 * 1024 * 1024
QUIET = 60.0
# A Jetstream's clock position is taken up a little earlier, for events that were on their way.
OVERLAP_US = 5_000_000


def stream_pages(address: str, query: str, pace: Pace, cursor: str | None) -> Iterator[Page]:
    """Yield the stream's events, about a second's worth a page, those that match `query` to be kept.

    The cursor is the position of the last event. Raises ServiceError when the stream ends, to be taken up again.
    """
    words = query.split()
    dids = [word for word in words if word.startswith("did:")]
    terms = _alternatives([word for word in words if not word.startswith("did:")])
    wire = _wire_of(address)
    with _Listener(_connect(address, wire, dids, cursor), host_of(address)) as listener:
        while True:
            frames = listener.next_batch(pace)
            units = _from_firehose(frames, dids) if wire == "firehose" else frames
            if frames:
                cursor = _position(frames[-1], wire) or cursor
                yield Page(
                    b"\n".join(units),
                    f"SUBSCRIBE {host_of(address)} {wire}",
                    cursor,
                    tuple(units) or (b"[]",),
                    is_selective=bool(terms or dids),
                    terms=terms,
                )
            if listener.has_ended:
                raise ServiceError(f"{host_of(address)} ended the stream")


class _Listener:
    """Reads frames in a thread of its own, so that the service never waits for the store."""

    def __init__(self, connecting: AbstractContextManager[Any], host: str) -> None:
        self._connecting, self._host = connecting, host
        self._open = ExitStack()
        self._connection: Any = None
        self._frames: list[bytes] = []
        self._has_room = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self.has_ended = False

    def __enter__(self) -> "_Listener":
        from websockets.exceptions import WebSocketException

        try:
            self._connection = self._open.enter_context(self._connecting)
        except (OSError, WebSocketException) as error:
            raise ServiceError(f"{self._host} cannot be reached ({type(error).__name__})") from None
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.has_ended = True
        self._open.close()
        with self._has_room:
            self._has_room.notify_all()
        self._thread.join(timeout=2)

    def next_batch(self, pace: Pace) -> list[bytes]:
        end = time.monotonic() + PAGE_SECONDS
        while time.monotonic() < end and len(self._frames) < PAGE_LINES and not self.has_ended:
            pace.wait(0.02, "")
        with self._has_room:
            batch, self._frames = self._frames[:PAGE_LINES], self._frames[PAGE_LINES:]
            self._has_room.notify_all()
        # What came before the end is given first.
        self.has_ended = self.has_ended and not self._frames
        return batch

    def _read(self) -> None:
        from websockets.exceptions import WebSocketException

        try:
            while not self.has_ended:
                frame = self._connection.recv(QUIET, decode=False)
                # Under the lock: a frame that came while a batch is cut off would be lost.
                with self._has_room:
                    self._frames.append(bytes(frame))
                    if len(self._frames) > MOST_WAITING:
                        self._has_room.wait_for(lambda: len(self._frames) <= MOST_WAITING or self.has_ended)
        except (OSError, WebSocketException):
            pass
        finally:
            self.has_ended = True


def _connect(address: str, wire: str, dids: list[str], cursor: str | None) -> AbstractContextManager[Any]:
    from websockets.sync.client import connect
    from websockets.typing import Subprotocol

    names = {
        "jetstream": {"wantedCollections": COLLECTIONS, "wantedDids": dids},
        "jetstream 2": {"collections": COLLECTIONS, "dids": dids},
        "firehose": {},
    }[wire]
    given: dict[str, object] = {name: values for name, values in names.items() if values}
    if cursor is not None:
        given["cursor"] = int(cursor) - OVERLAP_US if wire == "jetstream" else cursor
    query = f"?{urlencode(given, doseq=True)}" if given else ""
    found: AbstractContextManager[Any] = connect(
        address + query,
        max_size=MAX_MESSAGE,
        max_queue=1024,
        compression=None,
        user_agent_header=user_agent(),
        subprotocols=[Subprotocol("xrpc.v1.json")] if wire == "jetstream 2" else None,
        close_timeout=0.2,
    )
    return found


def _wire_of(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise UsageError(f"{address!r} is no address of a stream; give wss://HOST/subscribe")
    if parts.path.endswith("subscribeRepos"):
        return "firehose"
    return "jetstream 2" if parts.path.endswith("subscribeEvents") else "jetstream"


def _alternatives(words: list[str]) -> tuple[tuple[str, ...], ...]:
    groups: list[list[str]] = [[]]
    for word in words:
        if word == "OR":
            groups.append([])
        else:
            groups[-1].append(word.lower())
    return tuple(tuple(group) for group in groups if group)


def _position(frame: bytes, wire: str) -> str | None:
    if wire == "firehose":
        decoded = _decoded(frame)
        return str(decoded[1]["seq"]) if decoded and "seq" in decoded[1] else None
    try:
        event = json.loads(frame)
    except ValueError:
        return None
    found = event.get("time_us") if wire == "jetstream" else event.get("payload", {}).get("seq")
    return None if found is None else str(found)


def _from_firehose(frames: list[bytes], dids: list[str]) -> list[bytes]:
    """Return the events of firehose frames as Jetstream lines."""
    lines: list[dict[str, object] | bytes] = []
    for frame in frames:
        decoded = _decoded(frame)
        if decoded is None:
            # To the quarantine, where its hash is kept.
            lines.append(frame)
            continue
        header, body = decoded
        did = body.get("repo") or body.get("did")
        if dids and did not in dids:
            continue
        kind = str(header.get("t", "")).removeprefix("#")
        base = {"did": did, "time_us": _microseconds(body.get("time")), "kind": kind}
        if kind == "commit":
            lines += [{**base, "commit": commit} for commit in _commits(body)]
        elif kind in ("account", "identity"):
            lines.append({**base, kind: {name: value for name, value in body.items() if not isinstance(value, bytes)}})
    return [line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode() for line in lines]


def _decoded(frame: bytes) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return a frame's header and body; None for one that cannot be decoded. An error frame ends the stream."""
    from atproto_core.cbor import decode_dag_multi

    try:
        header, body = decode_dag_multi(frame)
    except ValueError:
        return None
    if not isinstance(header, dict) or not isinstance(body, dict):
        return None
    if header.get("op") == -1:
        raise ServiceError(f"the firehose ended with {str(body.get('error', 'an error'))[:60]!r}")
    return header, body


def _commits(body: dict[str, Any]) -> Iterator[dict[str, object]]:
    import libipld

    wanted = [op for op in body.get("ops", ()) if op["path"].split("/")[0] in COLLECTIONS]
    blocks = libipld.decode_car(body["blocks"])[1] if wanted and body.get("blocks") else {}
    for op in wanted:
        collection, _, key = op["path"].partition("/")
        commit: dict[str, object] = {"operation": op["action"], "collection": collection, "rkey": key}
        if op.get("cid") is not None:
            commit["record"] = _as_json(blocks.get(bytes(op["cid"]), {}))
        yield commit


def _as_json(value: Any) -> Any:  # noqa: ANN401
    """Return a decoded record as JSON knows it: links as text, other bytes left out."""
    import libipld

    if isinstance(value, dict):
        return {name: _as_json(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_as_json(inner) for inner in value]
    if isinstance(value, bytes):
        try:
            return {"$link": libipld.encode_cid(value)}
        except ValueError:
            return None
    return value


def _microseconds(time_text: str | None) -> int | None:
    return None if time_text is None else int(datetime.fromisoformat(time_text).timestamp() * 1e6)
