"""Writes the reference of all commands from their own help: `python -m sna.reference > docs/cli.md`."""

import os
import sys
from collections.abc import Iterator

import typer
from typer.testing import CliRunner

from sna.cli import app

_INTRODUCTION = """# Commands

Made from `--help` by `python -m sna.reference`. Common to all: `--case DIR`, before or after the command (or
`SNA_CASE`, or the current folder when it is a case); `--json` prints one JSON document on standard output and nothing
else there;
progress, warnings and errors go to standard error.

Exit codes: 0 done; 1 a check found something; 2 wrong usage; 3 the case is locked, missing or of another version; 4 the
input or a service failed; 130 stopped by Ctrl-C.
"""


def command_reference() -> str:
    """Return the page as Markdown, one section a command."""
    runner = CliRunner()
    pages = [_INTRODUCTION]
    os.environ["TERMINAL_WIDTH"] = os.environ["COLUMNS"] = "80"
    for path in _paths(typer.main.get_command(app), ()):
        shown = runner.invoke(app, [*path, "--help"], prog_name="sna").output
        lines = "\n".join(line.rstrip() for line in shown.strip().splitlines())
        pages.append(f"## sna {' '.join(path)}\n\n```text\n{lines}\n```\n")
    return "\n".join(pages)


def _paths(command: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, inner in getattr(command, "commands", {}).items():
        if getattr(inner, "commands", None):
            yield from _paths(inner, (*path, name))
        else:
            yield (*path, name)


if __name__ == "__main__":
    sys.stdout.write(command_reference())
