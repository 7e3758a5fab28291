"""GEXF 1.3 for Gephi, written row batch by row batch. Specification: https://gexf.net/schema.html"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO

import polars as pl

from sna.exports.columns import Column, attributes, times_as_text, xml_batches
from sna.graphs.network import Network

_TYPES = {"integer": "long", "real": "double", "truth": "boolean", "text": "string"}
_STYLE = ("size", "r", "g", "b", "x", "y")

# The official schema defines size, colour and position in GEXF's own namespace, so the prefix is bound to it:
# readers that go by name or by schema find them alike.
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<gexf xmlns="http://gexf.net/1.3" xmlns:viz="http://gexf.net/1.3" version="1.3">
<meta lastmodifieddate="{day}"><creator>sna</creator><description>{about}</description></meta>
<graph defaultedgetype="{directed}" mode="{mode}"{time}>
"""


def write_gexf(network: Network, file: BinaryIO, *, dynamic: bool = False) -> None:
    """Write a network as GEXF 1.3, static, or `dynamic` with the time of every act on its edge and its nodes.

    Columns size, r, g, b, x, y of the nodes become `viz:` elements, all others typed attributes.
    """
    nodes, edges = times_as_text(network.nodes), times_as_text(network.edges)
    if dynamic and network.events is not None:
        nodes, edges = _with_spells(network, nodes, edges)
    # "date" stands for ISO dates and times alike in Gephi; networkx knows no other name for them.
    time = ' timeformat="date" timerepresentation="timestamp"' if dynamic else ""
    head = _HEAD.format(
        day=datetime.now(UTC).date(),
        about=network.name,
        directed="directed" if network.directed else "undirected",
        mode="dynamic" if dynamic else "static",
        time=time,
    )
    file.write(head.encode())
    node_columns = [c for c in attributes(nodes) if c.name not in (*_STYLE, "spells")]
    edge_columns = [c for c in attributes(edges) if c.name not in ("spells", "weight")]
    for kind, columns in (("node", node_columns), ("edge", edge_columns)):
        rows = "".join(
            f'<attribute id="{kind[0]}{n}" title="{c.name}" type="{_TYPES[c.kind]}"/>' for n, c in enumerate(columns)
        )
        file.write(f'<attributes class="{kind}" mode="static">{rows}</attributes>\n'.encode())
    file.write(f'<nodes count="{nodes.height}">\n'.encode())
    for text in _elements(nodes, _node_start(nodes), node_columns, "n", _style(nodes), "</node>"):
        file.write(text)
    file.write(f'</nodes>\n<edges count="{edges.height}">\n'.encode())
    ids = network.nodes.select("node", "id")
    start = [
        pl.lit('<edge id="'),
        pl.col("edge"),
        pl.lit('" source="'),
        pl.col("source_id"),
        pl.lit('" target="'),
        pl.col("target_id"),
        pl.lit('" weight="'),
        pl.col("weight"),
        pl.lit('">'),
    ]
    for text in _elements(edges.with_row_index("edge"), start, edge_columns, "e", [], "</edge>", ids):
        file.write(text)
    file.write(b"</edges>\n</graph>\n</gexf>\n")


def _node_start(nodes: pl.DataFrame) -> list[pl.Expr]:
    label = pl.col("label") if "label" in nodes.columns else pl.col("id")
    return [pl.lit('<node id="'), pl.col("id"), pl.lit('" label="'), label.fill_null(""), pl.lit('">')]


def _style(nodes: pl.DataFrame) -> list[pl.Expr]:
    parts: list[pl.Expr] = []
    if "size" in nodes.columns:
        parts += [pl.lit('<viz:size value="'), pl.col("size"), pl.lit('"/>')]
    if "x" in nodes.columns:
        parts += [pl.lit('<viz:position x="'), pl.col("x"), pl.lit('" y="'), pl.col("y"), pl.lit('" z="0.0"/>')]
    if "r" in nodes.columns:
        parts += [
            pl.lit('<viz:color r="'),
            pl.col("r"),
            pl.lit('" g="'),
            pl.col("g"),
            pl.lit('" b="'),
            pl.col("b"),
            pl.lit('"/>'),
        ]
    return parts


def _elements(
    frame: pl.DataFrame,
    start: list[pl.Expr],
    columns: list[Column],
    prefix: str,
    style: list[pl.Expr],
    end: str,
    ids: pl.DataFrame | None = None,
) -> Iterator[bytes]:
    values = [
        pl.concat_str(
            pl.lit(f'<attvalue for="{prefix}{n}" value="'), pl.col(c.name).cast(pl.String), pl.lit('"/>')
        ).fill_null("")
        for n, c in enumerate(columns)
    ]
    spells = [pl.col("spells").fill_null("")] if "spells" in frame.columns else []
    row = pl.concat_str(*start, pl.lit("<attvalues>"), *values, pl.lit("</attvalues>"), *spells, *style, pl.lit(end))
    for batch in xml_batches(frame, ids):
        yield ("\n".join(batch.select(row=row)["row"].to_list()) + "\n").encode()


def _with_spells(network: Network, nodes: pl.DataFrame, edges: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    events = network.events
    if events is None:
        return nodes, edges
    timed = events.select(
        "source",
        "target",
        spell=pl.lit('<spell timestamp="') + events["acted_at"].dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ") + '"/>',
    )

    def gathered(frame: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
        joined = pl.lit("<spells>") + pl.col("spell").str.join("") + pl.lit("</spells>")
        return frame.group_by(keys).agg(spells=joined)

    on_edges = gathered(timed, ["source", "target"])
    ends = pl.concat([timed.select(node="source", spell="spell"), timed.select(node="target", spell="spell")])
    on_nodes = gathered(ends.unique(maintain_order=True), ["node"])
    return (
        nodes.join(on_nodes, on="node", how="left", maintain_order="left"),
        edges.join(on_edges, on=["source", "target"], how="left", maintain_order="left"),
    )
