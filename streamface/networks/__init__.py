"""Keras graphs of the networks: tables of layers, no weights, no files."""
