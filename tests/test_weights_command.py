import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import weight_files

from streamface import cli, weights_command
from streamface.errors import UnknownNameError, WeightsError
from streamface.runtime import download, weights

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STREAMFACE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DEEPFACE_HOME", str(tmp_path / "none"))


def run(*argv: str) -> list[str]:
    lines: list[str] = []
    assert weights_command.main(argv, lines.append) == 0
    return lines


def test_every_published_network_is_listed_with_licence_and_address():
    text = "\n".join(run("list"))
    for name in (
        "openface",
        "facenet",
        "facenet512",
        "arcface",
        "vgg_face",
        "age_model",
        "gender_model",
        "facial_expression_model",
    ):
        assert f"{name}_weights.h5" in text
    assert "race_model_single_batch.h5" in text and "VGGFace2_DeepFace_weights_val-0.9034.h5" in text
    assert text.count("not here") == text.count("https://") == len(weights_command.catalogue()) == 10
    assert "CC BY-NC" in text and "Apache 2.0" in text
    assert "about 15 MB to fetch" in text and "about 580 MB to fetch" in text


def test_no_two_networks_have_files_of_as_many_numbers():
    counts = [file.parameters for file in weights_command.catalogue()]
    assert len(set(counts)) == len(counts)


def test_the_folder_is_said_and_can_be_chosen(tmp_path):
    assert run("path") == [str(weights.folder())]
    assert run("--home", str(tmp_path / "else"), "path") == [str(tmp_path / "else" / "weights")]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WeightsError, match="cannot make the folder .*file/weights: .*: set STREAMFACE_HOME to another"):
        run("--home", str(tmp_path / "file"), "path")


def test_an_import_is_checked_placed_and_listed(tmp_path):
    layers = {"dense": {"kernel": np.zeros((1485830, 1), "f4"), "bias": np.zeros(1, "f4")}}
    path = weight_files.write(tmp_path / "mine.h5", layers)
    (line,) = run("import", str(path))
    assert line == str(weights.folder() / "facial_expression_model_weights.h5")
    assert f"6.0 MB in {weights.folder()}" in "\n".join(run("list"))
    with pytest.raises(WeightsError, match="none of the known networks"):
        run("import", str(weight_files.write(tmp_path / "strange.h5", weight_files.dense())))


def test_a_damaged_file_is_told_in_the_list():
    (weights.folder() / "openface_weights.h5").write_bytes(b"half")
    text = "\n".join(run("list"))
    assert "openface_weights.h5 is truncated" in text and text.count("not here") == 9


# What is asked for, and how many files that is.
@pytest.mark.parametrize(
    "name, count",
    [("OpenFace", 1), ("vgg-face", 1), ("openface_weights.h5", 1), ("VGG-Face-attributes", 3), ("all", 10)],
)
def test_names_of_networks_and_of_files_are_understood(name, count):
    assert len(weights_command.named(name)) == count


@pytest.mark.parametrize("words", [[], ["frob"], ["get"], ["import"], ["list", "--x"], ["--home"]])
def test_a_mistake_is_one_line_and_exit_code_2(words, capsys):
    assert cli.main(["weights", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("streamface: ") and line.endswith("(see --help)")


def test_a_reader_that_leaves_early_is_no_fault():
    command = [sys.executable, "-u", "-m", "streamface", "weights", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as running:
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b"" and running.wait() == 0


def test_unknown_names_list_the_known_ones():
    with pytest.raises(UnknownNameError, match="unknown weights 'nothing'.*OpenFace.*openface_weights.h5"):
        weights_command.named("nothing")


def test_get_downloads(monkeypatch):
    asked = []

    def fetch(url, part, size=None):
        asked.append(url)
        raise WeightsError("nowhere: no answer in 3 s")

    monkeypatch.setattr(download, "fetch", fetch)
    with pytest.raises(WeightsError, match="openface_weights.h5 is not here"):
        run("get", "OpenFace")
    assert [url.split("/")[2] for url in asked] == ["github.com", "huggingface.co"]
