"""Pictures to H.264, the same for every kind of recording."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import cv2
import numpy as np

TICKS = 90_000
"""Units of time a second: divides 24, 25, 30, 50 and 60 frames/s, and 29.97 to the tick."""
ENCODER_OPTIONS = {"preset": "superfast", "tune": "zerolatency", "crf": "23"}
"""'zerolatency' keeps no frames inside the encoder, which a killed run would lose.

'superfast' takes 17 ms of processor time for a 1920x1080 frame at 5.7 Mbit/s; 'veryfast' 31 ms at 5.1,
'ultrafast' 12 ms at 11.0 (benchmarks/video.py).
"""
BT601, VIDEO_RANGE = 6, 1
"""What `cv2.COLOR_BGR2YUV_I420` makes, told to the player, which would guess BT.709 for a large picture."""


def even(size_wh: tuple[int, int]) -> tuple[int, int]:
    """The size at which pictures of `size_wh` are stored: odd sides gain a pixel."""
    return max(2, size_wh[0] + size_wh[0] % 2), max(2, size_wh[1] + size_wh[1] % 2)


def add_stream(container: av.container.OutputContainer, size_wh: tuple[int, int], step: int) -> av.VideoStream:
    """A stream of even `size_wh` in `container`; `step` ticks stand for the rate, which the encoder takes as a hint."""
    stream = container.add_stream("libx264", rate=Fraction(TICKS, step).limit_denominator(1001))
    stream.width, stream.height = size_wh
    stream.pix_fmt = "yuv420p"
    stream.options = dict(ENCODER_OPTIONS)
    stream.time_base = Fraction(1, TICKS)
    context = stream.codec_context
    context.time_base = Fraction(1, TICKS)
    context.gop_size = 10_000  # pictures to jump to are asked for by time
    context.max_b_frames = 0
    context.thread_count = 2
    context.colorspace, context.color_range = BT601, VIDEO_RANGE
    return stream


class Canvas:
    """Where pictures are made ready for an encoder, one after the other in the same memory.

    Args:
        size_wh: even (width, height) of what the encoder gets.
    """

    def __init__(self, size_wh: tuple[int, int]) -> None:
        self._size_wh = size_wh
        self._yuv = np.empty((size_wh[1] * 3 // 2, size_wh[0]), np.uint8)
        self._frame = av.VideoFrame(*size_wh, "yuv420p")

    def frame(self, image: np.ndarray, pts: int, key: bool) -> av.VideoFrame:
        """An (H, W, 3) uint8 BGR image, to be shown from `pts` ticks; `key`: players can jump to it.

        Another picture comes into the same frame at the next call, unless the encoder still holds it.
        """
        frame = self._frame
        frame.make_writable()
        cv2.cvtColor(fitted(image, self._size_wh), cv2.COLOR_BGR2YUV_I420, dst=self._yuv)
        start, pixels = 0, self._yuv.reshape(-1)
        for plane in frame.planes:
            rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
            end = start + plane.width * plane.height
            rows[:, : plane.width] = pixels[start:end].reshape(plane.height, plane.width)
            start = end
        kinds = av.video.frame.PictureType
        frame.pts, frame.time_base, frame.pict_type = pts, Fraction(1, TICKS), kinds.I if key else kinds.NONE
        return frame


def fitted(image: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """`image` at an even size: its edge repeated by a pixel, or scaled with bars where it is of another size."""
    height, width = image.shape[:2]
    right, below = size_wh[0] - width, size_wh[1] - height
    if not right and not below:
        return image
    if right in (0, 1) and below in (0, 1):
        return cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE)
    scale = min(size_wh[0] / width, size_wh[1] / height)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    x, y = (size_wh[0] - inner[0]) // 2, (size_wh[1] - inner[1]) // 2
    canvas[y : y + inner[1], x : x + inner[0]] = cv2.resize(image, inner, interpolation=way)
    return canvas


class Encoder:
    """Pictures of one size to packets, which may go into one file after the other.

    Args:
        size_wh: (width, height) of the pictures; `step`: ticks from one to the next, as far as is known.
    """

    def __init__(self, size_wh: tuple[int, int], step: int) -> None:
        self.size_wh, stored_wh = size_wh, even(size_wh)
        self._canvas = Canvas(stored_wh)
        # The encoder belongs to a container that is never written to: it gives the header that every file begins
        # with, and keeps the encoder's settings in one place.
        options = {"movflags": "empty_moov+default_base_moof"}
        self._container = av.open(io.BytesIO(), "w", format="mp4", options=options)
        self.stream = add_stream(self._container, stored_wh, step)
        """What a file copies its stream from."""
        self._container.start_encoding()

    def encode(self, image: np.ndarray, pts: int, key: bool) -> list[av.Packet]:
        """The packet of one (H, W, 3) uint8 BGR image."""
        return list(self.stream.encode(self._canvas.frame(image, pts, key)))

    def close(self) -> None:
        """Give the encoder back; 'zerolatency' holds no picture that would be lost."""
        self._container.close()
