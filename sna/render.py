"""Prints findings for people: tables and thread trees for a terminal of any width, JSON for scripts."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from datetime import datetime

import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sna.exports.text import for_terminal
from sna.graphs.conversations import Node, Thread, Trace
from sna.graphs.status import Status
from sna.post import RootStatus, Tally

FOLD_FROM = 6
DEEPEST_INDENT = 12
UNKNOWN = "unknown"


def out() -> Console:
    """Return the console for data: standard output, 80 columns and no colour where it is no terminal."""
    return Console(highlight=False, markup=False, soft_wrap=False)


def err() -> Console:
    """Return the console for people: standard error."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def print_json(content: object) -> None:
    """Print one JSON document on standard output; times are ISO 8601 in UTC."""
    sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=2, default=_as_json) + "\n")


def iso(time: datetime | None) -> str | None:
    """Return a UTC time as ISO 8601 text with a Z."""
    return None if time is None else time.isoformat(timespec="seconds") + "Z"


def rows_as_json(frame: pl.DataFrame) -> list[dict[str, object]]:
    """Return the rows of a frame as dictionaries ready for JSON."""
    return [
        {k: iso(v) if isinstance(v, datetime) else v for k, v in row.items()} for row in frame.iter_rows(named=True)
    ]


def as_plain(record: object) -> object:
    """Return a frozen record, and the records within it, as dictionaries and lists ready for JSON."""
    if is_dataclass(record) and not isinstance(record, type):
        return {part.name: as_plain(getattr(record, part.name)) for part in fields(record)}
    if isinstance(record, Mapping):
        return {str(name): as_plain(value) for name, value in record.items()}
    if isinstance(record, list | tuple):
        return [as_plain(value) for value in record]
    return iso(record) if isinstance(record, datetime) else record


def status_as_json(status: Status) -> dict[str, object]:
    """Return the figures of a case as a dictionary ready for JSON."""
    content = asdict(status)
    content["window"] = {name: iso(time) for name, time in status.window.items()}
    content["expires_first"] = iso(status.expires_first)
    return content


def thread_as_json(thread: Thread) -> dict[str, object]:
    """Return a thread as a dictionary ready for JSON."""
    content: dict[str, object] = {n: getattr(thread, n) for n in thread.__slots__ if n != "nodes"}
    content["posts"] = [{n: getattr(node, n) for n in node.__slots__} for node in thread.nodes]
    return content


def print_frame(frame: pl.DataFrame, name: str, show: Callable[[pl.DataFrame], None], as_json: bool) -> None:
    """Print rows by `show`, or as a JSON document with one list by that name; says when there are none."""
    if as_json:
        print_json({name: rows_as_json(frame)})
    elif frame.height:
        show(frame)
    else:
        err().print(f"no {name} here")


def print_columns(frame: pl.DataFrame, *names: str, widths: Mapping[str, int] | None = None) -> None:
    """Print the named columns of a frame as a table, numbers to the right, texts made inert and cut at their width."""
    table = new_table(*((_heading(n), "right" if frame.schema[n].is_numeric() else "left") for n in names))
    for row in frame.select(names).iter_rows(named=True):
        table.add_row(*(cell(row[name], (widths or {}).get(name, 24)) for name in names))
    out().print(table)


def cell(value: object, width: int = 24) -> str:
    """Return a value as people read it in a table: times to the minute, numbers with separators, texts inert."""
    if isinstance(value, datetime):
        return _minute(value)
    if isinstance(value, list | tuple):
        return for_terminal(" ".join(map(str, value)), width)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, int | float):
        return _number(value)
    return for_terminal(str(value), width)


def print_status(status: Status) -> None:
    """Print the figures of a case as one table of a few groups."""
    table = new_table(("figure", "left"), ("count", "right"), ("about", "left"), headers=False)
    window = f"{_day(status.window['first'])} to {_day(status.window['last'])}"

    def line(name: str, count: int, about: str = "") -> None:
        table.add_row(name, f"{count:,}", Text(about, style="dim"))

    line("posts", status.posts, window if status.posts else "")
    for source, count in status.by_source.items():
        line(f"  from {for_terminal(source, 20)}", count)
    for kind, count in status.by_kind.items():
        line(f"  {kind}", count)
    line("actors", status.actors, f"and {status.mentioned_only:,} more that are only mentioned")
    table.add_section()
    line("threads", status.threads, "of two posts or more")
    line("true roots", status.true_roots, f"deepest thread {status.max_depth}")
    line("replies", status.replies, f"{status.replies_with_parent:,} with their parent")
    line("missing parents", status.missing_parents, f"{status.orphan_replies:,} replies to them: first poster unknown")
    if status.cycles:
        line("cycles", status.cycles, "replies that answer each other")
    table.add_section()
    line("duplicates", status.duplicates, "met again, merged")
    line(
        "quarantined",
        status.quarantined,
        "kept out; `sna status --quarantine` lists them" if status.quarantined else "",
    )
    for name, count, about in (
        ("dropped", status.dropped, "protected or deleted at the source"),
        ("deleted", status.deleted, "deletion events, remembered"),
        ("conflicts", status.conflicts, "fields that contradicted an earlier copy"),
        ("clock skew", status.older_than_parent, "replies older than their parent"),
        ("suspect times", status.time_suspect, "never taken as an origin"),
        ("awaiting purge", status.awaiting_purge, "hidden from every query, still in the file's bytes"),
        *((f"gap: {reason}", count, "asked for, not given") for reason, count in status.gaps.items()),
    ):
        if count:
            line(name, count, about)
    out().print(table)
    if status.expires_first:
        out().print(Text(f"The first posts must be gone by {_day(status.expires_first)}."))


def print_tally(tally: Tally) -> None:
    """Print on standard error what became of what was read; the parts add up."""
    parts = [f"{tally.stored:,} stored", f"{tally.duplicates:,} duplicates", f"{tally.quarantined:,} quarantined"]
    if tally.dropped:
        parts.insert(2, f"{tally.dropped:,} dropped")
    console = err()
    console.print(f"{tally.read:,} posts read = {' + '.join(parts)}")
    more = [
        f"{count:,} {name}"
        for name, count in (
            ("updated", tally.updated),
            ("profiles", tally.profiles),
            ("deletion events", tally.deletions),
            ("posts deleted", tally.deleted),
            ("conflicts", tally.conflicts),
        )
        if count
    ]
    if more:
        console.print(f"also {', '.join(more)}")
    for reason, count in sorted(tally.reasons.items(), key=lambda item: -item[1]):
        console.print(Text(f"  quarantined {count:,}: {for_terminal(reason)}", style="yellow"))


def print_threads(frame: pl.DataFrame) -> None:
    """Print threads as a table."""
    table = new_table(
        ("posts", "right"),
        ("actors", "right"),
        ("depth", "right"),
        ("started (UTC)", "left"),
        ("first poster", "left"),
        ("top", "left"),
    )
    for row in frame.iter_rows(named=True):
        name = row["first_poster_handle"] or row["first_poster"]
        poster = Text(for_terminal(name, 16)) if name else Text(f"{UNKNOWN}: {row['root_status']}", style="yellow")
        table.add_row(
            f"{row['posts']:,}",
            f"{row['actors']:,}",
            f"{row['depth']:,}",
            _minute(row["started_at"]),
            poster,
            for_terminal(row["top"]),
        )
    out().print(table)


def print_conversations(frame: pl.DataFrame) -> None:
    """Print claimed conversations as a table."""
    table = new_table(
        ("fragments", "right"),
        ("posts", "right"),
        ("actors", "right"),
        ("started (UTC)", "left"),
        ("first post", "left"),
        ("conversation", "left"),
    )
    for row in frame.iter_rows(named=True):
        state = Text("collected") if row["first_post_collected"] else Text("missing", style="yellow")
        table.add_row(
            f"{row['fragments']:,}",
            f"{row['posts']:,}",
            f"{row['actors']:,}",
            _minute(row["started_at"]),
            state,
            for_terminal(row["conversation"]),
        )
    out().print(table)


def print_actors(frame: pl.DataFrame, sort: str) -> None:
    """Print actors as a table: the sorted count first, then what fits."""
    shown = list(dict.fromkeys([sort, "posts", "replies_received", "reposts_received", "threads_started", "community"]))
    table = new_table(("actor", "left"), *((_heading(name), "right") for name in shown))
    for row in frame.iter_rows(named=True):
        table.add_row(for_terminal(row["handle"] or row["id"], 24), *(_number(row[name]) for name in shown))
    out().print(table)


def print_trace(trace: Trace) -> None:
    """Print the way from a post up to its top."""
    console = out()
    path = list(trace.path)
    shown = path if len(path) <= 2 * FOLD_FROM else [*path[:FOLD_FROM], None, *path[-FOLD_FROM:]]
    for place, post in enumerate(shown):
        if post is None:
            console.print(Text(f"   … {len(path) - 2 * FOLD_FROM:,} more", style="dim"))
        else:
            console.print(f"{'   ' if place else ''}{'↳ answers ' if place else ''}{for_terminal(post)}")
    if trace.missing_parent:
        console.print(
            Text(f"   ↳ answers {for_terminal(trace.missing_parent)}, which was not collected", style="yellow")
        )
    _print_head(console, trace.root_status, trace.first_poster, trace.first_poster_handle, trace.claimed_conversation)


def print_thread(thread: Thread, *, full: bool = False, most: int | None = None) -> None:
    """Print a thread as a tree, one line a post at the width of the terminal.

    Chains are folded unless `full`; with `most` only so many lines are printed, and how many are left is said.
    """
    console = out()
    if thread.missing_parent:
        console.print(Text(f"(answers {for_terminal(thread.missing_parent)}, which was not collected)", style="yellow"))
    answers = _answer_counts(thread.nodes)
    items = list(thread.nodes if full else _folded(thread.nodes, answers))
    for item in items[:most]:
        if isinstance(item, Node):
            console.print(_tree_line(item, console.width))
        else:
            console.print(Text(f"{_indent(item[0])}… {item[1]:,} more posts down this chain", style="dim"))
    if most is not None and len(items) > most:
        rest = f"… {len(items) - most:,} more lines: sna threads show {for_terminal(thread.source)}:"
        console.print(Text(rest + for_terminal(thread.top), style="dim"))
    _print_head(console, thread.root_status, thread.first_poster, thread.first_poster_handle, thread.conversation)
    if thread.fragments:
        names = ", ".join(for_terminal(name) for name in thread.fragments[:5])
        more = f" and {len(thread.fragments) - 5} more" if len(thread.fragments) > 5 else ""
        console.print(f"Other fragments of this conversation: {names}{more}")


def new_table(*columns: tuple[str, str], headers: bool = True) -> Table:
    """Return an empty table in the house style, for (name, side) columns."""
    table = Table(
        box=box.SIMPLE_HEAD if headers else box.SIMPLE,
        show_header=headers,
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    for place, (name, side) in enumerate(columns):
        is_last = place == len(columns) - 1
        table.add_column(
            name,
            justify="right" if side == "right" else "left",
            overflow="fold",
            no_wrap=not (is_last or "_" in name or (" " in name and side == "right")),
        )
    return table


def _print_head(
    console: Console, status: str, poster: str | None, handle: str | None, conversation: str | None
) -> None:
    if status == RootStatus.OBSERVED:
        who = for_terminal(handle or poster) if handle or poster else "an account that the source does not name"
        console.print(f"First poster: {who} (root observed)")
    else:
        console.print(Text(f"First poster: {UNKNOWN} (root {status})", style="yellow"))
    if conversation:
        console.print(f"Claimed conversation: {for_terminal(conversation)}")


def _tree_line(node: Node, width: int) -> Text:
    who = for_terminal(node.handle or node.actor, 24)
    head = f"{_indent(node.depth)}{who}  {_minute(node.created_at)}  "
    line = Text(head, style="bold" if node.depth == 0 else "")
    if node.older_than_parent:
        line.append("(older than its parent) ", style="yellow")
    line.append(for_terminal(node.text, max(width - line.cell_len - 1, 10)), style="dim")
    return line


def _indent(depth: int) -> str:
    if depth <= DEEPEST_INDENT:
        return "  " * depth
    return "  " * DEEPEST_INDENT + f"[{depth}] "


def _answer_counts(nodes: Sequence[Node]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for node in nodes:
        if node.parent is not None and node.depth:
            counts[node.parent] = counts.get(node.parent, 0) + 1
    return counts


def _folded(nodes: Iterable[Node], answers: dict[str, int]) -> Iterator[Node | tuple[int, int]]:
    """Yield posts, and (depth, count) for the middle of each run of posts that are their parent's only answer."""
    run: list[Node] = []
    for node in nodes:
        if node.depth and node.parent is not None and answers[node.parent] == 1:
            run.append(node)
            continue
        yield from _fold(run)
        run = []
        yield node
    yield from _fold(run)


def _fold(run: list[Node]) -> Iterator[Node | tuple[int, int]]:
    if len(run) <= FOLD_FROM:
        yield from run
    else:
        yield from run[:2]
        yield run[2].depth, len(run) - 3
        yield run[-1]


def _heading(name: str) -> str:
    return name.replace("_", " ")


def _number(value: object) -> str:
    if value is None:
        return "—"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value:,}"


def _minute(time: datetime | None) -> str:
    return "—" if time is None else time.strftime("%Y-%m-%d %H:%M")


def _day(time: datetime | None) -> str:
    return "—" if time is None else time.strftime("%Y-%m-%d")


def _as_json(value: object) -> object:
    if isinstance(value, datetime):
        return iso(value)
    raise TypeError(type(value).__name__)
