"""What others can read of a command line, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CODE = """
import json, sys
sys.path.insert(0, {root!r})
from streamface import process_list
from streamface.capture._address import without_credentials
process_list.hide(without_credentials)
print(json.dumps([open('/proc/self/cmdline').read().split(chr(0))[3:-1], sys.argv[1:]]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says where the command line lies")
def test_passwords_are_wiped_from_the_command_line_and_the_program_still_has_them():
    given = [
        "--source",
        "rtsp://bob:geheim@cam/live",
        "--source=http://bob:geheim@cam/a?token=geheim",
        "-srtsp://bob:geheim@cam/1",
        "--database",
        "bilder/Jürgen",
        "rtsp://cam/live",
    ]
    command = [sys.executable, "-c", CODE.format(root=str(ROOT)), *given]
    shown, kept = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert kept == given
    assert [argument.rstrip() for argument in shown] == [
        "--source",
        "rtsp://cam/live",
        "--source=http://cam/a?token=***",
        "-srtsp://cam/1",
        "--database",
        "bilder/Jürgen",
        "rtsp://cam/live",
    ]
