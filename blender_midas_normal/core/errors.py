"""The project's own exceptions: each message is one sentence saying what is wrong and what to do."""

from __future__ import annotations


class MidasNormalError(Exception):
    """Anything a user should read as one sentence, never as a traceback."""


class SettingsError(MidasNormalError):
    """A setting has no such value."""


class SourceError(MidasNormalError):
    """The picture cannot be read or used."""


class TargetError(MidasNormalError):
    """The map cannot be stored or wired where it was asked to go."""


class EngineUnavailable(MidasNormalError):
    """The engine asked for cannot run here."""


class EngineError(MidasNormalError):
    """The engine was running and failed."""


class WeightsError(EngineUnavailable):
    """The file with the network's weights is missing, damaged or not what it should be."""


class SurfaceGone(MidasNormalError):
    """The surface to be re-tuned is no longer in the worker's memory."""


class Unchanged(MidasNormalError):
    """The map is there already, made from the same picture with the same settings."""


class WorkerError(MidasNormalError):
    """The worker process could not be started, or ended before it answered."""


class ProtocolError(WorkerError):
    """The bytes on the pipe are not the messages of this version."""


class InstallError(MidasNormalError):
    """The MiDaS environment could not be made, checked or removed."""


class WrongThread(MidasNormalError):
    """The extension was called from another thread than Blender's main one."""


class Cancelled(MidasNormalError):
    """The user, or the program for the user, gave the request up."""


_KINDS = {
    kind.__name__: kind
    for kind in (SettingsError, SourceError, TargetError, EngineUnavailable, EngineError, WeightsError, SurfaceGone,
                 Unchanged, WorkerError, ProtocolError, InstallError, WrongThread, Cancelled)
}


def error_of_kind(kind: str, text: str) -> MidasNormalError:
    """The exception that crossed the pipe as a kind (its class name) and its text; an unknown kind is the base class."""
    return _KINDS.get(kind, MidasNormalError)(text)
