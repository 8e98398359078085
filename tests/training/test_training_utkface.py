"""UTKFace: its labels and its parts."""

import numpy as np

from training import utkface


def test_labels_of_a_name():
    assert utkface.labels_of("folder/00012_26_1_3.webp") == (26, 1, 3)


def test_parts_are_disjoint_complete_and_always_the_same():
    first, again = utkface.parts(21392), utkface.parts(21392)
    each = [first.training, first.calibration, first.validation]
    assert [len(part) for part in each] == [18453, 800, 2139]
    assert np.array_equal(np.sort(np.concatenate(each)), np.arange(21392))
    assert all(np.array_equal(getattr(first, name), getattr(again, name)) for name in ("training", "validation"))
    assert len(utkface.parts(10).training) == 7
