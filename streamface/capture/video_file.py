"""A video file: every frame, in order, with its own time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from streamface.capture import image_folder
from streamface.capture._decode import Broken, Decoder, Picture
from streamface.capture.base import Source, SourceInfo
from streamface.errors import SourceError
from streamface.settings import CaptureSettings
from streamface.types import Frame

NAME = "file"

MISSING_S = 0.5
"""A file that ends this much before the end that it announces counts as cut short."""


def matches(source: str) -> bool:
    """True for a file that is there and is not a still picture."""
    return Path(source).is_file() and not image_folder.matches(source)


def create(settings: CaptureSettings) -> Source:
    """The file, not yet open."""
    return VideoFile(settings.source.strip())


class VideoFile(Source):
    """The frames of a video file in any format that FFmpeg reads; the same ones on every machine.

    Single damaged packets are passed over. A file that breaks off (cut short, or unreadable from some point on)
    gives every frame up to there, then `SourceError` with the time at which it broke.
    """

    is_file = True

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = str(path)
        self._decoder: Decoder | None = None
        self._pictures: Iterator[Picture] = iter(())
        self._first: Picture | None = None
        self._index = 0
        self._time = 0.0
        self._in_use = threading.RLock()  # freeing a file in which FFmpeg is reading ends the process

    def open(self) -> SourceInfo:
        """Open the file and decode its first picture; raises `SourceError`."""
        self._check()
        try:
            self._decoder = Decoder(str(self.path.absolute()))
            self._pictures, self._index = self._decoder.pictures(), 0
            self._first = next(self._pictures, None)
        except Broken as broken:
            self.close()
            raise self._no_video(broken.reason) from None
        if self._first is None:
            self.close()
            raise self._no_video("there is no picture in it")
        return self._decoder.info(self._first.image)

    def read(self) -> Frame | None:
        """The next frame; None at the end; raises `SourceError` where the file breaks off."""
        with self._in_use:
            picture = self._next()
            if picture is None:
                self._check_end()
                return None
        index, self._index, self._time = self._index, self._index + 1, picture.time
        return Frame(picture.image, index, captured_at=time.time(), media_time=picture.time, source=self.name)

    def close(self) -> None:
        """Close the file."""
        with self._in_use:
            self._pictures, self._first = iter(()), None
            decoder, self._decoder = self._decoder, None
            if decoder is not None:
                decoder.close()

    def _next(self) -> Picture | None:
        picture, self._first = self._first, None
        try:
            return picture or next(self._pictures, None)
        except Broken as broken:
            raise self._broke_off(broken.reason) from None

    def _check(self) -> None:
        try:
            with open(self.path, "rb") as file:
                if not file.read(1):
                    raise SourceError(f"{self.name} is empty: copy or download it again")
        except FileNotFoundError:
            raise SourceError(f"there is no file {self.name}: check the path") from None
        except (PermissionError, IsADirectoryError) as error:
            raise SourceError(f"cannot read {self.name} ({error.strerror}): check the file and its rights") from None

    def _no_video(self, reason: str) -> SourceError:
        return SourceError(f"{self.name} cannot be read as a video ({reason}): give a video that a player can play")

    def _broke_off(self, reason: str) -> SourceError:
        return SourceError(
            f"{self.name} is broken at {self._time:.2f} s, after {self._index} frames ({reason}): "
            "what came before is complete; copy or download the file again for the rest"
        )

    def _check_end(self) -> None:
        """Raise when both the frames and the seconds that the file announces were not all there.

        Both, because a trimmed file announces frames that it hides, and a slow last frame lasts long.
        """
        decoder, self._pictures = self._decoder, iter(())
        if decoder is None or not decoder.frame_count or not decoder.duration_s or not decoder.fps:
            return
        frames_short = decoder.frame_count - self._index
        if frames_short > MISSING_S * decoder.fps and decoder.duration_s - self._time > MISSING_S:
            raise self._broke_off(f"it announces {decoder.frame_count} frames, {decoder.duration_s:.2f} s")
