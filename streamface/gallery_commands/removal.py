"""Forgetting a person: what there is, deleting it, and looking whether anything is left."""

from __future__ import annotations

import difflib
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from streamface import build
from streamface.errors import GalleryError, ImageError, OutputError
from streamface.gallery.base import Row
from streamface.gallery.consent import not_consenting
from streamface.gallery.counter_examples import split
from streamface.gallery.distances import between
from streamface.gallery.examine import Limits
from streamface.gallery.scan import check_folder, person_name, scan
from streamface.gallery.store import Store
from streamface.gallery.stranger_store import Kept, StrangerStore
from streamface.gallery_commands import erase
from streamface.images import read_image
from streamface.runtime import cache
from streamface.settings import Settings


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be deleted of a person."""

    name: str
    places: tuple[Path, ...]
    """The person's folders, or pictures that lie in the folder of people itself."""
    pictures: int
    others: tuple[Path, ...]
    """Files in those folders that are no pictures."""
    embeddings: int
    """Of all networks."""
    strangers: tuple[int, ...]
    """Numbers under which the person was seen before there was a name."""
    rows: dict[str, int]
    """File of events or faces -> rows about the person."""
    snapshots: tuple[Path, ...]
    """Pictures that show the person, or are named in those rows."""
    unsearched: tuple[Path, ...]
    """Recordings, which are not looked through."""
    counters: tuple[Path, ...] = ()
    """Pictures of the person that are kept as counter-examples for somebody else."""
    remembered: tuple[bytes, ...] = ()
    """The embeddings as the store holds them, to look for afterwards."""


class Removal:
    """Deletes one person.

    Args:
        cameras: settings whose folder, stores, events and pictures are looked through.
        name: the person.
        limits: what counts as the same face.
        progress: told how many pictures of the cameras were looked through, and how many there are.
    """

    def __init__(
        self,
        cameras: Sequence[Settings],
        name: str,
        limits: Limits,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        self._cameras, self._settings = tuple(cameras), cameras[0]
        self._name, self._limits, self._progress = name, limits, progress
        self._folder = self._settings.gallery.database
        if self._folder is None:
            raise GalleryError("no folder of people: name it with --database DIR, or in --config FILE")
        check_folder(self._folder)
        self._vectors = np.zeros((0, 1), np.float32)

    def plan(self) -> Plan:
        """Everything there is of the person; raises `GalleryError` for nobody."""
        photos = scan(self._folder)
        with Store(build.store(self._settings)) as store:
            kept = [row for row in store.people(self._name) if row.vector is not None]
            network = store.rows(build.network_key(self._settings))
        names = {photo.identity for photo in photos}
        rows = {str(path): erase.rows_of(path, self._name, False) for path in self._files()}
        if self._name not in names and not kept and not any(found.rows for found in rows.values()):
            near = difflib.get_close_matches(self._name, names - not_consenting(self._folder), 1)
            hint = f"did you mean {near[0]}?" if near else "see `streamface gallery list`"
            raise GalleryError(f"nobody here is named {self._name}: {hint}")
        own = [row.vector for row in split(network.values())[0] if row.photo.identity == self._name]
        self._vectors = np.stack(own) if own else self._vectors
        shown = self._shown_as_counters(network.values())
        places = tuple(self._folder / entry for entry in sorted(os.listdir(self._folder)) if self._is_own(entry))
        named = {path for found in rows.values() for path in found.pictures}
        return Plan(
            self._name,
            places,
            sum(photo.identity == self._name for photo in photos),
            self._others(places, {self._folder / photo.path for photo in photos}),
            len(kept),
            tuple(kept.number for kept in self.strangers()),
            {path: found.rows for path, found in rows.items()},
            tuple(sorted(named | set(self._snapshots()))),
            tuple(path for path in self._recordings() if path.exists()),
            tuple(self._folder / row.photo.path for row in shown),
            tuple(np.asarray(row.vector, "<f4").tobytes() for row in (*kept, *shown)),
        )

    @property
    def folder(self) -> Path:
        """The folder of people."""
        return self._folder

    def embeddings(self) -> tuple[Row, ...]:
        """What every network made of the person's pictures."""
        with Store(build.store(self._settings)) as store:
            return tuple(split(store.people(self._name))[0])

    def rows(self) -> dict[Path, tuple[erase.Row, ...]]:
        """File of events or faces -> its rows about the person."""
        return {path: erase.rows_of(path, self._name, False).content for path in self._files()}

    def strangers(self, pictures: bool = False) -> tuple[Kept, ...]:
        """Strangers who look like the person; after `plan`."""
        path, network = build.stranger_store(self._settings), build.network_key(self._settings)
        if not len(self._vectors) or not path.exists():
            return ()
        with StrangerStore(path) as store:
            every = store.every(network, pictures)
        return tuple(kept for kept in every if any(self._is_them(view.vector) for view in kept.views))

    def carry_out(self, plan: Plan) -> None:
        """Delete everything in the plan; the embeddings first, so that a crash leaves pictures to begin again from."""
        path = build.store(self._settings)
        with Store(path) as store:
            shown = [path.relative_to(self._folder).as_posix() for path in plan.counters]
            store.forget([*(row.photo.path for row in store.people(self._name)), *shown])
        # Copies of the store's content: damaged files that were set aside, and what is mapped for large galleries.
        erase.delete_files([*path.parent.glob(f"{path.name}.aside-*"), *path.parent.glob(f"{path.name}.*.matrix")])
        if plan.strangers:
            with StrangerStore(build.stranger_store(self._settings)) as strangers:
                strangers.forget(plan.strangers)
        for file in plan.rows:
            erase.rows_of(Path(file), self._name, True)
        erase.delete_files([*plan.snapshots, *plan.counters])
        for place in plan.places:
            _delete_place(place)

    def left(self, plan: Plan) -> dict[str, int]:
        """What can still be found of the person, by looking anew: kind -> how many, all 0 when it is done."""
        path = build.store(self._settings)
        with Store(path) as store:
            kept = len(store.people(self._name))
        beside = [path, *path.parent.glob(f"{path.name}*")]
        data = b"".join(map(_content, dict.fromkeys(beside)))
        return {
            "pictures": sum(photo.identity == self._name for photo in scan(self._folder)),
            "files": sum(place.exists() or place.is_symlink() for place in plan.places),
            "embeddings": kept,
            "embeddings in deleted parts of files": sum(vector in data for vector in plan.remembered),
            "counter-examples": sum(path.exists() for path in plan.counters),
            "strangers": len(self.strangers()),
            "rows": sum(erase.rows_of(file, self._name, False).rows for file in self._files()),
            "snapshots": len(self._snapshots()) + sum(file.exists() for file in plan.snapshots),
        }

    def _shown_as_counters(self, rows: Iterable[Row]) -> list[Row]:
        """Counter-examples for others that show the person."""
        others = [row for row in split(rows)[1] if row.photo.identity != self._name]
        return [row for row in others if len(self._vectors) and self._is_them(row.vector)]

    def _is_own(self, entry: str) -> bool:
        if entry.startswith("."):
            return False
        is_folder = (self._folder / entry).is_dir()
        return person_name(entry if is_folder else os.path.splitext(entry)[0]) == self._name

    def _others(self, places: Sequence[Path], pictures: set[Path]) -> tuple[Path, ...]:
        inside = (file for place in places if place.is_dir() and not place.is_symlink() for file in place.rglob("*"))
        return tuple(file for file in sorted(inside) if file.is_file() and file not in pictures)

    def _files(self) -> list[Path]:
        """Files with rows about people that are there: of each camera, and what waits for a receiver."""
        outputs = [(s.output.events, s.output.faces, s.output.webhook_queue, s.kiosk.audit) for s in self._cameras]
        named = [path for files in outputs for path in files]
        queues = sorted((cache.home() / "webhook").glob("*.sqlite"))
        named.append(build.visit_store(self._settings))
        return [path for path in dict.fromkeys([*named, *queues]) if path is not None and path.is_file()]

    def _recordings(self) -> list[Path]:
        named = [path for s in self._cameras for path in (s.output.video, s.output.recordings)]
        return [path for path in dict.fromkeys(named) if path is not None]

    def _is_them(self, vector: np.ndarray) -> bool:
        return float(between(vector[None], self._vectors, self._limits.metric).min()) <= self._limits.naming

    def _snapshots(self) -> tuple[Path, ...]:
        """Pictures in the cameras' folders in which the person's face is."""
        folders = [folder for s in self._cameras for folder in (s.output.snapshots, s.output.event_pictures)]
        folders += [build.visit_pictures(self._settings), *map(build.audit_pictures, self._cameras)]
        if not len(self._vectors):
            return ()
        pictures = erase.pictures_in(folder for folder in dict.fromkeys(folders) if folder is not None)
        encoder, found = build.LazyEncoder(self._settings), []
        try:
            for number, path in enumerate(pictures, 1):
                if self._shows(path, encoder):
                    found.append(path.resolve())
                self._progress(number, len(pictures))
        finally:
            encoder.close()
        return tuple(found)

    def _shows(self, path: Path, encoder: build.LazyEncoder) -> bool:
        try:
            return any(self._is_them(face.vector) for face in encoder.encode(read_image(path)))
        except ImageError:
            return False


def _content(file: Path) -> bytes:
    """What is in a file; nothing for one that is gone by now, as journals of a store in use are."""
    try:
        return file.read_bytes() if file.is_file() else b""
    except FileNotFoundError:
        return b""


def _delete_place(place: Path) -> None:
    """A picture, a folder with all in it, or a link without what it leads to."""
    try:
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot delete {place} ({error.strerror}): allow it, or delete it by hand") from error
