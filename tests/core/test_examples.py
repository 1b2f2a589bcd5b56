"""The examples in core's docstrings, run."""

import doctest
import importlib
import pkgutil

import pytest

from blender_midas_normal import core
from blender_midas_normal.core.picture import Wrap

MODULES = [info.name for info in pkgutil.iter_modules(core.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    module = importlib.import_module(f"{core.__name__}.{name}")
    assert doctest.testmod(module, extraglobs={"Wrap": Wrap}).failed == 0
