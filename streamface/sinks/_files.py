"""Files that outputs write: found unwritable at once, replaced at the first frame, whole after a crash."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from streamface.errors import OutputError
from streamface.sinks._disk import DiskSync


def check_writable(path: Path) -> None:
    """Make the parent folders and make sure that `path` can be written, without changing what is there.

    Nothing is made at `path` itself, not even for a moment: another program may begin the same file just then.
    Raises `OutputError`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab") if path.exists() else tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: Exception) -> OutputError:
    """One line that says what is wrong with `path` and what to do."""
    what = getattr(error, "strerror", None) or str(error)
    return OutputError(f"cannot write {path}: {what}; free some space, or choose another place")


def name_of(camera: str) -> str:
    """What a camera's files are called: its name, its address, or the name of its file without folders and ending."""
    own = camera if "://" in camera else Path(camera).stem
    return re.sub(r"[^\w.-]+", "-", own).strip("-.") or "camera"


_LOCKS: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)


def alone_with(path: Path) -> threading.RLock:
    """The lock of a file of lines, to be held by whoever puts another in its place: nobody in this process writes to it
    meanwhile, and the next line goes into the new one."""
    return _LOCKS[os.path.realpath(path)]


class LineFile:
    """A text file of lines: no half line is left by a full disk.

    Lines go to the system as they come; none waits in this process. Nothing is written before the first lines come,
    so that a run which never gets a frame destroys nothing.

    Args:
        path: the file.
        heading: lines that stand at the top.
        journal: add to an existing file rather than replace it, after cutting off an unfinished last line, which only
            a power cut leaves; and bring every line onto the disk itself, beside the work.

    Raises `OutputError` when the place cannot be written to, or a journal begins with another heading.
    """

    def __init__(self, path: Path, heading: Sequence[str] = (), journal: bool = False) -> None:
        self._path, self._journal = Path(path), journal
        self._heading = "".join(line + "\n" for line in heading).encode()
        self._descriptor: int | None = None
        self._closed = self._begun = False
        self._lock = alone_with(self._path)
        self._disk = DiskSync(self._path) if journal else None
        check_writable(self._path)
        if journal:
            self._check_heading()

    def write(self, lines: list[str]) -> None:
        """Append whole lines, given without their ends, all or none; raises `OutputError`, does nothing once closed."""
        if self._closed:
            return
        data = "".join(line + "\n" for line in lines).encode()
        try:
            with self._lock:
                if self._descriptor is None or self._was_replaced():
                    data = self._open() + data
                with self._all_or_none():
                    while data:
                        data = self._append(data)
            if self._disk is not None and lines:
                self._disk.soon()
        except OSError as error:
            self.close()
            raise cannot_write(self._path, error) from error

    def again(self) -> None:
        """Be ready to go on after an error, behind the last whole line."""
        self._closed = False

    def keep(self, wanted: Callable[[str], bool]) -> int:
        """Leave only the lines that are wanted, the heading apart; how many were left out.

        wanted: asked about each line, without its end, in order. Raises `OutputError`.
        """
        try:
            with self._lock:
                return _keep(self._path, self._heading, wanted) if self._path.is_file() else 0
        except OSError as error:
            raise cannot_write(self._path, error) from error

    @contextmanager
    def _all_or_none(self) -> Iterator[None]:
        """Take back what was written of lines that do not all fit: they will be written again."""
        is_file = stat.S_ISREG(os.fstat(self._descriptor).st_mode)
        before = os.lseek(self._descriptor, 0, os.SEEK_END) if is_file else 0
        try:
            yield
        except OSError:
            if is_file:
                os.ftruncate(self._descriptor, before)
            raise

    def _was_replaced(self) -> bool:
        """Whether the open file lies in its place no more: another does, out of which somebody took lines, or none."""
        mine = os.fstat(self._descriptor)
        if not stat.S_ISREG(mine.st_mode):
            return False
        with suppress(FileNotFoundError):  # it was moved away, or deleted: what is still to come goes into a new one
            there = os.stat(self._path)
            if (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino):
                return False
        os.close(self._descriptor)
        self._descriptor = None
        return True

    def _open(self) -> bytes:
        """Open the file at its end; the heading, where it is still to be written."""
        goes_on = self._journal or self._begun
        how = os.O_RDWR if goes_on else os.O_WRONLY | os.O_TRUNC
        self._descriptor = os.open(self._path, how | os.O_CREAT | _BINARY, 0o666)
        self._begun = True
        if not goes_on or not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            return self._heading
        _cut_unfinished_line(self._descriptor)
        return b"" if os.lseek(self._descriptor, 0, os.SEEK_END) else self._heading

    def _check_heading(self) -> None:
        if not self._path.is_file():
            return
        with open(self._path, "rb") as file:
            there = file.read(len(self._heading))
        if not self._heading.startswith(there):
            raise OutputError(f"{self._path} begins with other columns: move it away, or choose another name")

    def _append(self, data: bytes) -> bytes:
        """Write what goes; what did not go is returned, and a half line is taken back if that fails."""
        done = os.write(self._descriptor, data)
        if done == len(data):
            return b""
        try:
            rest = data[done:]
            return rest[os.write(self._descriptor, rest) :]
        except OSError:
            half_line = done - (data.rfind(b"\n", 0, done) + 1)
            if stat.S_ISREG(os.fstat(self._descriptor).st_mode):
                os.ftruncate(self._descriptor, os.lseek(self._descriptor, 0, os.SEEK_CUR) - half_line)
            raise

    def close(self) -> None:
        """Give the file back; may be called twice."""
        self._closed = True
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if self._disk is not None:
            self._disk.close()


def _keep(path: Path, heading: bytes, wanted: Callable[[str], bool]) -> int:
    """Put the wanted lines of a file in its place; does nothing, quickly, where even the first line is wanted."""
    left_out = 0
    with open(path, "rb") as file:
        first = file.readline()
        start = len(first) if heading and first == heading else 0
        file.seek(start)
        first = file.readline()
        if not first or wanted(first.decode(errors="replace").rstrip("\n")):
            return 0
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with open(part, "xb") as kept:
                shutil.copymode(path, part)
                file.seek(0)
                kept.write(file.read(start))
                for line in file:
                    if wanted(line.decode(errors="replace").rstrip("\n")):
                        kept.write(line)
                    else:
                        left_out += 1
                kept.flush()
                os.fsync(kept.fileno())
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    return left_out


def _cut_unfinished_line(descriptor: int) -> None:
    """Shorten the file to its last end of line."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    while end:
        start = max(0, end - 4096)
        os.lseek(descriptor, start, os.SEEK_SET)
        found = os.read(descriptor, end - start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end != os.lseek(descriptor, 0, os.SEEK_END):
        os.ftruncate(descriptor, end)


_BINARY = getattr(os, "O_BINARY", 0)
"""Windows would otherwise turn every end of line into two characters."""
