"""The extension's preferences: the MiDaS environment, the weights, and the worker."""

from __future__ import annotations

import bpy
from bpy.app.translations import contexts
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_n as n_
from bpy.props import EnumProperty, IntProperty, StringProperty

from ..bridge import addon
from ..bridge.addon import EXTENSION, worker_paths
from ..client.setup.environment import EnvironmentState, environment_status
from ..client.setup.weights import host_of, source_urls
from ..core.engines import ENGINES, needed_weights
from ..core.errors import WeightsError
from ..core.settings import DEVICE
from ..core.weights import find_weights
from . import computer_check, setup
from .drawing import draw_progress_placeholder, draw_text
from .generation import describe_worker

TORCH_BUILDS = (
    ("auto", "Automatic", "Build that fits the graphics card and driver of this computer"),
    ("cpu", "CPU", "Smallest build, which runs on the processor only"),
    ("cu126", "CUDA 12.6", "For NVIDIA graphics cards from GTX 900 to RTX 40, and for newer ones with an older driver"),
    ("cu130", "CUDA 13.0", "For NVIDIA graphics cards from RTX 20 and GTX 16 on, with a recent driver"),
    ("rocm7.2", "ROCm 7.2", "For AMD graphics cards, on Linux"),
    ("xpu", "XPU", "For Intel graphics cards"),
    ("registry", "Default", "Build from the Python package index, except for NVIDIA graphics cards that it does not "
     "support"),
)


class MidasNormalPreferences(bpy.types.AddonPreferences):
    """The extension's preferences, which Blender stores with the user's."""

    bl_idname = EXTENSION
    __annotations__ = {
        "environment_folder": StringProperty(
            name="Environment Folder", subtype="DIR_PATH",
            description="Folder of the MiDaS environment (1 to 5 GB), which several Blender versions can share. Empty for "
                        "the extension's own folder"),
        "interpreter": StringProperty(
            name="Python", subtype="FILE_PATH",
            description="Python 3.10 to 3.13 from which the MiDaS environment is made. Empty for one found on this "
                        "computer, else Blender's own"),
        "backend": EnumProperty(name="PyTorch Build", items=TORCH_BUILDS, default="auto",
                                description="Build of PyTorch that is installed"),
        "weights_folder": StringProperty(
            name="Weights Folder", subtype="DIR_PATH",
            description="Folder with the weights of all networks, which may be an existing one. Empty for the extension's "
                        "own folder"),
        "device": EnumProperty(name="Device", items=DEVICE.items, default="AUTO",
                               description="Processor that runs the networks where the settings say Automatic"),
        "idle_minutes": IntProperty(
            name="Idle Time (Minutes)", default=10, min=1, max=600,
            description="Minutes without a request after which the worker frees its network. It ends after as many again "
                        "(1 to 600 minutes)"),
    }

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        self._draw_environment(layout.box())
        self._draw_weights(layout.box())
        worker = layout.box()
        worker.label(text="Worker", icon="PREFERENCES")
        draw_text(worker, describe_worker(addon.client))
        worker.prop(self, "device")
        worker.prop(self, "idle_minutes")
        row = worker.row()
        row.operator("midas_normal.show_log", icon="TEXT")
        row.operator("midas_normal.copy_report", icon="COPYDOWN")
        row.operator("midas_normal.restart", icon="FILE_REFRESH")

    def _draw_environment(self, box: bpy.types.UILayout) -> None:
        status = environment_status(worker_paths().environment)
        box.label(text="MiDaS environment", icon="CONSOLE")
        if not setup.is_running():
            draw_text(box, status.sentence)
        box.prop(self, "environment_folder")
        box.prop(self, "interpreter")
        box.prop(self, "backend")
        if setup.is_running():
            setup.draw_running_setup(box)
            return
        row = box.row()
        labels = {EnvironmentState.ABSENT: n_("Install", contexts.operator_default),
                  EnvironmentState.INCOMPLETE: n_("Resume Installing", contexts.operator_default),
                  EnvironmentState.READY: n_("Install Again", contexts.operator_default),
                  EnvironmentState.REPAIR_NEEDED: n_("Repair", contexts.operator_default)}
        row.operator("midas_normal.install", text=labels[status.state], icon="IMPORT").part = "MIDAS"
        row.operator("midas_normal.remove", icon="TRASH")
        box.label(text="Packages of other engines")
        row = box.row(align=True)
        for part, label, _ in setup.PART_ITEMS[1:]:
            is_installed = part.lower().replace("_", "-") in status.parts
            cell = row.row(align=True)
            cell.enabled = not is_installed
            cell.operator("midas_normal.install", text=label, icon="CHECKMARK" if is_installed else "IMPORT").part = part
        box.operator("midas_normal.check_computer", icon="VIEWZOOM")
        if setup.outcome():
            draw_text(box, setup.outcome())
        computer_check.draw(box)
        draw_progress_placeholder(box)

    def _draw_weights(self, box: bpy.types.UILayout) -> None:
        box.label(text="Network weights", icon="FILE_BLANK")
        folder, midas = worker_paths().weights, needed_weights("MIDAS", "")
        try:
            file = find_weights(folder, midas) / midas.files[0].name
            draw_text(box, iface_("The weights are {file}.").format(file=file))
        except WeightsError as error:
            draw_text(box, error.message)
        box.prop(self, "weights_folder")
        hub, release = map(host_of, source_urls(midas, midas.files[0]))
        draw_text(box, iface_("Download takes them from {hub}, or else from {release}.").format(hub=hub, release=release))
        box.label(text="Download the weights of")
        row = box.row(align=True)
        for name, facts in ENGINES.items():
            if len(facts.weights) == 1:
                row.operator("midas_normal.download_weights", text=facts.label, icon="IMPORT").engine = name
            elif facts.weights:
                row.operator_menu_enum("midas_normal.download_weights", "model", text=facts.label,
                                       icon="IMPORT").engine = name
