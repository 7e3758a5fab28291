"""Colour, size and place of nodes in exports: communities by colour, strength by size, force layout by component."""

import numpy as np
import rustworkx
from numpy.typing import NDArray

from sna.errors import UsageError
from sna.graphs.arrays import EdgeArrays
from sna.graphs.measures import components

# Okabe and Ito, "Color Universal Design" (2008): told apart with any colour vision; grey for all the rest.
PALETTE = ((0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (213, 94, 0), (240, 228, 66))
OTHER = (153, 153, 153)
SMALLEST, LARGEST = 4.0, 40.0
MAX_LAYOUT_NODES = 20_000
_LAYOUT_SEED = 1
# Room between two components, as in a spring layout between two nodes.
_GAP = 60.0
# How much wider than the least width of the sheet is tried.
_STRETCHES = (1.0, 1.15, 1.3, 1.5, 1.75, 2.0)


def sizes(strength: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a size per node whose area grows with its strength, from SMALLEST to LARGEST."""
    root = np.sqrt(np.maximum(strength, 0.0))
    peak = root.max(initial=0.0)
    share = root / peak if peak else np.zeros(len(strength))
    return SMALLEST + (LARGEST - SMALLEST) * share


def colours(community: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (n, 3) red, green, blue per node: one colour for each of the largest communities, grey for others."""
    table = np.array([*PALETTE, OTHER], np.int64)
    return table[np.minimum(community, len(PALETTE))]


def layout(edges: EdgeArrays) -> NDArray[np.float64]:
    """Return (n, 2) positions: each weak component by springs, components packed side by side.

    Fruchterman and Reingold, "Graph drawing by force-directed placement" (1991), as in rustworkx. Raises
    UsageError beyond MAX_LAYOUT_NODES nodes.
    """
    if edges.nodes > MAX_LAYOUT_NODES:
        raise UsageError(
            f"a layout is drawn for up to {MAX_LAYOUT_NODES:,} nodes, this network has {edges.nodes:,}; "
            "narrow it with --top, --min-weight or --largest-component, or lay it out in Gephi"
        )
    place = np.zeros((edges.nodes, 2))
    if edges.nodes == 0:
        return place
    plain = edges.without_loops().undirected()
    label = components(edges)
    order = np.argsort(label, kind="stable")
    bounds = np.searchsorted(label[order], np.arange(int(label.max()) + 2))
    links = np.argsort(label[plain.source], kind="stable")
    link_bounds = np.searchsorted(label[plain.source][links], np.arange(int(label.max()) + 2))
    local = np.zeros(edges.nodes, np.int64)
    for number in range(len(bounds) - 1):
        nodes = order[bounds[number] : bounds[number + 1]]
        local[nodes] = np.arange(len(nodes))
        part = links[link_bounds[number] : link_bounds[number + 1]]
        place[nodes] = _one_component(
            EdgeArrays(len(nodes), local[plain.source[part]], local[plain.target[part]], plain.weight[part])
        )
    reach = np.zeros((len(bounds) - 1, 2))
    np.maximum.at(reach, label, place)
    return place + _packed(reach + _GAP)[label]


def _packed(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where each of (n, 2) widths and heights goes, in a sheet twice as wide as high: the largest first.

    Of several widths of the sheet the one that is filled best is taken.
    """
    least = max(float(np.sqrt(2 * np.prod(sizes, axis=1).sum())), float(sizes[:, 0].max()))
    sheets = [_cut(sizes, least * stretch, below) for stretch in _STRETCHES for below in (True, False)]
    return min(sheets, key=lambda corners: float(((corners + sizes).max(axis=0) / (2, 1)).max()))


def _cut(sizes: NDArray[np.float64], wide: float, below: bool) -> NDArray[np.float64]:
    """Return where boxes go in a sheet of a width, each in the lowest free place that holds it.

    What is left beside and below a box is cut in two: with `below` the lower part is the longer one.
    Guillotine cuts: Jylänki, "A thousand ways to pack the bin" (2010).
    """
    corners = np.zeros_like(sizes)
    free = [(0.0, 0.0, wide, float("inf"))]
    for box in np.argsort(-sizes[:, 1], kind="stable").tolist():
        width, height = sizes[box].tolist()
        at = next(i for i, (_, _, room, above) in enumerate(free) if width <= room and height <= above)
        y, x, room, above = free.pop(at)
        corners[box] = x, y
        beside = (y, x + width, room - width, height if below else above)
        cuts = [beside, (y + height, x, room if below else width, above - height)]
        free += [cut for cut in cuts if min(cut[2:]) >= _GAP]
        free.sort()
    return corners


def _one_component(edges: EdgeArrays) -> NDArray[np.float64]:
    """Return positions within a square whose area grows with the number of nodes."""
    n, side = edges.nodes, 60.0 * float(np.sqrt(edges.nodes))
    if n == 1:
        return np.zeros((1, 2))
    if n == 2:
        return np.array([[0.0, 0.0], [side / 2, 0.0]])
    graph = rustworkx.PyGraph()
    graph.add_nodes_from(range(n))
    graph.extend_from_edge_list(list(zip(edges.source.tolist(), edges.target.tolist(), strict=True)))
    # Each round compares all pairs of nodes, so large components get fewer rounds.
    rounds = int(np.clip(100 * (5_000 / n) ** 2, 10, 100))
    found = rustworkx.spring_layout(graph, num_iter=rounds, seed=_LAYOUT_SEED)
    spot = np.array([found[node] for node in range(n)], np.float64)
    spot = np.nan_to_num(spot - spot.min(axis=0))
    reach = spot.max()
    return np.asarray(spot / reach * side if reach > 0 else spot)
