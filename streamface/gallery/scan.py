"""Which pictures of whom lie in a folder: `Person Name/*.jpg` or `Person Name.jpg`."""

from __future__ import annotations

import logging
import os
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from streamface.errors import GalleryError
from streamface.gallery import counter_examples, embedding_file
from streamface.gallery.base import Photo
from streamface.gallery.pictures import Pictures
from streamface.images import SUFFIXES

ENDINGS = (*SUFFIXES, embedding_file.SUFFIX)
"""Of what counts as a picture of a person, in lower case."""
IGNORED = ("__MACOSX", "@eaDir")
"""Folders in which archive programs and network drives leave pictures of their own."""

log = logging.getLogger(__name__)


Warn = Callable[..., None]
"""(message, what stands for its %s): says what is left out."""


def scan(folder: Path, warn: Warn = log.warning) -> tuple[Photo, ...]:
    """As `pictures`, one value a picture."""
    return tuple(pictures(folder, warn))


def pictures(folder: Path, warn: Warn = log.warning) -> Pictures:
    """The pictures below `folder`, ordered by person and path; the contents are not read.

    The first part of a path below `folder` names the person. Hidden files and folders are left out, links to
    folders are followed for the persons themselves and not below. Raises `GalleryError` for a folder that cannot
    be listed; a part of it that cannot is left out, and `warn` told.
    """
    root = os.fspath(folder)
    people: dict[str, list[os.DirEntry]] = {}
    for entry in _entries(root):
        people.setdefault(person_name(_head(entry)), []).append(entry)
    names, counts, found, counters = [], [], _Columns([], [], []), []
    for name in sorted(people):  # one person after another, so that no more than one person's values are held twice
        others: list[tuple[str, int, int]] = []
        own = sorted(picture for entry in people[name] for picture in _of_person(root, entry, warn, others))
        counters += [Photo(path, name, size, mtime_ns) for path, size, mtime_ns in sorted(others)]
        if own and not name:
            _warn_unwritable(people[name][0].path, warn)
        elif own:
            names.append(name)
            counts.append(len(own))
            for column, values in zip(found, zip(*own, strict=True), strict=True):
                column.extend(values)
    starts = np.cumsum([0, *counts], dtype=np.int64)
    sizes, mtimes_ns = np.array(found.sizes, np.int64), np.array(found.mtimes_ns, np.int64)
    return Pictures(found.paths, names, starts, sizes, mtimes_ns, tuple(counters))


class _Columns(NamedTuple):
    paths: list[str]
    sizes: list[int]
    mtimes_ns: list[int]


@lru_cache(maxsize=4096)
def person_name(entry: str) -> str:
    """The name that a folder or a picture's stem stands for: composed (NFC), single spaces, no control characters.

    macOS spells 'é' as two characters and Linux as one: both are the same person here.
    """
    spaced = " ".join(unicodedata.normalize("NFC", entry).split())
    return "".join(c for c in spaced if unicodedata.category(c) != "Cc")


def check_folder(folder: Path | str) -> None:
    """Raise `GalleryError` when `folder` is not there or is not a folder."""
    if not os.path.exists(folder):
        raise GalleryError(f"no folder of people at {folder}: make it, with one folder of pictures per person")
    if not os.path.isdir(folder):
        raise GalleryError(f"{folder} is not a folder: name the one that holds a folder of pictures per person")


def _entries(root: str) -> list[os.DirEntry]:
    check_folder(root)
    try:
        with os.scandir(root) as entries:
            return [entry for entry in entries if not _ignored(entry.name)]
    except OSError as error:
        raise GalleryError(f"cannot read the folder of people {root} ({error.strerror}): allow reading it") from error


def _ignored(name: str) -> bool:
    return name.startswith(".") or name in IGNORED


def _head(entry: os.DirEntry) -> str:
    """What names the person: the folder, or the picture's stem."""
    return entry.name if _is_folder(entry) else os.path.splitext(entry.name)[0]


def _of_person(
    root: str, entry: os.DirEntry, warn: Warn, counters: list[tuple[str, int, int]]
) -> list[tuple[str, int, int]]:
    """Path below `root`, size and time of one person's pictures; those of whom it is not are added to `counters`."""
    found: list[tuple[str, int, int]] = []
    if not _is_folder(entry):
        if entry.name.lower().endswith(ENDINGS):
            _add(found, entry, "", warn)
    elif entry.is_symlink() and _holds(entry.path, root):
        warn("left out %s: it leads back to the folder of people", shown(entry.path))
    else:
        _walk(found, entry.path, f"{entry.name}/", warn, counters)
    return found


def _walk(
    found: list[tuple[str, int, int]],
    folder: str,
    prefix: str,
    warn: Warn,
    counters: list[tuple[str, int, int]] | None = None,
) -> None:
    """Add the pictures of a folder and of those below it; of a million pictures most of the time goes here.

    counters takes those of the person's `counter_examples.FOLDER`; None where there is none to look for.
    """
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith(".") or name in IGNORED:
                    if counters is not None and name == counter_examples.FOLDER:
                        _walk(counters, entry.path, f"{prefix}{name}/", warn)
                    continue
                if entry.is_dir(follow_symlinks=False):
                    _walk(found, entry.path, f"{prefix}{name}/", warn)
                elif name.lower().endswith(ENDINGS) and not (entry.is_symlink() and _is_folder(entry)):
                    _add(found, entry, prefix, warn)
    except (FileNotFoundError, NotADirectoryError):  # it was deleted meanwhile, or is a file of that name
        return
    except OSError:
        warn("left out %s: allow reading this folder", shown(folder))


def _add(found: list[tuple[str, int, int]], entry: os.DirEntry, prefix: str, warn: Warn) -> None:
    path = prefix + entry.name
    if not path.isascii() and shown(path) != path:
        _warn_unwritable(entry.path, warn)
        return
    try:
        status = entry.stat()
    except OSError:  # a broken link: enrolment reports it when it cannot be read either
        found.append((path, -1, -1))
    else:
        found.append((path, status.st_size, status.st_mtime_ns))


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _holds(link: str, root: str) -> bool:
    """True when the target of `link` is `root` or holds it, so that following would list everybody once more."""
    target, inside = os.path.realpath(link), os.path.realpath(root)
    return inside == target or inside.startswith(target.rstrip(os.sep) + os.sep)


def _warn_unwritable(path: str, warn: Warn) -> None:
    warn("left out %s: its name cannot be written as text, rename it", shown(path))


def shown(path: str) -> str:
    """`path` with bytes that are no text replaced, so that it can be printed, logged and stored."""
    return path.encode("utf-8", "replace").decode("utf-8")
