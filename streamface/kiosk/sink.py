"""The kiosk beside a stream: takes its results, shows what is to be done, and tells what is decided."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from streamface.errors import OutputError
from streamface.kiosk.audit import Audit, Circumstances, Record, record
from streamface.kiosk.hooks import Hooks
from streamface.kiosk.looking import Looking
from streamface.kiosk.machine import Kiosk
from streamface.kiosk.qr import QrReader, cleaned
from streamface.kiosk.screen import OFFLINE, Decision, Screen
from streamface.kiosk.texts import told
from streamface.sinks.base import Sink
from streamface.sinks.event_output import EventOutput, utc
from streamface.types import FrameResult

EXPIRE_EVERY_S = 600.0
"""Seconds between two looks for records that are too old."""
T = TypeVar("T")
log = logging.getLogger("streamface")


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told of decisions."""

    level: str
    threshold: float
    """The largest distance that this level allows."""
    audit: Audit | None = None
    hooks: Hooks | None = None
    outputs: Sequence[EventOutput] = ()
    """Such as a webhook."""
    keep_days: float | None = None
    """Days after which records are deleted; None: never."""


class KioskSink(Sink):
    """Runs a `Kiosk` on the results of a stream; what it shows may be asked for by any thread.

    Args:
        kiosk: decides.
        looking: makes scenes of results.
        told: hears of decisions; closed with this sink. One that fails is named in `failures`, and the kiosk goes on.
    """

    wants_repeated = True

    def __init__(self, kiosk: Kiosk, looking: Looking, told: Told) -> None:
        self._kiosk, self._looking, self._told = kiosk, looking, told
        self._lock = threading.Lock()
        self._codes: QrReader | None = None
        self._now: tuple[Screen, float] = (Screen(OFFLINE), 0.0)
        self._begun, self._expired_at = False, float("-inf")
        self._outputs = list(told.outputs)
        self._failures: dict[str, None] = {}

    @property
    def failures(self) -> list[str]:
        """One line for everything that could not be told, or was told late."""
        told = [part for part in (self._told.audit, *self._outputs) if part is not None]
        return [*self._failures, *(line for part in told for line in part.failures)]

    @property
    def claims(self) -> bool:
        """Whether somebody has to say who they are."""
        return self._kiosk.claims

    @property
    def now(self) -> tuple[Screen, float]:
        """What is shown, and the stream's clock with it."""
        return self._now

    def claim(self, text: str) -> bool:
        """Somebody says who they are; False where that is not asked for, or is no name."""
        name = cleaned(text)
        if name is None:
            return False
        with self._lock:
            return self._kiosk.claim(self._looking.named(name), self._now[1])

    def cancel(self) -> None:
        """Take a claim back."""
        with self._lock:
            self._kiosk.cancel()

    def over(self, window: Sink, notice: Callable[[np.ndarray, str], np.ndarray]) -> Banner:
        """The window with what is to be done written over its picture; notice: draws a text, (image, text) -> image."""
        return Banner(window, self, notice)

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        """Judge one result."""
        if not self._begun:
            self._begun = True
            self._each_output(lambda output: output.begin(result.frame.source))
        self._try_again()
        self._expire(result.frame.captured_at)
        with self._lock:
            scene = self._looking.scene(result, self._kiosk.claimed)
            screen, decision = self._kiosk.step(scene)
        self._now = screen, scene.at
        if decision is not None:
            self._tell(decision, result)
        elif scene.is_live and self._kiosk.wants_claim:
            self._look_for_code(result.frame.image, scene.at)

    def _look_for_code(self, image: np.ndarray, at: float) -> None:
        self._codes = self._codes or QrReader()
        if (name := self._codes.read(image, at)) is not None:
            self.claim(name)

    def _tell(self, decision: Decision, result: FrameResult) -> None:
        id, frame = uuid.uuid4().hex, result.frame
        snapshot = self._snapshot(decision, result, id)
        level, threshold = self._told.level, self._told.threshold
        made = record(decision, Circumstances(id, utc(frame.captured_at), frame.source, level, threshold), snapshot)
        log.info("%s", summary(made))
        if self._told.audit is not None:
            self._told.audit.write(made)
        self._each_output(lambda output: output.add([made]))
        if self._told.hooks is not None:
            self._told.hooks.decided(decision.accepted, made)

    def _try_again(self) -> None:
        """What waits for room on a disk is written without waiting for another decision."""
        if self._told.audit is not None:
            self._told.audit.write()
        self._each_output(lambda output: output.add([]))

    def _expire(self, now: float) -> None:
        """Now and then, delete what is too old."""
        if self._told.keep_days is None or self._told.audit is None or abs(now - self._expired_at) < EXPIRE_EVERY_S:
            return
        self._expired_at = now
        self._told.audit.expire(utc(now - self._told.keep_days * 86_400))

    def _snapshot(self, decision: Decision, result: FrameResult, id: str) -> str | None:
        box = next((face.track.detection.box for face in result.faces if face.track.id == decision.track), None)
        if self._told.audit is None or box is None:
            return None
        image, time = result.frame.image, utc(result.frame.captured_at)
        return self._guarded(lambda: self._told.audit.keep(image, box, id, time))

    def _guarded(self, call: Callable[[], T]) -> T | None:
        """The answer of `call`; where it fails, that is said once, and the kiosk goes on without."""
        try:
            return call()
        except OutputError as error:
            if str(error) not in self._failures:
                self._failures[str(error)] = None
                log.error("%s", error)
            return None

    def _each_output(self, call: Callable[[EventOutput], None]) -> None:
        for output in self._outputs:
            self._guarded(lambda output=output: call(output))

    def close(self) -> None:
        """End everything that is told; may be called twice."""
        for part in (self._told.audit, self._told.hooks, *self._outputs):
            if part is not None:
                part.close()


def summary(made: Record) -> str:
    """A decision in one line for the log, without a name that somebody typed."""
    who = made["person"] if made["decision"] == "accepted" else made["reason"]
    return f"kiosk: {made['decision']} ({who}) after {made['took_s']:.1f} s" + (", locked" if made["locks"] else "")


class Banner(Sink):
    """A window's sink that gets the kiosk's words written over its picture.

    Args:
        window: shows pictures.
        kiosk: whose words.
        notice: draws a text over a picture: (image, text) -> image.
    """

    wants_image, wants_repeated, on_main_thread = True, True, True

    def __init__(self, window: Sink, kiosk: KioskSink, notice: Callable[[np.ndarray, str], np.ndarray]) -> None:
        self._window, self._kiosk, self._notice = window, kiosk, notice

    def write(self, result: FrameResult, image: np.ndarray | None) -> None:
        """Show one picture with what is to be done."""
        title, more = told(*self._kiosk.now)
        self._window.write(result, self._notice(image, f"{title}. {more}" if more else title))

    @property
    def wants_stop(self) -> bool:
        """As the window says."""
        return self._window.wants_stop

    def close(self) -> None:
        """Close the window."""
        self._window.close()
