"""What a user can do about the MiDaS environment and its weights."""

from __future__ import annotations

import bpy
from bpy.app.translations import contexts
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_rpt as rpt_

from ..bridge.places import EXTENSION, places
from ..client.install import SPACE_NEEDED
from ..client.weights import host, sources
from ..core.errors import MidasNormalError
from ..core.paths import exists
from ..core.weights_file import FILE, SIZE
from . import setup
from .main_thread import MainThreadOperator
from .messages import translated


def can_set_up(cls: type, needs_network: bool) -> bool:
    """Whether a setup can start; says why not in the button's tooltip."""
    if setup.running():
        cls.poll_message_set(rpt_("The setup is busy"))
        return False
    if needs_network and not bpy.app.online_access:
        cls.poll_message_set(rpt_("Blender is offline; see Preferences > System > Network > Allow Online Access"))
        return False
    return True


class SetupOperator(MainThreadOperator):
    """Runs a verb of the setup program: a call waits for it, a button, whose question has been answered, returns at once."""

    verb = ""
    needs_network = True

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return super().poll(context) and can_set_up(cls, cls.needs_network)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            setup.start(self.verb)
            if self.options.is_invoke:
                setup.watch()
            else:
                self.report({"INFO"}, translated(setup.wait(), rpt_))
        except MidasNormalError as error:
            self.report({"ERROR"}, translated(error.message, rpt_))
            return {"CANCELLED"}
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event, title=self.bl_label, message=self.question(),
                                                     text_ctxt=contexts.operator_default)

    def question(self) -> str:
        raise AssertionError("Each verb asks its own question.")


class MIDAS_NORMAL_OT_install(SetupOperator, bpy.types.Operator):
    """Make the Python environment that MiDaS runs in; an interrupted installation is resumed"""

    bl_idname = "midas_normal.install"
    bl_label = "Install MiDaS environment"
    verb = "install"

    def question(self) -> str:
        return iface_("From the Python package index into {folder}; needs {size:.0f} GB").format(
            folder=places().environment.folder, size=SPACE_NEEDED / 1e9)


class MIDAS_NORMAL_OT_download_weights(SetupOperator, bpy.types.Operator):
    """Download MiDaS's weights; an interrupted download is resumed"""

    bl_idname = "midas_normal.download_weights"
    bl_label = "Download MiDaS weights"
    verb = "download"

    def question(self) -> str:
        hub, release = map(host, sources())
        return iface_("{file}, {size:.0f} MB from {hub}, or else from {release}, into {folder}").format(
            file=FILE, size=SIZE / 1e6, hub=hub, release=release, folder=places().weights)


class MIDAS_NORMAL_OT_remove(SetupOperator, bpy.types.Operator):
    """Remove the MiDaS environment from this computer; the weights stay"""

    bl_idname = "midas_normal.remove"
    bl_label = "Remove MiDaS environment"
    verb = "remove"
    needs_network = False

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if not exists(places().environment.folder):
            cls.poll_message_set(rpt_("Nothing is installed"))
            return False
        return True

    def question(self) -> str:
        return iface_("All that was installed in {folder}").format(folder=places().environment.folder)


class MIDAS_NORMAL_OT_show_preferences(MainThreadOperator, bpy.types.Operator):
    """Open the extension's preferences, where the MiDaS environment is installed"""

    bl_idname = "midas_normal.show_preferences"
    bl_label = "Set up MiDaS"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return bpy.ops.preferences.addon_show(module=EXTENSION)


class MIDAS_NORMAL_OT_cancel_setup(MainThreadOperator, bpy.types.Operator):
    """Give up what is being installed or downloaded; what has arrived is kept for the next time"""

    bl_idname = "midas_normal.cancel_setup"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return super().poll(context) and setup.can_be_cancelled()

    def execute(self, context: bpy.types.Context) -> set[str]:
        setup.cancel()
        return {"FINISHED"}


CLASSES = (MIDAS_NORMAL_OT_install, MIDAS_NORMAL_OT_download_weights, MIDAS_NORMAL_OT_remove,
           MIDAS_NORMAL_OT_show_preferences, MIDAS_NORMAL_OT_cancel_setup)
