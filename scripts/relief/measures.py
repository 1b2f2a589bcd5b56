"""What is measured while the training goes on: the network on whole pictures that are held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch import Tensor

from blender_midas_normal.worker.engines.relief.inference import MIN_PYRAMID_SIDE

from .losses import FACTORS, correlations, degrees, tilt_degrees
from .network import Relief, sizes_of, through_sizes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from blender_midas_normal.core.arrays import Array

MULTIPLE = 256
"""Pixels of which the sides of a measured picture are made a multiple, so that all its sizes fit the network's stride."""

WANTED_AMOUNT = 0.8
"""Median of the structured materials' mean tilt over the true one, which the factor is chosen for."""


@dataclass(frozen=True)
class Measured:
    """A whole picture and its truth: pixels 1 x 3 x H x W, 0..1; truth 1 x 2 x H x W slopes; repeats: in x and y."""

    pixels: Tensor
    truth: Tensor
    repeats: tuple[bool, bool]


@dataclass(frozen=True)
class Scores:
    """Over the pictures that are not flat: mean r of nx and ny, mean error over the flat map's, median amount of tilt."""

    r: float
    error: float
    amount: float


def make_measured(rgb: NDArray[np.uint8], slopes: Array, repeats: tuple[bool, bool], side: int, device: str) -> Measured:
    """Prepare a picture for measuring, at about `side` pixels on its longer side."""
    share = side / max(rgb.shape[:2])
    size = tuple(max(MULTIPLE, round(length * share / MULTIPLE) * MULTIPLE) for length in rgb.shape[1::-1])

    def tensor(values: np.ndarray) -> Tensor:
        if values.shape[1::-1] != size:
            values = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
        return torch.from_numpy(values.astype(np.float32)).permute(2, 0, 1)[None].contiguous().to(device)

    return Measured(tensor(rgb) / 255, tensor(slopes), repeats)


@torch.inference_mode()
def measure(network: Relief, pictures: Sequence[Measured]) -> tuple[Scores, list[Tensor]]:
    """Return the scores, and the slopes that they are of."""
    answers, rs, errors, amounts = [], [], [], []
    for one in pictures:
        sizes = sizes_of(one.pixels, MIN_PYRAMID_SIDE)
        answer = through_sizes(network, sizes, [(0, 0)] * len(sizes), one.repeats)[-1]
        answers.append(answer)
        tilt = float(tilt_degrees(one.truth))
        if tilt < 0.1:
            continue
        rs.append(np.mean(correlations(answer, one.truth)))
        errors.append(float(degrees(answer, one.truth)) / tilt)
        amounts.append(float(tilt_degrees(answer)) / tilt)
    return Scores(float(np.mean(rs)), float(np.mean(errors)), float(np.median(amounts))), answers


def factor_for(answers: Sequence[Tensor], pictures: Sequence[Measured]) -> float:
    """Return the factor on the slopes with which the median amount of tilt is nearest to WANTED_AMOUNT."""
    tilts = [(answer, float(tilt_degrees(one.truth))) for answer, one in zip(answers, pictures)]
    amounts = [np.median([float(tilt_degrees(answer * float(factor))) / tilt for answer, tilt in tilts if tilt >= 0.1])
               for factor in FACTORS]
    return float(FACTORS[int(np.argmin(np.abs(np.log(np.array(amounts) / WANTED_AMOUNT))))])
