"""Pictures are deleted when they are old enough, beside the work."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np

from streamface.sinks.base import Sink
from streamface.types import FrameResult

NAME = "housekeeping"
SWEEP_S = 600.0
"""Seconds between two looks for old pictures."""
OURS = re.compile(
    r".+_\d\d-\d\d-\d\d_[0-9a-f]{12}\.jpg"  # the best view of a visit
    r"|\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d\.\d{3}(_tracks-[\d-]+)?(_\d+)?\.png"  # saved with s
)
"""How our pictures are named: nothing else is deleted."""
DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Housekeeping(Sink):
    """Deletes pictures that are older than some days, and the folders of days that are empty then.

    Args:
        folders: as `BestViews` and `snapshots.save` fill them; one that is not there is no fault.
        keep_days: days after its last change that a picture is kept.
    """

    wants_repeated = True

    def __init__(self, folders: Sequence[Path], keep_days: float) -> None:
        self._folders, self._keep_days = tuple(dict.fromkeys(folders)), keep_days
        self._worker = ThreadPoolExecutor(1, "streamface-housekeeping")
        self._sweep: Future | None = None
        self._swept_at = float("-inf")

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        """Look for old pictures now and then."""
        self._look()

    def __enter__(self) -> Sink:
        self._look()
        return self

    def close(self) -> None:
        """Wait for the sweep that goes on."""
        self._worker.shutdown()

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._swept_at >= SWEEP_S and (self._sweep is None or self._sweep.done()):
            self._swept_at = now
            self._sweep = self._worker.submit(self.sweep)

    def sweep(self) -> list[Path]:
        """Delete what is too old, and return it. Never raises for a file that resists."""
        earliest, deleted = time.time() - self._keep_days * 86_400, []
        for path in self._pictures():
            with suppress(OSError):
                if path.stat(follow_symlinks=False).st_mtime < earliest:
                    path.unlink()
                    deleted.append(path)
        for folder in {path.parent for path in deleted if DAY.fullmatch(path.parent.name)}:
            with suppress(OSError):  # it is not empty
                folder.rmdir()
        return deleted

    def _pictures(self) -> Iterator[Path]:
        """What is named as a picture of ours, in the folders and in those of days below."""
        for folder in self._folders:
            for inside in (folder, *_days(folder)):
                with suppress(OSError):
                    with os.scandir(inside) as entries:
                        yield from [
                            Path(entry)
                            for entry in entries
                            if OURS.fullmatch(entry.name) and entry.is_file(follow_symlinks=False)
                        ]


def _days(folder: Path) -> list[Path]:
    with suppress(OSError), os.scandir(folder) as entries:
        return [Path(entry) for entry in entries if DAY.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)]
    return []
