"""GraphML, written row batch by row batch. Specification: http://graphml.graphdrawing.org/specification.html"""

from typing import BinaryIO

import polars as pl

from sna.exports.columns import Column, attributes, times_as_text, xml_batches
from sna.graphs.network import Network

_TYPES = {"integer": "long", "real": "double", "truth": "boolean", "text": "string"}


def write_graphml(network: Network, file: BinaryIO) -> None:
    """Write a network as GraphML with typed attributes; absent values have no data element."""
    nodes, edges = times_as_text(network.nodes), times_as_text(network.edges)
    node_columns = [Column("label", "text"), *attributes(nodes)]
    edge_columns = attributes(edges)
    file.write(
        b'<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns" '
        b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation='
        b'"http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">\n'
    )
    for kind, columns in (("node", node_columns), ("edge", edge_columns)):
        for n, column in enumerate(columns):
            key = f'<key id="{kind[0]}{n}" for="{kind}" attr.name="{column.name}" attr.type="{_TYPES[column.kind]}"/>\n'
            file.write(key.encode())
    directed = "directed" if network.directed else "undirected"
    file.write(f'<graph id="{network.name}" edgedefault="{directed}">\n'.encode())
    start = [pl.lit('<node id="'), pl.col("id"), pl.lit('">')]
    for batch in xml_batches(nodes):
        file.write(_rows(batch, start, node_columns, "n", "</node>"))
    start = [pl.lit('<edge source="'), pl.col("source_id"), pl.lit('" target="'), pl.col("target_id"), pl.lit('">')]
    for batch in xml_batches(edges, network.nodes.select("node", "id")):
        file.write(_rows(batch, start, edge_columns, "e", "</edge>"))
    file.write(b"</graph>\n</graphml>\n")


def _rows(batch: pl.DataFrame, start: list[pl.Expr], columns: list[Column], prefix: str, end: str) -> bytes:
    data = [
        pl.concat_str(
            pl.lit(f'<data key="{prefix}{n}">'),
            pl.col(c.name).cast(pl.String),
            pl.lit("</data>"),
        ).fill_null("")
        for n, c in enumerate(columns)
    ]
    rows = batch.select(row=pl.concat_str(*start, *data, pl.lit(end)))["row"].to_list()
    return ("\n".join(rows) + "\n").encode()
