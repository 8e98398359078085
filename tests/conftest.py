"""What all tests share: a cache folder of their own, real data where it is there, and guards after each test."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("STREAMFACE_DATA") or ROOT.parent / "shared" / "data")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory):
    """Converted networks are kept between runs, but never in the user's own folder."""
    patch = pytest.MonkeyPatch()
    if "STREAMFACE_HOME" not in os.environ:
        kept = getattr(pytestconfig, "cache", None)
        patch.setenv("STREAMFACE_HOME", str(kept.mkdir("streamface") if kept else tmp_path_factory.mktemp("home")))
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        patch.delenv(name, raising=False)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _no_thread_left():
    """A test that leaves one of streamface's threads running fails; one that waits for a slow disk ends in a while."""
    yield
    deadline = time.monotonic() + 15
    left: list[str] = []
    while time.monotonic() < deadline:
        left = [t.name for t in threading.enumerate() if t.name.startswith("streamface")]
        if not left:
            return
        time.sleep(0.02)
    pytest.fail(f"threads left running: {', '.join(left)}")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data; the test is skipped where it is absent."""
    if not DATA.is_dir():
        pytest.skip(f"no real data at {DATA}: set STREAMFACE_DATA")
    return DATA


@pytest.fixture(scope="session")
def yunet_file(data: Path) -> Path:
    """YuNet's network; the test is skipped where OpenCV is too old for inputs of any size."""
    import cv2

    path = data / "yunet_n_dynamic.onnx"
    try:
        cv2.FaceDetectorYN.create(str(path), "", (320, 320))
    except cv2.error:
        if int(cv2.__version__.split(".")[0]) >= 5:
            raise
        pytest.skip(f"OpenCV {cv2.__version__} cannot read a network of dynamic shape")
    return path


@pytest.fixture(scope="session")
def portrait_file() -> Path:
    """The portrait of Eileen Collins that the project carries."""
    return ROOT / "database" / "Eileen Collins" / "portrait.jpg"


@pytest.fixture(scope="session")
def portrait(portrait_file: Path):
    """The same as (H, W, 3) uint8 BGR."""
    import cv2

    return cv2.imread(str(portrait_file))


@pytest.fixture(scope="session")
def settings():
    """Settings with every network that needs no download, converted."""
    from streamface import build
    from streamface.settings import AnalysisSettings, Settings

    made = Settings(analysis=AnalysisSettings(actions=()))
    build.prepare(made)
    return made
