"""Register the interface's translations with Blender, and translate messages with their values."""

from __future__ import annotations

from collections.abc import Callable

import bpy

from ...bridge.addon import EXTENSION
from ...core.errors import Message, template_fields
from . import de

LANGUAGES = {"de": de.MESSAGES}
"""Translations by language, context and English text; a bare language serves all its countries, such as de_DE."""


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


def register() -> None:
    """Add the translations to Blender."""
    bpy.app.translations.register(EXTENSION, {language: _by_key(messages) for language, messages in LANGUAGES.items()})


def unregister() -> None:
    """Remove the translations from Blender."""
    bpy.app.translations.unregister(EXTENSION)


def _by_key(messages: dict[str, dict[str, str]]) -> dict[tuple[str, str], str]:
    """Return the translations by Blender's keys: context and English text."""
    return {(context, english): text for context, texts in messages.items() for english, text in texts.items()}
