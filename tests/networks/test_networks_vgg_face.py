"""Trunk and heads, at widths of a few channels."""

from pathlib import Path

import numpy as np
import pytest
import weight_files

from streamface.errors import WeightsError
from streamface.networks import vgg_face

keras = pytest.importorskip("keras")

SMALL = vgg_face.Widths(blocks=((4, 2), (6, 1)), dense=8, input_px=16)


@pytest.fixture
def files(tmp_path) -> dict[str, Path]:
    """Age and gender stand on the trunk of the identity, race on another."""
    classes = {"identity": (vgg_face.IDENTITIES, 0), "age": (101, 0), "gender": (2, 0), "race": (6, 5)}
    return {
        name: weight_files.write(tmp_path / f"{name}.h5", weight_files.vgg(SMALL, count, trunk_seed=seed))
        for name, (count, seed) in classes.items()
    }


def by_hand(path: Path, pixels: np.ndarray, last: int) -> np.ndarray:
    """The first `last` layers in plain numpy; a convolution is a sum over shifted pictures."""
    from streamface.runtime import legacy_h5

    x, ends = pixels, [1, 2]  # pooling behind the second and the third convolution
    for index, (kernel, bias) in enumerate(list(legacy_h5.read(path).values())[:last]):
        rows = kernel.shape[0]
        if index < SMALL.convolutions:
            x = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])
        size = x.shape[1] - rows + 1
        x = bias + sum(x[:, i : i + size, j : j + size] @ kernel[i, j] for i in range(rows) for j in range(rows))
        x = np.maximum(x, 0) if index < last - 1 or last < 6 else x
        if index in ends:
            n, height, width, channels = x.shape
            x = x.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))
    return x


@pytest.fixture
def raw() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (2, 16, 16, 3)).astype(np.float32)


def test_trunk_and_heads_equal_plain_numpy(files, raw):
    features = np.asarray(vgg_face.build_trunk(str(files["age"]), "unit", SMALL)(raw))
    rgb = raw[..., ::-1] / 255
    assert features == pytest.approx(by_hand(files["age"], rgb, 3), abs=1e-4)
    logits = by_hand(files["age"], rgb, 6)[:, 0, 0]
    chances = np.exp(logits - logits.max(1, keepdims=True))
    found = np.asarray(vgg_face.build_head(str(files["age"]), "101", SMALL)(features))
    assert found == pytest.approx(chances / chances.sum(1, keepdims=True), abs=1e-5)


def test_the_descriptor_is_the_second_dense_layer_at_length_one(files, raw):
    features = np.asarray(vgg_face.build_trunk(str(files["identity"]), "unit", SMALL)(raw))
    expected = by_hand(files["identity"], raw[..., ::-1] / 255, 5)[:, 0, 0]
    expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    found = np.asarray(vgg_face.build_head(str(files["identity"]), "0", SMALL)(features))
    assert found == pytest.approx(expected, abs=1e-4)


def test_the_authors_input_subtracts_the_mean_face(files, raw):
    found = np.asarray(vgg_face.build_trunk(str(files["identity"]), "authors", SMALL)(raw))
    expected = by_hand(files["identity"], raw[..., ::-1] - np.float32(vgg_face.MEAN_RGB), 3)
    assert found == pytest.approx(expected, abs=1e-5 * float(np.abs(expected).max()))


def test_equal_trunks_are_run_once_and_others_on_their_own(files):
    served = vgg_face.trunks(files, SMALL)
    assert served == {name: files["race" if name == "race" else "identity"] for name in files}
    without = {name: files[name] for name in ("race", "gender", "age")}
    assert vgg_face.trunks(without, SMALL) == {"race": files["race"], "gender": files["gender"], "age": files["gender"]}


def test_one_changed_number_in_the_last_convolution_parts_the_trunks(files, tmp_path):
    layers = weight_files.vgg(SMALL, 2)
    layers["conv2d_2"]["bias"] = layers["conv2d_2"]["bias"] + np.float32(1e-6)
    files["gender"] = weight_files.write(tmp_path / "tuned.h5", layers)
    assert vgg_face.trunks(files, SMALL)["gender"] == files["gender"]
    layers = weight_files.vgg(SMALL, 2, head_seed=9)  # other dense layers do not matter
    files["gender"] = weight_files.write(tmp_path / "other_head.h5", layers)
    assert vgg_face.trunks(files, SMALL)["gender"] == files["identity"]


def test_a_file_that_changes_on_disk_is_compared_anew(files):
    assert vgg_face.trunks(files, SMALL)["race"] == files["race"]
    files["race"].unlink()
    weight_files.write(files["race"], weight_files.vgg(SMALL, 6))
    assert vgg_face.trunks(files, SMALL)["race"] == files["identity"]


def test_wrong_layouts_are_refused_by_name(files):
    with pytest.raises(WeightsError, match=r"gender.h5 is of another network \(layer 6 is"):
        vgg_face.build_head(str(files["gender"]), "101", SMALL)
    with pytest.raises(WeightsError, match=r"gender.h5 is of another network \(layer 1 is"):
        vgg_face.build_trunk(str(files["gender"]))


def test_published_sizes():
    assert vgg_face.PUBLISHED.features == (7, 7, 512) and vgg_face.PUBLISHED.convolutions == 13
    assert vgg_face.PUBLISHED.parameters(vgg_face.IDENTITIES) == 145_002_878
