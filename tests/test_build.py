"""What is asked for on the command line reaches what does it."""

from __future__ import annotations

import json

import numpy as np

from streamface import build
from streamface.configuration import settings_from
from streamface.sinks import recorder
from streamface.sinks.recorder import Recording
from streamface.types import Box, Detection, FaceResult, Frame, FrameResult, Track

HERE = FaceResult(Track(1, Detection(Box(10, 10, 30, 30), 0.9), 5))


def test_every_option_of_recordings(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "RecorderSink", lambda recording: recording)
    plain = f"--recordings {tmp_path}"
    assert build.files(settings_from(plain.split())) == [Recording(tmp_path)]
    options = " --record both --segment 0.5 --clip-on person --clip-before 3 --clip-after 7 --keep-gb 2 --keep-days 4"
    expected = Recording(tmp_path, ("annotated", "raw"), 30.0, "person", 3.0, 7.0, 2.0, 4.0)
    assert build.files(settings_from((plain + options).split())) == [expected]
    assert build.files(settings_from([])) == []


def test_somebody_leaves_after_the_pause_that_was_asked_for(tmp_path):
    path = tmp_path / "e.jsonl"
    (sink,) = build.files(settings_from(f"--events {path} --leave-after 2".split()))

    def events_after(seconds, *faces):
        image = np.zeros((48, 64, 3), np.uint8)
        sink.write(FrameResult(Frame(image, round(seconds * 25), 1e9 + seconds, None, "door"), faces), image)
        return [json.loads(line)["event"] for line in path.read_text().splitlines()]

    assert events_after(0.0, HERE) == events_after(1.9) == ["appeared"]
    assert events_after(2.1) == ["appeared", "left"]
    sink.close()
