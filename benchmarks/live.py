"""A live source in real time: how old a frame is when it is annotated, and what is skipped.

python -m benchmarks.live                       crowd_1080p at 25/s for 30 s, decoded as it comes
python -m benchmarks.live --overload --minutes 10   four times as much work as there is time for

Latency is counted from the moment at which a frame is due, before it is decoded, to its annotated picture. For the
overload the rate stays and the work is multiplied: every detection, refinement and look is done so many times over
that a frame needs four times the processor time that all cores have until the next one; how often that is follows
from a run of some seconds before. Frames are decoded beforehand then: a decoder that falls behind its camera is no
matter of the engine, which gets each frame too late. The slope is that of a straight line through all latencies;
beside it stand the first and the last tenth.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks import data
from benchmarks.paced import Paced
from benchmarks.slowed import Cost, Work, slowed, times_over
from streamface import build
from streamface.configuration import settings_from
from streamface.sinks.base import Sink
from streamface.stream import Stream, Summary
from streamface.types import FrameResult

ROOT = Path(__file__).resolve().parents[1]
EVERYTHING = "age,gender,race,emotion"
SETTLING_S, CALIBRATION_S = 4.0, 10.0
OVERLOAD = 4.0
SETTLING = 50
"""Frames at the start that do not count: the first detection and the first look at everybody."""


class Watch(Sink):
    """When each frame was due, and how old it was when its annotated picture was there."""

    wants_image = True

    def __init__(self) -> None:
        self.rows: list[tuple[float, float]] = []

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        at = result.frame.captured_at
        self.rows.append((at, 1e3 * (time.time() - at)))


@contextmanager
def _built(rate: float, seconds: float, times: int | None) -> Iterator[Work]:
    """Streams are built with the paced clip and, unless `times` is None, with networks that run `times` over."""
    clip, before = data.file("media/crowd_1080p.mp4"), build.source
    build.source = lambda settings: Paced(clip, rate, seconds, times is None)
    try:
        with slowed(times or 1) as work:
            yield work
    finally:
        build.source = before


def run(rate: float, seconds: float, actions: str, times: int | None = None) -> tuple[Summary, np.ndarray]:
    """One run; (N, 2) of when each annotated frame was due, in seconds, and its latency in milliseconds.

    times: how often networks run; None runs them once, and decodes each frame when it is due.
    """
    watch = Watch()
    with _built(rate, seconds, times), Stream(settings_from(_options(actions))) as stream:
        summary = stream.run([watch])
    return summary, np.array(watch.rows)


def _cost(rate: float, actions: str) -> tuple[float, float]:
    """Processor seconds of a frame, and of its networks."""
    with _built(rate, SETTLING_S + 2 * CALIBRATION_S, 1) as work, Stream(settings_from(_options(actions))) as stream:
        cost = Cost(work, SETTLING_S, CALIBRATION_S, time.process_time)
        stream.run([cost])
    return cost.frame


def _options(actions: str) -> list[str]:
    return ["--no-display", "--database", str(ROOT / "database"), "--actions", actions, "--no-watch"]


def told(name: str, summary: Summary, rows: np.ndarray) -> dict[str, float]:
    """Print one run, and its figures."""
    times, latency = rows[SETTLING:].T
    p50, p95, p99 = np.percentile(latency, (50, 95, 99))
    slope = 60 * np.polyfit(times - times[0], latency, 1)[0]
    tenth = max(1, len(latency) // 10)
    first, last = (np.percentile(part, 95) for part in (latency[:tenth], latency[-tenth:]))
    shown, dropped = summary.frames, summary.dropped
    print(f"{name}: {shown} frames annotated, {dropped} dropped ({dropped / (shown + dropped):.1%}), "
          f"{summary.postponed.looks} looks and {summary.postponed.detections} detections postponed")  # fmt: skip
    print(f"  capture to annotated frame: p50 {p50:.0f} ms, p95 {p95:.0f}, p99 {p99:.0f}, most {latency.max():.0f}")
    print(
        f"  growth {slope:+.2f} ms a minute; p95 of the first tenth {first:.0f} ms, of the last {last:.0f}", flush=True
    )
    return {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "growth_ms_per_minute": slope, "first_ms": first,
            "last_ms": last, "dropped": dropped, "frames": shown}  # fmt: skip


def steady(seconds: float, actions: str = EVERYTHING, rate: float = 25.0) -> dict[str, float]:
    """The clip at the rate of a camera."""
    return told(f"{rate:g}/s", *run(rate, seconds, actions))


def overloaded(minutes: float, actions: str = EVERYTHING, rate: float = 25.0) -> dict[str, float]:
    """Four times as much work for each frame as there is time for."""
    times = times_over(OVERLOAD, rate, *_cost(rate, actions))
    return told(f"overloaded {OVERLOAD:g}x, {minutes:g} min", *run(rate, 60 * minutes, actions, times))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=25.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--overload", action="store_true")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the overload")
    parser.add_argument("--actions", default=EVERYTHING)
    given = parser.parse_args()
    if given.overload:
        overloaded(given.minutes, given.actions)
    else:
        steady(given.seconds, given.actions, given.rate)


if __name__ == "__main__":
    main()
