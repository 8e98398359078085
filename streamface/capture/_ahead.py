"""Reading a file ahead: the next frames are decoded in a thread of their own while this one is analysed."""

from __future__ import annotations

import queue
import threading
from time import perf_counter

from streamface.capture.base import Source, SourceInfo
from streamface.types import Frame

FRAMES = 4
"""Decoded frames that may wait: as long as a full detection takes beside them, 25 MB at 1920x1080."""


class ReadAhead(Source):
    """The same frames as `source`, in the same order, and its error at the same place.

    source: a file or folder, not yet open; from now on it belongs to this object.
    """

    is_file = True

    def __init__(self, source: Source) -> None:
        self._source, self.name = source, source.name
        self._ready: queue.Queue[tuple[Frame | Exception | None, float]] = queue.Queue(FRAMES)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._ended = False

    def open(self) -> SourceInfo:
        """Open the source; reading begins at once."""
        info = self._source.open()
        self._thread = threading.Thread(target=self._work, name="streamface-ahead", daemon=True)
        self._thread.start()
        return info

    def read(self) -> Frame | None:
        """The next frame; None at the end and from then on."""
        if self._ended:
            return None
        frame, self.beside_ms = self._ready.get()
        self._ended = not isinstance(frame, Frame)
        if isinstance(frame, Exception):
            raise frame
        return frame

    def close(self) -> None:
        """End the thread after the frame it is at, then close the source."""
        self._stopping.set()
        self._ended = True
        if self._thread is not None:
            self._drain()
            self._thread.join()
            self._thread = None
        self._source.close()

    def _work(self) -> None:
        try:
            while not self._stopping.is_set():
                start = perf_counter()
                frame = self._source.read()
                spent_ms = (perf_counter() - start) * 1e3
                if frame is not None and self.on_ahead is not None:
                    self.on_ahead(frame)
                self._ready.put((frame, spent_ms))
                if frame is None:
                    return
        except Exception as error:  # raised again by `read`, after the frames before it
            self._ready.put((error, 0.0))

    def _drain(self) -> None:
        """Make room until the thread has seen that it is to end."""
        while self._thread.is_alive():
            try:
                self._ready.get(timeout=0.02)
            except queue.Empty:
                continue
