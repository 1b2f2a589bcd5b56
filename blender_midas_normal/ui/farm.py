"""The operators that write the job of a render farm, and that load the maps which the job has made.

The docstring of an operator is its tooltip.
"""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ..bridge.farm import load_finished_maps, write_farm_job
from ..bridge.request import SCOPES
from ..bridge.tasks import Report, Task
from ..core.errors import MidasNormalError
from . import generation
from .operator_checks import MainThreadOperator
from .operators import can_start, report_outcome, run_blocking
from .properties import RELATIVE_PATH_OPTION, SKIP_SAVE, SettingProperties, request_of_maps, scene_settings

KINDS = (
    ("SHELL", "Shell Script", "A script that makes a share of the maps on each machine on which it is started"),
    ("SLURM", "SLURM", "An array job for sbatch"),
    ("OPENJD", "Open Job Description", "A job template, which is also a job bundle for Deadline Cloud"),
    ("FLAMENCO", "Flamenco", "A job type for the Flamenco Manager"),
)

JOB_SCOPES = (*SCOPES, ("ACTIVE", "Active Image", "The image in the Image Editor, else that of the active material"))


class FolderSelectMixin(MainThreadOperator):
    """Mixin of operators that work on a folder: a button asks for it, a script gives it."""

    __annotations__ = {
        "directory": StringProperty(name="Folder", subtype="DIR_PATH", options={*SKIP_SAVE, *RELATIVE_PATH_OPTION},
                                    description="Folder of the job"),
        "filter_folder": BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"}),
    }

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return super().poll(context) and can_start(cls)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    @property
    def folder(self) -> Path:
        """The folder of the job, relative where the .blend file that it is relative to is not saved."""
        return Path(bpy.path.abspath(self.directory))


class MIDAS_NORMAL_OT_write_farm_job(FolderSelectMixin, SettingProperties, bpy.types.Operator):
    """Write a job that makes the maps of many images on a render farm, into a new folder that all machines see"""

    bl_idname = "midas_normal.write_farm_job"
    bl_label = "Write Farm Job"
    bl_options = {"REGISTER"}
    __annotations__ = {
        "kind": EnumProperty(name="Kind", description="Queue for which the job is written", items=KINDS, default="SHELL"),
        "scope": EnumProperty(name="Scope", description="Images that maps are made of", items=JOB_SCOPES,
                              default="SELECTED", options=SKIP_SAVE),
    }

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.prop(self, "kind")
        self.layout.prop(self, "scope")

    def execute(self, context: bpy.types.Context) -> set[str]:
        generation.show_queue(None)
        outcome: Report | MidasNormalError
        try:
            outcome = write_farm_job(context, self.kind, self.scope, self.folder, request_of_maps(self, context))
        except MidasNormalError as error:
            outcome = error
        return report_outcome(self, outcome)


class MIDAS_NORMAL_OT_load_finished_maps(FolderSelectMixin, bpy.types.Operator):
    """Load the maps that a farm job has made, and wire each into the materials that use its image"""

    bl_idname = "midas_normal.load_finished_maps"
    bl_label = "Load Finished Maps"
    bl_options = {"REGISTER"}

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.prop(scene_settings(context.scene), "replace")

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = scene_settings(context.scene)
        return run_blocking(self, Task(load_finished_maps(self.folder, scene.target, scene.replace)))


CLASSES = (MIDAS_NORMAL_OT_write_farm_job, MIDAS_NORMAL_OT_load_finished_maps)
