"""The audit chain: who ran which command when, with which criteria and counts; each line carries the hash before it.

No text, no handle and no id is written. A chain cannot see that its own tail was cut, so its head - the number of
lines and the hash of the last - is to be noted elsewhere. After the Berkeley Protocol on Digital Open Source
Investigations (2022), part VI.D: chain of custody.
"""

import getpass
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from sna.case import AUDIT_FILE
from sna.errors import CaseError, UsageError

START = "0" * 64
# A name may hold a handle; its ending tells the kind of file only where it is one of these.
_KINDS = frozenset(
    (
        "json",
        "jsonl",
        "ndjson",
        "csv",
        "tsv",
        "parquet",
        "gz",
        "zst",
        "gexf",
        "graphml",
        "html",
        "md",
        "svg",
        "png",
        "pdf",
    )
)
_FIELDS = ("number", "at", "user", "command", "criteria", "counts", "files_in", "files_out", "before")


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: how many lines it has, and the hash of the last."""

    count: int
    hash: str

    def __str__(self) -> str:
        """Return the head as people note it, COUNT:HASH."""
        return f"{self.count}:{self.hash}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What verifying found: the head of the chain, and each line that is wrong, with the reason."""

    head: Head
    problems: tuple[tuple[int, str], ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def append_line(
    folder: Path,
    command: str,
    criteria: Mapping[str, object],
    counts: Mapping[str, object],
    files_in: Sequence[Mapping[str, object]] = (),
    files_out: Sequence[Mapping[str, object]] = (),
) -> Head:
    """Add one line to the chain of the case in `folder`, synced to disk, and return the new head."""
    path = folder / AUDIT_FILE
    try:
        with FileLock(folder / "audit.lock", timeout=30, mode=0o600):
            torn = _cut_torn_line(path)
            head = read_head(path)
            line: dict[str, object] = {
                "number": head.count + 1,
                "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
                "user": _user(),
                "command": command,
                "criteria": dict(criteria),
                "counts": {**counts, **({"torn_bytes_removed": torn} if torn else {})},
                "files_in": [dict(file) for file in files_in],
                "files_out": [dict(file) for file in files_out],
                "before": head.hash,
            }
            line["hash"] = _hash_of(line)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "ab", buffering=0) as file:
                size = path.stat().st_size
                try:
                    file.write((json.dumps(line, ensure_ascii=False) + "\n").encode())
                    os.fsync(file.fileno())
                except OSError:
                    os.ftruncate(descriptor, size)
                    raise
    except OSError as error:
        raise CaseError(f"{path} cannot be written: {error.strerror}; nothing runs without the audit") from error
    return Head(head.count + 1, str(line["hash"]))


def read_head(path: Path) -> Head:
    """Return the head of a chain from its last line; (0, zeros) when it is empty. Raises CaseError when broken."""
    if not path.exists() or not path.stat().st_size:
        return Head(0, START)
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - (1 << 16), 0))
        last = file.read().rstrip(b"\n").rpartition(b"\n")[2]
    try:
        content = json.loads(last)
        return Head(int(content["number"]), str(content["hash"]))
    except (ValueError, KeyError, TypeError) as error:
        raise CaseError(f"the last line of {path} is broken; see `sna audit verify`") from error


def verify_chain(folder: Path, noted: Head | None = None) -> Verdict:
    """Check every line and its link to the one before; with a `noted` head also that the chain still holds it."""
    problems: list[tuple[int, str]] = []
    before, count = START, 0
    hashes: list[str] = []
    with (folder / AUDIT_FILE).open("rb") as file:
        for raw in file:
            count += 1
            found, reason = _read_line(raw, count, before)
            if reason:
                problems.append((count, reason))
            before = found
            hashes.append(found)
    if noted is not None:
        if noted.count > count:
            problems.append((count + 1, f"the chain ends before the noted line {noted.count}: its tail was cut"))
        elif noted.count and hashes[noted.count - 1] != noted.hash:
            problems.append((noted.count, "not the line that was noted: the chain was rewritten"))
    return Verdict(Head(count, before), tuple(problems))


def read_lines(folder: Path, limit: int | None = None) -> list[dict[str, object]]:
    """Return the lines of the chain as dictionaries, the last `limit` of them; broken ones are left out."""
    lines = []
    with (folder / AUDIT_FILE).open("rb") as file:
        for raw in file:
            try:
                content = json.loads(raw)
            except ValueError:
                continue
            if isinstance(content, dict):
                lines.append(content)
    return lines if limit is None else lines[-limit:]


def parse_head(text: str) -> Head:
    """Return a head from COUNT:HASH; raises UsageError for anything else."""
    count, _, digest = text.strip().partition(":")
    if not count.isdecimal() or len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise UsageError("a head is COUNT:HASH, as each command prints it")
    return Head(int(count), digest)


def file_entry(path: Path) -> dict[str, object]:
    """Return what the chain tells of a file that is here: its kind, size and SHA-256, and no name."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return told_file(path.name, path.stat().st_size, digest)


def told_file(name: str, size: int, sha256: str) -> dict[str, object]:
    """Return what the chain tells of a file of this name."""
    suffix = Path(name).suffix.lower().lstrip(".")
    return {"kind": suffix if suffix in _KINDS else "other", "bytes": size, "sha256": sha256}


def _cut_torn_line(path: Path) -> int:
    """Cut off a last line that was never finished, as a loss of power leaves it; returns its bytes, to be told."""
    if not path.exists() or not path.stat().st_size:
        return 0
    with path.open("r+b") as file:
        size = path.stat().st_size
        file.seek(max(size - (1 << 16), 0))
        torn = len(file.read().rpartition(b"\n")[2])
        if torn:
            file.truncate(size - torn)
    return torn


def _read_line(raw: bytes, number: int, before: str) -> tuple[str, str | None]:
    """Return the line's hash and what is wrong with it."""
    try:
        line = json.loads(raw)
        told = str(line["hash"])
        own = _hash_of(line)
    except (ValueError, KeyError, TypeError, AttributeError):
        return START, "no line of a chain"
    if not raw.endswith(b"\n"):
        return own, "cut off"
    if told != own:
        return own, "its content does not give its hash: it was edited"
    if set(line) != {*_FIELDS, "hash"}:
        return own, "it has other fields than a line of a chain"
    if line["number"] != number:
        return own, f"it is numbered {line['number']}: lines were removed, added or moved"
    if line["before"] != before:
        return own, "it does not follow the line before it"
    return own, None


def _hash_of(line: Mapping[str, object]) -> str:
    content = {name: line[name] for name in _FIELDS}
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
