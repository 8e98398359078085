"""Several programs that begin one file at the same moment."""

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from streamface.sinks import _write_ahead

ROOT = Path(__file__).resolve().parents[2]
BEGIN = """
import sys
from pathlib import Path
from streamface.sinks._outbox import Outbox
from streamface.sinks.event_output import COLUMNS
from streamface.sinks.event_store import EventStore

own = {"id": sys.argv[1] * 32, "event": "lost", "time": "2026-01-01T00:00:00.000Z", "camera": "a"}
row = {**dict.fromkeys(COLUMNS), **own}
for line in sys.stdin:
    for begin, name in ((Outbox, "queue.sqlite"), (EventStore, "events.sqlite")):
        try:
            begun = begin(Path(line.strip()) / name)
            begun.add([row])
            begun.close()
        except Exception as error:
            print("fault", error, flush=True)
    print("done", flush=True)
"""


def test_programs_that_begin_a_file_at_the_same_moment_all_write_into_it(tmp_path):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    programs = [subprocess.Popen([sys.executable, "-c", BEGIN, str(number)], **pipes) for number in range(3)]
    try:
        for number in range(40):
            (tmp_path / f"{number}").mkdir()
            for program in programs:
                program.stdin.write(f"{tmp_path / str(number)}\n")
                program.stdin.flush()
            assert [program.stdout.readline() for program in programs] == ["done\n"] * 3
            for name, table in (("queue.sqlite", "waiting"), ("events.sqlite", "events")):
                with contextlib.closing(sqlite3.connect(tmp_path / str(number) / name)) as file:
                    assert file.execute(f"SELECT count(*) FROM {table}").fetchone() == (3,)
    finally:
        for program in programs:
            program.communicate(timeout=20)


def test_a_lock_that_stays_is_an_error_after_a_while(tmp_path):
    holder, late = (sqlite3.connect(tmp_path / "f.sqlite", timeout=0, isolation_level=None) for _ in range(2))
    holder.execute("CREATE TABLE t (x)")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        _write_ahead.use_write_ahead_log(late, patience_s=0.05)
    holder.execute("ROLLBACK")
    _write_ahead.use_write_ahead_log(late)
    assert late.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    holder.close()
    late.close()
