"""Make weights for MiDaS's network that are random from a fixed seed, for checks where the real ones are not at hand.

The file is MiDaS's in everything but the training: the architecture, the names and the shapes are the real ones.  Only the
last layer is fitted, so that depth is high where the picture is rough and spans hundreds of units: enough for every check of
arithmetic, memory and plumbing, and worthless as a map.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch.nn.functional import avg_pool2d, interpolate

from ..core.engines import MIDAS_WEIGHTS
from ..worker.engines.midas.model import DPTHybrid, standardise_convolutions

SEED = 501

LAST_LAYER = "scratch.output_conv.4."
"""The beginning of the names of the layer that is fitted."""

PICTURES = 4
"""Synthetic pictures that the last layer is fitted to."""

SIZES = ((256, 320), (352, 448))
"""Rows and columns at which it is fitted: at two, so that depth depends little on the resolution."""

MIDDLE, DEVIATION = 1200.0, 200.0
"""Mean of the depth, and how far the roughness it is fitted to deviates from that on average."""


def write_weights(out: Path) -> tuple[Path, float, float]:
    """Write the file into a folder; (its path, least depth, greatest depth on the synthetic pictures)."""
    network = DPTHybrid()
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for name, values in network.state_dict().items():
            values.copy_(_draw_values(name, values, generator))
        pictures = _pictures(generator)
        drawn = {name: values.clone() for name, values in network.state_dict().items()}
        standardise_convolutions(network)  # the file has the kernels as they were drawn
        depth = _fit_last_layer(network, pictures)
    fitted = network.state_dict()
    path = out / MIDAS_WEIGHTS.name
    torch.save({name: fitted[name] if name.startswith(LAST_LAYER) else values for name, values in drawn.items()}, path)
    return path, float(depth.min()), float(depth.max())


def _draw_values(name: str, values: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draw random values for one tensor: weights keep the size of what passes through them, norms start as they are."""
    if values.ndim == 1:
        is_scale = "norm" in name and name.endswith("weight")
        return torch.full_like(values, 0.0 if not is_scale else 0.3 if name.endswith("norm3.weight") else 1.0)
    gain = 0.02 if name.endswith(("cls_token", "pos_embed")) else 1.0 / math.sqrt(values[0].numel())
    return torch.randn(values.shape, generator=generator) * gain


def _pictures(generator: torch.Generator) -> list[torch.Tensor]:
    """Draw PICTURES x 3 x rows x columns for each of SIZES, -1..1: random blobs of every size, the large ones strongest."""
    total = torch.zeros(PICTURES, 3, *SIZES[0])
    for cells in (2, 4, 8, 16, 64):
        blobs = torch.randn(PICTURES, 3, cells, cells, generator=generator)
        total += interpolate(blobs, size=SIZES[0], mode="bicubic") / math.sqrt(cells)
    total /= 2 * total.std()
    return [interpolate(total, size=size, mode="bicubic").clamp(-1, 1) for size in SIZES]


def _roughness(picture: torch.Tensor) -> torch.Tensor:
    """Return how far brightness is from its local mean, averaged over a sixteenth of the picture: N x 1 x rows x columns."""
    radius = picture.shape[2] // 16
    brightness = picture.mean(1, keepdim=True)
    around = avg_pool2d(brightness, 2 * radius + 1, 1, radius, count_include_pad=False)
    return avg_pool2d((brightness - around).abs(), 2 * radius + 1, 1, radius, count_include_pad=False)


def _fit_last_layer(network: DPTHybrid, pictures: list[torch.Tensor]) -> torch.Tensor:
    """Fit the last layer so that depth is like the roughness, as far as 32 random features allow; return that depth.

    Its numbers are rounded: the order in which a processor adds up must not change the file.
    """
    features = []
    last = network.scratch.output_conv[4]
    hook = last.register_forward_pre_hook(lambda _, inputs: features.append(_every_third(inputs[0])))
    for picture in pictures:
        network(picture)
    hook.remove()
    x = torch.cat(features)
    y = torch.cat([_every_third(_roughness(picture)) for picture in pictures])
    middle, spread = x.mean(0), x.std(0) + 1e-6
    scaled = (x - middle) / spread
    weights = torch.linalg.solve(scaled.T @ scaled + 0.01 * len(x) * torch.eye(32, dtype=torch.float64),
                                 scaled.T @ (y - y.mean()))
    weights = weights[:, 0] / y.std() / spread * DEVIATION
    step = 10.0 ** (torch.floor(torch.log10(weights.abs().max())) - 2)
    weights = torch.round(weights / step) * step
    last.weight.copy_(weights.float().reshape(1, 32, 1, 1))
    last.bias.fill_(round(MIDDLE - float(weights @ middle), -1))
    return (x @ weights + last.bias.double()).clamp(min=0)


def _every_third(planes: torch.Tensor) -> torch.Tensor:
    """Return N x C x rows x columns to a list of pixels with C numbers each, every third row and column of them."""
    return planes[:, :, ::3, ::3].permute(0, 2, 3, 1).reshape(-1, planes.shape[1]).double()
