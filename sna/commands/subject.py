"""`sna subject`: what is held about a person, its erasure and rectification, objection; the register of requests."""

import sys
from pathlib import Path
from typing import Annotated

import typer

import sna
from sna.errors import UsageError
from sna.exports.held import held_as_json
from sna.exports.text import for_terminal
from sna.options import CaseOption, JsonOption, parse_time
from sna.privacy.requests import KINDS
from sna.privacy.subject import Subject
from sna.render import as_plain, cell, err, new_table, out, print_json

app = typer.Typer(
    no_args_is_help=True, help="Answer what a person asks for: access, erasure, objection, rectification."
)

SourceOption = Annotated[str, typer.Option(help="The source that the account is of, such as x or bluesky.")]
HandleOption = Annotated[
    str | None, typer.Option(help="The account's handle; - reads it from standard input.", metavar="H")
]
IdOption = Annotated[
    str | None, typer.Option("--id", help="The account's id at its source; - reads it from standard input.")
]
ReceivedOption = Annotated[str | None, typer.Option(help="When the request came (UTC); else now.", metavar="TIME")]


@app.command(epilog="Example: sna subject access --source x --handle anna_quai --out anna.html")
def access(
    source: SourceOption,
    handle: HandleOption = None,
    own_id: IdOption = None,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Write a page (.html) or JSON here.", metavar="FILE")
    ] = None,
    received: ReceivedOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show everything that the case holds about an account, in every table and export."""
    opened, about, at = sna.open_case(case), _subject(source, handle, own_id), parse_time(received)
    held = opened.answer_access(out_file, about, at) if out_file else opened.held_about(about, at)
    if as_json:
        print_json(held_as_json(held, opened.record()))
        return
    table = new_table(("table", "left"), ("rows", "right"))
    for name, frame in held.tables.items():
        table.add_row(name, f"{frame.height:,}")
    out().print(table if held.tables else "nothing is held about this account")
    if not held.accounts and held.elsewhere:
        err().print(f"no such account of {for_terminal(source)}; one of that name in: {', '.join(held.elsewhere)}")
    for row in held.exports:
        err().print(f"in the file {for_terminal(str(row['file']))}")
    if out_file:
        out().print(f"wrote {for_terminal(str(out_file))}")
    elif held.tables:
        err().print("the rows themselves: --out FILE.html, --out FILE.json or --json")


@app.command(epilog="Example: sna subject erase --source x --handle -")
def erase(
    source: SourceOption,
    handle: HandleOption = None,
    own_id: IdOption = None,
    received: ReceivedOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase an account, its posts, the reposts of them and its name in posts of others; purge at once."""
    with err().status("erase and purge"):
        done = sna.open_case(case).erase(_subject(source, handle, own_id), parse_time(received))
    _print_done(done, as_json=as_json)


@app.command("object", epilog="Example: sna subject object --source bluesky --id did:plc:example")
def stop_processing(
    source: SourceOption,
    handle: HandleOption = None,
    own_id: IdOption = None,
    received: ReceivedOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an account out of all findings from now on; its bytes go with the next purge."""
    _print_done(
        sna.open_case(case).stop_processing(_subject(source, handle, own_id), parse_time(received)), as_json=as_json
    )


@app.command(epilog="Example: sna subject rectify --source x --id 42 --name 'Anna Quai'")
def rectify(
    source: SourceOption,
    handle: HandleOption = None,
    own_id: IdOption = None,
    new_handle: Annotated[str | None, typer.Option(help="The handle that is right.")] = None,
    name: Annotated[str | None, typer.Option(help="The name that is right.")] = None,
    received: ReceivedOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the handle or the name of an account right; what was wrong is purged."""
    done = sna.open_case(case).rectify(_subject(source, handle, own_id), new_handle, name, parse_time(received))
    _print_done(done, as_json=as_json)


@app.command(epilog="Example: sna subject note erase --source x --handle anna_quai --received 2026-11-02")
def note(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.")],
    source: SourceOption,
    handle: HandleOption = None,
    own_id: IdOption = None,
    received: ReceivedOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note a request that is still to be answered; it is due one month after it came."""
    number = sna.open_case(case).note_request(kind, _subject(source, handle, own_id), parse_time(received))
    if as_json:
        print_json({"request": number})
    else:
        out().print(f"request {number} noted; see `sna subject list`")


@app.command("list", epilog="Example: sna subject list")
def list_requests(case: CaseOption = None, as_json: JsonOption = False) -> None:
    """List the requests, open ones first; exit with 1 when one is overdue."""
    rows = sna.open_case(case).requests()
    if as_json:
        print_json({"requests": as_plain(rows.to_dicts())})
    else:
        table = new_table(
            ("n", "right"),
            ("asks to", "left"),
            ("about", "left"),
            ("due (UTC)", "left"),
            ("done", "left"),
            ("", "left"),
        )
        for row in rows.to_dicts():
            state = "OVERDUE" if row["overdue"] else row["outcome"] or "open"
            done = f"{row['done_at']:%Y-%m-%d}" if row["done_at"] else ""
            table.add_row(
                str(row["number"]), row["kind"], cell(row["subject"], 22), f"{row['due_at']:%Y-%m-%d}", done, state
            )
        out().print(table if rows.height else "no requests")
    if rows.height and rows["overdue"].any():
        raise typer.Exit(1)


def _subject(source: str, handle: str | None, own_id: str | None) -> Subject:
    given = [sys.stdin.readline().strip() if value == "-" else value for value in (handle, own_id)]
    if all(value == "" for value in given):
        raise UsageError("standard input was empty; give the handle on its first line")
    return Subject(source, *given)


def _print_done(done: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json(as_plain(done))
        return
    receipt = done.pop("receipt", None)
    if done.get("accounts") == 0:
        err().print("the case knows no such account of this source; it will be kept out if it comes")
    for name, count in done.items():
        out().print(f"{name.replace('_', ' ')}: {count:,}")
    if isinstance(receipt, dict):
        out().print(f"purged: receipt {receipt['number']:04}")
        for row in receipt["exports_that_still_hold_them"]:
            err().print(f"still in the file {for_terminal(str(row['file']))}")
    else:
        out().print("hidden; the bytes go with the next `sna retention purge`")
