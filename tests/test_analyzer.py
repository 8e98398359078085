"""`Analyzer` and `stream`: the stream's analysis from Python."""

from __future__ import annotations

import json

import numpy as np
import pytest

import streamface
from streamface.errors import GalleryError, ImageError, OutputError, SettingsError
from streamface.keywords import settings_from
from streamface.stream import Stream

FRAMES = 8

pytestmark = pytest.mark.usefixtures("settings")


@pytest.fixture(scope="module")
def people(portrait_file):
    """The sample folder of people: Collins alone."""
    return portrait_file.parents[1]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store") / "people.sqlite"


def told(results):
    """What is known of each face in each frame, to compare."""
    return [
        [(f.track.id, f.match and f.match.identity, f.track.detection.box.left, f.analyzed_at) for f in result.faces]
        for result in results
    ]


def test_own_frames_give_what_a_stream_gives(people, store):
    options = {"database": people, "store": store, "actions": ()}
    with Stream(settings_from(source="demo", max_frames=FRAMES, **options)) as stream:
        expected = list(stream)
    with streamface.Analyzer(people, store=store, actions=()) as analyzer:
        found = [analyzer(result.frame.image, result.frame.media_time) for result in expected]
    assert told(found) == told(expected)
    assert [result.frame.index for result in found] == list(range(FRAMES))
    assert any("Eileen Collins" in row for result in told(found) for row in result)


def test_frames_of_any_kind_are_taken(people, store, portrait):
    grey = portrait.mean(2).astype(np.uint8)
    with streamface.Analyzer(people, store=store, actions=()) as analyzer:
        for frame in (portrait, grey, portrait.astype(np.uint16) * 257):
            (face,) = analyzer(frame).faces
            assert face.match.identity == "Eileen Collins"
        for bad in (None, np.zeros((0, 4, 3), np.uint8), "missing.jpg"):
            with pytest.raises(ImageError):
                analyzer(bad)
        assert analyzer(portrait).frame.index == 3  # a refused frame is not counted


def test_a_drawn_frame_differs_and_the_given_one_does_not(people, store, portrait):
    before = portrait.copy()
    with streamface.Analyzer(people, store=store, actions=()) as analyzer:
        result = analyzer(portrait)
        drawn = analyzer.draw(result)
    assert drawn.shape == portrait.shape and np.abs(drawn.astype(int) - portrait).mean() > 0.5
    assert (portrait == before).all()


def test_time_must_not_fall(portrait):
    with streamface.Analyzer(actions=()) as analyzer:
        analyzer(portrait, 1.0)
        analyzer(portrait, 1.0)
        for wrong in (0.5, float("nan")):
            with pytest.raises(SettingsError, match="must not fall"):
                analyzer(portrait, wrong)
        assert analyzer(portrait, 2.0).frame.media_time == 2.0


def test_a_closed_analyzer_says_so(portrait):
    analyzer = streamface.Analyzer(actions=())
    analyzer.close()
    analyzer.close()
    with pytest.raises(SettingsError, match="closed"):
        analyzer(portrait)


def test_a_live_analyzer_answers_later_and_ends_its_thread(people, store, portrait):
    with streamface.Analyzer(people, live=True, store=store, actions=()) as analyzer:
        for _ in range(200):
            (face,) = analyzer(portrait).faces
            if face.match is not None:
                break
    assert face.match.identity == "Eileen Collins"


def test_wrong_options_leave_nothing_open(tmp_path):
    with pytest.raises(SettingsError, match="unknown option"):
        streamface.Analyzer(colour="red")
    with pytest.raises(GalleryError, match="missing"):
        streamface.Analyzer(tmp_path / "missing", live=True, actions=())


def test_stream_runs_with_its_outputs(people, store, tmp_path):
    summary = streamface.stream(
        people, source="demo", store=store, max_frames=FRAMES, actions=(), output=tmp_path / "a.mp4",
        faces=str(tmp_path / "a.jsonl"), model_name="Dlib",
    )  # fmt: skip
    assert summary.frames == FRAMES and not summary.failures
    assert [visit.identity for visit in summary.visits] == ["Eileen Collins"]
    assert (tmp_path / "a.mp4").stat().st_size > 10_000
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert rows[-1]["identity"] == "Eileen Collins" and rows[-1]["frame"] == FRAMES - 1


def test_stream_without_a_screen_says_so_and_goes_on(caplog, tmp_path):
    summary = streamface.stream(source="demo", max_frames=1, actions=())
    assert summary.frames == 1
    assert "display" in caplog.text or "screen" in caplog.text
    caplog.clear()
    streamface.stream(source="demo", max_frames=1, actions=(), display=False)
    assert not caplog.text
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"a\.mp4|file"):
        streamface.stream(source="demo", max_frames=1, output=tmp_path / "file" / "a.mp4", actions=())
