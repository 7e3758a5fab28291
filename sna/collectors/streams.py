"""Gathers what a stream sends into pages: about a second's worth at a time, up to a number of lines."""

import queue
import time

from sna.collectors.pace import Pace

PAGE_SECONDS = 1.0
# What a listener puts into its queue when the stream has ended.
END = b""


def next_batch(lines: "queue.Queue[bytes]", pace: Pace, most: int) -> tuple[list[bytes], bool]:
    """Return up to `most` lines that came within a second, and whether the stream has ended after them."""
    batch: list[bytes] = []
    end = time.monotonic() + PAGE_SECONDS
    while len(batch) < most and (left := end - time.monotonic()) > 0:
        pace.wait(0, "")
        try:
            line = lines.get(timeout=left)
        except queue.Empty:
            break
        if line is END:
            return batch, True
        batch.append(line)
    return batch, False
