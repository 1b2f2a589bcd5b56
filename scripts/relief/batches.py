"""Batches to train on: real materials and made-up samples, as nested windows or as whole tiles."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from . import windows
from .materials import Material, weights_of
from .relighting import relit_file
from .windows import Plate

if TYPE_CHECKING:
    from numpy.random import Generator

    from .pool import Shards

TILE_SHARE = 0.2
"""Share of the batches that hold whole tiles, whose borders repeat; the others hold windows, whose borders do not."""

TILE = 256
"""Pixels of a whole tile's side."""

RELIT_SHARE = 0.45
"""Share of the real samples that are shown lit anew."""

READY = 4
"""Batches that are read ahead."""


@dataclass(frozen=True)
class Batch:
    """What one step learns from.

    pixels: for each size, smallest first, N x 3 x H x W, 0..1; one size for whole tiles.  truths: N x 2 x H x W slopes.
    inside: see `windows.Windows`.  repeats: whether the borders do, as those of whole tiles.
    """

    pixels: list[Tensor]
    truths: list[Tensor]
    inside: list[tuple[int, int]]
    repeats: bool


class RealPlates:
    """The real materials as plates: each as it is, and as its relit pictures in `folder` show it."""

    def __init__(self, materials: Sequence[Material], folder: Path, relit: int) -> None:
        self._weights = weights_of(list(materials))
        self._plates = [self._of(m, folder, relit) for m in materials]
        square = np.array([all(m.tiles) and m.rgb.shape[0] == m.rgb.shape[1] for m in materials], float) * self._weights
        self._tile_weights = square / square.sum() if square.any() else None

    @staticmethod
    def _of(material: Material, folder: Path, relit: int) -> list[Plate]:
        slopes = windows.slope_steps(material.slopes)
        pictures = [material.rgb, *(np.load(relit_file(folder, material.name, i), mmap_mode="r") for i in range(relit))]
        return [Plate(rgb, slopes, all(material.tiles)) for rgb in pictures]

    def draw(self, rng: Generator, count: int, tiles: bool) -> list[Plate]:
        """Different materials, as far as there are; only square ones that repeat where tiles are asked for."""
        weights = self._tile_weights if tiles else self._weights
        if weights is None:
            return []
        several = int((weights > 0).sum()) >= count
        plates = []
        for i in rng.choice(len(weights), size=count, p=weights, replace=not several):
            pictures = self._plates[i]
            lit_anew = len(pictures) > 1 and rng.random() < RELIT_SHARE
            plates.append(pictures[rng.integers(1, len(pictures))] if lit_anew else pictures[0])
        return plates


class Batches:
    """Batches without end, read by a thread while the network learns from the one before."""

    def __init__(self, made_up: Shards, real: RealPlates | None, real_share: float, side: int, count: int, device: str,
                 rng: Generator) -> None:
        self._made_up, self._real, self._real_share = made_up, real, real_share
        self._side, self._count, self._device, self._rng = side, count, device, rng

    def __iter__(self) -> Iterator[Batch]:
        ready: queue.Queue[Batch | Exception] = queue.Queue(READY)
        over = threading.Event()
        threading.Thread(target=self._read, args=(ready, over), daemon=True).start()
        try:
            while True:
                batch = ready.get()
                if isinstance(batch, Exception):
                    raise batch
                yield batch
        finally:
            over.set()

    def _read(self, ready: queue.Queue[Batch | Exception], over: threading.Event) -> None:
        batch: Batch | Exception
        while not over.is_set():
            try:
                batch = self.draw()
            except Exception as error:  # noqa: BLE001 - raised again where the batch is taken
                batch = error
            while not over.is_set():
                try:
                    ready.put(batch, timeout=1)
                    break
                except queue.Full:
                    continue

    def draw(self) -> Batch:
        """Return one batch, recoloured."""
        rng, tiles = self._rng, self._rng.random() < TILE_SHARE
        area = self._count * self._side ** 2
        count = max(1, 2 * area // TILE ** 2) if tiles else self._count
        real = int(rng.binomial(count, self._real_share)) if self._real is not None else 0
        plates = self._real.draw(rng, real, tiles) if self._real is not None and real else []
        plates += self._made_up.plates(rng, count - len(plates))
        sizes = [windows.whole(rng, plates, TILE)] if tiles else windows.draw(rng, plates, self._side)
        pixels = [_tensor(size.rgb, self._device) / 255 for size in sizes]
        truths = [_tensor(size.slopes, self._device) for size in sizes]
        return Batch(recolour(pixels), truths, [size.inside for size in sizes], tiles)


def _tensor(values: np.ndarray, device: str) -> Tensor:
    """Convert N x H x W x C to N x C x H x W float32."""
    return torch.from_numpy(values).to(device, non_blocking=True).permute(0, 3, 1, 2).float()


def recolour(sizes: Sequence[Tensor]) -> list[Tensor]:
    """Change exposure, white balance, tone curve, editing and sensor noise of pictures, in steps of 8 bits.

    Two in five are made paler or darker and of little contrast, down to a fifth, as textures are from which the light was
    taken: how steep a surface is does not depend on how strongly its picture was drawn.

    Args:
        sizes: the same pictures at several sizes, N x 3 x H x W each, 0..1; each picture is changed alike at all of them.
    """
    first = sizes[0]

    def random(low: float, high: float, channels: int = 1) -> Tensor:
        return low + (high - low) * torch.rand(len(first), channels, 1, 1, device=first.device)

    factors = (torch.exp2(random(-1.2, 0.5)) * random(0.77, 1.3, 3)) ** (1 / 2.2)
    power = torch.exp(random(-0.25, 0.25))
    contrast = torch.where(random(0, 1) < 0.4, torch.exp(random(math.log(0.2), 0)), 1)
    middle = (first.clamp_min(1e-4) ** power * factors).mean((1, 2, 3), keepdim=True)
    ground = torch.where(contrast < 1, middle * random(0.5, 1.1), middle)
    noisy = random(0, 0.02) * (random(0, 1) < 0.5) * contrast
    changed_sizes = []
    for pixels in sizes:
        changed = ground + contrast * (pixels.clamp_min(1e-4) ** power * factors - middle)
        changed = changed + torch.randn_like(pixels) * noisy
        changed_sizes.append(((changed).clamp(0, 1) * 255).round() / 255)
    return changed_sizes
