"""For programs of this package that are run as files, outside Blender: load the package under a name of its own.

Inside Blender the package has a long name that only Blender knows; a program run with `python -I file.py` has none.  Such a
file starts with `runpy.run_path(<path of this file>)["load_package"]()`, then imports from `midas_normal`.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

ALIAS = "midas_normal"


def load_package() -> str:
    """Make the folder of this file importable as the package `midas_normal`, and return that name."""
    if ALIAS not in sys.modules:
        folder = Path(__file__).resolve().parent
        spec = importlib.util.spec_from_file_location(ALIAS, folder / "__init__.py",
                                                      submodule_search_locations=[str(folder)])
        if spec is None or spec.loader is None:
            raise ImportError(f"{folder} holds no package.")
        module = importlib.util.module_from_spec(spec)
        sys.modules[ALIAS] = module
        spec.loader.exec_module(module)
    return ALIAS
