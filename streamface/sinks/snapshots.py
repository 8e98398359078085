"""Single pictures of a stream, saved on demand."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from pathlib import Path

import cv2
import numpy as np

from streamface.errors import OutputError
from streamface.sinks._files import cannot_write
from streamface.types import FrameResult

LONGEST_LIST = 12
"""Track numbers that a file's name holds at most."""


def save(folder: Path, result: FrameResult, image: np.ndarray) -> Path:
    """Save `image`, the (H, W, 3) uint8 BGR annotated frame, as a PNG and return its path.

    The name holds the local time of capture and the numbers of the tracks in view, as in
    '2025-01-31_12-00-00.123_tracks-1-4.png'. No file is ever overwritten. Raises `OutputError`.
    """
    ok, data = cv2.imencode(".png", image)
    if not ok:
        raise OutputError(f"cannot save a picture of shape {image.shape}: it must be (height, width, 3)")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _write_new(folder, _stem(result), data.tobytes())
    except OSError as error:
        raise cannot_write(folder, error) from error


def _stem(result: FrameResult) -> str:
    when = datetime.fromtimestamp(result.frame.captured_at).strftime("%Y-%m-%d_%H-%M-%S.%f")[:-3]
    tracks = [str(face.track.id) for face in result.faces if face.track.confirmed][:LONGEST_LIST]
    return f"{when}_tracks-{'-'.join(tracks)}" if tracks else when


def _write_new(folder: Path, stem: str, data: bytes) -> Path:
    for number in count(1):
        path = folder / (f"{stem}.png" if number == 1 else f"{stem}_{number}.png")
        try:
            with open(path, "xb") as file:
                file.write(data)
            return path
        except FileExistsError:
            continue
        except OSError:
            path.unlink(missing_ok=True)
            raise
