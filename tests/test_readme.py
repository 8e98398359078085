"""The README as a user reads it: every code block runs, or is parsed where it needs a camera or the internet."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from streamface import build, configuration, options, weights_command
from streamface.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = [(language, body.strip()) for language, body in re.findall(r"```(\w*)\n(.*?)```", TEXT, re.S)]

# What of a python block cannot be had offline, and what stands in for it.
STAND_INS = {
    "source=0": 'source="demo", max_frames=40',  # a camera
}
# Beginning of a shell command -> how it is checked.
COMMANDS = {
    "python3 -m venv": "elsewhere",  # .ci/run makes an environment of its own
    ". ": "elsewhere",
    "pip install": "installed",
    "python -m pytest": "elsewhere",  # this very run
    "python run_stream.py": "started",  # with a source that is here; others are parsed: a camera, an address
    "streamface weights": "weights",  # the internet
    "streamface": "parsed",
    "python -m streamface": "parsed",
}


def shell_commands() -> list[str]:
    """Every command of the shell blocks; lines joined by a backslash are one."""
    found = []
    for language, body in BLOCKS:
        if language in ("sh", "bash", "console"):
            lines = [line.partition(" # ")[0].strip() for line in body.replace("\\\n", " ").splitlines()]
            found += [command.strip() for line in lines for command in line.split("&&") if command.strip()]
    return found


def check_of(command: str) -> str:
    return next((how for begin, how in COMMANDS.items() if command.startswith(begin)), "unknown")


@pytest.fixture
def place(tmp_path, portrait, portrait_file, monkeypatch):
    """A folder as a reader's clone: the sample people and two pictures of one."""
    shutil.copytree(portrait_file.parents[1], tmp_path / "database")
    cv2.imwrite(str(tmp_path / "a.jpg"), portrait)
    cv2.imwrite(str(tmp_path / "b.jpg"), portrait[:, ::-1])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_blocks_of_known_kinds_only():
    assert {"sh", "python"} <= {language for language, _ in BLOCKS} <= {"sh", "python", "yaml"}
    assert [command for command in shell_commands() if check_of(command) == "unknown"] == []


@pytest.mark.parametrize("command", dict.fromkeys(shell_commands()))
def test_shell_commands(command, place, settings):
    words, how = shlex.split(command), check_of(command)
    if how == "installed":
        text = (ROOT / "setup.py").read_text(encoding="utf-8")
        extras = re.findall(r"\[(\w+)\]", words[-1])
        assert words[-1].startswith(".") and all(f'"{extra}": [' in text for extra in extras)
    elif how == "weights":
        weights_command.parser().parse_args(words[2:])
    elif how in ("started", "parsed"):
        (asked,) = configuration.cameras_from(words[2 if words[0] == "python" else 1 :])
        if asked.capture.source == "demo" and how == "started":
            run_as_written(words, place, asked)


def run_as_written(words: list[str], place: Path, asked: Settings) -> None:
    """Start the program in the reader's folder, and look at what it leaves."""
    script = str(ROOT / words[1])
    done = subprocess.run([sys.executable, script, *words[2:]], cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Eileen Collins" in done.stdout and "unknown" in done.stdout
    assert asked.output.video is None or (place / asked.output.video).stat().st_size > 10_000


@pytest.mark.parametrize("body", [body for language, body in BLOCKS if language == "python"])
def test_python_blocks_run(body, place, portrait, settings):
    answered = {action for predictor in build.predictors(Settings()) for action in predictor.provides}
    if not {"age", "gender", "race"} <= answered:
        pytest.skip("the networks of age, gender and race are not installed")
    for text, stand_in in STAND_INS.items():
        body = body.replace(text, stand_in)
    names: dict = {"frame": portrait}
    exec(compile(body, "README.md", "exec"), names)
    assert len(names["result"].faces) == 1
    assert (place / "clip.mp4").stat().st_size > 10_000


@pytest.mark.parametrize("body", [body for language, body in BLOCKS if language == "yaml"] or [None])
def test_configuration_blocks_are_understood(body, tmp_path):
    if body is None:
        pytest.skip("the README shows no configuration file")
    (tmp_path / "shown.yaml").write_text(body)
    assert configuration.cameras_from(["--config", str(tmp_path / "shown.yaml")])


def test_every_option_that_is_named_exists():
    known = {text for action in options.parser()._actions for text in action.option_strings}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", "".join(re.split(r"```.*?```", TEXT, flags=re.S))))
    assert named and named <= known


def test_every_file_that_is_linked_is_there():
    links = [link for link in re.findall(r"\]\(([^)#]+)", TEXT) if "://" not in link]
    assert links and [link for link in links if not (ROOT / link).exists()] == []


def test_the_weights_command_that_is_named_is_understood():
    for words in re.findall(r"`streamface weights ([^`]+)`", TEXT):
        weights_command.parser().parse_args(words.split())
