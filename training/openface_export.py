"""From the taught network to files: weights in the layout of the published ones, LiteRT files, figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from streamface.networks import openface as table
from streamface.runtime.session import Session
from training import common, openface_validation
from training.openface_torch import OpenFace

Arrays = Mapping[str, Sequence[np.ndarray]]


def layers_of(net: OpenFace, mean: np.ndarray, unit: float) -> dict[str, list[np.ndarray]]:
    """Layer name -> arrays as the published file has them, for RGB of 0..1.

    mean, unit: what the pupil adds to its last layer and multiplies it with; folded in.
    """
    found = {}
    for layer in net.layers():
        kernel = layer.convolution.weight.permute(2, 3, 1, 0)
        kernel = kernel.flip(2) if kernel.shape[2] == 3 else kernel
        norm = layer.norm
        found[layer.names[0]] = [kernel, layer.convolution.bias]
        found[layer.names[1]] = [norm.weight, norm.bias, norm.running_mean, norm.running_var]
    found["dense_layer"] = [net.dense.weight.T * unit, net.dense.bias * unit + torch.from_numpy(mean)]
    return {name: [t.detach().float().numpy().copy() for t in tensors] for name, tensors in found.items()}


def write_h5(path: Path, layers: Arrays) -> None:
    """The layout of `streamface.runtime.legacy_h5`."""
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = list(layers)
        for layer, arrays in layers.items():
            group = file.create_group(layer)
            names = [f"{layer}/{index}" for index in range(len(arrays))]
            group.attrs["weight_names"] = names
            for name, array in zip(names, arrays, strict=True):
                group[name] = array


def embeddings(model: bytes, chips: np.ndarray) -> np.ndarray:
    """(N, 128) of a LiteRT file for (N, 96, 96, 3) chips."""
    session = Session(model)
    return np.concatenate([session.run(chip[None].astype(np.float32))[0] for chip in chips])


def finish(layers: Arrays, lfw: openface_validation.Lfw, folder: Path) -> dict[str, dict[str, float]]:
    """Write `openface.h5` and the LiteRT files into the run's folder; the figures of each on lfw_dev."""
    write_h5(folder / "openface.h5", layers)
    model, report = table.build(str(folder / "openface.h5")), {}
    for kind in ("float32", "float16", "int8"):
        data = common.to_litert(model, kind)
        (folder / f"openface-{kind}.tflite").write_bytes(data)
        report[kind] = openface_validation.figures(lfw, embeddings(data, lfw.chips)) | {"bytes": len(data)}
    return report
