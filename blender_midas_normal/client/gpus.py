"""Graphics cards: which one of several a worker is shown, and which build of torch has kernels for those there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .children import run

CUDA, HIP = "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"
"""Variables in which CUDA and ROCm look for the cards that a program may see: numbers or names, with commas between."""

CUDA_12 = "cu126"
"""The last build of torch with kernels for cards before OLDEST_OF_CUDA_13: Maxwell, Pascal and Volta."""

OLDEST_OF_CUDA_12, OLDEST_OF_CUDA_13 = (5, 0), (7, 5)
"""Compute capabilities; torch's builds for CUDA 13, the default ones, begin with Turing."""

QUERY = ("nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader")
QUERY_SECONDS = 20.0
"""Within this time NVIDIA's program answers, which wakes sleeping cards for it."""


def fitting_build(backend: str, cancelled: Callable[[], bool] = lambda: False) -> str:
    """The build of torch to install for a choice that leaves it open (`auto`, `registry`), else the one that was chosen.

    It is CUDA_12 where all of NVIDIA's cards here are too old for CUDA 13; one that is not would be the one used.
    """
    if backend not in ("auto", "registry"):
        return backend
    capabilities = compute_capabilities(cancelled)
    is_old = all(OLDEST_OF_CUDA_12 <= capability < OLDEST_OF_CUDA_13 for capability in capabilities)
    return CUDA_12 if capabilities and is_old else backend


def compute_capabilities(cancelled: Callable[[], bool] = lambda: False) -> list[tuple[int, int]]:
    """(major, minor) of each of NVIDIA's cards, as its driver's program tells; none where there is no such program."""
    try:
        ended = run(QUERY, cancelled=cancelled, seconds=QUERY_SECONDS)
    except (OSError, TimeoutError):
        return []
    found = [re.fullmatch(r"(\d+)\.(\d+)", line.strip()) for line in ended.tail.splitlines()] if ended.code == 0 else []
    return [(int(match[1]), int(match[2])) for match in found if match]


def only_gpu(number: int, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables that show a program one card of those that these variables show; number: its place among them, from 0.

    ROCm takes CUDA's variable where its own is not set.
    """
    return {CUDA: _named(number, variables.get(CUDA)), HIP: _named(number, variables.get(HIP, variables.get(CUDA)))}


def _named(number: int, shown: str | None) -> str:
    """What a variable calls the card; its number where there is no variable, or one for other makers' cards."""
    names = shown.split(",") if shown is not None else []
    return names[number].strip() if number < len(names) else str(number)
