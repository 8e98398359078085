"""SQLite's write-ahead log, where several processes may begin a file at the same moment."""

from __future__ import annotations

import sqlite3
import time

PAUSE_S = 0.01


def use_write_ahead_log(db: sqlite3.Connection, patience_s: float = 10.0) -> None:
    """Let a file have a write-ahead log; raises `sqlite3.Error`.

    Where another process does the same at this moment SQLite says "locked" at once, instead of waiting as for other
    locks: then it is tried again.
    """
    end = time.monotonic() + patience_s
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(PAUSE_S)
