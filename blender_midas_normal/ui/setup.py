"""The MiDaS environment and its weights: the process that installs, downloads and removes, and the operators for it."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.app.translations import contexts
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_rpt as rpt_

from ..bridge import addon
from ..bridge.addon import EXTENSION, blender_python, preferences, worker_paths
from ..client.setup.install import SPACE_NEEDED_BYTES
from ..client.setup.process import SetupProcess
from ..client.setup.weights import host_of, source_urls
from ..core.engines import WEIGHTS_BYTES, WEIGHTS_NAME
from ..core.errors import NO_MESSAGE, InstallError, Message, MidasNormalError
from ..core.files import exists
from . import timer
from .drawing import draw_progress, redraw_editors
from .operator_checks import MainThreadOperator
from .translations import translate_message

_process: SetupProcess | None = None
_last_event: dict = {}
_outcome: Message = NO_MESSAGE


def is_running() -> bool:
    return _process is not None


def can_be_cancelled() -> bool:
    """Whether there is something to give up; half an environment removed is of no use to anybody."""
    return _process is not None and _process.verb != "remove"


def outcome() -> Message:
    """The message with which the last setup that the timer watched has ended, "" before."""
    return _outcome


def start_setup(verb: str) -> None:
    """Start install, download or remove with the preferences' folders; raises InstallError when one runs already.

    The worker is ended first: it would keep files of the environment open.
    """
    global _process, _outcome
    if _process is not None:
        raise InstallError("The setup is busy; wait for it or cancel it.")
    chosen, here = preferences(), worker_paths()
    addon.client.close()
    _process = SetupProcess(verb, here.environment.folder, backend=chosen.backend, weights=here.weights,
                            python=Path(chosen.interpreter) if chosen.interpreter else None,
                            online=bpy.app.online_access, runner=blender_python())
    _outcome = NO_MESSAGE
    _last_event.clear()


def watch_setup() -> None:
    """Let the timer look after the setup, which the preferences show."""
    timer.add(_poll)


def wait_for_setup() -> Message:
    """Wait for the setup, printing its steps; return its closing message or raise what it failed with."""
    global _process
    assert _process is not None
    try:
        return _process.wait(lambda event: print(describe_event(event)))
    finally:
        _process = None


def cancel_setup() -> None:
    """Give the setup up; what it has downloaded is kept for the next time."""
    if _process is not None:
        _process.cancel()


def close_setup() -> None:
    """End the setup at once."""
    global _process
    if _process is not None:
        _process.close()
    _process = None


def describe_event(event: dict) -> str:
    """A step in the user's language."""
    if "step" not in event:
        return translate_message(event.get("text") or event.get("error", NO_MESSAGE), iface_)
    step = iface_("Step {step} of {of}: {title}").format(**{**event, "title": translate_message(event["title"], iface_)})
    return f"{step} - {translate_message(event['detail'], iface_)}" if event["detail"] else step


def describe_progress() -> str:
    """The step under way in the user's language."""
    return describe_event(_last_event) if _last_event else iface_("Starting the setup")


def draw_running_setup(layout: bpy.types.UILayout) -> None:
    """The step under way, with a button to give the setup up."""
    draw_progress(layout, describe_progress(), _last_event.get("done"))
    layout.operator("midas_normal.cancel_setup", icon="CANCEL")


def _poll() -> bool:
    global _process, _outcome
    if _process is None:
        return False
    for event in _process.poll():
        _last_event.clear()
        _last_event.update(event)
        redraw_editors()
    if _process.running:
        return True
    ended, _process = _process, None
    try:
        _outcome = ended.result()
    except MidasNormalError as error:
        _outcome = error.message
    return False


def can_set_up(cls: type, needs_network: bool) -> bool:
    """Whether a setup can start; says why not in the button's tooltip."""
    if is_running():
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
            start_setup(self.verb)
            if self.options.is_invoke:
                watch_setup()
            else:
                self.report({"INFO"}, translate_message(wait_for_setup(), rpt_))
        except MidasNormalError as error:
            self.report({"ERROR"}, translate_message(error.message, rpt_))
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
            folder=worker_paths().environment.folder, size=SPACE_NEEDED_BYTES / 1e9)


class MIDAS_NORMAL_OT_download_weights(SetupOperator, bpy.types.Operator):
    """Download MiDaS's weights; an interrupted download is resumed"""

    bl_idname = "midas_normal.download_weights"
    bl_label = "Download MiDaS weights"
    verb = "download"

    def question(self) -> str:
        hub, release = map(host_of, source_urls())
        return iface_("{file}, {size:.0f} MB from {hub}, or else from {release}, into {folder}").format(
            file=WEIGHTS_NAME, size=WEIGHTS_BYTES / 1e6, hub=hub, release=release, folder=worker_paths().weights)


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
        if not exists(worker_paths().environment.folder):
            cls.poll_message_set(rpt_("Nothing is installed"))
            return False
        return True

    def question(self) -> str:
        return iface_("All that was installed in {folder}").format(folder=worker_paths().environment.folder)


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
        return super().poll(context) and can_be_cancelled()

    def execute(self, context: bpy.types.Context) -> set[str]:
        cancel_setup()
        return {"FINISHED"}


CLASSES = (MIDAS_NORMAL_OT_install, MIDAS_NORMAL_OT_download_weights, MIDAS_NORMAL_OT_remove,
           MIDAS_NORMAL_OT_show_preferences, MIDAS_NORMAL_OT_cancel_setup)
