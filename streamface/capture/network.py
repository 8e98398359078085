"""A camera or a recording behind an rtsp:// or http:// address."""

from __future__ import annotations

from collections.abc import Callable

from streamface.capture import _address, _network_device
from streamface.capture._live import LiveSource
from streamface.capture._process import ReaderProcess
from streamface.capture._wire import Message
from streamface.capture.base import Source
from streamface.errors import SourceError
from streamface.settings import CaptureSettings

NAME = "network"


def matches(source: str) -> bool:
    """True for an rtsp, rtsps, http or https address."""
    return _address.scheme(source.strip()) in _address.SCHEMES


def create(settings: CaptureSettings) -> Source:
    """The camera at the address, not yet connected."""
    return NetworkSource(settings)


class NetworkSource(LiveSource):
    """The newest frame of a network camera; of a recording behind an http address every frame, in order.

    settings: `source` may hold user and password; they are sent to the camera and shown nowhere. `transport` is
    'tcp' or 'udp', for RTSP.
    """

    def __init__(self, settings: CaptureSettings) -> None:
        self._address = settings.source.strip()
        super().__init__(_address.without_credentials(self._address), settings)

    def start_reader(self, delay_s: float, knocks: bool, deliver: Callable[[Message], None]) -> ReaderProcess:
        """A process that reads the camera."""
        settings = self.settings
        arguments = {"address": self._address, "timeout_s": settings.timeout_s, "transport": settings.transport}
        request = {"module": _network_device.__name__, "arguments": arguments, "delay_s": delay_s, "knocks": knocks}
        return ReaderProcess(request, deliver)

    def unreachable(self, reason: str) -> SourceError:
        """The error for an address behind which there is no camera."""
        hint = "check that the camera is on, the address, and user and password"
        if "transport" in reason:
            hint = "try the other --rtsp-transport"
        return SourceError(f"cannot read {self.name} ({reason}): {hint}")

    def silence(self) -> SourceError:
        """The error for a camera that does not answer."""
        return SourceError(
            f"{self.name} gave no picture for {self.settings.timeout_s:g} s: check that the camera is on, "
            "that this computer reaches it, and the address"
        )
