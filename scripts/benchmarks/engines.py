"""The engines as the benchmark uses them in Blender."""

from __future__ import annotations

from dataclasses import dataclass

from bl_ext.user_default.midas_normal.bridge.addon import preferences

from benchmarks.plan import Plan


@dataclass(frozen=True)
class Way:
    """A way to a map: its name, and the settings that are not the defaults."""

    name: str
    words: dict

    @property
    def is_midas(self) -> bool:
        return self.words["engine"] == "MIDAS"


def ways_at(side: int, plan: Plan) -> list[Way]:
    """Those that are measured at a size."""
    found = [Way("luminance", {"engine": "LUMINANCE"}), Way("relief", {"engine": "RELIEF"})]
    if plan.weights:
        found.append(Way("midas", {"engine": "MIDAS"}))
    found = [way for way in found if way.name in plan.engines]
    if plan.weights and side in plan.every_pixel:
        found.append(Way("midas, every pixel", {"engine": "MIDAS", "resolution": side}))
    return found


def prepare(way: Way, plan: Plan) -> None:
    """Shows the extension the MiDaS environment, or hides it: relief is to run as it does where nothing is installed."""
    chosen = preferences()
    chosen.environment_folder = plan.midas if way.is_midas else ""
    chosen.weights_folder = plan.weights if way.is_midas else ""
