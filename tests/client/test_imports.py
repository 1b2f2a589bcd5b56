"""What the client's modules import: never bpy or torch, and the setup needs no numpy."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

BLOCKED = """
import importlib, pkgutil, runpy, sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Blocker())
package = runpy.run_path({loader!r})["load_package"]()
for name in {names!r} or [m.name.removeprefix(package + ".client.") for m in pkgutil.walk_packages(
        importlib.import_module(package + ".client").__path__, package + ".client.")]:
    importlib.import_module(package + ".client." + name)
    print(name)
"""
MINE = ["child_process", "computer_check", "locks", "setup", "setup.commands", "setup.environment", "setup.install",
        "setup.interpreters", "setup.main", "setup.process", "setup.weights"]


@pytest.mark.parametrize("blocked, names", [(("bpy", "torch"), []), (("bpy", "torch", "numpy"), MINE)])
def test_the_client_imports_without_bpy_and_these_rooms_without_numpy(blocked, names):
    program = BLOCKED.format(blocked=blocked, names=names, loader=str(ROOT / "blender_midas_normal" / "standalone.py"))
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(MINE) <= set(done.stdout.split())
