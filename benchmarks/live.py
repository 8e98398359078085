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
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import data
from benchmarks.paced import Paced
from streamface import build
from streamface.configuration import settings_from
from streamface.sinks.base import Sink
from streamface.stream import Stream, Summary
from streamface.types import FrameResult

ROOT = Path(__file__).resolve().parents[1]
EVERYTHING = "age,gender,race,emotion"
CALIBRATION_S = 10.0
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


class Again:
    """An object whose named methods do their work `times` over, and answer once."""

    def __init__(self, inner: object, names: Sequence[str], times: int) -> None:
        self._inner, self._names, self._times = inner, names, times

    def __getattr__(self, name: str) -> object:
        method = getattr(self._inner, name)
        return partial(self._repeated, method) if name in self._names else method

    def _repeated(self, method: Callable, *arguments: object) -> object:
        for _ in range(self._times - 1):
            method(*arguments)
        return method(*arguments)


class AgainTimed(Again):
    """The same for looks, whose answers say how long they took."""

    def _repeated(self, method: Callable, *arguments: object) -> object:
        answer = super()._repeated(method, *arguments)
        return replace(answer, timings={stage: self._times * ms for stage, ms in answer.timings.items()})


@contextmanager
def slowed(times: int) -> Iterator[None]:
    """Streams are built with networks that do everything `times` over."""
    before = {name: getattr(build, name) for name in ("detector", "analysis")}
    if times > 1:
        build.detector = lambda settings: Again(before["detector"](settings), ("detect", "refine"), times)
        build.analysis = lambda settings: AgainTimed(before["analysis"](settings), ("look",), times)
    try:
        yield
    finally:
        for name, function in before.items():
            setattr(build, name, function)


@contextmanager
def _built(rate: float, seconds: float, times: int) -> Iterator[None]:
    """Streams are built with the paced clip and, for `times` above 1, with slow networks."""
    clip, before = data.file("media/crowd_1080p.mp4"), build.source
    build.source = lambda settings: Paced(clip, rate, seconds, times == 1)
    try:
        with slowed(times):
            yield
    finally:
        build.source = before


def run(rate: float, seconds: float, times: int, actions: str) -> tuple[Summary, np.ndarray]:
    """One run; (N, 2) of when each annotated frame was due, in seconds, and its latency in milliseconds."""
    options = ["--no-display", "--database", str(ROOT / "database"), "--actions", actions, "--no-watch"]
    watch = Watch()
    with _built(rate, seconds, times), Stream(settings_from(options)) as stream:
        summary = stream.run([watch])
    return summary, np.array(watch.rows)


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
    return told(f"{rate:g}/s", *run(rate, seconds, 1, actions))


def overloaded(minutes: float, actions: str = EVERYTHING, rate: float = 25.0) -> dict[str, float]:
    """Four times as much work for each frame as there is time for."""
    used = time.process_time()
    summary, _ = run(rate, CALIBRATION_S, 1, actions)
    frame_ms = 1e3 * (time.process_time() - used) / summary.frames
    there_is_ms = (os.cpu_count() or 1) * 1e3 / rate
    times = max(2, round(OVERLOAD * there_is_ms / frame_ms))
    print(
        f"a frame takes {frame_ms:.0f} ms of processor time where there is {there_is_ms:.0f}: done {times} times over"
    )
    return told(f"overloaded {OVERLOAD:g}x, {minutes:g} min", *run(rate, 60 * minutes, times, actions))


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
