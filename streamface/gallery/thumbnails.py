"""Small pictures of the people that are known, cut out around the face."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import cv2
import numpy as np

from streamface.errors import ImageError
from streamface.images import read_image
from streamface.types import Box, readonly

MARGIN = 0.3
"""Shown around the face on each side, in parts of its longer side: hair and chin."""
KEPT = 256
"""Thumbnails held in memory: 9 MB at 112 pixels."""


class Thumbnails:
    """Cuts faces out of pictures, each once; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int], np.ndarray | None] = OrderedDict()

    def get(self, photo: str, size_px: int, box_of: Callable[[str], Box | None]) -> np.ndarray | None:
        """(size_px, size_px, 3) uint8 BGR, read-only; None for an unreadable picture, or one that is not known.

        box_of says where the face is in a picture, None for one that is not known.
        """
        key = photo, size_px
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = _made(photo, size_px, box_of(photo))  # without the lock: others need not wait while a picture is read
        with self._lock:
            self._kept[key] = made
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made


def _made(photo: str, size_px: int, box: Box | None) -> np.ndarray | None:
    if box is None:
        return None
    try:
        image = read_image(photo)
    except (ImageError, OSError):
        return None
    return readonly(square_crop(image, box, size_px))


def square_crop(image: np.ndarray, box: Box, size_px: int) -> np.ndarray:
    """The square around the middle of `box`, with `MARGIN`, as (size_px, size_px, 3).

    It is moved, and where that does not help made smaller, to lie inside the (H, W, 3) image.
    """
    height, width = image.shape[:2]
    side = min(max(box.width, box.height) * (1 + 2 * MARGIN), width, height)
    x, y = box.center
    left = round(min(max(x - side / 2, 0), width - side))
    top = round(min(max(y - side / 2, 0), height - side))
    side = max(1, min(int(side), width - left, height - top))
    shrinks = side > size_px
    crop = image[top : top + side, left : left + side]
    return cv2.resize(crop, (size_px, size_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
