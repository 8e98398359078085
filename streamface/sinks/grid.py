"""Several cameras in one picture, each in a tile of its own."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence

import cv2
import numpy as np

from streamface.sinks.base import Sink
from streamface.types import FrameResult, readonly

NAME = "grid"
EMPTY = 24
"""Grey of what no camera fills."""


class Grid:
    """The newest annotated picture of each camera, composed when asked; threads may write and compose at once.

    Args:
        cameras: names, in the order of the tiles: row by row from the top left.
        size_wh: largest (width, height) in pixels of the whole picture.
    """

    def __init__(self, cameras: Sequence[str], size_wh: tuple[int, int] = (1920, 1080)) -> None:
        self._newest: dict[str, np.ndarray | None] = dict.fromkeys(cameras)
        self._columns = math.ceil(math.sqrt(len(cameras)))
        self._rows = math.ceil(len(cameras) / self._columns)
        self._tile_wh = size_wh[0] // self._columns, size_wh[1] // self._rows
        self._changed = threading.Condition()
        self._version = self._seen = 0

    def tile(self, camera: str) -> Sink:
        """The sink that takes the pictures of one camera."""
        return _Tile(self, camera)

    def put(self, camera: str, image: np.ndarray) -> None:
        """Take the newest picture of a camera: (H, W, 3) uint8 BGR, read-only."""
        with self._changed:
            self._newest[camera] = image
            self._version += 1
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Wait until a picture is new since the last `compose`; False when none came in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._version > self._seen, timeout_s)

    def compose(self) -> np.ndarray:
        """All tiles, (H, W, 3) uint8 BGR, read-only; pictures keep their shape and fill their tile one way."""
        with self._changed:
            newest, self._seen = list(self._newest.values()), self._version
        width, height = self._tile_wh
        whole = np.full((height * self._rows, width * self._columns, 3), EMPTY, np.uint8)
        for number, image in enumerate(newest):
            if image is not None:
                row, column = divmod(number, self._columns)
                _fit(whole[row * height : (row + 1) * height, column * width : (column + 1) * width], image)
        return readonly(whole)


class _Tile(Sink):
    wants_image = wants_repeated = True

    def __init__(self, grid: Grid, camera: str) -> None:
        self._grid, self._camera = grid, camera

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        self._grid.put(self._camera, image)


def _fit(tile: np.ndarray, image: np.ndarray) -> None:
    """Write `image` into the middle of `tile`, in place."""
    scale = min(tile.shape[1] / image.shape[1], tile.shape[0] / image.shape[0])
    width, height = max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale))
    smooth = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    fitted = image if scale == 1.0 else cv2.resize(image, (width, height), interpolation=smooth)
    top, left = (tile.shape[0] - height) // 2, (tile.shape[1] - width) // 2
    tile[top : top + height, left : left + width] = fitted
