"""Opens what is to be imported as a stream of bytes: plain, gzip or zstd, a file or standard input."""

import gzip
import hashlib
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from sna.errors import InputError

# JSON Lines of posts shrink 5 to 20 times; a stream that shrinks 200 times is no collection of posts.
MAX_RATIO = 200
RATIO_AFTER = 64 * 1024 * 1024
MAX_UNPACKED = 1 << 40
PIECE = 1 << 20


@dataclass(slots=True)
class Stream:
    """An open input: `read` gives unpacked bytes, `taken` counts the bytes of the file itself."""

    name: str
    size: int | None
    modified_at: datetime
    packed: bool
    _unpacked: BinaryIO
    _hash: "_HashingReader"
    _given: int = 0
    _ahead: bytes = b""

    def read(self, count: int) -> bytes:
        """Return up to `count` unpacked bytes, fewer only at the end; raises InputError for a broken archive."""
        buffer = bytearray(count)
        return bytes(memoryview(buffer)[: self.read_into(memoryview(buffer))])

    def read_into(self, view: memoryview) -> int:
        """Fill `view` with unpacked bytes and return their count, less than its length only at the end."""
        filled = min(len(self._ahead), len(view))
        view[:filled] = self._ahead[:filled]
        self._ahead = self._ahead[filled:]
        while filled < len(view):
            part = self._read_once(view[filled : filled + PIECE])
            if not part:
                break
            filled += part
        return filled

    def peek(self, count: int) -> bytes:
        """Return the next `count` unpacked bytes without taking them."""
        self._ahead = self.read(count)
        return self._ahead

    @property
    def taken(self) -> int:
        """Bytes of the file consumed so far, packed as they are."""
        return self._hash.count

    @property
    def sha256(self) -> str:
        """SHA-256 of the file's bytes read so far; of the whole file once it is at its end."""
        return self._hash.digest.hexdigest()

    def drain(self) -> None:
        """Read what may be left behind the last post, so that the hash covers the whole file."""
        while self._hash.read(1 << 20):
            pass

    def _read_once(self, view: memoryview) -> int:
        try:
            part = int(self._unpacked.readinto(view))  # type: ignore[attr-defined]
        except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
            raise InputError(f"{self.name} is a broken archive ({error}); get a whole copy") from error
        self._given += part
        too_dense = self._given > RATIO_AFTER and self._given > MAX_RATIO * max(self.taken, 1)
        if self.packed and (too_dense or self._given > MAX_UNPACKED):
            raise InputError(
                f"{self.name} unpacks to more than {MAX_RATIO} times its size; this is no collection of posts, refused"
            )
        return part


@contextmanager
def open_stream(path: Path | None) -> Iterator[Stream]:
    """Open a file, or standard input for None; raises InputError when it is missing or no text of posts."""
    if path is not None and path.is_dir():
        raise InputError(f"{path} is a directory; name the files in it")
    try:
        file: BinaryIO = sys.stdin.buffer if path is None else path.open("rb")
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror}") from error
    name = "standard input" if path is None else str(path)
    try:
        stat = None if path is None else path.stat()
        hashing = _HashingReader(file)
        head = hashing.read(4096) or b""
        unpacked, packed = _unpack(hashing, head)
        modified = datetime.now(UTC) if stat is None else datetime.fromtimestamp(stat.st_mtime, UTC)
        size = stat.st_size if stat and stat.st_size else None
        yield Stream(
            name, size, modified.replace(tzinfo=None), packed, unpacked, hashing, _ahead=b"" if packed else head
        )
    finally:
        if path is not None:
            file.close()


def refuse_foreign(name: str, head: bytes) -> None:
    """Raise InputError, saying what it is, when the first unpacked bytes cannot be text with posts."""
    kinds = (
        (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
        (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
        (b"%PDF", "a PDF document"),
        (b"PK\x03\x04", "a ZIP archive; unpack it first"),
        (b"\x1f\x8b", "packed twice; unpack it first"),
        (b"\x89PNG", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
        (b"SQLite format 3", "an SQLite database"),
    )
    for magic, what in kinds:
        if head.startswith(magic):
            raise InputError(f"{name} is {what}, not a file of posts")
    start = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        raise InputError(f"{name} is an HTML or XML page (an error page of the service?), not a file of posts")
    if b"\x00" in head[:64] or head.count(0) > len(head) // 64:
        raise InputError(f"{name} is binary or UTF-16 data, not a file of posts")


class _HashingReader(io.RawIOBase):
    """Counts and hashes the bytes that pass through it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        count = self._file.readinto(view)  # type: ignore[attr-defined]
        self.digest.update(view[:count])
        self.count += count
        return int(count)


def _unpack(file: "_HashingReader", head: bytes) -> tuple[BinaryIO, bool]:
    again = cast(BinaryIO, _Again(head, file))
    if head.startswith(b"\x1f\x8b"):
        return cast(BinaryIO, gzip.GzipFile(fileobj=again)), True
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        unpacker = zstandard.ZstdDecompressor(max_window_size=1 << 31)
        return cast(BinaryIO, unpacker.stream_reader(again, read_across_frames=True)), True
    return cast(BinaryIO, file), False


class _Again(io.RawIOBase):
    """Gives bytes that were read ahead once more, then the rest."""

    def __init__(self, ahead: bytes, file: _HashingReader) -> None:
        self._ahead = ahead
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        if not self._ahead:
            return self._file.readinto(view)
        count = min(len(view), len(self._ahead))
        view[:count] = self._ahead[:count]
        self._ahead = self._ahead[count:]
        return count
