"""From a folder of people to a gallery, in one call."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from streamface.errors import GalleryError
from streamface.gallery.base import Encoder
from streamface.gallery.enroll import Report, enroll
from streamface.gallery.gallery import Gallery
from streamface.gallery.scan import check_folder, person_name, shown
from streamface.gallery.store import Store
from streamface.runtime import cache

NAMED = 3
"""How many skipped pictures an error names."""


def open_gallery(
    folder: Path,
    store: Path | None,
    encoders: Sequence[Encoder],
    progress: bool | None = None,
    may_be_empty: bool = False,
) -> tuple[Gallery, Report]:
    """The gallery of the people in `folder`, embedding what is new or changed, and what was done for it.

    store is the SQLite file that keeps the embeddings, None for `default_store(folder)`; encoders and progress as
    in `enroll`. Raises `GalleryError` for a folder that cannot be read or, unless it `may_be_empty`, holds no usable
    picture.
    """
    folder = Path(folder)
    check_folder(folder)  # before a store is made for it
    with Store(store or default_store(folder)) as opened:
        report = enroll(folder, opened, encoders, progress)
    if not len(report.people) and not may_be_empty:
        raise GalleryError(_nobody(report))
    return Gallery(report.people, report.network, os.fspath(folder), report.counters), report


def default_store(folder: Path) -> Path:
    """The file in the cache folder that belongs to `folder`: its name, and a hash of where it lies."""
    whole = os.path.realpath(folder)
    digest = hashlib.sha256(os.fsencode(whole)).hexdigest()[:12]
    return cache.home() / "galleries" / f"{shown(person_name(os.path.basename(whole)))[:40]}-{digest}.sqlite"


def _nobody(report: Report) -> str:
    example = os.path.join(report.folder, "Person Name", "1.jpg")
    if not report.skipped:
        return f"no pictures of people in {report.folder}: put them there as {example}"
    named = "; ".join(f"{picture.path}: {picture.reason}" for picture in report.skipped[:NAMED])
    more = len(report.skipped) - NAMED
    tail = f"; and {more} more" if more > 0 else ""
    return f"no usable picture of a person in {report.folder} ({named}{tail}): add one as {example}"
