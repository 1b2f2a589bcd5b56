"""Messages to users, which can be translated, and the exceptions that carry them."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from typing import Any, Union

Value = Union[str, int, float]  # noqa: UP007 - scripts use Python 3.9
"""Types of the values of a template; a Message is a str."""

FORMAT = re.compile(r",?(\.\d{1,2})?[dfg%]?")
"""Format specifications that a template may use: none makes a text much longer than its value."""

MAX_DEPTH = 8
"""How deep messages from another process may be nested."""


class Message(str):
    """An English sentence that keeps the template and the values it was made of, so that it can be translated.

    It is the sentence wherever text is joined, stored or printed.  The interface looks up the template in the user's
    language instead, and fills in the same values; those of them that are messages are translated, too.

    Without values the template is the sentence as it stands, braces and all.
    """

    template: str
    values: dict[str, Value]

    def __new__(cls, template: str, /, **values: object) -> Message:
        """Fill in the template.

        Args:
            template: with fields such as `{name!r}` or `{seconds:.1f}`; see `template_fields` for what they may be.
            values: for each field; what is neither text nor a number stands there as `str` shows it.
        """
        plain = {name: _template_value(value) for name, value in values.items()}
        message = super().__new__(cls, template.format(**plain) if plain else template)
        message.template, message.values = template, plain
        return message

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Value]]:
        """Let `copy` and `pickle` make the message again from its template and values."""
        return (self.template,), self.values


class Phrase(Message):
    """A part of other messages, such as a label: translated, but no sentence by itself."""


NO_MESSAGE = Message("")
"""The empty message."""


def join_messages(messages: Iterable[str], separator: str = " ") -> Message:
    """Join messages to one, in which each can still be translated by itself.

    separator: text without braces.

    >>> join_messages([Message("One."), Message("{count} more.", count=2)])
    'One. 2 more.'
    """
    values = {f"part{number}": message for number, message in enumerate(messages, 1)}
    return Message(separator.join(f"{{{name}}}" for name in values), **values)


def shorten_message(message: Message, length: int) -> Message:
    """Cut the texts in a message to `length` characters each."""
    if not message.values:
        return Message(message[:length])
    return Message(message.template, **{name: _shorten_value(value, length) for name, value in message.values.items()})


def _template_value(value: object) -> Value:
    return value if isinstance(value, (str, int, float)) and not isinstance(value, bool) else str(value)


def _shorten_value(value: Value, length: int) -> Value:
    if isinstance(value, Message):
        return shorten_message(value, length)
    return value[:length] if isinstance(value, str) else value


def template_fields(template: str) -> list[str]:
    """Name the fields of a template in their order.

    Raises:
        ValueError: a field is no identifier, stands there twice or is written in another way than FORMAT allows, so that a
            template from another process could reach into values or make endless texts of them.
    """
    names = []
    for _, name, how, conversion in string.Formatter().parse(template):
        if name is None:
            continue
        if not name.isidentifier() or name in names or conversion not in (None, "r") or not FORMAT.fullmatch(how or ""):
            raise ValueError(f"the field {name!r:.80} of a template")
        names.append(name)
    return names


def to_json(text: str) -> Any:
    """Make an object of JSON of a message; other text stays as it is.

    Bytes in names of files that are no text are written out.
    """
    if not isinstance(text, Message):
        return _escape_surrogates(text)
    values = {name: to_json(value) if isinstance(value, str) else value for name, value in text.values.items()}
    return {"template": _escape_surrogates(text.template), "values": values}


def from_json(data: Any, depth: int = MAX_DEPTH) -> Message:
    """Make a message of what `to_json` has made of one, or of text, which has no values then.

    Raises:
        ValueError: it is anything else, however it came about.
    """
    if isinstance(data, str):
        return Message(_check_text(data))
    if not isinstance(data, dict) or data.keys() != {"template", "values"} or depth == 0:
        raise ValueError("no message")
    template, values = data["template"], data["values"]
    if not isinstance(template, str) or not isinstance(values, dict):
        raise ValueError("no template and values")
    if values and set(template_fields(template)) != set(values):
        raise ValueError("values that do not fit the template")
    try:
        return Message(_check_text(template), **{name: _value_from_json(value, depth - 1) for name, value in values.items()})
    except OverflowError as error:
        raise ValueError("a number without end") from error


def _value_from_json(data: Any, depth: int) -> Value:
    if isinstance(data, str):
        return _check_text(data)
    return data if type(data) in (int, float) else from_json(data, depth)


def _escape_surrogates(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _check_text(text: str) -> str:
    """Return the text; raise ValueError (UnicodeEncodeError) for a lone surrogate, which cannot be shown."""
    text.encode()
    return text


class MessageError(Exception):
    """An exception whose `message` explains what is wrong, and can be translated."""

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
    """The map cannot be stored or wired at the requested place."""


class EngineUnavailable(MidasNormalError):
    """The requested engine cannot run here."""


class EngineError(MidasNormalError):
    """The engine was running and failed."""


class WeightsError(EngineUnavailable):
    """The file with the network's weights is missing, damaged or not what it should be."""


class SurfaceGone(MidasNormalError):
    """The surface of which a map is to be made again is no longer in the worker's memory."""


class NotRectified(MidasNormalError):
    """The photo was left as it is, because it is straight already or its lines do not tell how it was taken."""


class Unchanged(MidasNormalError):
    """The map exists already, made from the same picture with the same settings."""


class WorkerError(MidasNormalError):
    """The worker process could not be started, or ended before it answered."""


class ProtocolError(WorkerError):
    """The bytes on the pipe are not the messages of this version."""


class InstallError(MidasNormalError):
    """The MiDaS environment could not be made, checked or removed."""


class WrongThread(MidasNormalError):
    """The extension was called from another thread than Blender's main one."""


class Cancelled(MidasNormalError):
    """The request was cancelled, by the user or by the program."""


_EXCEPTIONS = {
    kind.__name__: kind
    for kind in (SettingsError, SourceError, TargetError, EngineUnavailable, EngineError, WeightsError, SurfaceGone,
                 NotRectified, Unchanged, WorkerError, ProtocolError, InstallError, WrongThread, Cancelled)
}


def error_from_kind(kind: str, message: Message) -> MidasNormalError:
    """Make the exception with this class name and message; the base class for an unknown name."""
    return _EXCEPTIONS.get(kind, MidasNormalError)(message)


def reason_of(error: Exception) -> str:
    """Return the reason of an exception as a value for another message: its own, or that of the system or library."""
    if isinstance(error, MessageError):
        return error.message
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
