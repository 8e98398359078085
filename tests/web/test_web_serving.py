import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from streamface.configuration import cameras_from
from streamface.errors import OutputError, SettingsError
from streamface.web import passwords
from streamface.web.server import is_loopback, parsed
from streamface.web.serving import serving

ROOT = Path(__file__).resolve().parents[2]


def output(arguments: str):
    return cameras_from(f"-s demo --no-display {arguments}".split())[0].output


def test_pages_are_served_until_the_block_ends():
    with serving(output("--serve 0"), ["door", "yard"]) as served:
        assert served.url.startswith("http://127.0.0.1:") and list(served.views) == ["door", "yard"]
        with urllib.request.urlopen(f"{served.url}api/cameras", timeout=5) as answer:
            assert [camera["camera"] for camera in json.load(answer)] == ["door", "yard"]
    with pytest.raises(OSError):
        urllib.request.urlopen(served.url, timeout=5)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "[::]", "example.org"])
def test_nobody_else_reaches_the_pages_without_a_password(host, monkeypatch):
    monkeypatch.delenv(passwords.VARIABLE, raising=False)
    with pytest.raises(SettingsError, match="so a password is needed"), serving(output(f"--serve {host}:0"), ["door"]):
        pass


def test_with_a_password_others_may_come(monkeypatch, tmp_path):
    file = tmp_path / "hash"
    file.write_text(passwords.hashed("correct horse") + "\n")
    with serving(output(f"--serve 0.0.0.0:0 --password-file {file}"), ["door"]) as served:
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{served.url}api/cameras", timeout=5)
    file.write_text("correct horse")
    with (
        pytest.raises(SettingsError, match="does not hold a password's hash") as caught,
        serving(output(f"--serve 0 --password-file {file}"), ["door"]),
    ):
        pass
    assert "correct horse" not in str(caught.value)


def test_an_address_that_is_taken_is_one_line():
    with serving(output("--serve 0"), ["door"]) as served:
        port = served.url.rstrip("/").rpartition(":")[2]
        with pytest.raises(OutputError, match="choose another address"), serving(output(f"--serve {port}"), ["door"]):
            pass


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("127.9.9.9", True), ("0.0.0.0", False), ("::", False),
     ("192.168.1.5", False), ("localhost.example.org", False)],
)  # fmt: skip
def test_what_counts_as_this_computer_alone(host, alone):
    assert is_loopback(host) is alone


@pytest.mark.parametrize(
    ("text", "found"), [("8000", ("127.0.0.1", 8000)), ("[::1]:80", ("::1", 80)), ("a.b:1", ("a.b", 1))]
)
def test_an_address_is_a_port_or_a_host_with_one(text, found):
    assert parsed(text) == found


def test_a_password_is_hashed_by_a_command():
    command = [sys.executable, "-m", "streamface", "password"]
    done = subprocess.run(command, input="correct horse\n", capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0 and passwords.matches("correct horse", done.stdout.strip())
    short = subprocess.run(command, input="short\n", capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (
        short.returncode == 2 and "fewer than 8" in short.stderr and "short" not in short.stderr.replace("shorter", "")
    )
