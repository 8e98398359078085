"""Where a person's pictures lie in the folder of people, and moving them to another name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from streamface.errors import GalleryError
from streamface.gallery.joining import place_for
from streamface.gallery.scan import ENDINGS, person_name


def of_person(folder: Path, identity: str) -> list[Path]:
    """The person's folders, and pictures that lie in the folder of people itself."""
    return [folder / entry for entry in sorted(os.listdir(folder)) if _is_of(folder, entry, identity)]


def _is_of(folder: Path, entry: str, identity: str) -> bool:
    if entry.startswith("."):
        return False
    if (folder / entry).is_dir():
        return person_name(entry) == identity
    stem, ending = os.path.splitext(entry)
    return ending.lower() in ENDINGS and person_name(stem) == identity


def move_person(folder: Path, identity: str, new: str) -> dict[str, Path]:
    """Put everything of a person under another name; path below `folder` before -> path now.

    One folder that nobody has yet is renamed as a whole; else file after file is moved, none over another one.
    Raises `GalleryError`, before anything is moved, for a folder that is a link to elsewhere.
    """
    old = of_person(folder, identity)
    if linked := [place for place in old if place.is_symlink() and place.is_dir()]:
        raise GalleryError(f"{linked[0]} is a link to another folder: rename it there")
    try:
        if len(old) == 1 and old[0].is_dir() and not of_person(folder, new):
            files = [path for path in old[0].rglob("*") if not path.is_dir()]
            os.rename(old[0], folder / new)
            return {_below(folder, path): folder / new / path.relative_to(old[0]) for path in files}
        place, moves = place_for(folder, new), {}
        for source in old:
            whole = source.is_dir()
            for path in [p for p in sorted(source.rglob("*")) if not p.is_dir()] if whole else [source]:
                target = place / (path.relative_to(source).parent if whole else "")
                target.mkdir(parents=True, exist_ok=True)
                moves[_below(folder, path)] = moved(path, target)
            if whole:
                shutil.rmtree(source)
        return moves
    except OSError as error:
        raise GalleryError(f"cannot move {identity} to {new} ({error.strerror}): allow writing there") from error


def moved(path: Path, place: Path) -> Path:
    """Move a file into a folder under a name that is free; where it is now."""
    number, target = 1, place / path.name
    while target.exists() or target.is_symlink():
        number += 1
        target = place / f"{path.stem}-{number}{path.suffix}"
    try:
        os.rename(path, target)
    except OSError as error:
        raise GalleryError(f"cannot move {path} ({error.strerror}): allow writing there") from error
    return target


def delete(paths: Iterable[Path]) -> None:
    """Delete files, folders with all in them, and links without what they lead to; what is gone is no fault."""
    for path in paths:
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise GalleryError(f"cannot delete {path} ({error.strerror}): allow it, or do it by hand") from error


def _below(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()
