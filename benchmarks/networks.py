"""How long does each network take? `python -m benchmarks.networks [NAME ...]`

Prints parameters, size of the converted file, and the median and least milliseconds of one face through LiteRT on
1 and on 2 threads. Networks whose weights are not on this machine are converted with random ones, which take as long.
Then, for the two networks that need no download, what the stream takes from an aligned face to its embedding.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np

from streamface import build
from streamface.networks import arcface, deepface, emotion_published, facenet, openface, vgg_face
from streamface.recognition import openface as recognition
from streamface.runtime import convert
from streamface.runtime.session import Session
from streamface.settings import AnalysisSettings, RecognitionSettings, RuntimeSettings, Settings

RUNS = 30
CARRIED = "OpenFace-carried"
"""The file in the package, one side of a face; the recogniser runs it for both."""


def _random(model):
    """`model` with random weights under which activations neither die nor explode."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if weight.path.endswith(("kernel", "kernel_1")):
            inputs = weight.shape[-1] if len(weight.shape) == 3 else int(np.prod(weight.shape[:-1]))
            weight.assign(rng.normal(0, np.sqrt(2 / inputs), weight.shape).astype(np.float32))
    return model


def _dlib():
    from streamface.networks import dlib_resnet

    return dlib_resnet.build()


def _trunk():
    return vgg_face.trunk_graph("unit", vgg_face.PUBLISHED)


def _head(classes: int) -> Callable:
    return lambda: vgg_face.head_graph(classes, vgg_face.PUBLISHED)


GRAPHS = {
    "Dlib": _dlib,
    "OpenFace": lambda: _random(openface.graph()),
    "Facenet": lambda: _random(facenet.graph(128)),
    "Facenet512": lambda: _random(facenet.graph(512)),
    "ArcFace": lambda: _random(arcface.graph()),
    "DeepFace": lambda: _random(deepface.graph()),
    "VGG-Face trunk": lambda: _random(_trunk()),
    "VGG-Face identity": lambda: _random(_head(0)()),
    "VGG-Face age": lambda: _random(_head(101)()),
    "Emotion-published": lambda: _random(emotion_published.graph()),
}


def milliseconds(data: bytes, shape: tuple[int, ...], threads: int) -> np.ndarray:
    """Of each of `RUNS` runs after three that do not count."""
    session, spent = Session(data, threads), []
    sample = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    for _ in range(RUNS + 3):
        began = perf_counter()
        session.run(sample)
        spent.append((perf_counter() - began) * 1e3)
    return np.array(spent[3:])


def _converted(name: str) -> tuple[bytes, tuple[int, ...], int]:
    model = GRAPHS[name]()
    shape = (1, *model.input_shape[1:])
    return convert.convert(model, shape)[0], shape, model.count_params()


def _carried() -> tuple[bytes, tuple[int, ...], int]:
    return recognition.MODEL.read_bytes(), (1, openface.INPUT_PX, openface.INPUT_PX, 3), openface.PARAMETERS


def embedding_ms(model: str) -> np.ndarray:
    """Milliseconds of each of `RUNS` runs from an aligned face to its embedding, one thread, as the stream does it."""
    settings = Settings(
        recognition=RecognitionSettings(model),
        runtime=RuntimeSettings(threads=1),
        analysis=AnalysisSettings(actions=()),
    )
    build.prepare(settings)
    recognizer, spent = build.model_module(settings).create(settings.recognition, settings.runtime), []
    side = build.spec(settings).input_px
    chip = np.random.default_rng(0).integers(0, 256, (1, side, side, 3)).astype(np.uint8)
    for _ in range(RUNS + 3):
        began = perf_counter()
        recognizer.embed(chip)
        spent.append((perf_counter() - began) * 1e3)
    recognizer.close()
    return np.array(spent[3:])


def main() -> None:
    """Measure the networks named, or all."""
    print(f"{'network':20s} {'parameters':>12s} {'MB':>6s}  1 thread: median, least ms   2 threads")
    for name in sys.argv[1:] or (*GRAPHS, CARRIED):
        data, shape, parameters = _carried() if name == CARRIED else _converted(name)
        one, two = (milliseconds(data, shape, threads) for threads in (1, 2))
        print(
            f"{name:20s} {parameters:12,d} {len(data) / 1e6:6.1f}  {np.median(one):8.1f} {one.min():8.1f}"
            f"        {np.median(two):8.1f} {two.min():8.1f}",
            flush=True,
        )
    for model in ("OpenFace", "Dlib") if not sys.argv[1:] else ():
        spent = embedding_ms(model)
        print(f"{model}, an aligned face to its embedding, 1 thread: {np.median(spent):.1f}, least {spent.min():.1f}")


if __name__ == "__main__":
    main()
