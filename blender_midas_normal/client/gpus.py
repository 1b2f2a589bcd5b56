"""Which of several graphics cards a worker uses: it is shown no other."""

from __future__ import annotations

from collections.abc import Mapping

CUDA, HIP = "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"
"""Variables in which CUDA and ROCm look for the cards that a program may see: numbers or names, with commas between."""


def only_gpu(number: int, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that show a program one card of those that these variables show; number: its place among them, from 0.

    ROCm takes CUDA's variable where its own is not set.
    """
    return {CUDA: _named(number, variables.get(CUDA)), HIP: _named(number, variables.get(HIP, variables.get(CUDA)))}


def _named(number: int, shown: str | None) -> str:
    """What a variable calls the card; its number where there is no variable, or one for other makers' cards."""
    names = shown.split(",") if shown is not None else []
    return names[number].strip() if number < len(names) else str(number)
