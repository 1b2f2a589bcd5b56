"""The extension, installed from its zip, in Blender."""

import addon_utils
import bpy
import pytest
from bl_ext.user_default import midas_normal


@pytest.mark.parametrize("time", (1, 2))
def test_extension_stays_enabled_while_each_test_has_an_empty_file(time):
    assert addon_utils.check(midas_normal.__name__) == (True, True)
    assert midas_normal.__name__ in bpy.context.preferences.addons
    assert len(bpy.data.objects) == len(bpy.data.images) == 0
    bpy.data.images.new("left behind", 4, 4)


def test_extension_has_a_folder_for_its_files():
    assert "midas_normal" in bpy.utils.extension_path_user(midas_normal.__name__, create=True)
