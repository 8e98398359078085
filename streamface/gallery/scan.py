"""Which pictures of whom lie in a folder: `Person Name/*.jpg` or `Person Name.jpg`."""

from __future__ import annotations

import logging
import os
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from imutils.paths import list_files

from streamface.errors import GalleryError
from streamface.gallery.base import Photo
from streamface.images import SUFFIXES

IGNORED = ("__MACOSX", "@eaDir")
"""Folders in which archive programs and network drives leave pictures of their own."""

log = logging.getLogger(__name__)


Warn = Callable[..., None]
"""(message, what stands for its %s): says what is left out."""


def scan(folder: Path, warn: Warn = log.warning) -> tuple[Photo, ...]:
    """The pictures below `folder`, ordered by person and path; the contents are not read.

    The first part of a path below `folder` names the person. Hidden files and folders are left out, links to
    folders are followed for the persons themselves and not below. Raises `GalleryError` for a folder that cannot
    be listed; a part of it that cannot is left out, and `warn` told.
    """
    root = os.fspath(folder)
    found = [_photo(root, path, warn) for entry in _entries(root) for path in _pictures(root, entry, warn)]
    return tuple(sorted((p for p in found if p is not None), key=lambda p: (p.identity, p.path)))


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


def _pictures(root: str, entry: os.DirEntry, warn: Warn) -> Iterator[str]:
    """Paths of one person's pictures, with `root` in front."""
    if not _is_folder(entry):
        if entry.name.lower().endswith(SUFFIXES):
            yield entry.path
        return
    if entry.is_symlink() and _holds(entry.path, root):
        warn("left out %s: it leads back to the folder of people", shown(entry.path))
        return
    if not os.access(entry.path, os.R_OK | os.X_OK):
        warn("left out %s: allow reading this folder", shown(entry.path))
        return
    start = len(entry.path)
    for path in list_files(entry.path, validExts=SUFFIXES):
        if not any(map(_ignored, path[start:].split(os.sep))):
            yield path


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _holds(link: str, root: str) -> bool:
    """True when the target of `link` is `root` or holds it, so that following would list everybody once more."""
    target, inside = os.path.realpath(link), os.path.realpath(root)
    return inside == target or inside.startswith(target.rstrip(os.sep) + os.sep)


def _photo(root: str, path: str, warn: Warn) -> Photo | None:
    relative = os.path.relpath(path, root) if os.altsep else path[len(root.rstrip(os.sep)) + 1 :]
    relative = relative.replace(os.sep, "/")
    head, inside, _ = relative.partition("/")
    identity = person_name(head if inside else os.path.splitext(head)[0])
    if not identity or shown(relative) != relative:
        warn("left out %s: its name cannot be written as text, rename it", shown(path))
        return None
    try:
        status = os.stat(path)
    except OSError:  # a broken link: enrolment reports it when it cannot be read either
        return Photo(relative, identity, -1, -1)
    return Photo(relative, identity, status.st_size, status.st_mtime_ns)


def shown(path: str) -> str:
    """`path` with bytes that are no text replaced, so that it can be printed, logged and stored."""
    return path.encode("utf-8", "replace").decode("utf-8")
