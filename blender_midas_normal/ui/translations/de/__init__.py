"""German, in the vocabulary of Blender's own German interface; by context, the English text and the German one.

Of messages (reports, reasons and errors) some are translated, by the template; the others stay English.
"""

from __future__ import annotations

from .farm import FARM, FARM_OPERATORS
from .messages import ERRORS, FROM_BUMP, MIDAS, RECTIFYING, REPORTS, WIRING
from .operators import OPERATORS, PROGRESS, QUEUE, REASONS_AND_REPORTS, WHAT_OPERATORS_DO
from .preferences import COMPUTER_CHECK, PREFERENCES, SETUP
from .properties import PANEL, PLACES, SETTINGS

MESSAGES: dict[str, dict[str, str]] = {
    "Operator": {**OPERATORS, **FARM_OPERATORS},
    "*": {**WHAT_OPERATORS_DO, **REASONS_AND_REPORTS, **PANEL, **PROGRESS, **QUEUE, **PLACES, **SETTINGS, **PREFERENCES,
          **SETUP, **COMPUTER_CHECK, **REPORTS, **WIRING, **ERRORS, **MIDAS, **FROM_BUMP,
          **RECTIFYING, **FARM},
}
