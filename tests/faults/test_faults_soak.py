"""Two minutes of everything at once; `python -m benchmarks.soak` is the long form, and measures."""

import numpy as np
import pytest
from fault_camera import missing

SECONDS, SETTLED_S = 120, 40
SWAY = 2
"""A file or a connection that is open just now. Between the two looks are four faults and twelve pictures: one left
open for each is more, and over the hour of the long form none is added."""


@pytest.mark.slow
def test_two_minutes_of_everything_leave_nothing_behind(tmp_path):
    if missing():
        pytest.skip(missing())
    from benchmarks import soak

    soaked = soak.run(tmp_path, SECONDS, seed=7, pictures_every_s=5.0, fault_every_s=15.0)

    then, end = (
        [holds for at, holds in soaked.samples if begin <= at < begin + 20] for begin in (SETTLED_S, SECONDS - 20)
    )
    assert soaked.faults >= 3 and soaked.changes >= 10 and soaked.frames > 100, soaked.says
    for name in ("threads", "handles", "readers"):
        before, after = (min(getattr(holds, name) for holds in some) for some in (then, end))
        assert after <= before + SWAY, f"{before} {name} became {after}"
    before, after = (np.median([holds.memory_mb for holds in some]) for some in (then, end))
    assert after - before < 12, f"{before:.0f} MB became {after:.0f}"  # a picture in four that is kept: 150 MB
    assert soaked.written > 20 and soaked.arrived + soaked.waiting == soaked.written
    assert 0 < soaked.recorded_mb < 40
    assert soaked.code == 0 and "Traceback" not in soaked.says and "fault" not in soaked.says, soaked.says
