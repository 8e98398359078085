"""Keeping a gallery true to its folder while it is in use."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol

from streamface.errors import GalleryError
from streamface.gallery._notices import Notices
from streamface.gallery.base import Encoder, Photo, Row
from streamface.gallery.counter_examples import split
from streamface.gallery.enroll import embed, enroll
from streamface.gallery.gallery import Gallery
from streamface.gallery.live import LiveGallery
from streamface.gallery.pictures import Pictures
from streamface.gallery.scan import pictures
from streamface.gallery.store import Store
from streamface.runtime.priority import lower_priority

SETTLE_S = 0.3
"""A picture counts once its size and time have stood still for so long: until then somebody may be writing it."""
SURE_S = 2.0
"""A picture that cannot be used is only believed after so long: a slow copy pauses."""
POLL_S, REST_S = 0.5, 10.0
"""Between two looks at the folder, where nobody tells of changes and where somebody does."""
POLL_SHARE = 20
"""Looking through the folder takes at most this part of the time: half a second for 100,000 pictures, then ten of
rest."""
ROUND, ROUND_S = 16, 0.3
"""Pictures embedded, at most and for how long, before the folder is looked at again, so that nobody who is removed
stays while hundreds are added, and that the end of the run does not wait."""
MOST_AT_HAND = 50_000
"""Up to so many pictures everything is at hand in memory, 100 MB, and a change takes less than 2 s; a larger gallery is
read anew from its store, which takes as long as a start."""
IDLE_S = 60.0
"""The networks are given back after so long without a new picture."""
MOST_SAID = 1000
"""Warnings remembered, so that none comes twice."""
START_S = 30.0
"""What a change waits at most for the thread to have read the store."""

log = logging.getLogger(__name__)


class WatchEncoder(Encoder, Protocol):
    """An encoder that loads its networks with the first picture, again after `close`."""

    def close(self) -> None:
        """Give back the networks."""


@dataclass(slots=True)
class _Pending:
    """A difference between folder and gallery that waits to be believed."""

    photo: Photo | None
    """None for a picture that is gone."""
    since: float
    due: float
    """When to look at it; `since` and this in seconds of `monotonic`."""


class Watcher:
    """Follows the folder of a `LiveGallery` in a thread of its own; a context manager.

    New and changed pictures are embedded, deleted ones forgotten, and a new gallery is swapped in. Whatever goes
    wrong is logged once, and the gallery stays as it is.

    Args:
        live: holds the gallery of `folder` as it was enrolled into `store`.
        folder, store: as `open_gallery` took them.
        encoder: used by this thread alone, and closed by it.
    """

    def __init__(self, live: LiveGallery, folder: Path, store: Path, encoder: WatchEncoder) -> None:
        self._live, self._folder, self._store, self._encoder = live, Path(folder), store, encoder
        self._rows: dict[str, Row] = {}
        self._place = _place(folder)
        self._pending: dict[str, _Pending] = {}
        self._round = 1
        self._lost: str | None = None
        self._said: set[str] = set()
        self._lock = threading.RLock()
        self._begun, self._at_hand = threading.Event(), False
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="streamface-watch", daemon=True)
        self._thread.start()

    def change(self, made: Sequence[Row], gone: Collection[str] = ()) -> bool:
        """Take usable rows of pictures that lie in the folder and in the store already, and leave out the paths in
        `gone`, which do no longer; the new gallery is in use on return. May be called from any thread.

        False where that has to wait until the folder has been looked at: a large gallery, or one not at hand yet.
        """
        self._begun.wait(START_S)
        with self._lock:
            if not self._at_hand:
                self._wake.set()
                return False
            for path in [*gone, *(row.photo.path for row in made)]:
                self._rows.pop(path, None)
                self._pending.pop(path, None)
            self._rows |= {row.photo.path: row for row in made}
            self._swap()
        return True

    def close(self) -> None:
        """End, after the picture in hand; may be called twice."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _run(self) -> None:
        lower_priority()
        try:
            with Store(self._store) as store:
                look = _Large(self._live, self._folder, self._encoder)
                if len(self._live.gallery) <= MOST_AT_HAND:
                    self._rows, look = store.rows(self._encoder.network), self
                    if store.in_memory and len(split(self._rows.values())[0]) < len(self._live.gallery):
                        log.warning("%s is not watched for changes: its store could not be written", self._folder)
                        return
                    self._at_hand = True
                self._begun.set()
                while not self._stop.is_set():
                    with Notices(self._folder, self._wake.set) as notices:
                        self._follow(store, look, REST_S if notices.works else POLL_S)
        except Exception as error:  # the run goes on with the people it has
            log.error("%s is no longer watched for changes: %s", self._folder, error)
        finally:
            with self._lock:
                self._at_hand = False
            self._begun.set()
            self._encoder.close()

    def _follow(self, store: Store, looking: Watcher | _Large, rest_s: float) -> None:
        """Look at the folder whenever there is reason to, until there is another one in its place."""
        place, wait_s, busy_at = _place(self._folder), 0.0, monotonic()
        while not self._stop.is_set() and _place(self._folder) == place:
            self._wake.wait(wait_s)
            self._wake.clear()
            start = monotonic()
            photos = self._scanned()
            self._live.read_consent(self._folder)
            if photos is not None and looking.look(photos, store):
                busy_at = monotonic()
            elif monotonic() - busy_at > IDLE_S:
                self._encoder.close()
            now = monotonic()
            wait_s = max(0.0, min(looking.due - now, max(rest_s, POLL_SHARE * (now - start))))
            self._stop.wait(min(SETTLE_S / 2, now - start))  # a flood of notices does not keep a core busy

    @property
    def due(self) -> float:
        """When to look again, whether or not something happens, in seconds of `monotonic`."""
        return min((pending.due for pending in self._pending.values()), default=float("inf"))

    def look(self, photos: Pictures, store: Store) -> bool:
        """Bring the gallery up to date with what has settled; True when there was something to do."""
        with self._lock:
            ready = self._settled({photo.path: photo for photo in (*photos, *photos.counters)}, monotonic())
        fresh = [photo for photo in ready.values() if photo is not None][: self._round]
        gone = [path for path, photo in ready.items() if photo is None]
        if not fresh and not gone:
            return False
        made: Mapping[str, Row] = {}
        if fresh:
            start = monotonic()
            made = embed(self._folder, fresh, store, [self._encoder], progress=False)
            self._round = max(1, min(ROUND, int(ROUND_S * len(fresh) / max(monotonic() - start, 1e-6))))
        with self._lock:
            # Whoever had a picture taken out by `change` meanwhile must not find it in the store again.
            store.forget([path for path in made if path not in self._rows and path not in self._pending])
            changed = any([self._without(gone, store), self._taken(made)])
            if changed and not self._stop.is_set():
                self._swap()
                log.info("%s: %d pictures known after a change", self._folder, len(self._live.gallery))
        return True

    def _swap(self) -> None:
        usable, counters = split(self._rows.values())
        self._live.swap(Gallery(usable, self._encoder.network, os.fspath(self._folder), counters))

    def _scanned(self) -> Pictures | None:
        """The pictures in the folder; None where it cannot be believed now."""
        lost, photos = None, None
        try:
            photos = pictures(self._folder, self._warn_once)
        except GalleryError as error:
            lost = str(error)
        place = _place(self._folder)
        if not photos and len(self._live.gallery) and place != self._place:
            lost = lost or f"{self._folder} is another folder now, and empty"
        if lost != self._lost:
            log.warning("%s", f"{lost}; the people known so far stay" if lost else f"{self._folder} is back")
        self._lost = lost
        if lost:
            return None
        self._place = place
        return photos

    def _settled(self, photos: Mapping[str, Photo], now: float) -> dict[str, Photo | None]:
        """What differs from what is known and has stood still long enough; None for a picture that is gone."""
        differing = {path: photo for path, photo in photos.items() if self._photo(path) != photo}
        differing |= {path: None for path in self._rows if path not in photos}
        pending = {}
        for path, photo in differing.items():
            before = self._pending.get(path)
            still = before is not None and before.photo == photo
            pending[path] = before if still else _Pending(photo, now, now + SETTLE_S)
        self._pending = pending
        return {path: found.photo for path, found in pending.items() if now >= found.due}

    def _photo(self, path: str) -> Photo | None:
        return self._rows[path].photo if path in self._rows else None

    def _without(self, gone: list[str], store: Store) -> bool:
        """Forget pictures; True when one of them was in use."""
        gone = [path for path in gone if path in self._rows and path in self._pending]
        store.forget(gone)
        for path in gone:
            self._pending.pop(path, None)
        return any([self._rows.pop(path).usable for path in gone])

    def _taken(self, made: Mapping[str, Row]) -> bool:
        """Take what was made of new pictures; True when the gallery changes by it."""
        changed = False
        for path, row in made.items():
            pending, now = self._pending.get(path), monotonic()
            if pending is None or pending.photo != row.photo:
                continue  # changed meanwhile
            if not row.usable and now - pending.since < SURE_S:
                pending.due = pending.since + SURE_S
                continue
            if not row.usable:
                self._warn_once("skipped %s: %s", self._folder / path, row.reason)
            if row.passing:
                pending.due = now + REST_S
                continue
            before, self._rows[path] = self._rows.get(path), row
            del self._pending[path]
            changed |= row.usable or (before is not None and before.usable)
        return changed

    def _warn_once(self, message: str, *values: object) -> None:
        text = message % values
        if text in self._said:
            return
        if len(self._said) >= MOST_SAID:
            self._said.clear()
        self._said.add(text)
        log.warning("%s", text)


class _Large:
    """Looks at a folder of too many pictures to be at hand: once all stands still, it is enrolled as at a start."""

    def __init__(self, live: LiveGallery, folder: Path, encoder: Encoder) -> None:
        self._live, self._folder, self._encoder = live, folder, encoder
        self._enrolled: Pictures | None = None
        self._seen: Pictures | None = None
        self.due = float("inf")

    def look(self, photos: Pictures, store: Store) -> bool:
        """As `Watcher.look`."""
        if self._enrolled is not None and photos.same(self._enrolled):
            self.due = float("inf")
            return False
        if self._seen is None or not photos.same(self._seen):
            self._seen, self.due = photos, monotonic() + SETTLE_S
        if monotonic() >= self.due:
            report = enroll(self._folder, store, [self._encoder], progress=False)
            if self._enrolled is not None or report.embedded or report.forgotten:
                found = Gallery(report.people, report.network, os.fspath(self._folder), report.counters)
                self._live.swap(found)
            self._enrolled, self.due = photos, float("inf")
        return True


def _place(folder: Path) -> tuple[int, int] | None:
    """What tells a folder from another one that is mounted or put in its place; None where there is none."""
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino
