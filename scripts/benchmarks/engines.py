"""The engines as the benchmark uses them in Blender."""

from __future__ import annotations

from dataclasses import dataclass

from bl_ext.user_default.midas_normal.bridge.addon import preferences

from benchmarks.plan import Plan


@dataclass(frozen=True)
class Way:
    """A way to a map: its name, and the settings that are not the defaults."""

    name: str
    settings: dict

    @property
    def is_midas(self) -> bool:
        return self.settings["engine"] == "MIDAS"


def ways_at(side: int, plan: Plan) -> list[Way]:
    """Return the ways that are measured at a size."""
    ways = [Way("luminance", {"engine": "LUMINANCE"}), Way("relief", {"engine": "RELIEF"})]
    if plan.weights:
        ways.append(Way("midas", {"engine": "MIDAS"}))
    ways = [way for way in ways if way.name in plan.engines]
    if plan.weights and side in plan.every_pixel:
        ways.append(Way("midas, every pixel", {"engine": "MIDAS", "resolution": side}))
    return ways


def prepare(way: Way, plan: Plan) -> None:
    """Show the MiDaS environment to the extension, or hide it: relief is to run as where nothing is installed."""
    chosen = preferences()
    chosen.environment_folder = plan.midas if way.is_midas else ""
    chosen.weights_folder = plan.weights if way.is_midas else ""
