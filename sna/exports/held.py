"""What a case holds about a person, for that person: a JSON document, and a page to read that loads nothing."""

import json
from pathlib import Path

import polars as pl

from sna.case import write_private
from sna.exports.text import for_html
from sna.privacy.subject import Held

# What a person would call each table; one that is not named here keeps its own name.
_TITLES = {
    "post": "Posts by you, about you, or that name you",
    "actor": "Your account",
    "actor_handle": "Names your account went by",
    "mention": "Posts that mention you",
    "thread_post": "Where your posts stand in conversations",
    "post_language": "Languages found in your posts",
    "span": "Calls to action, names and phrases found in your posts (places in the text)",
    "due": "Posts that are hidden and await the purge",
    "request": "Your requests",
    "measures": "Measures and roles computed about your account (formulas: sna methods)",
    "interactions": "Interactions of your account, computed",
    "raw_page": "Answers of services that name you, as they came",
    "export_range": "Ranges of posts in exports",
}

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-size: .85rem; margin: .5rem 0 2rem }
th, td { border: 1px solid #8888; padding: .25rem .5rem; text-align: left; vertical-align: top; max-width: 32rem }
td { overflow-wrap: anywhere }
dt { font-weight: 600 } dd { margin: 0 0 .5rem }
"""


def held_as_json(held: Held, record: dict[str, object]) -> dict[str, object]:
    """Return what is held as values that JSON can hold, with the record of processing (GDPR art. 15(1))."""
    return {
        "subject": held.subject,
        "as_of": _plain(held.as_of),
        "accounts": list(held.accounts),
        "handles": list(held.names),
        "rows": held.rows,
        "tables": {name: [_row(row) for row in frame.to_dicts()] for name, frame in held.tables.items()},
        "computed": {name: [_row(row) for row in frame.to_dicts()] for name, frame in held.computed.items()},
        "exports": [_row(row) for row in held.exports],
        "processing": record,
    }


def write_held(held: Held, record: dict[str, object], path: Path) -> None:
    """Write what is held to a private file: a page where the name ends in .html, else JSON."""
    if path.suffix.lower() in (".html", ".htm"):
        write_private(path, _page(held, record).encode())
    else:
        text = json.dumps(held_as_json(held, record), ensure_ascii=False, indent=2)
        write_private(path, (text + "\n").encode())


def _page(held: Held, record: dict[str, object]) -> str:
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width"><title>What is held about you</title>',
        f"<style>{_STYLE}</style></head><body><h1>What is held about {for_html(held.subject)}</h1>",
        f"<p>{held.rows:,} rows in {len(held.tables)} tables, as of {_plain(held.as_of)} UTC.</p>",
        "<h2>Why, on what basis, and for how long</h2><dl>",
    ]
    for name, value in record.items():
        if value not in (None, "", [], {}):
            parts.append(f"<dt>{for_html(name.replace('_', ' '))}</dt><dd>{for_html(str(value))}</dd>")
    parts.append("</dl>")
    for name, frame in {**held.tables, **held.computed}.items():
        parts.append(f"<h2>{for_html(_TITLES.get(name, name))}</h2>{_table(frame)}")
    parts.append("<h2>Files that were made with posts of yours, and who was given them</h2>")
    exports = [_row(row) for row in held.exports]
    parts.append(_table(pl.DataFrame(exports, infer_schema_length=None)) if exports else "<p>none</p>")
    parts.append(
        "<p>You may ask for this to be put right, erased, or not processed any further, and complain to a "
        "supervisory authority (GDPR art. 15 to 21, 77).</p></body></html>\n"
    )
    return "".join(parts)


def _table(frame: pl.DataFrame) -> str:
    filled = [name for name in frame.columns if frame[name].null_count() < frame.height]
    head = "".join(f'<th scope="col">{for_html(name)}</th>' for name in filled)
    rows = "".join(
        f"<tr>{''.join(f'<td>{for_html(_shown(value))}</td>' for value in row)}</tr>"
        for row in frame.select(filled).iter_rows()
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _shown(value: object) -> str:
    plain = _plain(value)
    if isinstance(plain, list):
        return ", ".join(map(str, plain))
    return "" if plain is None else str(plain)


def _row(row: dict[str, object]) -> dict[str, object]:
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, list | pl.Series):
        return [_plain(part) for part in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
