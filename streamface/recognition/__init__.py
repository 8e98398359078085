"""Faces as vectors: one file a network."""
