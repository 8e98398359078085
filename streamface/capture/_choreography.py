"""Where the two people of the demo are at each moment: key positions and a smooth way between them."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

FPS = 25.0
FRAME_COUNT = 300
SIZE_WH = (1280, 720)


class Pose(NamedTuple):
    """One person in one frame."""

    x: float
    """Middle of the face, in frame pixels."""
    y: float
    height: float
    """Of the face, in pixels."""
    roll: float
    """Degrees, clockwise in the picture."""
    yaw: float
    """Degrees out of the picture's plane, about the upright axis."""
    pitch: float
    """Degrees, about the level axis."""
    light: float
    """Brightness against the portrait's own."""


# Seconds, then a Pose. They cross at 4.6 s, Hopper in front; Collins leaves at 7 s and is back at 9.2 s, Hopper
# enters at 0.9 s. Both shrink and grow: the smallest face is 60 px (Hopper, 8.6 s), the largest 262 px (Hopper, 3 s).
_COLLINS = (
    (0.0, 300, 300, 105, 0, -12, 0, 1.0),
    (1.3, 400, 270, 140, -9, 10, 4, 1.1),
    (2.6, 350, 300, 165, 8, 24, -4, 1.0),
    (3.6, 470, 300, 140, 5, 8, 0, 0.9),
    (4.6, 640, 290, 122, -3, -6, 0, 0.8),
    (5.6, 850, 300, 118, -11, -24, 0, 0.5),
    (6.5, 1040, 280, 128, 6, -12, 5, 0.7),
    (7.6, 1500, 310, 135, 10, 0, 0, 1.0),
    (8.7, 1500, 310, 150, -8, 0, 0, 1.0),
    (9.8, 1010, 300, 168, -10, 14, 0, 1.12),
    (10.9, 905, 285, 180, 6, -10, -4, 1.05),
    (12.0, 930, 290, 175, 0, 0, 0, 1.0),
)
_HOPPER = (
    (0.0, 1540, 330, 215, 6, 0, 0, 0.9),
    (0.5, 1460, 330, 220, 6, 0, 0, 0.9),
    (1.8, 1000, 320, 245, -6, -18, 0, 1.0),
    (3.0, 930, 320, 262, 4, 6, 3, 1.08),
    (4.6, 630, 310, 225, 7, 12, 0, 1.0),
    (5.8, 340, 290, 175, -7, 22, -5, 0.85),
    (7.2, 290, 260, 100, 9, -8, 0, 0.55),
    (8.6, 400, 240, 60, -5, 8, 0, 0.65),
    (9.8, 470, 260, 110, -13, 20, 4, 0.9),
    (11.0, 390, 290, 195, 5, -12, 0, 1.1),
    (12.0, 360, 300, 215, 0, 0, 0, 1.0),
)


@lru_cache(maxsize=1)
def poses() -> tuple[tuple[Pose, Pose], ...]:
    """(Collins, Hopper) of every frame."""
    moments = np.arange(FRAME_COUNT) / FPS
    ways = [_way(np.array(keys, np.float64), moments) for keys in (_COLLINS, _HOPPER)]
    return tuple((Pose(*collins), Pose(*hopper)) for collins, hopper in zip(*ways, strict=True))


def _way(keys: np.ndarray, moments: np.ndarray) -> list[list[float]]:
    """Values at `moments` of the cubic Hermite curve through rows of (time, values...), slopes from neighbours."""
    times, values = keys[:, 0], keys[:, 1:]
    slopes = np.gradient(values, times, axis=0)
    slopes[0] = slopes[-1] = 0
    i = np.clip(np.searchsorted(times, moments, side="right") - 1, 0, len(times) - 2)
    span = (times[i + 1] - times[i])[:, None]
    t = (moments - times[i])[:, None] / span
    start, end = values[i], values[i + 1]
    curve = (
        (2 * t**3 - 3 * t**2 + 1) * start
        + (t**3 - 2 * t**2 + t) * span * slopes[i]
        + (3 * t**2 - 2 * t**3) * end
        + (t**3 - t**2) * span * slopes[i + 1]
    )
    return curve.tolist()
