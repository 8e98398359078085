"""One trunk, four answers: `python -m benchmarks.one_trunk [--threads N] [--runs N]`.

Prints the milliseconds of one face for VGG-Face's descriptor alone, for age, gender and race beside it as the stream
asks for them, where the convolutions of the files agree and are run once, and for the same four networks one after the
other, each with its own trunk, as the reference runs them. The three take turns; medians and least.

The four published weights files must be where `streamface weights path` says, or in `~/.deepface/weights`; random
ones from `benchmarks/reference.py` take as long.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np

from streamface import build
from streamface.analysis import FaceAnalysis, Request
from streamface.runtime.session import Session
from streamface.settings import AnalysisSettings, RecognitionSettings, RuntimeSettings, Settings
from streamface.types import AlignedFace

ACTIONS = ("age", "gender", "race")


def request(actions: tuple[str, ...]) -> Request:
    """A look at a random chip."""
    chip = np.random.default_rng(0).integers(0, 256, (224, 224, 3)).astype(np.uint8)
    return Request(1, AlignedFace(chip, np.eye(2, 3, dtype=np.float32), 1.0), 1.0, 0.0, True, actions)


def apart(looking: FaceAnalysis, trunk: Session) -> Callable[[], object]:
    """The four networks one after the other: the shared trunk is run for each of the three attributes again."""
    together = looking.look
    pixels = request(()).face.image[None].astype(np.float32)

    def run() -> None:
        together(request(ACTIONS))
        for _ in ACTIONS:
            trunk.run(pixels)

    return run


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--runs", type=int, default=11)
    given = options.parse_args()
    asked = AnalysisSettings(ACTIONS, "published")
    runtime = RuntimeSettings(given.threads)
    settings = Settings(recognition=RecognitionSettings("VGG-Face"), analysis=asked, runtime=runtime)
    build.prepare(settings)
    looking = build.analysis(settings)
    trunk = build.model_module(settings).required(settings.recognition)[0]
    works = {
        "descriptor alone": lambda: looking.look(request(())),
        "descriptor, age, gender and race, one trunk": lambda: looking.look(request(ACTIONS)),
        "the same, a trunk each": apart(looking, Session(trunk.path(), given.threads)),
    }
    spent: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(given.runs + 2):
        for name, work in works.items():
            began = perf_counter()
            work()
            if turn >= 2:
                spent[name].append((perf_counter() - began) * 1e3)
    for name, times in spent.items():
        print(f"{name}: {median(times):.0f} ms, least {min(times):.0f} ms")


if __name__ == "__main__":
    main()
