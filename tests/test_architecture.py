"""Imports go down only, a room never imports another, and a running stream never loads TensorFlow."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "streamface"

# From the top to the bottom; a file may import from its own row (not another room) and from every row below.
ROWS = (
    ("__init__", "__main__", "cli", "api"),
    (
        "options", "configuration", "configuration_file", "keywords", "cameras", "stream", "stills", "analyzer",
        "build", "weights_command", "gallery_commands", "bench_command", "bench_peer", "web", "kiosk_parts",
    ),
    (
        "pipeline", "live_pipeline", "attention", "scheduler", "budget", "workers", "memory", "denials", "handover",
        "naming", "averages", "strangers", "analysis", "analysis_pool", "cropped", "testing", "outputs", "profiling",
        "monitoring", "privacy", "forgetting", "kiosk",
    ),
    ("capture", "detection", "tracking", "recognition", "attributes", "gallery", "overlay", "sinks"),
    ("mosaic", "networks", "geometry", "alignment", "images", "pyramid", "distances", "runtime", "plugins", "settings",
     "process_list"),
    ("types", "errors"),
)  # fmt: skip
ROOMS = set(ROWS[3])
ROW_OF = {name: row for row, names in enumerate(ROWS) for name in names}


def imports_of(file: Path) -> set[str]:
    """The first name below `streamface` of everything that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    parts = [name.split(".") for name in found]
    return {part[1] for part in parts if part[0] == "streamface" and len(part) > 1}


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_go_down_only(file):
    own = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own in ("__init__", "__main__"):
        return
    assert own in ROW_OF, f"{own} has no place in the architecture: add it to ROWS"
    for name in imports_of(file) & set(ROW_OF):
        assert ROW_OF[name] >= ROW_OF[own], f"{own} imports {name}, which lies above it"
        if own in ROOMS and name in ROOMS:
            assert own == name, f"the room {own} imports the room {name}"


def test_only_conversion_imports_tensorflow_or_keras_when_loaded():
    for file in FILES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        names = {alias.name for node in top for alias in node.names} | {getattr(node, "module", "") for node in top}
        assert not any(str(name).split(".")[0] in ("tensorflow", "keras") for name in names), file


def test_the_package_is_light_to_import():
    heavy = ("cv2", "tensorflow", "keras", "pandas", "numpy")
    code = f"import sys, streamface; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_only_the_command_line_prints():
    for file in FILES:
        calls = [n for n in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
        printing = [n.lineno for n in calls if getattr(n.func, "id", "") == "print"]
        assert not printing or file.name == "cli.py", f"{file.name} prints in line {printing}"
