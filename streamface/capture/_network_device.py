"""A network camera as the reader's process sees it: PyAV on an address."""

from __future__ import annotations

import time

import numpy as np

from streamface.capture import _address
from streamface.capture._complaints import Complaints
from streamface.capture._decode import MOST_BAD_PACKETS, Broken, Decoder, is_plain, quarter_turns, upright
from streamface.capture._knock import knock as _knock
from streamface.capture._pace import Pace
from streamface.capture._wire import Damage, Opened, RawPicture

_PROMPT = {"fpsprobesize": "0"}
"""Without it FFmpeg collects 20 frames before the first, to guess the rate: 3 s with a camera that gives few."""
_RTSP = {**_PROMPT, "allowed_media_types": "video", "analyzeduration": "2000000"}
"""Sound is not even asked for: it would be carried for nothing, and one that stays silent holds up the start by 5 s."""


def connect(address: str, timeout_s: float, transport: str) -> NetworkDevice:
    """Connect and wait for the first picture; raises `Broken`."""
    return NetworkDevice(address, timeout_s, transport, Complaints())


def _opened(address: str, timeout_s: float, options: dict[str, str]) -> Decoder:
    try:
        return Decoder(address, (timeout_s, timeout_s), low_delay=True, options=options)
    except Broken as broken:  # FFmpeg calls an unknown host an error of input and output
        raise Broken(_address.problem(address) or broken.reason) from broken


def knock(limit_s: float, address: str, **_: object) -> bool:
    """True where the camera answers."""
    return _knock(address, limit_s)


class NetworkDevice:
    """The pictures of a camera, newest last, or of a recording behind an address.

    timeout_s: how long connecting may take, and how long no data may come. transport: 'tcp' or 'udp', for RTSP.
    complaints: FFmpeg's.
    """

    def __init__(self, address: str, timeout_s: float, transport: str, complaints: Complaints) -> None:
        is_rtsp = _address.scheme(address).startswith("rtsp")
        options = {**_RTSP, "rtsp_transport": transport} if is_rtsp else _PROMPT
        self._decoder = decoder = _opened(address, timeout_s, options)
        self._timeout_s = timeout_s
        is_live = is_rtsp or not decoder.is_recording
        self._complaints = complaints
        self._packets = decoder.packets()
        self._waiting: list[RawPicture] = []
        self._bad_in_a_row = 0
        self._pace = Pace()
        self._has_clock = decoder.format != "mpjpeg"  # there FFmpeg makes up stamps, 25 a second
        stated = decoder.stated_fps if self._has_clock else None
        fps, count = (stated, None) if is_live else (decoder.fps, decoder.frame_count)
        self.opened = Opened(is_live, fps, count)

    def read(self) -> RawPicture | Damage | None:
        """The next picture, or the news that data could not be decoded; None at the end; raises `Broken`."""
        while not self._waiting:
            if self._complaints.take():
                return Damage()
            begun = time.monotonic()
            packet = next(self._packets, self)
            if self.opened.is_live and time.monotonic() - begun >= self._timeout_s:
                raise Broken("no answer in time")  # FFmpeg may still give what it held back: old by now
            if packet is self:
                if self._decoder.failure:
                    raise self._decoder.failure
                return None
            if self._is_too_late(packet, begun):
                continue
            at, frames = time.time(), self._decoder.decoded(packet)
            if frames is None:
                return self._damage()
            self._bad_in_a_row = 0
            self._waiting = [self._picture(frame, at) for frame in frames]
        return self._waiting.pop(0)

    def close(self) -> None:
        """Take leave of the camera."""
        self._decoder.close()

    def _is_too_late(self, packet, begun: float) -> bool:
        """Whether to leave this packet out, so that the delay does not grow while the machine is too slow."""
        stamp = self._decoder.stamp_of(packet) if packet is not None and self.opened.is_live else None
        if stamp is None or not self._has_clock:
            return False
        now = time.monotonic()
        return self._pace.skips(stamp, packet.is_keyframe, now, now - begun)

    def _damage(self) -> Damage:
        self._bad_in_a_row += 1
        if self._bad_in_a_row >= MOST_BAD_PACKETS:
            raise Broken("nothing of it can be decoded")
        return Damage()

    def _picture(self, frame, at: float) -> RawPicture:
        plain = is_plain(frame) and not quarter_turns(frame)
        pixels: np.ndarray = frame.to_ndarray() if plain else upright(frame)
        media_time = None if self.opened.is_live else self._decoder.time_of(frame)
        stamp = self._decoder.stamp_of(frame) if self._has_clock else None
        return RawPicture(pixels, at, stamp, media_time, bool(frame.is_corrupt))
