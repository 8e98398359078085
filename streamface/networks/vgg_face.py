"""VGG-Face and the age, gender and race networks made from it, as one trunk and a head for each.

Source: Parkhi, Vedaldi, Zisserman, "Deep Face Recognition", BMVC 2015 (CC BY-NC 4.0); the attribute networks are
those of Serengil and Ozpinar, "HyperExtended LightFace", ICEET 2021, who trained only the layers behind the
convolutions anew. Sixteen layers with weights: thirteen 3x3 convolutions in five blocks (the trunk), two dense
layers of 4096, and the classes. 224x224 pixels.

Where the convolutions of several weights files are equal, one pass of the trunk serves all of them.

The trunk takes raw pixels, (N, 224, 224, 3) float32 blue-green-red of 0..255, and knows two inputs. Both are
red-green-blue, because the weights come from the authors' MatConvNet file, which is: "unit" divides by 255, as the
attribute networks were trained and as the published thresholds were measured; "authors" subtracts the mean face
colour of VGG-Face's training set and does not divide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from streamface.runtime import legacy_h5
from streamface.runtime.convert import Network
from streamface.runtime.weights import WeightFile, published

MEAN_RGB = (129.1863, 104.7624, 93.5940)
INPUTS = ("unit", "authors")


@dataclass(frozen=True, slots=True)
class Widths:
    """The table of a network: what its layers hold."""

    blocks: tuple[tuple[int, int], ...] = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
    """(Channels, convolutions) of each block; a block ends in pooling by two."""
    dense: int = 4096
    input_px: int = 224

    @property
    def convolutions(self) -> int:
        """Layers with weights in the trunk."""
        return sum(count for _, count in self.blocks)

    @property
    def features(self) -> tuple[int, int, int]:
        """Shape of what the trunk gives."""
        side = self.input_px >> len(self.blocks)
        return side, side, self.blocks[-1][0]

    def parameters(self, classes: int) -> int:
        """Numbers in a weights file with so many classes."""
        shapes = layer_shapes(self, classes)
        return sum(int(np.prod(kernel)) + kernel[-1] for kernel in shapes)


PUBLISHED = Widths()
IDENTITIES = 2622
"""Classes of the identity network; they are in its file, but its descriptor is the layer before."""
TEMPLATE = np.array([[0.324, 0.416], [0.676, 0.416], [0.500, 0.570], [0.348, 0.702], [0.652, 0.702]], np.float32)
"""(5, 2): where MTCNN's points lie on the chips, in fractions of the side.

On MTCNN's box made 0.3 larger and brought to a square, which is how VGG crops faces (Cao et al., "VGGFace2", FG
2018): the medians over lfw_dev, made symmetric.
"""


def weight_file(filename: str, classes: int, licence: str, source: str) -> WeightFile:
    """A published file of this layout with so many classes."""
    return WeightFile(filename, published(filename), None, licence, source, PUBLISHED.parameters(classes))


def identity_file() -> WeightFile:
    """The identity network's file, whose trunk may serve the others."""
    return weight_file("vgg_face_weights.h5", IDENTITIES, "CC BY-NC 4.0", "Visual Geometry Group, Oxford, VGG-Face")


def layer_shapes(widths: Widths, classes: int) -> list[tuple[int, int, int, int]]:
    """(rows, columns, in, out) of every layer with weights, as the published files hold them: all are convolutions."""
    shapes, before = [], 3
    for channels, count in widths.blocks:
        for _ in range(count):
            shapes.append((3, 3, before, channels))
            before = channels
    side = widths.features[0]
    return shapes + [
        (side, side, before, widths.dense),
        (1, 1, widths.dense, widths.dense),
        (1, 1, widths.dense, classes),
    ]


def trunks(paths: Mapping[str, Path], widths: Widths | None = None) -> dict[str, Path]:
    """Name -> the file whose trunk serves that name's file: the first of those with equal convolutions.

    Raises `WeightsError` for a file that is broken.
    """
    firsts: dict[str, Path] = {}
    return {name: firsts.setdefault(trunk_digest(path, widths), path) for name, path in paths.items()}


def trunk_digest(path: Path, widths: Widths | None = None) -> str:
    """SHA-256 of the trunk's arrays in a weights file."""
    state = Path(path).stat() if Path(path).is_file() else None
    return _digest(Path(path), state and (state.st_size, state.st_mtime_ns), widths or PUBLISHED)


@lru_cache(maxsize=32)
def _digest(path: Path, _state: tuple[int, int] | None, widths: Widths) -> str:
    digest = sha256()
    for arrays in legacy_h5.read(path, widths.convolutions).values():
        for array in arrays:
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def build_trunk(weights: str, input_kind: str = "unit", widths: Widths | None = None):
    """The Keras model of the convolutions: raw pixels to features, (N, 7, 7, 512)."""
    widths = widths or PUBLISHED
    model = trunk_graph(input_kind, widths)
    _fill(model, _stored(Path(weights), widths))
    return model


def build_head(weights: str, classes: str, widths: Widths | None = None):
    """The Keras model of the dense layers: features to probabilities of `classes`.

    With classes "0" it ends in the second dense layer: the identity's descriptor, brought to length 1.
    """
    widths = widths or PUBLISHED
    model = head_graph(int(classes), widths)
    stored = _stored(Path(weights), widths, int(classes) or IDENTITIES)[widths.convolutions :]
    # a convolution over the whole of its input is a dense layer
    _fill(model, [[kernel.reshape(-1, kernel.shape[-1]), bias] for kernel, bias in stored])
    return model


def trunk_graph(input_kind: str, widths: Widths):
    """As `build_trunk`, without weights."""
    import keras
    from keras import layers

    image = keras.Input((widths.input_px, widths.input_px, 3), name="image")
    x = _as_trained(image, input_kind)
    for channels, count in widths.blocks:
        for _ in range(count):
            x = layers.Conv2D(channels, 3, padding="same", activation="relu", kernel_initializer="zeros")(x)
        x = layers.MaxPooling2D(2)(x)
    return keras.Model(image, x, name="vgg_face_trunk")


def head_graph(classes: int, widths: Widths):
    """As `build_head`, without weights."""
    import keras
    from keras import layers, ops

    features = keras.Input(widths.features, name="features")
    x = layers.Flatten()(features)
    for _ in range(2):
        x = layers.Dense(widths.dense, activation="relu", kernel_initializer="zeros")(x)
    if classes:
        x = layers.Dense(classes, activation="softmax", kernel_initializer="zeros")(x)
    else:
        x = x * ops.rsqrt(ops.maximum(ops.sum(x * x, axis=1, keepdims=True), 1e-12))
    return keras.Model(features, x, name="vgg_face_head")


def _fill(model, stored: list[list[np.ndarray]]) -> None:
    """Layer by layer; what the file has beyond the model's last layer is left."""
    for layer, arrays in zip((layer for layer in model.layers if layer.weights), stored, strict=False):
        layer.set_weights(arrays)


def _as_trained(image, input_kind: str):
    from keras import ops

    x = ops.flip(image, axis=-1)
    return x - np.float32(MEAN_RGB) if input_kind == "authors" else x / 255.0


def trunk_network(path: Path, input_kind: str = "unit") -> Network:
    """The trunk of a published file, to convert."""
    sample = (1, PUBLISHED.input_px, PUBLISHED.input_px, 3)
    return Network(f"vgg_face_trunk_{input_kind}", __name__, "build_trunk", (str(path), input_kind), str(path), sample)


def head_network(path: Path, classes: int) -> Network:
    """The head of a published file, to convert; classes 0 for the identity's descriptor."""
    sample = (1, *PUBLISHED.features)
    return Network(f"vgg_face_head_{classes}", __name__, "build_head", (str(path), str(classes)), str(path), sample)


def _stored(path: Path, widths: Widths, classes: int | None = None) -> list[list[np.ndarray]]:
    """(kernel, bias) of each layer in order, checked; without `classes`, of the trunk alone."""
    shapes = layer_shapes(widths, classes or 1)
    shapes = shapes if classes else shapes[: widths.convolutions]
    stored = list(legacy_h5.read(path, None if classes else len(shapes)).values())
    found = [arrays[0].shape for arrays in stored]
    if found != shapes:
        raise legacy_h5.wrong_network(path, _first_difference(found, shapes))
    return stored


def _first_difference(found: list[tuple], expected: list[tuple]) -> str:
    for index, (one, other) in enumerate(zip(found, expected, strict=False)):
        if one != other:
            return f"layer {index + 1} is {one} instead of {other}"
    return f"{len(found)} layers instead of {len(expected)}"
