"""What the training makes small, and what is measured of an answer: torch fields of slopes, N x 2 x H x W."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

SQUARES = {1: 0.5, 4: 0.35, 16: 0.25}
"""Pixels of the squares over which normals are averaged before they are compared, and the weight of each."""

FAINT = 0.03
"""Slope (1.7 degrees) that answer and truth are given in common before they are correlated: below it normal maps of 8 bits
hold noise, and with it an answer to a flat sample is the more unlike the truth the steeper it is."""

STEEPNESS, STEEPNESS_GROUND = 0.15, 0.02
"""Weight of the logarithm by which an answer is steeper or flatter than the truth, and the slope that is added to both."""

ANGLE = 0.15
"""Weight of the distance between the unit normals."""

FACTORS = np.geomspace(0.25, 4.0, 49)
"""Factors on the slopes among which the best one is sought."""


def loss(answer: Tensor, truth: Tensor) -> Tensor:
    """Return one minus the correlation at three sizes of detail, plus the errors in steepness and of the normals.

    Squared errors are least for an answer that is flat wherever there is doubt; a correlation does not depend on the
    answer's steepness, so doubt does not flatten it, and steepness has a term of its own.
    """
    a, b = tilts(answer), tilts(truth)
    total = ANGLE * chord(answer, truth).mean() + STEEPNESS * _steepness(answer, truth).mean()
    for side, weight in SQUARES.items():
        alike = similarity(*(functional.avg_pool2d(field, side) for field in (a, b)), FAINT / side ** 0.5)
        total = total + weight * (1 - alike).mean()
    return total


def tilts(slopes: Tensor) -> Tensor:
    """Return the x and y of the unit normals, with the sign of the slopes."""
    return slopes * torch.rsqrt(1 + slopes.square().sum(1, keepdim=True))


def similarity(a: Tensor, b: Tensor, common: float) -> Tensor:
    """Return the cosine of the angle between two fields taken as vectors, for each of N.

    common: one more component of both vectors.
    """
    def product(one: Tensor, other: Tensor) -> Tensor:
        return (one * other).sum(1).mean((1, 2)) + common ** 2

    return product(a, b) * torch.rsqrt(product(a, a) * product(b, b))


def _steepness(answer: Tensor, truth: Tensor) -> Tensor:
    def rms(slopes: Tensor) -> Tensor:
        return (slopes.square().sum(1).mean((1, 2)) + 1e-8).sqrt()

    return ((rms(answer) + STEEPNESS_GROUND) / (rms(truth) + STEEPNESS_GROUND)).log().abs()


def chord(a: Tensor, b: Tensor) -> Tensor:
    """Return the distance between the unit normals of two fields of slopes, from their cosine: N x H x W."""
    cosine = ((a * b).sum(1) + 1) * torch.rsqrt((a.square().sum(1) + 1) * (b.square().sum(1) + 1))
    return (2 - 2 * cosine).clamp_min(0).add(1e-6).sqrt()


def relative_error(answer: Tensor, truth: Tensor) -> Tensor:
    """Return the root mean square of the error over that of the true slopes, for each of N."""
    missed, ground = ((field.square().mean((1, 2, 3)) for field in (answer - truth, truth)))
    return (missed / (ground + FAINT ** 2) + 1e-4).sqrt()


def degrees(answer: Tensor, truth: Tensor) -> Tensor:
    """Return the mean angle between the normals, for each of N."""
    a, b = normals(answer), normals(truth)
    return torch.rad2deg(2 * torch.atan2((a - b).norm(dim=1), (a + b).norm(dim=1))).mean((1, 2))


def tilt_degrees(slopes: Tensor) -> Tensor:
    """Return the mean tilt, for each of N."""
    return torch.rad2deg(torch.atan(slopes.norm(dim=1))).mean((1, 2))


def normals(slopes: Tensor) -> Tensor:
    """Return N x 3 x H x W unit vectors."""
    return functional.normalize(torch.cat([-slopes, torch.ones_like(slopes[:, :1])], 1), dim=1)


def correlations(answer: Tensor, truth: Tensor) -> tuple[float, float]:
    """Return Pearson's correlation of the normals' x and of their y, the mean over samples that are not flat."""
    a, b = tilts(answer), tilts(truth)
    return correlation(a[:, 0], b[:, 0]), correlation(a[:, 1], b[:, 1])


def correlation(a: Tensor, b: Tensor) -> float:
    """Return Pearson's correlation of N x H x W fields, the mean over samples; one whose b is constant does not count."""
    a, b = (values.flatten(1) - values.flatten(1).mean(1, keepdim=True) for values in (a, b))
    power = (a.square().sum(1) * b.square().sum(1)).sqrt()
    counted = b.square().mean(1) > 1e-6
    return float(((a * b).sum(1)[counted] / power[counted].clamp_min(1e-9)).mean())
