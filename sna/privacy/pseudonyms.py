"""Pseudonyms: HMAC-SHA256 (RFC 2104) of an account's source and id under the key of the case.

The same account has the same pseudonym in every export of the case, and another one in every other case. Handles go
out of texts, mentions and links too. GDPR art. 4(5): pseudonymised data are personal data still.
"""

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sna.store.opening import Store

LENGTH = 16
_NAME = re.compile(r"@([\w.-]*\w)(@[\w.-]*\w)?", re.ASCII)
_WORD = re.compile(r"\w+", re.ASCII)
# Where a link's path names its author: hosts of the sources, and the paths of federated servers.
_OWN_LINK = re.compile(
    r"^(?:https?://)?(?:[\w-]+\.)*(?:x|twitter|bsky|reddit|mastodon|facebook|instagram|tiktok|youtube|linkedin)"
    r"\.[a-z]+/|/@|/users/|^at://|did:",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Gives the pseudonyms of one case: of accounts, of post ids, and of whatever handles stand in a text."""

    key: bytes
    accounts: Mapping[str, str]

    def of(self, *parts: str) -> str:
        """Return the pseudonym of an account (its source and id) or of a post (the word `post`, source and id)."""
        prefix = "post_" if parts and parts[0] == "post" else "actor_"
        return prefix + self._digest("\x1f".join(parts))

    def in_text(self, text: str | None) -> str | None:
        """Return a text in which every handle, known or not, is a pseudonym."""
        if text is None:
            return None
        named = _NAME.sub(lambda match: "@" + self._of_handle(match[1]), text)
        return _WORD.sub(lambda match: self._known(match[0]), named)

    def in_link(self, link: str | None) -> str | None:
        """Return a link without the names in it; one that leads to an account or its post becomes a pseudonym."""
        if link is None:
            return None
        return "link_" + self._digest(link) if _OWN_LINK.search(link) else self.in_text(link)

    def all_of(self, texts: Iterable[str | None]) -> list[str | None]:
        """Return texts without handles."""
        return [self.in_text(text) for text in texts]

    def _known(self, word: str) -> str:
        return self.accounts.get(word.lower(), word)

    def _of_handle(self, handle: str) -> str:
        return self.accounts.get(handle.lower()) or "actor_" + self._digest(f"handle\x1f{handle.lower()}")

    def _digest(self, text: str) -> str:
        return hmac.digest(self.key, ("pseudonym\x1f" + text).encode(), "sha256").hex()[:LENGTH]


def pseudonyms_of(store: Store, key: bytes) -> Pseudonyms:
    """Return the pseudonyms of a case, which know every handle that its accounts ever bore."""
    plain = Pseudonyms(key, {})
    rows = store.rows(
        """SELECT DISTINCT lower(h.handle), a.source, a.native_id FROM actor_handle h JOIN actor a USING (actor)
           WHERE h.handle IS NOT NULL AND len(h.handle) > 2
           UNION SELECT lower(native_id), source, native_id FROM actor WHERE len(native_id) > 2
           ORDER BY 1, 2, 3"""
    )
    return Pseudonyms(key, {str(name).lstrip("@"): plain.of(str(source), str(own)) for name, source, own in rows})
