"""The catalogues of a report's words and of its methods, a file per language."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from sna.errors import UsageError
from sna.graphs.findings import GAPS

LANGUAGES = ("en", "fr")
# The register of methods is written in this one.
_REGISTER = "en"


def catalogue(lang: str) -> dict[str, str]:
    """Return a language's words by key; raises UsageError for a language without a catalogue."""
    if lang not in LANGUAGES:
        raise UsageError(f"there is no report in {lang!r}; one of {', '.join(LANGUAGES)}")
    words = {f"{part}_{key}": str(value) for part, entries in _read(lang).items() for key, value in entries.items()}
    return {**{f"gap_{name}": sentence for name, sentence in GAPS.items()}, **words}


def in_words_of(lang: str, methods: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the entries of the register of methods in a language; what its catalogue lacks stays in English."""
    if lang == _REGISTER:
        return methods
    own = _read(f"{lang}.methods")
    return [{**method, **own.get(str(method["name"]), {})} for method in methods]


def _read(name: str) -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads((files("sna.report") / "lang" / f"{name}.toml").read_text("utf-8"))
