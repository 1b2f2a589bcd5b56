"""What the panel says before a map is made, and what it offers where the engine asked for cannot run."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal import generate
from bl_ext.user_default.midas_normal.bridge import addon
from bl_ext.user_default.midas_normal.bridge.addon import engine_unavailable_reason
from bl_ext.user_default.midas_normal.core.errors import Message
from bl_ext.user_default.midas_normal.core.settings import ENGINE, Settings, setting_domains
from bl_ext.user_default.midas_normal.ui import drawing, panels, thumbnail, timer
from bl_ext.user_default.midas_normal.ui.generation import describe_worker

from .scenes import pumped, textured, values


def test_the_state_of_the_worker_can_be_read():
    addon.client.close()
    assert describe_worker(addon.client) == "The worker starts with the first map"
    textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    assert addon.client.ready is not None and addon.client.ready.free_memory > 1e6
    assert describe_worker(addon.client).startswith("Ready on cpu, ")
    problem = Message("The device {device} cannot be used ({problem}).", device="cuda", problem="CUDA error: unknown error")
    addon.client.ready = dataclasses.replace(addon.client.ready, problem=problem)
    assert describe_worker(addon.client).endswith(f" GB of memory free. {problem}")
    addon.client.close()


def test_an_engine_that_cannot_run_has_a_reason_and_the_others_have_none():
    assert "MiDaS" in engine_unavailable_reason(Settings(engine="MIDAS"))
    assert [engine_unavailable_reason(Settings(engine=engine)) for engine in ("AUTO", "RELIEF", "LUMINANCE")] == ["", "", ""]


class Layout:
    """A FAKE layout that notes which widgets are drawn, and leaves sub-panels closed unless they are asked for."""

    def __init__(self, drawn, opened=()):
        self.__dict__.update(drawn=drawn, opened=opened)

    def __getattr__(self, name):
        def draw(*args, **kwargs):
            if name == "label":
                self.drawn.append((name, kwargs["text"]))
            if name == "panel":
                self.drawn.append(("panel", args[0]))
                body = Layout(self.drawn, self.opened) if args[0] in self.opened else None
                return Layout([]), body
            if name in ("prop", "prop_enum", "operator", "menu"):
                widget = (name, args[1] if name.startswith("prop") else args[0])
                if widget != (self.drawn or [None])[-1]:  # a row of buttons is one widget
                    self.drawn.append(widget)
            return Layout(self.drawn, self.opened)
        return draw

    def __setattr__(self, name, value):
        """Take what a layout can be told: how it looks."""


@pytest.fixture
def drawn(monkeypatch):
    """Draws the panel; returns the names of the widgets, and those of the sub-panels."""
    monkeypatch.setattr(drawing, "fits", lambda line: True)

    def draw(*opened):
        layout = Layout([], opened)
        panels.MidasNormalPanel.draw(SimpleNamespace(layout=layout), bpy.context)
        return ([name for kind, name in layout.drawn if kind not in ("panel", "label")],
                [name.removeprefix("midas_normal_") for kind, name in layout.drawn if kind == "panel"])
    return draw


def test_a_newcomer_sees_few_widgets(drawn):
    """Those that a first map needs, in the order in which one needs them; everything else is in closed parts."""
    widgets, parts = drawn()
    assert widgets == ["source", "MIDAS_NORMAL_MT_rectify", "engine", "quality", "maps", "midas_normal.generate",
                       "MIDAS_NORMAL_MT_generate_all", "midas_normal.show_preferences", "strength", "detail", "invert",
                       "live_paint"]
    assert len(widgets) <= 12
    assert parts == ["output", "shape", "mask", "network"]


FIRST_RUN = "MiDaS is not set up, so the map is made by Relief"


def draw_labels():
    layout = Layout([])
    panels.MidasNormalPanel.draw(SimpleNamespace(layout=layout), bpy.context)
    return [name for kind, name in layout.drawn if kind in ("label", "operator")]


def test_the_panel_says_which_engine_stands_in_for_midas_until_that_is_set_up(monkeypatch, drawn):
    settings = bpy.context.scene.midas_normal
    assert {FIRST_RUN, "midas_normal.show_preferences"} <= set(draw_labels())
    settings.engine = "LUMINANCE"  # it does not need MiDaS
    assert not {FIRST_RUN, "midas_normal.show_preferences"} & set(draw_labels())
    settings.engine = "AUTO"
    monkeypatch.setattr(addon, "engine_problem", lambda settings, paths: "")
    assert not {FIRST_RUN, "midas_normal.show_preferences"} & set(draw_labels())


def test_the_result_has_a_thumbnail_that_is_made_anew_for_each_map(with_timers, drawn):
    image, _ = textured()
    settings = bpy.context.scene.midas_normal
    pictures = []
    for strength in (1, 5):
        settings.result = generate(image, engine="LUMINANCE", strength=strength)
        drawn()
        pumped(timer.is_idle)
        preview = thumbnail.shown()
        assert tuple(preview.image_size) == (128, 96)
        pictures.append(np.array(preview.image_pixels_float).reshape(96, 128, 4))
        expected = values(settings.result).repeat(4, axis=0).repeat(4, axis=1)
        assert np.allclose(pictures[-1], expected, atol=1 / 255)
    assert not np.allclose(*pictures, atol=1 / 255)


def test_parts_are_there_where_they_can_matter(drawn):
    settings = bpy.context.scene.midas_normal
    settings.engine = "LUMINANCE"
    assert "quality" not in drawn()[0] and "network" not in drawn()[1]
    settings.engine = "HEIGHT"
    assert "source" in drawn()[1] and drawn("midas_normal_source")[0].count("height_scale") == 1
    image = bpy.data.images.new("wall", 8, 8, tiled=True)
    settings.source, settings.image = "IMAGE", image
    assert "several" in drawn()[1]
    settings.source = "ACTIVE"
    textured()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    settings.result = bpy.data.images["photo_normal"]
    widgets, parts = drawn("midas_normal_report")
    assert "several" not in parts and {"result", "midas_normal.compare", "midas_normal.copy_report"} <= set(widgets)


def test_every_setting_is_in_the_panel(drawn):
    settings = bpy.context.scene.midas_normal
    settings.mask, settings.model, settings.mix = "IMAGE", "FOLDER", "LUMINANCE"
    shown = set()
    for engine in (name for name, _, _ in ENGINE.items):
        settings.engine = engine
        shown |= set(drawn(*(part.idname for part in panels.SUB_PANELS))[0])
    assert set(setting_domains()) <= shown
