"""A clip as a camera gives it: frames at their own time whether they are read or not, the newest one kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from streamface.capture.base import Source, SourceInfo
from streamface.capture.video_file import VideoFile
from streamface.types import Frame

DECODED_BEFORE = 50
"""Frames that are decoded before the start where decoding is not to count: 310 MB at 1920x1080."""


class Paced(Source):
    """Frame n is due n / rate seconds after the start; `captured_at` is that moment, before it is decoded.

    Args:
        path: a video, played over and over.
        rate: frames per second.
        seconds: after which it ends.
        decodes: True decodes each frame when it is due, as for a network camera; False gives frames decoded before,
            forwards and backwards, as from a camera that is served by other hardware.
    """

    def __init__(self, path: Path, rate: float, seconds: float, decodes: bool = True) -> None:
        self.name = f"{path.name} at {rate:g}/s"
        self._path, self._rate, self._count, self._decodes = path, rate, round(rate * seconds), decodes
        self._changed = threading.Condition()
        self._slot: Frame | None = None
        self._ended = False
        self._dropped = 0
        self._thread: threading.Thread | None = None

    def open(self) -> SourceInfo:
        with VideoFile(self._path) as source:
            info = source.info
            self._kept = [] if self._decodes else [frame.image for frame in islice(source, DECODED_BEFORE)]
        self._thread = threading.Thread(target=self._play, name="streamface-paced", daemon=True)
        return SourceInfo(info.width, info.height, self._rate, is_live=True)

    def read(self) -> Frame | None:
        """The newest frame not yet read; the clock starts with the first call."""
        if not self._thread.is_alive() and not self._ended:
            self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._slot is not None or self._ended)
            frame, self._slot = self._slot, None
        return frame

    def interrupt(self) -> None:
        self._ended = True

    def close(self) -> None:
        self._ended = True
        if self._thread is not None and self._thread.is_alive():
            self._thread.join()

    @property
    def dropped(self) -> int:
        return self._dropped

    def _play(self) -> None:
        start = time.time()
        for index, image in zip(range(self._count), self._images(start), strict=False):
            with self._changed:
                self._dropped += self._slot is not None
                self._slot = Frame(image, index, start + index / self._rate, None, self.name)
                self._changed.notify_all()
            if self._ended:
                break
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _images(self, start: float) -> Iterator[np.ndarray]:
        """The picture of each frame, not before it is due."""
        for index in range(self._count):
            time.sleep(max(0.0, start + index / self._rate - time.time()))
            yield self._decoded() if self._decodes else self._to_and_fro(index)

    def _to_and_fro(self, index: int) -> np.ndarray:
        last = len(self._kept) - 1
        return self._kept[last - abs(last - index % (2 * last))]

    def _decoded(self) -> np.ndarray:
        frame = next(self._frames, None) if hasattr(self, "_frames") else None
        if frame is None:
            self._frames = self._opened()
            frame = next(self._frames)
        return frame.image

    def _opened(self) -> Iterator[Frame]:
        with VideoFile(self._path) as source:
            yield from source
