"""The posts that a report shows, each once: threads and evidence name them by their place."""

from datetime import datetime

from sna.report.veil import Veil


class PostTable:
    """Posts as the page wants them; `rows` are values that JSON can hold."""

    def __init__(self, veil: Veil) -> None:
        """Take how names and texts are shown."""
        self.rows: list[dict[str, object]] = []
        self._veil = veil
        self._places: dict[tuple[str, str], int] = {}

    def place(
        self,
        source: str,
        post: str,
        *,
        actor: object,
        handle: object,
        at: object,
        kind: str,
        text: object,
        link: object,
    ) -> int:
        """Return the place of a post, which is added unless it is there."""
        if (source, post) not in self._places:
            self._places[source, post] = len(self.rows)
            self.rows.append(
                {
                    "actor": self._veil.actor(source, actor),
                    "author": self._veil.label(source, actor, handle),
                    "at": stamp(at),
                    "kind": kind,
                    "text": self._veil.text(text),
                    "link": self._veil.link(link),
                }
            )
        return self._places[source, post]


def stamp(time: object) -> int | None:
    """Return a UTC time as milliseconds since 1970, None for what a browser's calendar does not hold."""
    if not isinstance(time, datetime):
        return None
    return round((time.replace(tzinfo=None) - datetime(1970, 1, 1)).total_seconds() * 1000)
