"""Where results go: one file an output."""
