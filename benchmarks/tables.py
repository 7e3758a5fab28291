"""Prints measured tables line by line, and puts them below the mark of a page."""

from collections.abc import Iterable
from pathlib import Path

MARK = "<!-- measured -->"


def printed(lines: Iterable[str]) -> list[str]:
    """Print each line as soon as it is measured; return all."""
    kept = []
    for line in lines:
        print(line, flush=True)
        kept.append(line)
    return kept


def put_below(page: Path, lines: Iterable[str]) -> None:
    """Replace what stands below the mark of a page, up to a second mark where there is one."""
    head, _, rest = page.read_text("utf-8").partition(MARK)
    _, end, tail = rest.partition(MARK)
    page.write_text(f"{head}{MARK}\n\n" + "\n".join(lines) + (f"\n\n{end}{tail}" if end else "\n"), "utf-8")
