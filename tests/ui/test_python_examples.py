"""The examples of docs/python-api.md run as printed."""

from __future__ import annotations

import re

import bpy
import numpy as np

from tests.conftest import ROOT

EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8"), re.DOTALL)


def run(example):
    exec(compile(example, "python-api.md", "exec"), {"bpy": bpy})


def test_the_example_runs_as_printed(capsys):
    run(EXAMPLES[0])
    assert capsys.readouterr().out.splitlines()[0] == "Tiles_normal (512, 512) True"
    material = bpy.context.object.active_material
    assert any(node.bl_idname == "ShaderNodeNormalMap" for node in material.node_tree.nodes)


def test_the_last_map_is_made_again_with_the_scenes_settings_as_printed():
    run(EXAMPLES[0])
    normal = bpy.data.images["Tiles_normal"]
    before = np.array(normal.pixels)
    run(next(example for example in EXAMPLES if "retune" in example))
    assert np.abs(np.array(normal.pixels) - before).max() > 0.05
