"""A camera at this computer as the reader's process sees it: OpenCV on a number."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from streamface.capture._wire import Opened, RawPicture
from streamface.errors import SourceError
from streamface.images import quiet_opencv


def connect(number: int) -> WebcamDevice:
    """Open the camera; raises `SourceError` where there is none."""
    return WebcamDevice(number)


def knock(limit_s: float, number: int) -> bool:
    """True where the system has such a camera; never True where that cannot be asked."""
    return Path(f"/dev/video{number}").exists()


class WebcamDevice:
    """The pictures of a webcam; raises `SourceError` when it cannot be opened and when it gives no more."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._capture = _open(number)
        self._first: RawPicture | None = self._picture()
        fps = float(self._capture.get(_cv2().CAP_PROP_FPS))
        self.opened = Opened(True, fps if 0 < fps < 1000 else None, None)

    def read(self) -> RawPicture:
        """The next picture, waiting for it."""
        first, self._first = self._first, None
        return first or self._picture()

    def close(self) -> None:
        """Give the camera back."""
        self._capture.release()

    def _picture(self) -> RawPicture:
        for _ in range(3):  # some cameras fail once while they wake up
            ok, image = self._capture.read()
            if ok and image is not None:
                return RawPicture(np.ascontiguousarray(image), time.time())
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
