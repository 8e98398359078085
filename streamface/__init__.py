"""Find, follow and name the people in a video, in real time, and tell age, gender, emotion and race.

The whole of it, in a folder with the project's `database`:

    import cv2, streamface
    portrait = "database/Eileen Collins/portrait.jpg"
    same = streamface.verify(portrait, portrait)["verified"]
    about = streamface.analyze(portrait, actions=["age", "gender", "emotion", "race"])
    found = streamface.find(portrait, db_path="database")
    summary = streamface.stream("database", source="demo", output="demo.mp4", max_frames=50)
    with streamface.Analyzer("database") as analyzer:
        cv2.imwrite("named.jpg", analyzer.draw(analyzer(cv2.imread(portrait))))

`represent` gives embeddings, `extract_faces` the faces cut out; `python -m streamface --help` is the same stream on
the command line. Importing the package is cheap: what a function needs is loaded when it is first used.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

__version__ = "0.1.0"

_HOMES = {
    "verify": "api",
    "analyze": "api",
    "represent": "api",
    "extract_faces": "api",
    "find": "api",
    "stream": "api",
    "Analyzer": "analyzer",
    "Stream": "stream",
    "Settings": "settings",
    "DetectionSettings": "settings",
    "FrameResult": "types",
    "FaceResult": "types",
    "StreamfaceError": "errors",
    "NoFaceError": "errors",
}
"""Public name -> the module that it is loaded from when it is first used."""

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Keeps `streamface.stream` the function: importing the module of that name would otherwise take its place."""

    def __setattr__(self, name: str, value: object) -> None:
        if name != "stream" or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
