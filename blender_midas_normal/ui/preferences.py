"""The extension's preferences: the engines and their state, where files are stored, and what few need to change."""

from __future__ import annotations

import bpy
from bpy.app.translations import contexts
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_n as n_
from bpy.props import EnumProperty, IntProperty, StringProperty

from ..bridge import addon
from ..bridge.addon import EXTENSION, worker_paths
from ..client.setup.environment import EnvironmentState, EnvironmentStatus, environment_status
from ..core.engines import ENGINES
from ..core.errors import WeightsError
from ..core.settings import DEVICE
from ..core.weights import Weights, find_weights
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
        box = layout.box()
        box.label(text="Engines")
        _draw_engines(box)
        box = layout.box()
        box.label(text="Storage")
        box.prop(self, "environment_folder")
        box.prop(self, "weights_folder")
        box = layout.box()
        box.label(text="Advanced")
        for name in ("interpreter", "backend", "device", "idle_minutes"):
            box.prop(self, name)
        draw_text(box, describe_worker(addon.client))
        row = box.row()
        row.operator("midas_normal.show_log", icon="TEXT")
        row.operator("midas_normal.copy_report", icon="COPYDOWN")
        row.operator("midas_normal.restart", icon="FILE_REFRESH")


INSTALL_LABELS = {
    EnvironmentState.ABSENT: n_("Install MiDaS Environment", contexts.operator_default),
    EnvironmentState.INCOMPLETE: n_("Resume Installing", contexts.operator_default),
    EnvironmentState.READY: n_("Install Again", contexts.operator_default),
    EnvironmentState.REPAIR_NEEDED: n_("Repair", contexts.operator_default),
}


def _draw_engines(box: bpy.types.UILayout) -> None:
    """Draw which engines have their packages and weights, with the buttons that get them, and the running setup."""
    paths = worker_paths()
    status = environment_status(paths.environment)
    row = box.row()
    row.label(text=", ".join(iface_(facts.label) for facts in ENGINES.values() if not facts.parts), translate=False)
    row.label(text="Built In", icon="CHECKMARK")
    for name, facts in ENGINES.items():
        if facts.parts:
            row = box.row()
            row.label(text=facts.label)
            _draw_packages(row, facts.parts[-1], status)
            _draw_weights(row, name, any(_has_weights(weights) for weights in facts.weights.values()))
    row = box.row()
    row.label(text="Depth Scale Raw of MiDaS")
    _draw_packages(row, "node", status)
    row.label()
    if setup.is_running():
        setup.draw_running_setup(box)
        return
    draw_text(box, status.sentence)
    row = box.row()
    row.operator("midas_normal.install", text=INSTALL_LABELS[status.state], icon="IMPORT").part = "MIDAS"
    row.operator("midas_normal.remove", icon="TRASH")
    row.operator("midas_normal.check_computer")
    if setup.outcome():
        draw_text(box, setup.outcome())
    computer_check.draw(box)
    draw_progress_placeholder(box)


def _draw_packages(row: bpy.types.UILayout, part: str, status: EnvironmentStatus) -> None:
    """Draw the button that installs a part of the environment, greyed out and with a check mark where it is installed."""
    is_installed = part in status.parts
    cell = row.row()
    cell.enabled = not is_installed
    operator = cell.operator("midas_normal.install", text="Packages", icon="CHECKMARK" if is_installed else "IMPORT")
    operator.part = part.upper().replace("-", "_")


def _draw_weights(row: bpy.types.UILayout, engine: str, is_downloaded: bool) -> None:
    """Draw the button or menu that downloads weights of an engine, with a check mark where there are some."""
    icon = "CHECKMARK" if is_downloaded else "IMPORT"
    cell = row.row()
    if len(ENGINES[engine].weights) == 1:
        cell.enabled = not is_downloaded
        cell.operator("midas_normal.download_weights", text="Network Weights", icon=icon).engine = engine
    else:
        cell.operator_menu_enum("midas_normal.download_weights", "model", text="Network Weights", icon=icon).engine = engine


def _has_weights(weights: Weights) -> bool:
    try:
        return bool(find_weights(worker_paths().weights, weights))
    except WeightsError:
        return False
