"""`sna timeline` and `sna communities`: when things happened, and who belongs together."""

from typing import Annotated

import polars as pl
import typer

import sna
from sna.errors import UsageError
from sna.graphs.carriers import ITEMS
from sna.graphs.timeline import BY, Timeline
from sna.options import CaseOption, JsonOption, LimitOption, SinceOption, UntilOption, parse_time, rows_to_show
from sna.render import cell, err, new_table, out, print_columns, print_frame, print_json, rows_as_json

SEEN = ("actor", *ITEMS)
BAR = 20
SERIES = 3


def timeline(
    step: Annotated[
        str | None, typer.Option(help="The length of a step: 10m, 1h, 1d; else about 60 steps.", metavar="TIME")
    ] = None,
    by: Annotated[str, typer.Option(help=f"Split volumes by {', '.join(BY)}.")] = "kind",
    seen: Annotated[
        str | None,
        typer.Option("--first-seen", help=f"Instead: what appeared when, of {', '.join(SEEN)}.", metavar="KIND"),
    ] = None,
    responses: Annotated[bool, typer.Option("--responses", help="Instead: how fast replies came.")] = False,
    network: Annotated[bool, typer.Option("--network", help="Instead: the network from step to step.")] = False,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show volumes over time with their bursts; or first appearances, response times, the network by step."""
    if sum((seen is not None, responses, network)) > 1:
        raise UsageError("--first-seen, --responses and --network are different tables; give one of them")
    opened, window = sna.open_case(case), (parse_time(since), parse_time(until))
    if seen is not None:
        found = opened.first_seen(seen, rows_to_show(limit, as_json))
        print_frame(found, "first_seen", _print_seen, as_json)
    elif responses:
        print_frame(opened.response_times(step, *window), "responses", lambda f: print_columns(f, *f.columns), as_json)
    elif network:
        print_frame(opened.network_by_step(step, *window), "steps", lambda f: print_columns(f, *f.columns), as_json)
    else:
        _print_volumes(opened.timeline(step, by, *window), as_json)


def communities(
    smallest: Annotated[int, typer.Option("--min-actors", help="Only communities of so many accounts.", min=1)] = 3,
    limit: LimitOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List communities by what sets their words apart, how firm they are, and what bridges them."""
    found = sna.open_case(case).communities(rows_to_show(limit, as_json), smallest)
    if as_json:
        rows = {"communities": rows_as_json(found.communities), "bridges": rows_as_json(found.bridges)}
        print_json({"facts": found.facts, **rows})
        return
    if not found.communities.height:
        err().print("no communities here")
        return
    shown = ("community", "name", "actors", "posts", "stability", "central")
    print_columns(found.communities, *shown, widths={"name": 30, "central": 20})
    if found.bridges.height:
        print_columns(found.bridges.head(10), "community", "other", "interactions", "share", "bridge_handle")
    facts = found.facts
    err().print(f"{facts['shown']} of {facts['communities']} communities; modularity {facts['modularity']}")


def _print_seen(frame: pl.DataFrame) -> None:
    print_columns(frame, "first_at", "handle", "item", "actors", widths={"item": 34, "handle": 16})


def _print_volumes(found: Timeline, as_json: bool) -> None:
    if as_json:
        rows = {"steps": rows_as_json(found.table), "bursts": rows_as_json(found.bursts)}
        print_json({"step_seconds": found.steps.step.total_seconds(), "undated": found.undated, **rows})
        return
    series = [name for name in found.table.columns if name.startswith("series ")][:SERIES]
    names = [name.removeprefix("series ") for name in series]
    table = new_table(("from (UTC)", "left"), ("posts", "right"), ("volume", "left"), *((n, "right") for n in names))
    most = max(int(str(found.table["posts"].max() or 1)), 1)
    is_burst = {row["from"] for row in found.bursts.iter_rows(named=True) if row["series"] == "all"}
    for row in found.table.iter_rows(named=True):
        bar = "█" * round(row["posts"] / most * BAR)
        mark = " *" if row["from"] in is_burst else ""
        table.add_row(cell(row["from"]), cell(row["posts"]), bar + mark, *(cell(row[name]) for name in series))
    out().print(table)
    if found.bursts.height:
        out().print("* a burst begins here")
        print_columns(found.bursts.head(10), "from", "until", "series", "level", "posts")
    if found.undated:
        err().print(f"{found.undated:,} posts have no usable time and are not shown")
