"""Commands after a decision."""

import json
import shlex
import sys
import time

import pytest

from streamface.errors import SettingsError
from streamface.kiosk import hooks
from streamface.kiosk.hooks import Hooks, command, environment

KEEP = "import json, os, sys; json.dump([sys.argv[1:], dict(os.environ), sys.stdin.read()], open({path!r}, 'w'))"
EVIL = "$(touch {path}) `touch {path}`; touch {path} && \"'|\n--help\0 Ünï"


def kept(path, seconds=15.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.exists() and (text := path.read_text()).endswith("]"):
            return json.loads(text)
        time.sleep(0.02)
    pytest.fail("the command has not run")


def said(caplog, what, seconds=15.0):
    end = time.monotonic() + seconds
    while what not in caplog.text and time.monotonic() < end:
        time.sleep(0.02)
    assert what in caplog.text


def python(code):
    return command(f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}", "--on-accept")


def test_a_command_gets_the_record_and_no_name_becomes_a_command(tmp_path):
    ran, evil = tmp_path / "ran.json", tmp_path / "evil"
    name = EVIL.format(path=evil)
    record = {"decision": "accepted", "person": name, "distances": [0.1, 0.2], "reason": None}
    made = Hooks(python(KEEP.format(path=str(ran))), None)
    made.decided(True, record)
    arguments, variables, body = kept(ran)
    made.close()
    assert arguments == [] and not evil.exists()
    assert variables["STREAMFACE_PERSON"] == name.replace("\0", "")
    assert variables["STREAMFACE_DISTANCES"] == "0.1 0.2" and variables["STREAMFACE_REASON"] == ""
    assert json.loads(body) == record


def test_each_decision_has_its_own_command(tmp_path):
    accepted, refused = tmp_path / "a.json", tmp_path / "r.json"
    with_both = Hooks(python(KEEP.format(path=str(accepted))), python(KEEP.format(path=str(refused))))
    with_both.decided(False, {"decision": "refused"})
    assert kept(refused)[1]["STREAMFACE_DECISION"] == "refused"
    with_both.close()
    assert not accepted.exists()


def test_a_command_that_hangs_or_fails_is_said_and_the_next_one_runs(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(hooks, "TIMEOUT_S", 0.3)
    ran = tmp_path / "ran.json"
    made = Hooks(python("import time; time.sleep(60)"), python(KEEP.format(path=str(ran))))
    made.decided(True, {})
    said(caplog, "without an end")
    monkeypatch.setattr(hooks, "TIMEOUT_S", 15.0)  # Python takes a while to start
    made.decided(False, {})
    kept(ran)
    made.close()
    failing = Hooks(python("raise SystemExit(3)"), None)
    failing.decided(True, {})
    said(caplog, "exit code 3")
    failing.close()


def test_a_slow_command_holds_up_nobody():
    made = Hooks(python("import time; time.sleep(60)"), None)
    begun = time.monotonic()
    for _ in range(50):
        made.decided(True, {})
    assert time.monotonic() - begun < 10, "not the time that a command may take"
    made.close()


@pytest.mark.parametrize("text", ["no-such-program-anywhere", "", "sh -c 'unfinished"])
def test_a_command_that_cannot_be_run_is_said_at_once(text):
    with pytest.raises(SettingsError, match="--on-accept"):
        command(text, "--on-accept")


def test_values_become_text():
    assert environment({"locks": True, "took_s": 1.5, "person": None}) == {
        "STREAMFACE_LOCKS": "True", "STREAMFACE_TOOK_S": "1.5", "STREAMFACE_PERSON": "",
    }  # fmt: skip


def test_no_door_is_opened_long_after_somebody_was_accepted(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(hooks, "LATEST_S", 0.5)
    ran = tmp_path / "ran"
    append = f"import time; open({str(ran)!r}, 'a').write('x'); time.sleep(1.2)"
    made = Hooks(python(append), None)
    made.decided(True, {})
    made.decided(True, {})  # the first one is still busy when this one is too old
    end = time.monotonic() + 15
    while "left out" not in caplog.text and time.monotonic() < end:
        time.sleep(0.02)
    made.close()
    assert ran.read_text() == "x" and "left out" in caplog.text


def test_a_slow_command_for_the_refused_holds_up_no_door(tmp_path):
    ran = tmp_path / "ran.json"
    made = Hooks(python(KEEP.format(path=str(ran))), python("import time; time.sleep(60)"))
    made.decided(False, {"decision": "refused"})
    made.decided(True, {"decision": "accepted"})
    assert kept(ran, hooks.LATEST_S)[1]["STREAMFACE_DECISION"] == "accepted"
    made.close()


def test_what_a_command_has_started_ends_with_it(tmp_path):
    beat = tmp_path / "beat"
    child = f"import time\nfor _ in range(600): open({str(beat)!r}, 'w').write(str(time.time())); time.sleep(0.05)"
    made = Hooks(python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"), None)
    made.decided(True, {})
    end = time.monotonic() + 15
    while not beat.exists() and time.monotonic() < end:
        time.sleep(0.02)
    made.close()
    time.sleep(0.3)
    last = beat.stat().st_mtime_ns
    time.sleep(0.5)
    assert beat.stat().st_mtime_ns == last


def test_passwords_of_ours_are_not_handed_on(tmp_path, monkeypatch):
    ran = tmp_path / "ran.json"
    for name in ("STREAMFACE_PASSWORD_HASH", "STREAMFACE_MQTT_PASSWORD", "DOOR_PASSWORD"):
        monkeypatch.setenv(name, "secret")
    made = Hooks(python(KEEP.format(path=str(ran))), None)
    made.decided(True, {})
    variables = kept(ran)[1]
    made.close()
    assert [name for name, value in variables.items() if value == "secret"] == ["DOOR_PASSWORD"]
