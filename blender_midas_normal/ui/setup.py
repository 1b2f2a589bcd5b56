"""Install or remove the MiDaS environment, download its weights and check this computer: operators, and their process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy
from bpy.app.translations import contexts
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_rpt as rpt_
from bpy.props import EnumProperty

from ..bridge import addon
from ..bridge.addon import EXTENSION, blender_python, preferences, worker_paths
from ..client.computer_check import TEMPORARY_BYTES
from ..client.setup.environment import EnvironmentState, environment_status
from ..client.setup.install import space_of_parts
from ..client.setup.process import SetupProcess
from ..client.setup.weights import host_of, source_urls
from ..core.engines import ENGINES, needed_weights
from ..core.errors import NO_MESSAGE, InstallError, Message, MidasNormalError
from ..core.files import exists
from ..core.settings import MODEL
from . import computer_check, timer
from .drawing import draw_progress, redraw_editors
from .operator_checks import MainThreadOperator
from .translations import translate_message

_process: SetupProcess | None = None
_last_event: dict = {}
_outcome: Message = NO_MESSAGE


def is_running() -> bool:
    """Whether a setup process is running."""
    return _process is not None


def can_be_cancelled() -> bool:
    """Whether a setup runs that can be cancelled; a removal cannot, because half an environment is of no use."""
    return _process is not None and _process.verb != "remove"


def outcome() -> Message:
    """Return the closing message of the last setup that the timer watched, "" before."""
    return _outcome


def start_setup(verb: str, parts: Sequence[str] = ("midas",), engine: str = "MIDAS", model: str = "SMALL") -> None:
    """Start a setup process in the folders of the preferences; ends the worker first, which has files in them open.

    Args:
        verb: install, download, remove or check_computer.
        parts: what is installed, see `client.setup.environment.PARTS`.
        engine, model: whose weights are downloaded, as in the settings.

    Raises:
        InstallError: where a setup runs already.
    """
    global _process, _outcome
    if _process is not None:
        raise InstallError("The setup is busy; wait for it or cancel it.")
    prefs, paths = preferences(), worker_paths()
    addon.client.close()
    _process = SetupProcess(verb, paths.environment.folder, backend=prefs.backend, parts=parts, weights=paths.weights,
                            engine=engine, model=model,
                            python=Path(prefs.interpreter) if prefs.interpreter else None,
                            online=bpy.app.online_access, runner=blender_python())
    _outcome = NO_MESSAGE
    _last_event.clear()


def watch_setup() -> None:
    """Let the timer read the setup's progress, which the Preferences show."""
    timer.add(_poll)


def wait_for_setup() -> Message:
    """Wait for the setup, print its steps and return its closing message; raises MidasNormalError where it fails."""
    global _process
    assert _process is not None
    try:
        return _process.wait(_print_event)
    finally:
        _process = None


def _print_event(event: dict) -> None:
    computer_check.take_event(event)
    print(describe_event(event))


def cancel_setup() -> None:
    """Cancel the setup; what it has downloaded is kept for the next time."""
    if _process is not None:
        _process.cancel()


def close_setup() -> None:
    """Kill the setup process, if any runs."""
    global _process
    if _process is not None:
        _process.close()
    _process = None


def describe_event(event: dict) -> str:
    """Describe an event of the setup process, a step or a message, in the user's language."""
    if "name" in event:
        return translate_message(computer_check.describe_row(computer_check.Row(**event)), iface_)
    if "step" not in event:
        return translate_message(event.get("text") or event.get("computer") or event.get("error", NO_MESSAGE), iface_)
    step = iface_("Step {step} of {of}: {title}").format(**{**event, "title": translate_message(event["title"], iface_)})
    return f"{step} - {translate_message(event['detail'], iface_)}" if event["detail"] else step


def describe_progress() -> str:
    """Describe the running step in the user's language."""
    return describe_event(_last_event) if _last_event else iface_("Starting the setup")


def draw_running_setup(layout: bpy.types.UILayout) -> None:
    """Draw the running step, with a button that cancels the setup."""
    draw_progress(layout, describe_progress(), _last_event.get("share"))
    layout.operator("midas_normal.cancel_setup", icon="CANCEL")


def _poll() -> bool:
    """Read the setup's events, in the timer; returns whether it still runs."""
    global _process, _outcome
    if _process is None:
        return False
    for event in _process.poll():
        if not computer_check.take_event(event):
            _last_event.clear()
            _last_event.update(event)
        redraw_editors()
    if _process.is_running:
        return True
    process, _process = _process, None
    try:
        _outcome = process.result()
    except MidasNormalError as error:
        _outcome = error.message
    return False


def can_set_up(cls: type, needs_network: bool) -> bool:
    """Whether a setup can start; else the button's tooltip says why not."""
    if is_running():
        cls.poll_message_set(rpt_("The setup is busy, wait for it or cancel it"))
        return False
    if needs_network and not bpy.app.online_access:
        cls.poll_message_set(rpt_("Blender is offline, turn on Preferences > System > Network > Allow Online Access"))
        return False
    return True


class SetupOperator(MainThreadOperator):
    """Mixin of operators that run a setup: a script's call waits for it, a button asks first and returns at once."""

    verb = ""
    needs_network = True

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return super().poll(context) and can_set_up(cls, cls.needs_network)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            start_setup(self.verb, self.parts(), *self.weights())
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

    def parts(self) -> Sequence[str]:
        """Return the parts of the MiDaS environment that are installed."""
        return ("midas",)

    def weights(self) -> tuple[str, str]:
        """Return the engine whose weights are downloaded, and the value of the setting `model`."""
        return "MIDAS", "SMALL"

    def question(self) -> str:
        """Return what the user is asked before the setup starts."""
        raise NotImplementedError


PART_ITEMS = (
    ("MIDAS", "MiDaS", "Packages that MiDaS needs"),
    ("NODE", "MiDaS Node", "Additional packages for Depth Scale Raw, the MiDaS node's own call, and for NormalBae"),
    ("DEPTH_ANYTHING", "Depth Anything", "Additional packages for Depth Anything"),
    ("MOGE", "MoGe", "Additional packages for MoGe"),
)
"""The parts of the MiDaS environment, by the names of `client.setup.environment.PARTS` in capitals."""


class MIDAS_NORMAL_OT_install(SetupOperator, bpy.types.Operator):
    """Install the Python environment that MiDaS runs in. An interrupted installation is resumed"""

    bl_idname = "midas_normal.install"
    bl_label = "Install MiDaS Environment"
    verb = "install"
    __annotations__ = {
        "part": EnumProperty(name="Part", description="Part of the environment that is installed", items=PART_ITEMS),
    }

    def parts(self) -> Sequence[str]:
        part = self.part.lower().replace("_", "-")
        return ("midas",) if part == "midas" else ("midas", part)

    def question(self) -> str:
        folder, parts = worker_paths().environment.folder, self.parts()
        if environment_status(worker_paths().environment).parts and parts[1:]:
            return iface_("From the Python package index into {folder}; about {size:.1f} GB").format(
                folder=folder, size=space_of_parts(parts[1:], "") / 1e9)
        return iface_("From the Python package index into {folder}; about {small:.1f} GB, or {large:.1f} GB for graphics "
                      "cards").format(folder=folder, small=space_of_parts(parts, "cpu") / 1e9,
                                      large=space_of_parts(parts, "") / 1e9)


class MIDAS_NORMAL_OT_download_weights(SetupOperator, bpy.types.Operator):
    """Download the weights of an engine. An interrupted download is resumed"""

    bl_idname = "midas_normal.download_weights"
    bl_label = "Download Weights"
    verb = "download"
    __annotations__ = {
        "engine": EnumProperty(name="Engine", description="Engine whose weights are downloaded", items=tuple(
            (name, facts.label, facts.description) for name, facts in ENGINES.items() if facts.weights)),
        "model": EnumProperty(name=MODEL.label, description=MODEL.description, items=MODEL.items[:-1], default="SMALL"),
    }

    def weights(self) -> tuple[str, str]:
        return self.engine, self.model

    def question(self) -> str:
        weights = needed_weights(self.engine, self.model)
        hub, *others = (host_of(url) for url in source_urls(weights, weights.files[0]))
        values = {"file": weights.description, "hub": hub, "folder": worker_paths().weights, "licence": weights.licence}
        if others:
            return iface_("{file} from {hub}, or else from {release}, into {folder}; licence: {licence}").format(
                **values, release=others[0])
        return iface_("{file} from {hub} into {folder}; licence: {licence}").format(**values)


class MIDAS_NORMAL_OT_remove(SetupOperator, bpy.types.Operator):
    """Remove the MiDaS environment from this computer. Downloaded weights are kept"""

    bl_idname = "midas_normal.remove"
    bl_label = "Remove MiDaS Environment"
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


class MIDAS_NORMAL_OT_check_computer(SetupOperator, bpy.types.Operator):
    """Measure the results and the speed of networks and maps on this computer"""

    bl_idname = "midas_normal.check_computer"
    bl_label = "Check This Computer"
    verb = "check_computer"
    needs_network = False

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        status = environment_status(worker_paths().environment)
        if status.state is not EnvironmentState.READY:
            cls.poll_message_set(rpt_("MiDaS is not ready, install or repair it first"))
            return False
        return True

    def question(self) -> str:
        return iface_("Takes a few minutes and {size:.0f} MB for temporary files; a map that is being made is given up"
                      ).format(size=TEMPORARY_BYTES / 1e6)


class MIDAS_NORMAL_OT_show_preferences(MainThreadOperator, bpy.types.Operator):
    """Open the extension's preferences, where MiDaS is installed"""

    bl_idname = "midas_normal.show_preferences"
    bl_label = "Set Up MiDaS"

    def execute(self, context: bpy.types.Context) -> set[str]:
        return bpy.ops.preferences.addon_show(module=EXTENSION)


class MIDAS_NORMAL_OT_cancel_setup(MainThreadOperator, bpy.types.Operator):
    """Cancel the installation, download or check. What was downloaded is kept for the next time"""

    bl_idname = "midas_normal.cancel_setup"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if not can_be_cancelled():
            cls.poll_message_set(rpt_("Nothing is running that can be cancelled"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        cancel_setup()
        return {"FINISHED"}


CLASSES = (MIDAS_NORMAL_OT_install, MIDAS_NORMAL_OT_download_weights, MIDAS_NORMAL_OT_remove,
           MIDAS_NORMAL_OT_check_computer, MIDAS_NORMAL_OT_show_preferences, MIDAS_NORMAL_OT_cancel_setup)
