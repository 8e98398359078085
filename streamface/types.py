"""The values that pass between the stages of a stream.

Conventions, valid in the whole package:

- Pixels are floats in the full frame, origin at the top left, x to the right, y down.
- Images are (H, W, 3) uint8, blue-green-red, as OpenCV has them.
- Times are seconds; scores and probabilities are 0..1.
- Left and right are as seen in the picture, so `eye_left` is the person's right eye.
- Every value is frozen and its arrays are read-only: a stage makes a new value, it never writes into one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from types import MappingProxyType

import numpy as np

LANDMARKS = ("eye_left", "eye_right", "nose", "mouth_left", "mouth_right")
"""Order of the rows of `Detection.landmarks`."""


def readonly(array: np.ndarray) -> np.ndarray:
    """A view of `array` that refuses to be written to; the array itself keeps its flags."""
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in frame pixels; `right` and `bottom` are the far edges, not the last pixel."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Area in square pixels; 0 for a box turned inside out."""
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def center(self) -> tuple[float, float]:
        """(x, y) of the middle."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def clipped(self, width: float, height: float) -> Box:
        """The part inside a frame of `width` x `height` pixels (possibly of no area)."""
        return Box(
            min(max(self.left, 0.0), width),
            min(max(self.top, 0.0), height),
            min(max(self.right, 0.0), width),
            min(max(self.bottom, 0.0), height),
        )

    def padded(self, fraction: float) -> Box:
        """Grown on each side by `fraction` of its width and height; negative shrinks."""
        dx, dy = self.width * fraction, self.height * fraction
        return Box(self.left - dx, self.top - dy, self.right + dx, self.bottom + dy)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source."""

    image: np.ndarray
    """(H, W, 3) uint8 BGR, read-only."""
    index: int
    """Number in the source from 0; a gap means frames that were dropped."""
    captured_at: float
    """When it was taken, in seconds of `time.time()`."""
    media_time: float | None
    """Seconds since the start of a file; None for a live source."""
    source: str
    """Name of the source, without credentials."""
    repeated: bool = False
    """True for the last picture once more, about twice a second, while a camera gives none: for a window that is to
    stay alive, nothing to analyse, record or count."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "image", readonly(self.image))

    @property
    def size_wh(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.image.shape[1], self.image.shape[0]


CONNECTING, LIVE, STALLED, LOST = SOURCE_STATES = ("connecting", "live", "stalled", "lost")
"""States of a camera: no picture yet; pictures come; none for a while, the connection stands; reconnecting."""
FROZEN, BLACK, GARBLED = SOURCE_TROUBLES = ("frozen", "black", "garbled")
"""Troubles of a live picture, which begin and end: the same picture over and over; nothing to see; damaged data."""
RESIZED, RATE, CLOCK = SOURCE_CHANGES = ("resized", "rate", "clock")
"""What happens to a live stream at one moment: another size, another frame rate, a jump of the camera's clock."""


def utc(seconds: float) -> datetime:
    """Seconds of `time.time()` as an aware `datetime` in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc)  # noqa: UP017, Python 3.10


@dataclass(frozen=True, slots=True)
class SourceState:
    """How a camera does since some moment."""

    state: str
    """One of `SOURCE_STATES`."""
    since: float
    """When it began, in seconds of `time.time()`; see `utc`."""
    reason: str = ""
    """Why, in a clause without address or password; empty while all is well."""
    troubles: tuple[str, ...] = ()
    """Those of `SOURCE_TROUBLES` that a live picture has now."""


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """Something that happened to a camera: another state, a trouble that began or ended, or a change."""

    kind: str
    """One of `SOURCE_STATES`, `SOURCE_TROUBLES` or `SOURCE_CHANGES`."""
    source: str
    """Name of the source, without credentials."""
    at: float
    """When, in seconds of `time.time()`; see `utc`."""
    detail: str = ""
    """What was seen, in a clause without address or password."""
    over: bool = False
    """True where a trouble of `SOURCE_TROUBLES` ended."""
    previous: str | None = None
    """The state before, where `kind` is a state: 'live' after 'lost' means that the camera is back."""


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """A face found in one frame."""

    box: Box
    score: float
    landmarks: np.ndarray | None = None
    """(5, 2) float32, rows as `LANDMARKS`, read-only; None from a detector that has none."""

    def __post_init__(self) -> None:
        if self.landmarks is not None:
            object.__setattr__(self, "landmarks", readonly(self.landmarks))


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One person while in view."""

    id: int
    """From 1; never used again within a run."""
    detection: Detection
    """Where the face is in this frame: seen, or predicted while `missed` is above 0."""
    age: int
    """Frames since it was first seen, this one included."""
    missed: int = 0
    """Frames since it was last seen; 0 when it was seen in this one."""
    confirmed: bool = True
    """False for the first sightings, which may yet prove a false alarm."""


@dataclass(frozen=True, slots=True, eq=False)
class AlignedFace:
    """A face cut out and turned upright, at the size that a network takes."""

    image: np.ndarray
    """(S, S, 3) uint8 BGR, read-only."""
    transform: np.ndarray
    """(2, 3) float32, frame pixels to chip pixels, read-only."""
    sharpness: float
    """0..1: how much fine detail there is; near 0 for a blurred or far upscaled face."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "image", readonly(self.image))
        object.__setattr__(self, "transform", readonly(self.transform))


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """A face as a vector in the space of one network; compare only within the same network."""

    vector: np.ndarray
    """(D,) float32, read-only."""
    network: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "vector", readonly(self.vector))


@dataclass(frozen=True, slots=True)
class Match:
    """The answer of a gallery for one face."""

    identity: str | None
    """Name of the person; None for somebody who is not in the gallery."""
    distance: float
    """To the nearest person, also when that is too far to be a match; infinite for an empty gallery."""
    metric: str
    threshold: float
    """The largest distance that counts as the same person."""
    runner_up: float = float("inf")
    """Distance to the second-nearest person."""
    photo: str | None = None
    """Path of the nearest picture of the nearest person."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody without a name who is known again."""

    number: int
    """From 1; never given to anybody else, also after a restart."""
    visit: int = 1
    """Which visit this is, from 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """One property of a face: age, gender, emotion or race."""

    name: str
    label: str
    """As drawn: 'Woman', 'happy', '34'."""
    score: float
    """Probability of the label."""
    value: float | None = None
    """Years, for age; else None."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Probability of each label; sums to 1."""
    spread: float | None = None
    """Standard deviation in years, for age; else None."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "scores", MappingProxyType(dict(self.scores)))


@dataclass(frozen=True, slots=True, eq=False)
class LatestView:
    """The latest view of somebody that was looked at for a name, alone: what averages rest on.

    Its figures are those of the face itself, also where the frame is given away with the face covered.
    """

    vector: np.ndarray
    """(D,) float32 embedding, read-only."""
    quality: float
    """0..1: size, sharpness, pose and light together."""
    sharpness: float
    """0..1, see `AlignedFace.sharpness`."""
    light: float
    """0..1: below 1 for a face that is nearly black, burnt out or without contrast."""
    at: float
    """Clock of the stream when it was taken: of an earlier frame where the analysis runs beside the loop."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "vector", readonly(self.vector))


@dataclass(frozen=True, slots=True, eq=False)
class FaceResult:
    """All that is known of one person in one frame."""

    track: Track
    match: Match | None = None
    """None until the face was looked at; a `Match` without identity means unknown."""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    quality: float | None = None
    """0..1, of the latest view: size, sharpness, pose and light together."""
    analyzed_at: float | None = None
    """Clock of the stream (media or capture time) at the latest look; None before the first."""
    stranger: Stranger | None = None
    """Who it is among those without a name; None for people with one, and while strangers are not numbered."""
    latest: LatestView | None = None
    """None until the face was looked at for a name, and without a gallery."""
    doubted: bool = False
    """True after the face was hidden, touched by another or jumped, until a look has told whether it is still the same
    person."""
    covered: bool = False
    """Whether the face is covered in the frame's image."""
    unrecorded: bool = False
    """True of somebody whose every trace was deleted meanwhile: until they leave, nothing of them is to be kept."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """One frame with the people in it."""

    frame: Frame
    faces: tuple[FaceResult, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds of each stage on this frame."""
    dropped: int = 0
    """Frames of a live source that were skipped before this one."""
    found: tuple[Box, ...] | None = None
    """Every face of this frame that was looked for in the whole picture, also those that have no number yet; None for
    a frame in which only known faces were followed."""
    source_state: SourceState | None = None
    """How the camera does; None for a file."""
    source_events: tuple[SourceEvent, ...] = ()
    """What happened to the camera since the result before, in order."""
    erased: frozenset[str] = frozenset()
    """Names of people of whom every trace is being deleted, or was: nothing more is to be told of them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "timings", MappingProxyType(dict(self.timings)))
