"""Run the task that makes maps, one at a time, in the timer; the panel shows its progress and outcome."""

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
    """Say in the user's language whether the worker runs, on which device, why on no other, and its free memory at start."""
    if not client.is_running:
        return iface_("The worker starts with the first map")
    if client.ready is None:
        return iface_("The worker is starting")
    state = iface_("Ready on {device}, {free:.1f} GB of memory free").format(device=client.ready.device,
                                                                             free=client.ready.free_memory / 1e9)
    return f"{state}. {translate_message(client.ready.problem, iface_)}" if client.ready.problem else state


@dataclass(frozen=True)
class ProgressStage:
    """A stage of the worker's job: its name on the screen, and its part of the progress bar from `start` to `end`, 0..1."""

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
    "rectify": ProgressStage(n_("Rectifying the photo"), 0.05, 1.0),
    "maps": ProgressStage(n_("Making the map"), 0.85, 0.95),
    "write": ProgressStage(n_("Writing the map"), 0.95, 1.0),
}
"""By the stage's name in the protocol."""


def describe_stage(step: Step) -> str:
    """Say in the user's language which stage a step's job is in, and how many seconds it has taken."""
    job = step.job
    progress = iface_("{stage}, {seconds:.1f} s").format(stage=iface_(STAGES[job.stage].label), seconds=job.elapsed)
    if step.count == 1:
        return progress
    return iface_("{number} of {of}: {progress}").format(number=step.number, of=step.count, progress=progress)


def total_progress(step: Step) -> float:
    """Return the share of a task that is done when its current step is this one, 0..1."""
    stage = STAGES[step.job.stage]
    done = stage.start + (stage.end - stage.start) * step.job.share
    return (step.number - 1 + done) / step.count


_task: Task | None = None
_scene_uid: int | None = None
_snapshot_at_start: object = None
"""The scene's SettingsSnapshot when the task was started."""

_queue: Queue | None = None
_outcome: Report | MidasNormalError | None = None
_draining_task: Task | None = None
_shown_progress: tuple = ()


def task() -> Task | None:
    """Return the running task."""
    return _task


def queue() -> Queue | None:
    """Return the queue whose task runs or has ended last, None where that task has no queue."""
    return _queue


def show_queue(queue: Queue | None) -> None:
    """Show a queue in the panel, or no queue with None."""
    global _queue
    _queue = queue


def describe_task(task: Task) -> str:
    """Say in the user's language what a task is doing, or which operator it waits for before it changes the file."""
    operator = running_operator() if task.is_ready else None
    if operator is None:
        return describe_stage(task.current_step)
    return iface_("Waiting until {operator} has ended").format(operator=iface_(operator.bl_label, contexts.operator_default))


def has_made_maps(outcome: Report | MidasNormalError) -> bool:
    """Whether the task that ended with this outcome has made a map; a queue may have made some before it failed."""
    return _queue.has_made_maps if _queue is not None else isinstance(outcome, Report) and bool(outcome.maps)


def last_outcome() -> Report | MidasNormalError | None:
    """Return the report or the error with which the last task ended."""
    return _outcome


def last_message() -> str:
    """Return the outcome of the last task as text, for a bug report."""
    if isinstance(_outcome, Report):
        return " ".join(_outcome.messages)
    return f"{type(_outcome).__name__}: {_outcome}" if _outcome else "none"


def draining_task() -> Task | None:
    """Return the cancelled task whose job the worker still has to end."""
    return _draining_task if _draining_task is not None and addon.client.is_draining(_draining_task.job) else None


def show_outcome(outcome: Report | MidasNormalError | None) -> None:
    """Show an outcome in the panel, or none with None."""
    global _outcome
    _outcome = outcome
    show_status(None)
    redraw_editors()


def start(new_task: Task, scene: bpy.types.Scene | None, queue: Queue | None = None) -> None:
    """Let the timer run a task to its end.

    Args:
        scene: the scene whose settings the map follows when it is made; None where it is made with other settings.
        queue: the queue whose task it is, if any.
    """
    global _task, _scene_uid, _snapshot_at_start
    _task = new_task
    _scene_uid = scene.session_uid if scene is not None else None
    _snapshot_at_start = scene.midas_normal.snapshot() if scene is not None else None
    show_queue(queue)
    show_outcome(None)
    timer.add(_poll)


def cancel() -> None:
    """Cancel the running task; called again while the worker is still busy with it, end the worker."""
    global _draining_task
    cancelled_task = _task or draining_task()
    if cancelled_task is None:
        return
    outcome: MidasNormalError = Cancelled("Cancelled.")
    try:
        cancelled_task.cancel()
    except MidasNormalError as error:
        outcome = error
    _draining_task = cancelled_task
    if _task is not None:
        _finish(outcome)
    timer.add(_drain)


def reset() -> None:
    """Cancel the running task and show no outcome any more, when another file is loaded."""
    cancel()
    show_queue(None)
    show_outcome(None)
    timer.remove(push_undo_step)


def _finish(outcome: Report | MidasNormalError) -> None:
    """Forget the running task, show its outcome, and make an undo step of its maps."""
    global _task
    _task = None
    show_outcome(outcome)
    if has_made_maps(outcome):
        timer.add(push_undo_step)


def _poll() -> bool:
    """Run the task's next step when its job is done and no operator runs; returns whether the task still runs."""
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
    image = bpy.data.images.get(report.map_name)  # None where a queue made nothing, or its map was removed since
    scene = find_by_uid(bpy.data.scenes, _scene_uid)
    if scene is not None and image is not None:
        scene.midas_normal.set_result(image, _snapshot_at_start)
    return False


def push_undo_step() -> bool:
    """Make one undo step of all new maps; in a timer call of its own, because it takes as long as storing a map."""
    if running_operator() is not None:
        return True
    bpy.ops.ed.undo_push(message="Normal Map")
    return False


def _redraw_when_changed() -> None:
    """Redraw when the panel would show another text or share of progress."""
    global _shown_progress
    if _task is None:
        return
    description = describe_task(_task)
    progress = description, round(_task.job.share, 2)
    if progress != _shown_progress:
        _shown_progress = progress
        show_status(iface_("Normal map: {progress}").format(progress=description))
        redraw_editors()


def _drain() -> bool:
    """Read what the worker still sends for a cancelled task; returns whether it is still busy with it."""
    addon.client.pump()
    if draining_task() is None:
        redraw_editors()
    return draining_task() is not None
