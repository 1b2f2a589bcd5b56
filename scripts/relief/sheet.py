"""A contact sheet of training samples: colour, normal map, and the true slopes under a plain light."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from blender_midas_normal.core.errors import TargetError
from relief.samples import Sample, sample

COLUMNS = 4
LIGHT = np.array([-0.5, -0.5, 0.707], np.float32)
"""From the upper left; y downwards, z out of the picture."""


def write(out: Path, seeds: Iterable[int], size: int) -> None:
    """Draw the samples of these seeds, `size` pixels a side; raise TargetError."""
    cards = [card(sample(seed, size)) for seed in seeds]
    cards += [np.zeros_like(cards[0])] * (-len(cards) % COLUMNS)
    rows = [np.hstack(cards[i:i + COLUMNS]) for i in range(0, len(cards), COLUMNS)]
    if not cv2.imwrite(str(out), np.vstack(rows)[..., ::-1]):
        raise TargetError(f"{out} cannot be written; give a name that ends with .png or .jpg.")


def card(sample: Sample) -> np.ndarray:
    """Draw colour | normal map | lit, with the kind's name below: uint8."""
    upright = np.ones((*sample.slopes.shape[:2], 1), np.float32)
    normals = np.concatenate([-sample.slopes, upright], axis=2)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    shade = np.maximum(normals @ LIGHT, 0)[..., None].repeat(3, axis=2)
    coded = 0.5 + 0.5 * normals * np.array([1, -1, 1], np.float32)
    pictures = np.hstack([sample.rgb, coded, np.clip(shade, 0, 1)])
    labelled = np.zeros((pictures.shape[0] + 18, pictures.shape[1] + 6, 3), np.uint8)
    labelled[:-18, :-6] = np.round(pictures * 255)
    tilt = np.degrees(np.arccos(np.clip(normals[..., 2], -1, 1))).mean()
    cv2.putText(labelled, f"{sample.kind}  {tilt:.1f} deg", (2, labelled.shape[0] - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.42,
                (255, 255, 255), 1, cv2.LINE_AA)
    return labelled
