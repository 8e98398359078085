"""The people of the demo: their cut-outs, how one is put into a frame, and where the face then is."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import numpy as np

from streamface.capture._choreography import Pose
from streamface.types import Box

_DISTANCE = 5.0
"""Eye point of the perspective, in heights of the face: about that of a person filmed in a room."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """A person cut out of a photograph, in sizes from full down by halves."""

    person: str
    face: Box
    """In pixels of the photograph."""
    sprites: tuple[np.ndarray, ...]
    """(H, W, 4) uint8: colour times opacity, opacity; with a soft shadow around it."""
    solid: np.ndarray
    """(H, W) bool: where the person hides what is behind."""

    def homography(self, pose: Pose) -> np.ndarray:
        """(3, 3) float64, pixels of the photograph to pixels of the frame."""
        x, y = self.face.center
        scale = pose.height / self.face.height
        turned = _rotation(pose) * scale
        depth = turned[2, :2] / (_DISTANCE * pose.height)
        plane = np.array([[*turned[0, :2], 0], [*turned[1, :2], 0], [*depth, 1]])
        return _shift(pose.x, pose.y) @ plane @ _shift(-x, -y)

    def draw(self, image: np.ndarray, pose: Pose) -> None:
        """Put the person into `image`, (H, W, 3) uint8 BGR, over what is there."""
        import cv2

        level = int(np.clip(np.floor(np.log2(self.face.height / pose.height)), 0, len(self.sprites) - 1))
        sprite = self.sprites[level]
        transform = self.homography(pose) @ np.diag([2.0**level, 2.0**level, 1])
        left, top, right, bottom = _extent(transform, sprite.shape, image.shape)
        if right <= left or bottom <= top:
            return
        size_wh = right - left, bottom - top
        placed = cv2.warpPerspective(sprite, _shift(-left, -top) @ transform, size_wh, flags=cv2.INTER_LINEAR)
        colour = cv2.cvtColor(placed, cv2.COLOR_BGRA2BGR)
        behind = cv2.cvtColor(255 - cv2.extractChannel(placed, 3), cv2.COLOR_GRAY2BGR)
        spot = image[top:bottom, left:right]
        cv2.addWeighted(cv2.multiply(spot, behind, scale=1 / 255), 1, colour, pose.light, 0, dst=spot)

    def face_points(self, pose: Pose) -> np.ndarray:
        """(N, 2) points spread evenly over the face's oval, in frame pixels; the last 32 lie on its edge."""
        x, y = self.face.center
        oval = _OVAL * (self.face.width / 2, self.face.height / 2) + (x, y)
        return project(self.homography(pose), oval)

    def hides(self, pose: Pose, points: np.ndarray) -> np.ndarray:
        """(N,) bool: which of (N, 2) points of the frame lie behind the person."""
        x, y = np.rint(project(np.linalg.inv(self.homography(pose)), points)).astype(int).T
        height, width = self.solid.shape
        inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
        return inside & self.solid[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]


def load(person: str, file: str, face: Box) -> Portrait:
    """The portrait in `portraits/<file>.jpg`, with its cut-out in `<file>_mask.png`."""
    import cv2

    photo = _picture(f"{file}.jpg", cv2.IMREAD_COLOR)
    mask = _picture(f"{file}_mask.png", cv2.IMREAD_GRAYSCALE)
    opacity = mask / 255.0 * _fade_out(mask.shape)
    sides = _fade_in(mask.shape)
    shadow = 0.45 * cv2.GaussianBlur(opacity, (0, 0), 14)
    covered = opacity + (1 - opacity) * shadow * sides
    sprite = np.dstack([photo * opacity[:, :, None], covered * 255])
    sprites = [np.rint(_with_margin(sprite)).astype(np.uint8)]
    while min(sprites[-1].shape[:2]) > 200:
        height, width = sprites[-1].shape[:2]
        sprites.append(cv2.resize(sprites[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA))
    return Portrait(person, face, tuple(sprites), opacity > 0.5)


def project(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N, 2) points through a (3, 3) homography."""
    x, y, w = transform @ np.vstack([points.T, np.ones(len(points))])
    return np.column_stack([x / w, y / w])


def _oval() -> np.ndarray:
    grid = np.linspace(-1, 1, 15)
    x, y = np.meshgrid(grid, grid)
    filled = np.column_stack([x.ravel(), y.ravel()])
    angle = np.arange(32) * (2 * np.pi / 32)
    return np.vstack([filled[(filled**2).sum(1) < 1], np.column_stack([np.cos(angle), np.sin(angle)])])


_OVAL = _oval()
EDGE = 32
"""How many of the points of the oval lie on its edge."""


def _picture(file: str, mode: int) -> np.ndarray:
    import cv2

    data = (resources.files("streamface.capture") / "portraits" / file).read_bytes()
    return cv2.imdecode(np.frombuffer(data, np.uint8), mode)


def _fade_out(shape: tuple[int, int]) -> np.ndarray:
    """(H, W) 0..1: whole above, fading towards the bottom and its corners, as the photograph ends there."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width]
    across = (x / (width - 1) - 0.5) * 2
    reach = y / (height - 1) + 0.16 * across**4
    t = np.clip((0.99 - reach) / 0.2, 0, 1)
    return t * t * (3 - 2 * t)


def _fade_in(shape: tuple[int, int]) -> np.ndarray:
    """(H, W) 0..1: 0 at the edges, 1 from 24 pixels inside, so that no shadow ends in a line."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width]
    inside = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y))
    return np.clip(inside / 24, 0, 1)


def _with_margin(sprite: np.ndarray) -> np.ndarray:
    """The sprite with its outermost pixels cleared, so that nothing is smeared when it is drawn."""
    clear = sprite.copy()
    clear[0], clear[-1], clear[:, 0], clear[:, -1] = 0, 0, 0, 0
    return clear


def _shift(x: float, y: float) -> np.ndarray:
    return np.array([[1.0, 0, x], [0, 1, y], [0, 0, 1]])


def _rotation(pose: Pose) -> np.ndarray:
    roll, yaw, pitch = np.radians([pose.roll, pose.yaw, pose.pitch])
    c, s = np.cos(roll), np.sin(roll)
    in_plane = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    c, s = np.cos(yaw), np.sin(yaw)
    upright = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    c, s = np.cos(pitch), np.sin(pitch)
    level = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return in_plane @ upright @ level


def _extent(transform: np.ndarray, sprite: tuple, frame: tuple) -> tuple[int, int, int, int]:
    """The part of the frame that the sprite touches."""
    height, width = sprite[:2]
    corners = project(transform, np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64))
    left, top = np.floor(corners.min(0)).astype(int)
    right, bottom = np.ceil(corners.max(0)).astype(int)
    return max(0, left), max(0, top), min(frame[1], right), min(frame[0], bottom)
