"""Being told by the system that something in a folder changed, where it can tell."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable
from pathlib import Path

NETWORK_DRIVES = ("nfs", "cifs", "smb", "9p", "fuse", "afs", "ceph", "gluster", "lustre", "virtiofs", "vboxsf", "davfs")
"""Starts of the names of file systems whose changes, made by another machine, the system does not hear of."""
MOUNTS = Path("/proc/self/mountinfo")

log = logging.getLogger(__name__)


class Notices:
    """Calls `told`, from a thread of its own, soon after something below `folder` changed; a context manager.

    `works` is False where nobody tells: where there is no folder, on a network drive, where a person's folder is a
    link to elsewhere, and where the system has no watches left. Then somebody has to look now and then.
    """

    def __init__(self, folder: Path, told: Callable[[], None]) -> None:
        self.works = False
        self._observer = None
        if os.path.isdir(folder) and not on_network_drive(folder) and not _has_linked_folders(folder):
            self._start(folder, told)

    def _start(self, folder: Path, told: Callable[[], None]) -> None:
        from watchdog import events
        from watchdog.observers import Observer

        class Handler(events.FileSystemEventHandler):
            def on_any_event(self, event: events.FileSystemEvent) -> None:
                told()

        # Not of files that are opened or read: enrolment itself does that.
        kinds = [events.DirCreatedEvent, events.DirDeletedEvent, events.DirMovedEvent, events.FileClosedEvent]
        kinds += [events.FileCreatedEvent, events.FileDeletedEvent, events.FileModifiedEvent, events.FileMovedEvent]
        # watchdog 7 warns, with a name in it, where it meets a new folder twice; under -W error it would watch no more.
        warnings.filterwarnings("ignore", "Callback with id", RuntimeWarning)
        observer = Observer()
        observer.name = "streamface-notices"
        try:
            observer.schedule(Handler(), os.fspath(folder), recursive=True, event_filter=kinds)
            observer.start()
        except OSError as error:
            log.warning("%s cannot be watched (%s): it is looked through instead", folder, error.strerror or error)
            return
        self._observer, self.works = observer, True

    def close(self) -> None:
        """End the thread; may be called twice."""
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            observer.join()

    def __enter__(self) -> Notices:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def on_network_drive(folder: Path) -> bool:
    """True where changes by another machine would not be told; False where that is not known."""
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        return False
    whole, best, kind = os.path.realpath(folder), "", ""
    for line in mounts:
        left, _, right = line.partition(" - ")
        place = left.split(" ")[4].replace("\\040", " ")
        inside = whole == place or whole.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best):  # of two mounts on one place the later one shows
            best, kind = place, right.split(" ")[0]
    return kind.startswith(NETWORK_DRIVES)


def _has_linked_folders(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(entry.is_symlink() for entry in entries)
    except OSError:  # it cannot be listed now: look again later
        return True
