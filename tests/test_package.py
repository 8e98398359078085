"""The package itself: its public names, its price, and the lines of its docstring."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import cv2
import numpy as np
import pytest

import streamface
from streamface import build
from streamface.settings import Settings

ROOT = Path(streamface.__file__).resolve().parents[1]


def run(code: str) -> str:
    """What a fresh Python prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert not done.returncode, done.stderr
    return done.stdout.strip()


def test_every_public_name_is_there():
    for name in streamface.__all__:
        value = getattr(streamface, name)
        assert value is not None and (name == "__version__" or value.__doc__), name
    assert dir(streamface) == sorted(streamface.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nobody'"):
        _ = streamface.nobody


@pytest.mark.parametrize(
    "first",
    ["", "import streamface.stream", "from streamface.stream import Stream", "from streamface import cli, Stream"],
)
def test_stream_is_the_function_whatever_was_imported_before(first):
    code = f"""
{first}
import streamface
from streamface import stream
from streamface.stream import Stream
print(stream is streamface.stream, type(stream).__name__, Stream is streamface.Stream)
"""
    assert run(code) == "True function True"


def test_errors_can_be_caught_without_loading_anything():
    assert run("import streamface, sys; streamface.NoFaceError; print('numpy' in sys.modules)") == "False"


def test_pictures_are_answered_without_tensorflow(settings, portrait_file):
    code = f"""
import sys, streamface
streamface.verify({str(portrait_file)!r}, {str(portrait_file)!r})
print([name for name in ("tensorflow", "keras", "dlib", "mtcnn", "pandas", "matplotlib") if name in sys.modules])
"""
    assert run(code) == "[]"


def test_the_version_is_where_setup_reads_it():
    lines = (ROOT / "streamface" / "__init__.py").read_text(encoding="utf-8").splitlines()
    assert f'__version__ = "{streamface.__version__}"' in lines


def test_the_lines_of_the_docstring_run(settings, portrait_file, tmp_path, monkeypatch):
    answered = {action for predictor in build.predictors(Settings()) for action in predictor.provides}
    if not {"age", "gender", "race"} <= answered:
        pytest.skip("the networks of age, gender and race are not installed")
    block = streamface.__doc__.split("\n\n")[2]
    lines = textwrap.dedent(block)
    assert len(lines.splitlines()) == 8 and lines.startswith("import")
    shutil.copytree(portrait_file.parents[1], tmp_path / "database")
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(lines, "docstring", "exec"), names)
    assert names["same"] is True
    assert names["about"]["gender"] == "Woman" and 25 < names["about"]["age"] < 60
    assert list(names["found"].identity) == ["Eileen Collins"]
    assert names["summary"].frames == 50
    assert (tmp_path / "demo.mp4").stat().st_size > 10_000
    drawn = cv2.imread(str(tmp_path / "named.jpg"))
    assert np.abs(drawn.astype(int) - cv2.imread(str(portrait_file))).mean() > 1
