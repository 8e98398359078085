"""An RTSP camera on this machine, its clips, and what can be read off its pictures."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np

PYTHON = "/usr/bin/python3"
PACKAGES = "gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
_PROBE = (
    "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import Gst, GstRtspServer; "
    "Gst.init(None); assert all(map(Gst.ElementFactory.find, ('appsrc', 'h264parse', 'rtph264pay')))"
)
FPS, LOOP = 15, 150
"""Pictures a second and in all of the clips of the tests."""
BITS, BIT_PX = 16, 16
"""The frame's number stands in the lowest rows of its picture, as black and white squares."""


@cache
def missing() -> str | None:
    """Why there can be no camera here; None where there can."""
    if not Path(PYTHON).exists():
        return f"no {PYTHON}"
    done = subprocess.run([PYTHON, "-c", _PROBE], capture_output=True, env=_environment())
    return f"no RTSP server: apt-get install {PACKAGES}" if done.returncode else None


def _environment() -> dict[str, str]:
    """Without what a virtual environment sets: the system's Python has its own packages."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}


def moving(number: int, size_wh: tuple[int, int] = (320, 192)) -> np.ndarray:
    """A picture in which something moves; (H, W, 3) uint8 BGR."""
    width, height = size_wh
    image = np.empty((height, width, 3), np.uint8)
    image[:] = (np.arange(width) % 128 + 60)[None, :, None]
    x = number * 7 % (width - 40)
    image[height // 4 : height // 4 + 40, x : x + 40] = (40, 200, 230)
    return image


def stamped(image: np.ndarray, number: int) -> np.ndarray:
    """`image` with its number written into it."""
    image = image.copy()
    for bit in range(BITS):
        image[-BIT_PX:, bit * BIT_PX : (bit + 1) * BIT_PX] = 235 if number >> bit & 1 else 16
    return image


def number_of(image: np.ndarray) -> int:
    """The number of a `stamped` picture."""
    inner = image[-BIT_PX + 4 : -4, : BITS * BIT_PX].reshape(BIT_PX - 8, BITS, BIT_PX, 3)[:, :, 4:-4]
    return sum(1 << bit for bit, value in enumerate(inner.mean(axis=(0, 2, 3))) if value > 128)


def write_clip(path: Path, images, fps: int = 15, **options: str) -> None:
    """Encode pictures as `gst_camera` reads them: no delay, a key frame a second."""
    encoder = None
    with open(path, "wb") as file:
        for number, image in enumerate(images):
            if encoder is None:
                encoder = av.CodecContext.create("libx264", "w")
                encoder.width, encoder.height, encoder.pix_fmt = image.shape[1], image.shape[0], "yuv420p"
                encoder.framerate, encoder.time_base, encoder.gop_size = Fraction(fps), Fraction(1, fps), fps
                # one slice a picture: GStreamer's parser takes the second one for a picture of its own
                options = {"preset": "veryfast", "tune": "zerolatency", "crf": "24", **options}
                encoder.options = {**options, "x264-params": "sliced-threads=0"}
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
            frame.pts = number
            _write(file, encoder.encode(frame))
        _write(file, encoder.encode(None))


def _write(file, packets) -> None:
    for packet in packets:
        data = bytes(packet)
        file.write(len(data).to_bytes(4, "little") + data)


class RtspCamera:
    """GStreamer's RTSP server in a process of its own; see `gst_camera` for what it takes.

    folder: of its clips. login: (user, password), or None for a camera that asks for none.
    """

    def __init__(self, folder: Path, clip: str, fps: float, login: tuple[str, str] | None = None) -> None:
        self._arguments = [str(folder), clip, str(fps), *(login or ())]
        self.started_at = self.late_s = 0.0

    def __enter__(self) -> RtspCamera:
        script = Path(__file__).with_name("gst_camera.py")
        self._process = subprocess.Popen(
            [PYTHON, str(script), *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=_environment(),
            start_new_session=True,  # Linux shares its processors among sessions: the camera is no part of the program
        )
        line = self._process.stdout.readline()
        if not line.startswith("port "):
            self.__exit__()
            raise RuntimeError("the RTSP server did not start")
        self.port = int(line.split()[1])
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError, ValueError):
                pipe.close()

    @property
    def pid(self) -> int:
        """Of the server's process."""
        return self._process.pid

    def tell(self, command: str) -> None:
        """Give it a command."""
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def _listen(self) -> None:
        with contextlib.suppress(ValueError):  # closed
            for line in self._process.stdout:
                if line.startswith("start "):
                    self.started_at = float(line.split()[1])
                elif line.startswith("late "):
                    self.late_s = float(line.split()[1])


def moving_images(count: int, size_wh: tuple[int, int] = (320, 192)) -> Iterator[np.ndarray]:
    """`count` numbered pictures in which something moves."""
    return (stamped(moving(number, size_wh), number) for number in range(count))
