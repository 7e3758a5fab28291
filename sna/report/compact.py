"""Makes the values of a report small: floats of few digits, rows of equal keys as a table."""

from collections.abc import Mapping, Sequence

DIGITS = 6


def short(value: object) -> object:
    """Return a float to DIGITS significant digits; anything else as it is."""
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def as_table(rows: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Return rows that have the same keys as `columns` and, in their order, `rows` of values; floats made short."""
    columns = list(rows[0]) if rows else []
    return {"columns": columns, "rows": [[short(row[name]) for name in columns] for row in rows]}
