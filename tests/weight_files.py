"""Weights files as Keras 2 wrote them, made of random numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

Layers = Mapping[str, Mapping[str, np.ndarray]]


def write(path: Path, layers: Layers, inside: str | None = None, as_bytes: bool = False) -> Path:
    """Layer name -> weight name -> array, written as a legacy file; `inside` a group, as whole models are saved."""
    import h5py

    coded = (lambda names: [name.encode() for name in names]) if as_bytes else list
    with h5py.File(path, "w") as file:
        root = file.create_group(inside) if inside else file
        root.attrs["layer_names"] = coded(["input_1", *layers])  # layers without weights are in the list too
        root.create_group("input_1").attrs["weight_names"] = []
        for layer, arrays in layers.items():
            group = root.create_group(layer)
            group.attrs["weight_names"] = coded([f"{layer}/{name}:0" for name in arrays])
            for name, array in arrays.items():
                group[f"{layer}/{name}:0"] = array
    return path


def dense(inputs: int = 3, outputs: int = 2, seed: int = 0) -> Layers:
    """One layer, `inputs` * `outputs` + `outputs` numbers."""
    rng = np.random.default_rng(seed)
    return {"dense": {"kernel": rng.normal(size=(inputs, outputs)).astype("f4"), "bias": np.zeros(outputs, "f4")}}


def random_like(model, seed: int = 7) -> Layers:
    """Random arrays for each layer of a Keras model, in its order, such that activations neither die nor explode."""
    rng = np.random.default_rng(seed)
    return {
        layer.name: {weight.name: _random(rng, weight.name, tuple(weight.shape)) for weight in layer.weights}
        for layer in model.layers
        if layer.weights
    }


def _random(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name == "moving_variance":
        found = rng.uniform(0.5, 1.5, shape)
    elif name == "gamma":
        found = rng.uniform(0.8, 1.2, shape)
    elif name == "alpha":
        found = rng.uniform(0.1, 0.4, shape)
    elif name in ("beta", "moving_mean", "bias"):
        found = rng.normal(0, 0.05, shape)
    else:
        found = rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape)
    return found.astype(np.float32)


def vgg(widths, classes: int, trunk_seed: int = 0, head_seed: int = 1) -> Layers:
    """A file in the layout of VGG-Face; files of one `trunk_seed` have equal convolutions."""
    from streamface.networks import vgg_face

    made = {}
    for index, shape in enumerate(vgg_face.layer_shapes(widths, classes)):
        rng = np.random.default_rng((trunk_seed if index < widths.convolutions else head_seed, index))
        made[f"conv2d_{index}"] = {"kernel": _random(rng, "kernel", shape), "bias": _random(rng, "bias", shape[-1:])}
    return made
