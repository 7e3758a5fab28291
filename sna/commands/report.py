"""`sna report`: the case as one HTML file to hand to a colleague."""

from pathlib import Path
from typing import Annotated

import typer

import sna
from sna.options import CaseOption, JsonOption, PseudonymiseOption, ToOption, handover
from sna.render import err, out, print_json


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
    made = opened.report(file, lang, handover(opened.policy, pseudonymise, to), with_text=not no_text)
    if as_json:
        print_json(made)
        return
    out().print(f"{file}  {int(str(made['bytes'])) / 1e6:,.1f} MB")
    if not opened.policy.duties.pseudonymise and not pseudonymise:
        err().print("it names accounts: hand it only to those whom the case's purpose allows, and see --pseudonymise")
