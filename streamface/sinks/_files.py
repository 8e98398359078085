"""Files that outputs write: found unwritable at once, replaced at the first frame, whole after a crash."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from streamface.errors import OutputError


def check_writable(path: Path) -> None:
    """Make the parent folders and make sure that `path` can be written, without changing what is there.

    Raises `OutputError`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        existed = path.exists()
        with open(path, "ab"):
            pass
        if not existed:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: Exception) -> OutputError:
    """One line that says what is wrong with `path` and what to do."""
    what = getattr(error, "strerror", None) or str(error)
    return OutputError(f"cannot write {path}: {what}; free some space, or choose another place")


class LineFile:
    """A text file of lines: nothing of an earlier file stays, and no half line is left by a full disk.

    An existing file is replaced when the first lines come, not before, so that a run which never gets a frame
    destroys nothing. Lines go to the system as they come; none waits in this process.
    """

    def __init__(self, path: Path) -> None:
        self._path = Path(path)
        self._descriptor: int | None = None
        self._closed = False
        check_writable(self._path)

    def write(self, lines: list[str]) -> None:
        """Append whole lines, given without their ends; raises `OutputError`, and does nothing once closed."""
        if self._closed:
            return
        data = "".join(line + "\n" for line in lines).encode()
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY, 0o666)
            while data:
                data = self._append(data)
        except OSError as error:
            self.close()
            raise cannot_write(self._path, error) from error

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


_BINARY = getattr(os, "O_BINARY", 0)
"""Windows would otherwise turn every end of line into two characters."""
