"""Still pictures: `python -m benchmarks.still_images [--model M] [--runs N] [PICTURE PICTURE]`.

Prints how long `import streamface` takes in a fresh process, and `verify`, `analyze` and `represent` in a warm one:
median wall-clock time of N runs and, for a machine that has other work, the processor time of the same. The pictures
are two photographs of the data folder, read from their files at each run, unless others are given.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

import streamface
from benchmarks import data
from streamface.errors import StreamfaceError

IMPORT = "import time; t = time.perf_counter(); import streamface; print(time.perf_counter() - t)"


def milliseconds(work: Callable[[], object], runs: int) -> tuple[float, float]:
    """Median wall-clock and processor time of `work`, after two runs that do not count."""
    work(), work()
    walls, cpus = [], []
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(1000 * (time.perf_counter() - wall))
        cpus.append(1000 * (time.process_time() - cpu))
    return median(walls), median(cpus)


def import_seconds(runs: int) -> float:
    """Median time of `import streamface` in a fresh Python."""
    times = [float(subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, check=True).stdout)
             for _ in range(runs)]  # fmt: skip
    return median(times)


def main() -> None:
    """Print one row a call."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("pictures", nargs="*", help="two pictures of one person")
    options.add_argument("--model", default="auto")
    options.add_argument("--runs", type=int, default=21)
    given = options.parse_args()
    first, second = given.pictures or [data.file(f"media/{name}.jpg") for name in ("obama", "obama2")]
    print(f"import streamface: {import_seconds(min(given.runs, 9)):.3f} s")
    answer = streamface.verify(first, second, given.model)
    print(f"{first} and {second}, {answer['model']}: distance {answer['distance']:.4f}, verified {answer['verified']}")
    calls = {
        "verify": lambda: streamface.verify(first, second, given.model),
        "represent": lambda: streamface.represent(first, given.model),
        "analyze": lambda: streamface.analyze(first),
        "analyze, skip": lambda: streamface.analyze(first, detector_backend="skip"),
    }
    for name, call in calls.items():
        try:
            wall, cpu = milliseconds(call, given.runs)
        except StreamfaceError as error:
            print(f"{name}: {error}")
            continue
        print(f"{name}: {wall:.1f} ms, of processor time {cpu:.1f} ms")


if __name__ == "__main__":
    main()
