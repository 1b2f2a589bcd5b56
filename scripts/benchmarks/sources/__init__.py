"""Height maps and normal maps as sources: how exact their maps are, and how long a file takes to become one."""

from __future__ import annotations

from pathlib import Path

from benchmarks.answer import Answer, join_answers
from benchmarks.plan import Plan
from benchmarks.sources import files, green, round_trip, waves

SHARED = Path(__file__).resolve().parents[4] / "shared"
"""The folder beside the checkout whose `cc0` and `materials` hold real normal maps."""


def measure(plan: Plan) -> Answer:
    from benchmarks.sources import beside_depth2normal  # the other parts need no other library

    return join_answers([waves.measure(), beside_depth2normal.measure(plan), round_trip.measure(SHARED),
                         green.measure(SHARED / "cc0"), files.measure(plan)])
