"""Processes that train one network together: each learns from a part of the batch, all take the same step."""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, distributed


@dataclass(frozen=True)
class Ranks:
    """How many processes train together, and which of them this is; 0 measures and saves."""

    count: int = 1
    rank: int = 0

    def agree(self, gradients: Sequence[Tensor], seconds: float) -> tuple[Sequence[Tensor], float]:
        """Replace gradients by the mean over all processes, and return the seconds that process 0 has counted."""
        if self.count == 1:
            return gradients, seconds
        clock = torch.tensor([seconds if self.rank == 0 else 0.0])
        flat = torch.cat([*(gradient.flatten() for gradient in gradients), clock])
        distributed.all_reduce(flat)
        *parts, clock = flat.split([*(gradient.numel() for gradient in gradients), 1])
        return [part.view_as(one) / self.count for part, one in zip(parts, gradients)], float(clock)

    def check(self) -> None:
        """End this process when the one that started it has ended, which nobody else would do."""
        parent = multiprocessing.parent_process()
        if parent is not None and not parent.is_alive():
            sys.exit("The training was ended.")


def run_ranks(count: int, work: Callable[..., None], *arguments: object) -> None:
    """Call work(Ranks, *arguments) in `count` processes, in this one for one; raise what one of them raises."""
    if count == 1:
        work(Ranks(), *arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(_join, (count, str(Path(folder) / "ranks"), work, arguments), nprocs=count)


def _join(rank: int, count: int, file: str, work: Callable[..., None], arguments: tuple) -> None:
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    distributed.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=count)
    try:
        work(Ranks(count, rank), *arguments)
    finally:
        distributed.destroy_process_group()
