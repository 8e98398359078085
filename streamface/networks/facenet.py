"""Facenet's Inception-ResNet v1 as a Keras graph: 160x160 pixels to 128 or 512 numbers.

Source: David Sandberg, github.com/davidsandberg/facenet (MIT), after Schroff et al., "FaceNet: A Unified Embedding
for Face Recognition and Clustering", CVPR 2015, and Szegedy et al., "Inception-v4, Inception-ResNet and the Impact of
Residual Connections on Learning", AAAI 2017. Layers and their names are those of the published Keras weights.

The graph takes raw pixels, (N, 160, 160, 3) float32 blue-green-red of 0..255, and normalises them itself as the
weights were trained: those of 128 numbers (20170512-110547) picture by picture to mean 0 and deviation 1, those of
512 numbers (20180402-114759) by (x - 127.5) / 128.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

INPUT_PX = 160
DIMENSIONS = (128, 512)
PARAMETERS = {128: 22_808_144, 512: 23_497_424}
# Each row: name, filters, rows, columns, stride, padding.
STEM = (("1a", 32, 3, 2, "valid"), ("2a", 32, 3, 1, "valid"), ("2b", 64, 3, 1, "same"))
STEM_POOLED = (("3b", 80, 1, 1, "valid"), ("4a", 192, 3, 1, "valid"), ("4b", 256, 3, 2, "valid"))
# A branch is a row of convolutions: (step, filters, rows, columns, stride); strides of 2 pad nothing.
BLOCK35 = ((("1x1", 32, 1, 1, 1),), (("0a_1x1", 32, 1, 1, 1), ("0b_3x3", 32, 3, 3, 1)),
           (("0a_1x1", 32, 1, 1, 1), ("0b_3x3", 32, 3, 3, 1), ("0c_3x3", 32, 3, 3, 1)))  # fmt: skip
BLOCK17 = ((("1x1", 128, 1, 1, 1),), (("0a_1x1", 128, 1, 1, 1), ("0b_1x7", 128, 1, 7, 1), ("0c_7x1", 128, 7, 1, 1)))
BLOCK8 = ((("1x1", 192, 1, 1, 1),), (("0a_1x1", 192, 1, 1, 1), ("0b_1x3", 192, 1, 3, 1), ("0c_3x1", 192, 3, 1, 1)))
MIXED6A = ((("1a_3x3", 384, 3, 3, 2),), (("0a_1x1", 192, 1, 1, 1), ("0b_3x3", 192, 3, 3, 1), ("1a_3x3", 256, 3, 3, 2)))
MIXED7A = ((("0a_1x1", 256, 1, 1, 1), ("1a_3x3", 384, 3, 3, 2)), (("0a_1x1", 256, 1, 1, 1), ("1a_3x3", 256, 3, 3, 2)),
           (("0a_1x1", 256, 1, 1, 1), ("0b_3x3", 256, 3, 3, 1), ("1a_3x3", 256, 3, 3, 2)))  # fmt: skip
# Each row: name, branches, how often, share of the branches in the sum; a share of None: no sum, but pooling beside.
BODY = (
    ("Block35", BLOCK35, 5, 0.17),
    ("Mixed_6a", MIXED6A, 1, None),
    ("Block17", BLOCK17, 10, 0.10),
    ("Mixed_7a", MIXED7A, 1, None),
    ("Block8", BLOCK8, 5, 0.20),
)


def template() -> np.ndarray:
    """(5, 2) float32: where MTCNN's points lie on the authors' crops, in fractions of the side.

    Their crop is MTCNN's box with 16 pixels more on each side of LFW's pictures, brought to a square: the medians
    over lfw_dev, made symmetric.
    """
    return np.array([[0.331, 0.413], [0.669, 0.413], [0.500, 0.572], [0.351, 0.709], [0.649, 0.709]], np.float32)


def build(weights: str, dimensions: str):
    """The Keras model with the weights of a published file (.h5)."""
    from streamface.runtime import legacy_h5

    model = graph(int(dimensions))
    legacy_h5.load(model, Path(weights))
    return model


def graph(dimensions: int):
    """The Keras model without weights; its layers are named as in the published file."""
    import keras
    from keras import layers

    image = keras.Input((INPUT_PX, INPUT_PX, 3), name="image")
    x = _as_trained(image, dimensions)
    for name, filters, side, stride, padding in STEM:
        x = _convolve(x, f"Conv2d_{name}_{side}x{side}", filters, (side, side), stride, padding)
    x = layers.MaxPooling2D(3, 2)(x)
    for name, filters, side, stride, padding in STEM_POOLED:
        x = _convolve(x, f"Conv2d_{name}_{side}x{side}", filters, (side, side), stride, padding)
    for name, branches, times, share in BODY:
        if share is None:
            x = layers.Concatenate()([*_branches(x, name, branches), layers.MaxPooling2D(3, 2)(x)])
        for index in range(1, times + 1) if share else ():
            x = layers.ReLU()(_block(x, f"{name}_{index}", _branch_names(name, index), branches, share))
    x = _block(x, "Block8_6", ("0", "1"), BLOCK8, 1.0)
    x = layers.Dense(dimensions, use_bias=False, kernel_initializer="zeros", name="Bottleneck")(
        layers.GlobalAveragePooling2D()(x)
    )
    x = layers.BatchNormalization(epsilon=1e-3, scale=False, name="Bottleneck_BatchNorm")(x)
    return keras.Model(image, x, name=f"facenet_{dimensions}")


def _as_trained(image, dimensions: int):
    """Raw BGR as the normalised RGB that the weights of so many numbers were trained on."""
    from keras import ops

    x = ops.flip(image, axis=-1)
    if dimensions == 512:
        return (x - 127.5) / 128.0
    x = x - ops.mean(x, axis=(1, 2, 3), keepdims=True)
    deviation = ops.sqrt(ops.mean(x * x, axis=(1, 2, 3), keepdims=True))
    return x / ops.maximum(deviation, 1.0 / (3 * INPUT_PX**2) ** 0.5)


def _branch_names(block: str, index: int) -> tuple[str, ...]:
    """The published file numbers the second branch of these blocks by the block's own number."""
    return ("0", "1", "2") if block == "Block35" else ("0", str(index))


def _block(x, name: str, numbers: tuple[str, ...], branches, share: float):
    """x plus a share of what the branches find in it."""
    from keras import layers

    mixed = layers.Concatenate()(_branches(x, name, branches, numbers))
    up = layers.Conv2D(x.shape[-1], 1, kernel_initializer="zeros", name=f"{name}_Conv2d_1x1")(mixed)
    return x + share * up


def _branches(x, name: str, branches, numbers: tuple[str, ...] = ("0", "1", "2")) -> list:
    found = []
    for number, rows in zip(numbers, branches, strict=False):
        branch = x
        for step, filters, height, width, stride in rows:
            padding = "same" if stride == 1 else "valid"
            branch = _convolve(
                branch, f"{name}_Branch_{number}_Conv2d_{step}", filters, (height, width), stride, padding
            )
        found.append(branch)
    return found


def _convolve(x, name: str, filters: int, sides: tuple[int, int], stride: int, padding: str):
    """Convolution, batch normalisation, ReLU."""
    from keras import layers

    x = layers.Conv2D(filters, sides, stride, padding=padding, use_bias=False, kernel_initializer="zeros", name=name)(x)
    return layers.ReLU()(layers.BatchNormalization(epsilon=1e-3, scale=False, name=f"{name}_BatchNorm")(x))
