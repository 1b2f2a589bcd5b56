"""These tests run in Blender, as those of the bridge do."""

from tests.bridge.conftest import empty_file, extension, pytest_pycollect_makemodule  # noqa: F401
