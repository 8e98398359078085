"""A file played like a camera: never faster than at its own speed, over and over."""

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
    """The frames of `source`, each not before it is due by the clock; from now on it belongs to this object.

    Where reading or analysis is slower than the clip, it plays slower: frames that were left out would have to be
    decoded all the same, and a machine that cannot keep up would show nothing at all. It ends only when the file cannot
    be read any more: then `read` raises its `SourceError`.
    """

    def __init__(self, source: Source) -> None:
        self._source, self.name = source, source.name
        self._stopping = threading.Event()
        self._fps, self._due_at, self._index = UNKNOWN_FPS, 0.0, 0

    def open(self) -> SourceInfo:
        """Open the file; the clock runs from now on."""
        info = self._source.open()
        self._fps = STILLS_FPS if info.is_stills else info.fps or UNKNOWN_FPS
        self._due_at = time.monotonic()
        return replace(info, fps=self._fps, is_live=True, frame_count=None, is_stills=False)

    def read(self) -> Frame | None:
        """The next frame when it is due; None once interrupted."""
        frame = self._next()
        now = time.monotonic()
        self._due_at = max(self._due_at, now - 1 / self._fps)
        self._stopping.wait(max(0.0, self._due_at - now))
        if self._stopping.is_set():
            return None
        index, self._index, self._due_at = self._index, self._index + 1, self._due_at + 1 / self._fps
        return replace(frame, index=index, captured_at=time.time(), media_time=None)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def interrupt(self) -> None:
        self._stopping.set()

    def _next(self) -> Frame:
        frame = self._source.read()
        while frame is None:
            self._source.close()
            self._source.open()
            frame = self._source.read()
        return frame
