"""What every graph writer shares: the kinds of columns, times as text, and rows in batches with their ends' ids."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from sna.exports.text import for_xml

BATCH = 50_000
XML_COLUMNS = ("spells",)
_STRUCTURE = ("node", "id", "source", "target", "edge", "label")


@dataclass(frozen=True, slots=True)
class Column:
    """An attribute of nodes or edges and its kind: `integer`, `real`, `truth` or `text`."""

    name: str
    kind: str


def attributes(frame: pl.DataFrame) -> list[Column]:
    """Return the columns that are attributes, not structure."""
    return [Column(name, _kind(dtype)) for name, dtype in frame.schema.items() if name not in _STRUCTURE]


def times_as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with times as ISO 8601 text in UTC."""
    times = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime)]
    return frame.with_columns(pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ") for name in times)


def xml_batches(frame: pl.DataFrame, ids: pl.DataFrame | None = None) -> Iterator[pl.DataFrame]:
    """Yield BATCH rows at a time, text ready for XML; with `ids` (node, id) edges get `source_id` and `target_id`.

    Columns that hold XML already are named in XML_COLUMNS and stay as they are.
    """
    known = None if ids is None else ids.select("node", xml_id=for_xml(ids["id"]))
    for batch in frame.iter_slices(BATCH):
        text = [name for name, dtype in batch.schema.items() if dtype == pl.String and name not in XML_COLUMNS]
        batch = batch.with_columns(for_xml(batch[name]).alias(name) for name in text)
        if known is not None:
            for side in ("source", "target"):
                batch = batch.join(
                    known.rename({"xml_id": f"{side}_id"}),
                    left_on=side,
                    right_on="node",
                    how="left",
                    maintain_order="left",
                )
        yield batch


def _kind(dtype: pl.DataType) -> str:
    if dtype.is_integer():
        return "integer"
    if dtype.is_float() or dtype.is_decimal():
        return "real"
    return "truth" if dtype == pl.Boolean else "text"
