"""OpenFace's nn4.small2 as a Keras graph: 3.7 million parameters, 96x96 pixels to 128 numbers of length 1.

Source: Amos, Ludwiczuk, Satyanarayanan, "OpenFace: A general-purpose face recognition library with mobile
applications", CMU-CS-16-118, 2016; Apache 2.0. Layers, their names, padding and local response normalisation are
those of the published Keras weights (iwantooxxoox/Keras-OpenFace).

The graph takes raw pixels, (N, 96, 96, 3) float32 blue-green-red of 0..255: the division by 255 and the colour
order that the network was trained with are folded into the first convolution, which pads with zeros, so this is
exact. Normalisation and square-root pooling are written with operations that XNNPACK runs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

INPUT_PX = 96
DIMENSIONS = 128
PARAMETERS = 3_743_280
EPSILON = 1e-5
# Each row: name; 3x3 and 5x5 branch as (channels of the 1x1 before, channels, stride); pooling as (kind, channels
# of the 1x1 behind, (rows and columns of zeros before, after)); channels of the 1x1 branch. None: there is none.
MODULES = (
    ("3a", (96, 128, 1), (16, 32, 1), ("max", 32, (3, 4)), 64),
    ("3b", (96, 128, 1), (32, 64, 1), ("root", 64, (4, 4)), 64),
    ("3c", (128, 256, 2), (32, 64, 2), ("max", None, (0, 1)), None),
    ("4a", (96, 192, 1), (32, 64, 1), ("root", 128, (2, 2)), 256),
    ("4e", (160, 256, 2), (64, 128, 2), ("max", None, (0, 1)), None),
    ("5a", (96, 384, 1), None, ("root", 96, (1, 1)), 256),
    ("5b", (96, 384, 1), None, ("max", 96, (1, 1)), 256),
)


def build(weights: str):
    """The Keras model with the weights of a published file (.h5)."""
    from streamface.runtime import legacy_h5

    model = graph()
    legacy_h5.load(model, Path(weights), {"conv1": _of_raw_pixels})
    return model


def graph():
    """The Keras model without weights; its layers are named as in the published file."""
    import keras
    from keras import layers, ops

    image = keras.Input((INPUT_PX, INPUT_PX, 3), name="image")
    x = _convolve(layers.ZeroPadding2D(3)(image), ("conv1", "bn1"), 64, 7, 2)
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    x = _convolve(_normalised(x), ("conv2", "bn2"), 64, 1)
    x = _normalised(_convolve(x, ("conv3", "bn3"), 192, 3))
    x = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(x))
    for row in MODULES:
        x = _module(x, *row)
    # Not Flatten: LiteRT would ask for the shape at run time, which splits what XNNPACK runs in two.
    x = ops.reshape(layers.AveragePooling2D(3, 1)(x), (-1, x.shape[-1]))
    x = layers.Dense(DIMENSIONS, name="dense_layer")(x)
    x = x * ops.rsqrt(ops.maximum(ops.sum(x * x, axis=1, keepdims=True), 1e-12))
    return keras.Model(image, x, name="openface")


def _module(x, name: str, three, five, pooling, one):
    """One inception module: its branches side by side, in the order of the published weights."""
    from keras import layers

    branches = []
    for side, numbers in ((3, three), (5, five)):
        if numbers:
            prefix = f"inception_{name}_{side}x{side}"
            narrow = _convolve(x, (f"{prefix}_conv1", f"{prefix}_bn1"), numbers[0], 1)
            branches.append(_convolve(narrow, (f"{prefix}_conv2", f"{prefix}_bn2"), numbers[1], side, numbers[2]))
    kind, channels, (before, after) = pooling
    pooled = _root_pooled(x) if kind == "root" else layers.MaxPooling2D(3, 2)(x)
    if channels:
        pooled = _convolve(pooled, (f"inception_{name}_pool_conv", f"inception_{name}_pool_bn"), channels, 1)
    branches.append(layers.ZeroPadding2D(((before, after), (before, after)))(pooled))
    if one:
        branches.append(_convolve(x, (f"inception_{name}_1x1_conv", f"inception_{name}_1x1_bn"), one, 1))
    return layers.Concatenate()(branches)


def _convolve(x, names: tuple[str, str], channels: int, side: int, stride: int = 1):
    """Convolution, batch normalisation, ReLU; the picture keeps its size, or is halved by a stride of 2."""
    from keras import layers

    if stride == 2 and side < 7:
        x = layers.ZeroPadding2D(side // 2)(x)
    padding = "same" if stride == 1 else "valid"
    x = layers.Conv2D(channels, side, stride, padding=padding, kernel_initializer="zeros", name=names[0])(x)
    return layers.ReLU()(layers.BatchNormalization(epsilon=EPSILON, name=names[1])(x))


def _normalised(x, alpha: float = 1e-4, reach: int = 5):
    """Local response normalisation, x / (1 + alpha * sum of squares of 11 channels) ^ 0.75, as a 1x1 convolution.

    TensorFlow's own operation takes 1.9 times as long as the whole rest of the network, because XNNPACK lacks it.
    """
    from keras import ops

    at = np.arange(x.shape[-1])
    window = alpha * (np.abs(at[:, None] - at) <= reach).astype(np.float32)
    root = ops.rsqrt(1.0 + ops.conv(x * x, window[None, None], padding="valid"))
    return x * root * ops.sqrt(root)


def _root_pooled(x):
    """The root of the sum of squares over 3x3 pixels that do not overlap."""
    from keras import layers, ops

    return ops.sqrt(9.0 * layers.AveragePooling2D(3, 3)(x * x))


def _of_raw_pixels(arrays):
    """The first convolution of RGB 0..1, turned into one of BGR 0..255."""
    kernel, bias = arrays
    return [kernel[:, :, ::-1] / 255.0, bias]
