"""`sna coordination`: pairs that do the same together, beyond what their activity explains."""

from pathlib import Path
from typing import Annotated

import typer

import sna
from sna.graphs.coordination import BEHAVIOURS, Coordination, Search
from sna.graphs.near import THRESHOLD
from sna.options import CaseOption, JsonOption, LimitOption, PseudonymiseOption, ToOption, handover, rows_to_show
from sna.render import err, out, print_columns, print_json, rows_as_json


def coordination(
    by: Annotated[str, typer.Option(help=f"Behaviours, by commas: {', '.join(BEHAVIOURS)}.")] = "repost",
    window: Annotated[float, typer.Option(help="How far apart two shares may be, in seconds.", min=0)] = 60,
    min_shared: Annotated[int, typer.Option(help="Only pairs with so many items in common.", min=1)] = 2,
    fdr: Annotated[float, typer.Option(help="The share of false pairs to be borne.", metavar="0..1")] = 0.05,
    threshold: Annotated[float, typer.Option(help="For texts: how similar near-duplicates are.")] = THRESHOLD,
    export: Annotated[
        Path | None, typer.Option("--out", help="Also write their network, as `sna graph export` does.", metavar="OUT")
    ] = None,
    pseudonymise: PseudonymiseOption = None,
    to: ToOption = None,
    limit: LimitOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find pairs that do the same within a window again and again. Coordination is not guilt."""
    search = Search([part.strip() for part in by.split(",") if part.strip()], window, min_shared, fdr, threshold)
    opened, files = sna.open_case(case), list[Path]()
    if export is None:
        found = opened.coordination(search)
    else:
        found, files = opened.export_coordination(export, search, handover(opened.policy, pseudonymise, to))
    rows = rows_to_show(limit, as_json)
    pairs = found.pairs if rows is None else found.pairs.head(rows)
    if as_json:
        content = {"pairs": rows_as_json(pairs), "groups": rows_as_json(found.groups)}
        print_json({**found.facts, **content, "files": [str(file) for file in files]})
        return
    _print(found, rows)
    for file in files:
        typer.echo(str(file))


def _print(found: Coordination, rows: int | None) -> None:
    facts, pairs = found.facts, found.pairs
    sizes = [str(size) for size in facts["component_sizes"]][:10]  # type: ignore[attr-defined]
    out().print(
        f"{facts['pairs']:,} pairs of {facts['actors']:,} accounts share {facts['min_shared']} items or more within "
        f"{facts['window_seconds']:g} s (connected parts of {', '.join(sizes) or 'none'}).\n"
        f"{facts['significant_pairs']:,} of them do so beyond what their activity explains (FDR {facts['fdr']:g})."
    )
    if pairs.height:
        shown = pairs.with_columns(
            actor=pairs["handle"].fill_null(pairs["actor"]), other=pairs["other_handle"].fill_null(pairs["other"])
        )
        shown = shown if rows is None else shown.head(rows)
        print_columns(
            shown, "actor", "other", "shared", "expected", "q", "mean_gap", "group", widths={"actor": 18, "other": 18}
        )
        print_columns(found.groups.head(10), "group", "actors", "pairs", "mean_gap", "members", widths={"members": 48})
    err().print(f"Mind: {facts['caution']}. `sna methods coordination` tells what the figures mean.")
