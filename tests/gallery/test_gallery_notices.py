"""Being told of changes in a folder, however quickly folders are made in it."""

import random
import threading
import time

from streamface.gallery._notices import Notices


def test_folders_made_one_in_another_end_no_watch(tmp_path):
    """watchdog warns where it meets one twice; with warnings as errors, as here, it would be the end of its thread."""
    chance, told = random.Random(5), threading.Event()
    with Notices(tmp_path, told.set) as notices:
        assert notices.works
        for number in range(800):
            person = tmp_path / f"{number}"
            person.mkdir()
            end = time.perf_counter() + chance.uniform(0, 0.002)  # in which the thread comes to watch `person`, or not
            while time.perf_counter() < end:
                pass
            (person / "pictures").mkdir()
        for late in (tmp_path / "0", tmp_path / "799" / "pictures"):
            time.sleep(0.3)
            told.clear()
            (late / "picture.jpg").write_bytes(b"")
            assert told.wait(10), f"nothing was told of {late}"
