"""How old a picture is when it is annotated while there is too much to do. `python -m benchmarks.overload`

A real RTSP camera (GStreamer's server, on this machine) sends the crowd clip as H.264, each picture with its number in
it. The program reads it by its own reader's process, with names, age, gender, emotion and race, and draws every result.
Every detection, refinement and look is done so many times over that a frame, were nothing skipped, would need
`--factor` times the processor time that all cores have until the next one; how often that is follows from a run of some
seconds before, in which the networks are told from the rest, reader and drawing too, which is done once. The delay is
from the moment at which the camera sends a picture to the moment at which its annotated picture is there.

Printed: the delays of each minute, and the slope of a straight line through all of them. To be reached: 99 % within
300 ms, and no growth: the last tenth no slower than the first, give or take a quarter.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import camera_clips
from benchmarks.running import ROOT, used_s
from benchmarks.slowed import Cost, slowed, times_over
from streamface.configuration import settings_from
from streamface.sinks.base import Sink
from streamface.stream import Stream, Summary
from streamface.types import FrameResult

from fault_camera import RtspCamera, missing, number_of  # isort: skip, where `camera_clips` finds it
from processes import readers  # isort: skip, there too

LIMIT_MS, GROWTH = 300.0, 1.25
CALIBRATION_S, SETTLING_S = 20.0, 5.0


class Watch(Sink):
    """When each picture was annotated, and how old it was."""

    wants_image = True

    def __init__(self, camera: RtspCamera, fps: float, loop: int) -> None:
        self._camera, self._fps, self._loop_s = camera, fps, loop / fps
        self.rows: list[tuple[float, float]] = []

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        now = time.time()
        past_s = now - self._camera.started_at - number_of(result.frame.image) / self._fps
        self.rows.append((now, 1e3 * (past_s % self._loop_s)))


def run(camera: RtspCamera, fps: float, loop: int, seconds: float, times: int) -> tuple[Summary, np.ndarray, Cost]:
    """One run: its summary, (N, 2) of seconds since the start and delay in milliseconds, and what its frames took."""
    options = [f"--source=rtsp://127.0.0.1:{camera.port}/live", "--no-display", f"--database={ROOT / 'database'}",
               "--actions=age,gender,emotion,race"]  # fmt: skip
    with slowed(times) as work, Stream(settings_from(options)) as stream:
        watch, begun = Watch(camera, fps, loop), time.time()
        cost = Cost(work, SETTLING_S, seconds, _used_s)
        summary = stream.run([watch, cost])
    rows = np.array(watch.rows)
    rows[:, 0] -= begun + SETTLING_S
    return summary, rows[rows[:, 0] > 0], cost


def _used_s() -> float:
    """Processor seconds of this process and of the reader that it started."""
    return time.process_time() + used_s(readers())


def measure(folder: Path, factor: float, minutes: float, fps: int, size_wh: tuple[int, int]) -> bool:
    """Print the figures; whether they are what was to be reached."""
    loop = camera_clips.write_numbered(folder / "clip", "crowd", fps, size_wh)
    with RtspCamera(folder, "clip", fps) as camera:
        _, _, cost = run(camera, fps, loop, CALIBRATION_S, 1)
        print(f"{size_wh[0]}x{size_wh[1]} at {fps}/s: ", end="")
        times = times_over(factor, fps, *cost.frame)
        summary, rows, cost = run(camera, fps, loop, 60 * minutes, times)
    share = cost.used[0] / (60 * minutes) / (os.cpu_count() or 1)
    return _say(summary, rows, share)


def _say(summary: Summary, rows: np.ndarray, share: float) -> bool:
    at, delay = rows.T
    print("\n| minute | frames | median | 99 % | longest |\n|---|---|---|---|---|")
    for minute in range(int(np.ceil(at[-1] / 60))):
        _row(str(minute + 1), delay[(at >= 60 * minute) & (at < 60 * (minute + 1))])
    p99 = _row("all", delay)
    tenth = max(1, len(delay) // 10)
    first, last = (float(np.percentile(part, 99)) for part in (delay[:tenth], delay[-tenth:]))
    slope = 60 * float(np.polyfit(at, delay, 1)[0])
    frames, dropped, postponed = summary.frames, summary.dropped, summary.postponed
    print(
        f"\n{frames} frames annotated, {dropped} dropped ({dropped / (frames + dropped):.0%}), {postponed.looks} looks "
        f"and {postponed.detections} detections postponed, {share:.0%} of the processors used; growth {slope:+.2f} ms "
        f"a minute, 99 % of the first tenth within {first:.0f} ms, of the last {last:.0f} ms"
    )
    return p99 < LIMIT_MS and last < GROWTH * first


def _row(name: str, delay: np.ndarray) -> float:
    if not len(delay):
        return 0.0
    p50, p99 = np.percentile(delay, (50, 99))
    print(f"| {name} | {len(delay)} | {p50:.0f} ms | {p99:.0f} ms | {delay.max():.0f} ms |", flush=True)
    return float(p99)


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--factor", type=float, default=2.0, help="work for each frame, in what there is time for")
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--fps", type=int, default=25)
    options.add_argument("--size", default="1920x1080")
    given = options.parse_args()
    if missing():
        sys.exit(missing())
    logging.getLogger("streamface").setLevel(logging.ERROR)
    size_wh = tuple(int(side) for side in given.size.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        return not measure(Path(folder), given.factor, given.minutes, given.fps, size_wh)


if __name__ == "__main__":
    sys.exit(main())
