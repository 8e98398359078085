"""What the gallery needs of the networks, and the values that pass inside this room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from streamface.types import Box, readonly


@dataclass(frozen=True, slots=True, eq=False)
class EncodedFace:
    """One face of a picture as a vector."""

    box: Box
    """In pixels of the image that was given."""
    score: float
    """0..1: how sure the detector is."""
    quality: float
    """0..1: size, sharpness, pose and light together."""
    vector: np.ndarray
    """(D,) float32, read-only."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "vector", readonly(np.asarray(self.vector, np.float32)))


class Encoder(Protocol):
    """Finds and embeds the faces of one picture; not thread-safe, one thread at a time."""

    network: str
    """Key of the embedding space, as 'Dlib/1/mtcnn'; changes when embeddings are no longer comparable."""

    def encode(self, image: np.ndarray) -> Sequence[EncodedFace]:
        """All faces of an (H, W, 3) uint8 BGR image, in any order; `ImageError` for one that cannot be used."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture of a person as it lies in the folder; two are equal when the file has not changed."""

    path: str
    """Relative to the folder, as it is spelled on disk, with '/' between the parts."""
    identity: str
    size: int
    """Bytes; -1 where the file could not be looked at."""
    mtime_ns: int


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """What enrolment made of one picture: a face, or the reason why there is none."""

    photo: Photo
    reason: str | None = None
    """Why the picture is not used, None for one that is."""
    box: Box | None = None
    """The face, in pixels of the picture at its full size."""
    quality: float = 0.0
    vector: np.ndarray | None = None
    """(D,) float32, read-only."""
    passing: bool = False
    """True for a failure that may pass while size and time of the file stay as they are; not kept."""

    def __post_init__(self) -> None:
        if self.vector is not None:
            object.__setattr__(self, "vector", readonly(self.vector))

    @property
    def usable(self) -> bool:
        """True where there is a face to match against."""
        return self.reason is None
