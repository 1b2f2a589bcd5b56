"""German, in the vocabulary of Blender's own German interface; by context, the English text and the German one.

Messages (reports, reasons and errors) are translated by the template; those of the command line alone stay English.
"""

from __future__ import annotations

from .blender_messages import BLENDER_MESSAGES
from .farm import FARM, FARM_OPERATORS
from .messages import ERRORS, FROM_BUMP, MIDAS, RECTIFYING, REPORTS, WIRING
from .operators import OPERATORS, PROGRESS, QUEUE, REASONS_AND_REPORTS, WHAT_OPERATORS_DO
from .preferences import COMPUTER_CHECK, PREFERENCES, SETUP
from .properties import PANEL, PLACES, SETTINGS
from .setup_messages import SETUP_MESSAGES
from .worker_messages import WORKER_MESSAGES

MESSAGES: dict[str, dict[str, str]] = {
    "Operator": {**OPERATORS, **FARM_OPERATORS},
    "*": {**WHAT_OPERATORS_DO, **REASONS_AND_REPORTS, **PANEL, **PROGRESS, **QUEUE, **PLACES, **SETTINGS, **PREFERENCES,
          **SETUP, **COMPUTER_CHECK, **REPORTS, **WIRING, **ERRORS, **MIDAS, **FROM_BUMP,
          **RECTIFYING, **FARM, **BLENDER_MESSAGES, **SETUP_MESSAGES, **WORKER_MESSAGES},
}
