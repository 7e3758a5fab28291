"""Tokens of social media: spaCy's rules for a language, with hashtags, mentions, emoji and links kept whole."""

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.language import Language

# The languages with rules of their own; texts in any other go through `xx`.
LANGUAGES = ("fr", "en", "es", "de", "it", "ar")
OTHER = "xx"

# One emoji as people see it: a flag, or a picture with its skin tones and what is joined to it.
# https://www.unicode.org/reports/tr51/#EBNF_and_Regex
_PICTURE = "[\U0001f000-\U0001faff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff][\ufe0f\U0001f3fb-\U0001f3ff]*"
EMOJI = f"(?:[\U0001f1e6-\U0001f1ff]{{2}}|{_PICTURE}(?:\u200d{_PICTURE})*)"
HASHTAG = r"[#\uff03]\w[\w\u200c\u200d]*"
MENTION = r"@\w+(?:[.\-]\w+)*(?:@[\w\-]+(?:\.[\w\-]+)+)?"
WHOLE = f"(?:{HASHTAG}|{MENTION}|{EMOJI})"


@cache
def tokenizer(language: str) -> "Language":
    """Return a blank pipeline for a language, one of LANGUAGES or OTHER; its tokens' norm is `fold` of their text."""
    # spaCy takes half a second to start, which commands without it should not pay.
    import spacy
    from spacy.attrs import NORM

    nlp = spacy.blank(language)
    nlp.vocab.lex_attr_getters[NORM] = fold
    keep_whole(nlp)
    return nlp


def keep_whole(nlp: "Language") -> None:
    """Let a pipeline's tokenizer keep hashtags, mentions and emoji whole; links it keeps anyway."""
    from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex

    defaults, rules = nlp.Defaults, nlp.tokenizer
    rules.token_match = re.compile(f"{WHOLE}$").match
    rules.prefix_search = compile_prefix_regex([WHOLE, *(defaults.prefixes or ())]).search
    rules.suffix_search = compile_suffix_regex([EMOJI, *(defaults.suffixes or ())]).search
    behind = [EMOJI, rf"(?<=['\u2019])(?:{HASHTAG}|{MENTION})", rf"(?<=\w){HASHTAG}"]
    rules.infix_finditer = compile_infix_regex([*behind, *(defaults.infixes or ())]).finditer


def fold(text: str) -> str:
    """Return text in lower case without accents, as rules compare it: people leave accents out."""
    plain = unicodedata.normalize("NFKD", text.replace("\u2019", "'").lower())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


# What a token can be besides a word; rules name these as <clock>, <number> and so on.
CLASSES: dict[str, Callable[[str], bool]] = {
    "clock": re.compile(r"\d{1,2}\s?[hH](?:\d\d)?|\d{1,2}:\d\d|\d{1,2}[.h]\d\d[hH]?|\d{1,2}(?:[ap]m|uhr)").fullmatch,  # type: ignore[dict-item]
    "number": re.compile(r"\d+(?:[.,\u202f\u00a0]\d+)*[kKmM]?").fullmatch,  # type: ignore[dict-item]
    "Capital": lambda text: text[:1].isupper() and text[:1].isalpha(),
    "hashtag": re.compile(HASHTAG).fullmatch,  # type: ignore[dict-item]
    "mention": re.compile(MENTION).fullmatch,  # type: ignore[dict-item]
    "url": re.compile(r"(?:https?://|www\.)\S+").fullmatch,  # type: ignore[dict-item]
    "end": re.compile(r"[.!?\u2026;\u061f\u061b\u3002]+|\s*\n\s*").fullmatch,  # type: ignore[dict-item]
}
