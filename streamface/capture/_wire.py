"""What a reader's process says to the program: messages over a pipe, each a line of JSON with or without a picture."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from typing import BinaryIO

import numpy as np

from streamface.capture._decode import i420_to_bgr

_LENGTHS = struct.Struct("<IQ")
"""Bytes of the JSON, bytes of the picture."""


@dataclass(frozen=True, slots=True)
class Trying:
    """The reader begins to connect."""


@dataclass(frozen=True, slots=True)
class Answering:
    """The camera answers small questions, so they can tell when it is there."""

    back: bool
    """True where it did not answer a moment ago."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The first picture is about to follow."""

    is_live: bool
    fps: float | None
    """As the camera states it; None where it does not."""
    frame_count: int | None


@dataclass(frozen=True, slots=True)
class Damage:
    """Data that could not be decoded at all."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The reader is done; the last message."""

    reason: str | None
    """A clause without address or password; None at the orderly end of a recording or stream."""
    message: str | None = None
    """The whole line for the user, where the device has one of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class RawPicture:
    """One picture as the camera's data has it; half the bytes of BGR, and converted only when it is looked at."""

    pixels: np.ndarray
    """(H * 3 / 2, W) uint8 I420, or (H, W, 3) uint8 BGR; C-contiguous."""
    at: float
    """When its data arrived, in seconds of `time.time()`."""
    stamp: float | None = None
    """Seconds by the camera's own clock, which may jump; None where it has none."""
    media_time: float | None = None
    """Seconds since the start of a recording; None of a live source."""
    damaged: bool = False
    """True where the decoder had to guess parts of it."""

    @property
    def size_wh(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        rows, columns = self.pixels.shape[:2]
        return columns, rows if self.pixels.ndim == 3 else rows * 2 // 3

    def bgr(self) -> np.ndarray:
        """(H, W, 3) uint8 BGR."""
        return self.pixels if self.pixels.ndim == 3 else i420_to_bgr(self.pixels)

    def luma(self, step: int) -> np.ndarray:
        """Brightness (the largest colour, in a BGR picture) of every `step`-th pixel of every `step`-th row, uint8."""
        if self.pixels.ndim == 3:
            return self.pixels[step // 2 :: step, step // 2 :: step].max(axis=2)
        return self.pixels[step // 2 : self.size_wh[1] : step, step // 2 :: step]


Message = Trying | Answering | Opened | Damage | Ended | RawPicture

_KINDS = {kind.__name__: kind for kind in (Trying, Answering, Opened, Damage, Ended)}


def send(pipe: BinaryIO, message: Message) -> None:
    """Write one message whole; raises `OSError` when nobody reads any more."""
    if isinstance(message, RawPicture):
        head = {name: getattr(message, name) for name in ("at", "stamp", "media_time", "damaged")}
        head["shape"] = message.pixels.shape
        body = memoryview(np.ascontiguousarray(message.pixels)).cast("B")
    else:
        head, body = {"type": type(message).__name__, **asdict(message)}, memoryview(b"")
    text = json.dumps(head).encode()
    _write(pipe, memoryview(_LENGTHS.pack(len(text), len(body)) + text))
    _write(pipe, body)


def receive(pipe: BinaryIO) -> Message | None:
    """The next message, waiting for it; None when the other side is gone, also in the middle of a message."""
    lengths = _read(pipe, bytearray(_LENGTHS.size))
    if lengths is None:
        return None
    text_size, body_size = _LENGTHS.unpack(lengths)
    text = _read(pipe, bytearray(text_size))
    if text is None:
        return None
    head = json.loads(text)
    if "type" in head:
        return _KINDS[head.pop("type")](**head)
    pixels = np.empty(head.pop("shape"), np.uint8)
    if pixels.nbytes != body_size or _read(pipe, memoryview(pixels).cast("B")) is None:
        return None
    return RawPicture(pixels, **head)


def _write(pipe: BinaryIO, data: memoryview) -> None:
    while data:
        data = data[pipe.write(data) :]


def _read(pipe: BinaryIO, target):
    """`target`, filled; None when the data ends before."""
    view = memoryview(target)
    while view:
        count = pipe.readinto(view)
        if not count:
            return None
        view = view[count:]
    return target
