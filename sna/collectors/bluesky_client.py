"""A client for the AT Protocol that obeys the pace and keeps each answer's bytes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import httpx

from sna.collectors.base import ServiceError
from sna.collectors.pace import RETRIED, TIMEOUT, Pace, host_of, keep_libraries_quiet, refused, user_agent

if TYPE_CHECKING:
    pass


class XrpcError(Exception):
    """A service's own word that it does not give something: the protocol's error name."""

    def __init__(self, name: str, status: int) -> None:
        """Keep the name, such as NotFound, and the HTTP status."""
        super().__init__(name)
        self.name = name
        self.status = status


class PoliteTransport(httpx.BaseTransport):
    """Sends requests as `pace` allows, and again where trying again may help; keeps the last answer's bytes."""

    def __init__(self, pace: Pace) -> None:
        """Wrap the ordinary transport."""
        self.pace = pace
        self.body = b""
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer, read to its end."""
        host, attempt = request.url.host, 0
        request.headers["User-Agent"] = user_agent()
        while True:
            attempt += 1
            self.pace.before(host)
            try:
                response = self._inner.handle_request(request)
                raw = response.read()
            except (httpx.TransportError, httpx.StreamError) as error:
                is_late = isinstance(error, httpx.TimeoutException)
                self.pace.back_off(attempt, host, "did not answer in time" if is_late else "cut the connection")
                continue
            self.pace.after(host, response.headers)
            if response.status_code not in RETRIED:
                self.body = raw
                return response
            why = "asks to slow down" if response.status_code == 429 else f"answered {response.status_code}"
            self.pace.back_off(attempt, host, why, response.headers)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


class Xrpc:
    """Asks one service by the protocol's method names; logs in first when there is a name and an app password."""

    def __init__(self, address: str, secrets: Mapping[str, str], pace: Pace) -> None:
        """Prepare; no request is made yet."""
        from atproto import Client, Request

        keep_libraries_quiet()
        self.host = host_of(address)
        self._transport = PoliteTransport(pace)
        self._secrets = secrets
        self._client: Client = Client(
            base_url=address, request=Request(transport=self._transport, timeout=httpx.Timeout(TIMEOUT))
        )
        self._is_in = False

    def ask(self, method: str, parameters: Mapping[str, object]) -> tuple[dict[str, object], bytes, str]:
        """Return a query's answer as parsed JSON, its bytes, and what was asked.

        Raises XrpcError where the service names an error, InputError where it refuses the access, ServiceError
        where it does not answer as it should.
        """
        from atproto_client.exceptions import RequestErrorBase
        from atproto_client.models.dot_dict import DotDict

        self._log_in()
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            answer = self._client.invoke_query(method, params=DotDict(given), output_encoding="application/json")
        except RequestErrorBase as error:
            status = error.response.status_code if error.response else 0
            if status in (401, 403):
                raise refused(self.host, status, method) from None
            name = getattr(getattr(error.response, "content", None), "error", "") or ""
            raise XrpcError(str(name), status) from None
        content = answer.content
        if not isinstance(content, dict):
            raise ServiceError(f"{self.host} answered with something else than JSON; repeat the command")
        shown = "&".join(f"{name}={value}" for name, value in given.items())
        return content, self._transport.body, f"GET /xrpc/{method}?{shown}"

    def close(self) -> None:
        """Close the connections."""
        self._client.request.close()

    def _log_in(self) -> None:
        if self._is_in or not self._secrets.get("app-password"):
            return
        from atproto_client.exceptions import AtProtocolError

        try:
            self._client.login(self._secrets.get("handle", ""), self._secrets["app-password"])
        except AtProtocolError:
            raise refused(self.host, 401, "logging in") from None
        self._is_in = True
