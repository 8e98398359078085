"""Where frames come from: one file a kind of source.

A backend is a module with `NAME`, `matches(source) -> bool` and `create(settings) -> Source`; `select.open_source`
asks each in turn.
"""
