"""Networks that several cameras share."""

import threading
import time
from collections import Counter

import pytest

from streamface.analysis_pool import AnalysisPool


class Looking:
    """An analysis that takes two milliseconds, and notes when it is used twice at once."""

    def __init__(self):
        self.busy, self.was_shared, self.closed = threading.Lock(), False, 0

    def look(self, request):
        if not self.busy.acquire(blocking=False):
            self.was_shared = True
        try:
            time.sleep(0.002)
            if request == "broken":
                raise RuntimeError("bad network")
            return request
        finally:
            self.busy.release()

    def close(self):
        self.closed += 1


@pytest.mark.parametrize("sets", [1, 2])
def test_no_camera_keeps_the_networks_from_the_others(sets):
    """Each asks again as soon as it has its answer, as cameras with many faces do."""
    counts, enough = Counter(), 400
    networks = [Looking() for _ in range(sets)]
    pool = AnalysisPool(networks)

    def watch(camera):
        while counts.total() < enough:
            assert pool.look(camera) == camera
            counts[camera] += 1

    cameras = [threading.Thread(target=watch, args=(camera,)) for camera in range(4)]
    for camera in cameras:
        camera.start()
    for camera in cameras:
        camera.join()
    assert min(counts.values()) > enough / 4 / 3 and len(counts) == 4, counts
    assert not any(made.was_shared for made in networks)


def test_all_sets_are_used_from_the_beginning():
    """The first look of a set costs memory: soon, and not on the first day on which two cameras ask at once."""
    networks = [Looking() for _ in range(2)]
    pool = AnalysisPool(networks)
    for made in networks:
        made.look = lambda request, made=made: made
    assert {pool.look("face") for _ in range(2)} == set(networks)


def test_a_look_that_fails_gives_its_networks_back_and_the_sets_are_closed_once():
    networks = [Looking()]
    with AnalysisPool(networks) as pool:
        for _ in range(3):
            with pytest.raises(RuntimeError):
                pool.look("broken")
        assert pool.look("whole") == "whole"
        pool.close()  # as each stream does that ends
        assert networks[0].closed == 0
    assert networks[0].closed == 1
