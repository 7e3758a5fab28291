"""Node and edge lists as CSV or Parquet."""

from pathlib import Path
from typing import BinaryIO

import polars as pl

from sna.exports.columns import BATCH, times_as_text
from sna.exports.text import for_csv
from sna.graphs.network import Network


def node_and_edge_files(path: Path) -> tuple[Path, Path]:
    """Return the two file names of a list export: OUT.csv becomes OUT.nodes.csv and OUT.edges.csv."""
    return path.with_suffix(f".nodes{path.suffix}"), path.with_suffix(f".edges{path.suffix}")


def node_list(network: Network) -> pl.DataFrame:
    """Return the nodes with the column names that Gephi's spreadsheet import knows (Id, Label)."""
    frame = network.nodes.drop("node").rename({"id": "Id"})
    return frame.rename({"label": "Label"}) if "label" in frame.columns else frame


def edge_list(network: Network) -> pl.DataFrame:
    """Return the edges by node id, with the column names that Gephi's spreadsheet import knows."""
    ids = network.nodes.select("node", "id")
    frame = network.edges
    for side, name in (("source", "Source"), ("target", "Target")):
        frame = frame.join(ids.rename({"id": name}), left_on=side, right_on="node", how="left", maintain_order="left")
    kind = pl.lit("Directed" if network.directed else "Undirected").alias("Type")
    others = [name for name in network.edges.columns if name not in ("source", "target", "weight")]
    return frame.select("Source", "Target", kind, pl.col("weight").alias("Weight"), *others)


def write_csv(frame: pl.DataFrame, file: BinaryIO) -> None:
    """Write a frame as UTF-8 CSV in which no cell is taken for a formula; times are ISO 8601 in UTC."""
    safe = times_as_text(frame)
    text = [name for name, dtype in safe.schema.items() if dtype == pl.String]
    for place, batch in enumerate(safe.iter_slices(BATCH)):
        batch.with_columns(for_csv(pl.col(name)).alias(name) for name in text).write_csv(
            file, include_header=place == 0
        )
    if safe.height == 0:
        safe.write_csv(file)


def write_parquet(frame: pl.DataFrame, file: BinaryIO) -> None:
    """Write a frame as Parquet with every value exactly as stored."""
    frame.write_parquet(file, compression="zstd")
