"""`sna watch`: streams and periodic searches, until Ctrl-C or SIGTERM."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.live import Live
from rich.text import Text

import sna
from sna.collectors.watch import State, failure_of, read_plan
from sna.commands.collect_view import gathered_as_json, print_gathered
from sna.exports.text import for_terminal
from sna.options import CaseOption, JsonOption
from sna.render import err, print_json

LINE_SECONDS = 60.0


def watch(
    plan: Annotated[Path, typer.Argument(help="What to watch: a watch.toml.", metavar="FILE")] = Path("watch.toml"),
    seconds: Annotated[float | None, typer.Option("--for", help="Stop after this many seconds.", min=0.1)] = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run streams and periodic searches until Ctrl-C: taken up again after failures, deletions carried out at once."""
    opened, read = sna.open_case(case), read_plan(plan)
    stop = threading.Event()
    if seconds is not None:
        timer = threading.Timer(seconds, stop.set)
        timer.daemon = True
        timer.start()
    with _stopped_by_signals(stop), _status_line() as (show, note):
        state = opened.watch(read, stop, show, note)
    if as_json:
        print_json({**gathered_as_json(state.gathered), "commits": state.commits, "failures": state.failures})
    else:
        state.gathered.is_complete = True
        print_gathered(state.gathered)
    failure = failure_of(state)
    if failure is not None:
        raise failure


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM end the watch cleanly: what came is committed, then it stops."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _status_line() -> Iterator[tuple["_Show", "_Note"]]:
    console = err()
    if not console.is_terminal:
        yield _Show(None), _Note()
        return
    with Live(Text("starting"), console=console, refresh_per_second=2, transient=True) as live:
        yield _Show(live), _Note()


class _Note:
    """Prints a line about a failure or a wait."""

    def __call__(self, text: str) -> None:
        err().print(f"{time.strftime('%H:%M:%S')} {for_terminal(text)}")


class _Show:
    """Shows where the watch stands: a line that changes on a terminal, one a minute elsewhere."""

    def __init__(self, live: Live | None) -> None:
        self._live = live
        self._shown = time.monotonic()

    def __call__(self, state: State) -> None:
        tally, seconds = state.gathered.tally, max(time.monotonic() - state.started, 1.0)
        parts = [
            f"{tally.read:,} posts",
            f"{tally.read / seconds:,.0f}/s",
            *([f"{tally.deleted:,} hidden"] if tally.deleted else []),
            *([f"{state.waiting} pages waiting"] if state.waiting else []),
            *(f"{name}: {doing}" for name, doing in list(state.doing.items())),
        ]
        line = f"{time.strftime('%H:%M:%S')} {for_terminal(' · '.join(parts))}"
        if self._live is not None:
            self._live.update(Text(line))
        elif time.monotonic() - self._shown >= LINE_SECONDS:
            self._shown = time.monotonic()
            err().print(line)
