"""A rendered bump, whose normals and heights are known."""

from __future__ import annotations

import numpy as np

SIDE = 128


def bump_normals(rows=SIDE, columns=SIDE):
    """Tangent-space normals (x to the right, y up, z to the viewer) of a round bump in the middle, and its heights."""
    y, x = np.mgrid[:rows, :columns].astype(np.float64)
    u, v = (x + 0.5) / columns - 0.5, (y + 0.5) / rows - 0.5
    height = 0.1 * np.exp(-(u * u + v * v) / 0.02)
    across, down = -100 * u * height, -100 * v * height  # dh/du, dh/dv
    normals = np.stack([-across, down, np.ones_like(height)], axis=2)
    return (normals / np.linalg.norm(normals, axis=2, keepdims=True)).astype(np.float32), height
