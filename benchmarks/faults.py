"""What cameras that fail cost. `python -m benchmarks.faults [--seed N] [--part faults|delay|timeouts] [--minutes M]`

A real RTSP server (GStreamer) on this machine sends the crowd clip at 640x360, or a moving square where the clip is
not there. Its packages are named when they are missing.

- faults: 50 cuts, 50 stalls, 20 each of delay, drop and corrupt, in random order through the proxy of tests/faults.
  'Back' is the time from the end of the fault to a whole picture less than a second old; memory is what the program
  and its reader hold for themselves, before and after.
- delay: from the moment at which the camera sends a picture to the moment at which it is annotated, encoding and
  decoding included, while each picture takes twice the time that there is. Read off a number in the picture.
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
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import data

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "faults"))

from fault_camera import RtspCamera, missing, moving, number_of, stamped, write_clip  # noqa: E402
from fault_proxy import Proxy  # noqa: E402
from fault_run import Outcome, Resources, Run  # noqa: E402

from streamface.capture.network import NetworkSource  # noqa: E402
from streamface.settings import AnalysisSettings, CaptureSettings, Settings  # noqa: E402

FPS, LOOP = 15, 300
SIZE_WH = (640, 360)
TIMEOUT_S = 3.0


def pictures() -> Iterator[np.ndarray]:
    """The numbered pictures of the clip."""
    import cv2

    from streamface.capture.video_file import VideoFile

    path = data.FOLDER / "media" / "crowd_1080p.mp4"
    if not path.exists():
        yield from (stamped(moving(number, SIZE_WH), number) for number in range(LOOP))
        return
    number = 0
    while number < LOOP:
        with VideoFile(path) as frames:
            for frame in frames:
                yield stamped(cv2.resize(frame.image, SIZE_WH, interpolation=cv2.INTER_AREA), number)
                number += 1
                if number == LOOP:
                    return


def faults(folder: Path, seed: int) -> None:
    """The cuts and stalls, and what came of them."""
    chance = random.Random(seed)
    order = ["cut"] * 50 + ["stall"] * 50 + ["delay", "drop", "corrupt"] * 20
    with RtspCamera(folder, "clip", FPS) as camera, Proxy(camera.port, chance) as proxy:
        address = f"rtsp://127.0.0.1:{proxy.port}/live"
        with NetworkSource(CaptureSettings(address, timeout_s=TIMEOUT_S, wait=True)) as source:
            run = Run(source, camera, proxy, FPS, LOOP)
            run.watch(60, run.is_current)
            for fault in ("cut", "stall", "corrupt", "cut"):  # what is loaded once is loaded now
                run.suffer(fault, 1.0)
            run.watch(5)
            before = Resources.now()
            outcomes = run.suffer_all(order, (0.2, 5.0), (0.5, 2.0), chance, _tell)
            run.watch(5)
            after = Resources.now()
    _say_faults(outcomes, before, after)


def _tell(number: int, outcome: Outcome) -> None:
    after = f"{outcome.lasted_s:4.1f} s, then {outcome.state:10s} back {outcome.back_s:5.2f} s"
    print(f"{number:4d} {outcome.fault:8s} {after}")


def _say_faults(outcomes: list[Outcome], before: Resources, after: Resources) -> None:
    print("\n| fault | times | came back | median | 95 % | longest | longest read |\n|---|---|---|---|---|---|---|")
    for fault in dict.fromkeys(outcome.fault for outcome in outcomes):
        these = [outcome for outcome in outcomes if outcome.fault == fault]
        back = sorted(outcome.back_s for outcome in these)
        came, harmed = sum(b < 60 for b in back), sum(outcome.harmed > 0 for outcome in these)
        longest = max(outcome.slowest_read_s for outcome in these)
        times = (statistics.median(back), back[int(0.95 * len(back))], back[-1], longest)
        print(f"| {fault} | {harmed} | {came} | {' | '.join(f'{seconds:.2f} s' for seconds in times)} |")
    print(f"\nbefore: {before}\nafter:  {after} ({100 * (after.memory_mb / before.memory_mb - 1):+.1f} % memory)")


def delay(folder: Path, minutes: float) -> None:
    """From the camera to the annotated picture, with twice the work that there is time for."""
    from streamface.stream import Stream

    with RtspCamera(folder, "clip", FPS) as camera:
        capture = CaptureSettings(f"rtsp://127.0.0.1:{camera.port}/live")
        settings = Settings(capture=capture, analysis=AnalysisSettings(actions=()))
        with Stream(settings) as stream:
            begun, last_at, delays = time.time(), time.time(), []
            for result in stream:
                stream.overlay.render(result, FPS)
                ready_at = last_at = _burn(last_at + 2 / FPS)
                sent_at = _sent_at(camera, number_of(result.frame.image), ready_at)
                if ready_at - begun > 5:
                    delays.append((ready_at - begun - 5, ready_at - sent_at))
                if ready_at - begun > 60 * minutes + 5:
                    break
            summary = stream.summary
    _say_delay(delays, summary.frames, summary.dropped)


def _burn(until: float) -> float:
    """Work until that moment, and say which it became."""
    while time.time() < until:
        sum(range(2000))
    return time.time()


def _sent_at(camera: RtspCamera, number: int, now: float) -> float:
    """When the camera sent the latest picture of that number."""
    sent = camera.started_at + number / FPS
    return sent + (now - sent) // (LOOP / FPS) * (LOOP / FPS)


def _say_delay(delays: list[tuple[float, float]], frames: int, dropped: int) -> None:
    def line(name: str, of: list[float]) -> None:
        p50, p99 = np.percentile(of, (50, 99))
        print(f"| {name} | {len(of)} | {1e3 * p50:.0f} ms | {1e3 * p99:.0f} ms | {1e3 * max(of):.0f} ms |")

    print(f"\n{frames} frames analysed, {dropped} dropped: {(frames + dropped) / frames:.2f} times too much")
    print("\n| minute | frames | median | 99 % | longest |\n|---|---|---|---|---|")
    for minute in range(int(delays[-1][0] // 60) + 1):
        of = [d for at, d in delays if at // 60 == minute]
        if len(of) > 100:
            line(str(minute + 1), of)
    line("all", [d for _, d in delays])


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


def main() -> None:
    """Print the figures that were asked for."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options.add_argument("--part", choices=("faults", "delay", "timeouts"))
    options.add_argument("--minutes", type=float, default=10.0)
    given = options.parse_args()
    if missing():
        sys.exit(missing())
    logging.getLogger("streamface").setLevel(logging.ERROR)
    print(f"seed {given.seed}", flush=True)
    sys.stdout.reconfigure(line_buffering=True)
    with tempfile.TemporaryDirectory() as name:
        write_clip(Path(name) / "clip", pictures(), FPS)
        if given.part in (None, "faults"):
            faults(Path(name), given.seed)
        if given.part in (None, "delay"):
            delay(Path(name), given.minutes)
        if given.part in (None, "timeouts"):
            timeouts()


if __name__ == "__main__":
    main()
