"""`sna show`: the findings of a case on a few screens, with what is missing from them."""

from typing import Annotated

import polars as pl
import typer
from rich.rule import Rule
from rich.text import Text

import sna
from sna.case import Policy
from sna.exports.text import for_terminal
from sna.graphs.findings import Findings
from sna.graphs.roles import ROLES
from sna.graphs.timeline import Timeline
from sna.options import CaseOption, JsonOption
from sna.render import (
    cell,
    new_table,
    out,
    print_columns,
    print_json,
    print_thread,
    print_threads,
    rows_as_json,
    status_as_json,
    thread_as_json,
)

LEVELS = "▁▂▃▄▅▆▇█"
# Marks in a line of the timeline.
SHOWN = 78
# Of the largest thread; `sna threads show` prints all of it.
TREE_LINES = 25


def show(
    limit: Annotated[int, typer.Option(help="How many rows of each finding.", min=1, metavar="N")] = 5,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the findings of a case: volume, roles, threads, origins, coordination, communities, and the gaps."""
    opened = sna.open_case(case)
    found = opened.findings(limit)
    if as_json:
        print_json(_as_json(found))
        return
    _print_summary(opened.policy, found)
    if found.timeline is not None:
        _head("When")
        _print_timeline(found.timeline)
    if any(frame.height for frame in found.roles.values()):
        _head("Who (score of 100; organises: accounts moved; sna explain HANDLE: its posts)")
        _print_roles(found.roles)
    if found.thread is not None:
        _head("Conversations")
        print_threads(found.threads)
        _head(f"The largest of them, {for_terminal(found.thread.top, 40)}")
        print_thread(found.thread, most=TREE_LINES)
    for kind, frame in found.origins.items():
        if frame.height:
            _head(f"Who posted it first: {kind}s (earliest collected)")
            print_columns(frame, "item", "handle", "first_at", "actors", widths={"item": 34, "handle": 16})
    if found.coordination.groups.height:
        _head("Who does the same together")
        print_columns(found.coordination.groups.head(limit), "group", "actors", "pairs", "members", widths=_MEMBERS)
        out().print(Text(f"Mind: {found.coordination.facts['caution']}.", style="dim"))
    if found.communities.communities.height:
        _head("Who belongs together")
        print_columns(found.communities.communities, "name", "actors", "posts", "central", widths=_COMMUNITY)
    _head("What is missing, and what that does")
    for sentence in found.gaps:
        out().print(f"- {sentence}")


_MEMBERS = {"members": 50}
_COMMUNITY = {"name": 30, "central": 30}


def _head(text: str) -> None:
    out().print()
    out().print(Rule(text, align="left", style="dim", characters="─"))


def _print_summary(policy: Policy, found: Findings) -> None:
    status, console = found.status, out()
    first, last = (cell(status.window[name]) for name in ("first", "last"))
    sources = ", ".join(f"{for_terminal(name, 20)} {count:,}" for name, count in status.by_source.items())
    console.print(Text(for_terminal(policy.purpose), style="bold"))
    console.print(f"{status.posts:,} posts of {status.actors:,} accounts ({sources or 'no source yet'})")
    if status.window["first"] is not None:
        console.print(f"from {first} to {last} UTC")
    console.print(f"{status.threads:,} threads; {status.true_roots:,} posts answer nothing")
    ends = f"; the first expire at {cell(status.expires_first)} UTC" if status.expires_first else ""
    basis = for_terminal(policy.legal_basis)
    console.print(f"Legal basis: {basis}. Posts are kept for {policy.keep_days:,} days{ends}.")


def _print_timeline(found: Timeline) -> None:
    counts = [int(count) for count in found.table["posts"].to_list()]
    most = max(*counts, 1, 1)
    starts = found.table["from"].to_list()
    bursts = found.bursts.filter(pl.col("series") == "all")["from"].to_list() if found.bursts.height else []
    console = out()
    for begin in range(0, len(counts), SHOWN):
        part = slice(begin, begin + SHOWN)
        console.print("".join(LEVELS[round(n / most * (len(LEVELS) - 1))] if n else " " for n in counts[part]))
        if any(start in bursts for start in starts[part]):
            console.print(Text("".join("^" if start in bursts else " " for start in starts[part]), style="yellow"))
    span = f"{cell(starts[0])} to {cell(starts[-1] + found.steps.step)} UTC"
    console.print(
        f"{span}, one mark for {found.steps.length}, the highest {most:,} posts{'; ^ a burst' if bursts else ''}"
    )


def _print_roles(roles: dict[str, pl.DataFrame]) -> None:
    table = new_table(*((role, "left") for role in ROLES))
    names = {role: frame.to_dicts() for role, frame in roles.items()}
    for place in range(max(map(len, names.values()))):
        table.add_row(*(_leader(names[role], place, f"{role}_score") for role in ROLES))
    out().print(table)


def _leader(rows: list[dict[str, object]], place: int, score: str) -> str:
    if place >= len(rows):
        return ""
    row = rows[place]
    return f"{for_terminal(str(row['handle'] or row['id']), 13)} {float(str(row[score])):.0f}"


def _as_json(found: Findings) -> dict[str, object]:
    timeline = found.timeline
    return {
        "status": status_as_json(found.status),
        "timeline": [] if timeline is None else rows_as_json(timeline.table),
        "bursts": [] if timeline is None else rows_as_json(timeline.bursts),
        "roles": {role: rows_as_json(frame) for role, frame in found.roles.items()},
        "threads": rows_as_json(found.threads),
        "thread": None if found.thread is None else thread_as_json(found.thread),
        "origins": {kind: rows_as_json(frame) for kind, frame in found.origins.items()},
        "coordination": {**found.coordination.facts, "groups": rows_as_json(found.coordination.groups)},
        "communities": rows_as_json(found.communities.communities),
        "gaps": found.gaps,
    }
