"""Putting pictures of somebody into the folder of people, after a look at what they show."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from streamface.errors import GalleryError, ImageError
from streamface.gallery.base import Encoder, Photo, Row
from streamface.gallery.crew import look
from streamface.gallery.distances import distance
from streamface.gallery.examine import POOR, Limits
from streamface.gallery.scan import IGNORED, person_name, shown
from streamface.images import SUFFIXES, read_image
from streamface.runtime.cache import write_atomically


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What a picture that is to be added shows."""

    source: Path
    row: Row | None = None
    """The face; None for a picture that cannot be used."""
    refused: str | None = None
    """Why it is not added, None when it is."""
    remarks: tuple[str, ...] = ()
    """What is to be said of it all the same."""


def checked_name(name: str) -> str:
    """A person's name as it is written everywhere; raises `GalleryError` for one that cannot be a folder's."""
    found = person_name(name)
    if shown(found) != found:
        raise GalleryError("the name holds characters that cannot be written as text: choose another one")
    if not found or found.startswith(".") or found in IGNORED or re.search(r"[/\\\0]", found):
        raise GalleryError(f"{name!r} cannot be the name of a folder: choose one without slashes or a dot in front")
    return found


class Joiner:
    """Judges pictures of one person against everybody who is known.

    Args:
        identity: who is to be added to.
        rows: the usable pictures of everybody.
        encoder: finds and embeds faces.
        limits: what counts as alike.
        unnamed: people who did not consent: compared with, and not named.
    """

    def __init__(
        self,
        identity: str,
        rows: Sequence[Row],
        encoder: Encoder,
        limits: Limits,
        unnamed: Collection[str] = (),
    ) -> None:
        self._identity, self._encoder, self._limits, self._unnamed = identity, encoder, limits, unnamed
        self._rows = list(rows)

    def judge(self, source: Path, anyway: bool = False) -> Judged:
        """Look at one picture; `anyway` takes one that shows somebody else too. It counts as known from then on."""
        try:
            row = look(Photo(source.name, self._identity, 0, 0), read_image(source), self._encoder)
        except ImageError as error:
            return Judged(source, None, str(error))
        if not row.usable:
            return Judged(source, None, row.reason)
        refused, remarks = self._compared(row)
        if refused and anyway:
            refused, remarks = None, (refused, *remarks)
        if row.quality < POOR:
            remarks = (*remarks, f"a poor picture (quality {row.quality:.2f}): a larger, sharper one names better")
        if refused is None:
            self._rows.append(row)
        return Judged(source, row, refused, remarks)

    def _compared(self, row: Row) -> tuple[str | None, tuple[str, ...]]:
        """Why it is refused, and what is to be said."""
        own = self._nearest(row, [r for r in self._rows if r.photo.identity == self._identity])
        other = self._nearest(row, [r for r in self._rows if r.photo.identity != self._identity])
        remarks: list[str] = []
        if own and own[0] > self._limits.alike:
            remarks.append(f"it does not look like {self._identity}'s other pictures (nearest: {own[0]:.3f})")
        if other is None or (own and own[0] <= other[0] and own[0] <= self._limits.naming):
            return None, tuple(remarks)
        far, name = other[0], "somebody who did not consent" if other[1] in self._unnamed else other[1]
        if far <= self._limits.naming:
            return f"it shows {name} (distance {far:.3f}, threshold {self._limits.naming:.3f})", tuple(remarks)
        if far <= self._limits.alike:
            remarks.append(f"close to {name} (distance {far:.3f}): the two may be taken for each other")
        return None, tuple(remarks)

    def _nearest(self, row: Row, rows: Sequence[Row]) -> tuple[float, str] | None:
        if not rows:
            return None
        far = distance(row.vector, np.stack([r.vector for r in rows]), self._limits.metric)
        return float(far.min()), rows[int(far.argmin())].photo.identity


def place_for(folder: Path, identity: str) -> Path:
    """The folder of a person's pictures, the one that is there or a new one; made where it is missing."""
    if folder.is_dir():
        for entry in sorted(os.listdir(folder)):
            if person_name(entry) == identity and (folder / entry).is_dir():
                return folder / entry
    place = folder / identity
    try:
        place.mkdir(parents=True)
    except OSError as error:
        raise GalleryError(f"cannot make {place} ({error.strerror}): choose another name or place") from error
    return place


def put(place: Path, name: str, data: bytes) -> Path:
    """Write a file under a name that is free, whole or not at all; its path."""
    stem, ending = os.path.splitext(name)
    stem = stem.lstrip(".") or "picture"
    number, path = 1, place / f"{stem}{ending}"
    while path.exists():
        number += 1
        path = place / f"{stem}-{number}{ending}"
    hidden = place / f".{path.name}"  # so that nobody who follows the folder sees a half file
    try:
        write_atomically(hidden, data)
        os.replace(hidden, path)
    except OSError as error:
        raise GalleryError(f"cannot write {path} ({error.strerror}): free some space, or allow writing") from error
    return path


def same_file(place: Path, data: bytes) -> Path | None:
    """The picture in `place` that has the same content, None for none."""
    for path in sorted(place.rglob("*")) if place.is_dir() else ():
        if path.suffix.lower() in SUFFIXES and path.stat().st_size == len(data) and path.read_bytes() == data:
            return path
    return None
