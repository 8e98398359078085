"""Weights files as Keras 1 and 2 wrote them (.h5), read with h5py alone and put into a Keras 3 graph.

Format: each layer is a group; the attribute `layer_names` of the file holds their order, `weight_names` of each
group that of its arrays. A file saved from a whole model has all of it inside the group `model_weights`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from streamface.errors import MissingPackageError, WeightsError

Arrays = list[np.ndarray]


def read(path: Path, count: int | None = None) -> dict[str, Arrays]:
    """Layer name -> its arrays, in the file's order, without the layers that have none.

    Only the first `count` of these layers where that is given; raises `WeightsError` with the file's name.
    """
    with _opened(path) as groups:
        found = {}
        for name, datasets in groups:
            if len(found) == count:
                break
            found[name] = [np.asarray(dataset, np.float32) for dataset in datasets]
    return found


def parameters(path: Path) -> int:
    """How many numbers the file holds, without reading them; raises `WeightsError` with the file's name."""
    with _opened(path) as groups:
        return sum(dataset.size for _, datasets in groups for dataset in datasets)


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[tuple[str, list]]]:
    """Layer by layer: its name and its h5py data sets."""
    try:
        import h5py
    except ImportError as error:
        raise MissingPackageError("reading published weights", "h5py") from error
    try:
        with h5py.File(path, "r") as file:
            yield _groups(file["model_weights"] if "model_weights" in file else file)
    except FileNotFoundError as error:
        raise WeightsError(f"{path} is missing") from error
    except (OSError, KeyError, RuntimeError) as error:  # what h5py raises for files cut off, or not its own
        raise WeightsError(f"{Path(path).name} is truncated or no weights file: fetch it again") from error


def _groups(file) -> Iterator[tuple[str, list]]:
    for name in file.attrs["layer_names"]:
        group = file[name]
        datasets = [group[weight] for weight in group.attrs["weight_names"]]
        if datasets:
            yield name if isinstance(name, str) else name.decode(), datasets


def load(model, path: Path, adapt: Mapping[str, Callable[[Sequence[np.ndarray]], Arrays]] | None = None) -> None:
    """Put the weights of a file into a Keras model whose layers are named, and ordered, as those of the file.

    Layers are found by name; where the names differ, as Keras numbers unnamed layers anew in each process, by
    order. `adapt` maps a layer of the model to a function over its arrays, to fold something into them. Raises
    `WeightsError` with the file's name where a layer has no arrays of its shapes.
    """
    stored, layers = read(path), [layer for layer in model.layers if layer.weights]
    if len(stored) != len(layers):
        raise wrong_network(path, f"{len(stored)} layers instead of {len(layers)}")
    by_name = all(layer.name in stored for layer in layers)
    in_order = [stored[layer.name] for layer in layers] if by_name else list(stored.values())
    for layer, arrays in zip(layers, in_order, strict=True):
        arrays = (adapt or {}).get(layer.name, list)(arrays)
        expected, given = [tuple(w.shape) for w in layer.weights], [a.shape for a in arrays]
        if expected != given:
            raise wrong_network(path, f"{given} instead of {expected} in {layer.name}")
        layer.set_weights(arrays)


def wrong_network(path: Path, difference: str) -> WeightsError:
    """The error for a file that is whole but of something else."""
    return WeightsError(f"{Path(path).name} is of another network ({difference}): fetch it again")
