"""Maps that somebody has changed: what the sliders, the brush and the buttons say of them, and leave alone."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge.generate import start_generation
from bl_ext.user_default.midas_normal.bridge.map_metadata import stored_metadata
from bl_ext.user_default.midas_normal.bridge.request import GenerateRequest
from bl_ext.user_default.midas_normal.core.errors import TargetError
from bl_ext.user_default.midas_normal.ui import generation, timer

from .scenes import BUILT_IN, Background, pumped, textured, values

pytestmark = pytest.mark.usefixtures("with_timers")

KEPT = "The map 'photo_normal' was changed after it was made and stays as it is; turn on Replace to make it again."


@pytest.fixture
def painted(settings):
    """A map that the panel shows, and on which somebody has painted."""
    textured()
    with Background():
        pass
    settings.result.pixels.foreach_set(np.full(settings.result.size[0] * settings.result.size[1] * 4, 0.25, np.float32))
    return settings.result


def is_painted(image):
    return bool((values(image) == 0.25).all())


def said():
    return isinstance(generation.last_outcome(), TargetError) and str(generation.last_outcome())


def test_a_slider_leaves_it_alone_and_says_so_until_replace_is_on(settings, painted):
    for strength in (2.0, 3.0):
        generation.show_outcome(None)
        settings.strength = strength
        pumped(lambda: timer.is_idle())
        assert said() == KEPT and is_painted(painted) and stored_metadata(painted)["settings"]["strength"] == 1.0
    settings.replace = True
    settings.strength = 4.0
    pumped(lambda: timer.is_idle())
    assert not is_painted(painted) and stored_metadata(painted)["settings"]["strength"] == 4.0 and not said()


def test_live_paint_leaves_it_alone_and_says_so_until_replace_is_on(settings, painted):
    picture = bpy.data.images["photo.png"]
    settings.live_paint = True
    pumped(lambda: timer.is_idle())
    assert not said()  # the picture is as it was
    for replace in (False, True):
        settings.replace = replace
        picture.pixels.foreach_set(values(picture).ravel() * 0.5)
        picture.update_tag()
        bpy.context.view_layer.update()
        pumped(lambda: timer.is_idle())
        assert is_painted(painted) != replace and (said() == KEPT or replace)


def test_a_button_leaves_it_alone_and_says_so_until_replace_is_on(settings, painted):
    for replace in (False, True):
        generation.start(start_generation(bpy.context, GenerateRequest(BUILT_IN, replace=replace)), bpy.context.scene)
        pumped(lambda: generation.task() is None and timer.is_idle())
        assert is_painted(painted) != replace and (said() == KEPT or replace)
    assert not said()


@pytest.mark.parametrize("name", ["generate", "generate_all", "retune"])
def test_an_operator_reports_it_and_cancels(settings, painted, name):
    fields = {} if name == "retune" else {"engine": "LUMINANCE"}
    with pytest.raises(RuntimeError, match="turn on Replace to make it again"):
        getattr(bpy.ops.midas_normal, name)(**fields)
    assert is_painted(painted)
