"""The benchmark of the guide plays real enrolments."""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))

from benchmarks import guide as module  # noqa: E402
from streamface.web import guide  # noqa: E402


def test_enrolments_are_played_to_the_end_as_far_as_the_limits_let_them(data, settings, capsys, monkeypatch):
    module.main(["--no-photographs", "--trials", "1"])
    said = capsys.readouterr().out
    assert "Woman, 23 frames" in said and "Man, 56 frames" in said
    good = [int(count) for count in re.findall(r"(\d+) of \d+ frames are good views", said)]
    assert good[0] >= 12 and good[1] >= 40
    (follows,) = re.findall(r"who follows the guide \| (\d) of 1 \| ([\d.]+)", said)
    assert follows[0] == "1" and 1.5 < float(follows[1]) < module.LONGEST_S
    monkeypatch.setattr(guide, "MOST_TURN", 0.15)
    monkeypatch.setattr(module, "LONGEST_S", 5.0)
    module.main(["--no-photographs", "--trials", "1"])
    assert "who follows the guide | 0 of 1" in capsys.readouterr().out
