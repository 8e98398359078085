"""The annotated video as H.264, complete however the run ends."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from streamface.errors import OutputError
from streamface.sinks._files import cannot_write, check_writable
from streamface.sinks.base import Sink
from streamface.types import FrameResult

NAME = "video"
CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
TICKS = 90_000
"""Units of time a second: divides 24, 25, 30, 50 and 60 frames/s, and 29.97 to the tick."""
FRAGMENT_US = 500_000
"""Microseconds of video that are kept back before they are written: what a killed run loses at most."""
KEY_EVERY_S = 2
"""Seconds between two pictures that a player can jump to."""
MOV_OPTIONS = {
    # Written in pieces while it records, so that a killed run leaves a playable file; turned into an ordinary
    # file with an index and a length at the end.
    "movflags": "hybrid_fragmented+default_base_moof",
    "frag_duration": str(FRAGMENT_US),
}
MKV_OPTIONS = {"cluster_time_limit": str(FRAGMENT_US // 1000), "flush_packets": "1"}
ENCODER_OPTIONS = {"preset": "superfast", "tune": "zerolatency", "crf": "23"}
"""'zerolatency' keeps no frames inside the encoder, which a killed run would lose.

'superfast' takes 17 ms of processor time for a 1920x1080 frame at 5.7 Mbit/s; 'veryfast' 31 ms at 5.1,
'ultrafast' 12 ms at 11.0 (benchmarks/video.py).
"""
BT601, VIDEO_RANGE = 6, 1
"""What `cv2.COLOR_BGR2YUV_I420` makes, told to the player, which would guess BT.709 for a large picture."""


class VideoSink(Sink):
    """Records the annotated frames with the timing of their source.

    Each frame is shown from its media time (files) or time of capture (live) until the next one: dropped
    frames leave no jump. Odd sizes gain a row or column; frames of another size than the first are scaled into it
    with black bars.

    Args:
        path: ends in .mp4, .m4v, .mov or .mkv; an existing file is replaced at the first frame.
        fps_hint: frames per second that the source announces, for the length of the last frame; None if unknown.

    Raises `OutputError` for another ending or a place that cannot be written to.
    """

    wants_image = True

    def __init__(self, path: Path, fps_hint: float | None = None) -> None:
        self._path = Path(path)
        if self._path.suffix.lower() not in CONTAINERS:
            raise OutputError(f"{path}: H.264 video is written to {', '.join(CONTAINERS)}; end the name in one of them")
        check_writable(self._path)
        self._step = round(TICKS / fps_hint) if fps_hint else TICKS // 25
        self._writer: _Writer | None = None
        self._closed = False
        self._origin = 0.0

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        """Encode one frame; raises `OutputError`, after which what was recorded stays playable."""
        frame = result.frame
        seconds = frame.captured_at if frame.media_time is None else frame.media_time
        try:
            if self._writer is None:
                self._origin = seconds
                self._writer = _Writer(self._path, (image.shape[1], image.shape[0]), self._step)
            self._writer.add(image, round((seconds - self._origin) * TICKS))
        except (OSError, av.FFmpegError) as error:
            self._abandon()
            raise cannot_write(self._path, error) from error

    def close(self) -> None:
        """Write what is left and the index; raises `OutputError` when that no longer fits on the disk."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.finish()
        except (OSError, av.FFmpegError) as error:
            raise cannot_write(self._path, error) from error

    def _abandon(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.abandon()


class _File:
    """The file under the muxer: what is in it stays playable when the disk is full.

    At the end the muxer turns the pieces into an ordinary file: it adds an index and changes what is already
    there. It does not notice a failed write, so those changes wait here until the index is safely written.
    """

    def __init__(self, path: Path) -> None:
        self._file = open(path, "wb", buffering=0)
        self._settled: int | None = None
        self._changes: list[tuple[int, bytes]] = []
        self.error: OSError | None = None

    def write(self, data) -> int:
        """Write `data`, unless a write failed before."""
        data = memoryview(data)
        whole, at = len(data), self._file.tell()
        if self._settled is not None and at < self._settled:
            self._changes.append((at, bytes(data)))
            self._file.seek(at + whole)
            return whole
        try:
            while len(data) and self.error is None:
                data = data[self._file.write(data) :]
        except OSError as error:
            self.error = error
        return whole

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to another place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The present place."""
        return self._file.tell()

    def check(self) -> None:
        """Raise the error of a write that failed."""
        if self.error is not None:
            raise self.error

    def settle(self) -> None:
        """From now on what is in the file changes only in `close`."""
        self._settled = self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Carry out the changes, or take back what was added since `settle` when not all of it fitted."""
        with self._file:
            if self.error is None:
                for at, data in self._changes:
                    self._file.seek(at)
                    self._file.write(data)
            elif self._settled is not None and self._file.seekable() and os.fstat(self._file.fileno()).st_size:
                self._file.truncate(self._settled)


class _Writer:
    """One encoder and one file."""

    def __init__(self, path: Path, size_wh: tuple[int, int], step: int) -> None:
        self._size_wh = (max(2, size_wh[0] + size_wh[0] % 2), max(2, size_wh[1] + size_wh[1] % 2))
        self._step = step
        self._last_pts = self._last_key = -1
        self._held: av.Packet | None = None
        self._file = _File(path)
        kind = CONTAINERS[path.suffix.lower()]
        options = MKV_OPTIONS if kind == "matroska" else MOV_OPTIONS
        self._container = av.open(self._file, "w", format=kind, options=options)
        self._stream = self._opened()

    def _opened(self):
        """The stream, set up. `_step` stands for the rate, which the encoder takes as a hint."""
        stream = self._container.add_stream("libx264", rate=Fraction(TICKS, self._step).limit_denominator(1001))
        stream.width, stream.height = self._size_wh
        stream.pix_fmt = "yuv420p"
        stream.options = dict(ENCODER_OPTIONS)
        stream.time_base = Fraction(1, TICKS)
        context = stream.codec_context
        context.time_base = Fraction(1, TICKS)
        context.gop_size = 10_000  # pictures to jump to are asked for by time, see `add`
        context.max_b_frames = 0
        context.thread_count = 2
        context.colorspace, context.color_range = BT601, VIDEO_RANGE
        return stream

    def add(self, image: np.ndarray, pts: int) -> None:
        """Encode one (H, W, 3) BGR image, shown from `pts` ticks after the first."""
        pts = max(pts, self._last_pts + 1)
        yuv = cv2.cvtColor(_fitted(image, self._size_wh), cv2.COLOR_BGR2YUV_I420)
        frame = av.VideoFrame.from_ndarray(yuv, format="yuv420p")
        frame.pts, frame.time_base = pts, Fraction(1, TICKS)
        if self._last_key < 0 or pts - self._last_key >= KEY_EVERY_S * TICKS:
            frame.pict_type = av.video.frame.PictureType.I
            self._last_key = pts
        self._last_pts = pts
        for packet in self._stream.encode(frame):
            self._mux(packet)
        self._file.check()

    def finish(self) -> None:
        """Write what is left, then the index."""
        try:
            for packet in self._stream.encode(None):
                self._mux(packet)
            if self._held is not None:
                self._send(self._held, self._step)
            self._file.settle()
            self._container.close()
            self._file.check()
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Leave the file as it is: it plays up to the last piece that went into it."""
        self._file.settle()
        self._file.error = self._file.error or OSError("given up")
        self._container.close()
        self._file.close()

    def _mux(self, packet: av.Packet) -> None:
        """Pass on the packet before this one, now that its length is known."""
        if self._held is not None:
            self._send(self._held, packet.pts - self._held.pts)
        self._held = packet

    def _send(self, packet: av.Packet, duration: int) -> None:
        packet.duration = duration
        packet.stream = self._stream
        self._container.mux(packet)


def _fitted(image: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
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
