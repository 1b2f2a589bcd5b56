"""What the worker is doing, in words and as a share of the whole."""

from __future__ import annotations

from dataclasses import dataclass

from bpy.app.translations import pgettext_iface as iface_
from bpy.app.translations import pgettext_n as n_

from ..bridge.task import Step


@dataclass(frozen=True)
class Stage:
    """One of the worker's stages: its name for people, and the part of the progress bar that belongs to it."""

    label: str
    start: float
    end: float


STAGES = {
    "start": Stage(n_("Starting the worker"), 0.0, 0.0),
    "read": Stage(n_("Reading the picture"), 0.0, 0.05),
    "load": Stage(n_("Loading the network"), 0.05, 0.2),
    "network": Stage(n_("Running the network"), 0.2, 0.8),
    "height": Stage(n_("Building the heights"), 0.8, 0.85),
    "luminance": Stage(n_("Measuring the brightness"), 0.05, 0.6),
    "maps": Stage(n_("Making the map"), 0.85, 0.95),
    "write": Stage(n_("Writing the map"), 0.95, 1.0),
}


def described(step: Step) -> str:
    """The stage that a step's job is in and the seconds it has taken, in the user's language."""
    job = step.job
    progress = iface_("{stage}, {seconds:.1f} s").format(stage=iface_(STAGES[job.stage].label), seconds=job.elapsed)
    if step.of == 1:
        return progress
    return iface_("{number} of {of}: {progress}").format(number=step.number, of=step.of, progress=progress)


def share(step: Step) -> float:
    """How much of the whole is done, 0..1."""
    stage = STAGES[step.job.stage]
    done = stage.start + (stage.end - stage.start) * step.job.done
    return (step.number - 1 + done) / step.of
