"""Decides about the few lines that a quick look finds odd: mend, keep or refuse, each with its reason."""

import json
import re

MAX_DEPTH = 100

# A backslash that is itself escaped does not start an escape.
_ESCAPED_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class _OddError(ValueError):
    """A line that parsers do not agree about."""


def reason_to_refuse(line: bytes, *, is_cut: bool = False) -> str | None:
    """Return why a line cannot be taken as one JSON object or an array of them, or None when it can.

    `is_cut` tells that the line ends the file without a line break.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return "invalid UTF-8"
    if nesting(line) > MAX_DEPTH:
        return f"nested deeper than {MAX_DEPTH}"
    try:
        content = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except _OddError as odd:
        return str(odd)
    except RecursionError:
        return f"nested deeper than {MAX_DEPTH}"
    except json.JSONDecodeError as error:
        if "control character" in error.msg:
            return "raw control byte"
        if error.msg == "Extra data":
            return "not JSON"
        return "incomplete" if is_cut or error.pos >= len(text.rstrip()) - 1 else "not JSON"
    parts = content if isinstance(content, list) else [content]
    if not all(isinstance(part, dict) for part in parts):
        return "not a JSON object"
    if re.search("[\ud800-\udfff]", json.dumps(content, ensure_ascii=False)):
        return "lone surrogate"
    return None


def without_nul(line: bytes) -> bytes:
    """Return the line without escaped NUL characters, which no database text and no XML can hold."""
    previous = b""
    while previous != line:
        previous, line = line, _ESCAPED_NUL.sub(rb"\1", line)
    return line


def nesting(line: bytes) -> int:
    """Return how deep brackets nest, those inside strings included."""
    depth = deepest = 0
    for byte in line.translate(None, _BRACKETS):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise _OddError("the same key twice")
    return content


def _refuse_constant(name: str) -> object:
    raise _OddError(f"{name} is no JSON number")
