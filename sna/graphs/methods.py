"""The register of measures: definition, formula, inputs, parameters, limits and source of every figure."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from sna.errors import UsageError


@dataclass(frozen=True, slots=True)
class Method:
    """One entry: a measure or a family of them, and the output columns that it covers."""

    name: str
    title: str
    columns: tuple[str, ...]
    definition: str
    formula: str
    inputs: str
    limits: str
    source: str
    parameters: str = "none"


@cache
def all_methods() -> tuple[Method, ...]:
    """Return the whole register, in its own order."""
    text = (files("sna.graphs") / "methods.toml").read_text("utf-8")
    return tuple(Method(**{**entry, "columns": tuple(entry["columns"])}) for entry in tomllib.loads(text)["method"])


def find_method(name: str) -> Method:
    """Return the entry of a name or of an output column; raises UsageError where there is none."""
    for method in all_methods():
        if name == method.name or name in method.columns:
            return method
    raise UsageError(f"no method or column {name!r}; `sna methods` lists them")


def as_markdown() -> str:
    """Return the register as the page docs/methods.md."""
    parts = ["# Methods", _INTRODUCTION]
    for method in all_methods():
        columns = ", ".join(f"`{column}`" for column in method.columns)
        rows = [("Columns", columns)] + [(name, getattr(method, name.lower())) for name in _SHOWN]
        lines = "\n".join(f"- **{name}**: {value}" for name, value in rows if value not in ("-", "none"))
        parts.append(f"## {method.title} (`{method.name}`)\n\n{method.definition}\n\n{lines}")
    return "\n\n".join(parts) + "\n"


_SHOWN = ("Formula", "Inputs", "Parameters", "Limits", "Source")
_INTRODUCTION = (
    "Every figure that sna prints, by output column. `sna methods NAME` prints an entry in the terminal, and "
    "`sna explain` the posts behind a figure. No score speaks of danger, intent or truth.\n\n"
    "This page is made by `python -m sna.graphs.methods > docs/methods.md`; the tests hold that it is up to date and "
    "that no output column lacks an entry."
)

if __name__ == "__main__":
    print(as_markdown(), end="")  # noqa: T201
