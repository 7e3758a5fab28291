"""`sna report` and `sna plot`: the case as one HTML file to hand to a colleague, and as pictures for papers."""

from pathlib import Path
from typing import Annotated

import typer

import sna
from sna.options import CaseOption, JsonOption, PseudonymiseOption, ToOption, handover
from sna.progress import working
from sna.render import err, out, print_json
from sna.report.plots import PLOTS


def report(
    file: Annotated[Path, typer.Argument(help="Where to write it, such as report.html.", metavar="OUT.html")],
    lang: Annotated[str, typer.Option(help="Its language: en or fr.", metavar="LANG")] = "en",
    no_text: Annotated[bool, typer.Option("--no-text", help="Leave out what posts say.")] = False,
    pseudonymise: PseudonymiseOption = None,
    to: ToOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the report of a case: one file that opens in any browser, loads nothing and sends nothing."""
    opened = sna.open_case(case)
    with working("report") as told:
        made = opened.report(
            file, lang, handover(opened.policy, pseudonymise, to), with_text=not no_text, progress=told
        )
    if as_json:
        print_json(made)
        return
    out().print(f"{file}  {int(str(made['bytes'])) / 1e6:,.1f} MB")
    if not opened.policy.duties.pseudonymise and not pseudonymise:
        err().print("it names accounts: hand it only to those whom the case's purpose allows, and see --pseudonymise")


def plot(
    what: Annotated[str, typer.Argument(help=f"What to draw: {', '.join(PLOTS)}.", metavar="WHAT")],
    file: Annotated[Path, typer.Argument(help="Where to: .svg, .png or .pdf.", metavar="OUT")],
    name: Annotated[
        str | None,
        typer.Option("--of", help="The post of a thread, or the URL or hashtag of a cascade; else the largest."),
    ] = None,
    pseudonymise: PseudonymiseOption = None,
    to: ToOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw a picture for a paper, without a browser; needs the extra `plot`."""
    opened = sna.open_case(case)
    made = opened.plot(file, what, name, handover(opened.policy, pseudonymise, to))
    if as_json:
        print_json({"file": str(made), "what": what})
        return
    out().print(str(made))
