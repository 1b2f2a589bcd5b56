"""Pictures to measure with."""

from __future__ import annotations

from pathlib import Path

import numpy as np

MATERIAL = Path(__file__).resolve().parents[2] / "tests" / "materials" / "bricks_color.png"


def noise(side: int, seed: int = 0) -> np.ndarray:
    """Return noise, side x side x 3 float32, 0..1; a network takes the same time for any picture."""
    return np.random.default_rng(seed).random((side, side, 3), np.float32)


def repeat_pattern(grey: np.ndarray, side: int) -> np.ndarray:
    """Repeat an 8-bit grey pattern over side x side x 4 float32, 0..1, opaque, with a little noise."""
    rows, columns = (-(-side // length) for length in grey.shape)
    values = np.ones((side, side, 4), np.float32)
    values[..., :3] = (np.tile(grey, (rows, columns))[:side, :side, None] / np.float32(255))
    values[..., :3] += np.random.default_rng(0).random((side, side, 3), np.float32) * np.float32(0.02)
    return np.minimum(values, 1, out=values)


def files(count: int, side: int, folder: Path) -> list[Path]:
    """Write PNG files of 8 bits of a real material, each with other noise."""
    import PIL.Image

    with PIL.Image.open(MATERIAL) as opened:
        values = np.asarray(opened.convert("RGB").resize((side, side)), np.int16)
    files = [folder / f"{number}.png" for number in range(count)]
    for number, file in enumerate(files):
        noisy = values + np.random.default_rng(number).integers(-6, 7, values.shape, np.int16)
        PIL.Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(file)
    return files
