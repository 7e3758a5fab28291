"""Overwrites files before they are removed, so that their bytes are not left behind on the disk's free blocks."""

import os
from pathlib import Path

PIECE = 4 * 1024 * 1024


def wipe(path: Path) -> int:
    """Overwrite a file with zeros, synced to disk, and leave it in place; returns its size, 0 when it is not there."""
    if not path.is_file() or path.is_symlink():
        return 0
    size, zeros = path.stat().st_size, bytes(PIECE)
    with path.open("r+b", buffering=0) as file:
        left = size
        while left:
            left -= file.write(zeros[: min(left, PIECE)])
        os.fsync(file.fileno())
    return size


def wipe_and_remove(path: Path) -> int:
    """Overwrite a file with zeros and remove it; returns its size, 0 when it is not there."""
    size = wipe(path)
    path.unlink(missing_ok=True)
    return size


def empty_folder(folder: Path) -> int:
    """Overwrite and remove every file in a folder and below, and the folder itself; returns the bytes overwritten."""
    if not folder.is_dir() or folder.is_symlink():
        return 0
    wiped = 0
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            wiped += wipe_and_remove(path)
    folder.rmdir()
    return wiped


def sync_folder(folder: Path) -> None:
    """Make renames and removals in a folder durable."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
