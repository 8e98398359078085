"""A file beside the store that holds a large gallery ready to be mapped into memory.

Reading a million rows from SQLite takes half a minute and a gigabyte; mapping this file takes less than a second, and
its pages are shared between processes and given back when memory is short. It is a cache of a cache: it names the
generation of the store that it was made from, every array in it has a checksum, and one that is stale or damaged is
made again. It is written under another name, brought to the disk, and renamed, so that a crash leaves the old file or
the new one. It is replaced and never changed, since another process may be matching in it; so unlike in the store,
embeddings that were forgotten are not overwritten with zeros but deleted with the file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from streamface.gallery.matrix import Matrix
from streamface.gallery.pictures import Pictures, Strings
from streamface.gallery.table import Block, Found, Table

MAGIC = b"SFGALL01"
ALIGNED = 4096
"""Each array begins at a multiple of so many bytes: of a page of memory."""
PIECE = 1 << 24
"""Bytes written or checked at a time."""
LEFT_S = 3600.0
"""A part that is older was left by a process that was killed."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Everything that an enrolment found, and the generation of the store that says the same."""

    generation: str
    network: str
    found: Found
    table: Table


def path_for(store: Path, network: str) -> Path:
    """Where the snapshot of one network lies."""
    return store.with_name(f"{store.name}.{hashlib.sha256(network.encode()).hexdigest()[:8]}.matrix")


def load(path: Path, network: str) -> Snapshot | None:
    """The snapshot at `path`, mapped into memory; None where there is none that is whole."""
    try:
        head, arrays = _mapped(path)
        return _snapshot(head, arrays) if head["network"] == network else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.info("the file %s is made anew: %s", path, error)
        return None


def save(path: Path, generation: str, network: str, found: Found, blocks: Iterable[Block]) -> None:
    """Write a snapshot; raises OSError where the disk does not take it.

    The blocks of the usable pictures' faces are taken one after another, so that memory holds one at a time.
    """
    _clear_left(path)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "r+b") as file:
            arrays = _write(file, found, blocks)
            _write_head(file, {"generation": generation, "network": network, "arrays": arrays})
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _write(file: BinaryIO, found: Found, blocks: Iterable[Block]) -> dict[str, dict]:
    """Write every array, and say where each lies."""
    pictures, rest = found.pictures.packed(), []

    def panels() -> Iterator[np.ndarray]:
        for block in blocks:
            rest.append((block.boxes, block.qualities, block.lengths))
            yield block.panels

    file.seek(ALIGNED)
    arrays = {"panels": _append(file, panels())}
    boxes, qualities, lengths = (np.concatenate(column) for column in zip(*rest, strict=True))
    reasons = sorted(found.reasons.items())
    columns = {
        "lengths": lengths,
        "paths": pictures.paths.block,
        "names": pictures.names.block,
        "starts": pictures.starts,
        "sizes": pictures.sizes,
        "mtimes": pictures.mtimes_ns,
        "used": found.used,
        "skipped": np.array([number for number, _ in reasons], np.int64),
        "reasons": Strings.of(reason for _, reason in reasons).block,
        "boxes": boxes,
        "qualities": qualities,
    }
    return arrays | {name: _append(file, [column]) for name, column in columns.items()}


def _write_head(file: BinaryIO, head: dict) -> None:
    text = json.dumps(head).encode()
    if len(text) > ALIGNED - 16:
        raise OSError("the head of the file is too long")
    file.seek(0)
    file.write(MAGIC + len(text).to_bytes(4, "little") + zlib.crc32(text).to_bytes(4, "little") + text)


def _append(file: BinaryIO, parts: Iterable[np.ndarray]) -> dict[str, object]:
    """Write one array, given in parts along its first axis, and say where and what it is."""
    file.seek(-(-file.tell() // ALIGNED) * ALIGNED)
    offset, checksum, rows, kind = file.tell(), 0, 0, None
    for part in parts:
        kind = part
        data = np.ascontiguousarray(part).view(np.uint8).reshape(-1)
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE].tobytes()
            checksum = zlib.crc32(piece, checksum)
            file.write(piece)
        rows += len(part)
    return {"offset": offset, "crc": checksum, "shape": [rows, *kind.shape[1:]], "type": kind.dtype.str}


def _mapped(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """The head of the file and its arrays; raises ValueError where something is wrong with it."""
    whole = np.asarray(np.memmap(path, np.uint8, "r"))
    start = whole[:ALIGNED].tobytes()
    size, checksum = (int.from_bytes(start[i : i + 4], "little") for i in (8, 12))
    text = start[16 : 16 + size]
    if start[:8] != MAGIC or zlib.crc32(text) != checksum:
        raise ValueError("it is not whole, or of another version")
    head = json.loads(text)
    return head, {name: _array(whole, entry) for name, entry in head["arrays"].items()}


def _array(whole: np.ndarray, entry: dict) -> np.ndarray:
    kind, shape = np.dtype(entry["type"]), tuple(entry["shape"])
    data = whole[entry["offset"] :][: kind.itemsize * int(np.prod(shape))]
    checksum = 0
    for start in range(0, len(data), PIECE):
        checksum = zlib.crc32(data[start : start + PIECE], checksum)
    if checksum != entry["crc"]:
        raise ValueError("a checksum is wrong")
    return data.view(kind).reshape(shape)


def _snapshot(head: dict, arrays: dict[str, np.ndarray]) -> Snapshot:
    pictures = Pictures(
        *(Strings(arrays[name]) for name in ("paths", "names")),
        *(arrays[name] for name in ("starts", "sizes", "mtimes")),
    )
    used = arrays["used"].astype(bool)
    matrix = Matrix(arrays["panels"], arrays["lengths"], len(arrays["qualities"]))
    table = Table(pictures.picked(used), arrays["boxes"], arrays["qualities"], matrix)
    reasons = dict(zip(arrays["skipped"].tolist(), Strings(arrays["reasons"]), strict=True))
    return Snapshot(head["generation"], head["network"], Found(pictures, used, reasons), table)


def _clear_left(path: Path) -> None:
    """Delete parts that were left behind."""
    for part in path.parent.glob(f"{path.name}.*.part"):
        with suppress(OSError):  # another process was faster
            if time.time() - part.stat().st_mtime > LEFT_S:
                part.unlink()
