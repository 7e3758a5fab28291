"""Shows on a terminal that long work goes on; standard error carries it, and nothing of it reaches a file or a pipe."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from sna.render import err


def progress_bar() -> Progress:
    """Return a progress bar on standard error, shown only where that is a terminal."""
    return _shown(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )


@contextmanager
def working(description: str) -> Iterator[Callable[[str], None]]:
    """Show work whose end is not known; gives what is told the step that it is at."""
    with _shown(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()) as shown:
        task = shown.add_task(description, total=None)
        yield lambda step: shown.update(task, description=f"{description}: {step}")


def _shown(*columns: ProgressColumn) -> Progress:
    console = err()
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
