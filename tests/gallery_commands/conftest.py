from __future__ import annotations

import pytest

from streamface import build
from streamface.testing import FakeEncoder


class Encoder(FakeEncoder):
    def __init__(self, settings):
        super().__init__()

    def close(self):
        pass


@pytest.fixture
def fakes(tmp_path, monkeypatch):
    """Squares for faces, and a home and a working folder of the test's own."""
    monkeypatch.setenv("STREAMFACE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(build, "LazyEncoder", Encoder)
    monkeypatch.setattr(build, "prepare", lambda settings: None)
    monkeypatch.setattr(build, "network_key", lambda settings: FakeEncoder().network)
    monkeypatch.setattr(build, "threshold", lambda settings, verifying=False: 0.1 if verifying else 0.02)
