"""Requests that are refused before any picture is read, in one place for one picture and for many."""

from __future__ import annotations

import bpy
import pytest
from bl_ext.user_default.midas_normal.bridge.queue import build_queue
from bl_ext.user_default.midas_normal.bridge.request import GenerateRequest, prepare_request
from bl_ext.user_default.midas_normal.core.errors import MidasNormalError, SettingsError, SourceError, TargetError
from bl_ext.user_default.midas_normal.core.settings import Settings
from blender_data import add_material, feed_base_color

REFUSED = {
    "source": ({"source": "FILE"}, SourceError, "There is no source 'FILE'; it is one of ACTIVE, IMAGE, RENDER, VIEWER."),
    "target": ({"target": "ALL"}, TargetError, "There is no target 'ALL'; it is one of AUTO, ACTIVE_MATERIAL, NONE."),
    "maps": ({"maps": ()}, SettingsError, "No map is chosen; choose at least one under Maps."),
}


def prepare_many(context, request):
    return build_queue(context, "FILE", request, False, None)


@pytest.mark.parametrize(("fields", "error", "message"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("build", [prepare_request, prepare_many], ids=["one picture", "many"])
def test_a_request_with_an_unknown_value_is_refused(build, fields, error, message):
    feed_base_color(add_material(), bpy.data.images.new("brick", 4, 4))
    assert build(bpy.context, GenerateRequest(Settings(engine="LUMINANCE")))
    with pytest.raises(MidasNormalError) as refusal:
        build(bpy.context, GenerateRequest(Settings(engine="LUMINANCE"), **fields))
    assert type(refusal.value) is error and str(refusal.value) == message
