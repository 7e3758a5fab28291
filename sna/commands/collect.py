"""`sna collect SOURCE`: one command a collector, made from what the collector says of itself."""

import inspect
import textwrap
from collections.abc import Callable
from typing import Annotated

import typer

import sna
from sna.collectors.base import ABOUT_WHAT, About, Ask, Budget, Setting, What
from sna.collectors.pace import Pace
from sna.collectors.registry import collector, collector_names
from sna.commands.collect_view import (
    gathered_as_json,
    gathering,
    print_collectors,
    print_filled,
    print_gathered,
    print_preview,
)
from sna.errors import UsageError
from sna.options import CaseOption, JsonOption, SinceOption, UntilOption, parse_time
from sna.render import print_json

app = typer.Typer(no_args_is_help=True, help="Gather public posts through a source's official interface.")

BudgetPosts = Annotated[int | None, typer.Option("--limit", help="At most this many posts.", min=1, metavar="N")]
BudgetMoney = Annotated[
    float | None, typer.Option("--max-cost", help="At most this much, in US dollars.", min=0, metavar="USD")
]


@app.callback(invoke_without_command=True)
def collect(
    context: typer.Context,
    list_all: Annotated[bool, typer.Option("--list", help="List the sources, what they can do and need.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Gather public posts through a source's official interface."""
    if list_all:
        print_collectors(_abouts(), as_json=as_json)
    elif context.invoked_subcommand is None:
        raise UsageError("say which source: sna collect --list shows them")


@app.command("missing", epilog="Example: sna collect missing --source x --max-cost 2")
def collect_missing(
    source: Annotated[list[str] | None, typer.Option(help="Only of this source; again for more.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="A collector's setting, else as last time; again for more.", metavar="SOURCE.NAME=VALUE"
        ),
    ] = None,
    limit: BudgetPosts = None,
    max_cost: BudgetMoney = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch missing parents and unfinished conversations until nothing more can be had; tell why gaps remain."""
    opened = sna.open_case(case)
    with gathering("collect missing", as_json=as_json) as (note, show):
        filled = opened.collect_missing(
            source or (), _settings_by_source(settings or []), Budget(limit, max_cost), Pace(note=note), show
        )
    print_filled(filled, opened.status(), as_json=as_json)


def add_sources() -> None:
    """Add one command for each collector in the registry."""
    for name in collector_names():
        try:
            about = collector(name).about
        except UsageError as error:
            _add_broken(name, str(error))
            continue
        command = _command_of(about)
        app.command(name, help=_help_of(about), epilog=f"Example: {_example_of(about)}")(command)


def _command_of(about: About) -> Callable[..., None]:
    """Return a function whose signature holds the collector's settings, for the parser to read."""

    def run(**given: object) -> None:
        _run(about, given)

    parameters = [_parameter(*row) for row in _COMMON]
    at = next(n for n, row in enumerate(_COMMON) if row[0] == "case")
    parameters[at:at] = [_setting_parameter(setting) for setting in about.settings]
    run.__signature__ = inspect.Signature(parameters, return_annotation=None)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters} | {"return": None}
    return run


_COMMON: tuple[tuple[str, object, object], ...] = (
    (
        "query",
        Annotated[list[str] | None, typer.Argument(help="What to ask for; see above.", metavar="QUERY...")],
        None,
    ),
    ("what", Annotated[str | None, typer.Option(help="What to gather; see above.")], None),
    ("since", SinceOption, None),
    ("until", UntilOption, None),
    ("limit", BudgetPosts, None),
    ("max_cost", BudgetMoney, None),
    (
        "count",
        Annotated[
            bool, typer.Option("--count", help="Only tell what the query would bring: posts and cost, or services.")
        ],
        False,
    ),
    ("case", CaseOption, None),
    ("as_json", JsonOption, False),
)


def _parameter(name: str, annotation: object, default: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _setting_parameter(setting: Setting) -> inspect.Parameter:
    name = "set_" + setting.name.replace("-", "_")
    about = f"{setting.about[0].upper()}{setting.about[1:]}{f' [{setting.default}]' if setting.default else ''}."
    if setting.is_flag:
        return _parameter(name, Annotated[bool, typer.Option(f"--{setting.name}", help=about)], False)
    annotation = Annotated[str | None, typer.Option(f"--{setting.name}", help=about, metavar="TEXT")]
    return _parameter(name, annotation, None)


def _run(about: About, given: dict[str, object]) -> None:
    settings = _settings_of(about, given)
    limit, money, as_json = given["limit"], given["max_cost"], bool(given["as_json"])
    budget = Budget(limit, money)  # type: ignore[arg-type]
    asks = _asks(about, given, budget)
    opened = sna.open_case(given["case"])  # type: ignore[arg-type]
    if given["count"]:
        previews = [opened.preview(about.name, ask, settings) for ask in asks]
        print_preview(previews, as_json=as_json)
        return
    with gathering(f"collect {about.name}", as_json=as_json) as (note, show):
        gathered = opened.collect(about.name, asks, settings, Pace(note=note), show)
    if as_json:
        print_json(gathered_as_json(gathered))
    else:
        print_gathered(gathered)


def _asks(about: About, given: dict[str, object], budget: Budget) -> list[Ask]:
    what = str(given["what"] or next(iter(about.can)))
    if what not in {can.value for can in about.can}:
        raise UsageError(f"{about.title} can be asked for {', '.join(about.can)}, not {what!r}")
    since, until = (parse_time(str(given[n]) if given[n] else None) for n in ("since", "until"))
    queries: list[str] = list(given["query"] or ())  # type: ignore[call-overload]
    if What(what) is What.LOOKUP and queries:
        # Ids are asked for together.
        queries = [" ".join(queries)]
    if not queries and What(what) not in about.no_query:
        raise UsageError(f"say what to ask for: {about.can[What(what)]}")
    return [Ask(What(what), query, since, until, budget=budget) for query in queries or [""]]


def _settings_of(about: About, given: dict[str, object]) -> dict[str, str]:
    found: dict[str, str] = {}
    for setting in about.settings:
        value = given["set_" + setting.name.replace("-", "_")]
        if value not in (None, False):
            found[setting.name] = "true" if value is True else str(value)
    return found


def _settings_by_source(pairs: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for pair in pairs:
        path, sign, value = pair.partition("=")
        source, dot, name = path.partition(".")
        if not sign or not dot:
            raise UsageError(f"--set wants SOURCE.NAME=VALUE, not {pair!r}")
        found.setdefault(source, {})[name] = value
    return found


def _help_of(about: About) -> str:
    first = next(iter(about.can))
    lines = []
    for what, query in about.can.items():
        text = f"{ABOUT_WHAT[what]}{' (unless told otherwise)' if what is first else ''}; QUERY is {query}"
        lines += textwrap.wrap(text, 76, initial_indent=f"  {what.value:<10} ", subsequent_indent=" " * 13)
    can = "\n".join(lines)
    secrets = (
        "; ".join(f"{s.about} ({s.variable}{'' if s.required else ', optional'})" for s in about.secrets) or "none"
    )
    return (
        f"Gather from {about.title}.\n\n\b\nWhat can be asked for, by --what:\n{can}\n\n"
        f"Limits: {about.limits}.\n\nSecrets: {secrets}.\n\nSpecification: {about.specification}"
    )


def _example_of(about: About) -> str:
    return _EXAMPLES.get(about.name, f"sna collect {about.name} QUERY --limit 100")


_EXAMPLES = {
    "x": "sna collect x 'flood lang:en' --count",
    "bluesky": "sna collect bluesky '#flood' --limit 500",
    "mastodon": "sna collect mastodon flood --instance mastodon.social",
    "reddit": "sna collect reddit t3_3hahrw --what thread",
    "open311": "sna collect open311 --endpoint https://city.example/open311/v2 --since 2026-03-01",
}


def _abouts() -> list[About]:
    found = []
    for name in collector_names():
        try:
            found.append(collector(name).about)
        except UsageError:
            continue
    return found


def _add_broken(name: str, why: str) -> None:
    def run() -> None:
        raise UsageError(why)

    app.command(name, help="A collector of another package that cannot be loaded.")(run)


add_sources()
