"""Cuts a stream into units - one line, one element of an array, or one document - with their byte offsets."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from mmap import mmap

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sna.errors import InputError
from sna.formats.stream import Stream, refuse_foreign

CHUNK = 192 * 1024 * 1024
MAX_UNIT = 4 * 1024 * 1024
MAX_DOCUMENT = 256 * 1024 * 1024
ROWS_PER_BATCH = 8192


class Layout(Enum):
    """How units stand in a file: one a line, as elements of one array, or as documents over several lines."""

    LINES = "lines"
    ARRAY = "array"
    DOCUMENTS = "documents"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Units of one stretch of the stream: `text` (large_binary) and the byte `offset` of each."""

    text: pa.LargeBinaryArray
    offset: NDArray[np.int64]
    end: int
    is_last: bool
    overlong: tuple[int, ...] = ()


def read_chunks(
    stream: Stream, *, skip_to: int = 0, size: int = CHUNK, layout: Layout | None = None
) -> Iterator[Chunk]:
    """Yield the stream's units chunk by chunk, from the unpacked byte `skip_to` on (LINES only).

    The layout is recognised from the first bytes unless it is given. Blank units are left out; units
    above MAX_UNIT bytes are told by their offset in `overlong`. A chunk is valid until the next but one is taken.
    Raises InputError for what is no text.
    """
    head = stream.read(min(size, MAX_UNIT))
    refuse_foreign(stream.name, head[:4096])
    mark = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    found = layout or _layout_of(head[mark:])
    if found is Layout.LINES and layout is None:
        _refuse_tables(stream.name, head[mark:])
    if found is Layout.LINES:
        yield from _lines(stream, head, mark, skip_to, size)
    else:
        yield from _elements(stream, head[mark:], mark, size, found)


def _refuse_tables(name: str, head: bytes) -> None:
    lines = [line for line in head[:65536].splitlines() if line.strip()][:5]
    is_json = any(line.lstrip().startswith((b"{", b"[")) for line in lines)
    if len(lines) > 1 and not is_json and any(lines[0].count(mark) for mark in b",;\t|"):
        raise InputError(f"{name} holds no JSON; if it is a table, give --format table --map id=COLUMN ...")


def _layout_of(head: bytes) -> Layout:
    start = head.lstrip()
    first, _, rest = start.partition(b"\n")
    try:
        json.loads(first)
        if start.startswith(b"[") and not rest.strip():
            return Layout.ARRAY
    except (ValueError, RecursionError):
        if start.startswith(b"["):
            return Layout.ARRAY
        # A cut line is followed by the next object; a document that spans lines is not.
        follows = rest.lstrip(b" \t\r\n")
        if start.startswith(b"{") and rest and not follows.startswith(b"{"):
            return Layout.DOCUMENTS
    return Layout.LINES


def _lines(stream: Stream, head: bytes, mark: int, skip_to: int, size: int) -> Iterator[Chunk]:
    # Two buffers take turns: fresh memory for each chunk costs more than reading the file. Mapped memory is
    # not touched before it is used, so a small file does not pay for a large chunk.
    buffer, other = mmap(-1, size), mmap(-1, size)
    base, filled = 0, len(head)
    buffer[:filled] = head
    skipping_line = False
    overlong: list[int] = []
    while True:
        filled += stream.read_into(memoryview(buffer)[filled:])
        is_last = filled < size
        cut = filled if is_last else buffer.rfind(b"\n", 0, filled) + 1
        start = mark if base == 0 else 0
        if skipping_line:
            end = buffer.find(b"\n", 0, filled) + 1
            start = end or filled
            skipping_line = not end
        if cut == 0 and not is_last and not skipping_line:
            overlong.append(base)
            skipping_line = True
            start = filled
        cut = filled if skipping_line else max(cut, start)
        begin = max(start, skip_to - base)
        if begin < cut or is_last:
            text, offset, too_long = _cut_lines(buffer, min(begin, cut), cut, base)
            yield Chunk(text, offset, base + cut, is_last, (*overlong, *too_long))
            overlong = []
        if is_last:
            return
        rest = filled - cut
        other[:rest] = memoryview(buffer)[cut:filled]
        buffer, other = other, buffer
        base, filled = base + cut, rest


def _cut_lines(
    buffer: mmap, start: int, end: int, base: int
) -> tuple[pa.LargeBinaryArray, NDArray[np.int64], list[int]]:
    view = np.frombuffer(buffer, np.uint8)[start:end]
    ends = np.flatnonzero(view == 10) + 1
    if len(view) and (not len(ends) or ends[-1] != len(view)):
        ends = np.append(ends, len(view))
    bounds = np.concatenate(([0], ends)).astype(np.int64)
    lengths = np.diff(bounds)
    content = pa.py_buffer(memoryview(buffer)[start:end])
    text = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(ends), [None, pa.py_buffer(bounds), content])
    offset = bounds[:-1] + (base + start)
    keep = lengths <= MAX_UNIT
    for i in np.flatnonzero(lengths <= 2):
        if not view[bounds[i] : bounds[i + 1]].tobytes().strip():
            keep[i] = False
    too_long = [int(offset[i]) for i in np.flatnonzero(lengths > MAX_UNIT)]
    if keep.all():
        return text, offset, too_long
    return text.filter(pa.array(keep)), offset[keep], too_long


class _Scanner:
    """Follows JSON structure over buffers: is this byte inside a string, and at which depth."""

    def __init__(self) -> None:
        self.depth = 0
        self.in_string = False
        self.escaped = False

    def scan(self, buffer: bytes) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
        """Return positions, bytes and depth-after of the structural bytes ``[]{},`` outside strings."""
        view = np.frombuffer(buffer, np.uint8)
        is_slash = view == 92
        if is_slash.any() or self.escaped:
            position = np.arange(len(view))
            run_start = np.maximum.accumulate(np.where(is_slash, -1, position))
            before = np.concatenate(([-1], run_start[:-1]))
            slashes = position - 1 - before
            if self.escaped:
                slashes[before == -1] += 1
            is_escaped = slashes % 2 == 1
            trailing = len(view) - 1 - (run_start[-1] if len(view) else -1)
            carried = self.escaped and len(view) > 0 and run_start[-1] == -1
            self.escaped = (trailing + carried) % 2 == 1
        else:
            is_escaped = np.zeros(len(view), bool)
        quote = (view == 34) & ~is_escaped
        inside = (np.cumsum(quote) + self.in_string) % 2 == 1
        if len(view):
            self.in_string = bool(inside[-1])
        kind = np.zeros(256, np.int8)
        kind[[91, 123]] = 1
        kind[[93, 125]] = -1
        kind[44] = 2
        step = kind[view]
        step[inside] = 0
        position = np.flatnonzero(step)
        sign = step[position].astype(np.int64)
        sign[sign == 2] = 0
        depth = np.cumsum(sign) + self.depth
        if len(depth):
            self.depth = int(depth[-1])
        return position, view[position], depth


def _elements(stream: Stream, head: bytes, mark: int, size: int, layout: Layout) -> Iterator[Chunk]:
    """Cut at the commas of the outer array, or behind each outermost closing bracket."""
    scanner = _Scanner()
    level = 1 if layout is Layout.ARRAY else 0
    limit = MAX_UNIT if layout is Layout.ARRAY else MAX_DOCUMENT
    pending, base = b"", mark
    data: bytes = head
    while True:
        position, byte, depth = scanner.scan(data)
        shift = len(pending)
        buffer = pending + data
        if layout is Layout.ARRAY:
            is_cut = (byte == 44) & (depth == level) | ((byte == 93) & (depth == 0)) | ((byte == 91) & (depth == 1))
        else:
            is_cut = ((byte == 93) | (byte == 125)) & (depth == 0)
        cuts = position[is_cut] + shift
        ends = cuts if layout is Layout.ARRAY else cuts + 1
        starts = np.concatenate(([0], cuts + 1))
        spans = list(zip(starts[:-1].tolist(), ends.tolist(), strict=True))
        rest = int(starts[-1])
        following = stream.read(size)
        is_last = not following
        if is_last and buffer[rest:].strip():
            spans.append((rest, len(buffer)))
            rest = len(buffer)
        units = [(base + a, buffer[a:b]) for a, b in spans if buffer[a:b].strip()]
        kept = [(at, unit) for at, unit in units if len(unit) <= limit]
        offsets = np.array([at for at, _ in kept], np.int64)
        text = pa.array([unit for _, unit in kept], pa.large_binary())
        overlong = tuple(at for at, unit in units if len(unit) > limit)
        yield Chunk(text, offsets, base + rest, is_last, overlong)
        if is_last:
            return
        base, pending, data = base + rest, buffer[rest:], following
