"""Settings from keyword arguments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from streamface.errors import SettingsError
from streamface.keywords import settings_from
from streamface.settings import Settings


@pytest.mark.parametrize(
    "given, room, field, expected",
    [
        ({"source": 0}, "capture", "source", "0"),  # a webcam's number
        ({"source": Path("a.mp4")}, "capture", "source", "a.mp4"),
        ({"database": "people"}, "gallery", "database", Path("people")),  # text for a path
        ({"db_path": Path("people")}, "gallery", "database", Path("people")),  # the name that `find` has
        ({"model_name": "Dlib"}, "recognition", "model", "Dlib"),
        ({"distance_metric": "euclidean"}, "recognition", "metric", "euclidean"),
        ({"detector_backend": "haar"}, "detection", "detector", "haar"),
        ({"min_face_px": 60}, "detection", "min_face_px", 60.0),  # the setting's name
        ({"min_face": 60}, "detection", "min_face_px", 60.0),  # the command line's
        ({"output": "a.mp4"}, "output", "video", Path("a.mp4")),
        ({"threshold": np.float32(0.5)}, "recognition", "threshold", 0.5),
        ({"detect_every": np.int64(3)}, "tracking", "detect_every", 3),
        ({"actions": ["age"]}, "analysis", "actions", ("age",)),
        ({"actions": "age, gender"}, "analysis", "actions", ("age", "gender")),
        ({"actions": "none"}, "analysis", "actions", ()),
        ({"actions": ()}, "analysis", "actions", ()),
        ({"display": False}, "output", "display", False),
        ({"attributes": "published"}, "analysis", "attributes", "published"),
        ({"home": "/srv/faces"}, "runtime", "home", Path("/srv/faces")),
        ({"threads": None}, "runtime", "threads", 1),  # None keeps the default
    ],
)
def test_an_option_finds_its_place(given, room, field, expected):
    settings = settings_from(**given)
    value = getattr(getattr(settings, room), field)
    assert value == expected and type(value) is type(expected)


def test_no_options_are_the_defaults():
    assert settings_from() == Settings()


def test_options_of_one_room_join():
    settings = settings_from(model_name="Dlib", mirror=True, threshold=0.2)
    assert (settings.recognition.model, settings.recognition.mirror, settings.recognition.threshold) == (
        "Dlib",
        True,
        0.2,
    )


@pytest.mark.parametrize(
    "given, message",
    [
        ({"colour": 1}, "unknown option 'colour': the options are .*detector_backend.*min_face.*threads"),
        ({"min_face": 60, "min_face_px": 50}, "min_face_px is given twice"),
        ({"display": 1}, "display is 1: it must be True or False"),
        ({"threads": "2"}, "threads is '2': it must be a whole number"),
        ({"threads": 1.5}, "threads is 1.5: it must be a whole number"),
        ({"threads": True}, "threads is True"),
        ({"scale": "big"}, "scale is 'big': it must be a number"),
        ({"database": 7}, "database is 7: it must be a path"),
        ({"model": 7.5}, "model is 7.5: it must be text"),
        ({"actions": 7}, "actions is 7: it must be a list of names"),
        ({"threads": 0}, "threads is 0: it must lie between"),
    ],
)
def test_what_cannot_be_is_refused(given, message):
    with pytest.raises(SettingsError, match=message):
        settings_from(**given)
