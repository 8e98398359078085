"""OpenFace here and in deepface, in one run: `python -m benchmarks.beside_deepface --python PYTHON [PICTURE]`.

PYTHON is that of an environment with deepface, tf-keras and flask. Both get the same random weights, which deepface
writes, and the same array: the largest face of PICTURE cut out at 224 pixels, taken for the face. deepface runs
`represent(detector_backend="skip")` in a process of its own; the two take turns, round by round, and never run at
once. Prints the median milliseconds of one call, and the median over the rounds of how many times as fast this project
is: its `represent` with "skip", and the network alone (one aligned face to its embedding, LiteRT, 1 thread). First
calls do not count.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import cv2
import numpy as np

import streamface
from streamface import build
from streamface.settings import AnalysisSettings, RecognitionSettings, Settings

HERE = Path(__file__).resolve().parent
PICTURE = HERE.parent / "database" / "Eileen Collins" / "portrait.jpg"
WARM_UP = 5


class Reference:
    """deepface in a process of its own; a context manager.

    Args:
        python: the Python that has it.
        folder: below which its weights lie.
        picture: the file that it reads once.
    """

    def __init__(self, python: str, folder: Path, picture: Path) -> None:
        command = [python, str(HERE / "reference.py"), "represent", str(folder), str(picture)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, text=True, **pipes)

    def __call__(self, calls: int) -> list[float]:
        """Milliseconds of each of so many calls."""
        self._process.stdin.write(f"{calls}\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("ms "):
                return [float(one) for one in line.split()[1:]]
        raise SystemExit("deepface ended without an answer: run benchmarks/reference.py by hand to see why")

    def __enter__(self) -> Reference:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def timed(work: Callable[[], object], calls: int) -> list[float]:
    """Milliseconds of each of so many calls."""
    spent = []
    for _ in range(calls):
        began = perf_counter()
        work()
        spent.append((perf_counter() - began) * 1e3)
    return spent


def ours(image: np.ndarray) -> dict[str, Callable[[], object]]:
    """What is measured here, by its name; networks are made ready."""
    settings = Settings(recognition=RecognitionSettings("OpenFace"), analysis=AnalysisSettings(actions=()))
    build.prepare(settings)
    module = build.model_module(settings)
    recognizer = module.create(settings.recognition, settings.runtime)
    chip = cv2.resize(image, (module.SPEC.input_px,) * 2)[None]
    return {
        "streamface, represent with 'skip'": lambda: streamface.represent(image, "OpenFace", "skip"),
        "streamface, the network alone": lambda: recognizer.embed(chip),
    }


def main() -> None:
    """Take turns, and print one row each."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("picture", nargs="?", type=Path, default=PICTURE)
    options.add_argument("--python", required=True, help="the Python of an environment that has deepface")
    options.add_argument("--keep", type=Path, metavar="DIR", help="keep weights and prepared network for the next run")
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--calls", type=int, default=10)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = given.keep or Path(made)
        os.environ.update(DEEPFACE_HOME=str(folder), STREAMFACE_HOME=str(folder / "home"))
        write_weights(given.python, folder / ".deepface" / "weights")
        face = folder / "face.png"
        cv2.imwrite(str(face), streamface.extract_faces(given.picture, size_px=224)[0]["image"])
        works = ours(cv2.imread(str(face)))
        with Reference(given.python, folder, face) as reference:
            report(reference, works, given.rounds, given.calls)


def write_weights(python: str, folder: Path) -> None:
    """Let deepface write OpenFace's file, unless it has."""
    if not (folder / "openface_weights.h5").is_file():
        command = [python, str(HERE / "reference.py"), "weights", str(folder), "OpenFace"]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def report(reference: Reference, works: dict[str, Callable[[], object]], rounds: int, calls: int) -> None:
    """Run the rounds and print their medians."""
    for warm in (reference, *(lambda calls, work=work: timed(work, calls) for work in works.values())):
        warm(WARM_UP)
    theirs, found = [], {name: [] for name in works}
    for _ in range(rounds):
        theirs.append(median(reference(calls)))
        for name, work in works.items():
            found[name].append(median(timed(work, calls)))
    print(f"deepface, represent with 'skip': {median(theirs):.1f} ms")
    for name, spent in found.items():
        ratios = [one / other for one, other in zip(theirs, spent, strict=True)]
        print(f"{name}: {median(spent):.1f} ms, {median(ratios):.1f} times as fast (least {min(ratios):.1f})")


if __name__ == "__main__":
    main()
