"""The operators of the panel and of scripts: generate, re-tune, cancel, compare, choose a preset, report a problem.

The docstring of an operator is its tooltip.
"""

from __future__ import annotations

import dataclasses

import bpy
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty

from ..bridge import addon
from ..bridge.addon import bug_report, log_file
from ..bridge.from_bump import BumpRequest, start_from_bump
from ..bridge.generate import start_generation
from ..bridge.image_source import active_material, active_node, active_object
from ..bridge.map_metadata import source_of
from ..bridge.queue import Queue
from ..bridge.regenerate import get_map, start_retune
from ..bridge.tasks import Report, Task
from ..core.errors import MidasNormalError, join_messages
from ..core.settings import PRESETS
from . import comparison, generation, timer
from .operator_checks import MainThreadOperator, running_operator
from .properties import (
    PRESET_ITEMS,
    SKIP_SAVE,
    QueueProperties,
    SettingProperties,
    SourceProperties,
    apply_settings,
    has_own_settings,
    output_properties,
    queue_for,
    request_of,
    scene_settings,
)
from .translations import translate_message


def can_start(cls: type) -> bool:
    """Whether a new task can start; else the button's tooltip says why not."""
    if generation.task() is not None:
        cls.poll_message_set(rpt_("A map is being made, wait for it or cancel it"))
        return False
    return True


def report_outcome(operator: bpy.types.Operator, outcome: Report | MidasNormalError) -> set[str]:
    """Show an outcome in the panel and as Blender's report; returns what `execute` has to return."""
    generation.show_outcome(outcome)
    if isinstance(outcome, MidasNormalError):
        operator.report({"ERROR"}, translate_message(outcome.message, rpt_))
        return {"CANCELLED"}
    operator.report({"INFO"}, translate_message(join_messages(outcome.messages), rpt_))
    return {"FINISHED"}


def run_blocking(operator: bpy.types.Operator, task: Task, queue: Queue | None = None) -> set[str]:
    """Run a task to its end and report its outcome; returns what `execute` has to return.

    All that it made is one undo step, or a part of the step of a running operator, which may have called this one.

    Args:
        queue: the queue whose task it is, if any.
    """
    generation.show_queue(queue)
    outcome: Report | MidasNormalError
    try:
        outcome = task.wait()
    except MidasNormalError as error:
        outcome = error
    if generation.has_made_maps(outcome) and running_operator() is None and bpy.ops.ed.undo_push.poll():
        bpy.ops.ed.undo_push(message="Normal Map")
    return report_outcome(operator, outcome)


class GenerateOperatorMixin(MainThreadOperator):
    """Mixin of operators that make maps: called from a script they wait for the maps, from a button they return at once."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return super().poll(context) and can_start(cls)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            task, queue = self.start_task(context)
        except MidasNormalError as error:
            return report_outcome(self, error)
        return run_blocking(self, task, queue)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not timer.is_available():
            return self.execute(context)
        try:
            task, queue = self.start_task(context)
        except MidasNormalError as error:
            return report_outcome(self, error)
        generation.start(task, context.scene if self.uses_scene_settings() else None, queue)
        return {"FINISHED"}

    def uses_scene_settings(self) -> bool:
        """Whether the map is made with the scene's settings, so that it follows them afterwards."""
        return not has_own_settings(self)

    def start_task(self, context: bpy.types.Context) -> tuple[Task, Queue | None]:
        """Return the task that makes the maps, and the queue whose task it is, if any.

        Raises:
            MidasNormalError: for a request that cannot be met.
        """
        raise NotImplementedError


class MIDAS_NORMAL_OT_generate(GenerateOperatorMixin, SettingProperties, SourceProperties, bpy.types.Operator):
    """Make maps from the image and wire them into its materials"""

    bl_idname = "midas_normal.generate"
    bl_label = "Generate Normal Map"
    bl_options = {"REGISTER"}

    def start_task(self, context: bpy.types.Context) -> tuple[Task, Queue | None]:
        return start_generation(context, request_of(self, context)), None


class MIDAS_NORMAL_OT_generate_all(GenerateOperatorMixin, SettingProperties, QueueProperties, bpy.types.Operator):
    """Make maps of many images one after the other and wire each into the materials that use its image"""

    bl_idname = "midas_normal.generate_all"
    bl_label = "Generate Many Normal Maps"
    bl_options = {"REGISTER"}

    def start_task(self, context: bpy.types.Context) -> tuple[Task, Queue | None]:
        queue = queue_for(self, context)
        return queue.task(), queue


class MIDAS_NORMAL_OT_generate_from_bump(GenerateOperatorMixin, bpy.types.Operator):
    """Make the normal map that shades like a Bump or Displacement node of the active material"""

    bl_idname = "midas_normal.generate_from_bump"
    bl_label = "Normal Map from Bump"
    bl_options = {"REGISTER"}
    __annotations__ = {
        "node": StringProperty(name="Node", options=SKIP_SAVE, description="Name of a Bump or Displacement node of the "
                               "active material. Empty for the active node, or the only one of these"),
        "wire": BoolProperty(name="Replace Node", options=SKIP_SAVE, default=False,
                             description="Wire the map in place of the node, which stays in the material, unlinked"),
        **{name: value for name, value in output_properties(SKIP_SAVE).items() if name in ("replace", "save")},
    }

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        if properties.wire:
            return rpt_("Make the normal map that shades like the node and wire it in the node's place. The node stays in "
                        "the material, unlinked")
        return rpt_("Make the normal map that shades like a Bump or Displacement node of the active material")

    def uses_scene_settings(self) -> bool:
        return False

    def start_task(self, context: bpy.types.Context) -> tuple[Task, Queue | None]:
        scene, is_set = scene_settings(context.scene), self.properties.is_property_set
        replace, save = (getattr(self if is_set(name) else scene, name) for name in ("replace", "save"))
        request = BumpRequest(self.node, self.wire, replace, save)
        material, obj = active_material(context), active_object(context)
        return start_from_bump(context, material, obj, active_node(context), request), None


class MIDAS_NORMAL_OT_height_lengths(MainThreadOperator, bpy.types.Operator):
    """Set the height scale by two lengths, the size of the image and the height of the value 1"""

    bl_idname = "midas_normal.height_lengths"
    bl_label = "Height from Lengths"
    bl_options = {"REGISTER", "UNDO"}
    __annotations__ = {
        "side": FloatProperty(name="Image Side", description="Length that the shorter side of the image shows",
                              default=2.0, min=1e-6, unit="LENGTH"),
        "depth": FloatProperty(name="Depth", description="Height of the value 1 above the value 0", default=0.1, min=0.0,
                               unit="LENGTH", precision=4),
    }

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self.properties.is_property_set("depth"):
            self.depth = self.side * scene_settings(context.scene).height_scale
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene_settings(context.scene).height_scale = self.depth / self.side
        return {"FINISHED"}


class MIDAS_NORMAL_OT_retune(MainThreadOperator, bpy.types.Operator):
    """Make the last map again with the scene's settings, without running the engine"""

    bl_idname = "midas_normal.retune"
    bl_label = "Adjust Normal Map"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        last = generation.last_outcome()
        if not super().poll(context):
            return False
        if not isinstance(last, Report) or not last.map_name:
            cls.poll_message_set(rpt_("No map was made yet, generate one first"))
            return False
        return can_start(cls)

    def execute(self, context: bpy.types.Context) -> set[str]:
        report = generation.last_outcome()
        assert isinstance(report, Report)
        try:
            settings = scene_settings(context.scene)
            task = start_retune(get_map(report.map_name), settings.values(), settings.mask_image,
                                replace=settings.replace)
        except MidasNormalError as error:
            return report_outcome(self, error)
        return run_blocking(self, task)


class MIDAS_NORMAL_OT_cancel(MainThreadOperator, bpy.types.Operator):
    """Cancel generation, press again to stop the worker"""

    bl_idname = "midas_normal.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if generation.task() is None and generation.draining_task() is None:
            cls.poll_message_set(rpt_("No map is being made"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        generation.cancel()
        return {"FINISHED"}


class MIDAS_NORMAL_OT_compare(MainThreadOperator, bpy.types.Operator):
    """Show the image and its maps side by side in an Image Editor, or the image alone again"""

    bl_idname = "midas_normal.compare"
    bl_label = "Compare Image and Map"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        normal = scene_settings(context.scene).result
        if normal is None or source_of(normal) is None:
            cls.poll_message_set(rpt_("There is no map of an image yet, generate or choose one"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        area = comparison.find_area(context) or comparison.open_area(context)
        if area is None:
            self.report({"ERROR"}, rpt_("There is no room for an Image Editor in this window; turn an area into one."))
            return {"CANCELLED"}
        comparison.toggle(area, source_of(scene_settings(context.scene).result))
        return {"FINISHED"}


class MIDAS_NORMAL_OT_preset(MainThreadOperator, bpy.types.Operator):
    """Set all settings of the scene to those of a preset"""

    bl_idname = "midas_normal.preset"
    bl_label = "Normal Map Preset"
    bl_options = {"REGISTER", "UNDO"}
    __annotations__ = {"preset": EnumProperty(name="Preset", description="Preset whose settings are applied",
                                              items=PRESET_ITEMS, default="MATERIAL")}

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = scene_settings(context.scene)
        apply_settings(scene, dataclasses.replace(PRESETS[self.preset], model=scene.model, model_folder=scene.model_folder))
        return {"FINISHED"}


class MIDAS_NORMAL_OT_restart(MainThreadOperator, bpy.types.Operator):
    """Stop the worker. The next map starts a new one"""

    bl_idname = "midas_normal.restart"
    bl_label = "Restart Worker"

    def execute(self, context: bpy.types.Context) -> set[str]:
        generation.cancel()
        addon.client.close()
        return {"FINISHED"}


class MIDAS_NORMAL_OT_copy_report(MainThreadOperator, bpy.types.Operator):
    """Copy versions, system and the worker's last messages for a bug report. Your user name is left out"""

    bl_idname = "midas_normal.copy_report"
    bl_label = "Copy Report"

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.window_manager.clipboard = bug_report(generation.last_message())
        self.report({"INFO"}, "The report is in the clipboard.")
        return {"FINISHED"}


class MIDAS_NORMAL_OT_show_log(MainThreadOperator, bpy.types.Operator):
    """Open the worker's log in the program for text files"""

    bl_idname = "midas_normal.show_log"
    bl_label = "Show Log"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if not log_file().exists():
            cls.poll_message_set(rpt_("The worker has not written a log yet"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        return bpy.ops.wm.path_open(filepath=str(log_file()))


CLASSES = (MIDAS_NORMAL_OT_generate, MIDAS_NORMAL_OT_generate_all, MIDAS_NORMAL_OT_generate_from_bump,
           MIDAS_NORMAL_OT_height_lengths, MIDAS_NORMAL_OT_retune, MIDAS_NORMAL_OT_cancel, MIDAS_NORMAL_OT_compare,
           MIDAS_NORMAL_OT_preset, MIDAS_NORMAL_OT_restart, MIDAS_NORMAL_OT_copy_report, MIDAS_NORMAL_OT_show_log)
