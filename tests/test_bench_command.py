import json
import sys

import pytest

from streamface import bench_command
from streamface.cli import main
from streamface.errors import SettingsError

FIGURES = {"frames", "faces_per_frame", "fps", "latency_p50_ms", "latency_p95_ms", "processor_ms_per_frame",
           "cpu_share", "peak_mb", "first_frame_s", "runs", "stages"}  # fmt: skip


def test_a_clip_is_measured_in_processes_of_their_own(tmp_path, capsys, settings):
    options = ["--max-frames", "8", "--actions", "none", "--no-peer", "--runs", "1", "--json", str(tmp_path / "b.json")]
    assert main(["bench", "demo", *options]) == 0
    found = json.loads((tmp_path / "b.json").read_text())
    assert set(found) == FIGURES and found["frames"] == 8 and found["faces_per_frame"] >= 1
    assert found["fps"] > 0 and 0 < found["cpu_share"] <= 1.5 and found["peak_mb"] > 50
    assert {"decode", "detect", "refine", "draw", "write"} <= set(found["stages"])
    said = capsys.readouterr().out
    assert said.startswith("8 frames with ") and "frames/s" in said and "\ndetect " in said


def test_the_figures_are_medians_and_the_first_run_does_not_count(monkeypatch):
    rates = iter([1.0, 50.0, 20.0, 40.0])

    def run(arguments, draws):
        rate = next(rates)
        return {"fps": rate, "frames": 10, "stages": {"detect": [rate, rate, rate]}}

    monkeypatch.setattr(bench_command, "_in_a_process", run)
    found = bench_command.measured([], runs=3)
    assert found["fps"] == 40.0 and found["stages"] == {"detect": [40.0, 40.0, 40.0]} and found["runs"] == 3


def test_a_mistake_is_one_line_and_nothing_runs(capsys, monkeypatch):
    monkeypatch.setattr(bench_command, "_in_a_process", lambda *_: pytest.fail("a run was started"))
    assert main(["bench", "demo", "--nonsense"]) == 2
    assert "--nonsense" in capsys.readouterr().err


def test_what_goes_wrong_in_a_run_is_said():
    with pytest.raises(SettingsError, match="nowhere.mp4"):
        bench_command.measured(["--source", "nowhere.mp4"], runs=1)


def test_deepface_is_given_frames_from_all_over_the_clip_and_its_answer_is_extrapolated(tmp_path, monkeypatch):
    """An interpreter that stands for one with deepface: it says how many frames came, and what for."""
    fake = tmp_path / "python"
    fake.write_text(
        f"#!{sys.executable}\n"
        "import json, sys, numpy as np\n"
        "assert sys.argv[1] == '-c' and 'DeepFace' in sys.argv[2]\n"
        "frames = np.load(sys.argv[3])\n"
        "told = {'seconds_per_frame': 2.0, 'faces_per_frame': len(frames), 'shape': frames.shape, 'for': sys.argv[5]}\n"
        "json.dump({'MTCNN': told}, open(sys.argv[4], 'w'))\n"
    )
    fake.chmod(0o755)
    found = bench_command.peer(["--source", "demo", "--actions", "age,race"], str(fake))
    assert found["MTCNN"]["shape"] == [3, 720, 1280, 3] and found["MTCNN"]["for"] == "age,race"
    found["Haar"] = {"error": "no such package"}
    said = bench_command._compared({"fps": 40.0, "deepface": found})
    assert "80 times as fast" in said and "Haar: does not run (no such package)" in said


def test_an_interpreter_without_deepface_is_said():
    with pytest.raises(SettingsError, match="deepface does not run .*--no-peer"):
        bench_command.peer(["--source", "demo"], sys.executable)
