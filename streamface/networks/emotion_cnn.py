"""The emotion network: a small residual CNN over 48x48 grey faces, as one table for training and for the stream.

The blocks are those of He et al., "Deep Residual Learning for Image Recognition", CVPR 2016; resolution is halved by
max-pooling alone, so every convolution has stride 1 and pads alike in every framework.

The graph takes raw pixels, (N, 48, 48, 1) float32 of 0..255. It brings each picture to mean 0 and deviation 1
itself, so light and contrast of the camera do not matter, and gives (N, 7) probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

LABELS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
INPUT_PX = 48
# Each row: what comes next, and its channels. conv: 3x3; residual: two 3x3 and a sum; pool: 2x2.
LAYERS = (
    ("conv", 16),
    ("pool", 0),
    ("residual", 32),
    ("pool", 0),
    ("residual", 64),
    ("pool", 0),
    ("residual", 128),
)
FLATTEST = 8.0
"""Least deviation in grey levels that a picture is divided by, so that an empty one is not turned into noise."""


def convolutions(layers: Iterable[tuple[str, int]] = LAYERS) -> Iterator[tuple[str, int, int, int]]:
    """(name, side, channels in, channels out) of each convolution, in the order of the graph."""
    before = 1
    for index, (kind, channels) in enumerate(layers):
        if kind == "conv":
            yield f"{index}.conv", 3, before, channels
        elif kind == "residual":
            yield f"{index}.first", 3, before, channels
            yield f"{index}.second", 3, channels, channels
            if before != channels:
                yield f"{index}.shortcut", 1, before, channels
        before = channels or before


def build(
    weights: Mapping[str, np.ndarray] | None = None,
    temperature: float = 1.0,
    soften_px: float = 0.0,
    layers: Iterable[tuple[str, int]] = LAYERS,
):
    """The Keras model, with batch normalisation already folded into the convolutions.

    weights: per convolution of `convolutions` and for `head`, `<name>.kernel` (rows, columns, in, out) and
    `<name>.bias`; None leaves a random start. temperature: what the logits are divided by before the softmax.
    soften_px: deviation of a Gaussian that blurs the pictures first, for weights that were trained on soft ones.
    """
    import keras
    from keras import ops

    named = {}

    def convolve(x, name: str, channels: int, side: int = 3):
        named[name] = keras.layers.Conv2D(channels, side, padding="same")
        return named[name](x)

    image = keras.Input((INPUT_PX, INPUT_PX, 1), name="image")
    x = _softened(image, soften_px) if soften_px else image
    x = x - ops.mean(x, axis=(1, 2), keepdims=True)
    x = x / ops.maximum(ops.sqrt(ops.mean(x * x, axis=(1, 2), keepdims=True)), FLATTEST)
    for index, (kind, channels) in enumerate(layers):
        if kind == "pool":
            x = keras.layers.MaxPooling2D(2)(x)
        elif kind == "conv":
            x = keras.layers.ReLU()(convolve(x, f"{index}.conv", channels))
        else:
            inner = convolve(keras.layers.ReLU()(convolve(x, f"{index}.first", channels)), f"{index}.second", channels)
            x = x if x.shape[-1] == channels else convolve(x, f"{index}.shortcut", channels, 1)
            x = keras.layers.ReLU()(inner + x)
    named["head"] = keras.layers.Dense(len(LABELS))
    logits = named["head"](keras.layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, ops.softmax(logits / temperature), name="emotion_cnn")
    for name, layer in named.items() if weights else ():
        layer.set_weights([weights[f"{name}.kernel"], weights[f"{name}.bias"]])
    return model


def _softened(x, deviation_px: float):
    """Pictures blurred by a Gaussian, rows then columns, with their edges repeated."""
    from keras import ops

    reach = math.ceil(3 * deviation_px)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation_px) ** 2).astype(np.float32)
    weights /= weights.sum()
    for axis, shape in ((1, (-1, 1, 1, 1)), (2, (1, -1, 1, 1))):
        first, last = (ops.take(x, [at] * reach, axis=axis) for at in (0, INPUT_PX - 1))
        x = ops.conv(ops.concatenate([first, x, last], axis=axis), weights.reshape(shape), padding="valid")
    return x
