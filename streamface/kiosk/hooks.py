"""Commands that are run after a decision: without a shell, so that no name can become a command."""

from __future__ import annotations

import json
import logging
import os
import queue
import shlex
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence

from streamface.errors import SettingsError

TIMEOUT_S = 30.0
"""A command that takes longer is ended."""
WAITING = 16
"""Decisions that may wait for a command; beyond, the newest is left out and said."""
FAREWELL_S = 2.0

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
    return {f"STREAMFACE_{name.upper()}": _text(value) for name, value in record.items()}


def _text(value: object) -> str:
    if value is None:
        return ""
    text = " ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
    return text.replace("\0", "")


class Hooks:
    """Runs a command for each decision, one after another in a thread of its own.

    The record reaches it in its environment, and as JSON on its standard input; never in its arguments.

    Args:
        accepted, refused: program and arguments, None for none.
    """

    def __init__(self, accepted: Sequence[str] | None, refused: Sequence[str] | None) -> None:
        self._commands = {True: accepted, False: refused}
        self._queue: queue.Queue[tuple[Sequence[str], Record] | None] = queue.Queue(WAITING)
        self._running: subprocess.Popen | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="streamface-hooks", daemon=True)
        self._thread.start()

    def decided(self, accepted: bool, record: Record) -> None:
        """Run the command for a decision soon; returns at once."""
        wanted = self._commands[accepted]
        if wanted is None:
            return
        try:
            self._queue.put_nowait((wanted, record))
        except queue.Full:
            log.error("%s: too slow, a decision was left out", wanted[0])

    def close(self) -> None:
        """Run what waits, for two seconds, and end."""
        if not self._thread.is_alive():
            return
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            self._stopping.set()
        self._thread.join(FAREWELL_S)
        self._stopping.set()
        if self._running is not None:
            self._running.kill()
        self._thread.join(1.0)

    def _work(self) -> None:
        while (job := self._queue.get()) is not None and not self._stopping.is_set():
            self._run(*job)

    def _run(self, wanted: Sequence[str], record: Record) -> None:
        body = json.dumps(record, ensure_ascii=False).encode()
        try:
            self._running = subprocess.Popen(
                wanted, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={**os.environ, **environment(record)}, start_new_session=True,
            )  # fmt: skip
            self._running.communicate(body, TIMEOUT_S)
            if self._running.returncode:
                log.error("%s: ended with exit code %d", wanted[0], self._running.returncode)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()
            log.error("%s: ended after %.0f s without an end", wanted[0], TIMEOUT_S)
        except (OSError, ValueError) as error:
            log.error("%s: cannot be run (%s)", wanted[0], getattr(error, "strerror", None) or error)
        finally:
            self._running = None
