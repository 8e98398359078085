"""A camera at this computer, by number."""

from __future__ import annotations

import re
from collections.abc import Callable

from streamface.capture._live import LiveSource
from streamface.capture._process import ReaderProcess
from streamface.capture._wire import Message
from streamface.capture.base import Source
from streamface.errors import SourceError
from streamface.settings import CaptureSettings

NAME = "webcam"

_DEVICE = "streamface.capture._webcam_device"
_NUMBER = re.compile(r"(?:/dev/video)?([0-9]{1,4})")


def matches(source: str) -> bool:
    """True for '0', '1', ... and for '/dev/video0' as Linux spells it."""
    return _NUMBER.fullmatch(source.strip()) is not None


def create(settings: CaptureSettings) -> Source:
    """The camera of that number, not yet open."""
    return Webcam(settings)


class Webcam(LiveSource):
    """A webcam, read by OpenCV; one that is pulled out comes back when it is plugged in again.

    settings: `source` is 0 for the first camera.
    """

    def __init__(self, settings: CaptureSettings) -> None:
        self.number = int(_NUMBER.fullmatch(settings.source.strip()).group(1))
        super().__init__(f"camera {self.number}", settings)

    def start_reader(self, delay_s: float, knocks: bool, deliver: Callable[[Message], None]) -> ReaderProcess:
        """A process that reads the camera."""
        request = {"module": _DEVICE, "arguments": {"number": self.number}, "delay_s": delay_s, "knocks": knocks}
        return ReaderProcess(request, deliver)

    def unreachable(self, reason: str) -> SourceError:
        """The error for a camera that cannot be opened."""
        return SourceError(f"camera {self.number} cannot be read ({reason}): connect it, or name another source")

    def silence(self) -> SourceError:
        """The error for a camera that gives nothing."""
        return SourceError(
            f"camera {self.number} gave no picture for {self.settings.timeout_s:g} s: unplug it and plug it in again, "
            "and close other programs that use it"
        )
