"""The command line: each command parses its arguments, calls one function and renders what it returns."""

import os
import sys
from pathlib import Path
from typing import Annotated

import duckdb
import typer

import sna
from sna import render
from sna.commands import (
    actors,
    audit,
    cases,
    collect,
    coordination,
    explain,
    language,
    origins,
    report,
    retention,
    secrets,
    show,
    subject,
    timeline,
    watch,
)
from sna.commands.collect_view import tally_as_json
from sna.demo import run_demo
from sna.errors import SnaError
from sna.exports.files import SUFFIXES, Form
from sna.exports.text import for_terminal
from sna.formats.importer import FORMATS, ImportPlan
from sna.formats.table import FIELDS
from sna.graphs.conversations import SORTS as THREAD_SORTS
from sna.graphs.conversations import ThreadFilter
from sna.graphs.interactions import KINDS, Window
from sna.graphs.networks import NETWORKS
from sna.keeping import Run
from sna.options import (
    CaseOption,
    JsonOption,
    LimitOption,
    PseudonymiseOption,
    SinceOption,
    ToOption,
    UntilOption,
    handover,
    parse_mapping,
    parse_time,
    rows_to_show,
)
from sna.post import RootStatus, Tally
from sna.progress import progress_bar

app = typer.Typer(
    name="sna",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Investigate public conversation: who speaks, who posted first, who interacts with whom.",
    epilog="Example: sna case new town --purpose 'flood rumours' --legal-basis 'public interest' --keep-days 90",
)
threads_app = typer.Typer(no_args_is_help=True, help="List, show and trace conversations.")
graph_app = typer.Typer(no_args_is_help=True, help="Build networks and export them.")
app.add_typer(cases.app, name="case")
app.add_typer(threads_app, name="threads")
app.add_typer(graph_app, name="graph")
app.add_typer(collect.app, name="collect")
app.add_typer(language.app, name="language")
app.add_typer(retention.app, name="retention")
app.add_typer(subject.app, name="subject")
app.add_typer(audit.app, name="audit")
app.add_typer(secrets.app, name="secrets")
app.command("actors", epilog="Example: sna actors --role organises --limit 10")(actors.actors)
app.command("origins", epilog="Example: sna origins url https://port-lune.example/avis")(origins.origins)
app.command("explain", epilog="Example: sna explain anna_quai")(explain.explain)
app.command("methods", epilog="Example: sna methods pagerank")(explain.methods)
app.command("coordination", epilog="Example: sna coordination --by repost,url --window 60")(coordination.coordination)
app.command("communities", epilog="Example: sna communities --limit 10")(timeline.communities)
app.command("timeline", epilog="Example: sna timeline --step 1h --by role")(timeline.timeline)
app.command("show", epilog="Example: sna show --case town")(show.show)
app.command("report", epilog="Example: sna report town.html --case town --pseudonymise")(report.report)
app.command("plot", epilog="Example: sna plot timeline town.svg --case town")(report.plot)
app.command("watch", epilog="Example: sna watch watch.toml --case town")(watch.watch)


def main() -> None:
    """Run the command line; every failure becomes one line on standard error and an exit code."""
    os.umask(0o077)
    try:
        code = app(standalone_mode=False) or 0
        # The parser swallows Ctrl-C and returns its exit code.
        if code == STOPPED:
            _fail(_STOPPED_LINE, STOPPED)
    except SnaError as error:
        code = _fail(str(error), error.exit_code)
    except typer.Abort:
        code = _fail(_STOPPED_LINE, STOPPED)
    except typer.TyperException as error:
        code = _fail(_usage_failure(error), 2)
    except KeyboardInterrupt:
        code = _fail(_STOPPED_LINE, STOPPED)
    except BrokenPipeError:
        # The reader of a pipe left early; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except duckdb.Error as error:
        code = _fail(_store_failure(error), 3)
    except RuntimeError as error:
        # So DuckDB says that Ctrl-C reached it.
        if "interrupted" not in str(error).lower():
            raise
        code = _fail(_STOPPED_LINE, STOPPED)
    _tell_run(code)
    sys.exit(code)


def _tell_run(code: int) -> None:
    """Print warnings, and where each audit that this run wrote to ends now: the head to note elsewhere.

    An error stays one line; the head that it left comes with the next run.
    """
    for text in (*(f"sna: {warning}" for warning in Run.warnings), *(f"audit {head}" for head in Run.heads.values())):
        if code in (0, 1):
            sys.stderr.write(f"{text}\n")
    Run.warnings.clear()
    Run.heads.clear()


STOPPED = 130
_STOPPED_LINE = "stopped; what was finished is kept, and the same command goes on from there"


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"sna: {for_terminal(message)}\n")
    return code


def _usage_failure(error: typer.TyperException) -> str:
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    return f"{message} (see {context.command_path} --help)" if context else message


def _store_failure(error: duckdb.Error) -> str:
    kind = type(error).__name__
    if "No space left" in str(error) or isinstance(error, duckdb.OutOfMemoryException):
        return "the disk or the memory is full; free some and repeat the command, nothing is stored twice"
    return f"the store cannot be read or written ({kind}); if this repeats, restore it from a copy"


def _version(value: bool) -> None:
    if value:
        typer.echo(f"sna {sna.__version__}")
        raise typer.Exit


@app.callback()
def common(
    case: CaseOption = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Investigate public conversation: who speaks, who posted first, who interacts with whom."""
    if case is not None:
        os.environ["SNA_CASE"] = str(case)


@app.command(epilog="Example: sna demo demo-case")
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to make the fictional case.", metavar="DIR")] = Path(
        "demo-case"
    ),
    as_json: JsonOption = False,
) -> None:
    """Make a fictional case, import it, trace its threads and export its graph, all offline."""
    result = run_demo(folder)
    if as_json:
        render.print_json(
            {
                "case": str(folder),
                "status": render.status_as_json(result.status),
                "files": [str(file) for file in result.files],
            }
        )
        return
    render.print_tally(result.tally)
    render.print_status(result.status)
    render.print_threads(result.threads)
    render.print_actors(result.actors, "replies_received")
    for file in result.files:
        typer.echo(f"wrote {file}")
    typer.echo(f"Go on with: sna threads show {result.threads['top'][0]} --case {folder}")


@app.command("import", epilog="Example: sna import tweets.jsonl.gz page-*.json --case town")
def import_posts(
    files: Annotated[
        list[Path], typer.Argument(help="Files, plain, gzip or zstd; - for standard input.", metavar="FILE...")
    ],
    form: Annotated[str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.")] = "auto",
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help=f"For tables: FIELD=COLUMN, again for each of {', '.join(FIELDS)}.", metavar="FIELD=COLUMN"
        ),
    ] = None,
    source: Annotated[str | None, typer.Option(help="For tables: the name of the platform.", metavar="NAME")] = None,
    timezone: Annotated[
        str | None, typer.Option(help="The zone of times that carry none, such as Europe/Paris.")
    ] = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import posts: X, Mastodon, Bluesky, Reddit by content, or any CSV, JSON Lines or Parquet table."""
    plan = ImportPlan(form, parse_mapping(mapping or []), source, timezone)
    opened = sna.open_case(case)
    with progress_bar() as bar:
        task = bar.add_task("import", total=None, rate="")

        def advance(taken: int, size: int | None, tally: Tally) -> None:
            seconds = bar.tasks[0].elapsed or 1
            bar.update(task, completed=taken, total=size, rate=f"{tally.read / seconds:,.0f} posts/s")

        tally = opened.import_files([None if str(f) == "-" else f for f in files], plan, advance)
    if as_json:
        render.print_json(tally_as_json(tally))
    else:
        render.print_tally(tally)


@app.command(epilog="Example: sna status --json")
def status(
    quarantine: Annotated[bool, typer.Option("--quarantine", help="List what was kept out, and why.")] = False,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the case holds: posts by source and kind, threads, gaps, window, quarantine."""
    opened = sna.open_case(case)
    if quarantine:
        lines = [
            dict(zip(("file", "byte_offset", "reason", "sha256"), line, strict=True)) for line in opened.quarantine()
        ]
        if as_json:
            render.print_json({"quarantine": lines})
        else:
            for line in lines:
                typer.echo(f"{for_terminal(str(line['file']))} byte {line['byte_offset']}: {line['reason']}")
        return
    figures = opened.status()
    if as_json:
        render.print_json(render.status_as_json(figures))
    else:
        render.print_status(figures)


@threads_app.command("list", epilog="Example: sna threads list --sort depth --min-posts 5")
def threads_list(
    sort: Annotated[str, typer.Option(help=f"One of {', '.join(THREAD_SORTS)}.")] = "posts",
    limit: LimitOption = None,
    min_posts: Annotated[int, typer.Option(help="Only threads of at least this many posts.", min=1)] = 2,
    source: Annotated[str | None, typer.Option(help="Only of this source.")] = None,
    root_status: Annotated[str | None, typer.Option(help=f"Only with this root: {', '.join(RootStatus)}.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only with a post of this handle or id.")] = None,
    text: Annotated[str | None, typer.Option(help="Only with this text in one of their posts.")] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    conversations: Annotated[bool, typer.Option("--conversations", help="Group by claimed conversation.")] = False,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List threads with their first posters, or claimed conversations with their fragments."""
    opened = sna.open_case(case)
    if conversations:
        render.print_frame(
            opened.conversations(rows_to_show(limit, as_json)), "conversations", render.print_conversations, as_json
        )
        return
    chosen = ThreadFilter(min_posts, source, root_status, actor, text, parse_time(since), parse_time(until))
    render.print_frame(
        opened.threads(chosen, sort, rows_to_show(limit, as_json)), "threads", render.print_threads, as_json
    )


@threads_app.command("show", epilog="Example: sna threads show 1407299016946192390 --full")
def threads_show(
    post: Annotated[str, typer.Argument(help="Any post of the thread: its id, or source:id.")],
    full: Annotated[bool, typer.Option("--full", help="Do not fold long chains.")] = False,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a thread as a tree, with its first poster and what is missing."""
    thread = sna.open_case(case).thread(post)
    if as_json:
        render.print_json(render.thread_as_json(thread))
    else:
        render.print_thread(thread, full=full)


@threads_app.command("trace", epilog="Example: sna threads trace 1407308976946192390")
def threads_trace(
    post: Annotated[str, typer.Argument(help="A post: its id, or source:id.")],
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow a post up to the top of its thread."""
    trace = sna.open_case(case).trace(post)
    if as_json:
        render.print_json({name: getattr(trace, name) for name in trace.__slots__})
    else:
        render.print_trace(trace)


@graph_app.command("export", epilog="Example: sna graph export town.gexf --kind reply,mention --dynamic")
def graph_export(
    out: Annotated[
        Path, typer.Argument(help=f"The file to write; its suffix is one of {', '.join(SUFFIXES)}.", metavar="OUT")
    ],
    network: Annotated[
        str, typer.Option(help="; ".join(f"{kind.name}: {kind.about}" for kind in NETWORKS) + ".", metavar="NAME")
    ] = "interactions",
    kind: Annotated[str, typer.Option(help=f"Kinds of interaction, by commas: {', '.join(KINDS)}.")] = ",".join(KINDS),
    since: SinceOption = None,
    until: UntilOption = None,
    min_weight: Annotated[int, typer.Option(help="Only edges of at least this weight.", min=1)] = 1,
    largest_component: Annotated[bool, typer.Option("--largest-component", help="Only the largest component.")] = False,
    top: Annotated[int | None, typer.Option(help="Only the N strongest nodes.", min=1, metavar="N")] = None,
    loops: Annotated[bool, typer.Option("--loops", help="Keep edges from a node to itself.")] = False,
    dynamic: Annotated[bool, typer.Option("--dynamic", help="GEXF with the time of every act.")] = False,
    layout: Annotated[bool, typer.Option("--layout", help="Give each node a position.")] = False,
    betweenness: Annotated[
        bool, typer.Option("--betweenness/--no-betweenness", help="Exact up to 2,000 nodes, sampled beyond.")
    ] = True,
    pseudonymise: PseudonymiseOption = None,
    to: ToOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a network with its measures, ready for Gephi, a spreadsheet, Python or a browser."""
    window = Window([part.strip() for part in kind.split(",") if part.strip()], parse_time(since), parse_time(until))
    form = Form(loops, min_weight, largest_component, top, betweenness, dynamic, layout)
    opened = sna.open_case(case)
    measured, files = opened.export(out, network, window, form, handover(opened.policy, pseudonymise, to))
    if as_json:
        render.print_json({"files": [str(file) for file in files], **(measured.facts or {})})
    else:
        for name, value in (measured.facts or {}).items():
            typer.echo(f"{name.replace('_', ' ')}: {value}", err=True)
        for file in files:
            typer.echo(str(file))
