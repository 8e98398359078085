"""Age, gender and race from the middle features of dlib's face ResNet: a head of a few residual blocks, as a table.

The blocks are those of `dlib_resnet`, from whose weights training starts. The graph takes the features that the
recognition network gives beside its embeddings, (N, 17, 17, 64) float32, and has one output, (N, 108): the
probability of each age of 0..100 years (Rothe et al., "DEX: Deep EXpectation of apparent age from a single
image", ICCV workshops 2015), of each of `GENDERS`, of each of `RACES`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from streamface.networks import dlib_resnet

AGES = 101
"""One class a year, from 0; the last also stands for all above it."""
GENDERS = ("Man", "Woman")
RACES = ("white", "black", "asian", "indian", "other")
PARTS = {"age": slice(0, AGES), "gender": slice(AGES, AGES + 2), "race": slice(AGES + 2, AGES + 7)}
"""Where each attribute's probabilities stand in the output."""
OUTPUTS = AGES + len(GENDERS) + len(RACES)
BLOCKS = tuple((index, *dlib_resnet.BLOCKS[index]) for index in range(dlib_resnet.BRANCH, len(dlib_resnet.BLOCKS)))
"""Each residual block: the dlib block from which its training starts, its channels, whether it halves first.

All that follow the branch: without 9, 12 and 13 race and gender fell behind a linear layer on the published ones.
"""
POOLED = (2, 5, 6)
"""Blocks whose maps, averaged two by two, the hidden layer sees: 4x4x128, 2x2x256 and 1x1x256 numbers."""
POOLED_WIDTH = 16 * 128 + 4 * 256 + 256
HIDDEN = 384
"""Width of the layer between them and the outputs."""


def build(weights: Mapping[str, np.ndarray] | None = None, temperatures: Mapping[str, float] | None = None):
    """The Keras model.

    weights: `<block>.first.kernel` (rows, columns, in, out) and `.bias`, `<block>.second...`, `hidden...`,
    `head...`; None leaves a random start. temperatures: per attribute, what its logits are divided by (else 1).
    """
    import keras
    from keras import layers, ops

    named = {}

    def convolve(x, name: str, channels: int, stride: int = 1):
        named[name] = layers.Conv2D(channels, 3, stride, padding="same" if stride == 1 else "valid")
        return named[name](x)

    features = x = keras.Input(dlib_resnet.FEATURES_SHAPE, name="features")
    pooled = []
    for index, (_, channels, halve) in enumerate(BLOCKS):
        inner = layers.ReLU()(convolve(x, f"{index}.first", channels, 2 if halve else 1))
        inner = convolve(inner, f"{index}.second", channels)
        x = layers.ReLU()(dlib_resnet.sum_of_unequal(inner, layers.AveragePooling2D(2, 2)(x) if halve else x))
        if index in POOLED:
            pooled.append(layers.Flatten()(layers.AveragePooling2D(2)(x)))
    named["hidden"], named["head"] = layers.Dense(HIDDEN), layers.Dense(OUTPUTS)
    logits = named["head"](layers.ReLU()(named["hidden"](layers.Concatenate()(pooled))))
    given = temperatures or {}
    chances = [ops.softmax(logits[:, part] / given.get(name, 1.0)) for name, part in PARTS.items()]
    model = keras.Model(features, layers.Concatenate()(chances), name="face_attributes")
    for name, layer in named.items() if weights else ():
        layer.set_weights([weights[f"{name}.kernel"], weights[f"{name}.bias"]])
    return model
