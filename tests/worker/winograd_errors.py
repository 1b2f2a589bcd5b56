"""Errors of Winograd's convolution against one in float64: run by the MiDaS environment's Python.

`python winograd_errors.py ROOT` prints a line for each case: the root mean square of the errors, and the greatest of them,
as shares of the root mean square of the answer.
"""

from __future__ import annotations

import sys

import torch
from torch.nn import functional

CASES = [(1, 1, 4, 4), (3, 5, 4, 8), (128, 128, 64, 48), (256, 128, 20, 96), (130, 131, 8, 1200), (16, 32, 400, 12)]
"""Channels in and out, rows, columns: one tile, one strip, many strips, rows longer than a strip."""


def main(root: str) -> None:
    sys.path.insert(0, root)
    torch.manual_seed(0)
    with torch.inference_mode():
        for case in CASES:
            print(*errors(*case, bias=case[0] % 2 == 0))


def errors(inputs: int, outputs: int, rows: int, columns: int, bias: bool) -> tuple[float, float]:
    from blender_midas_normal.worker.engines.midas.network import WinogradConvolution

    layer = torch.nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)
    picture = torch.randn(1, inputs, rows, columns).contiguous(memory_format=torch.channels_last)
    exact = functional.conv2d(picture.double(), layer.weight.double(), layer.bias.double() if bias else None, padding=1)
    error = (WinogradConvolution(layer)(picture).double() - exact) / exact.square().mean().sqrt()
    return float(error.square().mean().sqrt()), float(error.abs().max())


if __name__ == "__main__":
    main(*sys.argv[1:])
