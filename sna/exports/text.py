"""The one way out for text: each medium has its function that makes whatever a post contains inert.

Control characters, and those that turn the direction of text or hide in it, are shown as their escapes in
every medium, so that a reader sees them and no program obeys them.
"""

import re

import polars as pl
from rich.cells import cell_len, chop_cells

# Format characters that reorder, hide or annotate; joiners inside emoji and scripts that need them stay.
_HIDDEN = (
    *range(0x09),
    0x0B,
    0x0C,
    *range(0x0E, 0x20),
    *range(0x7F, 0xA0),
    0xAD,
    0x061C,
    0x180E,
    0x200B,
    0x200E,
    0x200F,
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    *range(0xFFF9, 0xFFFC),
    0xFFFE,
    0xFFFF,
)
_ESCAPES = {chr(code): f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in _HIDDEN}
_HIDDEN_CLASS = "[" + "".join(f"\\x{{{code:x}}}" for code in _HIDDEN) + "]"
_HIDDEN_RE = re.compile("[" + "".join(re.escape(char) for char in _ESCAPES) + "\ud800-\udfff]")
_XML_CLASS = '[&<>"\t\n\r]'
_XML_ENTITIES = (
    ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("\t", "&#9;"), ("\n", "&#10;"), ("\r", "&#13;"),
)  # fmt: skip
_FORMULA_START = r"^[\s\u{feff}]*[=+\-@\t\r|%]"


def for_terminal(text: str | None, width: int | None = None) -> str:
    """Return one line of plain text, cut to `width` columns; an absent text is an em dash."""
    if text is None:
        return "—"
    line = _HIDDEN_RE.sub(_escape, " ".join(text.split()))
    return line if width is None else _cut(line, width)


def for_html(text: str | None) -> str:
    """Return text for an HTML element or a quoted attribute."""
    shown = visible(text or "")
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        shown = shown.replace(char, entity)
    return shown


def for_xml(text: pl.Series) -> pl.Series:
    """Return a text column for XML 1.0 attributes: escaped, and without what XML cannot hold."""
    # Most columns have nothing to escape, and to see that is much quicker than to escape nothing.
    if text.str.contains(_HIDDEN_CLASS).any():
        text = text.str.replace_many(list(_ESCAPES), list(_ESCAPES.values()))
    if text.str.contains(_XML_CLASS).any():
        for char, entity in _XML_ENTITIES:
            text = text.str.replace_all(char, entity, literal=True)
    return text


def for_csv(column: pl.Expr) -> pl.Expr:
    """Return the column as text that no spreadsheet takes for a formula (a leading apostrophe guards it).

    OWASP, "CSV Injection": a cell must not start with = + - @, a tab or a line break.
    """
    visible = without_hidden(column)
    return pl.when(visible.str.contains(_FORMULA_START)).then("'" + visible).otherwise(visible)


def visible(text: str) -> str:
    """Return text with hidden and control characters written as their escapes; line breaks stay."""
    return _HIDDEN_RE.sub(_escape, text)


def for_script(json_text: str) -> str:
    """Return JSON text that is safe inside an HTML script element and shows hidden characters."""
    for char in "<>&":
        json_text = json_text.replace(char, f"\\u{ord(char):04x}")
    return json_text


def without_hidden(column: pl.Expr) -> pl.Expr:
    """Return the column with hidden and control characters written as their escapes."""
    escaped = column.str.replace_many(list(_ESCAPES), list(_ESCAPES.values()))
    return pl.when(column.str.contains(_HIDDEN_CLASS)).then(escaped).otherwise(column)


def _escape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0], f"\\u{ord(match[0]):04x}")


def _cut(line: str, width: int) -> str:
    if cell_len(line) <= width:
        return line
    return chop_cells(line, max(width - 1, 1))[0].rstrip() + "…"
