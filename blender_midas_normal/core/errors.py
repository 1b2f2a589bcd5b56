"""The project's own exceptions: each message is one sentence saying what is wrong and what to do."""

from __future__ import annotations

from .messages import Message


class MessageError(Exception):
    """An exception whose `message` says what is wrong, and can be translated."""

    def __init__(self, template: str, /, **values: object) -> None:
        """Take a message as it is, or make one of a template and its values; see `Message`."""
        self.message = template if isinstance(template, Message) else Message(template, **values)
        super().__init__(self.message)


class InvalidData(MessageError, ValueError):
    """Bytes or values that are not what they should be; the message is a clause that ends somebody else's sentence."""


class MidasNormalError(MessageError):
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


def error_of_kind(kind: str, message: Message) -> MidasNormalError:
    """The exception that crossed the pipe as a kind (its class name) and its message; an unknown kind is the base class."""
    return _KINDS.get(kind, MidasNormalError)(message)


def reason_of(error: Exception) -> str:
    """Say why an exception was raised, as a value of another message: by its own one, or as the system or a library does."""
    if isinstance(error, MessageError):
        return error.message
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
