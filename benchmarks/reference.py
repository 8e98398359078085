"""The reference package's side of the comparisons, for the Python of an environment that has it.

`python benchmarks/reference.py weights OUT_DIR [NAME ...]` builds its networks, gives them random weights, and writes
each weights file as the package saves it, named as the published one, with `<file>.npz` beside it: random inputs `x`
(0..1) and its outputs `y`, for `benchmarks.peer_networks`.

`python benchmarks/reference.py represent DIR PICTURE` times `represent` with OpenFace on a picture that is a face,
weights from DIR/.deepface/weights: for each line "N" on standard input, N calls and a line "ms" with their times.

Needs deepface, tf-keras and flask: `pip install deepface tf-keras flask`. It imports nothing of streamface.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from time import perf_counter

os.environ.update(TF_USE_LEGACY_KERAS="1", TF_CPP_MIN_LOG_LEVEL="3")

import numpy as np

LOADERS = {
    "OpenFace": ("facial_recognition.tf.OpenFace", "load_model"),
    "Facenet": ("facial_recognition.tf.Facenet", "load_facenet128d_model"),
    "Facenet512": ("facial_recognition.tf.Facenet", "load_facenet512d_model"),
    "ArcFace": ("facial_recognition.tf.ArcFace", "load_model"),
    "VGG-Face": ("facial_recognition.tf.VGGFace", "load_model"),
    "age": ("demography.tf.Age", "load_model"),
    "gender": ("demography.tf.Gender", "load_model"),
    "race": ("demography.tf.Race", "load_model"),
    "emotion": ("demography.tf.Emotion", "load_model"),
}
"""Network -> the module and function that build it."""


def randomise(model) -> None:
    """Weights under which activations neither die nor explode, the same for equal layers of several networks."""
    rng = np.random.default_rng(7)
    for layer in model.layers:
        arrays = [_random(rng, weight.name, tuple(weight.shape)) for weight in layer.weights]
        if arrays:
            layer.set_weights(arrays)


def _random(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if "variance" in name:
        found = rng.uniform(0.5, 1.5, shape)
    elif "gamma" in name:
        found = rng.uniform(0.8, 1.2, shape)
    elif "alpha" in name:
        found = rng.uniform(0.1, 0.4, shape)
    elif any(part in name for part in ("beta", "mean", "bias")):
        found = rng.normal(0, 0.05, shape)
    else:
        found = rng.normal(0, np.sqrt(2 / max(1, int(np.prod(shape[:-1])))), shape)
    return found.astype(np.float32)


def write_weights(folder: Path, names: list[str]) -> None:
    """The file of each network, and its answers."""
    from deepface.commons import weight_utils

    folder.mkdir(parents=True, exist_ok=True)
    asked: list[str] = []
    weight_utils.download_weights_if_necessary = lambda file_name, **_: asked.append(file_name)
    weight_utils.load_model_weights = lambda model, **_: model
    for name in names or LOADERS:
        module, function = LOADERS[name]
        model = getattr(importlib.import_module(f"deepface.models.{module}"), function)()
        randomise(model)
        path = folder / asked[-1]
        model.save_weights(str(path), save_format="h5")
        x = np.random.default_rng(1).uniform(0, 1, (2, *model.inputs[0].shape[1:])).astype(np.float32)
        np.savez(f"{path}.npz", x=x, y=np.asarray(model(x, training=False)))
        print(f"{path}: {model.count_params():,} numbers", flush=True)


def time_represent(folder: Path, picture: str) -> None:
    """Answer lines of counts with lines of milliseconds, each call from the array to the embedding."""
    os.environ["DEEPFACE_HOME"] = str(folder)
    import cv2
    from deepface import DeepFace

    image = cv2.imread(picture)
    for line in sys.stdin:
        spent = []
        for _ in range(int(line)):
            began = perf_counter()
            DeepFace.represent(image, model_name="OpenFace", detector_backend="skip")
            spent.append((perf_counter() - began) * 1e3)
        print("ms", *(f"{one:.3f}" for one in spent), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "weights":
        write_weights(Path(sys.argv[2]), sys.argv[3:])
    else:
        time_represent(Path(sys.argv[2]), sys.argv[3])
