"""People who did not consent: a mark beside their pictures, and who has one.

The mark is a file `no-consent` in the person's folder, or `Person Name.no-consent` beside a single picture, so that it
goes where the pictures go, and anybody can see and set it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from streamface.errors import GalleryError
from streamface.gallery.scan import person_name

MARK = "no-consent"
MARKS = (MARK, f"{MARK}.txt")
"""Names of the file in a person's folder; the second is what some editors make of the first."""
BESIDE = f".{MARK}"
"""How the name of the file beside a single picture ends."""
TEXT = "This person did not consent to being recorded and named (streamface: docs/privacy.md).\n"


def not_consenting(folder: Path) -> frozenset[str]:
    """Names of the people below a folder of people who have a mark; raises `OSError` for one that cannot be read."""
    found = set()
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.name.endswith(BESIDE):
                found.add(person_name(entry.name.removesuffix(BESIDE)))
            elif any(os.path.lexists(os.path.join(entry.path, mark)) for mark in MARKS):
                found.add(person_name(entry.name))
    return frozenset(found)


def mark(folder: Path, name: str, consents: bool) -> tuple[Path, ...]:
    """Set or take away a person's mark; the files that were made or deleted.

    Raises `GalleryError` for nobody of that name, or a folder that cannot be written.
    """
    own = [entry for entry in sorted(os.listdir(folder)) if not entry.startswith(".") and _is_of(folder, entry, name)]
    if not own:
        raise GalleryError(f"nobody here has the name {name}: see the folder {folder}")
    try:
        if consents:
            return _deleted(folder, own)
        place = next((folder / entry for entry in own if (folder / entry).is_dir()), None)
        path = folder / f"{os.path.splitext(own[0])[0]}{BESIDE}" if place is None else place / MARK
        path.write_text(TEXT, encoding="utf-8")
    except OSError as error:
        raise GalleryError(f"cannot change the mark of {name} ({error.strerror}): allow writing there") from error
    return (path,)


def person_of(folder: str, photo: str) -> str:
    """Who a picture below a folder of people shows, by its path."""
    inside = photo[len(os.path.join(folder, "")) :].replace(os.sep, "/")
    first, slash, _ = inside.partition("/")
    return person_name(first if slash else os.path.splitext(first)[0])


def _is_of(folder: Path, entry: str, name: str) -> bool:
    stem = entry if (folder / entry).is_dir() else os.path.splitext(entry)[0]
    return person_name(stem) == name


def _deleted(folder: Path, own: list[str]) -> tuple[Path, ...]:
    """Delete every mark among a person's entries."""
    marks = [folder / entry for entry in own if entry.endswith(BESIDE)]
    marks += [folder / entry / mark for entry in own for mark in MARKS if (folder / entry).is_dir()]
    gone = []
    for path in marks:
        with suppress(FileNotFoundError):
            path.unlink()
            gone.append(path)
    return tuple(gone)
