"""The generation that the panel shows: one task at a time, run by the timer; its progress and outcome."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
from bpy.app.translations import contexts
from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_n as n_

from ..bridge import addon
from ..bridge.addon import find_by_uid
from ..bridge.queue import Queue
from ..bridge.tasks import Report, Step, Task
from ..client.client import Client
from ..core.errors import Cancelled, MidasNormalError
from . import timer
from .drawing import redraw_editors, show_status
from .operator_checks import running_operator
from .translations import translate_message


def describe_worker(client: Client) -> str:
    """Whether it runs, on which device and why on no other, and how much of its memory was free when it started; in the
    user's language.
    """
    if not client.is_running:
        return iface_("The worker starts with the first map")
    if client.ready is None:
        return iface_("The worker is starting")
    state = iface_("Ready on {device}, {free:.1f} GB of memory free").format(device=client.ready.device,
                                                                             free=client.ready.free_memory / 1e9)
    return f"{state}. {translate_message(client.ready.problem, iface_)}" if client.ready.problem else state


@dataclass(frozen=True)
class ProgressStage:
    """One of the worker's stages: its name for people, and the part of the progress bar that belongs to it."""

    label: str
    start: float
    end: float


STAGES = {
    "start": ProgressStage(n_("Starting the worker"), 0.0, 0.0),
    "read": ProgressStage(n_("Reading the picture"), 0.0, 0.05),
    "load": ProgressStage(n_("Loading the network"), 0.05, 0.2),
    "network": ProgressStage(n_("Running the network"), 0.2, 0.8),
    "height": ProgressStage(n_("Building the heights"), 0.8, 0.85),
    "luminance": ProgressStage(n_("Measuring the brightness"), 0.05, 0.6),
    "maps": ProgressStage(n_("Making the map"), 0.85, 0.95),
    "write": ProgressStage(n_("Writing the map"), 0.95, 1.0),
}


def describe_stage(step: Step) -> str:
    """The stage that a step's job is in and the seconds it has taken, in the user's language."""
    job = step.job
    progress = iface_("{stage}, {seconds:.1f} s").format(stage=iface_(STAGES[job.stage].label), seconds=job.elapsed)
    if step.count == 1:
        return progress
    return iface_("{number} of {of}: {progress}").format(number=step.number, of=step.count, progress=progress)


def total_progress(step: Step) -> float:
    """How much of the whole is done, 0..1."""
    stage = STAGES[step.job.stage]
    done = stage.start + (stage.end - stage.start) * step.job.done
    return (step.number - 1 + done) / step.count


_task: Task | None = None
_scene_uid: int | None = None
_snapshot_at_start: object = None
"""What was chosen in the scene when the task was started."""

_queue: Queue | None = None
_outcome: Report | MidasNormalError | None = None
_draining_task: Task | None = None
_shown_progress: tuple = ()


def task() -> Task | None:
    """The task under way."""
    return _task


def queue() -> Queue | None:
    """The queue that the task under way, or the one that ended last, works through."""
    return _queue


def show_queue(queue: Queue | None) -> None:
    """Show a queue in the panel, or none any more."""
    global _queue
    _queue = queue


def describe_task(task: Task) -> str:
    """What a task is doing, or waits for before it changes anything, in the user's language."""
    operator = running_operator() if task.is_ready else None
    if operator is None:
        return describe_stage(task.current_step)
    return iface_("Waiting until {operator} has ended").format(operator=iface_(operator.bl_label, contexts.operator_default))


def has_made_maps(outcome: Report | MidasNormalError) -> bool:
    """Whether a task that ended so has made something; a queue has, however it ended, if one of its pictures was made."""
    return _queue.has_made_maps if _queue is not None else isinstance(outcome, Report)


def last_outcome() -> Report | MidasNormalError | None:
    """What the last task ended with."""
    return _outcome


def last_message() -> str:
    """What the last task ended with, in words."""
    if isinstance(_outcome, Report):
        return " ".join(_outcome.messages)
    return f"{type(_outcome).__name__}: {_outcome}" if _outcome else "none"


def draining_task() -> Task | None:
    """A task that was given up and still keeps the worker."""
    return _draining_task if _draining_task is not None and addon.client.is_draining(_draining_task.job) else None


def show_outcome(outcome: Report | MidasNormalError | None) -> None:
    """Show an outcome in the panel."""
    global _outcome
    _outcome = outcome
    show_status(None)
    redraw_editors()


def start(new: Task, scene: bpy.types.Scene | None, queue: Queue | None = None) -> None:
    """Watch the task, that of the queue if any, until it ends; then its map is stored and wired.

    scene: whose map it is from then on, so that it follows the scene's settings; None where it is made with others.
    """
    global _task, _scene_uid, _snapshot_at_start
    _task = new
    _scene_uid = scene.session_uid if scene is not None else None
    _snapshot_at_start = scene.midas_normal.snapshot() if scene is not None else None
    show_queue(queue)
    show_outcome(None)
    timer.add(_poll)


def cancel() -> None:
    """Give the task under way up; called again, while the worker is still busy with it, it ends the worker."""
    global _draining_task
    given_up = _task or draining_task()
    if given_up is None:
        return
    outcome: MidasNormalError = Cancelled("Cancelled.")
    try:
        given_up.cancel()
    except MidasNormalError as error:
        outcome = error
    _draining_task = given_up
    if _task is not None:
        _finish(outcome)
    timer.add(_drain)


def reset() -> None:
    """Give up what is under way and show nothing any more: all that was made goes away with its file."""
    cancel()
    show_queue(None)
    show_outcome(None)
    timer.remove(push_undo_step)


def _finish(outcome: Report | MidasNormalError) -> None:
    """The task is over."""
    global _task
    _task = None
    show_outcome(outcome)
    if has_made_maps(outcome):
        timer.add(push_undo_step)


def _poll() -> bool:
    if _task is None:
        return False
    addon.client.pump()
    if _task is None or not _task.is_ready or running_operator() is not None:
        _redraw_when_changed()
        return _task is not None
    try:
        report = _task.step()
    except MidasNormalError as error:
        _finish(error)
        return False
    if report is None:
        return True
    _finish(report)
    made = bpy.data.images.get(report.map_name)  # a queue may have made it long ago, or nothing at all
    scene = find_by_uid(bpy.data.scenes, _scene_uid)
    if scene is not None and made is not None:
        scene.midas_normal.set_result(made, _snapshot_at_start)
    return False


def push_undo_step() -> bool:
    """One undo step for all that was made; on its own, since it takes as long as storing a map."""
    if running_operator() is not None:
        return True
    bpy.ops.ed.undo_push(message="Normal map")
    return False


def _redraw_when_changed() -> None:
    """Redraw when the panel would show another text or share."""
    global _shown_progress
    if _task is None:
        return
    look = describe_task(_task), round(_task.job.done, 2)
    if look != _shown_progress:
        _shown_progress = look
        show_status(iface_("Normal map: {progress}").format(progress=look[0]))
        redraw_editors()


def _drain() -> bool:
    """Take in what a cancelled task's worker still sends."""
    addon.client.pump()
    if draining_task() is None:
        redraw_editors()
    return draining_task() is not None
