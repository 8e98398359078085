"""A camera or a recording behind an rtsp:// or http:// address."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from streamface.capture import _address
from streamface.capture._decode import Broken, Decoder, Picture
from streamface.capture._live import LiveSource
from streamface.capture.base import Source
from streamface.errors import SourceError
from streamface.settings import CaptureSettings

NAME = "network"

_OPTIONS = {"rtsp_flags": "prefer_tcp", "fpsprobesize": "0"}
"""TCP first, as lost UDP packets grey out half the picture; UDP where a camera has nothing else. Without the last
one FFmpeg collects 20 frames before the first, to guess the rate: 3 s with a camera that gives a few a second."""


def matches(source: str) -> bool:
    """True for an rtsp, rtsps, http or https address."""
    return _address.scheme(source.strip()) in _address.SCHEMES


def create(settings: CaptureSettings) -> Source:
    """The camera at the address, not yet connected."""
    return NetworkSource(settings.source.strip(), settings.timeout_s)


class NetworkSource(LiveSource):
    """The newest frame of a network camera; of a recording behind an http address every frame, in order.

    address: may hold user and password; they are sent to the camera and shown nowhere.
    timeout_s: how long connecting may take, and how long no data may come, before the camera counts as lost.
    """

    def __init__(self, address: str, timeout_s: float = 10.0) -> None:
        super().__init__(_address.without_credentials(address), timeout_s)
        self._address = address

    def connect(self) -> _NetworkDevice:
        """Connect and wait for the first picture; raises `SourceError`."""
        return _NetworkDevice(self._address, self.name, self.timeout_s)

    def silence(self) -> SourceError:
        """The error for a camera that does not answer."""
        return SourceError(
            f"{self.name} gave no picture for {self.timeout_s:g} s: check that the camera is on, "
            "that this computer reaches it, and the address"
        )


class _NetworkDevice:
    def __init__(self, address: str, name: str, timeout_s: float) -> None:
        self.name = name
        scheme = _address.scheme(address)
        options = _OPTIONS if scheme.startswith("rtsp") else {"fpsprobesize": _OPTIONS["fpsprobesize"]}
        try:
            self._decoder = Decoder(address, (timeout_s, timeout_s), low_delay=True, options=options)
        except Broken as broken:
            raise self._unreachable(broken.reason) from None
        is_live = scheme.startswith("rtsp") or not self._decoder.is_recording
        self._pictures: Iterator[Picture] = self._decoder.pictures()
        try:
            self._first = next(self._pictures, None)
        except Broken as broken:
            self._decoder.close()
            raise self._unreachable(broken.reason) from None
        if self._first is None:
            self._decoder.close()
            raise self._unreachable("it sends no picture")
        self.info = self._decoder.info(self._first.image, is_live)

    def read(self) -> tuple[np.ndarray, float | None] | None:
        picture, self._first = self._first, None
        try:
            picture = picture or next(self._pictures, None)
        except Broken as broken:
            raise SourceError(f"{self.name} was lost ({broken.reason}): check the camera and the network") from None
        if picture is None:
            return None
        return picture.image, None if self.info.is_live else picture.time

    def close(self) -> None:
        self._decoder.close()

    def _unreachable(self, reason: str) -> SourceError:
        return SourceError(
            f"cannot read {self.name} ({reason}): check that the camera is on, the address, and user and password"
        )
