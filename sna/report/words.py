"""The catalogues of a report's words, one file per language."""

import tomllib
from importlib.resources import files

from sna.errors import UsageError
from sna.graphs.findings import GAPS

LANGUAGES = ("en", "fr")


def catalogue(lang: str) -> dict[str, str]:
    """Return a language's words by key; raises UsageError for a language without a catalogue."""
    if lang not in LANGUAGES:
        raise UsageError(f"there is no report in {lang!r}; one of {', '.join(LANGUAGES)}")
    text = (files("sna.report") / "lang" / f"{lang}.toml").read_text("utf-8")
    words = {
        f"{part}_{key}": str(value) for part, entries in tomllib.loads(text).items() for key, value in entries.items()
    }
    return {**{f"gap_{name}": sentence for name, sentence in GAPS.items()}, **words}
