"""A head that turns before a camera: one of the demo's portraits, given depth; needs no data."""

from __future__ import annotations

import math

import numpy as np

from streamface.capture import demo
from streamface.capture._portrait import Portrait

Acts = dict[str, list[np.ndarray]]
"""'straight', 'left' and 'right', the person's own -> (H, W, 3) uint8 BGR pictures one after the other."""
SIZE_WH = (640, 360)
FACE_PX = 170
"""Height of the face in the picture."""
FPS, TURN_S = 12.5, 1.8
"""Pictures a second, and how long a turn to one side and back takes."""
FARTHEST = 40.0
"""Degrees of a turn."""
FLAT, SOLID = "flat", "solid"
_HEAD = (0.62, 0.85, 0.55)
"""Half axes of the head to the side, up and to the back, in heights of the face; its middle lies behind the face."""
_NOSE = (0.02, 0.11, 0.16, 0.34)
"""Middle of the nose below the middle of the face, its widths across and down, and how far it stands out."""
_AXIS = 0.4
"""How far behind the face the head turns about, in heights of the face."""


class TurningHead:
    """Pictures of one person of the demo, turned by any angle.

    Args:
        person: 'Eileen Collins', whom the sample folder knows, or 'Grace Hopper'.
        shape: 'solid', or 'flat' for a photograph that is turned.
        face_px: height of the face in the picture.
    """

    def __init__(self, person: str, shape: str = SOLID, face_px: float = FACE_PX) -> None:
        self._portrait = next(one for one in demo.people() if one.person == person)
        self._face_px = face_px
        self._depth = self._depth_of(self._portrait) * (shape == SOLID)
        self._background = demo._background(0)[: SIZE_WH[1] * 2 : 2, : SIZE_WH[0] * 2 : 2] // 2

    def acts(self) -> Acts:
        """Looking straight, and turns to each side and back."""
        moments = np.sin(np.pi * np.arange(round(TURN_S * FPS)) / round(TURN_S * FPS)) ** 2
        sides = {"left": FARTHEST, "right": -FARTHEST}
        turns = {side: [self.image(reach * share) for share in moments] for side, reach in sides.items()}
        return {"straight": [self.image(0.0)], **turns}

    def image(self, degrees: float) -> np.ndarray:
        """(H, W, 3) uint8 BGR; degrees: positive to the person's own left, the right of the picture."""
        import cv2

        map_x, map_y = self._maps(degrees)
        placed = cv2.remap(self._portrait.sprites[0], map_x, map_y, cv2.INTER_AREA, borderValue=(0, 0, 0, 0))
        opacity = placed[:, :, 3:].astype(np.float32) / 255
        return np.clip(self._background * (1 - opacity) + placed[:, :, :3], 0, 255).astype(np.uint8)

    def _maps(self, degrees: float) -> tuple[np.ndarray, np.ndarray]:
        """Where in the photograph each pixel of the picture comes from; by fixed-point iteration."""
        import cv2

        face = self._portrait.face
        scale = self._face_px / face.height
        across, down = np.meshgrid(*(np.arange(size, dtype=np.float32) for size in SIZE_WH))
        x, y = (across - SIZE_WH[0] / 2) / scale, (down - SIZE_WH[1] * 0.46) / scale + face.center[1]
        sin, cos = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
        source = x / cos
        for _ in range(12):
            depth = cv2.remap(self._depth, source + face.center[0], y, cv2.INTER_LINEAR)
            source = (source + (x - depth * sin) / cos) / 2
        return source + face.center[0], y

    @staticmethod
    def _depth_of(portrait: Portrait) -> np.ndarray:
        """(H, W) float32: pixels by which each point lies before the axis of the turn."""
        height, width = portrait.solid.shape
        face = portrait.face
        rows, columns = np.mgrid[0:height, 0:width]
        x, y = (columns - face.center[0]) / face.height, (rows - face.center[1]) / face.height
        wide, tall, deep = _HEAD
        head = deep * (np.sqrt(np.clip(1 - (x / wide) ** 2 - (y / tall) ** 2, 0, 1)) - 1)
        below, across, down, out = _NOSE
        nose = out * np.exp(-((x / across) ** 2) - ((y - below) / down) ** 2)
        return ((head + nose + _AXIS) * face.height).astype(np.float32)
