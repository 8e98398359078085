"""Memory that is free goes back to the system; and what the overlay keeps stays small however long it draws."""

import gc
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest

from streamface.runtime import heap

GLIBC = pytest.mark.skipif(heap._glibc() is None, reason="the C library here is not glibc")
FILLED = """
import threading
import numpy as np
from streamface.runtime import heap

def own_mb():
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024

def fill():  # many pieces below the size that is mapped, every other one of which is dropped
    pieces = [np.ones(90_000, np.uint8) for _ in range(600)]
    kept.append(pieces[::2])

ONE = heap.use_one_arena()
kept = []
for _ in range(8):
    thread = threading.Thread(target=fill)
    thread.start()
    thread.join()
pin = np.ones(120_000, np.uint8)  # fits in no gap: holds the end of the arena
kept.clear()
before = own_mb()
heap.trim()
print(ONE, before, own_mb())
"""


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


@GLIBC
def test_what_was_freed_is_given_back():
    done = subprocess.run([sys.executable, "-c", FILLED], capture_output=True, text=True, check=True,
                          cwd=Path(__file__).resolve().parents[2])  # fmt: skip
    one, before, after = done.stdout.split()
    assert one == "True" and float(after) < 40 < float(before)  # 216 MB were in use


@GLIBC
def test_it_is_done_again_and_again_until_the_end(monkeypatch):
    done = []
    monkeypatch.setattr(heap, "trim", lambda: done.append(threading.current_thread().name))
    with heap.tidied(0.01):
        until(lambda: len(done) >= 3)
    assert set(done) == {"streamface-heap"}


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(heap, "_glibc", lambda: None)
    assert not heap.use_one_arena() and not heap.trim()


def test_cycles_of_objects_are_collected_though_hardly_any_are_made():
    class Piece:
        pass

    with heap.tidied(0.01):
        until(gc.get_freeze_count)
        piece = Piece()
        piece.itself, gone = piece, weakref.ref(piece)
        del piece
        until(lambda: gone() is None)
        assert "streamface-heap" in [thread.name for thread in threading.enumerate()]
    assert gc.get_freeze_count() == 0, "a program that goes on afterwards is as it was"
    assert "streamface-heap" not in [thread.name for thread in threading.enumerate()]


@GLIBC
def test_a_number_of_arenas_that_was_asked_for_is_kept(monkeypatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "8")
    assert not heap.use_one_arena()
