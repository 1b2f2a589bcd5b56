"""The interface in the user's language, by Blender's own mechanism: data for each language.

All texts of `ui` are translated.  Of the messages that core, client, worker and bridge make, the template is looked up (see
`ui.messages`); those without a translation are shown in English.
"""

from __future__ import annotations

import bpy

from ...bridge.addon import EXTENSION
from . import de

LANGUAGES = {"de": de.MESSAGES}
"""Translations by language, context and English text; a bare language serves all its countries, such as de_DE."""


def register() -> None:
    """Let Blender know the translations."""
    bpy.app.translations.register(EXTENSION, {language: _by_key(messages) for language, messages in LANGUAGES.items()})


def unregister() -> None:
    bpy.app.translations.unregister(EXTENSION)


def _by_key(messages: dict[str, dict[str, str]]) -> dict[tuple[str, str], str]:
    """Blender's keys: context and English text."""
    return {(context, english): text for context, texts in messages.items() for english, text in texts.items()}
