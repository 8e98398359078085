"""The best picture of each visit, as a JPEG."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from streamface.alignment import frontality
from streamface.errors import OutputError
from streamface.runtime.cache import write_atomically
from streamface.sinks._files import cannot_write, name_of
from streamface.types import FaceResult, FrameResult

LOOK_EVERY_S = 0.2
"""Seconds between two looks at one visit: a look takes 0.3 ms, a better picture 2 ms more."""
AROUND = 0.6
"""Of the face's size, what is kept on each side of it."""
LONGEST_PX = 640
"""Longest side of a picture; larger ones are made smaller, so that an hour of visitors stays small in memory."""
CHIP_PX = 160
"""Side at which sharpness is compared; a small face is blurred there, a large one is not."""
QUALITY = 88
"""Of the JPEG."""


@dataclass(slots=True)
class _View:
    looked_at: float
    score: float = 0.0
    picture: bytes = b""
    began_at: float = 0.0
    written: bool = False


class BestViews:
    """Keeps the sharpest, largest, most frontal view of every visit going on, and writes it when asked.

    Args:
        folder: pictures go to `folder/2025-01-31/CAMERA_12-00-00_VISIT.jpg`, by the UTC time at which the visit began.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._views: dict[str, _View] = {}

    def look(self, result: FrameResult, visits: Mapping[int, str]) -> None:
        """Compare what a frame shows of each visit (track -> visit) with the best view so far."""
        now = result.frame.captured_at
        for face in result.faces:
            visit = visits.get(face.track.id)
            if visit is None or face.track.missed:
                continue
            view = self._views.setdefault(visit, _View(-math.inf, began_at=now))
            if abs(now - view.looked_at) >= LOOK_EVERY_S:
                view.looked_at = now
                self._compare(view, result.frame.image, face)

    def save(self, visit: str, camera: str, over: bool) -> Path | None:
        """Write the best view of a visit, in the place of an earlier one; None without any. Raises `OutputError`.

        over: the visit has ended; forget it.
        """
        view = self._views.pop(visit, None) if over else self._views.get(visit)
        if view is None or not view.picture:
            return None
        day, at = time.strftime("%Y-%m-%d %H-%M-%S", time.gmtime(view.began_at)).split()
        path = self._folder / day / f"{name_of(camera)}_{at}_{visit[:12]}.jpg"
        if not view.written:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(path, view.picture)
            except OSError as error:
                raise cannot_write(path, error) from error
            view.written = True
        return path

    def forget(self, visits: Iterable[str]) -> None:
        """Let go of the views of visits."""
        for visit in visits:
            self._views.pop(visit, None)

    def _compare(self, view: _View, image: np.ndarray, face: FaceResult) -> None:
        height, width = image.shape[:2]
        box = face.track.detection.box.clipped(width, height)
        chip = image[int(box.top) : int(box.bottom), int(box.left) : int(box.right)]
        if min(chip.shape[:2]) < 8:
            return
        whole = box.area / max(1.0, face.track.detection.box.area)
        frontal = 0.3 + 0.7 * frontality(face.track.detection)
        score = _detail(chip) * frontal * whole * math.sqrt(min(chip.shape[0], 400))
        if score > view.score:
            picture = _picture(image, face)
            view.score, view.picture, view.written = score, picture, False


def _detail(chip: np.ndarray) -> float:
    """The strength of fine detail against the contrast, as `alignment.sharpness`, without its upper end."""
    way = cv2.INTER_AREA if min(chip.shape[:2]) > CHIP_PX else cv2.INTER_LINEAR
    grey = cv2.cvtColor(cv2.resize(chip, (CHIP_PX, CHIP_PX), interpolation=way), cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).std() / max(grey.std(), 8.0))


def _picture(image: np.ndarray, face: FaceResult) -> bytes:
    """The face with what is around it, as a JPEG."""
    box = face.track.detection.box.padded(AROUND).clipped(image.shape[1], image.shape[0])
    part = image[int(box.top) : math.ceil(box.bottom), int(box.left) : math.ceil(box.right)]
    scale = LONGEST_PX / max(part.shape[:2])
    if scale < 1:
        part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    ok, data = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not ok:
        raise OutputError(f"cannot save a picture of shape {part.shape}: it must be (height, width, 3)")
    return data.tobytes()
