"""Locally connected layers against plain loops; the reference cannot run DeepFace on today's TensorFlow."""

import numpy as np
import pytest
import weight_files

from streamface.errors import WeightsError
from streamface.networks import deepface
from streamface.runtime import convert
from streamface.runtime.session import Session

keras = pytest.importorskip("keras")


def by_loops(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, side: int, stride: int) -> np.ndarray:
    rows, columns, filters = bias.shape
    found = np.zeros((len(x), rows, columns, filters))
    for row in range(rows):
        for column in range(columns):
            seen = x[:, row * stride : row * stride + side, column * stride : column * stride + side]
            found[:, row, column] = seen.reshape(len(x), -1) @ kernel[row * columns + column] + bias[row, column]
    return np.maximum(found, 0)


# Rows and columns of the picture, side of the kernel, stride; the last leaves pixels over at the far edges.
@pytest.mark.parametrize("shape, side, stride", [((9, 9), 3, 1), ((13, 11), 3, 2), ((12, 10), 5, 3)])
def test_locally_connected_equals_plain_loops(shape, side, stride):
    rng = np.random.default_rng(0)
    image = keras.Input((*shape, 3))
    layer = deepface.locally_connected(4, side, stride, activation="relu")
    model = keras.Model(image, layer(image))
    (places, filters, pixels), bias_shape = (weight.shape for weight in layer.weights)
    kernel = rng.normal(size=(places, pixels, filters)).astype(np.float32)
    bias = rng.normal(size=bias_shape).astype(np.float32)
    layer.set_weights(deepface.of_published([kernel, bias]))
    x = rng.normal(size=(2, *shape, 3)).astype(np.float32)
    expected = by_loops(x, kernel, bias, side, stride)
    assert np.asarray(model(x)) == pytest.approx(expected, abs=1e-4)
    session = Session(convert.convert(model, (1, *shape, 3))[0])
    assert session.run(x[:1])[0] == pytest.approx(expected[:1], abs=1e-4)


def test_shapes_are_those_of_the_published_file_but_for_turned_kernels():
    shapes = {layer.name: [tuple(w.shape) for w in layer.weights] for layer in deepface.graph().layers if layer.weights}
    assert shapes == {
        "C1": [(11, 11, 3, 32), (32,)],
        "C3": [(9, 9, 32, 16), (16,)],
        "L4": [(55 * 55, 16, 9 * 9 * 16), (55, 55, 16)],
        "L5": [(25 * 25, 16, 7 * 7 * 16), (25, 25, 16)],
        "L6": [(21 * 21, 16, 5 * 5 * 16), (21, 21, 16)],
        "F7": [(7056, 4096), (4096,)],
    }
    numbers = sum(int(np.prod(shape)) for layer in shapes.values() for shape in layer)
    assert numbers + (4096 + 1) * deepface.IDENTITIES == deepface.PARAMETERS


def test_a_file_of_another_network_is_refused_by_name(tmp_path):
    path = weight_files.write(tmp_path / "other.h5", weight_files.dense())
    with pytest.raises(WeightsError, match="other.h5 is of another network"):
        deepface.build(str(path))
