"""Faults in random order between a camera and a source that is read all the time, and what came of each."""

from __future__ import annotations

import gc
import os
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fault_camera import RtspCamera, number_of
from fault_proxy import Proxy
from processes import readers

from streamface.capture.base import Source

CURRENT_S = 1.0
"""A picture that is older than this does not count as the camera's return."""
GIVEN_UP_S = 60.0
HARM_S = 5.0
"""So much longer a fault lasts when it has met nothing yet."""


@dataclass(frozen=True)
class Outcome:
    """One fault."""

    fault: str
    lasted_s: float
    harmed: int
    """What the proxy did to the stream: 0 would mean that the fault did not happen."""
    state: str
    """Of the source when the fault was over."""
    back_s: float
    """From the end of the fault to a whole, current picture; infinite when there was none in time."""
    slowest_read_s: float


@dataclass(frozen=True)
class Resources:
    """What the program and its readers hold."""

    threads: int
    handles: int
    children: int
    memory_mb: float

    @staticmethod
    def now() -> Resources:
        """Of this process, its children included in the memory."""
        gc.collect()
        children = readers()  # a camera is a child of this process, too, and no part of the program
        memory = sum(_memory_mb(pid) for pid in (os.getpid(), *children))
        return Resources(threading.active_count(), len(os.listdir("/proc/self/fd")), len(children), memory)


def _memory_mb(pid: int) -> float:
    """What the process holds for itself, without what it shares with others or could read from a file again."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it ended meanwhile
        return 0.0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_Dirty")) / 1024


class Run:
    """A source that reads `camera` through `proxy`, both open; the clip is as long as `loop` pictures."""

    def __init__(self, source: Source, camera: RtspCamera, proxy: Proxy, fps: float, loop: int) -> None:
        self.source, self.camera, self.proxy = source, camera, proxy
        self._fps, self._loop = fps, loop
        self.slowest_read_s = 0.0

    def age_s(self, image) -> float:
        """Seconds since the camera sent this picture; nonsense for a damaged one."""
        past_s = time.time() - self.camera.started_at - self.camera.late_s
        age_s = (past_s - number_of(image) / self._fps) % (self._loop / self._fps)
        return 0.0 if age_s > self._loop / self._fps - 0.5 else age_s  # the camera caught up meanwhile

    def watch(self, seconds: float, until: Callable[[object], bool] = lambda frame: False) -> float | None:
        """Read for so long, or until a frame is as wanted; how long that took, None when none was."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            before = time.monotonic()
            frame = self.source.read()
            assert frame is not None, "the stream ended"
            self.slowest_read_s = max(self.slowest_read_s, time.monotonic() - before)
            if until(frame):
                return time.monotonic() - begun
        return None

    def is_current(self, frame) -> bool:
        """True for a whole new picture that was sent a moment ago."""
        return not frame.repeated and self.age_s(frame.image) < CURRENT_S

    def suffer(self, fault: str, seconds: float) -> Outcome:
        """One fault of that length, and the wait until the camera is back."""
        self.watch(GIVEN_UP_S, self.is_current)
        self.slowest_read_s, harmed, begun = 0.0, self.proxy.harmed, time.monotonic()
        self.proxy.set(fault)
        self.watch(seconds)
        if self.proxy.harmed == harmed:  # nothing was under way in so short a time
            self.watch(HARM_S, lambda frame: self.proxy.harmed > harmed)
        seconds = time.monotonic() - begun
        state = self.source.state.state
        self.proxy.set("pass")
        back_s = self.watch(GIVEN_UP_S, self.is_current)
        return Outcome(
            fault,
            seconds,
            self.proxy.harmed - harmed,
            state,
            float("inf") if back_s is None else back_s,
            self.slowest_read_s,
        )

    def suffer_all(
        self,
        faults: Sequence[str],
        length_s: tuple[float, float],
        pause_s: tuple[float, float],
        chance: random.Random,
        tell: Callable[[int, Outcome], None] = lambda number, outcome: None,
    ) -> list[Outcome]:
        """The faults in random order, each of random length, with pauses of random length between."""
        order = list(faults)
        chance.shuffle(order)
        outcomes = []
        for number, fault in enumerate(order):
            self.watch(chance.uniform(*pause_s))
            outcomes.append(self.suffer(fault, chance.uniform(*length_s)))
            tell(number, outcomes[-1])
        return outcomes
