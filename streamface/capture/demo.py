"""A clip made at run time: two people who move, turn, cross and leave; needs no file, no camera and no network.

Eileen Collins is in the sample gallery, Grace Hopper is not. See `portraits/README.md` for the photographs.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from streamface.capture import _portrait
from streamface.capture._choreography import FPS, FRAME_COUNT, SIZE_WH, Pose, poses
from streamface.capture._portrait import Portrait
from streamface.capture.base import Source, SourceInfo
from streamface.errors import SourceError
from streamface.settings import CaptureSettings
from streamface.types import Box, Frame

NAME = "demo"


class Truth(NamedTuple):
    """Where one person's face is in one frame of the clip."""

    person: str
    box: Box | None
    """Around the whole face, beyond the frame's edge where it is cut; None when it is out of the frame."""
    visible: float
    """0..1: share of the face that is inside the frame and not behind the other person."""


def matches(source: str) -> bool:
    """True for 'demo'."""
    return source.strip().casefold() == NAME


def create(settings: CaptureSettings) -> Source:
    """The clip."""
    return Demo()


class Demo(Source):
    """12 seconds of 1280x720 at 25 frames/s, the same at every run."""

    name = NAME

    is_file = True

    def __init__(self) -> None:
        self._index = 0

    def open(self) -> SourceInfo:
        """Rewind; raises `SourceError` when the portraits are not installed."""
        try:
            people(), _scenery()
        except (FileNotFoundError, OSError):
            raise SourceError("the demo's portraits are missing: install streamface again") from None
        self._index = 0
        return SourceInfo(*SIZE_WH, FPS, is_live=False, frame_count=FRAME_COUNT)

    def read(self) -> Frame | None:
        """The next frame; None after the last."""
        if self._index >= FRAME_COUNT:
            return None
        index, self._index = self._index, self._index + 1
        return Frame(render(index), index, captured_at=time.time(), media_time=index / FPS, source=self.name)

    def close(self) -> None:
        """End the clip."""
        self._index = FRAME_COUNT


@lru_cache(maxsize=1)
def people() -> tuple[Portrait, Portrait]:
    """The two portraits; faces as MTCNN boxes them in the photographs."""
    collins = _portrait.load("Eileen Collins", "eileen_collins", Box(182, 64, 265, 171))
    hopper = _portrait.load("Grace Hopper", "grace_hopper", Box(178, 110, 351, 330))
    return collins, hopper


def render(index: int) -> np.ndarray:
    """Frame `index` of the clip, (720, 1280, 3) uint8 BGR."""
    image = _background(index)
    for portrait, pose in _back_to_front(index):
        portrait.draw(image, pose)
    return image


def truth(index: int) -> tuple[Truth, ...]:
    """Where each face is in frame `index`, known because the clip is made from it; Collins first."""
    order = _back_to_front(index)
    found = []
    for place, (portrait, pose) in enumerate(order):
        points = portrait.face_points(pose)
        shown = np.all((points >= 0) & (points < SIZE_WH), axis=1)
        box = Box(*points.min(0).tolist(), *points.max(0).tolist()) if shown.any() else None
        for nearer, nearer_pose in order[place + 1 :]:
            shown &= ~nearer.hides(nearer_pose, points)
        found.append(Truth(portrait.person, box, float(shown[: -_portrait.EDGE].mean())))
    return tuple(sorted(found, key=lambda t: t.person))


def _back_to_front(index: int) -> list[tuple[Portrait, Pose]]:
    return sorted(zip(people(), poses()[index], strict=True), key=lambda pair: pair[1].height)


_GLOWS = ((150, 0.10, 0.0, 200, (90, 60, 20)), (230, 0.06, 2.1, 480, (40, 45, 80)), (190, 0.08, 4.2, 330, (70, 30, 60)))
"""Radius in pixels, turns per second, phase, height in the frame, and colour of each light that drifts across."""


def _background(index: int) -> np.ndarray:
    """The scenery, one pixel further each frame, with slow lights over it."""
    import cv2

    width, _ = SIZE_WH
    scenery, glows = _scenery()
    image = scenery[:, index : index + width].copy()
    for glow, (radius, turns, phase, y, _) in zip(glows, _GLOWS, strict=True):
        x = int(width * (0.5 + 0.35 * np.sin(2 * np.pi * turns * index / FPS + phase)))
        spot = image[y - radius : y + radius, x - radius : x + radius]
        cv2.add(spot, glow[: spot.shape[0], : spot.shape[1]], dst=spot)
    return image


_BOKEH = ((70, 150, 225), (120, 170, 210), (190, 150, 90), (150, 110, 180))


@lru_cache(maxsize=1)
def _scenery() -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """A dusk sky with lights out of focus, wide enough to pass by, and the drifting lights."""
    import cv2

    width, height = SIZE_WH[0] + FRAME_COUNT, SIZE_WH[1]
    down = np.linspace(0, 1, height)[:, None, None]
    image = np.float32((1 - down) * (86, 58, 38) + down * (120, 104, 128)) * np.ones((1, width, 1), np.float32)
    rng = np.random.default_rng(7)
    for _ in range(70):
        radius = int(rng.uniform(10, 46))
        x, y = int(rng.uniform(radius, width - radius)), int(np.clip(rng.normal(430, 110), 60, height - 60))
        colour = np.float32(_BOKEH[rng.integers(len(_BOKEH))]) * np.float32(rng.uniform(0.12, 0.38))
        left, top, size = max(0, x - radius - 8), y - radius - 8, 2 * radius + 17
        spot = image[top : top + size, left : left + size]
        disc = np.zeros(spot.shape[:2], np.float32)
        cv2.circle(disc, (x - left, y - top), radius, 1, -1, cv2.LINE_AA)
        spot += cv2.GaussianBlur(disc, (0, 0), 2.5)[:, :, None] * colour
    image += rng.random((height, width, 1), np.float32)  # without a trace of noise a slow gradient shows bands
    return np.clip(image, 0, 255).astype(np.uint8), tuple(_glow(radius, colour) for radius, _, _, _, colour in _GLOWS)


def _glow(radius: int, colour: tuple[int, int, int]) -> np.ndarray:
    y, x = np.mgrid[-radius:radius, -radius:radius] / radius
    strength = np.clip(1 - (x * x + y * y), 0, 1) ** 2
    return np.rint(strength[:, :, None] * colour * 0.5).astype(np.uint8)
