"""What the backends of published networks share: one LiteRT network from chip to embedding."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from streamface.recognition.base import Forward, NetworkSpec, Recognizer
from streamface.runtime.session import Session


class Published(Recognizer):
    """A network of one LiteRT file that takes raw pixels, one chip at a time.

    Args:
        spec: its facts.
        model: the converted file; mapped, not read, as some have 400 MB.
        threads: threads of one pass.
    """

    def __init__(self, spec: NetworkSpec, model: Path, threads: int = 1) -> None:
        self.spec = spec
        self._session = Session(model, threads)

    def forward(self, chips: np.ndarray) -> Forward:
        passes = [self._session.run(chip[None].astype(np.float32))[0] for chip in chips]
        return Forward(np.concatenate([np.empty((0, self.spec.dimensions), np.float32), *passes]))
