"""`sna case`: make a case, show its record of processing, close it."""

from pathlib import Path
from typing import Annotated

import typer

import sna
from sna.case import DEFAULT_RECHECK_HOURS, Bounds, Duties
from sna.errors import UsageError
from sna.exports.text import for_terminal
from sna.options import CaseOption, JsonOption, parse_time
from sna.privacy.processing import as_markdown, as_words, days_by, label
from sna.render import out, print_json

app = typer.Typer(no_args_is_help=True, help="Make, show and close cases.")


@app.command(epilog="Example: sna case new town --purpose 'flood rumours' --legal-basis consent --keep-days 90")
def new(
    folder: Annotated[Path, typer.Argument(help="The new case folder.", metavar="DIR")],
    purpose: Annotated[str, typer.Option(help="What the case is to find out.")],
    legal_basis: Annotated[str, typer.Option(help="On what legal basis posts are processed.")],
    keep_days: Annotated[int, typer.Option(help="How many days posts may be kept.", metavar="N")],
    keep: Annotated[
        list[str] | None,
        typer.Option(help="Keep posts of a source or kind for fewer days; again for more.", metavar="NAME=DAYS"),
    ] = None,
    controller: Annotated[str, typer.Option(help="Who answers for the processing.")] = "",
    contact: Annotated[str, typer.Option(help="How to reach them, or their data protection officer.")] = "",
    reviewer: Annotated[str, typer.Option(help="Who reviews the findings.")] = "",
    source: Annotated[list[str] | None, typer.Option(help="Collect from this source alone; again for more.")] = None,
    criterion: Annotated[
        list[str] | None, typer.Option(help="Collect by this query alone, * for any text; again for more.")
    ] = None,
    start: Annotated[str | None, typer.Option(help="Collect from this time on (UTC).", metavar="TIME")] = None,
    end: Annotated[str | None, typer.Option(help="Collect up to this time (UTC).", metavar="TIME")] = None,
    keep_raw: Annotated[bool, typer.Option("--keep-raw", help="Keep collected pages as they came, too.")] = False,
    pseudonymise: Annotated[
        bool, typer.Option("--pseudonymise", help="Exports carry pseudonyms unless told otherwise.")
    ] = False,
    recheck_hours: Annotated[
        int, typer.Option(help="Collected posts are checked for deletions within so many hours; 0: never.", min=0)
    ] = DEFAULT_RECHECK_HOURS,
    as_json: JsonOption = False,
) -> None:
    """Make a case: a private folder with its policy, its store and its audit file."""
    try:
        by_source, by_kind = days_by(keep or [])
    except ValueError as error:
        raise UsageError(f"--keep wants NAME=DAYS, such as x=30 or report=7, not {error}") from error
    duties = Duties(
        controller, contact, reviewer, by_source, by_kind, keep_raw, pseudonymise, recheck_hours=recheck_hours
    )
    bounds = Bounds(tuple(source or ()), tuple(criterion or ()), parse_time(start), parse_time(end))
    case = sna.new_case(folder, purpose, legal_basis, keep_days, bounds, duties)
    if as_json:
        print_json(case.record())
    else:
        typer.echo(f"made the case {folder}; import with: sna import FILE --case {folder}")


@app.command(epilog="Example: sna case show --markdown > record.md")
def show(
    markdown: Annotated[bool, typer.Option("--markdown", help="As a Markdown document.")] = False,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a case's record of processing (GDPR art. 30): purpose, basis, data, recipients, time limits, security."""
    record = sna.open_case(case).record()
    if as_json:
        print_json(record)
    elif markdown:
        typer.echo(as_markdown(record))
    else:
        for name, value in record.items():
            typer.echo(f"{label(name)}: {for_terminal(as_words(value))}")


@app.command(epilog="Example: sna case close --seal")
def close(
    seal: Annotated[
        bool, typer.Option("--seal", help="Keep the posts until their time is over; take nothing in.")
    ] = False,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close a case: purge all its posts, or seal it; its key for pseudonyms is destroyed."""
    opened = sna.open_case(case)
    receipt = opened.close(seal=seal)
    if as_json:
        print_json({"closed": str(opened.folder.path), "sealed": seal, "receipt": receipt})
        return
    word = "sealed" if seal else "closed"
    out().print(f"{word} {for_terminal(str(opened.folder.path))}: {receipt['posts']:,} posts purged, key destroyed")
