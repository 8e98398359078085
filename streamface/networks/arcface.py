"""ArcFace's ResNet of 34 layers as a Keras graph: 112x112 pixels to 512 numbers.

Source: Deng, Guo, Xue, Zafeiriou, "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR 2019;
weights by leondgarse (github.com/leondgarse/Keras_insightface, MIT), trained on MS1M with RGB as (x - 127.5) / 128.
Layers and their names are those of the published Keras weights.

The graph takes raw pixels, (N, 112, 112, 3) float32 blue-green-red of 0..255, and normalises them itself: the first
convolution pads with zeros, which are not black, so that nothing can be folded into it.
"""

from __future__ import annotations

from pathlib import Path

INPUT_PX = 112
DIMENSIONS = 512
PARAMETERS = 34_165_184
EPSILON = 2e-5
# Each row: name, channels, blocks; the first block of a row halves the picture.
STACKS = (("conv2", 64, 3), ("conv3", 128, 4), ("conv4", 256, 6), ("conv5", 512, 3))


def build(weights: str):
    """The Keras model with the weights of the published file (.h5)."""
    from streamface.runtime import legacy_h5

    model = graph()
    legacy_h5.load(model, Path(weights))
    return model


def graph():
    """The Keras model without weights; its layers are named, or where they have no name ordered, as in the file."""
    import keras
    from keras import layers, ops

    image = keras.Input((INPUT_PX, INPUT_PX, 3), name="image")
    x = (ops.flip(image, axis=-1) - 127.5) / 128.0
    x = _prelu(_normalised(_convolve(x, 64, 3, 1, "conv1_conv"), "conv1_bn"), "conv1_prelu")
    for name, channels, blocks in STACKS:
        for index in range(1, blocks + 1):
            x = _block(x, channels, index == 1, f"{name}_block{index}")
    x = layers.Flatten()(_normalised(x, None))
    x = layers.Dense(DIMENSIONS, kernel_initializer="zeros")(x)
    return keras.Model(image, _normalised(x, "embedding"), name="arcface")


def _block(x, channels: int, halves: bool, name: str):
    """Two convolutions, the second of which may halve the picture, beside the way around them."""
    stride, around = (2 if halves else 1), x
    if halves:
        around = _normalised(_convolve(x, channels, 1, 2, f"{name}_0_conv"), f"{name}_0_bn")
    x = _convolve(_normalised(x, f"{name}_1_bn"), channels, 3, 1, f"{name}_1_conv")
    x = _prelu(_normalised(x, f"{name}_2_bn"), f"{name}_1_prelu")
    x = _normalised(_convolve(x, channels, 3, stride, f"{name}_2_conv"), f"{name}_3_bn")
    return around + x


def _convolve(x, channels: int, side: int, stride: int, name: str):
    """Padded with zeros on all sides, also where it halves, unlike Keras's own 'same'."""
    from keras import layers

    x = layers.ZeroPadding2D(side // 2, name=f"{name}_pad")(x) if side > 1 else x
    return layers.Conv2D(channels, side, stride, use_bias=False, kernel_initializer="zeros", name=name)(x)


def _normalised(x, name: str | None):
    from keras import layers

    return layers.BatchNormalization(epsilon=EPSILON, name=name)(x)


def _prelu(x, name: str):
    from keras import layers

    return layers.PReLU(shared_axes=[1, 2], name=name)(x)
