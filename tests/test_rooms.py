"""Which room may import what: ui -> bridge -> batch -> client -> core <- worker; checks -> client and worker."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "blender_midas_normal"
MAY_IMPORT = {"core": {"core"}, "client": {"client", "core"}, "worker": {"worker", "core"},
              "batch": {"batch", "client", "core"}, "bridge": {"bridge", "batch", "client", "core"},
              "ui": {"ui", "bridge", "batch", "client", "core"}, "checks": {"checks", "client", "worker", "core"}}
BLOCKED = {"core": ("bpy", "torch"), "client": ("bpy", "torch", "numpy"),
           "batch": ("bpy", "torch", "numpy", "dask", "distributed"),
           "worker": ("bpy", "torch", "OpenImageIO", "PIL", "cv2")}
"""Of the worker's, Blender's own Python has numpy alone: there it reads what Blender hands over, and no files."""
NEEDS_TORCH = {"torch_backend", "torch_inference", "model", "network", "node", "torch_network"}


def modules(room):
    return sorted((PACKAGE / room).rglob("*.py"))


@pytest.mark.parametrize("room", BLOCKED)
def test_a_room_without_blender_imports_with_bpy_blocked(room):
    names = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in modules(room)
             if path.stem not in NEEDS_TORCH]
    program = (f"import sys, importlib\nfor name in {BLOCKED[room]!r}: sys.modules[name] = None\n"
               f"for name in {names!r}: importlib.import_module(name)\nprint(len({names!r}))")
    ended = subprocess.run([sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 5


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_go_one_way(room):
    for path in modules(room):
        depth = len(path.relative_to(PACKAGE).parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                above = depth - node.level
                target = [*path.relative_to(PACKAGE).parts[:above], *filter(None, (node.module or "").split("."))]
                names = target[:1] or [alias.name for alias in node.names if alias.name != "__version__"]
                assert set(names) <= MAY_IMPORT[room], f"{path}: from {'.' * node.level}{node.module or ''} import {names}"


def test_the_package_is_never_spelled_out_inside_itself():
    for path in PACKAGE.rglob("*.py"):
        assert "bl_ext.user_default" not in path.read_text(encoding="utf-8"), path


def test_only_the_engines_that_are_of_it_import_the_nodes_library():
    """So MiDaS runs with torch alone, and nobody waits for imports that take longer than torch's."""
    importing = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else \
                [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            if {name.partition(".")[0] for name in names} & {"controlnet_aux", "timm", "torchvision"}:
                importing.add(path.relative_to(PACKAGE).as_posix())
    assert importing == {"worker/engines/midas/node.py", "worker/engines/normal_bae/network.py"}
