"""Networks that do everything several times over, for streams that have more to do than there is time for."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from unittest import mock

import numpy as np

from streamface import build
from streamface.build import stages
from streamface.settings import Settings
from streamface.sinks.base import Sink
from streamface.types import FrameResult


class Work:
    """What the repeated work takes when it is done once, in processor seconds; from any thread."""

    def __init__(self) -> None:
        self._pieces: list[tuple[str, float]] = []

    def add(self, name: str, seconds: float) -> None:
        """One more piece of work."""
        self._pieces.append((name, seconds))

    @property
    def once_s(self) -> float:
        """Of all pieces so far."""
        return sum(seconds for _, seconds in self._pieces)

    @property
    def names(self) -> set[str]:
        """What has been done at all."""
        return {name for name, _ in self._pieces}


class Again:
    """An object whose named methods do their work `times` over, and answer once.

    A network runs in the thread that calls it, as long as `--threads` is 1: that thread's time is its work.
    """

    def __init__(self, inner: object, names: Sequence[str], times: int, work: Work) -> None:
        self._inner, self._names, self._times, self._work = inner, names, times, work

    def __getattr__(self, name: str) -> object:
        method = getattr(self._inner, name)
        return partial(self._repeated, name, method) if name in self._names else method

    def _repeated(self, name: str, method: Callable, *arguments: object) -> object:
        for _ in range(self._times - 1):
            method(*arguments)
        begun = time.thread_time()
        answer = method(*arguments)
        self._work.add(name, time.thread_time() - begun)
        return answer


class AgainTimed(Again):
    """The same for looks, whose answers say how long they took."""

    def _repeated(self, name: str, method: Callable, *arguments: object) -> object:
        answer = super()._repeated(name, method, *arguments)
        return replace(answer, timings={stage: self._times * ms for stage, ms in answer.timings.items()})


@contextmanager
def slowed(times: int) -> Iterator[Work]:
    """Streams are built with detection, refinement and looks `times` over."""
    work, detector, analysis = Work(), stages.detector, build.analysis

    def detecting(settings: Settings) -> Again:
        return Again(detector(settings), ("detect", "refine"), times, work)

    def looking(settings: Settings) -> AgainTimed:
        return AgainTimed(analysis(settings), ("look",), times, work)

    # Each where a stream takes it from.
    with mock.patch.object(stages, "detector", detecting), mock.patch.object(build, "analysis", looking):
        yield work
    if missing := {"detect", "refine", "look"} - work.names:
        raise RuntimeError(f"never done, so not slowed either: {', '.join(sorted(missing))}")


class Cost(Sink):
    """What frames take; ends the run.

    Args:
        work: of the networks that the stream was built with.
        settling_s: the start, which does not count: networks are opened, everybody is new.
        seconds: that count after it.
        used_s: processor seconds of all that counts, so far.
    """

    wants_image = True

    def __init__(self, work: Work, settling_s: float, seconds: float, used_s: Callable[[], float]) -> None:
        self._work, self._used_s = work, used_s
        self._from = time.monotonic() + settling_s
        self._to = self._from + seconds
        self._begun: np.ndarray | None = None
        self._ended: np.ndarray | None = None
        self._frames = 0

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        now = time.monotonic()
        if self._begun is None:
            self._begun = self._now() if now >= self._from else None
        elif self._ended is None:
            self._frames += 1
            self._ended = self._now() if now >= self._to else None

    @property
    def wants_stop(self) -> bool:
        return self._ended is not None

    @property
    def used(self) -> tuple[float, float]:
        """Processor seconds of everything, and of the networks run once."""
        return tuple((self._ended - self._begun).tolist())

    @property
    def frame(self) -> tuple[float, float]:
        """The same for one annotated frame."""
        return self.used[0] / self._frames, self.used[1] / self._frames

    def _now(self) -> np.ndarray:
        return np.array([self._used_s(), self._work.once_s])


def times_over(factor: float, fps: float, frame_s: float, once_s: float) -> int:
    """How many times over the networks must run for a frame to need `factor` times what there is; said, too.

    Args:
        factor: of the processor time that all cores have until the next frame.
        fps: frames per second of the source.
        frame_s: processor seconds that one frame takes, everything counted, with the networks run once.
        once_s: of which the networks, the only part that is multiplied.
    """
    there_s = (os.cpu_count() or 1) / fps
    times = max(1, math.ceil((factor * there_s - (frame_s - once_s)) / once_s))
    needs_s = frame_s + (times - 1) * once_s
    print(
        f"a frame takes {1e3 * frame_s:.0f} ms of processor time, {1e3 * once_s:.0f} of them in networks, where there "
        f"is {1e3 * there_s:.0f}: they run {times} times over, which makes {1e3 * needs_s:.0f} ms, "
        f"{needs_s / there_s:.1f} times as much as there is"
    )
    return times
