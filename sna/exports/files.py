"""Writes a network to a file, in the format that its suffix names, whole or not at all."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl

from sna.errors import InputError, UsageError
from sna.exports.browser import write_graphology
from sna.exports.gexf import write_gexf
from sna.exports.graphml import write_graphml
from sna.exports.style import colours, layout, sizes
from sna.exports.tables import edge_list, node_and_edge_files, node_list, write_csv, write_parquet
from sna.graphs.network import Network

SUFFIXES = (".gexf", ".graphml", ".csv", ".parquet", ".json")


@dataclass(frozen=True, slots=True)
class Form:
    """Which part of a network is exported, and how: see Network.narrowed, Network.measured and export_network."""

    loops: bool = False
    min_weight: int = 1
    largest_component: bool = False
    top: int | None = None
    betweenness: bool = True
    dynamic: bool = False
    layout: bool = False


def files_of(path: Path) -> list[Path]:
    """Return the files that an export to `path` writes; raises UsageError for an unknown suffix."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{path.name}: unknown suffix; one of {', '.join(SUFFIXES)}")
    return list(node_and_edge_files(path)) if suffix in (".csv", ".parquet") else [path]


def export_network(network: Network, path: Path, *, dynamic: bool = False, with_layout: bool = False) -> list[Path]:
    """Write a measured network to `path` and return the files written (two for .csv and .parquet).

    Nodes get size by strength and colour by community, and with `with_layout` a position. Raises
    UsageError for an unknown suffix or a `dynamic` that the format cannot hold, InputError where the
    file cannot be written.
    """
    files, suffix = files_of(path), path.suffix.lower()
    if dynamic and suffix != ".gexf":
        raise UsageError("--dynamic needs a .gexf file; other formats hold no spells")
    if dynamic and network.events is None:
        raise UsageError(f"the network {network.name} has no times; leave out --dynamic")
    styled = _styled(network, with_layout=with_layout)
    if suffix == ".gexf":
        write_whole(path, lambda file: write_gexf(styled, file, dynamic=dynamic))
        return files
    if suffix == ".graphml":
        write_whole(path, lambda file: write_graphml(styled, file))
        return files
    if suffix == ".json":
        write_whole(path, lambda file: write_graphology(styled, file))
        return files
    write = write_csv if suffix == ".csv" else write_parquet
    nodes, edges = files
    write_whole(nodes, lambda file: write(node_list(styled), file))
    write_whole(edges, lambda file: write(edge_list(styled), file))
    return files


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a private file whole or not at all; raises InputError where it cannot be written."""
    part = path.with_name(path.name + ".part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _styled(network: Network, *, with_layout: bool) -> Network:
    nodes = network.nodes
    if "strength" in nodes.columns:
        strength = nodes["strength"].to_numpy()
        colour = colours(nodes["community"].to_numpy())
        nodes = nodes.with_columns(
            size=pl.Series(sizes(strength)),
            r=pl.Series(colour[:, 0]),
            g=pl.Series(colour[:, 1]),
            b=pl.Series(colour[:, 2]),
        )
    if with_layout:
        place = layout(network.arrays())
        nodes = nodes.with_columns(x=pl.Series(place[:, 0]), y=pl.Series(place[:, 1]))
    return Network(network.name, network.directed, nodes, network.edges, network.events, network.facts)
