"""The README's example runs as printed."""

from __future__ import annotations

import re

import bpy

from tests.conftest import ROOT


def test_the_readmes_example_runs_as_printed(capsys):
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.splitlines()[0] == "Tiles_normal (512, 512) True"
    material = bpy.context.object.active_material
    assert any(node.bl_idname == "ShaderNodeNormalMap" for node in material.node_tree.nodes)
