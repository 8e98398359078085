"""Published weights: where they lie, how they come here, and that they stay what they were.

A file is looked for in the weights folder of `STREAMFACE_HOME`, then where the deepface package keeps its
downloads. Its SHA-256 is noted when it is first used, and compared with the file's at the first use in every
process (half a second for the largest).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from streamface.errors import WeightsError
from streamface.runtime import cache, download, legacy_h5

log = logging.getLogger(__name__)

PUBLISHED = (
    "https://github.com/serengil/deepface_models/releases/download/v1.0/",
    "https://huggingface.co/serengil/deepface/resolve/main/",
)
"""Where most files are published, and the mirror with the same names."""


@dataclass(frozen=True, slots=True)
class WeightFile:
    """A weights file that somebody else publishes."""

    filename: str
    urls: tuple[str, ...]
    """Addresses, tried in order; one that ends in .zip is unpacked."""
    size: int | None
    """Bytes, None where the publisher does not say."""
    licence: str
    source: str
    """Who trained it, in a few words."""
    parameters: int
    """Numbers in the file; tells a file of another network."""

    @property
    def about_bytes(self) -> int:
        """Its size, or nearly that: the numbers have four bytes each."""
        return self.size or 4 * self.parameters


def published(filename: str) -> tuple[str, ...]:
    """The two addresses of a file of the deepface project."""
    return tuple(f"{address}{filename}" for address in PUBLISHED)


def folder() -> Path:
    """Where downloads are kept and where files may be put by hand."""
    return cache.folder("weights")


def find(file: WeightFile) -> Path | None:
    """The file if it is on this machine, checked; raises `WeightsError` where ours is broken or has changed.

    A broken one among deepface's downloads is passed over with a warning.
    """
    own = folder() / file.filename
    if own.is_file():
        return check(file, own)
    foreign = Path(os.environ.get("DEEPFACE_HOME") or Path.home()) / ".deepface" / "weights" / file.filename
    if foreign.is_file():
        try:
            return check(file, foreign)
        except WeightsError as error:
            log.warning("passed over: %s", error)
    return None


def obtain(file: WeightFile) -> Path:
    """The file, downloaded where it is not on this machine; raises `WeightsError` with one line of what to do."""
    return find(file) or _download(file)


def check(file: WeightFile, path: Path) -> Path:
    """`path`, if it is what it was at its first use, or now of the right network; raises `WeightsError` otherwise."""
    if not path.is_file():
        raise WeightsError(f"{path} is missing: give the path of {file.filename}")
    noted = _notes().get(str(path))
    if noted is None:
        _check_network(file, path)
        _note(path, digest(path))
    elif digest(path) != noted["sha256"]:
        raise WeightsError(
            f"{path} has changed since its first use: if you replaced it, run 'streamface weights import {path}'; "
            "otherwise delete it"
        )
    return path


def install(file: WeightFile, source: Path) -> Path:
    """Copy a file that came some other way into our folder; a broken one changes nothing. Returns its new place."""
    source = Path(source)
    if not source.is_file():
        raise WeightsError(f"{source} is missing: give the path of {file.filename}")
    target = folder() / file.filename
    if target.exists() and target.samefile(source):
        _check_network(file, target)
        _note(target, digest(target))
        return target
    part = target.with_name(f"{file.filename}.{os.getpid()}.part")
    try:
        shutil.copyfile(source, part)
        return _put(file, part, target)
    except OSError as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(f"cannot copy {source} to {target}: {error.strerror}: check the folder") from error
    finally:
        part.unlink(missing_ok=True)


def identify(path: Path, files: Sequence[WeightFile]) -> WeightFile:
    """Which of `files` a file is, by the count of its numbers, whatever it is called; raises `WeightsError`."""
    if not Path(path).is_file():
        raise WeightsError(f"{path} is missing: give the path of a weights file")
    count = legacy_h5.parameters(Path(path))
    for file in files:
        if file.parameters == count:
            return file
    raise WeightsError(f"{Path(path).name} is of none of the known networks ({count:,} numbers): see 'weights list'")


def digest(path: Path) -> str:
    """SHA-256 of a file, read in pieces, once in a process for each of its states."""
    found = Path(path).stat()
    return _digest(Path(path), (found.st_size, found.st_mtime_ns, found.st_ctime_ns))


@lru_cache(maxsize=64)
def _digest(path: Path, _state: tuple[int, ...]) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            found.update(chunk)
    return found.hexdigest()


def _notes() -> dict[str, dict[str, str]]:
    """Path -> what was noted at its first use: `sha256`."""
    try:
        return json.loads((cache.home() / "weights" / "notes.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except ValueError:
        log.warning("the notes of weights files are unreadable and begun anew")
        return {}


def _note(path: Path, sha256: str) -> None:
    notes = _notes() | {str(path): {"sha256": sha256}}
    cache.write_atomically(folder() / "notes.json", json.dumps(notes, indent=1).encode())


def _check_network(file: WeightFile, path: Path) -> None:
    if file.size is not None and path.stat().st_size != file.size:
        raise WeightsError(f"{path.name} has {path.stat().st_size:,} bytes instead of {file.size:,}: fetch it again")
    count = legacy_h5.parameters(path)
    if count != file.parameters:
        raise WeightsError(
            f"{path.name} is not {file.filename} but of another network "
            f"({count:,} numbers instead of {file.parameters:,}): fetch it again"
        )


def _put(file: WeightFile, part: Path, target: Path) -> Path:
    """Make a whole file the one in use."""
    _check_network(file, part)
    with open(part, "rb+") as written:
        os.fsync(written.fileno())
    os.replace(part, target)
    _note(target, digest(target))
    return target


def _download(file: WeightFile) -> Path:
    target, reasons = folder() / file.filename, []
    with _alone(target):
        if target.is_file():  # another process brought it meanwhile
            return check(file, target)
        for url in file.urls:
            try:
                return _fetched(file, url, target)
            except WeightsError as error:
                reasons.append(str(error))
    unpack = ", unpack it" if file.urls[0].endswith(".zip") else ""
    raise WeightsError(
        f"{file.filename} is not here and could not be downloaded ({'; '.join(reasons)}): "
        f"fetch {file.urls[0]} on another machine{unpack} and put it into {folder()}"
    )


def _fetched(file: WeightFile, url: str, target: Path) -> Path:
    """One address; what was resumed and does not fit together is fetched once more from its beginning."""
    packed = url.endswith(".zip")
    part = target.with_name(f"{file.filename}.zip.part" if packed else f"{file.filename}.part")
    while True:
        resumed = part.exists()
        download.fetch(url, part, None if packed else file.size)
        try:
            return _unpacked(file, part, target) if packed else _put(file, part, target)
        except WeightsError:
            if not resumed:
                raise
        finally:
            part.unlink(missing_ok=True)


def _unpacked(file: WeightFile, archive: Path, target: Path) -> Path:
    part = target.with_name(f"{file.filename}.part")
    try:
        with zipfile.ZipFile(archive) as packed:
            member = next(name for name in packed.namelist() if Path(name).name == file.filename)
            with packed.open(member) as source, open(part, "wb") as written:
                shutil.copyfileobj(source, written, 1 << 20)
        return _put(file, part, target)
    except (zipfile.BadZipFile, StopIteration) as error:
        raise WeightsError(f"the archive of {file.filename} is damaged or holds something else") from error
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Only one process at a time downloads a file; where the system has no such locks, nothing is done."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with open(target.with_name(f"{target.name}.lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise WeightsError(f"{target.name} is being downloaded by another process: wait for it") from error
        yield
