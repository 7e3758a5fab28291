"""Prints what collecting brought, for people and for scripts."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import typer
from rich.text import Text

from sna.collectors.base import About, Preview
from sna.collectors.missing import Filled
from sna.collectors.run import Gathered, Progress
from sna.exports.text import for_terminal
from sna.graphs.status import Status
from sna.post import COUNTS, Tally
from sna.render import err, new_table, out, print_json, print_tally
from sna.secrets import where_is

_LIBRARY = {"x": "tweepy", "bluesky": "atproto", "mastodon": "mastodon", "reddit": "praw", "open311": "defusedxml"}


@contextmanager
def gathering(title: str, *, as_json: bool) -> Iterator[tuple[Callable[[str], None], Progress]]:
    """Show what a collection does on standard error: a line that changes on a terminal, waits as lines elsewhere."""
    console = err()
    if not console.is_terminal:
        yield (lambda text: console.print(for_terminal(text))), lambda _: None
        return
    with console.status(title) as status:
        progress = {"text": title}

        def note(text: str) -> None:
            status.update(Text(f"{progress['text']} · {for_terminal(text)}"))

        def show(gathered: Gathered) -> None:
            money = f" · ${gathered.cost:.2f}" if gathered.cost else ""
            progress["text"] = f"{title} · {gathered.pages:,} pages · {gathered.tally.read:,} posts{money}"
            status.update(Text(progress["text"]))

        yield note, show


def tally_as_json(tally: Tally) -> dict[str, object]:
    """Return a tally as a dictionary ready for JSON; its parts add up to `read`."""
    return {"read": tally.read, **{name: getattr(tally, name) for name in COUNTS}, "reasons": tally.reasons}


def gathered_as_json(gathered: Gathered) -> dict[str, object]:
    """Return what was gathered as a dictionary ready for JSON."""
    return {
        **tally_as_json(gathered.tally),
        "pages": gathered.pages,
        "cost": round(gathered.cost, 4),
        "absent": dict(gathered.absent),
        "complete": gathered.is_complete,
        "resumed": gathered.resumed,
    }


def print_gathered(gathered: Gathered) -> None:
    """Print on standard error what was gathered."""
    print_tally(gathered.tally)
    console = err()
    money = f", about ${gathered.cost:.2f}" if gathered.cost else ""
    begun = "gone on where an earlier run stopped; " if gathered.resumed else ""
    console.print(f"{begun}{gathered.pages:,} pages{money}")
    for reason, count in gathered.absent.most_common():
        console.print(Text(f"  not given {count:,}: {reason}", style="yellow"))
    if not gathered.is_complete:
        console.print("not complete; the same command goes on from here")


def print_filled(filled: Filled, status: Status, *, as_json: bool) -> None:
    """Print what filling the gaps brought and which remain, with their reasons."""
    if as_json:
        print_json(
            {
                **gathered_as_json(filled.gathered),
                "rounds": filled.rounds,
                "remaining": filled.remaining,
                "unseen_replies": filled.unseen_replies,
                "missing_parents": status.missing_parents,
                "true_roots": status.true_roots,
                "notes": filled.notes,
            }
        )
        return
    print_gathered_briefly(filled)
    console = out()
    if filled.remaining:
        shown = new_table(
            ("source", "left"), ("missing parents", "right"), ("replies to them", "right"), ("why", "left")
        )
        for row in filled.remaining:
            shown.add_row(
                for_terminal(str(row["source"])), f"{row['parents']:,}", f"{row['replies']:,}", str(row["reason"])
            )
        console.print(shown)
    else:
        console.print("No parent is missing: every first poster in this case is known.")
    if filled.unseen_replies:
        console.print(
            f"Sources count {filled.unseen_replies:,} replies more than they give (deleted, protected or hidden there)."
        )


def print_gathered_briefly(filled: Filled) -> None:
    """Print on standard error what was read, and which source could not be asked."""
    print_tally(filled.gathered.tally)
    console = err()
    money = f", about ${filled.gathered.cost:.2f}" if filled.gathered.cost else ""
    console.print(f"{filled.rounds:,} rounds, {filled.gathered.pages:,} pages{money}")
    for text in filled.notes:
        console.print(Text(for_terminal(text), style="yellow"))


def print_preview(previews: Sequence[Preview], *, as_json: bool) -> None:
    """Print what queries would bring."""
    rows = [dict(row) for preview in previews for row in preview.rows]
    posts = None if any(p.posts is None for p in previews) else sum(p.posts or 0 for p in previews)
    cost = None if any(p.cost is None for p in previews) else sum(p.cost or 0 for p in previews)
    if as_json:
        print_json({"rows": rows, "posts": posts, "cost": cost})
        return
    if rows:
        names = list(rows[0])
        shown = new_table(
            *((name.replace("_", " "), "right" if isinstance(rows[0][name], int) else "left") for name in names)
        )
        for row in rows:
            shown.add_row(*(f"{v:,}" if isinstance(v, int) else for_terminal(str(v or ""), 40) for v in row.values()))
        out().print(shown)
    if posts is not None:
        money = f", at least ${cost:,.2f} (accounts returned with them cost more)" if cost is not None else ""
        typer.echo(f"{posts:,} posts{money}")


def print_collectors(abouts: Sequence[About], *, as_json: bool) -> None:
    """Print the sources, what can be asked of them, and whether their library and secrets are there."""
    rows: list[dict[str, Any]] = []
    for about in abouts:
        library = _LIBRARY.get(about.name)
        missing = [
            s.variable for s in about.secrets if s.required and not where_is(f"{about.name}.{s.name}", s.variable)
        ]
        rows.append(
            {
                "source": about.name,
                "can": [what.value for what in about.can],
                "settings": {setting.name: setting.about for setting in about.settings},
                "secrets": {secret.variable: secret.about for secret in about.secrets},
                "missing_secrets": missing,
                "installed": library is None or find_spec(library) is not None,
                "install": f"pip install 'sna[{about.extra}]'" if about.extra else None,
                "limits": about.limits,
                "specification": about.specification,
            }
        )
    if as_json:
        print_json({"collectors": rows})
        return
    shown = new_table(("source", "left"), ("ready", "left"), ("can be asked for", "left"))
    for row in rows:
        ready = "yes"
        if not row["installed"]:
            ready = row["install"]
        elif row["missing_secrets"]:
            ready = f"needs a secret: sna secrets set {row['source']}"
        shown.add_row(for_terminal(row["source"], 16), for_terminal(ready, 34), for_terminal(", ".join(row["can"])))
    out().print(shown)
    typer.echo("More: sna collect SOURCE --help")
