"""Old recordings make room for new ones."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from streamface.sinks._segment import hold

NAME = re.compile(r".+_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z(_raw)?(_\d+)?\.mp4")
"""How recordings are named."""
MARK = b'"recorder": "streamface"'
"""Stands in the first kilobytes of every recording."""


class Retention:
    """Deletes the oldest recordings of a folder, and nothing that is not a recording.

    Args:
        folder: recordings, and folders of recordings.
        keep_gb: what all of them may take together, in 10^9 bytes; None: any.
        keep_days: days after its last picture that a recording is kept; None: for ever.
    """

    def __init__(self, folder: Path, keep_gb: float | None = None, keep_days: float | None = None) -> None:
        self._folder, self._keep_gb, self._keep_days = folder, keep_gb, keep_days

    def sweep(self) -> list[Path]:
        """Delete what is too old or too much, oldest first, and return it. Never raises for a file that resists."""
        if self._keep_gb is None and self._keep_days is None:
            return []
        found = sorted(self._recordings())
        total = sum(size for _, size, _ in found)
        most = float("inf") if self._keep_gb is None else self._keep_gb * 1e9
        earliest = 0.0 if self._keep_days is None else time.time() - self._keep_days * 86_400
        deleted = []
        for changed, size, path in found:
            if total <= most and changed >= earliest:
                break
            if _delete(path):
                deleted.append(path)
                total -= size
        return deleted

    def _recordings(self) -> Iterator[tuple[float, int, Path]]:
        """(time of the last change, size, path) of what is named as a recording, in the folder and one level below."""
        folders = [self._folder]
        with suppress(OSError):
            folders += [Path(entry) for entry in os.scandir(self._folder) if entry.is_dir(follow_symlinks=False)]
        for folder in folders:
            with suppress(OSError):
                for entry in os.scandir(folder):
                    if NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                        status = entry.stat(follow_symlinks=False)
                        yield status.st_mtime, status.st_size, Path(entry)


def _delete(path: Path) -> bool:
    """Delete a recording that is not being written, and its folder when that was the last one."""
    try:
        with open(path, "rb") as file:
            if MARK not in file.read(4096) or not hold(file.fileno()):
                return False
            path.unlink()
    except OSError:
        return False
    with suppress(OSError):
        path.parent.rmdir()
    return True
