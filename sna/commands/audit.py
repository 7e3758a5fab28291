"""`sna audit`: show the chain of what was done in a case, verify it, have its head stamped."""

from typing import Annotated

import typer

import sna
from sna.exports.text import for_terminal
from sna.options import CaseOption, JsonOption, LimitOption, rows_to_show
from sna.privacy.audit import parse_head, read_lines, verify_chain
from sna.privacy.stamp import stamp_head
from sna.render import cell, err, new_table, out, print_json

app = typer.Typer(no_args_is_help=True, help="Show and verify who did what in a case, and when.")


@app.command(epilog="Example: sna audit show --limit 10")
def show(limit: LimitOption = None, case: CaseOption = None, as_json: JsonOption = False) -> None:
    """Show the latest lines of the audit."""
    lines = read_lines(sna.open_case(case).folder.path, rows_to_show(limit, as_json))
    if as_json:
        print_json({"lines": lines})
        return
    table = new_table(("n", "right"), ("when (UTC)", "left"), ("who", "left"), ("what", "left"), ("counts", "left"))
    for line in lines:
        counts = line.get("counts")
        told = " ".join(f"{n} {v}" for n, v in counts.items()) if isinstance(counts, dict) else ""
        when = str(line.get("at", ""))[:16].replace("T", " ")
        who, what = str(line.get("user", "")), str(line.get("command", ""))
        table.add_row(cell(line.get("number")), when, for_terminal(who, 10), for_terminal(what, 16), cell(told, 26))
    out().print(table)


@app.command(epilog="Example: sna audit verify --head 12:3f0a...")
def verify(
    head: Annotated[
        str | None,
        typer.Option(help="A head that was noted elsewhere; finds a tail that was cut.", metavar="COUNT:HASH"),
    ] = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every line of the audit and its link to the one before; exit with 1 when something is wrong."""
    verdict = verify_chain(sna.open_case(case).folder.path, parse_head(head) if head else None)
    problems = [{"line": number, "problem": problem} for number, problem in verdict.problems]
    if as_json:
        print_json({"sound": verdict.is_sound, "head": str(verdict.head), "problems": problems})
    else:
        for row in problems:
            out().print(f"line {row['line']}: {row['problem']}")
        sound = "sound" if verdict.is_sound else f"BROKEN in {len(problems):,} places"
        out().print(f"{verdict.head.count:,} lines, {sound}")
        if head is None:
            err().print("a chain cannot see that its own tail was cut: give --head as noted elsewhere")
    if not verdict.is_sound:
        raise typer.Exit(1)


@app.command(epilog="Example: sna audit stamp https://freetsa.org/tsr")
def stamp(
    authority: Annotated[str, typer.Argument(help="A time stamp authority that speaks RFC 3161.", metavar="URL")],
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have the head of the audit stamped by a time stamp authority (RFC 3161); the stamp is kept in the case."""
    path, head = stamp_head(sna.open_case(case).folder.path, authority)
    if as_json:
        print_json({"file": str(path), "head": str(head)})
    else:
        out().print(for_terminal(str(path)))
