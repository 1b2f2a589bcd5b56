#!/usr/bin/env python3
"""Averages files of relief's weights that trainings left which began with the same weights.

    python3 scripts/average_weights.py FILE FILE... --out FILE

The mean of such weights is often better than each of them, and the network no larger (Wortsman et al., "Model soups:
averaging weights of multiple fine-tuned models improves accuracy without increasing inference time", ICML 2022).
Needs numpy.
"""

from __future__ import annotations

import argparse
import sys
from functools import reduce
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

try:
    import numpy as np
except ModuleNotFoundError:
    sys.exit("error: this Python has no numpy.")

from blender_midas_normal.batch.cli import report_error
from blender_midas_normal.core.errors import MidasNormalError, WeightsError
from blender_midas_normal.worker.engines.relief.architecture import Weights, read_weights, write_weights


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    options = parser.parse_args()
    try:
        write_weights(options.out, average([read_weights(file) for file in options.files]))
    except MidasNormalError as error:
        return report_error(error)
    return 0


def average(networks: list[Weights]) -> Weights:
    """Return the mean of the parameters of networks; raise WeightsError where their architectures differ."""
    first = networks[0]
    if any(network.architecture != first.architecture for network in networks):
        raise WeightsError("The files are of different architectures; average those of one.")

    def mean(name: str, part: str) -> np.ndarray:
        return reduce(np.add, (getattr(network, part)[name] for network in networks)) / np.float32(len(networks))

    return Weights(first.architecture, *({name: mean(name, part) for name in getattr(first, part)}
                                         for part in ("weights", "biases")))


if __name__ == "__main__":
    sys.exit(main())
