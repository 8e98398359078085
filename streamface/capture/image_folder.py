"""A folder of pictures, or a single one: each is a frame."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from streamface.capture.base import Source, SourceInfo
from streamface.errors import ImageError, SourceError
from streamface.images import SUFFIXES, list_images, read_image
from streamface.settings import CaptureSettings
from streamface.types import Frame

NAME = "folder"

FPS = 1.0
"""Pictures per second of media time: each stands for a second."""

log = logging.getLogger(__name__)


def matches(source: str) -> bool:
    """True for a folder, and for a file whose name is that of a picture; a GIF is a video."""
    path = Path(source)
    is_picture = path.suffix.lower() in SUFFIXES and path.suffix.lower() != ".gif"
    return path.is_dir() or (is_picture and path.is_file())


def create(settings: CaptureSettings) -> Source:
    """The folder, not yet listed."""
    return ImageFolder(settings.source.strip())


class ImageFolder(Source):
    """Every picture below a folder, in natural order of their names; they may differ in size.

    A picture that cannot be read is left out, with a warning that names it. `info` has the size of the first one;
    `info.frame_count` counts the files, broken ones included.
    """

    is_file = True

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = str(path)
        self._pictures: Iterator[np.ndarray] = iter(())
        self._first: np.ndarray | None = None
        self._index = 0

    def open(self) -> SourceInfo:
        """List the folder and read its first picture; raises `SourceError` when there is none."""
        files = list_images(self.path) if self.path.is_dir() else [self.path]
        self._pictures, self._index = _readable(files), 0
        self._first = next(self._pictures, None)
        if self._first is None:
            what = (
                f"none of the {len(files)} pictures in {self.path} can be read"
                if files
                else f"no picture in {self.path}"
            )
            raise SourceError(f"{what}: give a folder with .jpg, .png or .webp files in it")
        height, width = self._first.shape[:2]
        return SourceInfo(width, height, FPS, is_live=False, frame_count=len(files), is_stills=True)

    def read(self) -> Frame | None:
        """The next picture that can be read; None after the last."""
        image, self._first = self._first, None
        if image is None:
            image = next(self._pictures, None)
        if image is None:
            return None
        index, self._index = self._index, self._index + 1
        return Frame(image=image, index=index, captured_at=time.time(), media_time=index / FPS, source=self.name)

    def close(self) -> None:
        """Forget what was not read."""
        self._pictures, self._first = iter(()), None


def _readable(files: list[Path]) -> Iterator[np.ndarray]:
    for file in files:
        try:
            yield read_image(file)
        except ImageError as error:
            log.warning("left out: %s", error)
