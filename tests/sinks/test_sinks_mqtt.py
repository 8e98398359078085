"""What an MQTT broker and Home Assistant hear, with mosquitto as the broker."""

import gc
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from mqtt_broker import Listener, broker, free_port, until

from streamface.errors import MissingPackageError, SettingsError
from streamface.sinks import mqtt
from streamface.sinks.event_output import COLUMNS
from streamface.sinks.mqtt import Broker, Mqtt, slug_of
from streamface.types import BLACK, CLOCK, CONNECTING, FROZEN, GARBLED, LIVE, RATE, RESIZED, STALLED

pytest.importorskip("paho.mqtt.client", reason="pip install paho-mqtt")


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def running(tmp_path, port):
    with broker(tmp_path, port):
        yield port


def output(port, camera="front door", **options):
    made = Mqtt(Broker("127.0.0.1", port, **options))
    made.begin(camera)
    return made


def event(kind, visit=None, person=None, number=0):
    row = dict.fromkeys(COLUMNS)
    row |= {"id": f"{number:032x}", "event": kind, "time": "2025-01-01T12:00:00.000Z", "camera": "front door"}
    return row | {"ended_at": "2025-01-01T11:59:00.000Z", "visit": visit, "person": person}


def test_presence_people_and_last_seen_follow_the_events(running):
    with Listener(running) as listener:
        sink = output(running)
        until(lambda: listener.last("streamface/front_door/status") == "online")
        until(lambda: listener.last("streamface/front_door/presence") == "OFF")
        steps = [
            (event("appeared", "v1"), "ON", "1 unknown"),
            (event("recognised", "v1", "Zoë"), "ON", "Zoë"),
            (event("appeared", "v2"), "ON", "Zoë, 1 unknown"),
            (event("recognised", "v2", "Ann"), "ON", "Ann, Zoë"),
            (event("left", "v1", "Zoë"), "ON", "Ann"),
            (event("left", "v2", "Ann"), "OFF", "nobody"),
        ]
        for row, presence, text in steps:
            sink.add([row])
            until(lambda: [one["text"] for one in listener.every("streamface/front_door/people")][-1:] == [text])  # noqa: B023
            until(lambda: listener.last("streamface/front_door/presence") == presence)  # noqa: B023
        until(lambda: len(listener.every("streamface/front_door/event")) == len(steps))  # each told after its state
        assert listener.every("streamface/front_door/people")[-1] == {
            "text": "nobody",
            "count": 0,
            "names": [],
            "unknown": 0,
        }
        seen = listener.every("streamface/front_door/last_seen")
        assert seen[-1] == {"time": "2025-01-01T11:59:00.000Z", "person": "Ann", "stranger": None, "snapshot": None}
        assert seen[0]["time"] == "2025-01-01T12:00:00.000Z"
        told = listener.every("streamface/front_door/event")
        assert [row["event_type"] for row in told] == [row["event"] for row, *_ in steps]
        assert told[1] == {"event_type": "recognised", **steps[1][0]}
        sink.close()
        until(lambda: listener.last("streamface/front_door/status") == "offline")


def test_somebody_whose_traces_are_deleted_is_taken_out_of_what_stays(running):
    sink = output(running)
    sink.add([event("appeared", "v2", "Bob"), event("appeared", "v3"), event("appeared", "v1", "Ann")])
    with Listener(running) as before:
        until(lambda: before.last("streamface/front_door/people"))
        sink.forget({"Ann"}, ["v3"])
        until(lambda: [one["text"] for one in before.every("streamface/front_door/people")][-1:] == ["Bob"])
        until(lambda: [one["person"] for one in before.every("streamface/front_door/last_seen")][-1:] == [None])
    with Listener(running) as later:
        until(lambda: later.last("streamface/front_door/people"))
        assert later.every("streamface/front_door/people")[-1]["text"] == "Bob"
        until(lambda: later.last("streamface/front_door/last_seen"))
        assert later.every("streamface/front_door/last_seen")[-1]["person"] is None
        assert not any("Ann" in str(heard) for heard in later.heard)
        sink.close()


def test_what_stays_is_never_said_as_it_was_after_a_change(running):
    sink = output(running)
    sink.add([event("appeared", "v1", "Ann")])
    said, changing = [], threading.Thread(target=sink.forget, args=({"Ann"}, ["v1"]))

    class Broker:
        def is_connected(self):
            return True

        def publish(self, topic, text, **more):
            if not said:
                said.append(None)
                changing.start()
                changing.join(0.3)  # it may not come in between
            said.append((topic, text))
            return type("Sent", (), {"rc": 0})

    real, sink._client = sink._client, Broker()
    sink._say_all(sink._client)
    changing.join()
    sink._client = real
    sink.close()
    last = dict(one for one in said if one)
    assert "Ann" not in str(last) and last["streamface/front_door/presence"] == "OFF"


def test_events_that_wait_for_the_broker_are_forgotten_with_the_person(tmp_path, port, monkeypatch):
    monkeypatch.setattr(mqtt, "CONNECT_S", 0.3)
    sink = output(port)
    sink.add([event("appeared", "v1", "Ann", number=1)])
    time.sleep(0.2)
    sink.forget({"Ann"}, ["v1"])
    sink.add([event("appeared", "v2", "Bob", number=2)])
    with broker(tmp_path, port), Listener(port) as listener:
        until(lambda: listener.every("streamface/front_door/event"))
        until(lambda: listener.last("streamface/front_door/presence") == "ON")
        time.sleep(0.3)
        assert [row["person"] for row in listener.every("streamface/front_door/event")] == ["Bob"]
        assert not any("Ann" in str(heard) for heard in listener.heard)
        sink.close()


def test_what_stays_is_retained_and_events_are_not(running):
    sink = output(running)
    kept = {f"streamface/front_door/{name}" for name in ("status", "camera", "presence", "people", "last_seen")}
    with Listener(running) as first:
        sink.add([event("appeared", "v1", "Ann")])
        until(lambda: first.last("streamface/front_door/event"))  # told after the state
    with Listener(running) as later:
        until(lambda: kept < {topic for topic, _, retained in list(later.heard) if retained})
        until(lambda: later.last("streamface/front_door/presence") == "ON")
        time.sleep(0.3)  # an event that was kept would be here by now
        topics = {topic for topic, _, retained in later.heard if retained}
        assert "streamface/front_door/event" not in topics
        sink.close()


TROUBLES = (FROZEN, BLACK, GARBLED)
EVENTS = {"appeared", "recognised", "changed", "left", "camera_lost", "camera_back"} | {
    f"camera_{kind}" for kind in (CONNECTING, LIVE, STALLED, RESIZED, RATE, CLOCK, *TROUBLES)
}
EVENTS |= {f"camera_{kind}_over" for kind in TROUBLES}


def test_home_assistant_finds_every_entity(running):
    sink = output(running)
    with Listener(running) as listener:
        until(lambda: sum(topic.startswith("homeassistant/") for topic, *_ in listener.heard) == 4)
        found = {topic: json.loads(text) for topic, text, _ in listener.heard if topic.startswith("homeassistant/")}
        sink.add([event("appeared", "v1", "Ann")])
        until(lambda: listener.last("streamface/front_door/event"))
        spoken = {topic: text for topic, text, _ in listener.heard}
        sink.close()
    assert set(found) == {
        "homeassistant/binary_sensor/streamface_front_door/presence/config",
        "homeassistant/sensor/streamface_front_door/people/config",
        "homeassistant/sensor/streamface_front_door/last_seen/config",
        "homeassistant/event/streamface_front_door/event/config",
    }
    for topic, entity in found.items():
        assert re.fullmatch(r"homeassistant/[a-z_]+/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config", topic)
        used = {entity["state_topic"], *(place["topic"] for place in entity["availability"])}
        assert used <= set(spoken), "every topic that is named is spoken on"
        assert entity["availability_mode"] == "all", "not while only the program runs, and the camera is lost"
        if template := entity.get("value_template"):
            named = re.fullmatch(r"\{\{ value_json\.(\w+) \}\}", template).group(1)
            assert named in json.loads(spoken[entity["state_topic"]])
            assert entity["json_attributes_topic"] == entity["state_topic"]
        assert entity["device"]["identifiers"] == ["streamface_front_door"] and entity["device"]["name"] == "front door"
    assert len({entity["unique_id"] for entity in found.values()}) == 4
    presence, people, last_seen, events = (
        found[f"homeassistant/{kind}/streamface_front_door/{name}/config"]
        for kind, name in (("binary_sensor", "presence"), ("sensor", "people"), ("sensor", "last_seen"),
                           ("event", "event"))
    )  # fmt: skip
    assert presence["device_class"] == "occupancy" and last_seen["device_class"] == "timestamp"
    status, camera = {"topic": "streamface/front_door/status"}, {"topic": "streamface/front_door/camera"}
    assert presence["availability"] == people["availability"] == [status, camera]
    assert last_seen["availability"] == events["availability"] == [status], "they say what was"
    assert set(events["event_types"]) == EVENTS, "others are refused by Home Assistant"


def test_home_assistant_is_told_again_when_it_starts(running):
    sink = output(running)
    with Listener(running) as listener:
        until(lambda: listener.last("streamface/front_door/presence") == "OFF")
        time.sleep(0.2)
        before = len(listener.heard)
        listener.client.publish("homeassistant/status", "online")
        until(lambda: sum(t.startswith("homeassistant/") for t, *_ in listener.heard[before:]) >= 5)
        sink.close()


def test_a_camera_that_is_lost_makes_its_sensors_unavailable(running):
    sink = output(running)
    with Listener(running) as listener:
        until(lambda: listener.last("streamface/front_door/camera") == "online")
        sink.add([event("camera_lost")])
        until(lambda: listener.last("streamface/front_door/camera") == "offline")
        sink.add([event("camera_back")])
        until(lambda: listener.last("streamface/front_door/camera") == "online")
        assert [row["event_type"] for row in listener.every("streamface/front_door/event")][0] == "camera_lost"
        sink.close()


KILLED = (
    "import sys; sys.path.insert(0, sys.argv[1]); from test_sinks_mqtt import *\n"
    "sink = output(int(sys.argv[2])); print('ready', flush=True); time.sleep(60)"
)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_run_is_offline_by_its_last_will(running):
    with Listener(running) as listener:
        arguments = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(running)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as run:
            run.stdout.readline()
            until(lambda: listener.last("streamface/front_door/status") == "online")
            run.kill()
        until(lambda: listener.last("streamface/front_door/status") == "offline")


def test_a_broker_that_comes_later_hears_the_state_and_the_events(tmp_path, port, caplog, monkeypatch):
    caplog.set_level("INFO")
    monkeypatch.setattr(mqtt, "LONGEST_PAUSE_S", 1)
    sink = output(port)
    for number in range(5):
        sink.add([event("appeared", f"v{number}", number=number)])
    until(lambda: caplog.records)
    with broker(tmp_path, port), Listener(port) as listener:
        until(lambda: len(listener.every("streamface/front_door/event")) == 5)
        until(lambda: listener.last("streamface/front_door/presence") == "ON")
        assert [row["id"] for row in listener.every("streamface/front_door/event")] == [f"{n:032x}" for n in range(5)]
    sink.add([event("left", "v0")])
    (tmp_path / "again").mkdir()
    with broker(tmp_path / "again", port), Listener(port) as listener:
        until(lambda: listener.every("streamface/front_door/people")[-1:] and
              listener.every("streamface/front_door/people")[-1]["count"] == 4)  # fmt: skip
        sink.close()
    assert len(caplog.records) <= 4 and "127.0.0.1" in caplog.text


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts files as Linux tells them")
def test_what_is_closed_leaves_no_socket(running):
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    gc.disable()  # it would find them one day
    try:
        for _ in range(3):
            sink = output(running)
            until(lambda sink=sink: sink._client.is_connected())
            sink.close()
        del sink
        until(lambda: len(os.listdir("/proc/self/fd")) == before)
    finally:
        gc.enable()


def test_no_broker_holds_nobody_up(port, monkeypatch):
    monkeypatch.setattr(mqtt, "MOST_WAITING", 3)
    sink = output(port)
    begun = time.monotonic()
    for number in range(50):
        sink.add([event("appeared", f"v{number}")])
    assert time.monotonic() - begun < 0.5
    sink.close()
    sink.close()
    assert time.monotonic() - begun < 2.0


def test_what_does_not_fit_while_the_broker_is_away_is_said_once(port, monkeypatch, caplog):
    monkeypatch.setattr(mqtt, "MOST_WAITING", 3)
    sink = output(port)
    for number in range(20):
        sink.add([event("appeared", f"v{number}")])
    sink.close()
    assert caplog.text.count("newer ones are given up") == 1


@pytest.mark.parametrize("by", ["environment", "file"])
def test_user_and_password(tmp_path, port, monkeypatch, by, caplog):
    login = ("anna", "s:e@cret")
    if by == "environment":
        monkeypatch.setenv(mqtt.USER, login[0])
        monkeypatch.setenv(mqtt.PASSWORD, login[1])
    (tmp_path / "login").write_text(":".join(login) + "\n")
    with broker(tmp_path, port, login):
        wrong = Mqtt(Broker("127.0.0.1", port, user="anna", password="wrong-one"))
        wrong.begin("door")
        until(lambda: "not authorized" in caplog.text or "authori" in caplog.text.lower())
        wrong.close()
        to = mqtt.broker(f"127.0.0.1:{port}", tmp_path / "login" if by == "file" else None)
        right = Mqtt(to)
        right.begin("door")
        with Listener(port, login) as listener:
            until(lambda: listener.last("streamface/door/status") == "online")
        right.close()
    assert not re.search("cret|wrong-one", caplog.text + repr(to) + str(vars(right)))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("host", Broker("host", 1883)),
        ("host:99", Broker("host", 99)),
        ("mqtt://host", Broker("host", 1883)),
        ("mqtts://host", Broker("host", 8883, True)),
        ("mqtts://[::1]:9", Broker("::1", 9, True)),
    ],
)
def test_addresses(address, expected):
    assert mqtt.broker(address) == expected


@pytest.mark.parametrize("address", ["", "http://host", "host:port", "host/topic", "mqtt://anna:secret@host"])
def test_what_is_no_address_is_said_without_a_password(address):
    with pytest.raises(SettingsError, match="--mqtt") as caught:
        mqtt.broker(address)
    assert "secret" not in str(caught.value)


def test_names_of_cameras_in_topics():
    assert slug_of("front door") == "front_door" and slug_of("rtsp://10.0.0.7:554/a/b") == "rtsp_10_0_0_7_554_a_b"
    assert slug_of("+/#") == "camera"
    assert len({slug_of("Tür"), slug_of("Tor"), slug_of("Tär"), slug_of("門"), slug_of("窓")}) == 5


def test_many_people_fit_into_a_state():
    sink = Mqtt(Broker("host", 1))
    for number in range(100):
        sink._after(event("appeared", f"v{number}", f"Somebody Number {number}"))
    people = json.loads(sink._presence()["/people"])
    assert len(people["text"]) == 250 and people["count"] == len(people["names"]) == 100


def test_without_the_package_the_pip_line_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "paho.mqtt", None)
    with pytest.raises(MissingPackageError, match="pip install paho-mqtt"):
        Mqtt(Broker("host", 1))
    assert os.environ.get(mqtt.PASSWORD) is None
