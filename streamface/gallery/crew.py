"""Looking at many pictures at once: a thread for each encoder, and one beside it that reads ahead."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from streamface.errors import ImageError
from streamface.gallery import embedding_file
from streamface.gallery.base import EncodedFace, Encoder, Photo, Row
from streamface.gallery.embedding_file import KeptFace
from streamface.images import read_image
from streamface.types import Box

DOMINANCE = 2.5
"""Among several faces the largest is the person's when its area is at least so many times the next one's. In 1,500
photographs of LFW with the person in the middle, 39 had more faces and reached this: the largest was always the right
one; of the 63 below, it was the wrong one in 21."""
MAX_PIXELS = 3_000_000
"""Larger pictures are shrunk to this before faces are looked for: a face that fills a twentieth of the width of a
12-megapixel photograph is still 100 pixels wide, and finding it costs a quarter."""


class Crew:
    """Makes the rows of `photos` in threads; a context manager, and over once `rows` has given them all.

    On leaving, everybody finishes the picture in hand; `finished` has what `rows` did not get to give.
    """

    def __init__(self, folder: Path, photos: Sequence[Photo], encoders: Sequence[Encoder]) -> None:
        encoders = encoders[: len(photos)]
        self._folder, self._photos, self._count = folder, iter(photos), len(photos)
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._results: queue.SimpleQueue[Row | BaseException] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(max(1, len(encoders)), "enroll-read")
        self._threads = [threading.Thread(target=self._work, args=(e,), name="enroll") for e in encoders]

    def __enter__(self) -> Crew:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._readers.shutdown(wait=True, cancel_futures=True)

    def rows(self) -> Iterator[Row]:
        """Each picture's row as it gets ready, in any order; raises what a thread raised."""
        for _ in range(self._count):
            result = self._results.get()
            if isinstance(result, BaseException):
                raise result
            yield result

    def finished(self) -> Iterator[Row]:
        """After leaving: rows that were ready and that nobody took."""
        while not self._results.empty():
            result = self._results.get()
            if isinstance(result, Row):
                yield result

    def _work(self, encoder: Encoder) -> None:
        try:
            ahead = self._next()
            while ahead is not None and not self._stop.is_set():
                (photo, reading), ahead = ahead, self._next()
                self._results.put(_row(photo, reading.result(), encoder))
        except BaseException as error:  # `rows` raises it in the thread that waits there
            self._results.put(error)

    def _next(self) -> tuple[Photo, Future] | None:
        with self._lock:
            photo = next(self._photos, None)
        return None if photo is None else (photo, self._readers.submit(_read, self._folder / photo.path))


def look(photo: Photo, image: np.ndarray, encoder: Encoder) -> Row:
    """The row of one picture, given its (H, W, 3) uint8 BGR pixels."""
    small, scale_xy = _shrunk(image)
    try:
        found = encoder.encode(small)
    except ImageError as error:
        return Row(photo, str(error))
    faces = sorted((f for f in found if np.isfinite(f.vector).all()), key=lambda face: -face.box.area)
    reason = _objection(faces)
    if reason:
        return Row(photo, reason)
    box, (x, y) = faces[0].box, scale_xy
    whole = Box(box.left / x, box.top / y, box.right / x, box.bottom / y)
    return Row(photo, None, whole, float(faces[0].quality), faces[0].vector)


def _objection(faces: Sequence[EncodedFace]) -> str | None:
    """Why a picture with these faces, largest first, names nobody; None when it does."""
    if not faces:
        return "no face found: use a picture in which the face is larger or turned to the camera"
    if len(faces) > 1 and faces[0].box.area < DOMINANCE * faces[1].box.area:
        return f"{len(faces)} faces, none of them clearly the largest: cut it down to one person"
    return None


def _shrunk(image: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """The image with at most `MAX_PIXELS`, and its scale in x and y."""
    height, width = image.shape[:2]
    if height * width <= MAX_PIXELS:
        return image, (1.0, 1.0)
    scale = (MAX_PIXELS / (height * width)) ** 0.5
    size_wh = max(1, int(width * scale)), max(1, int(height * scale))
    return cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), (size_wh[0] / width, size_wh[1] / height)


def _read(path: Path) -> np.ndarray | KeptFace | str | OSError:
    """The picture, or the face that stands for one; why it is neither; why it could not be opened, which may pass."""
    try:
        with open(path, "rb") as file:
            if not file.read(1):
                return "the file is empty: put the picture there again"
        return embedding_file.read(path) if path.suffix.lower() == embedding_file.SUFFIX else read_image(path)
    except ImageError as error:
        return str(error).replace(str(path), "the file")  # every report puts the path in front
    except OSError as error:
        return error


def _row(photo: Photo, picture: np.ndarray | KeptFace | str | OSError, encoder: Encoder) -> Row:
    if isinstance(picture, OSError):
        return Row(photo, f"cannot be opened ({picture.strerror}): allow reading it", passing=True)
    if isinstance(picture, KeptFace):
        if picture.network == encoder.network:
            return Row(photo, None, Box(0.0, 0.0, 0.0, 0.0), picture.quality, picture.vector)
        return Row(photo, f"its embedding is of {picture.network}, not of {encoder.network}: use a picture")
    return Row(photo, picture) if isinstance(picture, str) else look(photo, picture, encoder)
