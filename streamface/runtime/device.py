"""Where large networks run: on the processor through LiteRT, or on an NVIDIA GPU through TensorFlow.

Whether there is a GPU is asked of the file system, so that a machine without one never loads TensorFlow. A choice
that cannot be had is said in one line, and the processor used; a GPU that was asked for by name is refused instead.
"""

from __future__ import annotations

import ctypes.util
import glob
import importlib.util
import logging
import os
from functools import lru_cache
from typing import Protocol

import numpy as np

from streamface.errors import SettingsError
from streamface.runtime.convert import Network
from streamface.runtime.session import Session
from streamface.settings import RuntimeSettings

NODES = ("/dev/nvidia[0-9]*", "/dev/dxg")
"""What the driver of NVIDIA makes, on Linux and in the Windows subsystem for Linux."""
INSTALL = "pip install 'tensorflow[and-cuda]'"

log = logging.getLogger(__name__)


class Runner(Protocol):
    """A network ready to run."""

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        """All outputs for one batch, as `Session.run`."""


class TensorflowSession:
    """A network as its Keras model, run by TensorFlow on the device that it prefers: the GPU where there is one.

    For one thread at a time. A new input shape is compiled anew, which takes seconds.
    """

    def __init__(self, network: Network) -> None:
        import tensorflow as tf

        model = network.model()
        self._run = tf.function(lambda batch: model(batch, training=False), reduce_retracing=False)

    def run(self, batch: np.ndarray) -> list[np.ndarray]:
        """All outputs, in the model's order, which is that of `Session`."""
        found = self._run(batch)
        return [output.numpy() for output in (found if isinstance(found, (list, tuple)) else [found])]


def opened(network: Network, runtime: RuntimeSettings) -> Runner:
    """`network`, which must have been converted, on the device that the settings choose."""
    if chosen(runtime.device) == "gpu":
        return TensorflowSession(network)
    return Session(network.path(), runtime.threads)


@lru_cache
def chosen(device: str) -> str:
    """'cpu' or 'gpu' for a setting of 'auto', 'cpu' or 'gpu'.

    Raises `SettingsError` where 'gpu' cannot be had. Says in one line why 'auto' passes over a GPU that is there.
    """
    if device == "cpu":
        return "cpu"
    if not any(glob.glob(pattern) for pattern in NODES):
        reason = None if device == "auto" else "there is none that the driver of NVIDIA shows"
    elif os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        reason = None if device == "auto" else "CUDA_VISIBLE_DEVICES hides it"
    elif not _has_libraries():
        reason = f"TensorFlow lacks the libraries for it: {INSTALL}"
    elif not _tensorflow_sees_one():
        reason = f"TensorFlow cannot use it: {INSTALL}, or update the driver"
    else:
        return "gpu"
    if device == "gpu":
        raise SettingsError(f"no GPU can be used ({reason}): leave out --device gpu")
    if reason:
        log.warning("the GPU is not used, the processor is: %s", reason)
    return "cpu"


def _has_libraries() -> bool:
    """True where CUDA's library for networks is installed; found without loading TensorFlow, which takes 7 s."""
    try:
        carried = importlib.util.find_spec("nvidia.cudnn") is not None
    except ModuleNotFoundError:
        carried = False
    return carried or ctypes.util.find_library("cudnn") is not None


def _tensorflow_sees_one() -> bool:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)  # else it takes all of the GPU's memory at once
    return bool(gpus)
