"""The gallery in use, which may be swapped for a newer one while it is being asked."""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from streamface.gallery.base import Row
from streamface.gallery.consent import not_consenting, person_of
from streamface.gallery.gallery import Gallery
from streamface.types import Match

NEAR = 1.25
"""Somebody without a name, within this multiple of the threshold of one who did not consent, may be that person: of
LFW's pairs of one person 96 % instead of 88 % are that near, of strangers 0.6 % (`python -m benchmarks.privacy`)."""

MOST_DENIALS = 100
"""Of a camera that gives no frames, in which they are taken."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Denial:
    """What an operator said: this is not that person."""

    identity: str
    track: int | None
    """Of whom it was said; None: of nobody any more."""
    now: str | None = None
    """With `track` None: the other name under which it goes on to hold."""


class Follower(Protocol):
    """Keeps a gallery true to its folder; see `watch.Watcher`."""

    def change(self, made: Sequence[Row], gone: Collection[str] = ()) -> bool:
        """Put what was made of pictures in the folder into the gallery, and take others out of it, at once."""


class LiveGallery:
    """Holds one immutable `Gallery` at a time; threads may share it, and one of them may swap.

    A swap is one assignment, so that nobody who asks ever waits.
    """

    def __init__(self, gallery: Gallery, private: frozenset[str] = frozenset()) -> None:
        self.gallery = gallery
        self.private = private
        """People who did not consent to being recorded and named; may be replaced at any time."""
        self.erasing: frozenset[str] = frozenset()
        """People of whom every trace is being deleted, or was; a name that is given anew is no longer among them."""
        self.edition = 0
        """Grows with each swap; whoever keeps answers asks again when it has grown."""
        self.follower: Follower | None = None
        """Who swaps; None for a folder that is not followed."""
        self._denials: defaultdict[str, deque[Denial]] = defaultdict(lambda: deque(maxlen=MOST_DENIALS))
        self._listeners: list[Callable[[], None]] = []

    def swap(self, gallery: Gallery) -> None:
        """Use `gallery` from now on."""
        if self.erasing:
            self.erasing -= set(gallery.identities) - set(self.gallery.identities)
        self.gallery = gallery
        self.edition += 1  # after the gallery: who sees the new number also gets the new answers
        for told in self._listeners:
            told()

    def erase(self, identity: str) -> None:
        """From the next frame on nothing is told of a person any more, known or not."""
        self.erasing |= {identity}

    def spare(self, identity: str) -> None:
        """Take that back."""
        self.erasing -= {identity}

    def deny(self, camera: str, track: int, identity: str) -> None:
        """Whoever is followed under this number there is not this person, whatever the distances say."""
        self._denials[camera].append(Denial(identity, track))

    def take_back(self, identity: str, now: str | None = None) -> None:
        """What was denied of anybody is not denied any more; or is denied under the name that the person has now."""
        for waiting in list(self._denials.values()):
            waiting.append(Denial(identity, None, now))

    def take_denials(self, camera: str) -> list[Denial]:
        """What was said of a camera since the last call."""
        waiting = self._denials.get(camera)
        return [waiting.popleft() for _ in range(len(waiting))] if waiting else []

    def on_swap(self, told: Callable[[], None]) -> None:
        """Call `told` after each swap, in the thread that swaps."""
        self._listeners.append(told)

    def read_consent(self, folder: Path) -> None:
        """See whose pictures have a mark now; while the folder cannot be read, all stays as it was."""
        with suppress(OSError):
            private = not_consenting(folder)
            if private != self.private:
                self.private = private
                log.info("%s: people who did not consent: %d", folder, len(private))

    def is_private(self, match: Match | None) -> bool:
        """Whether a face is that of somebody who did not consent, or may be: near to one of them, and to nobody else
        within the threshold."""
        if match is None or not self.private:
            return False
        if match.identity is not None or match.photo is None:
            return match.identity in self.private
        near = match.distance <= NEAR * match.threshold
        return near and person_of(self.gallery.folder, match.photo) in self.private

    def match(
        self,
        vectors: np.ndarray,
        metric: str,
        threshold: float | np.ndarray,
        network: str | None = None,
        without: Sequence[Collection[str]] | None = None,
    ) -> tuple[Match, ...]:
        """As `Gallery.match`, of the gallery in use."""
        return self.gallery.match(vectors, metric, threshold, network, without)

    def thumbnail(self, photo: str, size_px: int) -> np.ndarray | None:
        """As `Gallery.thumbnail`, of the gallery in use."""
        return self.gallery.thumbnail(photo, size_px)
