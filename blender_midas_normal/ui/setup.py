"""Installing, downloading and removing, in a process of their own, which a script waits for and the timer watches."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..bridge import session
from ..bridge.places import own_python, places, preferences
from ..client.setup_process import SetupProcess
from ..core.errors import InstallError, MidasNormalError
from ..core.messages import NO_MESSAGE, Message
from . import pump
from .drawing import progress, redraw
from .messages import translated

_process: SetupProcess | None = None
_news: dict = {}
_outcome: Message = NO_MESSAGE


def running() -> bool:
    return _process is not None


def can_be_cancelled() -> bool:
    """Whether there is something to give up; half an environment removed is of no use to anybody."""
    return _process is not None and _process.verb != "remove"


def outcome() -> Message:
    """The message with which the last setup that the timer watched has ended, "" before."""
    return _outcome


def start(verb: str) -> None:
    """Starts install, download or remove with the preferences' folders; raises InstallError when one runs already.

    The worker is ended first: it would keep files of the environment open.
    """
    global _process, _outcome
    if _process is not None:
        raise InstallError("The setup is busy; wait for it or cancel it.")
    chosen, here = preferences(), places()
    session.client.close()
    _process = SetupProcess(verb, here.environment.folder, backend=chosen.backend, weights=here.weights,
                            python=Path(chosen.interpreter) if chosen.interpreter else None,
                            online=bpy.app.online_access, runner=own_python())
    _outcome = NO_MESSAGE
    _news.clear()


def watch() -> None:
    """Lets the timer look after the setup, which the preferences show."""
    pump.watch(_look)


def wait() -> Message:
    """Waits for the setup, printing its steps; returns its closing message or raises what it failed with."""
    global _process
    assert _process is not None
    try:
        return _process.wait(lambda words: print(described(words)))
    finally:
        _process = None


def cancel() -> None:
    """Gives the setup up; what it has downloaded is kept for the next time."""
    if _process is not None:
        _process.cancel()


def close() -> None:
    """Ends the setup at once."""
    global _process
    if _process is not None:
        _process.close()
    _process = None


def described(words: dict) -> str:
    """A step in the user's language."""
    if "step" not in words:
        return translated(words.get("text") or words.get("error", NO_MESSAGE), iface_)
    step = iface_("Step {step} of {of}: {title}").format(**{**words, "title": translated(words["title"], iface_)})
    return f"{step} - {translated(words['detail'], iface_)}" if words["detail"] else step


def draw(layout: bpy.types.UILayout) -> None:
    """The step under way, with a button to give the setup up."""
    progress(layout, described(_news) if _news else "Starting the setup", _news.get("done"))
    layout.operator("midas_normal.cancel_setup", icon="CANCEL")


def _look() -> bool:
    global _process, _outcome
    if _process is None:
        return False
    for words in _process.poll():
        _news.clear()
        _news.update(words)
        redraw()
    if _process.running:
        return True
    ended, _process = _process, None
    try:
        _outcome = ended.result()
    except MidasNormalError as error:
        _outcome = error.message
    return False
