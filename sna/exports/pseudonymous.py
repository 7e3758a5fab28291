"""Puts pseudonyms into a network in place of accounts, and takes what else leads to a person out of it."""

import polars as pl

from sna.graphs.network import Network
from sna.privacy.pseudonyms import Pseudonyms

# Columns that would tell who an account is.
_TELLING = ("native_id", "handle", "name")


def with_pseudonyms(network: Network, pseudonyms: Pseudonyms) -> Network:
    """Return the network with pseudonyms for accounts and posts; links and other items lose the handles in them."""
    nodes = network.nodes
    ids = [_of_node(str(text), network.name == "posts", pseudonyms) for text in nodes["id"].to_list()]
    columns = {"id": pl.Series(ids, dtype=pl.String)}
    if "label" in nodes.columns:
        columns["label"] = pl.Series([text.removeprefix("item:") for text in ids], dtype=pl.String)
    if "author" in nodes.columns:
        authors = [None if a is None else pseudonyms.in_text(f"@{a}") for a in nodes["author"].to_list()]
        columns["author"] = pl.Series([a and a.removeprefix("@") for a in authors], dtype=pl.String)
    kept = nodes.drop([name for name in _TELLING if name in nodes.columns])
    return Network(
        network.name, network.directed, kept.with_columns(**columns), network.edges, network.events, network.facts
    )


def _of_node(node: str, is_post: bool, pseudonyms: Pseudonyms) -> str:
    if node.startswith("item:"):
        item = node.removeprefix("item:")
        return "item:" + str(pseudonyms.in_link(item) if "/" in item or ":" in item else pseudonyms.in_text(item))
    source, _, native_id = node.partition(":")
    return pseudonyms.of("post", source, native_id) if is_post else pseudonyms.of(source, native_id)
