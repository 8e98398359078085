"""Figures of the gallery: `python -m benchmarks.gallery [--rows N] [--pictures N] [--photographs N]`.

Prints how long 8 faces take against 100,000 embeddings, how long a second start takes on 10,000 unchanged pictures
(in a fresh process, imports and the pandas table included), and how many photographs a second are embedded.
"""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from streamface.gallery.base import Photo, Row
from streamface.gallery.distances import METRICS
from streamface.gallery.enroll import enroll
from streamface.gallery.gallery import Gallery
from streamface.gallery.scan import scan
from streamface.gallery.store import Store
from streamface.settings import Settings
from streamface.testing import FakeEncoder, picture
from streamface.types import Box

SECOND_START = """
import sys, time
begun = time.perf_counter()
from streamface.gallery.opening import open_gallery
from streamface.settings import Settings
from streamface.testing import FakeEncoder
gallery, report = open_gallery(sys.argv[1], sys.argv[2], [FakeEncoder()])
opened = time.perf_counter()
people = gallery.people
sys.stdout.write(f"{opened - begun:.2f} s to match, {time.perf_counter() - begun:.2f} s with the pandas table: "
                 f"{len(people)} pictures, {report.embedded} embedded again\\n")
"""


def milliseconds(work: Callable[[], object], runs: int = 15) -> float:
    """Median time of `work`, after one run that does not count."""
    work()
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - begun))
    return median(times)


def matching(count: int, dimensions: int = 128) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(count, dimensions)).astype(np.float32)
    for per_person in (1, 10):
        rows = [
            Row(Photo(f"{i // per_person:06}/{i}.jpg", f"{i // per_person:06}", 1, 1), None, Box(0, 0, 1, 1), 1.0, v)
            for i, v in enumerate(vectors)
        ]
        gallery = Gallery(rows, "benchmark")
        faces = rng.normal(size=(8, dimensions)).astype(np.float32)
        for metric in METRICS:
            taken = milliseconds(partial(gallery.match, faces, metric, 0.4))
            people = count // per_person
            print(f"match 8 faces, {count} pictures of {people} people, {metric}: {taken:.2f} ms")


def second_start(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        people, store = Path(folder) / "people", Path(folder) / "store.sqlite"
        for i in range(count):
            person = people / f"Person {i // 5}"
            person.mkdir(parents=True, exist_ok=True)
            image = picture((i % 256, 255 - i % 200, (i // 256) % 40))
            (person / f"{i}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
        print(f"list {count} pictures of {-(-count // 5)} people: {milliseconds(lambda: scan(people), 5):.0f} ms")
        with Store(store) as opened:
            begun = time.perf_counter()
            enroll(people, opened, [FakeEncoder(), FakeEncoder()], progress=False)
            print(f"first start with a fake network: {count / (time.perf_counter() - begun):.0f} pictures/s")
        for name in ("second", "third"):
            environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            command = [sys.executable, "-c", SECOND_START, str(people), str(store)]
            begun = time.perf_counter()
            result = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
            print(f"{name} start: {result.stdout.strip()}; {time.perf_counter() - begun:.2f} s with the interpreter")


def embedding(count: int) -> None:
    """Pictures a second with the real networks, over photographs of lfw_dev."""
    from benchmarks import data
    from streamface import build

    if not (data.FOLDER / "lfw_dev.tar").exists():
        print("pictures embedded per second: left out, STREAMFACE_DATA does not name a folder with lfw_dev.tar")
        return
    settings = Settings()
    build.prepare(settings)
    encoders = [build.LazyEncoder(settings) for _ in range(2)]
    with tempfile.TemporaryDirectory() as folder, tarfile.open(data.file("lfw_dev.tar")) as archive, Store() as store:
        for member in [m for m in archive if m.name.endswith(".webp")][:count]:
            path = Path(folder) / data.person(Path(member.name).name) / Path(member.name).name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(archive.extractfile(member).read())
        begun = time.perf_counter()
        report = enroll(Path(folder), store, encoders, progress=False)
        rate = report.embedded / (time.perf_counter() - begun)
    skipped = len(report.skipped)
    print(f"embed {report.embedded} photographs of lfw_dev, 2 threads: {rate:.1f} pictures/s, {skipped} skipped")
    for reason, number in Counter(photo.reason for photo in report.skipped).items():
        print(f"  {number}: {reason}")


def main() -> None:
    logging.disable(logging.WARNING)  # the pictures that are skipped are counted below
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--photographs", type=int, default=1000, help="of lfw_dev")
    options = parser.parse_args()
    matching(options.rows)
    second_start(options.pictures)
    embedding(options.photographs)


if __name__ == "__main__":
    main()
