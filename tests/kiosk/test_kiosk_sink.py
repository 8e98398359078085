"""The kiosk beside a stream: from results to decisions, and everybody who is told of them."""

import json
import logging
import math
import os
import random
from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from streamface import testing
from streamface.errors import OutputError
from streamface.gallery.base import Photo, Row
from streamface.gallery.gallery import Gallery
from streamface.gallery.live import LiveGallery
from streamface.kiosk.attempt import Rules
from streamface.kiosk.audit import Audit
from streamface.kiosk.levels import Limits
from streamface.kiosk.lock import Lock
from streamface.kiosk.looking import Looking
from streamface.kiosk.machine import Kiosk
from streamface.kiosk.qr import QrReader, cleaned
from streamface.kiosk.sink import Banner, KioskSink, Told
from streamface.sinks._patient import Patient
from streamface.sinks.base import Sink
from streamface.sinks.event_output import EventOutput
from streamface.types import LIVE, LOST, Box, Detection, FaceResult, Frame, FrameResult, LatestView, SourceState, Track

BOX = Box(260, 120, 380, 270)
ANNA, BERTA = np.float32([1, 0, 0]), np.float32([0, 1, 0])
LANDMARKS = np.float32([[290, 180], [350, 180], [320, 212], [297, 242], [343, 242]])


def people():
    rows = [Row(Photo(f"{name}/1.jpg", name, 1, 1), None, BOX, 1.0, vector)
            for name, vector in (("Anna Änders", ANNA), ("Berta", BERTA))]  # fmt: skip
    return LiveGallery(Gallery(rows, "Fake/1"))


def looking(gallery=None):
    return Looking(gallery or people(), "cosine", "Fake/1")


def picture():
    return np.full((480, 640, 3), 120, np.uint8)


def result(index, vector=ANNA, state=LIVE, image=None, repeated=False, at=None, sharpness=0.8, light=0.9):
    """A frame with one face in it that was looked at in this very frame."""
    captured_at = 1e9 + index / 25
    faces = ()
    if vector is not None:
        track = Track(1, Detection(BOX, 0.99, LANDMARKS), age=index + 5)
        seen = LatestView(vector, 0.9, sharpness, light, captured_at if at is None else at)
        faces = (FaceResult(track, latest=seen),)
    frame = Frame(picture() if image is None else image, index, captured_at, None, "door", repeated)
    return FrameResult(frame, faces, source_state=SourceState(state, 0.0))


def replace_time(seen, captured_at):
    """The same result at another time of this computer's clock."""
    faces = tuple(replace(face, latest=replace(face.latest, at=captured_at)) for face in seen.faces)
    return replace(seen, frame=replace(seen.frame, captured_at=captured_at), faces=faces)


def sink(claims=False, told=None, prompts=0):
    kiosk = Kiosk(Rules(Limits(0.07, 0.007, 3), prompts), Lock(0, 1), 0.22, claims, random.Random(1))
    return KioskSink(kiosk, looking(), told or Told("normal", 0.07))


def run(made, frames=50, **changes):
    for index in range(frames):
        made.write(result(index, **changes), None)


class Output(EventOutput):
    """Takes rows, as a webhook does."""

    def __init__(self, fails=False):
        self.cameras, self.rows, self.closed, self._fails = [], [], False, fails

    def begin(self, camera):
        self.cameras.append(camera)

    def add(self, rows):
        if self._fails:
            raise OutputError("the disk is full; free some space")
        self.rows += rows

    def close(self):
        self.closed = True


def test_a_scene_holds_what_a_view_is_judged_by():
    scene = looking().scene(result(0), None)
    (view,), (ranking,) = scene.views, scene.rankings
    assert view.height == pytest.approx(150 / 480) and view.is_whole and (view.sharpness, view.light) == (0.8, 0.9)
    assert (view.turn, view.roll, view.eyes_px) == (0.0, 0.0, 60.0)
    assert (ranking.person, ranking.distance, ranking.others) == ("Anna Änders", 0.0, 1.0)
    assert (ranking.sharpness, ranking.light) == (0.8, 0.9)


def test_a_view_speaks_once_and_for_the_moment_it_was_taken():
    seen = looking()
    assert len(seen.scene(result(0), None).rankings) == 1
    assert not seen.scene(result(1, at=1e9), None).rankings
    assert seen.scene(result(2, at=1e9 + 0.05), None).rankings[0].at == 1e9 + 0.05


def test_a_claim_is_compared_with_that_person():
    (ranking,) = looking().scene(result(0), "Berta").rankings
    assert (ranking.person, ranking.distance, ranking.others) == ("Berta", 1.0, 0.0)
    (ranking,) = looking().scene(result(0), "Nobody").rankings
    assert ranking.person == "Nobody" and math.isinf(ranking.distance)
    assert looking().named("  anna   äNDERS ") == "Anna Änders" and looking().named("x") == "x"


def test_a_claim_is_understood_however_its_letters_are_coded():
    assert looking().named("Anna A\u0308nders") == "Anna Änders"
    rows = [Row(Photo(f"{name}/1.jpg", name, 1, 1), None, BOX, 1.0, ANNA) for name in ("Max", "max")]
    several = looking(LiveGallery(Gallery(rows, "Fake/1")))
    assert several.named("max") == "max" and several.named("Max") == "Max" and several.named("MAX") == "MAX"


def test_a_clock_that_is_set_back_holds_nobody_up():
    with sink() as made:
        run(made, 10)
        assert made.now[0].state == "accepted"
        before = made.now[1]
        for index in range(150):
            made.write(replace_time(result(index, vector=None), 1e9 - 3600 + index / 25), None)
        assert made.now[0].state == "idle" and before < made.now[1] < before + 10
        for index in range(10):
            made.write(replace_time(result(index), 1e9 - 3500 + index / 25), None)
        assert made.now[0].state == "accepted"


@pytest.mark.parametrize("changes", [{"state": LOST}, {"repeated": True}])
def test_a_camera_without_pictures_shows_no_scene(changes):
    assert not looking().scene(result(0, **changes), None).is_live


@pytest.mark.parametrize("changes", [{"sharpness": 0.1}, {"light": 0.3}])
def test_a_blurred_or_dark_view_says_nothing(changes):
    with sink() as made:
        run(made, **changes)
        assert made.now[0].state == "guide"


def test_whoever_did_not_consent_is_nobody():
    gallery = people()
    gallery.private = frozenset({"Anna Änders"})
    for claimed in (None, "Anna Änders"):
        (ranking,) = looking(gallery).scene(result(0), claimed).rankings
        assert ranking.person is None and math.isinf(ranking.distance)


def test_a_face_without_landmarks_is_no_view():
    face = FaceResult(testing.track(1))
    assert not looking().scene(FrameResult(result(0).frame, (face,)), None).views


def test_everybody_is_told_of_a_decision(tmp_path, caplog):
    output, ran = Output(), []
    hooks = SimpleNamespace(decided=lambda accepted, record: ran.append((accepted, record)), close=lambda: None)
    audit = Audit(tmp_path / "audit.jsonl", pictures=True)
    with caplog.at_level(logging.INFO), sink(told=Told("normal", 0.07, audit, hooks, (output,))) as made:
        run(made, 10)
    (row,) = map(json.loads, (tmp_path / "audit.jsonl").read_text().splitlines())
    assert row["person"] == "Anna Änders" and row["camera"] == "door" and row["time"].startswith("2001-09-09T01:46:40")
    assert output.rows == [row] and output.cameras == ["door"] and output.closed and ran == [(True, row)]
    assert cv2.imread(row["snapshot"]) is not None and "kiosk: accepted (Anna Änders)" in caplog.text


def test_a_refusal_is_told_too():
    output = Output()
    with sink(told=Told("normal", 0.07, outputs=(output,))) as made:
        run(made, vector=np.float32([0, 0, 1]))
    assert output.rows[0]["decision"] == "refused" and output.rows[0]["snapshot"] is None


def test_what_cannot_be_told_is_said_once_and_the_kiosk_goes_on(caplog):
    output = Output(fails=True)
    with sink(told=Told("normal", 0.07, outputs=(output, well := Output()))) as made:
        run(made, 300, vector=np.float32([0, 0, 1]))
    assert made.failures == ["the disk is full; free some space"] and len(well.rows) >= 2
    assert caplog.text.count("the disk is full") == 1


def test_decisions_wait_while_a_disk_is_full_and_are_told_without_another_one(tmp_path, monkeypatch, caplog):
    now, output, path = [0.0], Output(fails=True), tmp_path / "audit.jsonl"
    told = Told("normal", 0.07, Audit(path, False, lambda: now[0]), None, (Patient(output, lambda: now[0]),))
    with sink(told=told) as made:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", no_room)
            run(made, 10)
        assert path.read_text() == "" and output.rows == [] and caplog.text.count("wait until") == 2
        output._fails = False
        run(made, 5, vector=None)
        assert path.read_text() == "" and output.rows == []
        now[0] = 10.0
        run(made, 1, vector=None)
        (row,) = map(json.loads, path.read_text().splitlines())
        assert output.rows == [row] and row["person"] == "Anna Änders"
    assert len(made.failures) == 2 and made.failures[0].startswith(f"cannot write {path}: No space left")


def no_room(descriptor, data):
    raise OSError(28, "No space left on device")


def test_old_records_are_deleted(tmp_path):
    path = tmp_path / "audit.jsonl"
    rows = [{"id": "old", "time": "2001-08-01T00:00:00.000Z"}, {"id": "new", "time": "2001-09-08T00:00:00.000Z"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with sink(told=Told("normal", 0.07, Audit(path, pictures=False), keep_days=7)) as made:
        run(made, 10)
    assert [json.loads(line).get("id") for line in path.read_text().splitlines()][0] == "new"


def test_a_name_that_was_typed_is_not_logged(caplog):
    with caplog.at_level(logging.INFO), sink(claims=True) as made:
        made.write(result(0), None)
        assert made.claim(" berta ")
        run(made)
    assert "not claimed" in caplog.text and "erta" not in caplog.text


@pytest.mark.parametrize("text", ["", " \n ", "x" * 201])
def test_what_is_no_name_is_no_claim(text):
    with sink(claims=True) as made:
        made.write(result(0), None)
        assert not made.claim(text)


def coded(text, side=220):
    """A frame in which a QR code is held before the camera."""
    code = cv2.QRCodeEncoder.create().encode(text)
    code = cv2.resize(code, (side, side), interpolation=cv2.INTER_NEAREST)
    image = np.full((480, 640, 3), 120, np.uint8)
    image[90 : 130 + side, 180 : 220 + side] = 255
    image[110 : 110 + side, 200 : 200 + side] = code[:, :, None] if code.ndim == 2 else code
    return cv2.GaussianBlur(image, (0, 0), 0.8)


def test_a_name_is_read_from_a_qr_code():
    with sink(claims=True) as made:
        made.write(result(0, vector=None, image=coded("anna änders")), None)
        assert made.now[0].state == "claim"
        made.write(result(1), None)
        assert made.now[0].person == "Anna Änders"
        run(made, 20)
        assert made.now[0].state == "accepted"


def test_codes_are_looked_for_some_times_a_second():
    reader, image = QrReader(), coded("Anna")
    assert reader.read(image, 10.0) == "Anna" and reader.read(image, 10.1) is None
    assert reader.read(image, 10.3) == "Anna" and reader.read(cv2.resize(image, (2560, 1920)), 11.0) == "Anna"
    assert reader.read(picture(), 12.0) is None


def test_a_code_becomes_a_line_of_text():
    assert cleaned("a\0b\nc\u202e  d") == "a b c d" and cleaned("\n") is None


def test_the_words_stand_in_a_window():
    shown = []

    class Window(Sink):
        wants_stop = True

        def write(self, result, image):
            shown.append(image)

    made = sink()
    with made.over(Window(), lambda image, text: f"{image} {text}") as banner:
        assert isinstance(banner, Banner) and banner.on_main_thread and banner.wants_image and banner.wants_stop
        banner.write(result(0), "picture")
        made.write(result(0, vector=None), None)
        banner.write(result(0), "picture")
    assert shown == ["picture The camera gives no picture. Please wait, or ask for help",
                     "picture Step in front of the camera"]  # fmt: skip


