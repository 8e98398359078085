"""Everything that is kept of a person, given out or deleted while the stream runs."""

from __future__ import annotations

import logging
import os
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO

from streamface.errors import StreamfaceError
from streamface.gallery_commands.export import write
from streamface.gallery_commands.removal import Plan, Removal
from streamface.runtime import cache
from streamface.runtime.priority import lower_priority
from streamface.settings import Settings
from streamface.web.enrolment import Enrolments
from streamface.web.views import View

EXPORT, ERASURE = "export", "erasure"
RUNNING, DONE, FAILED = "running", "done", "failed"
MOST_KEPT, KEPT_S = 4, 600.0
"""Tasks remembered, with the archives that they made, and for how long after their end."""
TOLD_S = 10.0
"""What a camera may take until its outputs have heard that somebody is erased; one that gives nothing hears it with
its next frame."""

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Task:
    """An export or an erasure that goes on, or is over."""

    kind: str
    person: str
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    state: str = RUNNING
    looked_at: int = 0
    pictures: int = 0
    """Pictures of the cameras that were looked at so far, and all of them."""
    problem: str | None = None
    found: dict[str, int] = field(default_factory=dict)
    """Kind of trace -> how many there were."""
    left: dict[str, int] = field(default_factory=dict)
    """The same, looked for anew after deleting."""
    unsearched: int = 0
    """Recordings, or folders of them, that are not looked through."""
    archive: IO[bytes] | None = None
    """A file without a name: it is gone with the process."""
    ended_at: float = float("inf")

    @property
    def size(self) -> int:
        """Bytes of the archive."""
        return os.fstat(self.archive.fileno()).st_size

    def progress(self, done: int, total: int) -> None:
        """So many of the cameras' pictures were looked at."""
        self.looked_at, self.pictures = done, total


class Traces:
    """One task at a time, in a thread of low priority beside the stream; threads may share it.

    Args:
        cameras: settings that say what is written where.
        enrolments: those going on, and the desk of the people.
        clock: seconds that never fall.
    """

    def __init__(
        self, cameras: Sequence[Settings], enrolments: Enrolments, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cameras, self._enrolments, self._clock = tuple(cameras), enrolments, clock
        self._tasks: dict[str, Task] = {}
        self._timers: list[threading.Timer] = []
        self._closed = False
        self._lock = threading.Lock()

    def begin(self, kind: str, person: str, views: Mapping[str, View]) -> Task | None:
        """Begin to export or to erase; None while another task goes on. views: of the cameras that run."""
        with self._lock:
            self._expire()
            if any(task.state == RUNNING for task in self._tasks.values()):
                return None
            task = Task(kind, person)
            self._tasks[task.id] = task
        threading.Thread(target=self._run, args=(task, views), name="streamface-traces", daemon=True).start()
        return task

    def find(self, key: str) -> Task | None:
        """One that goes on, or was over a while ago."""
        with self._lock:
            self._expire()
            return self._tasks.get(key)

    def close(self) -> None:
        """Delete the archives; a task that goes on is left behind."""
        with self._lock:
            self._closed = True
            for timer in self._timers:
                timer.cancel()
            for task in self._tasks.values():
                if task.archive is not None:
                    task.archive.close()
            self._tasks.clear()

    def _run(self, task: Task, views: Mapping[str, View]) -> None:
        lower_priority()
        state = FAILED
        try:
            removal = Removal(self._cameras, task.person, self._enrolments.desk.limits, task.progress)
            if task.kind == EXPORT:
                self._export(task, removal)
            else:
                self._erase(task, removal, views)
            state = DONE
        except (StreamfaceError, OSError) as error:
            task.problem = str(error)
        except Exception as error:  # a fault of ours, which must not leave the page waiting
            log.error("fault: %s: %s", type(error).__name__, error)
            task.problem = f"fault: {type(error).__name__}"
        finally:
            task.ended_at = self._clock()  # first: whoever sees it over may ask since when
            task.state = state
            self._tidy_later()

    def _export(self, task: Task, removal: Removal) -> None:
        plan = removal.plan()
        with ExitStack() as closing:
            archive = closing.enter_context(tempfile.TemporaryFile(dir=cache.folder("exports")))
            task.found, task.unsearched = write(removal, plan, archive), len(plan.unsearched)
            archive.flush()
            task.archive = archive
            closing.pop_all()

    def _erase(self, task: Task, removal: Removal, views: Mapping[str, View]) -> None:
        """First nothing more is told of the person; then all is deleted, and looked for again."""
        desk, known = self._enrolments.desk, self._enrolments.desk.known
        known.erase(task.person)
        try:
            _await(lambda: all(_has_heard(view, task.person) for view in views.values()), TOLD_S)
            self._enrolments.drop(task.person)
            plan = removal.plan()
            task.found, task.unsearched = counted(plan), len(plan.unsearched)
            desk.erase(task.person, lambda: removal.carry_out(plan))
        except BaseException:
            known.spare(task.person)
            raise
        task.left = removal.left(plan)

    def _tidy_later(self) -> None:
        """Let go of what is over also when nobody asks any more."""
        timer = threading.Timer(KEPT_S + 1, lambda: self.find(""))
        timer.daemon = True
        with self._lock:
            if self._closed:
                return
            self._timers = [*(one for one in self._timers if one.is_alive()), timer]
            timer.start()

    def _expire(self) -> None:
        now = self._clock()
        old = [key for key, task in self._tasks.items() if now - task.ended_at > KEPT_S]
        over = [key for key, task in self._tasks.items() if task.state != RUNNING and key not in old]
        for key in [*old, *over[: max(0, len(over) - MOST_KEPT)]]:
            archive = self._tasks.pop(key).archive
            if archive is not None:
                archive.close()


def counted(plan: Plan) -> dict[str, int]:
    """How many traces there are, by the kinds that `Removal.left` looks for."""
    return {
        "pictures": plan.pictures,
        "other files": len(plan.others),
        "embeddings": plan.embeddings,
        "counter-examples": len(plan.counters),
        "strangers": len(plan.strangers),
        "rows": sum(plan.rows.values()),
        "snapshots": len(plan.snapshots),
    }


def _has_heard(view: View, person: str) -> bool:
    """Whether a camera's outputs know; a view is the last of them."""
    newest = view.newest.result
    return newest is None or person in newest.erased


def _await(what: Callable[[], bool], within_s: float) -> None:
    end = time.monotonic() + within_s
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
