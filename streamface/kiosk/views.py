"""What the kiosk knows of the faces in one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One face in one frame."""

    track: int
    landmarks: np.ndarray
    """(5, 2), rows as `types.LANDMARKS`, in pixels."""
    height: float
    """Of the face, in shares of the picture's height."""
    is_whole: bool
    """False where the picture's edge cuts it off."""
    sharpness: float = 1.0
    light: float = 1.0
    """0..1, as `types.LatestView` has them: of the latest look at the face, 1 before the first."""
    happy: float | None = None
    """Probability of the emotion network; None while it has not answered."""

    @property
    def eyes_px(self) -> float:
        """Distance between the eyes."""
        return float(np.linalg.norm(self.landmarks[1] - self.landmarks[0]))

    @property
    def turn(self) -> float:
        """How far the nose lies beside the middle between the eyes, in distances of the eyes.

        0 for somebody who looks at the camera, about 0.3 at 25 degrees; positive where the head is turned to the
        person's own left, which is the right of the picture.
        """
        left, right, nose = self.landmarks[:3].astype(np.float64)
        along = right - left
        return float((nose - left) @ along / max(along @ along, 1e-6)) - 0.5

    @property
    def roll(self) -> float:
        """Degrees by which the head is tilted towards a shoulder."""
        along = self.landmarks[1] - self.landmarks[0]
        return float(np.degrees(np.arctan2(along[1], along[0])))


@dataclass(frozen=True, slots=True)
class Ranking:
    """What the gallery says of one view: how far the candidate is, and how far everybody else."""

    at: float
    """When the view was taken, in the stream's clock."""
    track: int
    person: str | None
    """The candidate: the claimed person, or without a claim the nearest one; None for an empty gallery."""
    distance: float
    others: float
    """Distance of the nearest other person."""
    sharpness: float = 1.0
    light: float = 1.0
    """0..1, of this view, as `types.LatestView` has them."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One frame: its faces, and what the gallery has said since the frame before, of this one or earlier ones."""

    at: float
    """The stream's clock, in seconds."""
    views: tuple[View, ...] = ()
    rankings: tuple[Ranking, ...] = ()
    is_live: bool = True
    """False while the camera gives no pictures."""
