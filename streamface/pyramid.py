"""One image at several sizes, so that small cut-outs of large faces are made fast and without aliasing."""

from __future__ import annotations

import math

import numpy as np

MARGIN_PX = 2
"""Pixels of a level around a cut-out that interpolation may touch."""


class Pyramid:
    """An image and its halves, each made when first asked for.

    Args:
        image: (H, W, 3) uint8; it is read, never written.
    """

    def __init__(self, image: np.ndarray) -> None:
        self._levels = [image]

    @staticmethod
    def of(image: np.ndarray | Pyramid) -> Pyramid:
        """The pyramid of an image; one that is a pyramid already is used again, with the levels it has."""
        return image if isinstance(image, Pyramid) else Pyramid(image)

    @property
    def image(self) -> np.ndarray:
        """The image at full size."""
        return self._levels[0]

    def level(self, number: int) -> np.ndarray:
        """The image halved `number` times, each pixel the mean of four."""
        import cv2

        while len(self._levels) <= number:
            finest = self._levels[-1]
            half = (max(1, finest.shape[1] // 2), max(1, finest.shape[0] // 2))
            self._levels.append(cv2.resize(finest, half, interpolation=cv2.INTER_AREA))
        return self._levels[number]

    def level_for(self, scale: float) -> int:
        """The coarsest level from which shrinking to `scale` of full size is still a shrinking, by less than two."""
        deepest = int(math.log2(max(1, min(self.image.shape[:2]) // 8)))
        return 0 if scale >= 0.5 else min(deepest, int(math.floor(-math.log2(scale) + 1e-9)))

    def resized(self, size_wh: tuple[int, int]) -> np.ndarray:
        """The whole image at (width, height) pixels, which are not more than it has."""
        import cv2

        level = self.level(self.level_for(max(size_wh[0] / self.image.shape[1], size_wh[1] / self.image.shape[0])))
        return cv2.resize(level, size_wh, interpolation=cv2.INTER_LINEAR)

    def warped(self, transform: np.ndarray, side: int) -> np.ndarray:
        """(side, side, 3) uint8 cut-out; outside the image the nearest edge is repeated.

        transform (2, 3) takes full-size pixel positions to cut-out positions, both measured from the outer
        corner of the first pixel.
        """
        import cv2

        scale = math.sqrt(abs(transform[0, 0] * transform[1, 1] - transform[0, 1] * transform[1, 0]))
        number = self.level_for(scale)
        corner_xy, source = self._part(number, transform, side)
        matrix = np.array(transform, np.float64)
        matrix[:, 2] += matrix[:, :2] @ corner_xy
        matrix[:, :2] *= self._ratio_xy(number)
        # OpenCV counts from the middle of the first pixel.
        matrix[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
        return cv2.warpAffine(source, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def _part(self, number: int, transform: np.ndarray, side: int) -> tuple[tuple[int, int], np.ndarray]:
        """What a cut-out needs of a level, and where that begins at full size.

        A level that is there is used whole. One that is not is made only where the cut-out lies: of a frame of
        1920x1080, whose first halving takes 1.5 ms, some faces are a twentieth. The pixels are the same, since each
        is the mean of its own four and the part begins and ends at whole pixels of the level.
        """
        import cv2

        height, width = self.image.shape[:2]
        step = 1 << number
        if number < len(self._levels) or width % step or height % step:
            return (0, 0), self.level(number)
        corners = np.array([[0, 0], [side, 0], [0, side], [side, side]]) - transform[:, 2]
        reach = corners @ np.linalg.inv(transform[:, :2]).T
        low = np.floor(reach.min(0) / step).astype(int) - MARGIN_PX
        high = np.ceil(reach.max(0) / step).astype(int) + MARGIN_PX
        size = width // step, height // step
        # A part that lies beyond an edge keeps the pixels next to it, which are repeated outwards.
        (left, top), (right, bottom) = np.clip(low, 0, np.subtract(size, 1)), np.clip(high, 1, size)
        part = self.image[top * step : max(bottom, top + 1) * step, left * step : max(right, left + 1) * step]
        for _ in range(number):
            part = cv2.resize(part, (part.shape[1] // 2, part.shape[0] // 2), interpolation=cv2.INTER_AREA)
        return (left * step, top * step), part

    def _ratio_xy(self, number: int) -> tuple[float, float]:
        """Pixels of the image to one of a level."""
        if number < len(self._levels):
            level = self._levels[number]
            return self.image.shape[1] / level.shape[1], self.image.shape[0] / level.shape[0]
        return 2.0**number, 2.0**number

    def squares(self, boxes: np.ndarray, side: int) -> np.ndarray:
        """(N, side, side, 3) uint8 cut-outs of (N, 4) boxes, each stretched to the square."""
        chips = np.empty((len(boxes), side, side, 3), np.uint8)
        for chip, (left, top, right, bottom) in zip(chips, boxes, strict=True):
            fx, fy = side / max(right - left, 1e-3), side / max(bottom - top, 1e-3)
            chip[:] = self.warped(np.array([[fx, 0, -left * fx], [0, fy, -top * fy]]), side)
        return chips
