"""Messages in the user's language."""

from __future__ import annotations

from collections.abc import Callable

from ..core.errors import Message, template_fields


def translate_message(message: Message, translate: Callable[[str], str]) -> str:
    """Say a message, and the messages among its values, in the user's language.

    Args:
        message: its other values, such as names of files, stay as they are.
        translate: Blender's lookup for the place where the message is shown.

    Returns:
        The English sentence where the translation of its template cannot hold its values.
    """
    template = translate(message.template)
    if not message.values:
        return template
    values = {name: translate_message(value, translate) if isinstance(value, Message) else value
              for name, value in message.values.items()}
    try:
        return template.format(**values) if set(template_fields(template)) == set(values) else str(message)
    except ValueError:
        return str(message)
