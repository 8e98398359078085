from __future__ import annotations

import pytest
from desks import Encoder, people_desk

from streamface import build
from streamface.testing import FakeEncoder


class Networks(Encoder):
    """In the place of `build.LazyEncoder`."""

    def __init__(self, settings):
        super().__init__()


@pytest.fixture
def fake_networks(tmp_path, monkeypatch):
    """Squares for faces wherever settings are made into networks, and a home of the test's own."""
    monkeypatch.setenv("STREAMFACE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(build, "LazyEncoder", Networks)
    monkeypatch.setattr(build, "network_key", lambda settings: FakeEncoder().network)


@pytest.fixture
def desk(folder, tmp_path):
    """The people of the test's own `folder`, followed."""
    with people_desk(folder, tmp_path / "store.sqlite") as made:
        yield made
