"""The people that are known: scanned from a folder, kept in SQLite, matched by one matrix product."""
