"""The options that commands share, and how their values are read."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from sna.case import Policy
from sna.errors import UsageError
from sna.privacy.register import Handover

CaseOption = Annotated[
    Path | None, typer.Option("--case", help="The case folder; else SNA_CASE, else the current folder.", metavar="DIR")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
SinceOption = Annotated[str | None, typer.Option(help="From this time on (ISO 8601, UTC).", metavar="TIME")]
UntilOption = Annotated[
    str | None, typer.Option(help="Up to, not including, this time (ISO 8601, UTC).", metavar="TIME")
]
LimitOption = Annotated[
    int | None, typer.Option(help="How many rows at the most, 0 for all; else 20, with --json all.", min=0, metavar="N")
]
PseudonymiseOption = Annotated[
    bool | None,
    typer.Option("--pseudonymise/--names", help="Pseudonyms in place of accounts; else as case.toml says."),
]
ToOption = Annotated[str | None, typer.Option("--to", help="Who is given the file, for the register.", metavar="WHO")]
ROWS = 20


def handover(policy: Policy, pseudonymise: bool | None, to: str | None) -> Handover:
    """Return how an export is made: with pseudonyms where asked for, or else where the policy says so."""
    return Handover(to, policy.duties.pseudonymise if pseudonymise is None else pseudonymise)


def parse_mapping(pairs: list[str]) -> dict[str, str]:
    """Return FIELD=COLUMN pairs as a dictionary; raises UsageError for anything else."""
    mapping = {}
    for pair in pairs:
        name, sign, column = pair.partition("=")
        if not sign or not column:
            raise UsageError(f"--map wants FIELD=COLUMN, not {pair!r}")
        mapping[name] = column
    return mapping


def parse_time(text: str | None) -> datetime | None:
    """Return an ISO 8601 time as UTC without zone, naive ones taken as UTC; raises UsageError for anything else."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time; write it as 2026-03-01 or 2026-03-01T14:30:00Z") from error
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


def rows_to_show(limit: int | None, as_json: bool) -> int | None:
    """Return how many rows to print, None for all: a screenful for people, everything for scripts."""
    return (None if as_json else ROWS) if limit is None else limit or None
