"""Where the benchmarks find their data: `STREAMFACE_DATA`, else `../shared/data` beside the project."""

from __future__ import annotations

import csv
import io
import os
import sys
import tarfile
from pathlib import Path

import numpy as np

FOLDER = Path(os.environ.get("STREAMFACE_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


def file(name: str) -> Path:
    """A file of the data folder; ends the program in one line when it is not there."""
    path = FOLDER / name
    if not path.exists():
        sys.exit(f"{path} is missing: set STREAMFACE_DATA to the folder that holds {name}")
    return path


def lfw() -> tuple[dict[str, np.ndarray], list[tuple[str, str, bool]]]:
    """The photographs of lfw_dev by file name, (H, W, 3) uint8 BGR, and its pairs (a, b, same person)."""
    import cv2

    images, pairs = {}, []
    with tarfile.open(file("lfw_dev.tar")) as archive:
        for member in archive:
            if not member.isfile():
                continue
            data, name = archive.extractfile(member).read(), Path(member.name).name
            if name == "pairs.csv":
                rows = csv.DictReader(io.StringIO(data.decode()))
                pairs = [(row["file_a"], row["file_b"], row["same"] == "1") for row in rows]
            elif name.endswith(".webp"):
                images[name] = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return dict(sorted(images.items())), pairs


def person(name: str) -> str:
    """Who a photograph of LFW shows: 'George_W_Bush_0007.webp' shows 'George_W_Bush'."""
    return name.rpartition("_")[0]
