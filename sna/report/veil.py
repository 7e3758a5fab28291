"""What a report shows of accounts and texts: everything, pseudonyms, or no text at all."""

from dataclasses import dataclass
from urllib.parse import quote

from sna.privacy.pseudonyms import Pseudonyms

# Longer texts are cut in a report; the post's link leads to the whole of it.
LONGEST = 280


@dataclass(frozen=True, slots=True)
class Veil:
    """How names and texts are shown: with `pseudonyms` in their place, and `with_text` or without."""

    pseudonyms: Pseudonyms | None = None
    with_text: bool = True

    def actor(self, source: object, native_id: object) -> str | None:
        """Return the id under which a report knows an account."""
        if native_id is None:
            return None
        if self.pseudonyms:
            return self.pseudonyms.of(str(source), str(native_id))
        # Percent-encoded, so that ids with hidden characters stay different when these are shown by their escapes.
        return quote(f"{source}:{native_id}", safe="/:@.~#+-_")

    def label(self, source: object, native_id: object, handle: object) -> str:
        """Return the name by which people know an account."""
        if self.pseudonyms and native_id is not None:
            return self.pseudonyms.of(str(source), str(native_id))
        return str(handle or native_id or "?")

    def post(self, source: object, native_id: object) -> str | None:
        """Return the id of a post."""
        if native_id is None:
            return None
        return self.pseudonyms.of("post", str(source), str(native_id)) if self.pseudonyms else str(native_id)

    def text(self, text: object) -> str | None:
        """Return what a post says, cut; None where texts are left out."""
        if text is None or not self.with_text:
            return None
        shown = self.pseudonyms.in_text(str(text)) if self.pseudonyms else str(text)
        return shown if shown is None or len(shown) <= LONGEST else shown[:LONGEST].rstrip() + "…"

    def link(self, link: object) -> str | None:
        """Return where the original is: a web address, or nothing where it would name the account."""
        if link is None or self.pseudonyms:
            return None
        return str(link) if str(link).lower().startswith(("https://", "http://")) else None

    def item(self, item: object) -> str:
        """Return a URL or hashtag."""
        return str(self.pseudonyms.in_link(str(item))) if self.pseudonyms else str(item)
