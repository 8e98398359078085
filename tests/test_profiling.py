import builtins

import numpy as np
import pytest

from streamface.errors import MissingPackageError, OutputError
from streamface.profiling import Profile, check_plot


def filled(kept: int = 100) -> Profile:
    profile = Profile(kept)
    for index in range(10):
        profile.add(index, {"decode": 4.0, "refine": 2.0})
        if index % 5 == 0:
            profile.add(index, {"detect": 20.0})
        profile.add(index, {"age+gender": 1.0, "write": 3.0, "wait": 50.0})
    return profile


def test_each_stage_over_all_frames_and_over_those_on_which_it_ran():
    detect = next(stage for stage in filled().stages() if stage.name == "detect")
    assert (detect.mean_ms, detect.p50_ms, detect.p95_ms) == (4.0, 20.0, 20.0)
    assert detect.share == pytest.approx(40 / (40 + 20 + 40 + 10 + 30))


def test_the_stages_stand_in_the_order_of_a_frames_way_and_waiting_is_no_work():
    stages = filled().stages()
    assert [stage.name for stage in stages] == ["decode", "detect", "refine", "age+gender", "write", "wait"]
    assert stages[-1].share == 0 and sum(stage.share for stage in stages) == pytest.approx(1)


def test_times_of_one_stage_and_frame_add_up():
    profile = Profile(10)
    profile.add(3, {"embed": 5.0})
    profile.add(3, {"embed": 7.0})
    profile.add(4, {"embed": 2.0})
    assert profile.stages()[0].p50_ms == 7.0 and profile.totals["embed"] == 14.0


def test_only_the_latest_frames_are_kept_and_none_unless_asked():
    profile = filled(kept=4)
    assert profile.totals["decode"] == 40.0
    assert profile.stages()[1].mean_ms == 0.0  # frames 6 to 9 had no detection
    assert filled(kept=0).stages()[0].mean_ms == 0.0 and filled(kept=0).totals["decode"] == 40.0


def test_the_table_has_a_line_a_stage():
    lines = filled().text().splitlines()
    assert len(lines) == 7 and lines[0].split()[:5] == ["stage", "mean", "p50", "p95", "share"]
    assert lines[1].split() == ["decode", "4.00", "4.00", "4.00", "28.6%"]


def test_the_plot_is_a_picture_with_colours(tmp_path):
    cv2 = pytest.importorskip("cv2")
    pytest.importorskip("matplotlib")
    filled().plot(tmp_path / "p.png")
    image = cv2.imread(str(tmp_path / "p.png"))
    assert image.shape[1] > 1000 and len(np.unique(image.reshape(-1, 3), axis=0)) > 20


def test_a_plot_that_cannot_be_is_said_before_the_run(monkeypatch, tmp_path):
    with pytest.raises(OutputError, match="plot is written to .png"):
        check_plot(tmp_path / "p.doc")
    load = builtins.__import__

    def missing(name, *rest):
        if name == "matplotlib":
            raise ImportError(name)
        return load(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingPackageError, match="pip install matplotlib"):
        check_plot(tmp_path / "p.png")
