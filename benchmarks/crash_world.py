"""The folder that the program works in while it is killed, and what has to be there afterwards."""

from __future__ import annotations

import sqlite3
import tarfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from benchmarks import camera_clips, data  # noqa: F401, the first finds the camera
from streamface.images import SUFFIXES

from fault_camera import RtspCamera  # isort: skip, where `camera_clips` finds it

KEPT = {"people.sqlite": ("SELECT path FROM photos",), "strangers.sqlite": ("SELECT number FROM strangers",),
        "events.sqlite": ("SELECT id FROM events", "SELECT id FROM visits"), "queue.sqlite": ()}  # fmt: skip
"""SQLite file -> what may not be lost of it."""


@dataclass(slots=True)
class World:
    """The folder that all of it happens in."""

    folder: Path
    camera: RtspCamera
    url: str
    photographs: dict[str, bytes]
    """File name of a photograph of LFW -> its content; taken from as they are used."""
    problems: list[str] = field(default_factory=list)
    lost_s: list[float] = field(default_factory=list)
    recorded: set[Path] = field(default_factory=set)
    left: dict[tuple[str, str], set] = field(default_factory=dict)
    """What was in the files after the kill before."""
    removed: set[str] = field(default_factory=set)
    """Paths of all pictures that were taken away."""
    people: int = 0

    def arguments(self, command: tuple[str, ...] = ()) -> list[str]:
        """Of the program, or of a command of its gallery."""
        files = [f"--database={self.folder / 'people'}", f"--store={self.folder / 'people.sqlite'}"]
        if command:
            return ["gallery", *command, *files]
        return [*files, f"--source=rtsp://127.0.0.1:{self.camera.port}/live", "--no-display", "--strangers",
                f"--stranger-store={self.folder / 'strangers.sqlite'}", f"--events={self.folder / 'events.sqlite'}",
                f"--recordings={self.folder / 'recordings'}", "--record=both", "--segment=0.1", "--leave-after=1",
                f"--webhook={self.url}", f"--webhook-queue={self.folder / 'queue.sqlite'}"]  # fmt: skip

    def put(self) -> Path:
        """A picture of somebody new, copied into the folder as a user would."""
        name, content = self.photographs.popitem()
        path = self.folder / "people" / Path(name).stem / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        self.people += 1
        return path

    def pictures(self) -> list[Path]:
        """Everything in the folder that is to be taken for a picture."""
        every = (self.folder / "people").rglob("*")
        return [path for path in every if path.suffix in SUFFIXES and not path.name.startswith(".")]

    def written(self) -> dict[tuple[str, str], set]:
        """What is in the files now, as another program sees it."""
        found = {}
        for name, queries in KEPT.items():
            if (self.folder / name).exists():
                with closing(sqlite3.connect(self.folder / name, timeout=10)) as db:
                    for query in queries:
                        found[name, query] = {row[0] for row in db.execute(query)}
        return found

    def look(self, before: dict[tuple[str, str], set], removed: set[str]) -> list[str]:
        """What is wrong after a kill. removed: paths of pictures that were taken away."""
        problems = []
        for name in KEPT:
            if (self.folder / name).exists():
                with closing(sqlite3.connect(self.folder / name, timeout=10)) as db:
                    if (result := db.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
                        problems.append(f"{name}: {result}")
        self.removed |= removed
        now = self.written()
        problems += self._missing(self.left, before, "at a start") + self._missing(before, now, "by a kill")
        self.left = now
        problems += [f"{path.name} is not whole" for path in self.pictures() if cv2.imread(str(path)) is None]
        return problems

    def _missing(self, wanted: dict[tuple[str, str], set], there: dict[tuple[str, str], set], when: str) -> list[str]:
        """What was there and is not, nor was taken away."""
        problems = []
        for (name, query), rows in wanted.items():
            if gone := rows - there.get((name, query), set()) - self.removed:
                told = f"{len(gone)} of {query.split()[-1]} lost {when}, such as {sorted(gone)[0]}"
                problems.append(f"{name}: {told}")
        return problems


def photographs_of_lfw() -> dict[str, bytes]:
    """The photographs of LFW by file name."""
    with tarfile.open(data.file("lfw_dev.tar")) as archive:
        return {
            Path(member.name).name: archive.extractfile(member).read()
            for member in archive
            if member.name.endswith(".webp")
        }
