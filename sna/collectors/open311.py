"""Citizen reports by Open311 GeoReport v2: a city's services and requests, paged by time, JSON or XML.

http://wiki.open311.org/GeoReport_v2/
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from sna.collectors.base import About, Absence, Ask, Gap, Page, Preview, Secret, ServiceError, Setting, What
from sna.collectors.pace import Pace, checked_address, polite_session, refused
from sna.collectors.registry import need
from sna.errors import UsageError

if TYPE_CHECKING:
    import requests

# The standard lets an answer hold 90 days or 1,000 requests, whichever is less.
MOST_DAYS, MOST_REQUESTS, ROUND = 90, 1000, 50
SHORTEST = timedelta(minutes=1)


class Open311:
    """Gathers service requests from a city's GeoReport endpoint."""

    about: ClassVar[About] = About(
        name="open311",
        title="Open311",
        can={
            What.REPORTS: "codes of services, by commas; empty for all",
            What.LOOKUP: "ids of requests",
            What.DELETIONS: "nothing: the case's reports are looked up",
        },
        limits="as the headers of each answer say; an answer holds 90 days or 1,000 requests at most: time is cut",
        settings=(
            Setting("endpoint", "the address up to the version: https://city.example/open311/v2"),
            Setting("jurisdiction", "the jurisdiction_id, where the endpoint serves several"),
            Setting("form", "json or xml", "json"),
            Setting("timezone", "the zone of times that carry none, such as Europe/Paris"),
        ),
        secrets=(Secret("api-key", "SNA_OPEN311_API_KEY", "an API key", required=False),),
        extra="open311",
        specification="http://wiki.open311.org/GeoReport_v2/",
        no_query=frozenset({What.REPORTS, What.DELETIONS}),
    )

    def __init__(self, settings: Mapping[str, str], secrets: Mapping[str, str], pace: Pace) -> None:
        """Prepare; raises UsageError without an endpoint."""
        need("requests", "open311")
        need("defusedxml", "open311")
        if not settings.get("endpoint"):
            raise UsageError("say which city to ask: --endpoint https://.../v2")
        self.address = checked_address(settings["endpoint"])
        self.origin = urlsplit(self.address).netloc
        self.form = settings.get("form", "json")
        if self.form not in ("json", "xml"):
            raise UsageError("--form is json or xml")
        self.timezone = settings.get("timezone")
        jurisdiction = settings.get("jurisdiction")
        self._always = {"jurisdiction_id": jurisdiction} if jurisdiction else {}
        self.session = polite_session(pace)
        if secrets.get("api-key"):
            # A key in the address would end in logs; endpoints take it as a header as well.
            self.session.headers["X-Api-Key"] = secrets["api-key"]

    def pages(self, ask: Ask, cursor: str | None = None) -> Iterator[Page]:
        """Yield the answers to `ask`; see base.Collector."""
        if ask.what is What.REPORTS:
            yield from self._reports(ask, cursor)
        elif ask.what in (What.LOOKUP, What.DELETIONS):
            yield from self._lookup(ask, int(cursor or 0))
        else:
            raise UsageError(f"Open311 cannot be asked for {ask.what}")

    def close(self) -> None:
        """Let go of connections."""
        self.session.close()

    def preview(self, ask: Ask) -> Preview:
        """Return the services that the endpoint offers; it does not count its requests."""
        rows = self._read(self._get("services", {}), "service")
        names = ("service_code", "service_name", "group")
        return Preview(tuple({name: row.get(name) for name in names} for row in rows))

    def _reports(self, ask: Ask, cursor: str | None) -> Iterator[Page]:
        """Ask window by window, from the earliest on; a window with a full answer is halved and asked again."""
        # A cursor holds the window that is left and the length of the next one: so a pause changes no window.
        if cursor:
            begin, finish, length = cursor.split()
            start, until = datetime.fromisoformat(begin), datetime.fromisoformat(finish)
            span = timedelta(seconds=float(length))
        else:
            until = ask.until or datetime.now(UTC).replace(tzinfo=None, microsecond=0)
            start, span = ask.since or until - timedelta(days=MOST_DAYS), timedelta(days=MOST_DAYS)
        while start < until and not ask.budget.is_used_up:
            end = min(start + span, until)
            window = {"start_date": _time(start), "end_date": _time(end)}
            answer = self._get("requests", {**window, "service_code": ask.query.replace(" ", "") or None})
            rows = self._read(answer, "request")
            # A full answer, or a suspiciously round one, may hide the rest.
            if rows and (len(rows) >= MOST_REQUESTS or len(rows) % ROUND == 0) and end - start > SHORTEST:
                span = (end - start) / 2
                continue
            start, span = end, min(span * 2, timedelta(days=MOST_DAYS))
            left = f"{start.isoformat()} {until.isoformat()} {span.total_seconds()}" if start < until else None
            yield self._page(answer, rows, left)

    def _lookup(self, ask: Ask, start: int) -> Iterator[Page]:
        ids = ask.ids or tuple(ask.query.split())
        for number in range(start, len(ids)):
            if ask.budget.is_used_up:
                return
            cursor = str(number + 1) if number + 1 < len(ids) else None
            name, _, origin = ids[number].partition("@")
            if origin not in ("", self.origin):
                yield Page(b"", f"requests/{name}", cursor, absences=(Absence(ids[number], Gap.OUT_OF_REACH),))
                continue
            answer = self._get(f"requests/{_word(name)}", {}, may_be_absent=True)
            rows = self._read(answer, "request") if answer.ok else []
            absent = () if rows else (Absence(ids[number], Gap.NOT_FOUND),)
            is_check = ask.what is What.DELETIONS
            page = self._page(answer, rows, cursor)
            yield replace(page, deletions=absent if is_check else (), absences=() if is_check else absent)

    def _get(self, path: str, parameters: Mapping[str, object], *, may_be_absent: bool = False) -> "requests.Response":
        given = {name: value for name, value in {**self._always, **parameters}.items() if value is not None}
        answer = self.session.get(f"{self.address}/{path}.{self.form}", params=given)  # type: ignore[arg-type]
        if not answer.ok and not (may_be_absent and answer.status_code in (404, 410)):
            raise refused(self.origin, answer.status_code, path.split("/")[0])
        return answer

    def _read(self, answer: "requests.Response", item: str) -> list[dict[str, Any]]:
        try:
            content = json.loads(answer.content) if self.form == "json" else _from_xml(answer.content, item)
        except ValueError:
            raise ServiceError(
                f"{self.origin} answered with something else than {self.form}; repeat or set --form"
            ) from None
        if isinstance(content, dict):
            content = next((value for value in content.values() if isinstance(value, list)), [content])
        return [row for row in content if isinstance(row, dict)]

    def _page(self, answer: "requests.Response", rows: list[dict[str, Any]], cursor: str | None) -> Page:
        units = tuple(json.dumps(row, ensure_ascii=False).encode() for row in rows) or (b"[]",)
        request = f"GET {answer.request.path_url}"
        return Page(answer.content, request, cursor, units, origin=self.origin, timezone=self.timezone)


def _from_xml(body: bytes, item: str) -> list[dict[str, str | None]]:
    """Return the elements named `item` as dictionaries; raises ValueError for what is no such document."""
    import defusedxml.ElementTree as Tree
    from defusedxml import DefusedXmlException

    try:
        root = Tree.fromstring(body)
    except (Tree.ParseError, DefusedXmlException) as error:
        raise ValueError("not XML") from error
    return [{child.tag: child.text for child in element} for element in root.iter(item)]


def _time(time: datetime) -> str:
    return time.replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _word(text: str) -> str:
    if not text.replace("-", "").replace("_", "").isalnum():
        raise UsageError("ids of requests are of letters, digits, - and _")
    return text
