"""Puts the content of a report into one HTML file that loads nothing and runs nothing but its own scripts."""

import base64
import hashlib
import json
from importlib.resources import files
from string import Template
from typing import Any

from sna.exports.style import OTHER, PALETTE
from sna.exports.text import for_html, for_script, visible
from sna.report.words import catalogue, in_words_of

_SCRIPTS = (
    "vendor/graphology.umd.min.js",
    "vendor/sigma.min.js",
    *("base.js", "state.js", "timeline.js", "view.js", "picture.js", "network.js", "evidence.js", "actors.js"),
    *("threads.js", "origins.js", "coordination.js", "places.js", "main.js"),
)
_STATIC = files("sna.report") / "static"


def write_page(content: dict[str, Any], lang: str) -> str:
    """Return the page of a report in a language; raises UsageError for a language without a catalogue.

    Its Content-Security-Policy names the hashes of its own scripts and style and allows nothing else: W3C, "Content
    Security Policy Level 3".
    """
    words = catalogue(lang)
    style = _read("style.css")
    scripts = [_script(name) for name in _SCRIPTS]
    outlines = json.loads(_read("vendor/countries-110m.json")) if content["places"]["spots"] else None
    colours = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in (*PALETTE, OTHER)]
    data = {"lang": lang, "words": words, "colours": colours, "outlines": outlines, **content}
    data["methods"] = in_words_of(lang, content["methods"])
    policy = (
        f"default-src 'none'; script-src {' '.join(map(_hash, scripts))}; style-src {_hash(style)}; img-src data: blob:"
    )
    return Template(_read("page.html")).substitute(
        {key: for_html(value) for key, value in words.items()},
        lang=lang,
        policy=policy,
        style=style,
        data=for_script(json.dumps(_visible(data), ensure_ascii=False, separators=(",", ":"))),
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )


def _visible(value: object) -> object:
    """Return a value of JSON with the hidden characters of its texts shown as their escapes."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible(name): _visible(part) for name, part in value.items()}
    return [_visible(part) for part in value] if isinstance(value, list | tuple) else value


def _script(name: str) -> str:
    text = _read(name).replace("</script", "<\\/script")
    # Sigma asks for WebGL as it loads, and fails aloud in a browser without it.
    return f'if (document.createElement("canvas").getContext("webgl2")) {{{text}\n}}' if "sigma" in name else text


def _read(name: str) -> str:
    return (_STATIC / name).read_text("utf-8").replace("\r\n", "\n")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
