"""`sna explain` and `sna methods`: what a figure is made of, and what it means."""

from typing import Annotated

import typer

import sna
from sna.exports.text import for_terminal
from sna.graphs.explain import Explanation
from sna.graphs.methods import Method, all_methods, find_method
from sna.options import CaseOption, JsonOption, LimitOption
from sna.render import as_plain, cell, new_table, out, print_json

POSTS = 3


def explain(
    name: Annotated[str, typer.Argument(help="An account (handle, id, source:id) or a post (id, source:id).")],
    other: Annotated[str | None, typer.Argument(help="A second account: explains the edges between the two.")] = None,
    thread: Annotated[bool, typer.Option("--thread", help="Explain the thread of the post.")] = False,
    no_text: Annotated[bool, typer.Option("--no-text", help="Leave out the posts' texts.")] = False,
    limit: LimitOption = None,
    case: CaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every figure of an account, a post, a thread or an edge, with its formula and the posts behind it."""
    shown = (None if as_json else POSTS) if limit is None else limit or None
    found = sna.open_case(case).explain(name, other, is_thread=thread, limit=shown)
    if as_json:
        print_json(_without_text(as_plain(found)) if no_text else as_plain(found))
    else:
        _print(found, with_text=not no_text)


def methods(
    name: Annotated[str | None, typer.Argument(help="A method, or a column of any output.", metavar="NAME")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print what a figure means: definition, formula, inputs, parameters, limits, source; or list all."""
    if name is None:
        if as_json:
            print_json({"methods": [as_plain(method) for method in all_methods()]})
            return
        table = new_table(("method", "left"), ("about", "left"))
        for method in all_methods():
            table.add_row(method.name, method.title)
        out().print(table)
        return
    method = find_method(name)
    if as_json:
        print_json(as_plain(method))
    else:
        _print_method(method)


def _print_method(method: Method) -> None:
    console = out()
    console.print(f"{method.title} ({method.name})\n\n{method.definition}\n")
    for part in ("formula", "inputs", "parameters", "limits", "source"):
        console.print(f"{part}: {getattr(method, part)}")
    console.print(f"columns: {', '.join(method.columns)}")


def _print(found: Explanation, *, with_text: bool) -> None:
    console = out()
    for name, value in found.subject.items():
        if value not in (None, [], ()) and not (name == "text" and not with_text):
            console.print(f"{name.replace('_', ' ')}: {_shown(value, with_text=with_text)}")
    console.print()
    for part in found.components:
        rank = "" if part.rank is None else f"  rank {part.rank:,} of {part.of:,}"
        posts = f"  ({part.posts:,} posts)" if part.posts else ""
        console.print(f"{part.name}: {cell(part.value)}{rank}{posts}  [{part.method}]")
        for post in part.evidence:
            text = f"  {for_terminal(post.text, 40)}" if with_text and post.text else ""
            who = for_terminal(post.handle or post.actor, 16)
            console.print(f"    {cell(post.created_at)}  {for_terminal(post.post)}  {who}{text}")
    console.print("\n`sna methods NAME` prints the formula of each name in brackets.")


def _shown(value: object, *, with_text: bool) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "; ".join(_span(span, with_text=with_text) for span in value)
    return cell(value, 200)


def _span(span: dict[str, object], *, with_text: bool) -> str:
    state = f" ({span['state']})" if span["state"] else ""
    words = f": {for_terminal(str(span['words']), 40)}" if with_text else ""
    return f"{span['label']} {span['rule']}{state}{words}"


def _without_text(content: object) -> object:
    if isinstance(content, dict):
        return {name: _without_text(inner) for name, inner in content.items() if name not in ("text", "words")}
    return [_without_text(inner) for inner in content] if isinstance(content, list) else content
