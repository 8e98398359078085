"""Are the published networks the same here as in the reference? `python -m benchmarks.peer_networks OUT_DIR`

OUT_DIR is what `python benchmarks/reference.py weights OUT_DIR` wrote where the reference package is installed: for
each network a weights file as that package saves it and beside it, as `<file>.npz`, random inputs `x` (0..1) and its
outputs `y`. Prints, for Keras and for LiteRT, the largest
difference from `y`, relative to the largest output; everything above 1e-4 is a fault and ends in exit code 1.
DeepFace, which the reference cannot run on today's TensorFlow, is compared with numpy in
tests/networks/test_networks_deepface.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from streamface.networks import arcface, emotion_published, facenet, openface, vgg_face
from streamface.runtime.convert import convert
from streamface.runtime.session import Session

LARGEST_DIFFERENCE = 1e-4


def _bgr_pixels(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x[..., ::-1]) * np.float32(255)


def _grey_pixels(x: np.ndarray) -> np.ndarray:
    return x * np.float32(255)


def _as_is(x: np.ndarray) -> np.ndarray:
    return x


def _without_normalisation(model, first: str) -> list:
    """From the layer `first` on: the reference leaves normalisation to the caller."""
    import keras

    return [keras.Model(model.get_layer(first).input, model.output)]


def _facenet(dimensions: str) -> Callable[[str], list]:
    return lambda path: _without_normalisation(facenet.build(path, dimensions), "Conv2d_1a_3x3")


def _arcface(path: str) -> list:
    return _without_normalisation(arcface.build(path), "conv1_conv_pad")


def _vgg(classes: str) -> Callable[[str], list]:
    return lambda path: [vgg_face.build_trunk(path), vgg_face.build_head(path, classes)]


CASES = {
    "openface_weights.h5": (lambda path: [openface.build(path)], _bgr_pixels),
    "facenet_weights.h5": (_facenet("128"), _as_is),
    "facenet512_weights.h5": (_facenet("512"), _as_is),
    "arcface_weights.h5": (_arcface, _as_is),
    "vgg_face_weights.h5": (_vgg("0"), _bgr_pixels),
    "age_model_weights.h5": (_vgg("101"), _bgr_pixels),
    "gender_model_weights.h5": (_vgg("2"), _bgr_pixels),
    "race_model_single_batch.h5": (_vgg("6"), _bgr_pixels),
    "facial_expression_model_weights.h5": (lambda path: [emotion_published.build(path)], _grey_pixels),
}
"""File -> how to build the parts that follow on each other, and its inputs in the form that they take."""


def differences(path: Path) -> tuple[float, float]:
    """The largest relative difference from the reference through Keras and through LiteRT."""
    build, prepare = CASES[path.name]
    reference = np.load(f"{path}.npz")
    expected = reference["y"]
    if path.name == "vgg_face_weights.h5":  # the reference brings it to length 1 outside of the network
        expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    keras_x = litert_x = prepare(reference["x"]).astype(np.float32)
    for model in build(str(path)):
        session = Session(convert(model, (1, *keras_x.shape[1:]))[0])
        keras_x = np.asarray(model(keras_x, training=False))
        litert_x = np.concatenate([session.run(np.ascontiguousarray(row[None]))[0] for row in litert_x])
    largest = np.abs(expected).max()
    return tuple(float(np.abs(found - expected).max() / largest) for found in (keras_x, litert_x))


def main() -> int:
    """Compare every network whose file is there."""
    folder, worst = Path(sys.argv[1]), 0.0
    for name in CASES:
        if (folder / name).is_file():
            found = differences(folder / name)
            worst = max(worst, *found)
            print(f"{name:36s} Keras {found[0]:.1e}  LiteRT {found[1]:.1e}", flush=True)
        else:
            print(f"{name:36s} is not in {folder}")
    return int(not worst <= LARGEST_DIFFERENCE)


if __name__ == "__main__":
    sys.exit(main())
