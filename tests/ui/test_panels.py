"""What the panel says before a map is made, and what it offers where the engine asked for cannot run."""

from __future__ import annotations

import dataclasses

import bpy
from bl_ext.user_default.midas_normal.bridge import addon
from bl_ext.user_default.midas_normal.bridge.addon import engine_unavailable_reason
from bl_ext.user_default.midas_normal.core.errors import Message
from bl_ext.user_default.midas_normal.core.settings import Settings
from bl_ext.user_default.midas_normal.ui.generation import describe_worker

from .scenes import textured


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
