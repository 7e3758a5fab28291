"""Politeness: rate limits obeyed, back-off with a cap, a User-Agent that names the tool; for every collector."""

import email.utils
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sna.collectors.base import ServiceError, StoppedError
from sna.errors import InputError, UsageError

if TYPE_CHECKING:
    import requests

RETRIED = frozenset({408, 420, 429, 500, 502, 503, 504, 520, 522, 524})
TRIES = 6
FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0
LONGEST_LIMIT = 3600.0
TIMEOUT = 30.0


def user_agent() -> str:
    """Return how sna names itself to a service."""
    from sna import __version__

    return f"sna/{__version__} (collects public posts for research)"


def no_note(_: str) -> None:
    """Take a note and do nothing with it."""


@dataclass(slots=True)
class Pace:
    """How fast a run may go: waits as services ask, tells through `note` why, and ends a wait when `stop` is set."""

    note: Callable[[str], None] = no_note
    stop: threading.Event = field(default_factory=threading.Event)
    tries: int = TRIES
    first_wait: float = FIRST_WAIT
    _not_before: dict[str, float] = field(default_factory=dict)

    def wait(self, seconds: float, why: str) -> None:
        """Wait, telling why; raises StoppedError when the run is asked to stop meanwhile."""
        if seconds >= 1:
            until = datetime.fromtimestamp(time.time() + seconds).strftime("%H:%M:%S")
            self.note(f"waiting until {until}: {why}")
        if seconds > 0 and self.stop.wait(seconds):
            raise StoppedError
        if self.stop.is_set():
            raise StoppedError

    def before(self, host: str) -> None:
        """Wait until the host's window is open again, where its last answer said that nothing is left."""
        left = self._not_before.pop(host, 0.0) - time.time()
        if left > 0:
            self.wait(left, f"the rate limit of {host}")

    def after(self, host: str, headers: Mapping[str, str]) -> None:
        """Note what an answer says about the limit."""
        remaining, reset = _limit(headers)
        if remaining is not None and remaining <= 0 and reset is not None:
            self._not_before[host] = time.time() + min(max(reset, 0.0), LONGEST_LIMIT)

    def back_off(self, attempt: int, host: str, why: str, headers: Mapping[str, str] | None = None) -> None:
        """Wait before try `attempt` + 1: as long as the service says, else doubling up to a cap.

        Raises ServiceError when there have been enough tries, or when the service closes for more than an hour.
        """
        if attempt >= self.tries:
            raise ServiceError(f"{host} {why} {attempt} times; repeat the command later, it goes on from there")
        told = _told_wait(headers or {})
        if told is not None and told > LONGEST_LIMIT:
            raise ServiceError(f"{host} is closed for {told / 3600:.1f} hours; repeat the command after that")
        doubled = min(self.first_wait * 2 ** (attempt - 1), LONGEST_WAIT)
        self.wait(told if told is not None else doubled * random.uniform(0.8, 1.2), f"{host} {why}")  # noqa: S311


def polite_session(pace: Pace, reroute: Mapping[str, str] | None = None) -> "requests.Session":
    """Return a requests session that obeys `pace` on every request.

    `reroute` maps the beginning of an address to another, for a gateway or a stand-in.
    """
    import requests
    from requests.adapters import HTTPAdapter

    keep_libraries_quiet()

    class PoliteAdapter(HTTPAdapter):
        def send(self, request: requests.PreparedRequest, **options: object) -> requests.Response:  # type: ignore[override]
            # The name of the tool is said, whatever name the library gives itself.
            request.headers["User-Agent"] = f"{user_agent()} {request.headers.get('User-Agent', '')}".strip()
            for old, new in (reroute or {}).items():
                if request.url and request.url.startswith(old):
                    request.url = new + request.url.removeprefix(old)
            if not options.get("stream"):
                options["timeout"] = TIMEOUT
            return _send_politely(pace, request, lambda: super(PoliteAdapter, self).send(request, **options), options)  # type: ignore[arg-type]

    session = requests.Session()
    session.mount("https://", PoliteAdapter())
    session.mount("http://", PoliteAdapter())
    return session


def keep_libraries_quiet() -> None:
    """Keep the libraries of the sources from logging requests, whatever logging a program sets up.

    Some of them write headers, and with them secrets, and whole answers.
    """
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


_TALKATIVE = ("tweepy", "prawcore", "urllib3", "httpx", "httpcore", "websockets", "requests_oauthlib", "filelock")


def _send_politely(
    pace: Pace,
    request: "requests.PreparedRequest",
    send: Callable[[], "requests.Response"],
    options: Mapping[str, object],
) -> "requests.Response":
    import requests

    host = host_of(request.url or "")
    attempt = 0
    while True:
        attempt += 1
        pace.before(host)
        try:
            response = send()
            if not options.get("stream"):
                # Read here, so that an answer that breaks off is asked for again.
                _ = response.content
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            why = "did not answer in time" if isinstance(error, requests.Timeout) else "cut the connection"
            pace.back_off(attempt, host, why)
            continue
        pace.after(host, response.headers)
        if response.status_code not in RETRIED:
            return response
        why = "asks to slow down" if response.status_code in (420, 429) else f"answered {response.status_code}"
        pace.back_off(attempt, host, why, response.headers)


def cause_of(error: BaseException) -> ServiceError | StoppedError | None:
    """Return the failure or the stop of ours that a library wrapped into an error of its own."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, ServiceError | StoppedError):
            return inner
        inner = getattr(inner, "original_exception", None) or inner.__cause__ or inner.__context__
    return None


def host_of(address: str) -> str:
    """Return the host of an address, for messages."""
    return urlsplit(address).hostname or address


def checked_address(text: str) -> str:
    """Return the address of a service without a slash at its end.

    Raises UsageError unless it is https, or http on this machine: secrets must not travel in clear.
    """
    address = (text if "://" in text else f"https://{text}").rstrip("/")
    parts = urlsplit(address)
    is_here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or parts.username or not (parts.scheme == "https" or (parts.scheme == "http" and is_here)):
        raise UsageError(f"{text!r} is no address of a service; give https://HOST")
    return address


def refused(host: str, status: int, about: str) -> InputError:
    """Return the error for an answer that no repetition will better; `about` says what was asked, without names."""
    hints = {
        400: "does not understand the query; check it",
        401: "does not accept the secret; set it again with `sna secrets set`",
        403: "does not allow this with the given access",
        404: "does not know it",
        410: "does not offer this any more",
        451: "withholds it for legal reasons",
    }
    return InputError(f"{host} {hints.get(status, f'answered {status}')} ({about})")


def _limit(headers: Mapping[str, str]) -> tuple[float | None, float | None]:
    """Return (requests left, seconds until there are more) as an answer's headers tell, None where they do not."""
    lower = {name.lower(): value for name, value in headers.items()}
    left = next((lower[n] for n in _REMAINING if n in lower), None)
    reset = next((lower[n] for n in _RESET if n in lower), None)
    try:
        return (None if left is None else float(left)), (None if reset is None else _seconds_until(reset))
    except ValueError:
        return None, None


_REMAINING = ("x-rate-limit-remaining", "x-ratelimit-remaining", "ratelimit-remaining")
_RESET = ("x-rate-limit-reset", "x-ratelimit-reset", "ratelimit-reset")
_EPOCH_FROM = 1e9


def _seconds_until(text: str) -> float:
    """Return the seconds until a time that is written as an epoch, as ISO 8601 or as a number of seconds."""
    try:
        number = float(text)
    except ValueError:
        time_then = datetime.fromisoformat(text)
        return (time_then if time_then.tzinfo else time_then.replace(tzinfo=UTC)).timestamp() - time.time()
    return number - time.time() if number >= _EPOCH_FROM else number


def _told_wait(headers: Mapping[str, str]) -> float | None:
    lower = {name.lower(): value for name, value in headers.items()}
    after = lower.get("retry-after")
    if after is not None:
        try:
            return max(float(after), 0.0)
        except ValueError:
            when = email.utils.parsedate_tz(after)
            return max(email.utils.mktime_tz(when) - time.time(), 0.0) if when else None
    remaining, reset = _limit(lower)
    # A second more than told: clocks differ, and a window that is still closed counts against the client.
    return None if reset is None or (remaining or 0) > 0 else max(reset, 0.0) + 1
