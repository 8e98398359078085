"""The files in `deploy/` name options that exist, and systemd understands the unit."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from streamface.options import parser

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"


def test_the_unit_starts_with_options_that_exist():
    command = re.search(r"^ExecStart=(.*)$", (DEPLOY / "streamface.service").read_text(), re.M).group(1)
    program, *arguments = shlex.split(command)
    assert program.endswith("/bin/streamface")
    given = vars(parser().parse_args(arguments))
    assert given["output.display"] is False and given["config"].name == "cameras.yaml"


def test_the_image_starts_with_options_that_exist_and_probes_the_port_that_it_opens():
    text = (DEPLOY / "Dockerfile").read_text()
    entry, command = (
        json.loads(re.search(rf"^{word} (\[.*\])$", text, re.M).group(1)) for word in ("ENTRYPOINT", "CMD")
    )
    given = vars(parser().parse_args(entry[1:] + command))
    port = given["output.metrics"].rpartition(":")[2]
    assert re.search(rf"^EXPOSE {port}$", text, re.M) and f"127.0.0.1:{port}/healthz" in text


def test_the_image_has_what_the_manual_installs_for_the_unit():
    manual = (DEPLOY.parent / "docs" / "cameras.md").read_text(encoding="utf-8")
    unit = re.search(r"pip install '\.\[([\w,]+)\]'", manual).group(1)
    image = re.search(r"'/src\[([\w,]+)\]'", (DEPLOY / "Dockerfile").read_text()).group(1)
    assert set(unit.split(",")) == set(image.split(",")) == {"monitoring", "mqtt"}


def test_systemd_understands_the_unit(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    unit = tmp_path / "streamface.service"
    text = (DEPLOY / "streamface.service").read_text()
    unit.write_text(text.replace("/opt/streamface/bin/streamface", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and str(unit.name) not in done.stderr, done.stderr
