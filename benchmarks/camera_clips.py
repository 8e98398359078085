"""What the cameras of the benchmarks see: people who come and go, as clips that `tests/faults/gst_camera.py` sends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks import data

_TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(_TESTS), str(_TESTS / "faults")]

from fault_camera import stamped, write_clip  # noqa: E402

from streamface.capture.demo import Demo  # noqa: E402
from streamface.capture.video_file import VideoFile  # noqa: E402

SIZE_WH = (640, 360)
CAMERAS = ("demo", "pair", "walking", "crowd")
"""What can be seen: two people who cross, one of them in the sample gallery; a woman and a man who turn their heads;
three people who walk up and stand; three or four faces of a crowd that walks by. All but the first need the data."""
_FILES = {
    "pair": "head-pose-face-detection-female-and-male.gif",
    "walking": "face-demographics-walking-and-pause.gif",
    "crowd": "crowd_1080p.mp4",
}
_NEAR = (slice(540, 1080), slice(320, 1280))
"""The part of the crowd clip that a small camera sees, so that faces are 40 px high and more at 640x360."""


def has(scene: str) -> bool:
    """True where the pictures of a scene are there."""
    return scene not in _FILES or (data.FOLDER / "media" / _FILES[scene]).exists()


def write(path: Path, scene: str, fps: int, empty_s: float = 0.0) -> None:
    """A clip of 640x360 in real time, then `empty_s` without anybody."""
    images = to_and_fro(scene, fps)
    nobody = cv2.GaussianBlur(images[0], (0, 0), 45)
    drifting = (cv2.convertScaleAbs(nobody, beta=5 * np.sin(n)) for n in range(round(empty_s * fps)))
    write_clip(path, (*images, *drifting), fps)


def write_numbered(path: Path, scene: str, fps: int, size_wh: tuple[int, int] = SIZE_WH, least: int = 300) -> int:
    """A clip with its number in each picture, over and over until it is `least` pictures long; how many it has."""
    images = to_and_fro(scene, fps, size_wh)
    count = -(-least // len(images)) * len(images)
    write_clip(path, (stamped(images[number % len(images)], number) for number in range(count)), fps)
    return count


def to_and_fro(scene: str, fps: int, size_wh: tuple[int, int] = SIZE_WH) -> list[np.ndarray]:
    """The (H, W, 3) uint8 BGR pictures of a scene in real time, forwards and backwards, so that there is no cut."""
    images = list(_sampled(scene, fps, size_wh))
    return images + images[-2:0:-1]


def _sampled(scene: str, fps: int, size_wh: tuple[int, int]) -> Iterator[np.ndarray]:
    source = Demo() if scene == "demo" else VideoFile(data.file(f"media/{_FILES[scene]}"))
    part = _NEAR if scene == "crowd" and size_wh[0] <= SIZE_WH[0] else ...
    given = 0
    with source:
        for index, frame in enumerate(source):
            while given / fps <= index / source.info.fps:
                yield cv2.resize(frame.image[part], size_wh, interpolation=cv2.INTER_AREA)
                given += 1
