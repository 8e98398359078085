import re
from pathlib import Path

import pytest

from streamface.configuration import cameras_from, settings_from
from streamface.errors import SettingsError
from streamface.options import GROUPS, parser
from streamface.settings import Settings


def test_nothing_given_is_every_default():
    assert settings_from([]) == Settings()


def test_each_option_reaches_its_setting():
    settings = settings_from(
        "--source clip.mp4 --database people --output o.mp4 --faces f.csv --events e.jsonl --no-display --model dlib"
        " --metric euclidean --detector yunet --min-face 33 --max-frames 7 --actions age,race --threshold 0.4"
        " --mirror --scale 2 --threads 3 --detect-every 4 --timeout 3".split()
    )
    assert (
        settings.capture.source == "clip.mp4" and settings.capture.max_frames == 7 and settings.capture.timeout_s == 3
    )
    assert settings.gallery.database == Path("people")
    assert (settings.output.video, settings.output.faces, settings.output.events) == tuple(
        map(Path, ("o.mp4", "f.csv", "e.jsonl"))
    )
    assert settings.output.display is False
    assert (settings.recognition.model, settings.recognition.metric) == ("dlib", "euclidean")
    assert settings.recognition.threshold == 0.4 and settings.recognition.mirror is True
    assert settings.detection.detector == "yunet" and settings.detection.min_face_px == 33
    assert settings.analysis.actions == ("age", "race")
    assert (settings.overlay.scale, settings.runtime.threads, settings.tracking.detect_every) == (2, 3, 4)


def test_actions_may_be_none():
    assert settings_from(["--actions", "none"]).analysis.actions == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--min-face", "3"], "min-face-px is 3.0: it must lie between 12 and 4096"),
        (["--max-frames", "0"], "max-frames is 0"),
        (["--max-frames", "many"], "invalid int value: 'many'"),
        (["--colour", "red"], "there is no option --colour"),
        (["--databse=people"], "there is no option --databse: did you mean --database"),
        (["--datab", "people"], "there is no option --datab: did you mean --database"),
        (["people"], "without an option before it"),
        (["--config", "nowhere.yaml"], "cannot read the configuration nowhere.yaml"),
    ],
)
def test_a_mistake_is_one_line(arguments, said):
    with pytest.raises(SettingsError, match=said) as caught:
        settings_from(arguments)
    assert "\n" not in str(caught.value)


def test_a_file_gives_options_and_the_command_line_wins(tmp_path):
    file = tmp_path / "kiosk.yaml"
    file.write_text("source: demo\nmin_face: 60\ndisplay: false\nmirror: true\nactions: [age, emotion]\nmodel:\n")
    settings = settings_from(["--config", str(file), "--min-face", "80"])
    assert settings.capture.source == "demo" and settings.detection.min_face_px == 80
    assert settings.output.display is False and settings.recognition.mirror is True
    assert settings.analysis.actions == ("age", "emotion") and settings.recognition.model == "auto"


@pytest.mark.parametrize("text", ["colour: red\n", "- a\n- b\n", "a: [1\n", "just words"])
def test_a_bad_file_is_one_line(tmp_path, text):
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        settings_from(["--config", str(file)])
    assert "\n" not in str(caught.value)


def test_help_names_every_option():
    text = parser().format_help()
    for options in GROUPS.values():
        for option in options:
            assert f"--{option.flag}" in text


def test_settings_never_show_a_password():
    assert "secret" not in repr(settings_from(["--source", "rtsp://anna:secret@door/1"]))


@pytest.mark.parametrize(
    "text",
    [
        "sorce: rtsp://anna:secret@door/1",
        "cameras: [{source: 0, sorce: 'rtsp://anna:secret@door/1'}]",
        "webhook: {url: 'https://anna:secret@door/1'}",
        "source: rtsp://anna:secret@door: 1",
        "source: 'rtsp://anna:secret@door",
        "wait: rtsp://anna:secret@door/1",
    ],
)
def test_a_mistake_beside_a_password_does_not_show_it(tmp_path, text):
    file = tmp_path / "cameras.yaml"
    file.write_text(text)
    for arguments in (["--config", str(file)], ["--sorce", "rtsp://a:secret@door/1"], ["rtsp://a:secret@door/1"]):
        with pytest.raises(SettingsError) as caught:
            cameras_from(arguments)
        assert "secret" not in str(caught.value)


def test_a_part_of_a_file_may_be_used_again_and_changed(tmp_path):
    file = tmp_path / "cameras.yaml"
    file.write_text("cameras:\n  - &door {source: 0, min-face: 60}\n  - {<<: *door, source: 1}\n")
    door, yard = cameras_from(["--config", str(file)])
    assert (door.capture.source, yard.capture.source, yard.detection.min_face_px) == ("0", "1", 60)


def test_help_states_the_defaults_that_are_used():
    settings, compared = Settings(), set()
    for options in GROUPS.values():
        for option in options:
            said = re.search(r"\(default: ([\d.]+)\)", option.help)
            if said:
                assert float(said[1]) == getattr(getattr(settings, option.room), option.field), option.flag
                compared.add(option.flag)
    assert {"detect-every", "min-face", "timeout"} <= compared


def test_sources_given_more_than_once_are_cameras_with_names_of_their_own():
    cameras = cameras_from("--source 0 -s rtsp://anna:p@ss@door:554/1 -s clips/yard.mp4 -s old/yard.mp4".split())
    assert [settings.capture.camera for settings in cameras] == ["camera 0", "door", "yard", "yard 2"]
    assert "p@ss" not in str([camera.capture.camera for camera in cameras_from(["-s", "a:p@ss@door", "-s", "0"])])
    assert [settings.capture.source for settings in cameras][1] == "rtsp://anna:p@ss@door:554/1"


CAMERAS = """
database: people
min-face: 50
output: "{camera}.mp4"
cameras:
  - name: Front door
    source: rtsp://door/1
    zone: [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]
    min-face: 80
    actions: [age]
  - name: yard
    source: yard.mp4
    output: recordings/yard.mp4
"""


def test_a_file_lists_cameras_with_options_of_their_own(tmp_path):
    file = tmp_path / "cameras.yaml"
    file.write_text(CAMERAS)
    door, yard = cameras_from(["--config", str(file), "--no-display"])
    assert door.capture.camera == "Front door" and door.capture.source == "rtsp://door/1"
    assert door.detection.zone == ((0, 0.5), (1, 0.5), (1, 1), (0, 1))
    assert (door.detection.min_face_px, yard.detection.min_face_px) == (80, 50)
    assert door.analysis.actions == ("age",) and yard.analysis == Settings().analysis
    assert (door.output.video, yard.output.video) == (Path("Front-door.mp4"), Path("recordings/yard.mp4"))
    assert door.gallery == yard.gallery and door.gallery.database == Path("people")
    assert door.output.display is False


def test_sources_of_the_command_line_take_the_place_of_the_files(tmp_path):
    file = tmp_path / "cameras.yaml"
    file.write_text(CAMERAS)
    (only,) = cameras_from(["--config", str(file), "--source", "demo"])
    assert only.capture.source == "demo" and only.detection.min_face_px == 50
    file.write_text("source: [a.mp4, b.mp4]\n")
    assert len(cameras_from(["--config", str(file)])) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cameras: [{name: door}]", "camera door has no 'source'"),
        ("cameras: [{source: 0, model: OpenFace}]", "model is for all cameras"),
        ("cameras: [{source: 0, config: a.yaml}]", "camera 1 holds 'config'"),
        ("cameras: [{name: a, source: 0}, {name: a, source: 1}]", "two cameras are named a"),
        ("cameras: []", "'cameras' must be a list"),
        ("source: rtsp://door/1\nname: door", "'name' is of one camera: put it with its 'source' into a list"),
        ("cameras: {door: 0}", "'cameras' must be a list"),
        (
            "mqtt: broker\ncameras: [{name: a b, source: 0}, {name: a_b, source: 1}]",
            "cameras a b and a_b have the same MQTT topic, streamface/a_b",
        ),
        ("events: e.jsonl\ncameras: [{source: 0}, {source: 1}]", "several cameras write e.jsonl: put {camera}"),
        (
            "faces: '{camera}.csv'\ncameras: [{name: c, source: 0}, {name: a b, source: 1}, {name: a-b, source: 2}]",
            "several cameras write a-b.csv: .* names that differ in letters",
        ),
        ("cameras: [{source: 0, colour: red}]", "camera 1: there is no option --colour"),
        ("cameras: [{source: 0, name: door, min-face: sixty}]", "camera door: .*invalid float value: 'sixty'"),
        ("cameras: [{source: 0, name: door, zone: [[0, 0], [1, 0], [1, 2]]}]", "camera door: the zone is"),
        ("cameras: [{source: 0, min-face: 3}]", "camera 1: min-face-px is 3"),
        ("cameras: [{source: 0}, {source: 1, metrics: 9100}]", "metrics is for all cameras"),
        ("cameras: [{source: 0, datab: people}]", "camera 1: there is no option --datab"),
        ("cameras:\n  - source: 0\n    name: door\n    name: yard\n", "line 4: name stands there a second time"),
        ("min-face: 30\nmin_face: 60\n", "line 2: min_face stands there a second time"),
        ("source: 0\nwebhook: @/etc/hook\n", "line 2, column 10: found character '@'"),
        ("source: 'rtsp://door\nwait: yes\n", "line 3, column 1: found unexpected end"),
        ("wait: 'true'", "wait must be true or false"),
        ("events: {file: e.jsonl}", "events holds lines of its own"),
        ("min-face: 2026-13-45", "cannot read the configuration"),
        ("zone: [[0, 0], [1, 1]]", "it needs three or more corners"),
        ("zone: [[0, 0], [1, 0], [1, 1.5]]", "in shares of the picture"),
        ("zone: nowhere", "invalid corners value"),
    ],
)
def test_a_mistake_in_a_list_of_cameras_is_one_line(tmp_path, text, said):
    file = tmp_path / "cameras.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=said) as caught:
        cameras_from(["--config", str(file)])
    assert "\n" not in str(caught.value)


def test_one_camera_is_needed_where_one_is_needed():
    with pytest.raises(SettingsError, match="2 cameras are named"):
        settings_from(["-s", "0", "-s", "1"])


def test_several_cameras_have_a_plot_each_but_may_share_the_word_for_none():
    two = ["--source", "a.mp4", "--source", "b.mp4"]
    assert [camera.output.profile for camera in cameras_from([*two, "--profile"])] == [Path("-"), Path("-")]
    with pytest.raises(SettingsError, match="several cameras write p.png"):
        cameras_from([*two, "--profile", "p.png"])
    plots = [str(camera.output.profile) for camera in cameras_from([*two, "--profile", "p-{camera}.png"])]
    assert plots == ["p-a.png", "p-b.png"]


def test_the_files_in_the_documentation_are_understood(tmp_path):
    text = (Path(__file__).resolve().parents[1] / "docs" / "cameras.md").read_text(encoding="utf-8")
    files = re.findall(r"```yaml\n(.*?)```", text, re.S)
    assert len(files) >= 3
    names = []
    for number, content in enumerate(files):
        file = tmp_path / f"{number}.yaml"
        file.write_text(content, encoding="utf-8")
        names += [settings.capture.camera for settings in cameras_from(["--config", str(file)])]
    assert {"door", "yard"} <= set(names)
