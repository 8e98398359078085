"""Fetching a large file over HTTP so that a broken connection costs what was on its way and no more."""

from __future__ import annotations

import http.client
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from streamface.errors import WeightsError

ANSWER_S = 3.0
"""Seconds without a byte after which a connection has failed."""
ATTEMPTS = 50
"""Connections for one file; each has to bring something that the ones before did not, but for `FRUITLESS`."""
FRUITLESS = 2
CHUNK = 1 << 18


def fetch(url: str, part: Path, size: int | None = None) -> None:
    """Bring `part` to the whole of what `url` has, going on from what is in it already.

    size: bytes of the whole, where known. A server that cannot go on starts again. Raises `WeightsError`, and
    keeps what came, when the server cannot be reached or the connection breaks without bringing anything new.
    """
    if urlsplit(url).hostname in ("drive.google.com", "docs.google.com"):
        return _fetch_drive(url, part)
    best, fruitless, reason = _length(part), 0, ""
    for _ in range(ATTEMPTS):
        try:
            if _go_on(url, part, size):
                return None
            reason = "the connection broke"
        except urllib.error.HTTPError as error:
            raise _failed(url, f"answer {error.code}") from error
        except WeightsError:
            raise
        except (OSError, http.client.HTTPException) as error:
            reason = _reason(error)
        fruitless = 0 if _length(part) > best else fruitless + 1
        best = max(best, _length(part))
        if fruitless == FRUITLESS or not best:
            break
    raise _failed(url, reason)


def _go_on(url: str, part: Path, size: int | None) -> bool:
    """One connection; True when `part` is whole after it."""
    have = _length(part)
    request = urllib.request.Request(url, headers={"User-Agent": "streamface"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=ANSWER_S)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing lies behind what is here: it is whole, or of another file
            error.close()
            return _settle(part, have == _total(error.headers))
        raise
    with response:
        if urlsplit(url).scheme == "https" != urlsplit(response.url).scheme:
            raise _failed(url, "it leads to an address that is not secure")
        start = have if response.status == 206 and _start(response.headers) == have else 0
        length = response.headers.get("Content-Length")
        whole = start + int(length) if length else None
        if size is not None and whole is not None and whole != size:
            part.unlink(missing_ok=True)
            raise _failed(url, f"{whole:,} bytes instead of {size:,}")
        _copy(response, part, start, whole)
    return whole is None or _length(part) == whole


def _copy(response, part: Path, start: int, whole: int | None) -> None:
    from tqdm import tqdm

    bar = tqdm(total=whole, initial=start, unit="B", unit_scale=True, desc=part.stem, mininterval=0.5)
    with bar, _opened(part, "ab" if start else "wb") as file:
        while chunk := response.read1(CHUNK):  # read() would lose what came before a connection breaks
            bar.update(len(chunk))
            try:
                while chunk:  # a disk that fills takes a part first
                    chunk = chunk[file.write(chunk) :]
            except OSError as error:
                raise _unwritable(part, error) from error


def _opened(part: Path, mode: str) -> BinaryIO:
    """Unbuffered, so that a full disk shows in the write that met it."""
    try:
        return open(part, mode, buffering=0)
    except OSError as error:
        raise _unwritable(part, error) from error


def _unwritable(part: Path, error: OSError) -> WeightsError:
    return WeightsError(f"cannot write {part}: {error.strerror}: make room, or set STREAMFACE_HOME to another folder")


def _settle(part: Path, is_whole: bool) -> bool:
    if not is_whole:
        part.unlink()
    return is_whole


def _start(headers) -> int | None:
    """Where an answer begins, from `Content-Range: bytes 5-9/10`."""
    found = re.match(r"bytes (\d+)-", headers.get("Content-Range") or "")
    return int(found[1]) if found else None


def _total(headers) -> int | None:
    """Bytes of the whole, from `Content-Range: bytes */10`."""
    found = re.search(r"/(\d+)$", headers.get("Content-Range") or "")
    return int(found[1]) if found else None


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", None) or error
    if isinstance(cause, TimeoutError):
        return f"no answer in {ANSWER_S:g} s"
    return str(getattr(cause, "strerror", None) or cause or type(cause).__name__)


def _failed(url: str, reason: str) -> WeightsError:
    return WeightsError(f"{urlsplit(url).hostname}: {reason}")


def _fetch_drive(url: str, part: Path) -> None:
    """Google Drive asks questions before it gives a large file; gdown knows the answers."""
    import gdown
    from gdown.exceptions import FileURLRetrievalError

    try:
        with urllib.request.urlopen(url, timeout=ANSWER_S):  # gdown itself would wait for ever
            pass
        found = gdown.download(url, str(part), resume=True)
    except (OSError, http.client.HTTPException, FileURLRetrievalError) as error:
        raise _failed(url, _reason(error).strip().splitlines()[0]) from error
    if found is None or not part.exists():
        raise _failed(url, "Google Drive gave nothing")
