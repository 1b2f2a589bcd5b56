"""What a camera, an editor and a file format do to a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from .noise import between, blur

if TYPE_CHECKING:
    from numpy.random import Generator

    from blender_midas_normal.core.arrays import Array


def encode_srgb(linear: Array) -> Array:
    """Encode scene-linear values as sRGB, 0..1 (power 1/2.2: close enough, and fast)."""
    return np.clip(linear, 0, 1) ** np.float32(1 / 2.2)


def expose(rng: Generator, linear: Array) -> Array:
    """Scale a picture to the brightness of textures: mean value 0.18..0.72, one in eight darker, few burnt pixels."""
    dark = rng.random() < 0.12
    target = rng.uniform(0.08, 0.25) if dark else float(np.clip(rng.normal(0.47, 0.1), 0.18, 0.72))
    for _ in range(3):
        mean = float(encode_srgb(linear[::4, ::4]).mean())
        linear = linear * np.float32((target / max(mean, 1e-4)) ** 2.2)
    brightest = float(np.quantile(linear[::4, ::4], 0.98))
    return linear if brightest <= 1 else linear * np.float32(brightest ** -0.7)


def photograph(rng: Generator, linear: Array) -> Array:
    """Make an sRGB picture (H x W x 3, 0..1) of a scene-linear one; all steps but JPEG's blocks wrap at the borders."""
    linear = _balance_white(rng, expose(rng, linear))
    if rng.random() < 0.3:
        linear = linear * _vignette(rng, *linear.shape[:2])[..., None]
    picture = _adjust_tones(rng, encode_srgb(linear))
    if rng.random() < 0.35:
        picture = _even_out(rng, picture)
    if rng.random() < 0.6:
        picture = blur(picture, rng.uniform(0.3, 1.1))
    if rng.random() < 0.5:
        picture = picture + _noise(rng, picture.shape)
    if rng.random() < 0.4:
        soft = blur(picture, rng.uniform(0.7, 2))
        picture = picture + np.float32(rng.uniform(0.2, 1)) * (picture - soft)
    if rng.random() < 0.12:
        picture = np.repeat(picture @ np.array([[0.3], [0.59], [0.11]], np.float32), 3, axis=2)
    picture = np.clip(picture, 0, 1)
    return _jpeg(rng, picture) if rng.random() < 0.5 else np.round(picture * 255).astype(np.float32) / 255


def _balance_white(rng: Generator, linear: Array) -> Array:
    warmth, tint = rng.normal(0, 0.07), rng.normal(0, 0.03)
    return linear * np.exp(np.array([warmth, tint, -warmth], np.float32))


def _vignette(rng: Generator, rows: int, columns: int) -> Array:
    """Return brightness that falls off in waves as wide and high as the picture, so that it wraps: rows x columns."""
    across, down = (np.cos(2 * np.pi * (np.arange(length, dtype=np.float32) / length - rng.random()))
                    for length in (columns, rows))
    return (1 + np.float32(rng.uniform(0, 0.2)) * (across + down[:, None]) / 2).astype(np.float32)


def _adjust_tones(rng: Generator, picture: Array) -> Array:
    """Change contrast and saturation as an editor does."""
    picture = np.clip(picture, 0, 1)
    bend = np.float32(rng.normal(0, 0.35))
    picture = picture + bend * picture * (1 - picture) * (picture - np.float32(rng.uniform(0.35, 0.6)))
    picture = np.clip(picture, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.08)))
    grey = picture.mean(axis=2, keepdims=True)
    return grey + np.float32(np.clip(rng.normal(0.95, 0.2), 0.2, 1.4)) * (picture - grey)


def _even_out(rng: Generator, picture: Array) -> Array:
    """Remove large differences of brightness, as is done to photos so that their repetition does not show."""
    wide = between(rng, 15, 80)
    large = blur(picture, wide)
    return picture - np.float32(rng.uniform(0.4, 1)) * (large - large.mean((0, 1)))


def _noise(rng: Generator, shape: tuple[int, ...]) -> Array:
    amount = np.float32(rng.uniform(0.002, 0.025))
    grey = rng.standard_normal((*shape[:2], 1), dtype=np.float32)
    noise = amount * (grey + np.float32(0.5) * rng.standard_normal(shape, dtype=np.float32))
    return blur(noise, 0.7) * 2 if rng.random() < 0.4 else noise


def _jpeg(rng: Generator, picture: Array) -> Array:
    quality = int(rng.integers(55, 98))
    small = np.round(picture[..., ::-1] * 255).astype(np.uint8)
    stored = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(stored, cv2.IMREAD_COLOR)[..., ::-1].astype(np.float32) / 255
