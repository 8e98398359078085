"""Strangers on the command line: who they are, and how one of them gets a name."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from streamface import build
from streamface.errors import GalleryError
from streamface.gallery import embedding_file
from streamface.gallery.base import Encoder, Photo, Row
from streamface.gallery.crew import look
from streamface.gallery.distances import between
from streamface.gallery.embedding_file import KeptFace
from streamface.gallery.examine import Limits
from streamface.gallery.joining import place_for, put
from streamface.gallery.stranger_store import Kept, StrangerStore, View
from streamface.settings import Settings


def listed(settings: Settings, known: Sequence[Row], limits: Limits) -> list[dict]:
    """Every stranger of the network in use, with the known person who looks like that, if there is one."""
    path = build.stranger_store(settings)
    if not path.exists():
        return []
    network = build.network_key(settings)
    with StrangerStore(path) as store:
        every = store.every(pictures=True)
    return [_entry(kept, known, limits) for kept in every if kept.network == network]


def _entry(kept: Kept, known: Sequence[Row], limits: Limits) -> dict:
    return {
        "number": kept.number,
        "visits": kept.visits,
        "first_seen": _utc(kept.first_seen),
        "last_seen": _utc(kept.last_seen),
        "pictures": sum(view.picture is not None for view in kept.views),
        "embeddings": len(kept.views),
        "looks_like": _looks_like(kept, known, limits),
    }


def _looks_like(kept: Kept, known: Sequence[Row], limits: Limits) -> str | None:
    if not known or not kept.views:
        return None
    views = np.stack([view.vector for view in kept.views])
    far = between(views, np.stack([row.vector for row in known]), limits.metric).min(axis=0)
    return known[int(far.argmin())].photo.identity if far.min() <= limits.naming else None


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def name_stranger(settings: Settings, folder: Path, number: int, identity: str) -> dict[str, list[str]]:
    """Put what is kept of a stranger into a person's folder and forget the number; the files that were made.

    'pictures' where a picture was kept in which the face is found again, 'embeddings' for the other visits.
    """
    path, network = build.stranger_store(settings), build.network_key(settings)
    if not path.exists():
        raise GalleryError(f"no strangers are kept at {path}: run a stream with --strangers first")
    encoder = build.LazyEncoder(settings)
    try:
        with StrangerStore(path) as store:
            found = store.every(pictures=True, number=number)
            if not found or not found[0].views:
                numbers = ", ".join(str(kept.number) for kept in store.every()) or "none"
                raise GalleryError(f"there is no stranger {number}: those known are {numbers}")
            kept = found[0]
            if kept.network != network and not any(view.picture for view in kept.views):
                raise GalleryError(f"stranger {number} was seen with {kept.network}: choose that --model")
            made = files_of(kept, folder, identity, encoder)
            store.forget([number])  # after the files: a crash leaves somebody twice rather than not at all
    finally:
        encoder.close()
    return made


def files_of(kept: Kept, folder: Path, identity: str, encoder: Encoder) -> dict[str, list[str]]:
    """Put what is kept of a stranger into a person's folder; the files that were made, as in `name_stranger`."""
    place = place_for(folder, identity)
    made: dict[str, list[str]] = {"pictures": [], "embeddings": []}
    for view in kept.views:
        if view.picture is not None and _usable(view, encoder):
            made["pictures"].append(str(put(place, f"stranger {kept.number}.jpg", view.picture)))
        else:
            data = embedding_file.coded(KeptFace(kept.network, view.quality, view.vector))
            made["embeddings"].append(str(put(place, f"stranger {kept.number}{embedding_file.SUFFIX}", data)))
    return made


def _usable(view: View, encoder: Encoder) -> bool:
    """Whether enrolment will find the face in the picture."""
    image = cv2.imdecode(np.frombuffer(view.picture, np.uint8), cv2.IMREAD_COLOR)
    return image is not None and look(Photo("stranger.jpg", "", 0, 0), image, encoder).usable
