"""JSON for the browser: the serialisation of graphology, https://graphology.github.io/serialization.html"""

import json
from typing import BinaryIO

import polars as pl

from sna.exports.columns import BATCH, times_as_text
from sna.exports.text import for_script, without_hidden
from sna.graphs.network import Network


def write_graphology(network: Network, file: BinaryIO) -> None:
    """Write a network as graphology JSON: attributes, options, nodes and edges, safe inside an HTML script."""
    options = {"type": "directed" if network.directed else "undirected", "multi": False, "allowSelfLoops": True}
    head = json.dumps({"attributes": {"name": network.name, **(network.facts or {})}, "options": options})
    file.write(head[:-1].encode() + b', "nodes": [')
    _write_rows(file, _visible(network.nodes), None)
    file.write(b'], "edges": [')
    _write_rows(file, _visible(network.edges), network.nodes.select("node", "id"))
    file.write(b"]}\n")


def _write_rows(file: BinaryIO, frame: pl.DataFrame, ids: pl.DataFrame | None) -> None:
    names = {} if ids is None else dict(_visible(ids).iter_rows())
    is_first = True
    for batch in frame.iter_slices(BATCH):
        rows = []
        for row in batch.iter_rows(named=True):
            if ids is None:
                row.pop("node")
                entry = {"key": row.pop("id")}
            else:
                entry = {"source": names[row.pop("source")], "target": names[row.pop("target")]}
            rows.append(entry | {"attributes": {k: v for k, v in row.items() if v is not None}})
        text = for_script(json.dumps(rows, ensure_ascii=False))[1:-1]
        file.write((text if is_first or not text else ", " + text).encode())
        is_first = is_first and not text


def _visible(frame: pl.DataFrame) -> pl.DataFrame:
    frame = times_as_text(frame)
    return frame.with_columns(
        without_hidden(pl.col(name)).alias(name) for name, dtype in frame.schema.items() if dtype == pl.String
    )
