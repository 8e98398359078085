"""Bringing files onto the disk itself beside the work, since a slow disk takes a second for it."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

LONGEST_WAIT_S = 1.0
"""How long `close` waits for the disk."""


class DiskSync:
    """Asks for one file to be brought onto the disk, in a thread that runs while there is something to do."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._again = False
        self._thread: threading.Thread | None = None

    def soon(self) -> None:
        """What was written until now is to survive a power cut; returns at once."""
        with self._lock:
            self._again = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="streamface-disk", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Wait for the disk, a second at most."""
        thread = self._thread
        if thread is not None:
            thread.join(LONGEST_WAIT_S)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._again:
                    self._thread = None
                    return
                self._again = False
            with suppress(OSError):  # a pipe has no disk; what the disk refuses, the next write will hear of
                descriptor = os.open(self._path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
                try:
                    getattr(os, "fdatasync", os.fsync)(descriptor)
                finally:
                    os.close(descriptor)
