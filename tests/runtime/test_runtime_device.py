"""Which device is chosen, what is said of it, and that TensorFlow gives what LiteRT gives."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from streamface import build
from streamface.errors import SettingsError
from streamface.runtime import device
from streamface.runtime.session import Session
from streamface.settings import RuntimeSettings


@pytest.fixture(autouse=True)
def forgotten():
    device.chosen.cache_clear()
    yield
    device.chosen.cache_clear()


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Makes the machine look as if it had a driver, libraries, and a GPU that TensorFlow sees."""

    def make(driver: bool, libraries: bool, seen: bool, hidden: str | None = None):
        (tmp_path / "nvidia0").touch()
        monkeypatch.setattr(device, "NODES", (str(tmp_path / ("nvidia[0-9]*" if driver else "none*")),))
        monkeypatch.setattr(device, "_has_libraries", lambda: libraries)
        monkeypatch.setattr(device, "_tensorflow_sees_one", lambda: seen)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if hidden is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)

    return make


# driver, libraries, seen by TensorFlow, CUDA_VISIBLE_DEVICES: what 'auto' chooses, what it says, why 'gpu' is refused
CASES = [
    ((True, True, True), "gpu", None, None),
    ((True, True, True, "0"), "gpu", None, None),
    ((False, True, True), "cpu", None, "none that the driver"),
    ((True, False, True), "cpu", "lacks the libraries", "lacks the libraries"),
    ((True, True, False), "cpu", "cannot use it", "cannot use it"),
    ((True, True, True, ""), "cpu", None, "CUDA_VISIBLE_DEVICES hides it"),
    ((True, True, True, "-1"), "cpu", None, "CUDA_VISIBLE_DEVICES hides it"),
]


@pytest.mark.parametrize(("looks", "automatic", "said", "refused"), CASES)
def test_the_choice(machine, caplog, looks, automatic, said, refused):
    machine(*looks)
    assert device.chosen("auto") == device.chosen("auto") == automatic
    assert [record.getMessage().count("\n") for record in caplog.records] == ([0] if said else [])
    assert (said or "") in caplog.text
    assert device.chosen("cpu") == "cpu"
    if refused is None:
        assert device.chosen("gpu") == "gpu"
    else:
        with pytest.raises(SettingsError, match=f"{refused}.*leave out --device gpu"):
            device.chosen("gpu")


def test_the_chosen_device_runs_the_network(machine, settings, monkeypatch):
    (network,) = build.model_module(settings).required(settings.recognition)
    monkeypatch.setattr(device, "TensorflowSession", lambda network: f"TensorFlow: {network.name}")
    machine(True, True, True)
    assert device.opened(network, RuntimeSettings()) == f"TensorFlow: {network.name}"
    assert isinstance(device.opened(network, RuntimeSettings(device="cpu")), Session)


def test_a_device_that_is_none_is_refused():
    with pytest.raises(SettingsError, match="device is 'tpu': it must be one of auto, cpu, gpu"):
        RuntimeSettings(device="tpu")


def test_a_machine_without_a_gpu_never_loads_tensorflow():
    code = """
import sys
from streamface.runtime import device
device.NODES = ("/nowhere/*",)
assert device.chosen("auto") == "cpu"
device.chosen.cache_clear()
device.NODES, device._has_libraries = ("/*",), lambda: False
assert device.chosen("auto") == "cpu"
sys.exit("tensorflow" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


SAME = """
import sys, warnings
import numpy as np
from streamface import build
from streamface.runtime import device
from streamface.runtime.session import Session
from streamface.settings import Settings
settings = Settings()
(network,) = build.model_module(settings).required(settings.recognition)
batches = np.random.default_rng(1).uniform(0, 255, (2, *network.sample_shape)).astype(np.float32)
one, other = device.TensorflowSession(network), Session(network.path())
for batch in batches:
    pairs = list(zip(one.run(batch), other.run(batch), strict=True))
    assert all(a.shape == b.shape and a.dtype == b.dtype for a, b in pairs), [(a.shape, b.shape) for a, b in pairs]
    print(max(np.abs(a - b).max() / np.abs(b).max() for a, b in pairs))
"""


def test_tensorflow_gives_what_litert_gives(settings):
    build.prepare(settings)
    done = subprocess.run([sys.executable, "-c", SAME], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    differences = [float(line) for line in done.stdout.split()]
    assert len(differences) == 2
    assert max(differences) < 1e-4
    assert np.isfinite(differences).all()
