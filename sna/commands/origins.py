"""`sna origins`: the earliest collected post that carries something, and how it spread."""

from typing import Annotated

import polars as pl
import typer

import sna
from sna.exports.text import for_terminal
from sna.graphs.carriers import ITEMS
from sna.graphs.near import THRESHOLD
from sna.graphs.origins import SORTS, Origin, OriginFilter
from sna.options import CaseOption, JsonOption, LimitOption, SinceOption, UntilOption, parse_time, rows_to_show
from sna.render import as_plain, cell, new_table, out, print_columns, print_frame, print_json


def origins(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(ITEMS)}.", metavar="KIND")],
    value: Annotated[
        str | None,
        typer.Argument(help="One item: a URL, hashtag or image; for text a post's id or words.", metavar="VALUE"),
    ] = None,
    sort: Annotated[str, typer.Option(help=f"One of {', '.join(SORTS)}.")] = "actors",
    min_actors: Annotated[int, typer.Option(help="Only items that so many accounts carry.", min=1)] = 2,
    threshold: Annotated[
        float, typer.Option(help="For texts: how similar near-duplicates are, 1 for exact copies.", metavar="0.3..1")
    ] = THRESHOLD,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the earliest collected post of each URL, hashtag, text or image; of one item, its whole spread."""
    opened, rows = sna.open_case(case), rows_to_show(limit, as_json)
    if value is None:
        chosen = OriginFilter(min_actors, parse_time(since), parse_time(until))
        found = opened.origins(kind, chosen, sort, rows, threshold)
        print_frame(found, "origins", _print_origins, as_json)
        return
    origin = opened.origin(kind, value, rows, threshold)
    if as_json:
        print_json(as_plain(origin))
    else:
        _print_origin(origin)


def _print_origins(frame: pl.DataFrame) -> None:
    shown = ("item", "handle", "first_at", "carriers", "actors", "half (s)")
    print_columns(frame.rename({"seconds_to_half": "half (s)"}), *shown, widths={"item": 26, "handle": 14})


def _print_origin(origin: Origin) -> None:
    console, figures = out(), origin.figures
    console.print(for_terminal(origin.item, 200))
    who = for_terminal(str(figures["handle"] or figures["actor"]), 24)
    console.print(f"Earliest collected: {for_terminal(str(figures['post']))} by {who}, {cell(figures['first_at'])} UTC")
    if origin.ties:
        console.print(f"Tied in the same second: {for_terminal(', '.join(origin.ties), 200)}")
    console.print(
        f"{figures['carriers']:,} carriers ({figures['reposts']:,} reposts) by {figures['actors']:,} accounts; "
        f"half of them after {cell(figures['seconds_to_half'])} s"
    )
    console.print(f"Collected window: {cell(origin.window_first)} to {cell(origin.window_last)} UTC")
    for note in origin.before:
        console.print(f"- {note}")
    table = new_table(("after (s)", "right"), ("actor", "left"), ("how", "left"), ("post", "left"), ("of", "left"))
    for carrier in origin.carriers:
        of = "" if carrier.of is None else for_terminal(carrier.of) + ("" if carrier.of_is_collected else " (missing)")
        who = for_terminal(carrier.handle or carrier.actor, 18)
        table.add_row(cell(carrier.seconds), who, carrier.how, for_terminal(carrier.post), of)
    console.print(table)
    if len(origin.carriers) < int(str(figures["carriers"])):
        console.print(f"{len(origin.carriers):,} of {figures['carriers']:,} shown; --limit 0 shows all")
