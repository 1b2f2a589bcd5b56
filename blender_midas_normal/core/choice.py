"""Which engine AUTO means, and why."""

from __future__ import annotations

from collections.abc import Mapping

from .errors import EngineUnavailable
from .messages import Message
from .settings import Settings


def chosen_engine(settings: Settings, unavailable: Mapping[str, Message]) -> tuple[str, Message]:
    """(engine, why) for the settings, given each engine's reason why it cannot run ("" when it can).

    Raises EngineUnavailable when the engine asked for cannot run.
    """
    asked = settings.engine
    if asked == "AUTO":
        if not unavailable["MIDAS"]:
            return "MIDAS", Message("AUTO chose MiDaS: its environment and weights are there.")
        if settings.depth_scale == "RAW":
            raise EngineUnavailable("depth_scale RAW needs MiDaS, which cannot run here: {reason}",
                                    reason=unavailable["MIDAS"])
        return "RELIEF", Message("AUTO chose relief, because MiDaS cannot run here: {reason}",
                                 reason=unavailable["MIDAS"])
    if unavailable[asked]:
        raise EngineUnavailable(unavailable[asked])
    return asked, Message("{engine} was asked for.", engine=asked)
