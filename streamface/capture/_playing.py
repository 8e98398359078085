"""A file played like a camera: at its own speed, over and over, and what comes too late is left out."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from streamface.capture.base import Source, SourceInfo
from streamface.types import Frame

STILLS_FPS = 1.0
"""Pictures a second of a folder."""
UNKNOWN_FPS = 25.0
"""Of a file that does not say."""


class Playing(Source):
    """The frames of `source` when they are due by the clock; from now on it belongs to this object.

    It ends only when the file cannot be read any more: then `read` raises its `SourceError`.
    """

    def __init__(self, source: Source) -> None:
        self._source, self.name = source, source.name
        self._stopping = threading.Event()
        self._fps, self._begun_at, self._index, self._dropped = UNKNOWN_FPS, 0.0, 0, 0

    def open(self) -> SourceInfo:
        """Open the file; the clock runs from now on."""
        info = self._source.open()
        self._fps = STILLS_FPS if info.is_stills else info.fps or UNKNOWN_FPS
        self._begun_at = time.monotonic()
        return replace(info, fps=self._fps, is_live=True, frame_count=None, is_stills=False)

    def read(self) -> Frame | None:
        """The frame that is due now, or the next one; None once interrupted."""
        while not self._stopping.is_set():
            frame, index = self._next(), self._index
            self._index += 1
            early_s = self._begun_at + index / self._fps - time.monotonic()
            if early_s < -1 / self._fps:
                self._dropped += 1
                continue
            self._stopping.wait(max(0.0, early_s))
            return replace(frame, index=index, captured_at=time.time(), media_time=None)
        return None

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def interrupt(self) -> None:
        self._stopping.set()

    @property
    def dropped(self) -> int:
        return self._dropped

    def _next(self) -> Frame:
        frame = self._source.read()
        while frame is None:
            self._source.close()
            self._source.open()
            frame = self._source.read()
        return frame
