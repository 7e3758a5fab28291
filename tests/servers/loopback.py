"""A small HTTP server on loopback that can be told to fail: overloaded, slow, cut off, talking nonsense."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


@dataclass
class Answer:
    body: object = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json"
    pieces: Iterator[bytes] | None = None

    def bytes(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


class Loopback:
    """Serves `answer(request)`; `faults` happen to the next requests, one each, before they are answered."""

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self.answer = answer
        self.faults: deque[str] = deque()
        self.requests: list[Request] = []
        self.before: Callable[[Request], None] = lambda request: None
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                parts = urlsplit(self.path)
                query = {n: ",".join(v) for n, v in parse_qs(parts.query, keep_blank_values=True).items()}
                headers = {n.lower(): v for n, v in self.headers.items()}
                request = Request(self.command, parts.path, query, headers, self.rfile.read(length))
                loopback.requests.append(request)
                loopback.before(request)
                is_faulty = bool(loopback.faults) and not request.path.endswith("access_token")
                fault = loopback.faults.popleft() if is_faulty else None
                try:
                    self.give(loopback.answer(request) if fault in (None, "cut") else _fault(fault), fault)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def give(self, answer: Answer, fault: str | None) -> None:
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.kind)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.pieces is not None:
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    for piece in answer.pieces:
                        self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                        self.wfile.flush()
                    # Without the last chunk the stream is cut, not ended.
                    self.close_connection = True
                    return
                body = answer.bytes()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if fault == "cut" else body)
                self.close_connection |= fault == "cut"

            do_GET = do_POST = do_PUT = serve  # noqa: N815

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _fault(name: str | None) -> Answer:
    if name == "429":
        reset = str(int(time.time()) + 1)
        limit = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": reset}
        return Answer({"title": "Too Many Requests", "detail": "Too Many Requests", "status": 429}, 429, limit)
    if name == "slow":
        time.sleep(1.5)
        return Answer({"late": True})
    if name == "garbage":
        return Answer(b"<html>busy</html>", kind="text/html")
    return Answer({"title": "Service Unavailable"}, int(name or 503))


def numbered_pages(items: list, start: int, size: int) -> tuple[list, int | None]:
    """Return one page of a list and where the next one starts."""
    end = start + size
    return items[start:end], end if end < len(items) else None
