"""The base EXISTING: what an engine finds in a photo is laid over the normal map that is there."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from blender_midas_normal.core.engines import DATA
from blender_midas_normal.core.errors import SettingsError
from blender_midas_normal.core.filters import blur
from blender_midas_normal.core.maps import make_map
from blender_midas_normal.core.picture import Picture
from blender_midas_normal.core.protocol import Request
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.channel import Clock
from blender_midas_normal.worker.engines import EngineOptions, EngineRegistry
from blender_midas_normal.worker.inputs import LoadedInputs
from blender_midas_normal.worker.pipeline import MapPipeline

from .test_height import TILE
from .test_normals import encoded, true_normals

SIDE = 128
OVER = Settings(engine="RELIEF", mix="LUMINANCE", base="EXISTING", tileable="BOTH", crossover=8.0)


@pytest.fixture
def pipeline(tmp_path):
    return MapPipeline(EngineRegistry(EngineOptions(tmp_path)))


def photo():
    """Grey noise that repeats."""
    grey = blur(np.random.default_rng(0).random((SIDE, SIDE)).astype(np.float32), 2, 2, TILE)
    grey = np.clip(0.5 + 0.2 * (grey - grey.mean()) / grey.std(), 0, 1).astype(np.float32)
    return Picture(np.repeat(grey[..., None], 3, axis=2))


def base(side=SIDE):
    return Picture(encoded(true_normals(side)), content=DATA)


def rendered(pipeline, settings, base=None, picture=None):
    request = Request(settings.to_dict())
    pending = pipeline.prepare(request, LoadedInputs(picture or photo(), None, base), lambda stage, share: None, Clock())
    result = pipeline.render(pipeline.infer([pending])[0])
    normals = np.stack(result.map.planes)
    return normals[:2] / normals[2:], result


def test_all_of_the_map_stays_and_gets_the_fine_relief_of_the_photo(pipeline):
    """Slopes are added: what is added is what the same engine adds to a flat map."""
    slopes, result = rendered(pipeline, OVER, base())
    flat = Picture(np.full((SIDE, SIDE, 3), [0.5, 0.5, 1], np.float32), content=DATA)
    added, _ = rendered(pipeline, OVER, flat)
    true = true_normals(SIDE)
    np.testing.assert_allclose(slopes - added, np.moveaxis(true[..., :2] / true[..., 2:], 2, 0), atol=2e-3)
    assert np.abs(added).mean() > 0.01
    assert np.abs(blur(added[0], 24, 24, TILE)).max() < 0.1 * np.abs(added[0]).max()  # large shapes are the map's
    assert result.engine == "NORMALS" and "luminance" in result.why


def test_the_amount_scales_what_is_added_and_none_is_the_map_itself(pipeline):
    slopes, _ = rendered(pipeline, OVER, base())
    none, _ = rendered(pipeline, dataclasses.replace(OVER, mix_amount=0.0), base())
    double, _ = rendered(pipeline, dataclasses.replace(OVER, mix_amount=2.0), base())
    np.testing.assert_allclose(double - none, 2 * (slopes - none), atol=2e-3)


def test_a_map_of_another_size_takes_that_of_the_photo(pipeline):
    slopes, result = rendered(pipeline, dataclasses.replace(OVER, mix_amount=0.0), base(2 * SIDE))
    assert (result.width, result.height) == (SIDE, SIDE) and slopes.shape == (2, SIDE, SIDE)
    true = true_normals(2 * SIDE)
    halves = np.moveaxis(true[..., :2] / true[..., 2:], 2, 0).reshape(2, SIDE, 2, SIDE, 2).mean((2, 4))
    assert np.abs(slopes - halves).mean() < 0.1 * np.abs(halves).mean()


def test_another_map_is_another_surface(pipeline):
    _, one = rendered(pipeline, OVER, base())
    _, same = rendered(pipeline, OVER, base())
    _, other = rendered(pipeline, OVER, Picture(encoded(true_normals(SIDE) * [-1, -1, 1]), content=DATA))
    assert one.surface == same.surface != other.surface
    assert make_map("HEIGHT", pipeline._surfaces.get(one.surface).surface, OVER).scale > 0


def test_it_needs_a_map_and_an_engine_for_the_fine_relief(pipeline):
    with pytest.raises(SettingsError, match="no normal map to lay fine relief over"):
        rendered(pipeline, OVER)
    with pytest.raises(SettingsError, match="say with mix"):
        Settings(base="EXISTING")
    with pytest.raises(SettingsError, match="set mix to OFF"):
        Settings(engine="HEIGHT", mix="RELIEF")
    assert OVER.engine == "NORMALS"
