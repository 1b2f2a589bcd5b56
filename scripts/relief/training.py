"""The training itself: steps, schedule, checkpoints and the measures on what is held out."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .batches import TILE, Batch
from .curves import draw_curves
from .losses import loss, relative_error
from .measures import Measured, factor_for, measure
from .network import Architecture, Forward, HalfPrecision, export, load, new_network, sizes_of, through_sizes
from .ranks import Ranks

WARM_UP = 0.02
"""Share of the training in which the learning rate rises."""

COOL_DOWN = 0.4
"""Share of the training in which it falls, at its end."""

LOWEST_RATE = 0.02
"""Share of the highest learning rate that is left at the end."""

WEIGHT_DECAY = 1e-4
LONGEST_GRADIENT = 1.0

AVERAGE_OVER = 2000
"""Steps over which the weights that are exported are averaged."""

STEADY = 0.3
"""Weight of what changes when a whole tile is rolled, its answer rolled back."""

SMALLEST_TILE = 128
"""Pixels of a whole tile's side at its smallest size."""


MAX_STEP_S = 30.0
"""Seconds that the time between two steps counts at most: more is measuring, or a process that was stopped."""

MOST_COMPILED = 32
"""Variants of the network that torch.compile may make: for each shape, and each thread."""


@dataclass(frozen=True)
class Plan:
    """What decides about a training: `minutes` of it, the highest learning rate, a seed, the device.

    half: the network runs in bfloat16.  compiled: by torch.compile, which needs a C++ compiler.  On one core of an EPYC with
    AVX512-BF16, 4 windows of 128 took 0.147 s in bfloat16 and 0.091 compiled.
    """

    minutes: float
    rate: float
    seed: int
    device: str
    checkpoint_minutes: float = 10.0
    half: bool = True
    compiled: bool = False


@dataclass(frozen=True)
class HeldOut:
    """Pictures that are never trained on, by the name under which they are logged; `calibration` chooses the factor."""

    sets: dict[str, list[Measured]]
    calibration: str


class Training:
    """A network, what it takes to train it on, and what has been logged so far."""

    def __init__(self, architecture: Architecture, plan: Plan, ranks: Ranks) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.ranks = plan, ranks
        self.network = new_network(architecture).to(plan.device)
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), plan.rate, weight_decay=WEIGHT_DECAY)
        torch._dynamo.config.recompile_limit = MOST_COMPILED
        self._eager: Forward = HalfPrecision(self.network) if plan.half else self.network
        self._forward: Forward = torch.compile(self._eager, dynamic=False) if plan.compiled else self._eager
        self.step, self.seconds = 0, 0.0
        self.log: list[dict] = []

    def run(self, batches: Iterable[Batch], held_out: HeldOut, out: Path, look: Callable[[], None]) -> None:
        """Train until the plan's minutes are over; `look` is called from time to time, to update the data.

        Every few minutes, and at the end, the folder `out` gets checkpoint.pt, relief.npz, log.json and curves.png.
        """
        counted = looked = saved = time.monotonic()
        losses: list[float] = []
        for batch in batches:
            now = time.monotonic()
            losses.append(self._learn(batch, self.seconds + min(now - counted, MAX_STEP_S)))
            counted = now
            now, over = time.monotonic(), self.seconds >= self.plan.minutes * 60
            if now - looked > 5:
                looked = now
                look()
            if self.ranks.rank == 0 and (over or now - saved > self.plan.checkpoint_minutes * 60):
                self._note(losses, held_out)
                self.save(out)
                saved, losses = time.monotonic(), []
            if over:
                return

    def save(self, out: Path) -> None:
        """Write everything; the checkpoint under another name first, so that an existing one is complete."""
        unfinished = out / "checkpoint.unfinished"
        torch.save({"network": self.network.state_dict(), "average": self.average.state_dict(),
                    "optimizer": self.optimizer.state_dict(), "step": self.step, "seconds": self.seconds, "log": self.log},
                   unfinished)
        unfinished.replace(out / "checkpoint.pt")
        export(self.average, out / "relief.npz", self.log[-1]["factor"] if self.log else 1.0)
        (out / "log.json").write_text(json.dumps({"plan": asdict(self.plan), "log": self.log}, indent=1))
        draw_curves(self.log, out / "curves.png")

    def resume(self, out: Path) -> None:
        """Continue from the folder's checkpoint."""
        kept = torch.load(out / "checkpoint.pt", map_location=self.plan.device, weights_only=True)
        self.network.load_state_dict(kept["network"])
        self.average.load_state_dict(kept["average"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.step, self.seconds, self.log = kept["step"], kept["seconds"], kept["log"]

    def begin_with(self, file: Path) -> None:
        """Begin with the numbers in a file of weights, not with random ones; raise WeightsError."""
        load(self.network, file)
        self.average.load_state_dict(self.network.state_dict())

    def _learn(self, batch: Batch, seconds: float) -> float:
        """Make one step after so many seconds of training; return the loss before it."""
        share = min(1.0, self.seconds / (self.plan.minutes * 60))
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate * rate_at(share)
        total, gradients = self._gradients(batch)
        gradients, self.seconds = self.ranks.agree(gradients, seconds)
        for parameter, gradient in zip(self.network.parameters(), gradients):
            parameter.grad = gradient
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), LONGEST_GRADIENT)
        self.optimizer.step()
        self.step += 1
        self._average_in()
        if self.plan.device != "cpu" and self.step % 20:
            return math.nan  # asking a GPU for every number would make it wait
        return float(total)

    def _gradients(self, batch: Batch) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Compute the loss on a batch, the mean over its sizes, and its gradients."""
        answers = _of_tile(self._forward, batch.pixels[0]) if batch.repeats else \
            through_sizes(self._forward, batch.pixels, batch.inside, (False, False))
        truths = sizes_of(batch.truths[0], SMALLEST_TILE) if batch.repeats else batch.truths
        total = torch.stack([loss(answer, truth) for answer, truth in zip(answers, truths)]).mean()
        if batch.repeats:
            total = total + STEADY * relative_error(answers[-1] - self._infer_rolled(batch.pixels[0]), truths[-1]).mean()
        return total.detach(), torch.autograd.grad(total, list(self.network.parameters()))

    @torch.no_grad()
    def _infer_rolled(self, pixels: Tensor) -> Tensor:
        """Predict the slopes of whole tiles rolled on the network's grid of strides, and roll them back."""
        by = [int(offset) for offset in torch.randint(TILE, (2,))]
        answer = _of_tile(self._eager, pixels.roll(by, (2, 3)))[-1]
        return answer.roll([-offset for offset in by], (2, 3))

    def _average_in(self) -> None:
        """Update the moving averages; young ones follow quickly, so that the beginning is forgotten."""
        share = max(1 / AVERAGE_OVER, 1 / (1 + self.step / 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.network.parameters()), share)

    def _note(self, losses: list[float], held_out: HeldOut) -> None:
        entry = {"minutes": self.seconds / 60, "step": self.step, "loss": float(np.nanmean(losses))}
        for name, pictures in held_out.sets.items():
            scores, answers = measure(self.average, pictures)
            entry |= {f"{name}_{part}": value for part, value in asdict(scores).items()}
            if name == held_out.calibration:
                entry["factor"] = factor_for(answers, pictures)
        self.log.append(entry)
        print(json.dumps({name: round(value, 4) for name, value in entry.items()}), flush=True)


def _of_tile(forward: Forward, pixels: Tensor) -> list[Tensor]:
    """Predict the slopes of whole tiles, at each size."""
    sizes = sizes_of(pixels, SMALLEST_TILE)
    return through_sizes(forward, sizes, [(0, 0)] * len(sizes), (True, True))


def rate_at(share: float) -> float:
    """Return the learning rate at a share of the training, as a share of the highest: a rise, a level, half a cosine."""
    if share < WARM_UP:
        return 0.05 + 0.95 * share / WARM_UP
    fallen = max(0.0, share - (1 - COOL_DOWN)) / COOL_DOWN
    return LOWEST_RATE + (1 - LOWEST_RATE) * 0.5 * (1 + math.cos(math.pi * fallen))
