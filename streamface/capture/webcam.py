"""A camera at this computer, by number."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np

from streamface.capture._live import LiveSource
from streamface.capture.base import Source, SourceInfo
from streamface.errors import SourceError
from streamface.images import quiet_opencv
from streamface.settings import CaptureSettings

NAME = "webcam"

_NUMBER = re.compile(r"(?:/dev/video)?([0-9]{1,4})")


def matches(source: str) -> bool:
    """True for '0', '1', ... and for '/dev/video0' as Linux spells it."""
    return _NUMBER.fullmatch(source.strip()) is not None


def create(settings: CaptureSettings) -> Source:
    """The camera of that number, not yet open."""
    return Webcam(int(_NUMBER.fullmatch(settings.source.strip()).group(1)), settings.timeout_s)


class Webcam(LiveSource):
    """A webcam, read by OpenCV.

    number: 0 for the first camera; timeout_s: seconds to open, and without a frame, before it counts as lost.
    """

    def __init__(self, number: int, timeout_s: float = 10.0) -> None:
        super().__init__(f"camera {number}", timeout_s)
        self.number = number

    def connect(self) -> _WebcamDevice:
        """Open the camera; raises `SourceError` where there is none."""
        return _WebcamDevice(self.number)

    def silence(self) -> SourceError:
        """The error for a camera that gives nothing."""
        return SourceError(
            f"camera {self.number} gave no picture for {self.timeout_s:g} s: unplug it and plug it in again, "
            "and close other programs that use it"
        )


class _WebcamDevice:
    def __init__(self, number: int) -> None:
        self.number = number
        self._capture = _open(number)
        self._first = self._picture()
        height, width = self._first.shape[:2]
        fps = float(self._capture.get(_cv2().CAP_PROP_FPS))
        self.info = SourceInfo(width, height, fps if 0 < fps < 1000 else None, is_live=True)

    def read(self) -> tuple[np.ndarray, None]:
        if self._first is not None:
            image, self._first = self._first, None
            return image, None
        return self._picture(), None

    def close(self) -> None:
        self._capture.release()

    def _picture(self) -> np.ndarray:
        for _ in range(3):  # some cameras fail once while they wake up
            ok, image = self._capture.read()
            if ok and image is not None:
                return np.ascontiguousarray(image)
        self._capture.release()
        raise SourceError(f"camera {self.number} gives no more pictures: check its cable, then start again")


def _cv2():
    import cv2

    return cv2


def _open(number: int):
    """The opened capture. The system's own interface first: trying all of them prints warnings and takes seconds."""
    cv2 = _cv2()
    native = {"linux": cv2.CAP_V4L2, "darwin": cv2.CAP_AVFOUNDATION, "win32": cv2.CAP_DSHOW}
    with quiet_opencv():
        for interface in (native.get(sys.platform, cv2.CAP_ANY), cv2.CAP_ANY):
            capture = cv2.VideoCapture(number, interface)
            if capture.isOpened():
                return capture
            capture.release()
    raise SourceError(_no_camera(number))


def _no_camera(number: int) -> str:
    if Path(f"/dev/video{number}").exists():
        return (
            f"camera {number} is there but cannot be opened: close other programs that use it, "
            "and check that you may use it (on Linux, be in the group 'video')"
        )
    return f"there is no camera {number}: connect one, or name another source (--source demo needs none)"
