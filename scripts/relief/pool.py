"""The training samples on disk: shards of samples made by worker processes, read as the training goes.

A shard is two files: rgb_N.npy, uint8, samples x S x S x 3, and slopes_N.npy, float16, samples x S x S x 2.  Shard N holds
the samples of the seeds from N * SHARD on, so a pool that is there already, or half there, is continued.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .relighting import write_relit
from .windows import Plate, slope_steps

if TYPE_CHECKING:
    from numpy.random import Generator

SIDE = 256
SHARD = 64
"""Samples of a shard: 29 MB, a few seconds of work."""

FIRST = 4
"""Shards that are made before the relit pictures, so that the training can begin as soon as those are there."""

FLAT_SHARE = 0.4
"""Share of the drawn samples that are marks on exactly flat ground; those made are half as many, too few to learn from."""

HELD_OUT = 10 ** 6
"""Number of the first shard that is never trained on."""


def write_shard(folder: Path, number: int, seed: int) -> None:
    """Make one shard, if it does not exist; `seed` distinguishes pools."""
    from .samples import sample

    if _rgb(folder, number).exists():
        return
    samples = [sample(seed + number * SHARD + i, SIDE) for i in range(SHARD)]
    _save(folder / f"slopes_{number:07d}.npy", np.stack([one.slopes for one in samples]).astype(np.float16))
    _save(_rgb(folder, number), np.rint(np.stack([one.rgb for one in samples]) * 255).astype(np.uint8))


def _save(path: Path, values: np.ndarray) -> None:
    """Write the file under another name first, so that an existing shard is complete."""
    unfinished = path.with_suffix(f".{os.getpid()}")
    with unfinished.open("wb") as file:
        np.save(file, values, allow_pickle=False)
    unfinished.replace(path)


def _rgb(folder: Path, number: int) -> Path:
    return folder / f"rgb_{number:07d}.npy"


class Makers:
    """Worker processes that make the shards of a pool and the relit pictures; ends them when it is closed."""

    def __init__(self, folder: Path, numbers: list[int], seed: int, workers: int, real: Path | None = None,
                 names: Sequence[str] = (), relit: int = 0) -> None:
        os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the workers are as many as the cores
        self._pool = multiprocessing.get_context("spawn").Pool(workers, _gentle)
        first = numbers[:FIRST]
        self._asked = [self._pool.apply_async(write_shard, (folder, number, seed)) for number in first]
        self._lit = [self._pool.apply_async(write_relit, (folder, real, name, number, seed))
                     for number in range(relit) for name in names]
        self._asked += self._lit
        self._asked += [self._pool.apply_async(write_shard, (folder, number, seed)) for number in numbers[FIRST:]]

    def relit(self) -> bool:
        """Tell whether all relit pictures exist."""
        return all(asked.ready() for asked in self._lit)

    def check(self) -> None:
        """Raise what a worker process raised."""
        for asked in self._asked:
            if asked.ready():
                asked.get()
        self._asked = [asked for asked in self._asked if not asked.ready()]

    def wait(self) -> None:
        for asked in self._asked:
            asked.get()

    def close(self) -> None:
        self._pool.terminate()
        self._pool.join()


def _gentle() -> None:
    """Lower this process's priority, so that the training goes first."""
    if hasattr(os, "nice"):
        os.nice(5)


@dataclass(frozen=True)
class Shard:
    """rgb: N x S x S x 3 uint8; slopes: N x S x S x 2 float16."""

    rgb: np.ndarray
    slopes: np.ndarray


class Shards:
    """The shards that are in a folder so far, mapped into memory."""

    def __init__(self, folder: Path, held_out: bool = False) -> None:
        self._folder, self._held_out = folder, held_out
        self._open: dict[int, Shard] = {}
        self._flat: list[tuple[int, int]] = []
        self._shaped: list[tuple[int, int]] = []
        self.look()

    def __len__(self) -> int:
        """Return the number of samples."""
        return sum(len(shard.rgb) for shard in self._open.values())

    def look(self) -> None:
        """Open the shards that were written since."""
        for path in sorted(self._folder.glob("rgb_*.npy")):
            number = int(path.stem.split("_")[1])
            if number not in self._open and (number >= HELD_OUT) == self._held_out:
                slopes = path.with_name(path.name.replace("rgb", "slopes"))
                shard = Shard(np.load(path, mmap_mode="r"), np.load(slopes, mmap_mode="r"))
                self._open[number] = shard
                for i, slopes_of_one in enumerate(shard.slopes):
                    (self._shaped if slopes_of_one[::16, ::16].any() else self._flat).append((number, i))

    def all(self) -> Shard:
        parts = self._open.values()
        return Shard(np.concatenate([part.rgb for part in parts]), np.concatenate([part.slopes for part in parts]))

    def plates(self, rng: Generator, count: int) -> list[Plate]:
        """Draw `count` samples at random."""
        plates = []
        for _ in range(count):
            drawn = self._flat if self._flat and rng.random() < FLAT_SHARE else self._shaped
            number, i = drawn[rng.integers(len(drawn))]
            shard = self._open[number]
            plates.append(Plate(shard.rgb[i], slope_steps(shard.slopes[i].astype(np.float32)), repeats=True))
        return plates
