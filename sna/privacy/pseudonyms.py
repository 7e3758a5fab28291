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
# What leads to an account or a post by itself: web addresses, and the identifiers of Bluesky.
_ADDRESS = re.compile(r"https?://\S*\w/?|at://\S*\w|did:[a-z]+:[\w.:%-]*\w", re.IGNORECASE)
# @name, @name@host, name@host, u/name; the host of an address in a text falls with its name.
_WORDS = r"\w+(?:[.-]+\w+)*"
_NAMED = re.compile(rf"(?<!\w)(?:(@|/?u/)([\w.-]*\w(?:@{_WORDS})?)|({_WORDS}(?:@{_WORDS})?))")
_PIECES = re.compile(r"([.@-]+)")
# Of a name of more pieces than this each is looked for by itself.
_MOST_PIECES = 25
# Where a link's path names its author: hosts of the sources and others like them, and the paths of federated servers.
_OWN_LINK = re.compile(
    r"^(?:https?://)?(?:[\w-]+\.)*(?:x|t(?=\.me)|twitter|nitter|bsky|reddit|mastodon|facebook|instagram|threads|tiktok|youtube"
    r"|linkedin|telegram|tumblr|medium|substack|vk|weibo|pinterest|snapchat|discord)(?:\.[a-z]+)+(?:[/?#]|$)"
    r"|/@|/(?:users?|u|profile|status|channel|author)/|^at://|did:",
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
        """Return a text in which addresses lead nowhere, and every handle, known or not, is a pseudonym."""
        if text is None:
            return None
        parts, at = [], 0
        for address in _ADDRESS.finditer(text):
            parts += [self._without_names(text[at : address.start()]), str(self.in_link(address[0]))]
            at = address.end()
        return "".join([*parts, self._without_names(text[at:])])

    def in_link(self, link: str | None) -> str | None:
        """Return a link without the names in it; one that leads to an account or its post becomes a pseudonym."""
        if link is None:
            return None
        return "link_" + self._digest(link) if _OWN_LINK.search(link) else self._without_names(link)

    def all_of(self, texts: Iterable[str | None]) -> list[str | None]:
        """Return texts without handles."""
        return [self.in_text(text) for text in texts]

    def _without_names(self, text: str) -> str:
        return _NAMED.sub(self._renamed, text)

    def _renamed(self, found: re.Match[str]) -> str:
        sign, name = found[1] or "", found[2] or found[3]
        if sign or "@" in name:
            return sign + self._of_handle(name)
        return self._known(name)

    def _known(self, name: str) -> str:
        """Return a name, or what in it is a known one, the longest first, as a pseudonym."""
        pieces = _PIECES.split(name)
        if len(pieces) == 1 or name.lower() in self.accounts:
            return self.accounts.get(name.lower(), name)
        if len(pieces) > _MOST_PIECES:
            return "".join(self.accounts.get(piece.lower(), piece) for piece in pieces)
        for long in range(len(pieces) - 2, 0, -2):
            for start in range(0, len(pieces) - long + 1, 2):
                own = self.accounts.get("".join(pieces[start : start + long]).lower())
                if own:
                    before, after = "".join(pieces[:start]), "".join(pieces[start + long :])
                    return self._known(before) + own + self._known(after)
        return name

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
