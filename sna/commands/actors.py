"""`sna actors`: accounts with their counts, their place in the network, and their roles."""

from typing import Annotated

import typer

import sna
from sna.graphs.actors import SORTS, role_columns
from sna.graphs.methods import find_method
from sna.graphs.roles import ROLES
from sna.options import CaseOption, JsonOption, LimitOption, rows_to_show
from sna.render import err, print_actors, print_columns, print_frame


def actors(
    sort: Annotated[str | None, typer.Option(help=f"One of {', '.join(SORTS)}.")] = None,
    role: Annotated[str | None, typer.Option(help=f"Rank by a role: {', '.join(ROLES)}.")] = None,
    limit: LimitOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List accounts with what they sent and received, their place in the network, and their roles."""
    found = sna.open_case(case).actors(sort, rows_to_show(limit, as_json), role)
    if role is None:
        print_frame(found, "actors", lambda frame: print_actors(frame, sort or "replies_received"), as_json)
        return
    score, low, high, *parts = role_columns(role)
    short = {score: "score", low: "low", high: "high"}
    shown = ("handle", *short.values(), *parts[:4])
    print_frame(
        found, "actors", lambda frame: print_columns(frame.rename(short), *shown, widths={"handle": 18}), as_json
    )
    if not as_json:
        err().print(f"{find_method(score).formula}\nsna explain HANDLE shows the posts behind each figure.")
