"""Figures of the gallery: `python -m benchmarks.gallery [--rows N N] [--pictures N] [--photographs N] [--opened N]`.

Prints how long 8 faces and 1 face take against 100,000 and 1,000,000 embeddings; how long a start takes on 1,000,000
pictures that are known (empty files, and a store of random embeddings); how long a second start takes on 10,000
unchanged pictures (in a fresh process, imports and the pandas table included); and how many photographs a second are
embedded. A part whose number is 0 is left out.
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

from streamface.gallery.base import Row
from streamface.gallery.distances import METRICS
from streamface.gallery.enroll import enroll
from streamface.gallery.gallery import Gallery
from streamface.gallery.pictures import Pictures
from streamface.gallery.scan import pictures as scan_columns
from streamface.gallery.scan import scan
from streamface.gallery.store import Store
from streamface.gallery.table import Block, Table
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


OPENING = """
import resource, sys, time
begun = time.perf_counter()
from streamface.gallery.opening import open_gallery
from streamface.testing import FakeEncoder
gallery, report = open_gallery(sys.argv[1], sys.argv[2], [FakeEncoder()])
taken = time.perf_counter() - begun
with open("/proc/self/status") as file:
    own = next(line.split()[1] for line in file if line.startswith("RssAnon"))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sys.stdout.write(f"{taken:.2f} s, {len(gallery)} pictures, {report.embedded} embedded; memory of its own "
                 f"{int(own) / 1024:.0f} MB, at most {peak / 1024:.0f} MB with the mapped file\n")
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
    """8 faces and 1 face against `count` random embeddings, ten of a person."""
    rng = np.random.default_rng(0)
    names = [f"{i:06}" for i in range(-(-count // 10))]
    starts = np.minimum(np.arange(len(names) + 1) * 10, count)
    paths = [f"{i // 10:06}/{i}.jpg" for i in range(count)]
    pictures = Pictures(paths, names, starts, np.ones(count, np.int64), np.ones(count, np.int64))
    parts = [min(4096, count - at) for at in range(0, count, 4096)]
    blocks = (
        Block.of(np.ones((n, 4)), np.ones(n), rng.standard_normal((n, dimensions), dtype=np.float32)) for n in parts
    )
    gallery = Gallery(Table.joined(pictures, blocks), "benchmark")
    for number in (8, 1):
        faces = rng.standard_normal((number, dimensions), dtype=np.float32)
        for metric in METRICS:
            taken = milliseconds(partial(gallery.match, faces, metric, 0.4))
            print(f"match {number} of {count} pictures, {len(names)} people, {metric}: {taken:.1f} ms")


def opening(count: int, dimensions: int = 128) -> None:
    """Starts on `count` known pictures: the first reads the store, the others map the file beside it."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        people, path = Path(folder) / "people", Path(folder) / "store.sqlite"
        for person in range(-(-count // 10)):
            (people / f"Person {person:06}").mkdir(parents=True)
            for i in range(min(10, count - 10 * person)):
                (people / f"Person {person:06}" / f"{i}.jpg").touch()
        photos, box = scan(people), Box(0, 0, 100, 100)
        with Store(path) as store:
            for at in range(0, count, 10_000):
                part = photos[at : at + 10_000]
                vectors = rng.standard_normal((len(part), dimensions), dtype=np.float32)
                rows = [Row(photo, None, box, 1.0, vector) for photo, vector in zip(part, vectors, strict=True)]
                store.save(FakeEncoder().network, rows)
        print(
            f"list {count} pictures of {-(-count // 10)} people: {milliseconds(lambda: scan_columns(people), 3):.0f} ms"
        )
        for name in ("first", "second", "third"):
            print(f"{name} start on {count} known pictures: {_start(people, path, OPENING)}")


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
            begun = time.perf_counter()
            said = _start(people, store, SECOND_START)
            print(f"{name} start: {said}; {time.perf_counter() - begun:.2f} s with the interpreter")


def _start(people: Path, store: Path, program: str) -> str:
    """What `program` says, run in a process of its own."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", program, str(people), str(store)]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


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
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--opened", type=int, default=1_000_000, help="known pictures, in the part that opens")
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--photographs", type=int, default=1000, help="of lfw_dev")
    options = parser.parse_args()
    for count in filter(None, options.rows):
        matching(count)
    for part, count in ((opening, options.opened), (second_start, options.pictures), (embedding, options.photographs)):
        if count:
            part(count)


if __name__ == "__main__":
    main()
