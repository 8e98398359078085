"""Making faces unrecognisable: a few colours over the whole head, so that nothing is left to be brought back."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from streamface.types import Box

TILES_WH = 6, 7
"""Colours across and down a head; the face itself has about four by four of them. `python -m benchmarks.privacy` says
what networks and a comparison of the colours themselves still tell from them."""
STEP = 16
"""Colours are rounded to multiples of it, so that small changes of light tell nothing more."""
SIDES, ABOVE, BELOW = 0.45, 0.55, 0.3
"""What is covered around a detected face, in parts of its width and height: hair, ears, chin, and a turn of the
head."""
OUTSIDE_WH = 16, 9
"""Colours of a whole picture where nobody is looked for."""
EDGE = 0.04
"""Of the picture's longer side, what is covered inside a zone's edge: the faces there have their middle outside."""


def head(box: Box, more: float = 0.0) -> Box:
    """The whole head around a detected face; `more`: a further margin on each side, in parts of the face."""
    width, height = box.width, box.height
    return Box(
        box.left - (SIDES + more) * width,
        box.top - (ABOVE + more) * height,
        box.right + (SIDES + more) * width,
        box.bottom + (BELOW + more) * height,
    )


def tiles(image: np.ndarray, box: Box) -> np.ndarray | None:
    """The few colours, (7, 6, 3) uint8, of a part of an (H, W, 3) image; None where the part lies outside."""
    part = _part(image, box)
    if not part.size:
        return None
    return _rounded(cv2.resize(part, TILES_WH, interpolation=cv2.INTER_AREA))


def cover(image: np.ndarray, box: Box, colours: np.ndarray) -> None:
    """Put `colours`, as `tiles` gives them, over a part of an image, in place; they run into each other."""
    part = _part(image, box)
    if part.size:
        part[:] = cv2.resize(colours, part.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def coarse(image: np.ndarray) -> np.ndarray:
    """A picture of the same shape that shows no more than `OUTSIDE_WH` colours."""
    few = _rounded(cv2.resize(image, OUTSIDE_WH, interpolation=cv2.INTER_AREA))
    return cv2.resize(few, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def cover_outside(image: np.ndarray, zone: Sequence[tuple[float, float]]) -> None:
    """Show no more than a few colours outside a polygon, whose corners are shares of the picture, in place."""
    height, width = image.shape[:2]
    corners = np.rint(np.float32(zone) * [width, height]).astype(np.int32)
    inside = cv2.fillPoly(np.zeros((height, width), np.uint8), [corners], 255)
    edge = max(1, round(EDGE * max(height, width)))
    # The picture's own border is no edge of the zone: nobody is hidden behind it.
    inside = cv2.erode(inside, np.ones((2 * edge + 1, 2 * edge + 1), np.uint8), borderValue=255)
    outside = inside == 0
    image[outside] = coarse(image)[outside]


def _part(image: np.ndarray, box: Box) -> np.ndarray:
    inside = box.clipped(image.shape[1], image.shape[0])
    return image[int(inside.top) : int(np.ceil(inside.bottom)), int(inside.left) : int(np.ceil(inside.right))]


def _rounded(colours: np.ndarray) -> np.ndarray:
    return (colours // STEP) * STEP + STEP // 2
