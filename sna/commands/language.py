"""`sna language`: reads the texts of a case, and shows what was found in them."""

from pathlib import Path
from typing import Annotated

import polars as pl
import typer

import sna
from sna.exports.text import for_terminal
from sna.language.findings import WHAT
from sna.options import CaseOption, JsonOption, LimitOption, rows_to_show
from sna.progress import progress_bar
from sna.render import err, new_table, out, print_json, rows_as_json

app = typer.Typer(no_args_is_help=True, help="Read texts: language, calls to action, entities, key phrases.")


@app.command("run", epilog="Example: sna language run --rules our-words.toml")
def run(
    rules: Annotated[
        list[Path] | None, typer.Option(help="A file of rules of your own; again for more.", metavar="FILE")
    ] = None,
    trained: Annotated[
        bool, typer.Option("--trained/--no-trained", help="Use the trained spaCy pipelines that are installed.")
    ] = True,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the posts that are new, edited, or were read by other rules; goes on where it was stopped."""
    opened = sna.open_case(case)
    with progress_bar() as bar:
        task = bar.add_task("read texts", total=None, rate="")

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, rate=f"{done / (bar.tasks[0].elapsed or 1):,.0f} posts/s")

        done = opened.read_texts(rules or (), advance, use_trained=trained)
    content = {"posts": done.posts, "kept": done.kept, "identified": done.identified, "pipelines": done.pipelines}
    if as_json:
        print_json(content)
        return
    err().print(f"{done.posts:,} posts read, {done.kept:,} were up to date; {done.identified:,} languages identified")
    for name, posts in sorted(done.pipelines.items(), key=lambda item: -item[1]):
        err().print(f"  {posts:,} by {name}")


@app.command("show", epilog="Example: sna language show calls --limit 50")
def show(
    what: Annotated[str, typer.Argument(help=f"One of {', '.join(WHAT)}.", metavar="WHAT")] = "calls",
    limit: LimitOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what was found: languages, calls to action with their state, entities, key phrases."""
    opened = sna.open_case(case)
    frame, unread = opened.texts(what, rows_to_show(limit, as_json))
    if as_json:
        print_json({what: rows_as_json(frame), "posts_not_read": unread})
        return
    _print(frame, what)
    if unread:
        err().print(f"{unread:,} posts are not read yet; run: sna language run")


def _print(frame: pl.DataFrame, what: str) -> None:
    if what == "calls":
        table = new_table(
            ("when (UTC)", "left"), ("actor", "left"), ("call", "left"), ("state", "left"), ("words", "left")
        )
        for row in frame.iter_rows(named=True):
            when = "—" if row["created_at"] is None else row["created_at"].strftime("%Y-%m-%d %H:%M")
            who = for_terminal(row["handle"] or row["actor"], 16)
            table.add_row(when, who, row["call"], row["state"], for_terminal(row["words"], 60))
    else:
        is_number = {name: frame.schema[name].is_numeric() for name in frame.columns}
        table = new_table(*((n, "right" if is_number[n] else "left") for n in frame.columns))
        for cells in frame.iter_rows():
            table.add_row(
                *("" if c is None else f"{c:,}" if isinstance(c, int) else for_terminal(str(c), 40) for c in cells)
            )
    out().print(table)
