"""Made-up people who walk through a picture: where each face is in each frame, with no images.

Everything follows from a `Scene` and its seed. `Walk` is one stay of one person in view; a person who comes back
after a while starts a new walk, which is a new person to a tracker. `truth` says what can be seen of each face,
and `SimulatedDetector` finds them with the errors of a real detector, so that a tracker can be tuned on thousands
of frames in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streamface import geometry
from streamface.detection.base import Detector
from streamface.pyramid import Pyramid
from streamface.types import Box, Detection

ASPECT = 1.27
"""Height of a face's box over its width."""
HEAD = (0.85, 0.78)
"""Half axes of the ellipse that a head covers, in widths and heights of its face's box."""


SIZE_WH = (1280, 720)
"""Of every scene unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class Scene:
    """How people move; lengths in face widths, speeds in face widths per frame."""

    name: str
    seed: int = 0
    frames: int = 250
    size_wh: tuple[int, int] = SIZE_WH
    people: int = 4
    """In view at a time."""
    face_px: tuple[float, float] = (70, 110)
    """Range of the width of faces."""
    speed: tuple[float, float] = (0.05, 0.12)
    lanes: int = 2
    """Heights at which people walk; fewer make more crossings."""
    alternate: bool = True
    """Neighbours walk against each other; else each as it likes."""
    pause: float = 0.0
    """Share of people who stop on their way, and half of whom then turn back."""
    jerk: float = 0.0
    """Size of sudden moves of a head to and fro, each within two frames, two a second."""
    growth: float = 0.0
    """Most change of log size over one walk."""
    away: int = 40
    """Frames from leaving until the next one comes."""
    pillars: int = 0
    """Posts that hide who walks behind them."""
    blur_px: float = 0.0
    """Standard deviation of the picture's blur at its worst."""
    light: tuple[float, float] = (1.0, 1.0)
    """Range of a factor on the brightness, over some seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """One stay of one person in view."""

    person: int
    """Number of this stay, from 1."""
    look: int
    """Which photograph shows the person."""
    start: int
    depth: float
    """Larger is nearer to the camera."""
    boxes: np.ndarray
    """(frames of the stay, 4)."""


@dataclass(frozen=True, slots=True)
class Truth:
    """One face in one frame."""

    person: int
    box: Box
    visible: float
    """Share of the face that is in the picture and not covered, 0..1."""


def walks(scene: Scene) -> tuple[Walk, ...]:
    """Everybody who comes by, in order of coming."""
    rng = np.random.default_rng(scene.seed)
    found: list[Walk] = []
    for place in range(scene.people):
        start, depth = 0, rng.uniform()
        while start < scene.frames:
            boxes = _path(scene, rng, place, begins_inside=start == 0)
            found.append(Walk(len(found) + 1, len(found), start, depth, boxes[: scene.frames - start]))
            start += len(boxes) + int(scene.away * rng.uniform(0.7, 1.5))
    return tuple(found)


def _path(scene: Scene, rng: np.random.Generator, place: int, begins_inside: bool) -> np.ndarray:
    """(N, 4) boxes from one side of the picture to the other."""
    width, height = scene.size_wh
    face = rng.uniform(*scene.face_px)
    step = face * rng.uniform(*scene.speed)
    rightwards = place % 2 == 0 if scene.alternate else rng.uniform() < 0.5
    length = width + 2 * face
    begin = rng.uniform(0.05, 0.45) * length if begins_inside else 0.0
    along = _progress(rng, begin, length, step, rng.uniform() < scene.pause)
    time = np.arange(len(along))
    x = along - face if rightwards else width + face - along
    lane = height * (0.5 + place % scene.lanes) / scene.lanes if scene.lanes > 1 else height / 2
    lane = np.clip(lane + rng.normal(0, 0.15) * face, face, height - face)
    y = lane + 0.12 * face * np.sin(time * rng.uniform(0.1, 0.3) + rng.uniform(0, 6))
    grown = face * np.exp(rng.uniform(-1, 1) * scene.growth * (along / length - 0.5) * 2)
    half = np.stack([grown, grown * ASPECT], 1) / 2
    middle = np.stack([x, y], 1)
    if scene.jerk:
        middle = middle + face * scene.jerk * _jerks(rng, len(along))
    return np.hstack([middle - half, middle + half])


def _progress(rng: np.random.Generator, begin: float, length: float, step: float, pauses: bool) -> np.ndarray:
    """Way gone at each frame, from `begin` until `length`, or back to 0 for someone who turns round."""
    at = rng.uniform(max(begin, 0.3 * length), 0.7 * length) if pauses else np.inf
    wait, back = rng.integers(10, 50), rng.uniform() < 0.5
    way, found, speed, waited = begin, [], step, 0
    while 0 <= way <= length:
        found.append(way)
        wanted = 0.0 if pauses and way >= at and waited < wait else step
        waited += pauses and way >= at
        if back and pauses and waited >= wait:
            wanted = -step
        speed += np.clip(wanted - speed, -step / 8, step / 8) + rng.normal(0, 0.03) * step
        way += speed
    return np.array(found)


def _jerks(rng: np.random.Generator, frames: int) -> np.ndarray:
    """(N, 2) where a restless head is, about 0 in the middle and 1 in size: it jumps and stays."""
    place, found = np.zeros(2), []
    for _ in range(frames):
        if rng.uniform() < 0.08:
            place = rng.normal(0, 1, 2) * (0.7, 0.4)
        found.append(place)
    steps = np.array(found)
    return (steps + np.vstack([steps[:1], steps[:-1]])) / 2


def pillars(scene: Scene) -> np.ndarray:
    """(N, 4) boxes of the posts, about a face and a half wide and as high as the picture."""
    width, height = scene.size_wh
    centre = width * (np.arange(scene.pillars) + 1) / (scene.pillars + 1)
    half = 0.75 * np.mean(scene.face_px)
    return np.stack([centre - half, 0 * centre, centre + half, 0 * centre + height], 1).reshape(-1, 4)


def truth(scene: Scene, people: Sequence[Walk] | None = None) -> list[tuple[Truth, ...]]:
    """Every face of every frame, also hidden ones, nearest last."""
    people = walks(scene) if people is None else people
    posts = pillars(scene)
    frames = []
    for index in range(scene.frames):
        here = sorted((w for w in people if 0 <= index - w.start < len(w.boxes)), key=lambda w: w.depth)
        boxes = np.array([w.boxes[index - w.start] for w in here]).reshape(-1, 4)
        seen = [_visible(boxes[i], boxes[i + 1 :], posts, scene.size_wh) for i in range(len(here))]
        frames.append(tuple(Truth(w.person, Box(*map(float, b)), v) for w, b, v in zip(here, boxes, seen, strict=True)))
    return frames


def _visible(box: np.ndarray, nearer: np.ndarray, posts: np.ndarray, size_wh: tuple[int, int]) -> float:
    """Share of a 12x12 grid on the face that neither the picture's edge, a post nor a nearer head takes away."""
    share = (np.arange(12) + 0.5) / 12
    x, y = np.meshgrid(box[0] + share * (box[2] - box[0]), box[1] + share * (box[3] - box[1]))
    free = (x >= 0) & (x < size_wh[0]) & (y >= 0) & (y < size_wh[1])
    for left, _, right, _ in posts:
        free &= (x < left) | (x > right)
    for left, top, right, bottom in nearer:
        across = (x - (left + right) / 2) / (HEAD[0] * (right - left))
        down = (y - (top + bottom) / 2) / (HEAD[1] * (bottom - top))
        free &= across**2 + down**2 > 1
    return float(free.mean())


def numbered(index: int, size_wh: tuple[int, int] = SIZE_WH) -> np.ndarray:
    """A black image of the scene's size whose first pixels tell `SimulatedDetector` which frame it is."""
    image = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    image[0, :4, 0] = np.frombuffer(np.int32(index).tobytes(), np.uint8)
    return image


@dataclass(frozen=True, slots=True)
class Errors:
    """What a simulated detector gets wrong."""

    jitter: float = 0.04
    """Standard deviation of a box's edges, in widths and heights."""
    miss: float = 0.04
    """Chance to miss a face in full view."""
    false_alarms: float = 0.03
    """Per full detection."""
    reach: float = 0.3
    """How far refinement may be off, in face sizes."""
    sees_nothing: float = 0.03
    """Chance that refinement takes background for a face."""


class SimulatedDetector(Detector):
    """Finds the faces of a `truth` in images made by `numbered`, with the errors of a real detector."""

    can_refine = True

    def __init__(self, frames: Sequence[Sequence[Truth]], seed: int = 0, errors: Errors | None = None) -> None:
        self._frames, self._errors = frames, errors or Errors()
        self._rng = np.random.default_rng(seed)

    def detect(self, image: np.ndarray | Pyramid) -> tuple[Detection, ...]:
        found = [self._seen(t.box) for t in self._visible(image) if self._rng.uniform() >= self._errors.miss]
        for _ in range(self._rng.poisson(self._errors.false_alarms)):
            found.append(self._false_alarm())
        return tuple(sorted(found, key=lambda d: -d.score))

    def refine(self, image: np.ndarray | Pyramid, boxes: Sequence[Box]) -> tuple[Detection | None, ...]:
        visible = self._visible(image)
        return tuple(self._refined(box, visible) for box in boxes)

    def _visible(self, image: np.ndarray | Pyramid) -> list[Truth]:
        index = int(np.frombuffer(Pyramid.of(image).image[0, :4, 0].tobytes(), np.int32)[0])
        # A face is found for sure from 60 % in view on, and never below 40 %.
        return [t for t in self._frames[index] if t.visible > 0.4 + 0.2 * self._rng.uniform()]

    def _refined(self, box: Box, visible: Sequence[Truth]) -> Detection | None:
        def off(other: Box) -> float:
            size = np.sqrt(box.width * other.width)
            return float(np.hypot(*np.subtract(box.center, other.center)) / size)

        near = sorted((off(t.box), i) for i, t in enumerate(visible) if 0.6 < box.width / t.box.width < 1.7)
        if near and near[0][0] < self._errors.reach and self._rng.uniform() >= self._errors.miss / 2:
            return self._seen(visible[near[0][1]].box)
        if self._rng.uniform() < self._errors.sees_nothing:
            return Detection(self._jittered(box), float(self._rng.uniform(0.6, 0.9)))
        return None

    def _seen(self, box: Box) -> Detection:
        return Detection(self._jittered(box), float(1 - self._rng.exponential(0.02)))

    def _jittered(self, box: Box) -> Box:
        edges = geometry.boxes_array([box])[0]
        noise = self._rng.normal(0, self._errors.jitter, 4) * np.tile([box.width, box.height], 2)
        return Box(*map(float, edges + noise))

    def _false_alarm(self) -> Detection:
        left, top, size = self._rng.uniform((0, 0, 40), (1200, 640, 120))
        return Detection(Box(left, top, left + size, top + size * ASPECT), float(self._rng.uniform(0.8, 0.97)))
