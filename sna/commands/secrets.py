"""`sna secrets`: what collectors need to log in, kept in the keyring of the operating system."""

import sys
from typing import Annotated

import typer

from sna import secrets
from sna.collectors.base import About
from sna.collectors.registry import collector, collector_names
from sna.errors import UsageError
from sna.options import JsonOption
from sna.render import new_table, out, print_json

app = typer.Typer(no_args_is_help=True, help="Keep, list and forget what collectors need to log in.")
SourceArgument = Annotated[str, typer.Argument(help="The source, such as x.", metavar="SOURCE")]


@app.command("set", epilog="Example: sna secrets set x")
def secrets_set(source: SourceArgument) -> None:
    """Ask for a source's secrets and keep them in the keyring; standard input gives them one a line."""
    about = _about(source)
    kept = 0
    for secret in about.secrets:
        label = f"{secret.about[0].upper()}{secret.about[1:]}{'' if secret.required else ' (optional)'}"
        value = _read(label, required=secret.required)
        if value:
            secrets.store_secret(f"{source}.{secret.name}", value)
            kept += 1
    typer.echo(f"{kept} kept in the keyring for {source}")


@app.command("list", epilog="Example: sna secrets list")
def secrets_list(as_json: JsonOption = False) -> None:
    """List which secrets there are and where each comes from, never the secrets themselves."""
    rows = []
    for name in collector_names():
        for secret in collector(name).about.secrets:
            place = secrets.where_is(f"{name}.{secret.name}", secret.variable)
            rows.append({"source": name, "secret": secret.name, "variable": secret.variable, "from": place})
    if as_json:
        print_json({"secrets": rows})
        return
    shown = new_table(("source", "left"), ("secret", "left"), ("from", "left"), ("variable", "left"))
    for row in rows:
        shown.add_row(str(row["source"]), str(row["secret"]), str(row["from"] or "not set"), str(row["variable"]))
    out().print(shown)


@app.command("forget", epilog="Example: sna secrets forget x")
def secrets_forget(source: SourceArgument) -> None:
    """Take a source's secrets out of the keyring."""
    gone = sum(secrets.forget_secret(f"{source}.{secret.name}") for secret in _about(source).secrets)
    typer.echo(f"{gone} taken out of the keyring for {source}")


def _about(source: str) -> About:
    about = collector(source).about
    if not about.secrets:
        raise UsageError(f"{about.title} needs no secret")
    return about


def _read(label: str, *, required: bool) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(label, hide_input=True, default=None if required else "", show_default=False)).strip()
    value = sys.stdin.readline().strip()
    if required and not value:
        raise UsageError(f"standard input holds no line for: {label}")
    return value
