import json
import time
import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streamface.errors import OutputError, SettingsError
from streamface.monitoring import STALE_S, Monitor, Reading, health


def reading(camera="door", state="live", **changes) -> Reading:
    values = {"frames": 120, "dropped": 3, "people": 2, "delay_s": 0.05, "frame_at": time.time()}
    return Reading(camera, state, **{**values, **changes})


def fetch(monitor: Monitor, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{monitor.port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.parametrize(
    ("state", "age_s", "trouble"),
    [
        ("live", 0, None),
        ("live", STALE_S + 5, "no frame for 15 s"),
        ("live", None, "no frame yet"),
        ("lost", 0, "lost"),
        ("connecting", None, "connecting"),
        ("ended", 0, "ended"),
    ],
)
def test_a_camera_is_well_while_it_is_live_and_gives_frames(state, age_s, trouble):
    now = 1e9
    ill = reading(state=state, frame_at=None if age_s is None else now - age_s)
    well, body = health([reading("yard", frame_at=now), ill], now)
    assert well is (trouble is None)
    assert body["cameras"]["door"]["trouble"] == trouble and body["cameras"]["yard"]["ok"]


def test_a_monitor_answers_what_the_cameras_say_at_that_moment():
    now = [reading(), reading("yard", people=0)]
    with Monitor("0", lambda: now) as monitor:
        status, body = fetch(monitor, "/healthz")
        assert status == 200 and json.loads(body)["cameras"]["door"]["people"] == 2
        now[1] = reading("yard", "lost")
        status, body = fetch(monitor, "/healthz")
        assert (
            status == 503
            and json.loads(body)["cameras"]["yard"] | {"trouble": "lost"} == json.loads(body)["cameras"]["yard"]
        )
        assert fetch(monitor, "/etc/passwd")[0] == 404
    with pytest.raises(OSError):
        fetch(monitor, "/healthz")


def test_metrics_are_what_prometheus_reads():
    rows = [
        reading('a "quoted"\nname', queues={"analysis": 4}, spent_ms={"detect": 1500.0}),
        reading("file", delay_s=None),
    ]
    with Monitor("127.0.0.1:0", lambda: rows) as monitor:
        status, text = fetch(monitor, "/metrics")
    samples = {(s.name, *s.labels.values()): s.value for f in text_string_to_metric_families(text) for s in f.samples}
    assert status == 200
    assert samples["streamface_frames_total", rows[0].camera] == 120
    assert samples["streamface_delay_seconds", rows[0].camera] == 0.05
    assert ("streamface_delay_seconds", "file") not in samples
    assert samples["streamface_queue_length", rows[0].camera, "analysis"] == 4
    assert samples["streamface_stage_seconds_total", rows[0].camera, "detect"] == 1.5


@pytest.mark.parametrize("address", ["", "http", "localhost:", "localhost:99999", "-1"])
def test_an_address_that_is_none_is_one_line(address):
    with pytest.raises(SettingsError, match="is no port"):
        Monitor(address, lambda: [])


def test_a_port_that_is_taken_is_one_line():
    with Monitor("0", lambda: []) as first, pytest.raises(OutputError, match="choose another port"):
        Monitor(str(first.port), lambda: [])
