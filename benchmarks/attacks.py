"""Attacks on a liveness check, rendered: a photograph that is moved, tilted, bent or folded; a screen that replays."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from streamface.types import Box

MARGIN = 0.7
"""What of a picture around a face's box belongs to the photograph, in shares of the box."""
FOCAL = 1.0
"""Focal length of the camera in widths of its picture: 53 degrees from left to right."""


@dataclass(frozen=True)
class Bend:
    """How a photograph is bent about its upright or its level middle line; lengths in widths of the face's box.

    Convex towards the camera where positive, as a face is; concave where negative.
    """

    name: str
    radius: float = np.inf
    """Of the cylinder that it is bent to."""
    fold: float = 0.0
    """Degrees by which each half is folded back, instead of a cylinder."""
    upright: bool = True
    """About the upright middle line."""


FLAT = Bend("flat")
BENDS = (
    FLAT,
    Bend("bent, radius 2 faces", 2.0),
    Bend("bent, radius 1 face", 1.0),
    Bend("bent, radius 0.7 faces", 0.7),
    Bend("bent the other way, radius 1 face", -1.0),
    Bend("bent about the level line, radius 1 face", 1.0, upright=False),
    Bend("folded along the nose by 20 degrees", fold=20.0),
    Bend("folded along the nose by 40 degrees", fold=40.0),
)


@dataclass(frozen=True)
class Hold:
    """How a photograph is held in one frame: angles in degrees, place and size in the camera's picture."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    x: float = 0.5
    """Middle of the face, in shares of the picture's width."""
    y: float = 0.5
    """The same of its height."""
    size: float = 0.2
    """Width of the face's box, in shares of the picture's width, as if it faced the camera."""


class Photo:
    """A face cut out of a frame, as a print that can be held before a camera.

    Args:
        image: (H, W, 3) uint8 BGR frame.
        box: of the face in it.
    """

    def __init__(self, image: np.ndarray, box: Box) -> None:
        wanted = box.padded(MARGIN).clipped(image.shape[1], image.shape[0])
        left, top, right, bottom = (round(v) for v in (wanted.left, wanted.top, wanted.right, wanted.bottom))
        self._image = image[top:bottom, left:right]
        self._middle = np.array(box.center) - (left, top)
        self._width = box.width

    def held(self, hold: Hold, bend: Bend, background: np.ndarray) -> np.ndarray:
        """The camera's picture, (H, W, 3) uint8 BGR: the photograph before `background`."""
        height, width = background.shape[:2]
        focal, distance = FOCAL * width, FOCAL / hold.size
        middle = np.array([(hold.x - 0.5) * width, (hold.y - 0.5) * height]) / focal * distance
        turn = _rotation(hold.yaw, hold.pitch, hold.roll)
        reach = hold.size * width * (0.5 + MARGIN) * 1.6  # nothing of it is seen farther away
        left, right = _between(hold.x * width - reach, hold.x * width + reach, width)
        top, bottom = _between(hold.y * height - reach, hold.y * height + reach, height)
        x, y = np.meshgrid(np.arange(left, right) - width / 2 + 0.5, np.arange(top, bottom) - height / 2 + 0.5)
        rays = np.stack([x / focal, y / focal, np.ones_like(x)], -1).astype(np.float32) @ turn.astype(np.float32)
        start = np.float32([-middle[0], -middle[1], -distance]) @ turn.astype(np.float32)
        across, down = _met(start, rays, bend)
        at = np.stack([across, down], -1) * self._width + self._middle - 0.5
        at = np.nan_to_num(at, nan=-1e4, posinf=-1e4, neginf=-1e4).clip(-1e4, 1e4).astype(np.float32)
        shown = cv2.remap(self._image, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        rows, columns = self._image.shape[:2]
        inside = (at >= 0).all(-1) & (at[..., 0] <= columns - 1) & (at[..., 1] <= rows - 1)
        picture = background.copy()
        picture[top:bottom, left:right][inside] = shown[inside]
        return picture


def _between(low: float, high: float, size: int) -> tuple[int, int]:
    return max(0, int(low)), min(size, int(high) + 1)


def _rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """(3, 3) from the photograph's axes (x right, y down, z away from the camera) to the camera's."""
    a, b, c = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


def _met(start: np.ndarray, rays: np.ndarray, bend: Bend) -> tuple[np.ndarray, np.ndarray]:
    """Where on the unrolled photograph each ray meets it first: (right, down) from its middle; NaN where nowhere."""
    order = [0, 1, 2] if bend.upright else [1, 0, 2]
    start, rays = start[order], rays[..., order]
    with np.errstate(all="ignore"):
        if bend.fold:
            along, across = _met_fold(start, rays, np.radians(bend.fold))
        elif np.isinf(bend.radius):
            along = -start[2] / rays[..., 2]
            across = start[0] + along * rays[..., 0]
        else:
            along, across = _met_cylinder(start, rays, bend.radius)
        down = start[1] + along * rays[..., 1]
    return (across, down) if bend.upright else (down, across)


def _met_cylinder(start: np.ndarray, rays: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Of a cylinder of |radius| whose line nearest to (or, concave, farthest from) the camera is the middle line."""
    x, z = start[0], start[2] - radius
    a = rays[..., 0] ** 2 + rays[..., 2] ** 2
    b = x * rays[..., 0] + z * rays[..., 2]
    root = np.sqrt(b * b - a * (x * x + z * z - radius * radius))
    along = (-b - np.sign(radius) * root) / a
    beside, deep = x + along * rays[..., 0], z + along * rays[..., 2]
    angle = np.arctan2(beside, -np.sign(radius) * deep)
    return np.where(np.abs(angle) < np.pi / 2, along, np.nan), abs(radius) * angle


def _met_fold(start: np.ndarray, rays: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Of two half planes that recede by `angle` from the middle line."""
    nearest, across = np.full(rays.shape[:2], np.inf), np.full(rays.shape[:2], np.nan)
    for side in (-1.0, 1.0):
        slope = side * np.tan(angle)
        along = (slope * start[0] - start[2]) / (rays[..., 2] - slope * rays[..., 0])
        beside = start[0] + along * rays[..., 0]
        met = (side * beside >= 0) & (along > 0) & (along < nearest)
        nearest, across = np.where(met, along, nearest), np.where(met, beside / np.cos(angle), across)
    return nearest, across


def replayed(frame: np.ndarray, size_wh: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A frame as a camera sees it on a screen: border, stripes of moire, glare, paler colours.

    frame (H, W, 3) uint8 BGR; the picture returned has `size_wh`. `rng`: where the glare lies, the same for a frame.
    """
    width, height = size_wh
    image = np.full((height, width, 3), 45, np.uint8)
    wide, high = round(0.86 * width), round(0.86 * height)
    left, top = (width - wide) // 2, (height - high) // 2
    image[top - 6 : top + high + 6, left - 6 : left + wide + 6] = 12
    shown = cv2.resize(frame, (wide, high), interpolation=cv2.INTER_AREA).astype(np.float32)
    y, x = np.mgrid[:high, :wide].astype(np.float32)
    stripes = 1 + 0.06 * np.sin(x * 0.9 + y * 0.17) * np.sin(y * 0.83 - x * 0.11)
    centre = rng.uniform(0.2, 0.8, 2) * (wide, high)
    glare = 90 * np.exp(-(((x - centre[0]) / (0.12 * wide)) ** 2) - ((y - centre[1]) / (0.2 * high)) ** 2)
    shown = shown * 0.88 * stripes[..., None] + 14 + glare[..., None]
    image[top : top + high, left : left + wide] = np.clip(shown, 0, 255).astype(np.uint8)
    return image
