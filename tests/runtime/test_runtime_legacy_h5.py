import numpy as np
import pytest
import weight_files

from streamface.errors import WeightsError
from streamface.runtime import legacy_h5


class Layer:
    """What `load` uses of a Keras layer."""

    def __init__(self, name: str, *shapes: tuple[int, ...]) -> None:
        self.name, self.weights, self.set = name, [np.empty(shape) for shape in shapes], None

    def set_weights(self, arrays) -> None:
        self.set = arrays


class Model:
    def __init__(self, *layers: Layer) -> None:
        self.layers = [Layer("relu"), *layers]


TWO = {
    "a": {"kernel": np.full((2, 3), 1, "f4"), "bias": np.full(3, 2, "f4")},
    "b": {"kernel": np.full((2, 3), 3, "f4"), "bias": np.full(3, 4, "f4")},
}


@pytest.mark.parametrize("inside, as_bytes", [(None, False), (None, True), ("model_weights", False)])
def test_every_way_in_which_keras_wrote_them_is_read(tmp_path, inside, as_bytes):
    path = weight_files.write(tmp_path / "w.h5", TWO, inside, as_bytes)
    found = legacy_h5.read(path)
    assert list(found) == ["a", "b"] and found["b"][1].tolist() == [4, 4, 4]
    assert list(legacy_h5.read(path, 1)) == ["a"]
    assert legacy_h5.parameters(path) == 18


def test_layers_are_found_by_name_whatever_their_order(tmp_path):
    path = weight_files.write(tmp_path / "w.h5", TWO)
    b, a = Layer("b", (2, 3), (3,)), Layer("a", (2, 3), (3,))
    legacy_h5.load(Model(b, a), path, {"a": lambda arrays: [arrays[0] * 10, arrays[1]]})
    assert a.set[0][0, 0] == 10 and b.set[0][0, 0] == 3


def test_layers_of_other_names_are_taken_in_order(tmp_path):
    path = weight_files.write(tmp_path / "w.h5", TWO)
    first, second = Layer("conv2d", (2, 3), (3,)), Layer("conv2d_1", (2, 3), (3,))
    legacy_h5.load(Model(first, second), path)
    assert first.set[0][0, 0] == 1 and second.set[0][0, 0] == 3


# Layers of the model, and what the message says.
@pytest.mark.parametrize(
    "layers, message",
    [
        ([Layer("a", (2, 3), (3,))], "w.h5 is of another network .2 layers instead of 1"),
        ([Layer("a", (2, 3), (3,)), Layer("b", (3, 3), (3,))], "w.h5 is of another network .*in b"),
        ([Layer("a", (2, 3), (3,)), Layer("b", (2, 3))], "w.h5 is of another network .*in b"),
    ],
)
def test_other_networks_are_refused_by_name(tmp_path, layers, message):
    with pytest.raises(WeightsError, match=message):
        legacy_h5.load(Model(*layers), weight_files.write(tmp_path / "w.h5", TWO))


def test_broken_files_are_refused_by_name(tmp_path):
    whole = weight_files.write(tmp_path / "whole.h5", weight_files.dense(100, 100))
    data = whole.read_bytes()
    # Cut off in the arrays, cut off in the head, empty, a page of text.
    for content in (data[:-5000], data[:100], b"", b"<html>Not Found</html>"):
        broken = tmp_path / "broken.h5"
        broken.write_bytes(content)
        with pytest.raises(WeightsError, match="broken.h5 is truncated or no weights file") as caught:
            legacy_h5.read(broken)
        assert "\n" not in str(caught.value)
    import h5py

    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(WeightsError, match="other.h5 is truncated or no weights file"):
        legacy_h5.parameters(tmp_path / "other.h5")
    with pytest.raises(WeightsError, match="gone.h5 is missing"):
        legacy_h5.read(tmp_path / "gone.h5")
