"""Everything that is kept about a person, in one archive: what somebody may ask for who is in the gallery."""

from __future__ import annotations

import contextlib
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from streamface.errors import OutputError
from streamface.gallery.base import Row
from streamface.gallery.counter_examples import FOLDER
from streamface.gallery.stranger_store import Kept
from streamface.gallery_commands.removal import Plan, Removal

ABOUT = """What streamface keeps about {name}.

people/       the person's folder: photographs, and what else lies in it
counters/     pictures of the person that are kept as pictures of whom somebody else is not
embeddings.json  the numbers that the recognition networks made of those photographs
events/       rows of events, visits and faces about the person, one file for each that they come from
pictures/     pictures of the cameras in which the face was found; others may be in them
strangers/    what was kept of the person before there was a name

Not looked through: {unsearched}.
"""


def export(removal: Removal, plan: Plan, file: Path) -> dict[str, int]:
    """Write everything in the plan to a ZIP archive, readable by its owner alone; how many entries of each kind.

    Raises `OutputError` where the file is there already or cannot be written.
    """
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        if file.exists():
            raise FileExistsError(0, "it is there already")
        with open(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as raw:
            counts = write(removal, plan, raw)
        os.replace(part, file)
    except OSError as error:
        raise OutputError(f"cannot write {file} ({error.strerror}): choose another place or name") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return counts


def write(removal: Removal, plan: Plan, raw: IO[bytes]) -> dict[str, int]:
    """The same into an open file; raises `OSError`. A file that is gone by now is left out."""
    counts: dict[str, int] = {}
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _entries(removal, plan):
            try:
                archive.write(content, name) if isinstance(content, Path) else archive.writestr(name, content)
            except FileNotFoundError:
                continue
            kind = name.partition("/")[0]
            counts[kind] = counts.get(kind, 0) + 1
    return counts


def _entries(removal: Removal, plan: Plan) -> Iterator[tuple[str, str | bytes | Path]]:
    """(name in the archive, text, bytes, or the file whose content it is)."""
    unsearched = ", ".join(map(str, plan.unsearched)) or "copies made elsewhere"
    yield "about.txt", ABOUT.format(name=plan.name, unsearched=unsearched)
    for path in _files(plan):
        yield f"people/{path.relative_to(removal.folder).as_posix()}", path
    for number, path in enumerate(plan.counters, 1):
        yield f"counters/{number}{path.suffix}", path  # not under the name of the other person
    yield "embeddings.json", json.dumps([_embedding(row) for row in removal.embeddings()], indent=1)
    for path, rows in removal.rows().items():
        lines = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
        if rows:
            yield f"events/{_flat(path)}.jsonl", lines
    for path in plan.snapshots:
        yield f"pictures/{_flat(path)}", path
    for kept in removal.strangers(pictures=True):
        yield f"strangers/{kept.number}.json", json.dumps(_stranger(kept), indent=1)
        for number, view in enumerate(kept.views, 1):
            if view.picture:
                yield f"strangers/{kept.number}-{number}.jpg", view.picture


def _files(plan: Plan) -> Iterator[Path]:
    """All files in the person's places; the pictures of others, which lie there as counter-examples, apart."""
    for place in plan.places:
        inside = sorted(place.rglob("*")) if place.is_dir() else [place]
        yield from (path for path in inside if path.is_file() and FOLDER not in path.parts)


def _flat(path: Path) -> str:
    """A name that tells two files apart which are called the same."""
    return "-".join(path.parts[-3:]).strip("/-") or path.name


def _embedding(row: Row) -> dict[str, object]:
    return {"picture": row.photo.path, "embedding": np.round(row.vector, 7).tolist()}


def _stranger(kept: Kept) -> dict[str, object]:
    views = [{"quality": view.quality, "embedding": np.round(view.vector, 7).tolist()} for view in kept.views]
    return {
        "number": kept.number, "network": kept.network, "visits": kept.visits, "first_seen": kept.first_seen,
        "last_seen": kept.last_seen, "views": views,
    }  # fmt: skip
