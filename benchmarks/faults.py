"""What cameras that fail cost. `python -m benchmarks.faults [--seed N] [--part faults|timeouts]`

A real RTSP server (GStreamer) on this machine sends 640x360 with people who walk by, or those of the demo where the
data is not there. Its packages are named when they are missing.

- faults: 50 cuts, 50 stalls, 20 each of delay, drop and corrupt, in random order through the proxy of tests/faults,
  while the whole stream runs: names, age, gender, emotion and race. 'Back' is the time from the end of the fault to
  the result of a whole picture less than a second old; memory is what the program and its reader share with nobody,
  before and after.
- timeouts: how long PyAV and OpenCV hang on a camera that takes the connection and says nothing, and on one that
  falls silent, with a timeout of 3 s.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import random
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks import camera_clips

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "faults"))

from fault_camera import RtspCamera, missing, moving, stamped, write_clip  # noqa: E402
from fault_proxy import Proxy  # noqa: E402
from fault_run import GIVEN_UP_S, Outcome, Resources, Run  # noqa: E402

from streamface.configuration import settings_from  # noqa: E402
from streamface.runtime import heap  # noqa: E402
from streamface.stream import Stream  # noqa: E402
from streamface.types import Frame, SourceState  # noqa: E402

FPS = 15
TIMEOUT_S = 3.0
BACK_S, MEMORY = 3.0, 0.05
"""What is to be reached: seconds to the camera's return, and the share by which memory may grow."""


class Watched:
    """A running stream, as `Run` reads it."""

    def __init__(self, stream: Stream) -> None:
        self._stream, self._results = stream, iter(stream)

    def read(self) -> Frame:
        """The frame of the next result."""
        return next(self._results).frame

    @property
    def state(self) -> SourceState:
        """Of the camera."""
        return self._stream.source.state


def faults(folder: Path, seed: int) -> bool:
    """The cuts and stalls, and what came of them; whether it is what was to be reached."""
    chance = random.Random(seed)
    loop = camera_clips.write_numbered(folder / "clip", "crowd" if camera_clips.has("crowd") else "demo", FPS)
    order = ["cut"] * 50 + ["stall"] * 50 + ["delay", "drop", "corrupt"] * 20
    with RtspCamera(folder, "clip", FPS) as camera, Proxy(camera.port, chance) as proxy:
        options = [f"--source=rtsp://127.0.0.1:{proxy.port}/live", f"--timeout={TIMEOUT_S}", "--wait", "--no-display",
                   f"--database={ROOT / 'database'}", "--actions=age,gender,emotion,race"]  # fmt: skip
        with heap.tidied(), Stream(settings_from(options)) as stream:
            run = Run(Watched(stream), camera, proxy, FPS, loop)
            run.watch(60, run.is_current)
            for fault in ("cut", "stall", "corrupt", "cut"):  # what is loaded once is loaded now
                run.suffer(fault, 1.0)
            run.watch(5)
            heap.trim()
            before = Resources.now()
            outcomes = run.suffer_all(order, (0.2, 5.0), (0.5, 2.0), chance, _tell)
            run.watch(5)
            heap.trim()
            after = Resources.now()
    _say_faults(outcomes, before, after)
    return _is_reached(outcomes, before, after)


def _is_reached(outcomes: list[Outcome], before: Resources, after: Resources) -> bool:
    cuts = [outcome.back_s for outcome in outcomes if outcome.fault in ("cut", "stall")]
    grown = after.memory_mb / before.memory_mb - 1
    happened = all(outcome.harmed and outcome.back_s < GIVEN_UP_S for outcome in outcomes)
    same = (after.threads, after.children) == (before.threads, before.children) and after.handles <= before.handles
    print(
        f"{len(cuts)} cuts and stalls: {sum(back < BACK_S for back in cuts)} came back within {BACK_S:g} s, the "
        f"slowest after {max(cuts):.2f} s; handles and threads {'as before' if same else 'NOT as before'}"
        + ("" if happened else "; a fault did NOT happen, or the camera did NOT come back after it")
    )
    return happened and max(cuts) < BACK_S and same and grown < MEMORY


def _tell(number: int, outcome: Outcome) -> None:
    after = f"{outcome.lasted_s:4.1f} s, then {outcome.state:10s} back {outcome.back_s:5.2f} s"
    print(f"{number + 1:4d} {outcome.fault:8s} {after}")


def _say_faults(outcomes: list[Outcome], before: Resources, after: Resources) -> None:
    print("\n| fault | times | came back | median | 95 % | longest | longest read |\n|---|---|---|---|---|---|---|")
    for fault in dict.fromkeys(outcome.fault for outcome in outcomes):
        these = [outcome for outcome in outcomes if outcome.fault == fault]
        back = sorted(outcome.back_s for outcome in these)
        came, harmed = sum(b < GIVEN_UP_S for b in back), sum(outcome.harmed > 0 for outcome in these)
        longest = max(outcome.slowest_read_s for outcome in these)
        times = (statistics.median(back), back[int(0.95 * len(back))], back[-1], longest)
        print(f"| {fault} | {harmed} | {came} | {' | '.join(f'{seconds:.2f} s' for seconds in times)} |")
    print(f"\nbefore: {before}\nafter:  {after} ({100 * (after.memory_mb / before.memory_mb - 1):+.1f} % memory)")


def timeouts() -> None:
    """How long each library hangs."""
    print("\n| | takes the connection, says nothing | falls silent after 2 s |\n|---|---|---|")
    for name in ("PyAV", "cv2.VideoCapture", "cv2.VideoCapture, its timeouts set"):
        print(f"| {name} | {_hang(name, silent=True)} | {_hang(name, silent=False)} |")


def _hang(name: str, silent: bool, most_s: float = 60.0) -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener, tempfile.TemporaryDirectory() as folder:
        if silent:
            return _timed(name, listener.getsockname()[1], most_s)
        write_clip(Path(folder) / "clip", (stamped(moving(i), i) for i in range(30)), FPS)
        with RtspCamera(Path(folder), "clip", FPS) as camera, Proxy(camera.port, random.Random(0)) as proxy:
            falling_silent = threading.Timer(4.0, proxy.set, args=("stall",))
            falling_silent.start()
            text = _timed(name, proxy.port, most_s, 4.0)
            falling_silent.join()
            return text


def _timed(name: str, port: int, most_s: float, before_s: float = 0.0) -> str:
    process = multiprocessing.get_context("spawn").Process(target=_read, args=(name, port))
    begun = time.monotonic()
    process.start()
    process.join(most_s + before_s)
    if process.is_alive():
        process.kill()
        process.join()
        return f"more than {most_s:.0f} s"
    return f"{time.monotonic() - begun - before_s:.1f} s"


def _read(name: str, port: int) -> None:
    address = f"rtsp://127.0.0.1:{port}/live"
    if name == "PyAV":
        import av

        try:
            with av.open(address, timeout=(TIMEOUT_S, TIMEOUT_S), options={"rtsp_transport": "tcp"}) as container:
                for _ in container.decode(video=0):
                    pass
        except (av.error.FFmpegError, OSError):
            return
        return
    import cv2

    set_s = int(TIMEOUT_S * 1000)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, set_s, cv2.CAP_PROP_READ_TIMEOUT_MSEC, set_s] if "set" in name else []
    capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, limits)
    while capture.isOpened() and capture.read()[0]:
        pass


def main() -> int:
    """Print the figures that were asked for."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options.add_argument("--part", choices=("faults", "timeouts"))
    given = options.parse_args()
    if missing():
        sys.exit(missing())
    logging.getLogger("streamface").setLevel(logging.ERROR)
    heap.use_one_arena()  # as the command line does
    print(f"seed {given.seed}", flush=True)
    sys.stdout.reconfigure(line_buffering=True)
    with tempfile.TemporaryDirectory() as name:
        reached = given.part == "timeouts" or faults(Path(name), given.seed)
        if given.part in (None, "timeouts"):
            timeouts()
    return not reached


if __name__ == "__main__":
    sys.exit(main())
