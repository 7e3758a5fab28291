"""Pictures for papers: network, timeline, thread and cascade, drawn by matplotlib as SVG, PNG or PDF."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sna.errors import UsageError
from sna.exports.style import OTHER, PALETTE, colours, layout
from sna.exports.text import visible
from sna.graphs.conversations import list_threads, show_thread
from sna.graphs.findings import SPREAD, dated_origins
from sna.graphs.networks import build_network
from sna.graphs.origins import show_origin
from sna.graphs.timeline import count_by_step
from sna.report.veil import Veil
from sna.store.opening import Store

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

PLOTS = ("network", "timeline", "thread", "cascade")
SUFFIXES = (".svg", ".png", ".pdf")
MOST_NODES, MOST_EDGES, LABELS = 2_000, 10_000, 12
# Longer names are cut, so that they leave room for the drawing.
LONGEST = 40
FIRST_YEAR = 1990
# Inches: the width of a text column of A4, with room for a legend.
_SIZE = (7.0, 4.2)
# One colour and one mark for each kind of post, so that colour is not needed to tell them apart.
_KINDS = {
    "original": (PALETTE[0], "o"),
    "own": (PALETTE[0], "o"),
    "reply": (PALETTE[2], "^"),
    "quote": (PALETTE[1], "s"),
    "repost": (PALETTE[3], "D"),
    "report": (PALETTE[5], "P"),
}
# Over bars, as in the report.
_HATCHES = {"reply": "/////", "repost": "\\\\\\\\\\", "quote": "....", "report": "-----"}
_UNITS = {"1w": "week", "1d": "day", "1h": "hour", "1m": "minute", "1s": "second"}


def check_plot(path: Path) -> str:
    """Return the format that a file name asks for; raises UsageError for another, or where matplotlib is missing."""
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{path.name}: unknown suffix; one of {', '.join(SUFFIXES)}")
    try:
        import_module("matplotlib")
    except ImportError as error:
        raise UsageError("plots need matplotlib: pip install 'sna[plot]'") from error
    return suffix.removeprefix(".")


def write_plot(figure: "Figure", form: str) -> Callable[[BinaryIO], None]:
    """Return what writes a figure to a file, the same bytes for the same figure."""
    from matplotlib import rc_context

    # Without a date and with a fixed salt for its ids the same case gives the same file.
    metadata: Mapping[str, None] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[form]

    def write(file: BinaryIO) -> None:
        with (
            _boxes_for_missing_glyphs(),
            rc_context({"svg.hashsalt": "sna", "svg.fonttype": "none", "pdf.fonttype": 42}),
        ):
            figure.savefig(file, format=form, dpi=300, metadata=metadata)

    return write


def draw_plot(store: Store, veil: Veil, what: str, name: str | None = None) -> "Figure":
    """Return the figure of a plot by its name in PLOTS; thread wants a post as `name`, cascade an item.

    Without a name the largest thread is drawn, and the item that most accounts carry. Raises UsageError for an
    unknown plot, and where the case has nothing to draw.
    """
    with _boxes_for_missing_glyphs():
        if what == "network":
            return plot_network(store, veil)
        if what == "timeline":
            return plot_timeline(store)
        if what == "thread":
            return plot_thread(store, veil, name or _largest_thread(store))
        if what == "cascade":
            return plot_cascade(store, veil, *_item(store, name))
    raise UsageError(f"there is no plot {what!r}; one of {', '.join(PLOTS)}")


def plot_network(store: Store, veil: Veil) -> "Figure":
    """Draw the strongest part of the interaction network: size by strength, colour by community, leaders named."""
    whole = build_network(store).measured(with_betweenness=False)
    part = whole.narrowed(top=MOST_NODES, top_edges=MOST_EDGES)
    if not part.nodes.height:
        raise UsageError("no two accounts of the case interact")
    place = layout(part.arrays())
    figure, axes = _figure()
    arrays = part.arrays()
    from matplotlib.collections import LineCollection

    ends = np.stack([place[arrays.source], place[arrays.target]], axis=1)
    axes.add_collection(LineCollection(list(ends), colors="#00000030", linewidths=0.4, zorder=1))
    strength = part.nodes["strength"].to_numpy()
    area = 2 + 90 * strength / max(strength.max(), 1) * min(1.0, 300 / len(strength) + 0.3)
    community = colours(part.nodes["community"].to_numpy()) / 255
    axes.scatter(place[:, 0], place[:, 1], s=area, c=community, linewidths=0.2, edgecolors="white", zorder=2)
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_title(
        f"{part.nodes.height:,} of {whole.nodes.height:,} accounts, {part.edges.height:,} of {whole.edges.height:,} "
        "links; size: interactions, colour: community",
        fontsize=7,
    )
    ranked = part.nodes.with_row_index("at").sort("strength", "at", descending=[True, False]).head(3 * LABELS)
    names = [_plain(veil.label(row["platform"], row["native_id"], row["handle"])) for row in ranked.to_dicts()]
    _label_apart(figure, axes, place[ranked["at"].to_numpy()], names)
    return figure


def plot_timeline(store: Store) -> "Figure":
    """Draw the posts by step and kind, with the bursts of the whole marked."""
    found = count_by_step(store)
    figure, axes = _figure()
    start = found.table["from"].to_numpy()
    width = np.timedelta64(int(found.steps.step.total_seconds() * 1e6), "us")
    below = np.zeros(len(start))
    for name in found.table.columns[2:]:
        kind, counts = name.removeprefix("series "), found.table[name].to_numpy()
        axes.bar(
            start,
            counts,
            width * 0.94,
            bottom=below,
            align="edge",
            color=_colour(kind),
            hatch=_HATCHES.get(kind),
            edgecolor="white",
            linewidth=0,
            label=_word(kind),
        )
        below = below + counts
    peak = max(float(below.max()), 1.0)
    axes.set_ylim(0, peak * 1.1)
    bursts = found.bursts.filter(pl.col("series") == "all", pl.col("level") == 1)
    if bursts.height:
        middle = (bursts["from"] + (bursts["until"] - bursts["from"]) / 2).to_numpy()
        axes.scatter(middle, np.full(len(middle), peak * 1.06), s=18, color="black", marker="v", label="burst")
    axes.set_ylabel(f"posts per {_UNITS.get(found.steps.length, found.steps.length)}")
    _time_axis(figure, axes)
    axes.legend(frameon=False, fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def plot_thread(store: Store, veil: Veil, post: str) -> "Figure":
    """Draw the thread of a post: time to the right, depth downwards, each reply linked to the post it answers."""
    from matplotlib.ticker import MaxNLocator

    thread = show_thread(store, post)
    dated = {node.id: node for node in thread.nodes if _is_usable(node.created_at)}
    if not dated:
        raise UsageError("no post of this thread has a usable time")
    figure, axes = _figure()
    times = {name: node.created_at for name, node in dated.items() if node.created_at is not None}
    for node in dated.values():
        if node.parent in dated:
            parent = dated[node.parent]
            axes.plot(
                _times([times[parent.id], times[parent.id], times[node.id]]),
                [parent.depth, node.depth, node.depth],
                color="#00000040",
                linewidth=0.6,
                zorder=1,
            )
    for kind in dict.fromkeys(node.kind for node in dated.values()):
        own = [node for node in dated.values() if node.kind == kind]
        axes.scatter(
            _times(times[node.id] for node in own),
            [node.depth for node in own],
            s=14,
            color=_colour(kind),
            marker=_mark(kind),
            label=_word(kind),
            zorder=2,
        )
    first = f"unknown (root {thread.root_status})"
    if thread.first_poster:
        first = _plain(veil.label(thread.source, thread.first_poster, thread.first_poster_handle))
    axes.set_title(f"{len(thread.nodes):,} posts, first poster: {first}", fontsize=8)
    axes.invert_yaxis()
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("depth")
    _time_axis(figure, axes)
    axes.legend(frameon=False, fontsize=7)
    return figure


def plot_cascade(store: Store, veil: Veil, kind: str, item: str) -> "Figure":
    """Draw how an item spread: the posts that carry it, added up over time, by how they carry it."""
    origin = show_origin(store, kind, item, limit=None)
    carriers = [carrier for carrier in origin.carriers if carrier.created_at is not None]
    if not carriers:
        raise UsageError(f"no post that carries this {kind} has a usable time")
    figure, axes = _figure()
    for how in dict.fromkeys(carrier.how for carrier in carriers):
        own = [(place, carrier) for place, carrier in enumerate(carriers, 1) if carrier.how == how]
        axes.scatter(
            _times(carrier.created_at for _, carrier in own),
            [place for place, _ in own],
            s=12,
            color=_colour(how),
            marker=_mark(how),
            label=_word(how),
        )
    first = carriers[0]
    label = _plain(veil.label(first.source, first.actor, first.handle))
    axes.set_title(f"{kind} {_plain(veil.item(origin.item), 80)}: {origin.claim} from {label}", fontsize=8)
    axes.set_ylabel("posts so far")
    _time_axis(figure, axes)
    axes.legend(frameon=False, fontsize=7)
    return figure


@contextmanager
def _boxes_for_missing_glyphs() -> Iterator[None]:
    """Draw a box, without a word, for what the font lacks (CJK, emoji); SVG keeps it as text for the viewer's fonts."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def _largest_thread(store: Store) -> str:
    table = list_threads(store, limit=1)
    if not table.height:
        raise UsageError("no thread of the case has an answer")
    return f"{table['source'][0]}:{table['top'][0]}"


def _item(store: Store, name: str | None) -> tuple[str, str]:
    """Return the kind and name of an item: what has a slash or a dot is a URL, unless it begins with #."""
    if name is not None:
        is_hashtag = name.startswith("#") or not ("/" in name or "." in name)
        return ("hashtag" if is_hashtag else "url"), name
    found = [(kind, table.row(0, named=True)) for kind in SPREAD if (table := dated_origins(store, kind, 1)).height]
    if not found:
        raise UsageError("no link or hashtag of the case is carried by two accounts")
    kind, row = max(found, key=lambda one: int(one[1]["actors"]))
    return kind, str(row["item"])


def _figure() -> tuple["Figure", "Axes"]:
    # Not pyplot: it would look for a display and keep every figure.
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _label_apart(figure: "Figure", axes: "Axes", place: NDArray[np.float64], names: list[str]) -> None:
    """Label points, the first ones first, where no label lies in the way of an earlier one."""
    from matplotlib.patheffects import withStroke

    figure.draw_without_rendering()
    taken: list[Bbox] = []
    halo = [withStroke(linewidth=1.5, foreground="white")]
    for (x, y), name in zip(place.tolist(), names, strict=True):
        label = axes.annotate(name, (x, y), fontsize=6, xytext=(3, 3), textcoords="offset points", path_effects=halo)
        box = label.get_window_extent()
        if box.x1 > figure.bbox.x1:
            label.set(ha="right", position=(-3, 3))
            box = label.get_window_extent()
        if len(taken) == LABELS or any(box.overlaps(other) for other in taken):
            label.remove()
        else:
            taken.append(box)


def _is_usable(time: datetime | None) -> bool:
    """Whether a time can be right, as far as a year tells: see the method `time`."""
    return time is not None and FIRST_YEAR <= time.year <= datetime.now(UTC).year + 1


def _times(times: Iterable[datetime | None]) -> NDArray[np.datetime64]:
    return np.array(list(times), dtype="datetime64[us]")


def _time_axis(figure: "Figure", axes: "Axes") -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_xlabel("time (UTC)")
    axes.tick_params(labelsize=7)


def _word(kind: str) -> str:
    return {"report": "citizen report", "own": "own post"}.get(kind, kind)


def _colour(kind: str) -> tuple[float, ...]:
    return tuple(part / 255 for part in _KINDS.get(kind, (OTHER, "o"))[0])


def _mark(kind: str) -> str:
    return _KINDS.get(kind, (OTHER, "o"))[1]


def _plain(text: str, most: int = LONGEST) -> str:
    """Return text for a figure, in one line, cut: formulas stay as they were typed, hidden characters are shown."""
    line = " ".join(visible(text).split())
    return (line if len(line) <= most else line[:most] + "…").replace("$", r"\$")
