"""dlib's face recognition ResNet as a Keras graph, read from the file that `face_recognition_models` carries.

Network: Davis King, "High Quality Face Recognition with Deep Metric Learning", dlib 2017; public domain. It has
29 convolutions, takes 150x150 pixels and gives 128 numbers.

The graph takes raw pixels, (N, 150, 150, 3) float32 blue-green-red of 0..255: normalisation and colour order are
folded into the first convolution, and each affine layer into the convolution before it.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from streamface.errors import MissingPackageError, WeightsError
from streamface.runtime.convert import Network

INPUT_PX = 150
FILENAME = "dlib_face_recognition_resnet_model_v1.dat"
MEAN_RGB = (122.782, 117.001, 104.298)
# Channels of each residual block in order; where the number is marked, the block halves the picture first.
BLOCKS = ((32, False),) * 3 + ((64, True),) + ((64, False),) * 3 + ((128, True),) + ((128, False),) * 2 + (
    (256, True),) + ((256, False),) * 2 + ((256, True),)  # fmt: skip
BRANCH = 7
"""The features that attribute heads share are those after so many blocks."""
FEATURES_SHAPE = (17, 17, 64)
"""Rows, columns and channels of those features."""
TEMPLATE = np.array(
    [[0.3200, 0.3005], [0.6800, 0.3005], [0.5000, 0.5147], [0.3430, 0.6958], [0.6570, 0.6958]], np.float32
)
"""(5, 2): where the landmarks lie on a chip, in fractions of its side.

Where MTCNN's points fall on the chips that dlib cuts by its 68 points with its padding of 0.25: the medians over
lfw_dev, made symmetric (training/dlib_template.py).
"""


def weights_file() -> Path:
    """The network's file, found without importing its package (that import needs a retired setuptools module)."""
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackageError("the Dlib network", "face_recognition_models")
    path = Path(spec.submodule_search_locations[0]) / "models" / FILENAME
    if not path.is_file():
        raise WeightsError(f"{FILENAME} is missing: pip install --force-reinstall face_recognition_models")
    return path


def conversion() -> Network:
    """What `runtime.convert` needs to prepare it; outputs in order: embeddings, features."""
    return Network("dlib_resnet", __name__, "build", (), str(weights_file()), (1, INPUT_PX, INPUT_PX, 3), revision=2)


class _Reader:
    """dlib's serialisation: numbers, texts and tensors."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def integer(self) -> int:
        """One byte (low 4 bits: how many bytes follow; top bit: sign), then those bytes, lowest first."""
        control = self.data[self.at]
        length = control & 0x0F
        value = int.from_bytes(self.data[self.at + 1 : self.at + 1 + length], "little")
        self.at += 1 + length
        return -value if control & 0x80 else value

    def tensor(self) -> np.ndarray:
        """A version, four sizes, then float32 numbers, lowest byte first."""
        self.integer()
        sizes = [self.integer() for _ in range(4)]
        count = int(np.prod(sizes))
        values = np.frombuffer(self.data, "<f4", count, self.at).reshape(sizes)
        self.at += 4 * count
        return values

    def find(self, *texts: str) -> str | None:
        """Go to just behind the nearest of `texts` as a stored string, and return it; None when none is left."""
        marks = {text: self.data.find(bytes([1, len(text)]) + text.encode("ascii"), self.at) for text in texts}
        found = {text: at for text, at in marks.items() if at >= 0}
        if not found:
            return None
        nearest = min(found, key=found.__getitem__)
        self.at = found[nearest] + 2 + len(nearest)
        return nearest


def _read_layers(path: Path) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """Every convolution (rows, columns, in, out) and bias with its affine layer folded in, and the last matrix."""
    reader = _Reader(path.read_bytes())
    convolutions, in_channels = [], 3
    try:
        while reader.find("con_4", "fc_2") == "con_4":
            flat = reader.tensor().ravel()
            filters, rows, columns = (reader.integer() for _ in range(3))
            split = filters * in_channels * rows * columns
            kernel = flat[:split].reshape(filters, in_channels, rows, columns).transpose(2, 3, 1, 0)
            reader.find("affine_")
            gamma, beta = reader.tensor().reshape(2, filters)
            convolutions.append((kernel * gamma, flat[split:] * gamma + beta))
            in_channels = filters
        outputs, inputs = reader.integer(), reader.integer()
        matrix = reader.tensor().reshape(inputs, outputs)
    except (IndexError, ValueError) as error:
        raise WeightsError(f"{path.name} is damaged: pip install --force-reinstall face_recognition_models") from error
    if len(convolutions) != 1 + 2 * len(BLOCKS):
        expected = 1 + 2 * len(BLOCKS)
        raise WeightsError(f"{path.name} is of another network: {len(convolutions)} convolutions, expected {expected}")
    return convolutions, matrix


def raw_pixel_layers() -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """As `_read_layers`, with normalisation and colour order folded into the first convolution."""
    convolutions, matrix = _read_layers(weights_file())
    kernel, bias = convolutions[0]
    kernel = kernel / 256.0
    bias = bias - (kernel * np.array(MEAN_RGB).reshape(1, 1, 3, 1)).sum((0, 1, 2))
    convolutions[0] = kernel[:, :, ::-1], bias
    return convolutions, matrix


def build():
    """The Keras model with its weights; outputs: (N, 128) embeddings, not brought to length 1, and the features.

    The features, (N, 17, 17, 64), are those after `BRANCH` blocks.
    """
    import keras
    from keras import layers

    convolutions, matrix = raw_pixel_layers()
    loaded, arrays = [], iter(convolutions)

    def convolve(x, channels: int, side: int, stride: int):
        layer = layers.Conv2D(channels, side, stride, padding="same" if stride == 1 else "valid")
        loaded.append((layer, next(arrays)))
        return layer(x)

    features = image = keras.Input((INPUT_PX, INPUT_PX, 3), name="image")
    x = layers.MaxPooling2D(3, 2)(layers.ReLU()(convolve(image, 32, 7, 2)))
    for index, (channels, halve) in enumerate(BLOCKS):
        features = x if index == BRANCH else features
        inner = layers.ReLU()(convolve(x, channels, 3, 2 if halve else 1))
        inner = convolve(inner, channels, 3, 1)
        shortcut = layers.AveragePooling2D(2, 2)(x) if halve else x
        x = layers.ReLU()(sum_of_unequal(inner, shortcut))
    embedding = layers.Dense(128, use_bias=False)
    output = embedding(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(image, [output, features], name="dlib_resnet")
    for layer, weights in loaded:
        layer.set_weights(weights)
    embedding.set_weights([matrix])
    return model


def sum_of_unequal(a, b):
    """a + b where the smaller in rows, columns or channels is padded with zeros at its far edge, as dlib adds."""
    from keras import ops

    rows, columns, channels = (max(p, q) for p, q in zip(a.shape[1:], b.shape[1:], strict=True))

    def padded(x):
        missing = [(0, 0), (0, rows - x.shape[1]), (0, columns - x.shape[2]), (0, channels - x.shape[3])]
        return ops.pad(x, missing) if any(after for _, after in missing) else x

    return padded(a) + padded(b)
