"""DeepFace as a Keras graph: 152x152 pixels to 4096 numbers, with locally connected layers.

Source: Taigman et al., "DeepFace: Closing the Gap to Human-Level Performance in Face Verification", CVPR 2014;
weights by Swarup Ghosh (github.com/swghosh/DeepFace, MIT), trained on VGGFace2 with RGB divided by 255.

A locally connected layer is a convolution with another kernel at every place. Keras 3 has none. Here the pixels
below every kernel are put side by side, and each place's row of pixels is multiplied with that place's matrix.

The graph takes raw pixels, (N, 152, 152, 3) float32 blue-green-red of 0..255; division and colour order are folded
into the first convolution, which pads nothing, so this is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

INPUT_PX = 152
DIMENSIONS = 4096
IDENTITIES = 8631
"""Classes that the file also has weights for; the descriptor is the layer before."""
# (name, filters, side of the kernel, stride) of the locally connected layers.
LOCAL = (("L4", 16, 9, 1), ("L5", 16, 7, 2), ("L6", 16, 5, 1))
PARAMETERS = 137_774_071


def build(weights: str):
    """The Keras model with the weights of the published file (.h5)."""
    from streamface.runtime import legacy_h5

    path = Path(weights)
    stored = legacy_h5.read(path)
    if list(stored) != ["C1", "C3", "L4", "L5", "L6", "F7", "F8"]:
        raise legacy_h5.wrong_network(path, f"layers {', '.join(stored)[:80]}")
    kernel, bias = stored["C1"]
    stored["C1"] = [kernel[:, :, ::-1] / 255.0, bias]
    for name, *_ in LOCAL:
        stored[name] = of_published(stored[name])
    model = graph()
    for layer in (layer for layer in model.layers if layer.weights):
        expected, given = [tuple(w.shape) for w in layer.weights], [a.shape for a in stored[layer.name]]
        if expected != given:
            raise legacy_h5.wrong_network(path, f"{given} instead of {expected} in {layer.name}")
        layer.set_weights(stored[layer.name])
    return model


def graph():
    """The Keras model without weights; its layers are named as in the published file."""
    import keras
    from keras import layers

    image = keras.Input((INPUT_PX, INPUT_PX, 3), name="image")
    x = layers.Conv2D(32, 11, activation="relu", name="C1")(image)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    x = layers.Conv2D(16, 9, activation="relu", name="C3")(x)
    for name, filters, side, stride in LOCAL:
        x = locally_connected(filters, side, stride, name=name, activation="relu")(x)
    x = layers.Dense(DIMENSIONS, activation="relu", kernel_initializer="zeros", name="F7")(layers.Flatten()(x))
    return keras.Model(image, x, name="deepface")


def locally_connected(filters: int, side: int, stride: int = 1, activation: str | None = None, name: str | None = None):
    """A Keras layer that computes what Keras 2's LocallyConnected2D without padding does.

    Its kernel is (places, filters, side * side * channels) and its bias (rows, columns, filters), places row by
    row and the pixels of one place by row, column, channel. Keras 2 has the last two axes of the kernel the other
    way round, which takes LiteRT twice the time (46 against 22 ms for the largest of DeepFace's).
    """
    import keras
    from keras import ops

    class LocallyConnected(keras.layers.Layer):
        def build(self, shape):
            self.rows, self.columns = ((size - side) // stride + 1 for size in shape[1:3])
            places, pixels = self.rows * self.columns, side * side * shape[3]
            self.kernel = self.add_weight((places, filters, pixels), "zeros", name="kernel")
            self.bias = self.add_weight((self.rows, self.columns, filters), "zeros", name="bias")

        def call(self, x):
            last = (self.columns - 1) * stride + 1
            beside = ops.concatenate([x[:, :, at : at + last : stride] for at in range(side)], axis=-1)
            last = (self.rows - 1) * stride + 1
            below = ops.concatenate([beside[:, at : at + last : stride] for at in range(side)], axis=-1)
            rows = ops.reshape(below, (-1, self.rows * self.columns, 1, side * side * x.shape[3]))
            found = ops.reshape(
                ops.matmul(rows, ops.swapaxes(self.kernel, 1, 2)), (-1, self.rows, self.columns, filters)
            )
            return keras.activations.get(activation)(found + self.bias)

    return LocallyConnected(name=name)


def of_published(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Weights of Keras 2's LocallyConnected2D, turned into those of `locally_connected`."""
    kernel, bias = arrays
    return [np.ascontiguousarray(kernel.swapaxes(1, 2)) if kernel.ndim == 3 else kernel, bias]
