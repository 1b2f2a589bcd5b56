"""The verbs of main.py: install, download, check, remove and check_computer; each returns its closing message."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Union

from ...core.engines import ENGINES
from ...core.errors import InstallError, Message, Phrase, join_messages
from ...core.weights import Weights, find_weights, verify_weights
from .. import computer_check
from . import ProgressEvent, environment, weights
from .environment import PARTS, Environment
from .install import check, install, midas_recipe
from .interpreters import find_interpreter

ReportProgress = Callable[[Union[ProgressEvent, computer_check.CheckEvent]], None]  # noqa: UP007 - scripts use Python 3.9
IsCancelled = Callable[[], bool]

OFFLINE = Message("MiDaS is not installed while Blender is offline; turn on Preferences > System > Network > Allow Online "
                  "Access and try again.")


def install_environment(options: argparse.Namespace, report: ReportProgress, cancelled: IsCancelled) -> Message:
    """Install, complete or repair the environment."""
    if options.offline:
        raise InstallError(OFFLINE)
    base = find_interpreter(options.python, cancelled)
    made = _environment(options)
    marker = environment.read_marker(made)
    parts = [*options.parts.split(","), *(marker.parts.split() if marker is not None else ())]
    notes = install(made, base.path, options.backend, report, midas_recipe(parts, options.backend), cancelled)
    return join_messages((Message("MiDaS is installed."), *notes))


def download_weights(options: argparse.Namespace, report: ReportProgress, cancelled: IsCancelled) -> Message:
    """Download the weights of an engine."""
    file = weights.download(options.weights.absolute(), _weights(options), report, cancelled, online=not options.offline)
    return Message("The weights are {file}.", file=file)


def check_environment(options: argparse.Namespace, report: ReportProgress, cancelled: IsCancelled) -> Message:
    """Run the checking program in the environment, and verify the weights where a folder is given."""
    made = _environment(options)
    news = check(made, report, midas_recipe(environment.environment_status(made).parts or PARTS, ""), cancelled)
    if options.weights is None:
        return Message(news)
    wanted = _weights(options)
    path = find_weights(options.weights, wanted) / wanted.files[0].name
    return join_messages((news, verify_weights(path, wanted) or Message("{file} is the known file.", file=path)))


def remove_environment(options: argparse.Namespace, report: ReportProgress, cancelled: IsCancelled) -> Message:
    """Remove the environment."""
    report(ProgressEvent(1, 1, Phrase("Removing the MiDaS environment")))
    environment.remove_environment(_environment(options))
    return Message("MiDaS is removed.")


def check_computer(options: argparse.Namespace, report: ReportProgress, cancelled: IsCancelled) -> Message:
    """Check what this computer's device computes, and how fast."""
    return computer_check.check_computer(_environment(options), report, cancelled)


def _weights(options: argparse.Namespace) -> Weights:
    sizes = ENGINES[options.engine].weights
    return sizes.get(options.model) or next(iter(sizes.values()))


def _environment(options: argparse.Namespace) -> Environment:
    return Environment(options.folder.absolute())


VERBS = {"install": install_environment, "download": download_weights, "check": check_environment,
         "remove": remove_environment, "check_computer": check_computer}
