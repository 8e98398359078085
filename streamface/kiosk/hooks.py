"""Commands that are run soon after a decision, or not at all; without a shell, so that no name becomes a command."""

from __future__ import annotations

import json
import logging
import os
import queue
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from streamface.errors import SettingsError

TIMEOUT_S = 30.0
"""A command that takes longer is ended, with everything that it started."""
WAITING = 16
"""Decisions that may wait for a command; beyond, the newest is left out and said."""
LATEST_S = 5.0
"""Whoever was accepted longer ago may have gone: the command is left out, so that no door opens for the next one."""
FAREWELL_S = 1.0
OURS, SECRET = "STREAMFACE_", "PASSWORD"
"""How variables of ours begin; those with the second in their names are not handed on."""

log = logging.getLogger(__name__)

Record = Mapping[str, object]


def command(text: str, option: str) -> tuple[str, ...]:
    """Program and arguments of a command line; raises `SettingsError` where there is no such program."""
    try:
        parts = tuple(shlex.split(text))
    except ValueError as error:
        raise SettingsError(f"{option} cannot be read ({error}): check its quotes") from error
    if not parts or shutil.which(parts[0]) is None:
        raise SettingsError(f"{option} names no program that can be run: {parts[0] if parts else 'it is empty'}")
    return parts


def environment(record: Record) -> dict[str, str]:
    """The record as variables: STREAMFACE_DECISION, STREAMFACE_PERSON and so on; what is unknown is empty."""
    return {OURS + name.upper(): _text(value) for name, value in record.items()}


def _inherited() -> dict[str, str]:
    """Our own environment without passwords."""
    return {name: value for name, value in os.environ.items() if not (name.startswith(OURS) and SECRET in name)}


def _text(value: object) -> str:
    if value is None:
        return ""
    text = " ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
    return text.replace("\0", "")


class Hooks:
    """Runs a command for each decision; one for those who are refused never holds up one for those who are accepted.

    The record reaches it in its environment, and as JSON on its standard input; never in its arguments.

    Args:
        accepted, refused: program and arguments, None for none.
    """

    def __init__(self, accepted: Sequence[str] | None, refused: Sequence[str] | None) -> None:
        wanted = {True: (accepted, LATEST_S), False: (refused, float("inf"))}
        self._runners = {key: Runner(parts, latest_s) for key, (parts, latest_s) in wanted.items() if parts}

    def decided(self, accepted: bool, record: Record) -> None:
        """Run the command for a decision soon; returns at once."""
        if accepted in self._runners:
            self._runners[accepted].run(record)

    def close(self) -> None:
        """Run what waits, for a second, and end."""
        end = time.monotonic() + FAREWELL_S
        for runner in self._runners.values():
            runner.close(max(0.0, end - time.monotonic()))


class Runner:
    """Runs one command, once a record, one after another in a thread of its own.

    Args:
        wanted: program and arguments.
        latest_s: a record that has waited for longer is left out.
    """

    def __init__(self, wanted: Sequence[str], latest_s: float) -> None:
        self._wanted, self._latest_s = wanted, latest_s
        self._queue: queue.Queue[tuple[float, Record] | None] = queue.Queue(WAITING)
        self._running: subprocess.Popen | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="streamface-hooks", daemon=True)
        self._thread.start()

    def run(self, record: Record) -> None:
        """Run it soon; returns at once."""
        try:
            self._queue.put_nowait((time.monotonic(), record))
        except queue.Full:
            self._say("too slow, a decision was left out")

    def close(self, farewell_s: float) -> None:
        """Run what waits for so long, and end; may be called twice."""
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            self._stopping.set()
        self._thread.join(farewell_s)
        self._stopping.set()
        if (running := self._running) is not None:
            _end(running)
        self._thread.join(0.5)

    def _work(self) -> None:
        while (job := self._queue.get()) is not None and not self._stopping.is_set():
            decided_at, record = job
            if time.monotonic() - decided_at > self._latest_s:
                self._say(f"left out, the decision is more than {self._latest_s:.0f} s old")
            else:
                self._run(record)

    def _run(self, record: Record) -> None:
        try:
            self._running = running = subprocess.Popen(
                self._wanted, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={**_inherited(), **environment(record)}, start_new_session=True,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            self._say(f"cannot be run ({getattr(error, 'strerror', None) or error})")
            return
        try:
            running.communicate(json.dumps(record).encode(), TIMEOUT_S)
            if running.returncode and not self._stopping.is_set():
                self._say(f"ended with exit code {running.returncode}")
        except subprocess.TimeoutExpired:
            _end(running)
            running.wait()
            self._say(f"ended after {TIMEOUT_S:.0f} s without an end")
        finally:
            self._running = None

    def _say(self, what: str) -> None:
        log.error("%s: %s", self._wanted[0], what)


def _end(running: subprocess.Popen) -> None:
    """End a command and what it started, which is a session of its own where the system knows such."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(running.pid, signal.SIGKILL)
        else:
            running.kill()
