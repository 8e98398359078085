"""The three networks of MTCNN as Keras graphs, with the weights that the `mtcnn` package carries.

Source: Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks",
IEEE Signal Processing Letters 2016.

The graphs take raw pixels, (N, H, W, 3) float32 blue-green-red of 0..255: normalisation and colour order are
folded into the first convolution, which pads nothing, so this is exact. Each has one output that joins box
offsets (4), in O-Net landmarks (10: five x, then five y), and last the score before the sigmoid.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from streamface.errors import MissingPackageError, WeightsError

# Each row: what comes next, and its numbers. conv: filters, side; pool: side, stride, padding; dense: width.
# Every conv and dense is followed by a PReLU. Padding as in the package's own network files.
LAYERS = {
    "pnet": (("conv", 10, 3), ("pool", 2, 2, "same"), ("conv", 16, 3), ("conv", 32, 3)),
    "rnet": (("conv", 28, 3), ("pool", 3, 2, "same"), ("conv", 48, 3), ("pool", 3, 2, "valid"), ("conv", 64, 2),
             ("dense", 128)),
    "onet": (("conv", 32, 3), ("pool", 3, 2, "same"), ("conv", 64, 3), ("pool", 3, 2, "valid"), ("conv", 64, 3),
             ("pool", 2, 2, "same"), ("conv", 128, 2), ("dense", 256)),
}  # fmt: skip
INPUT_PX = {"pnet": None, "rnet": 24, "onet": 48}


def weights_file(network: str) -> Path:
    """The file of `network` inside the `mtcnn` package, found without importing it (that loads TensorFlow)."""
    spec = importlib.util.find_spec("mtcnn")
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackageError("the MTCNN detector", "mtcnn")
    path = Path(spec.submodule_search_locations[0]) / "assets" / "weights" / f"{network}.lz4"
    if not path.is_file():
        raise WeightsError(f"the mtcnn package holds no {path.name}: pip install --force-reinstall 'mtcnn>=1.0'")
    return path


def build(network: str):
    """The Keras model of 'pnet', 'rnet' or 'onet' with its weights; P-Net takes any image size."""
    import joblib
    import keras

    side = INPUT_PX[network]
    image = x = keras.Input((side, side, 3), name="image")
    arrays = iter(joblib.load(weights_file(network)))
    loaded = []
    for kind, *numbers in LAYERS[network]:
        if kind == "pool":
            x = keras.layers.MaxPooling2D(numbers[0], numbers[1], padding=numbers[2])(x)
            continue
        kernel, bias, slopes = next(arrays), next(arrays), next(arrays)
        if kind == "conv":
            layer = keras.layers.Conv2D(numbers[0], numbers[1])
            shared = [1, 2]
            if not loaded:
                kernel, bias = _raw_pixels(kernel, bias)
        else:
            kernel = _rows_first(kernel, x.shape)
            layer, shared = keras.layers.Dense(numbers[0]), None
            x = keras.layers.Flatten()(x)
        x = layer(x)
        slope = keras.layers.PReLU(shared_axes=shared)
        x = slope(x)
        loaded += [(layer, [kernel, bias]), (slope, [slopes])]
    head, weights = _joined_head(list(arrays), dense=side is not None)
    x = head(x)
    model = keras.Model(image, x, name=network)
    for layer, values in [*loaded, (head, weights)]:
        layer.set_weights(values)
    return model


def _raw_pixels(kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first convolution of RGB (x - 127.5) / 128, turned into one of BGR x."""
    kernel = kernel[:, :, ::-1] / 128.0
    return kernel, bias - 127.5 * kernel.sum((0, 1, 2))


def _rows_first(kernel: np.ndarray, shape: tuple) -> np.ndarray:
    """The weights were trained on maps flattened column by column; reorder them for row by row."""
    _, rows, columns, channels = shape
    return kernel.reshape(columns, rows, channels, -1).transpose(1, 0, 2, 3).reshape(kernel.shape)


def _joined_head(arrays: list[np.ndarray], dense: bool):
    """One layer for all outputs; of the softmax over (other, face) only the difference of the two is needed."""
    import keras

    kernels, biases = arrays[::2], arrays[1::2]
    kernels[-1] = kernels[-1][..., 1:] - kernels[-1][..., :1]
    biases[-1] = biases[-1][1:] - biases[-1][:1]
    kernel, bias = np.concatenate(kernels, -1), np.concatenate(biases)
    head = keras.layers.Dense(len(bias)) if dense else keras.layers.Conv2D(len(bias), 1)
    return head, [kernel, bias]
