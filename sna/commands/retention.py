"""`sna retention`: what is due, the purge, and the check at the sources for what was deleted there."""

from pathlib import Path
from typing import Annotated

import typer

import sna
from sna.collectors.base import Budget
from sna.collectors.pace import Pace
from sna.commands.collect_view import gathered_as_json, gathering
from sna.exports.text import for_terminal
from sna.options import CaseOption, JsonOption, LimitOption, rows_to_show
from sna.privacy.retention import Retention
from sna.render import as_plain, cell, err, new_table, out, print_json

app = typer.Typer(no_args_is_help=True, help="What is due, the purge, and the check for upstream deletions.")


@app.command(epilog="Example: sna retention status --case town")
def status(case: CaseOption = None, as_json: JsonOption = False) -> None:
    """Show what is due now, in 7 and in 30 days, by source, and which posts are overdue for a check."""
    found = sna.open_case(case).retention()
    if as_json:
        print_json(as_plain(found))
    else:
        _print_status(found)


@app.command(epilog="Example: sna retention check || mail -s 'posts overdue' dpo@example.org")
def check(limit: LimitOption = None, case: CaseOption = None, as_json: JsonOption = False) -> None:
    """Exit with 1, and list what, when posts should be gone from the file and are not: for cron and monitoring."""
    opened = sna.open_case(case)
    overdue = opened.overdue()
    unchecked = opened.retention().unchecked
    shown = overdue[: rows_to_show(limit, as_json)]
    if as_json:
        print_json({"overdue": len(overdue), "posts": as_plain(shown), "unchecked": unchecked})
    elif overdue:
        table = new_table(("source", "left"), ("id", "left"), ("why", "left"), ("since (UTC)", "left"))
        for row in shown:
            table.add_row(*(cell(row[name], 32) for name in ("source", "id", "reason", "since")))
        out().print(table)
        err().print(f"{len(overdue):,} posts are overdue; run `sna retention purge`")
    for source, count in unchecked.items():
        err().print(f"{count:,} posts of {for_terminal(source)} are overdue for a check; run `sna retention sync`")
    if overdue or unchecked:
        raise typer.Exit(1)


@app.command(epilog="Example: sna retention purge --dry-run")
def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go.")] = False,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take what is due out of the file's bytes: survivors to a new file, the old one filled with zeros; a receipt."""
    opened = sna.open_case(case)
    if dry_run:
        plan = opened.plan_purge()
        if as_json:
            print_json(as_plain(plan))
        else:
            _print_counts("would go", plan.posts, dict(plan.by_reason), list(plan.exports))
        return
    with err().status("purge"):
        receipt = opened.purge()
    if as_json:
        print_json(receipt)
        return
    _print_counts("purged", receipt["posts"], receipt["by_reason"], receipt["exports_that_still_hold_them"])
    out().print(f"receipt {receipt['number']:04} in {for_terminal(str(opened.folder.path))}/receipts")


@app.command(epilog="Example: sna retention sync --source x --max-cost 5")
def sync(
    source: Annotated[list[str] | None, typer.Option(help="Only of this source; again for more.")] = None,
    within: Annotated[float, typer.Option(help="Also those that are due for a check within so many hours.")] = 6.0,
    max_cost: Annotated[float | None, typer.Option(help="At most this much, in US dollars.", min=0)] = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the sources whether collected posts are still there; what was deleted is hidden at once."""
    opened = sna.open_case(case)
    with gathering("retention sync", as_json=as_json) as (note, show):
        checked = opened.recheck(tuple(source or ()), within, Budget(None, max_cost), Pace(note=note), show)
    if as_json:
        print_json({**gathered_as_json(checked.gathered), "checked": checked.checked, "unknown": checked.unknown})
        return
    out().print(f"{checked.checked:,} posts checked, {checked.gathered.tally.deleted:,} of them gone and hidden")
    for name, why in checked.unknown.items():
        err().print(f"{for_terminal(name)}: unknown, nothing was changed ({for_terminal(why)})")


@app.command(epilog="Example: sna retention exports --case town")
def exports(case: CaseOption = None, as_json: JsonOption = False) -> None:
    """List the registered files that were made from the case, for whom, and how many posts of today they hold."""
    rows = sna.open_case(case).exports()
    if as_json:
        print_json({"exports": as_plain(rows)})
        return
    table = new_table(("made (UTC)", "left"), ("posts", "right"), ("for", "left"), ("names", "left"), ("file", "left"))
    for row in rows:
        names = "pseudonyms" if row["pseudonymised"] else "names"
        table.add_row(
            cell(row["made_at"]),
            cell(row["posts"]),
            cell(row["recipient"], 14),
            names,
            cell(Path(str(row["file"])).name, 26),
        )
    out().print(table if rows else "no file was made from this case")


def _print_status(found: Retention) -> None:
    table = new_table(
        ("source", "left"), ("due now", "right"), ("in 7 days", "right"), ("in 30 days", "right"), ("to check", "right")
    )
    names = sorted({*found.due_now, *found.due_in_7_days, *found.due_in_30_days, *found.unchecked})
    for name in names:
        parts = (found.due_now, found.due_in_7_days, found.due_in_30_days, found.unchecked)
        table.add_row(for_terminal(name, 24), *(f"{part.get(name, 0):,}" for part in parts))
    if names:
        out().print(table)
    else:
        out().print("nothing is due within 30 days")
    for reason, count in found.by_reason.items():
        out().print(f"due now, {for_terminal(reason)}: {count:,}")
    if found.first:
        out().print(f"the next post expires at {cell(found.first)} UTC")


def _print_counts(word: str, posts: object, by_reason: object, exports: object) -> None:
    out().print(f"{posts:,} posts {word}" if isinstance(posts, int) else f"{posts} posts {word}")
    if isinstance(by_reason, dict):
        for reason, count in by_reason.items():
            out().print(f"  {for_terminal(str(reason))}: {count:,}")
    rows = [row for row in exports if isinstance(row, dict)] if isinstance(exports, list) else []
    if rows:
        err().print("these exports still hold some of them; delete them, and tell who was given them:")
    for row in rows:
        given = f", given to {for_terminal(str(row['recipient']))}" if row["recipient"] else ""
        gone = "" if row["still_there"] else ", no longer at its place"
        err().print(f"  {for_terminal(str(row['file']))}: {row['posts']:,} posts{given}{gone}")
