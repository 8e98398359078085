import json
from pathlib import Path

import numpy as np
import pytest

from streamface.errors import WeightsError
from streamface.runtime import cache, convert
from streamface.runtime.session import Session


@pytest.fixture
def own_home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("STREAMFACE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_home_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("STREAMFACE_HOME", str(tmp_path / "a"))
    assert cache.home() == tmp_path / "a"
    monkeypatch.delenv("STREAMFACE_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert cache.home() == tmp_path / "b" / "streamface"


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    cache.write_atomically(path, b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError):
        cache.write_atomically(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_no_network_is_named(tmp_path):
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(b"nothing of the kind")
    with pytest.raises(WeightsError, match="broken.tflite is not a LiteRT network"):
        Session(broken)


def pnet(weights: Path | None = None, revision: int = 1) -> convert.Network:
    from streamface.networks import mtcnn

    path = str(weights or mtcnn.weights_file("pnet"))
    return convert.Network("pnet", mtcnn.__name__, "build", ("pnet",), path, (1, 30, 30, 3), revision)


def test_conversion_is_made_once_and_noted(own_home, monkeypatch):
    network = pnet()
    convert.ensure([network])
    note = json.loads(network.path().with_suffix(".json").read_text())
    assert note["difference"] < convert.LARGEST_DIFFERENCE
    assert Session(network.path()).run(np.zeros((1, 30, 40, 3), np.float32))[0].shape == (1, 10, 15, 5)

    monkeypatch.setattr(convert.subprocess, "run", lambda *a, **k: pytest.fail("converted twice"))
    convert.ensure([network])


def test_small_networks_share_a_process_and_none_is_converted_twice(own_home, tmp_path, monkeypatch):
    files = {name: tmp_path / name for name in ("a", "b", "large", "larger")}
    for name, file in files.items():
        file.write_bytes(b"0" * (200 if "large" in name else 10))
    monkeypatch.setattr(convert, "LARGE", 100)
    jobs = []

    def run(*_, input: str, **__):
        jobs.append([entry["name"] for entry in json.loads(input)])
        return convert.subprocess.CompletedProcess([], 0)

    monkeypatch.setattr(convert.subprocess, "run", run)
    networks = [convert.Network(name, "m", "f", (), str(file), (1,)) for name, file in files.items()]
    convert.ensure([*networks, *networks])
    assert jobs == [["a", "b"], ["large"], ["larger"]]


def test_other_weights_or_another_graph_are_another_file(tmp_path, own_home):
    other = tmp_path / "pnet.lz4"
    other.write_bytes(b"other weights")
    assert len({pnet().path(), pnet(other).path(), pnet(revision=2).path()}) == 3


def test_a_failed_conversion_is_one_line_and_leaves_nothing(own_home, tmp_path):
    network = convert.Network("gone", "streamface.networks.mtcnn", "missing", (), __file__, (1, 1, 1, 3))
    with pytest.raises(WeightsError, match="could not prepare gone") as caught:
        convert.ensure([network])
    assert "\n" not in str(caught.value) and not network.path().exists()


def test_a_conversion_that_differs_is_refused(own_home, monkeypatch):
    monkeypatch.setattr(convert, "convert", lambda *_: (b"", float("nan")))
    monkeypatch.setattr("streamface.networks.mtcnn.build", lambda *_: None)
    with pytest.raises(WeightsError, match="differs from Keras"):
        convert._convert_and_store(pnet())
    assert not pnet().path().exists()


def test_sessions_take_changing_shapes(own_home):
    network = pnet()
    convert.ensure([network])
    session = Session(network.path())
    image = np.random.default_rng(0).uniform(0, 255, (1, 48, 36, 3)).astype(np.float32)
    first = session.run(image)[0]
    session.run(np.zeros((1, 24, 24, 3), np.float32))
    assert session.run(image)[0] == pytest.approx(first)
    assert session.run(np.zeros((1, 24, 24, 3), np.float32))[0].base is None


def test_the_folder_of_the_settings_is_that_of_the_process_and_of_conversions(tmp_path, monkeypatch):
    from streamface import build
    from streamface.settings import AnalysisSettings, RuntimeSettings, Settings

    monkeypatch.setenv("STREAMFACE_HOME", str(tmp_path / "before"))
    monkeypatch.chdir(tmp_path)
    made = []
    monkeypatch.setattr(convert, "_convert_in_process", made.extend)
    build.prepare(Settings(analysis=AnalysisSettings(actions=()), runtime=RuntimeSettings(home=Path("mine"))))
    assert made and {network.path().parent for network in made} == {tmp_path / "mine" / "networks"}
    assert cache.home() == tmp_path / "mine"
    cache.use(None)
    assert cache.home() == tmp_path / "mine"
