"""A relief network with random weights: useless for maps, enough for tests of arithmetic.

As a program, in an environment with torch, it prints by how much the answers of torch and numpy differ at most:
python relief_example.py ROOT
"""

from __future__ import annotations

import sys

import numpy as np


def example_weights(architecture=None, seed=0):
    from blender_midas_normal.worker.engines.relief.architecture import RELIEF_ARCHITECTURE, Weights

    architecture = architecture or RELIEF_ARCHITECTURE
    random = np.random.default_rng(seed)
    layers = [layer for layer, _ in architecture.convolutions()]
    gain = {layer.name: (0.05 if layer.name == "out" else 0.7) / np.sqrt(layer.in_channels) / layer.kernel_size
            for layer in layers}
    weights = {layer.name: random.standard_normal(layer.shape) * gain[layer.name] for layer in layers}
    biases = {layer.name: random.standard_normal(layer.out_channels) * 0.1 for layer in layers}
    return Weights(architecture, half(weights), half(biases))


def half(arrays):
    """As the arrays come back from a file in half precision."""
    return {name: values.astype(np.float16).astype(np.float32) for name, values in arrays.items()}


def photo(height, width, seed=0):
    """H x W x 3 float32, 0..1: blobs and noise, that repeat."""
    random = np.random.default_rng(seed)
    noise = np.fft.rfft2(random.standard_normal((height, width, 3)), axes=(0, 1))
    wave = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])[..., None]
    blobs = np.fft.irfft2(noise / np.maximum(wave, 1 / max(height, width)), (height, width), axes=(0, 1))
    blobs = blobs / max(float(blobs.std()), 1e-6) * 0.2 + 0.5
    return np.clip(blobs, 0, 1).astype(np.float32)


def differences():
    from blender_midas_normal.core.picture import Wrap
    from blender_midas_normal.worker.engines.relief.inference import infer
    from blender_midas_normal.worker.engines.relief.numpy_network import ReliefNetwork
    from blender_midas_normal.worker.engines.relief.torch_network import TorchReliefNetwork

    weights = example_weights()
    networks = ReliefNetwork(weights), TorchReliefNetwork(weights, "cpu")
    for wrap in (Wrap(), Wrap(x=True), Wrap(y=True), Wrap(True, True)):
        for size in ((1, 1), (45, 130), (256, 160)):
            first, second = (infer(network, photo(*size), wrap, lambda *_: None).full for network in networks)
            yield float(np.abs(first - second).max())


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    print(max(differences()))
