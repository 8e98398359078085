"""The folder where streamface keeps what it made or downloaded."""

from __future__ import annotations

import os
from pathlib import Path

from streamface.errors import WeightsError

VARIABLE = "STREAMFACE_HOME"


def use(path: Path | None) -> None:
    """Make `path` the home, for this process from now on and for those that it starts; None changes nothing."""
    if path is not None:
        os.environ[VARIABLE] = str(Path(path).absolute())


def home() -> Path:
    """`STREAMFACE_HOME`, else `~/.cache/streamface` (or below `XDG_CACHE_HOME`)."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "streamface"


def folder(name: str) -> Path:
    """A folder inside `home()`, made when it is not there."""
    path = home() / name
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WeightsError(f"cannot make the folder {path}: {error.strerror}: set {VARIABLE} to another") from error
    return path


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a crash leaves either the old one or the new one, never a part."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
