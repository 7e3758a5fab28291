"""Replays Jetstream events from loopback into a case: rate, memory, and how far the store is behind."""

import json
import random
import resource
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import sna
from sna.collectors.base import Ask, What
from sna.collectors.watch import Job, Plan, State


def stream_events(events: int) -> dict[str, object]:
    """Return what a watch does with `events` invented events sent as fast as it takes them."""
    with tempfile.TemporaryDirectory() as folder, _jetstream(events) as address:
        case = sna.new_case(Path(folder) / "case", "benchmark", "invented events", 1)
        stop = threading.Event()
        seen: list[tuple[float, int, int]] = []

        def show(state: State) -> None:
            tally = state.gathered.tally
            done = tally.read + tally.deletions
            seen.append((time.monotonic(), done, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
            if done >= events:
                stop.set()

        began = time.monotonic()
        case.watch(Plan((Job("bluesky", Ask(What.STREAM), {"stream": address}),), 2.0), stop, show)
        seconds = seen[-1][0] - began
        half = next(memory for _, done, memory in seen if done >= events // 2)
        return {
            "events": events,
            "seconds": seconds,
            "rate": events / seconds,
            "memory": seen[-1][2] / 1024,
            "growth": (seen[-1][2] - half) / 1024,
            "posts": case.status().posts,
            "lag": max((b[0] - a[0] for a, b in pairwise(seen)), default=seconds),
        }


def _lines(events: int) -> Iterator[bytes]:
    luck = random.Random(7)
    words = ["the", "harbour", "is", "flooded", "and", "nobody", "knows", "when", "the", "tram", "will", "run", "again"]
    made: list[tuple[str, str]] = []
    for number in range(events):
        did = f"did:plc:{luck.randrange(40_000):06d}"
        base: dict[str, object] = {"did": did, "time_us": 1_795_000_000_000_000 + number * 50, "kind": "commit"}
        commit: dict[str, object] = {"collection": "app.bsky.feed.post", "operation": "create", "rkey": f"k{number}"}
        if made and luck.random() < 0.03:
            owner, key = luck.choice(made)
            base["did"] = owner
            commit = {"collection": "app.bsky.feed.post", "operation": "delete", "rkey": key}
        else:
            record: dict[str, object] = {
                "createdAt": "2026-11-20T10:00:00.000Z",
                "text": " ".join(luck.choices(words, k=20)),
            }
            if made and luck.random() < 0.5:
                owner, key = luck.choice(made[-2000:])
                ref = {"uri": f"at://{owner}/app.bsky.feed.post/{key}"}
                record["reply"] = {"parent": ref, "root": ref}
            commit["record"] = record
            made.append((did, f"k{number}"))
        yield json.dumps({**base, "commit": commit}).encode()


@contextmanager
def _jetstream(events: int) -> Iterator[str]:
    """Serve the events from a process of their own, so that making them costs the store nothing."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(events, theirs), daemon=True)
    process.start()
    try:
        yield f"ws://127.0.0.1:{ours.recv()}/subscribe"
    finally:
        process.terminate()
        process.join()


def _serve(events: int, port: Connection) -> None:
    from websockets.sync.server import ServerConnection, serve

    lines = list(_lines(events))

    def send(connection: ServerConnection) -> None:
        for line in lines:
            connection.send(line, text=True)
        connection.recv()

    with serve(send, "127.0.0.1", 0, compression=None) as server:
        port.send(server.socket.getsockname()[1])
        server.serve_forever()


def table(rows: list[dict[str, object]]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| events | seconds | events/s | peak memory | growth in the second half | longest time between commits |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        lines.append(
            f"| {row['events']:,} | {row['seconds']:.1f} | {row['rate']:,.0f} | {row['memory']:,.0f} MB "
            f"| {row['growth']:,.0f} MB | {row['lag']:.1f} s |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    import sys

    sys.stdout.write(table([stream_events(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)]) + "\n")
