"""Requests answered in this process, from pixels to files of maps."""

import dataclasses
import errno
import signal

import numpy as np
import pytest

from blender_midas_normal.core.colour import luma
from blender_midas_normal.core.engines import DATA
from blender_midas_normal.core.errors import (
    Cancelled,
    EngineError,
    EngineUnavailable,
    SettingsError,
    SourceError,
    SurfaceGone,
    TargetError,
    Unchanged,
)
from blender_midas_normal.core.filters import blur
from blender_midas_normal.core.normals import normal_map, z_channel
from blender_midas_normal.core.picture import Picture, Surface, Wrap
from blender_midas_normal.core.protocol import Request
from blender_midas_normal.core.regions import Tile
from blender_midas_normal.core.settings import Settings
from blender_midas_normal.worker.channel import Clock
from blender_midas_normal.worker.engines import EngineInput, EngineOptions, EngineRegistry, relief
from blender_midas_normal.worker.engines.luminance import SLOPE_PER_HEIGHT, Luminance
from blender_midas_normal.worker.inputs import LoadedInputs
from blender_midas_normal.worker.memory import TOO_LITTLE_MEMORY
from blender_midas_normal.worker.pipeline import MapPipeline
from blender_midas_normal.worker.surface_cache import CacheEntry, SurfaceCache
from tests.requests_for_tests import LUMINANCE, noise, opaque, write_pixels
from tests.worker.in_process_worker import InProcessWorker, components, make_map

cv2 = pytest.importorskip("cv2")


def quiet(stage, share):
    """Ignore progress."""


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (480, 640), (3, 10000), (16384, 2), (37, 23)])
def test_the_map_has_exactly_the_sources_size(worker, tmp_path, size):
    result, values = make_map(worker, tmp_path, noise(*size))
    assert values.shape == (*size, 3) and (result.height, result.width) == size
    np.testing.assert_allclose(np.linalg.norm(values, axis=2), 1, atol=1e-4)


def test_a_bright_bump_leans_away_from_its_top(worker, tmp_path):
    v, u = (np.mgrid[:64, :64] + 0.5) / 64
    height = np.exp(-((u - 0.3) ** 2 + (v - 0.7) ** 2) * 30)
    rgba = opaque(height[..., None].repeat(3, 2))
    values = make_map(worker, tmp_path, rgba, dataclasses.replace(LUMINANCE, strength=10))[1]
    row, column = int(0.7 * 64), int(0.3 * 64)
    assert values[row, column - 6, 0] < 0 < values[row, column + 6, 0]
    assert values[row - 6, column, 1] > 0 > values[row + 6, column, 1]


def test_the_pictures_file_is_removed_however_the_request_ends(worker, tmp_path):
    """It may hold hundreds of megabytes, and a worker lives long."""
    result, _ = make_map(worker, tmp_path, noise(9, 9))
    assert [path.name for path in tmp_path.iterdir()] == [result.file]
    (tmp_path / result.file).unlink()
    for fields, cancelled, error in (({}, True, Cancelled), ({"width": 10}, False, SourceError)):
        pixels = {**write_pixels(tmp_path / "pixels", noise(9, 9)), **fields}
        with pytest.raises(error):
            worker.render(Request(LUMINANCE.to_dict(), id=1, pixels=pixels), cancelled)
        assert not list(tmp_path.iterdir())


def test_the_nodes_size_of_a_strip_has_a_limit(worker, tmp_path):
    """1 x 4096 pixels at the node's highest resolution would be 16384 x 67108864."""
    with pytest.raises(SettingsError, match="16384 x 67108864 pixels"):
        make_map(worker, tmp_path, noise(4096, 1), Settings(engine="LUMINANCE", size="NODE", resolution=16384))
    assert not {"prepare", "engine", "luminance"} & {message.stage for message in worker.sent[:-1]}


@pytest.mark.parametrize("room", [10_000, 100_000])
def test_a_map_that_a_full_disk_refuses_leaves_no_file(worker, tmp_path, room):
    """A full disk, whose place half a map would take; the limit of a file's size stands for it: none has room, or one."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    pixels = write_pixels(tmp_path / "pixels", noise(100, 100))
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(TargetError, match="cannot be handed over"):
            worker.render(Request(LUMINANCE.to_dict(), id=1, pixels=pixels, with_pixels=True))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
                                   OSError(errno.ENOMEM, "Cannot allocate memory")])
def test_out_of_memory_is_an_engine_error_and_the_next_map_is_made(worker, tmp_path, monkeypatch, error):
    def full(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Luminance, "surface", full)
        with pytest.raises(EngineError, match=TOO_LITTLE_MEMORY):
            make_map(worker, tmp_path, noise(8, 8))
    make_map(worker, tmp_path, noise(8, 8))


@pytest.mark.parametrize(("side", "colour"), [(9, (128, 128, 128)), (300, (0, 113, 0)), (1200, (77, 200, 13))])
def test_a_picture_of_one_colour_is_flat_with_a_note(worker, tmp_path, side, colour):
    result, values = make_map(worker, tmp_path, opaque(np.full((side, side, 3), colour) / 255))
    assert np.abs(values - (0, 0, 1)).max() < 1e-4 and "flat" in result.notes[0]


def test_the_note_of_a_flat_map_comes_only_with_a_flat_map(worker, tmp_path):
    """Two colours of one brightness have no relief for the luminance, but for the network that is mixed in."""
    colours = np.where((np.indices((64, 64)) // 16).sum(axis=0)[..., None] % 2, [1.0, 0.0, 0.0], [0.0, 0.2126 / 0.7152, 0.0])
    for mix, is_flat in (("OFF", True), ("RELIEF", False)):
        pixels = write_pixels(tmp_path / "pixels", opaque(colours), "DISPLAY")
        settings = dataclasses.replace(LUMINANCE, mix=mix)
        result = worker.render(Request(settings.to_dict(), id=1, pixels=pixels))
        assert any("no relief at all" in note for note in result.notes) == is_flat
        assert (np.ptp(components(tmp_path / result.file), axis=(0, 1)).max() < 1e-3) == is_flat


def test_a_fully_transparent_picture_is_flat_with_a_note(worker, tmp_path):
    rgba = noise(9, 9)
    rgba[..., 3] = 0
    result, values = make_map(worker, tmp_path, rgba)
    assert np.abs(values - (0, 0, 1)).max() < 1e-4 and "transparent" in result.notes[0]


def test_a_nan_pixel_does_not_change_distant_pixels(worker, tmp_path):
    rgba = noise(20, 20)
    clean = make_map(worker, tmp_path, rgba, encoding="DISPLAY")[1]
    rgba[3, 3] = np.nan
    values = make_map(worker, tmp_path, rgba, encoding="DISPLAY")[1]
    np.testing.assert_allclose(values[8:], clean[8:], atol=1e-4)


def test_transparency_makes_no_edge(worker, tmp_path):
    """CONVENTIONS, section 4: composited on white, a cut-out has a rim."""
    rgba = opaque(np.full((40, 40, 3), 0.2))
    rgba[10:30, 10:30] = (1, 1, 1, 0)
    assert np.abs(make_map(worker, tmp_path, rgba)[1][..., :2]).max() < 1e-4


def test_a_tile_rolled_by_half_gives_the_map_rolled_by_half(worker, tmp_path):
    settings = dataclasses.replace(LUMINANCE, tileable="BOTH")
    rgba = noise(64, 48)
    values = make_map(worker, tmp_path, rgba, settings)[1]
    rolled = make_map(worker, tmp_path, np.roll(rgba, (32, 24), (0, 1)), settings)[1]
    np.testing.assert_allclose(np.roll(values, (32, 24), (0, 1)), rolled, atol=5e-5)


def test_a_retune_uses_the_cached_surface(worker, tmp_path, monkeypatch):
    rgba = noise(30, 30)
    first, _ = make_map(worker, tmp_path, rgba)
    stronger = dataclasses.replace(LUMINANCE, strength=3, a=2, bg_threshold=0.2, blur=1, convention="DIRECTX")
    fresh = make_map(InProcessWorker(tmp_path), tmp_path, rgba, stronger)[1]

    monkeypatch.setattr(Luminance, "surface", lambda *_: pytest.fail("the engine ran again"))
    result = worker.render(Request(stronger.to_dict(), id=2, surface=first.surface))
    np.testing.assert_array_equal(components(tmp_path / result.file), fresh)
    again, values = make_map(worker, tmp_path, rgba, stronger)
    np.testing.assert_array_equal(values, fresh)
    assert again.surface == first.surface


PAINTED = Settings(engine="RELIEF", tileable="OFF", mask="OFF")


def painted(rgba):
    changed = rgba.copy()
    changed[300:320, 40:70, :3] = 1.0
    return changed


@pytest.fixture
def followed(monkeypatch):
    """Counts how often the relief network runs near a change only, and how often on the whole picture."""
    counts = {"update": 0, "infer": 0}

    def counted(name, original):
        def call(*args):
            counts[name] += 1
            return original(*args)
        return call

    for name in counts:
        monkeypatch.setattr(relief, name, counted(name, getattr(relief, name)))
    return counts


def test_a_painted_picture_updates_the_surface_that_it_names(worker, tmp_path, followed):
    rgba = noise(400, 380)
    first, _ = make_map(worker, tmp_path, rgba, PAINTED)
    second, values = make_map(worker, tmp_path, painted(rgba), PAINTED, preceding=first.surface)
    assert followed == {"infer": 1, "update": 1} and second.surface != first.surface
    np.testing.assert_allclose(values, make_map(InProcessWorker(tmp_path), tmp_path, painted(rgba), PAINTED)[1], atol=1e-3)
    third, _ = make_map(worker, tmp_path, rgba, PAINTED, preceding=second.surface)
    assert third.surface == first.surface and followed == {"infer": 2, "update": 1}


def test_the_surface_that_is_mixed_in_is_updated_too(worker, tmp_path, followed):
    mixing, rgba = dataclasses.replace(LUMINANCE, mix="RELIEF", mask="OFF"), noise(400, 380)
    first, _ = make_map(worker, tmp_path, rgba, mixing)
    _, values = make_map(worker, tmp_path, painted(rgba), mixing, preceding=first.surface)
    assert followed == {"infer": 1, "update": 1}
    np.testing.assert_allclose(values, make_map(InProcessWorker(tmp_path), tmp_path, painted(rgba), mixing)[1], atol=1e-3)


def transparent_below(rgba):
    changed = rgba.copy()
    changed[350:, :, 3] = 0
    return changed


@pytest.mark.parametrize("after, settings, preceding", [
    (painted, PAINTED, "0" * 32), (lambda rgba: noise(380, 400, 1), PAINTED, None), (transparent_below, PAINTED, None),
    (painted, dataclasses.replace(PAINTED, tileable="X"), None),
    (painted, dataclasses.replace(LUMINANCE, mix="RELIEF"), None),
])
def test_the_whole_surface_is_inferred_where_the_change_is_unknown(worker, tmp_path, followed, after, settings, preceding):
    first, _ = make_map(worker, tmp_path, noise(400, 380), PAINTED)
    _, values = make_map(worker, tmp_path, after(noise(400, 380)), settings, preceding=preceding or first.surface)
    assert followed == {"infer": 2, "update": 0}
    np.testing.assert_array_equal(values, make_map(InProcessWorker(tmp_path), tmp_path, after(noise(400, 380)), settings)[1])


def test_a_request_for_an_unknown_surface_is_refused(worker):
    with pytest.raises(SurfaceGone, match="generate it again"):
        worker.render(Request({}, id=1, surface="0" * 32))


def test_an_existing_map_of_the_same_picture_and_settings_is_not_made_again(worker, tmp_path, monkeypatch):
    rgba = noise(12, 9)
    key = make_map(worker, tmp_path, rgba)[0].surface
    other = make_map(worker, tmp_path, noise(12, 9, seed=1), unless=key)[0]
    automatic = make_map(worker, tmp_path, rgba, Settings(engine="LUMINANCE"), unless=key)[0]
    assert key not in (other.surface, automatic.surface)
    monkeypatch.setattr(Luminance, "surface", lambda *_: pytest.fail("the engine ran"))
    with pytest.raises(Unchanged):
        make_map(InProcessWorker(tmp_path), tmp_path, rgba, unless=key)


def test_another_picture_or_engine_setting_is_another_surface(worker, tmp_path):
    keys = [make_map(worker, tmp_path, rgba, settings, is_render=render)[0].surface for rgba, settings, render in (
        (noise(8, 8), LUMINANCE, False), (noise(8, 8, 1), LUMINANCE, False), (noise(8, 8), LUMINANCE, True),
        (noise(8, 8), dataclasses.replace(LUMINANCE, tileable="X"), False), (noise(4, 16), LUMINANCE, False))]
    assert len(set(keys)) == len(keys)


def test_auto_says_why_it_chose(worker, tmp_path):
    result, _ = make_map(worker, tmp_path, noise(8, 8), Settings())
    assert result.engine == "RELIEF" and "not in this test" in result.why


def test_an_engine_that_cannot_run_is_refused_with_the_reason(worker, tmp_path):
    with pytest.raises(EngineUnavailable, match="not in this"):
        make_map(worker, tmp_path, noise(8, 8), Settings(engine="MIDAS"))


def test_raw_depth_without_midas_is_refused(worker, tmp_path):
    with pytest.raises(EngineUnavailable, match="RAW"):
        make_map(worker, tmp_path, noise(8, 8), Settings(depth_scale="RAW"))


def test_heights_are_as_fine_as_the_part_alone_would_have_them():
    rgb = np.random.default_rng(0).random((1536, 1536, 3), np.float32)
    shapes = [Luminance().surface(EngineInput(Picture(rgb, part=part), Wrap(), LUMINANCE, quiet)).height.shape
              for part in (None, Tile(256, 256, 1280, 1280))]
    assert shapes == [(1024, 1024), (1536, 1536)]


def test_large_pictures_lose_nothing_by_the_working_size():
    rgb = blur(np.random.default_rng(0).random((1536, 1536, 3), np.float32), 3, 3, Wrap(True, True))
    wrap = Wrap(True, True)
    reduced = normal_map(Luminance().surface(EngineInput(Picture(rgb), wrap, LUMINANCE, quiet)), LUMINANCE)
    direct = Surface(blur(luma(rgb), 3, 3, wrap), SLOPE_PER_HEIGHT, False, wrap, (1536, 1536))
    difference = np.linalg.norm(reduced - normal_map(direct, LUMINANCE), axis=0)
    assert np.degrees(difference).max() < 0.5 and np.degrees(difference).mean() < 0.05


def test_cached_surfaces_are_bounded_in_bytes_and_the_oldest_is_dropped_first():
    def surface(side):
        return CacheEntry("LUMINANCE", Surface(np.zeros((side, side), np.float32), 1.0, False, Wrap(), (side, side)))
    surfaces = SurfaceCache(budget=3 * 400)
    for name in "abc":
        surfaces.put(name, surface(10))
    surfaces.get("a")
    surfaces.put("d", surface(10))
    assert surfaces.get("b") is None and all(surfaces.get(name) for name in "acd")
    surfaces.put("huge", surface(100))
    assert surfaces.get("huge") and not surfaces.get("a")


def test_what_only_updates_need_is_dropped_before_any_surface():
    """Heights take 400 bytes each, slopes 800 and pictures 300."""
    heights, slopes = np.zeros((10, 10), np.float32), np.zeros((10, 10, 2), np.float32)
    followed = CacheEntry("RELIEF", Surface(heights, 1.0, False, Wrap(), (10, 10), slopes=slopes),
                          Picture(np.zeros((10, 10, 3), np.uint8)))
    surfaces = SurfaceCache(budget=400 + 400 + 1500)
    for name in "abc":
        surfaces.put(name, followed)
    kept = [surfaces.get(name) for name in "abc"]
    assert [one.nbytes for one in kept] == [400, 400, 1500] and kept[2].picture and kept[2].surface.slopes is not None


@pytest.mark.parametrize("kind", ["HEIGHT", "AO", "CURVATURE"])
def test_other_maps_come_from_the_same_surface_without_the_engine(worker, tmp_path, kind, monkeypatch):
    first, _ = make_map(worker, tmp_path, noise(40, 60))
    monkeypatch.setattr(Luminance, "surface", None)
    result = worker.render(Request(LUMINANCE.to_dict(), id=2, surface=first.surface, map=kind, with_pixels=True))
    values = cv2.imread(str(tmp_path / result.file), cv2.IMREAD_UNCHANGED)
    assert values.dtype == np.uint16 and values.shape == (40, 60) and np.ptp(values) > 50
    assert (result.scale > 0) == (kind == "HEIGHT")
    loaded = np.fromfile(tmp_path / result.pixels, np.float32).reshape(40, 60, 4)[::-1]
    np.testing.assert_allclose(loaded[..., 0], values / 65535, atol=1e-6)


@pytest.mark.parametrize("fields", [{"map": "ROUGHNESS"}, {"format": "JPEG"}])
def test_an_unknown_map_or_format_is_refused_before_the_engine_runs(worker, tmp_path, fields, monkeypatch):
    monkeypatch.setattr(Luminance, "surface", None)
    with pytest.raises(SettingsError, match=next(iter(fields.values()))):
        make_map(worker, tmp_path, noise(8, 8), **fields)


@pytest.mark.parametrize("name", ["TIFF", "EXR", "EXR_HALF"])
def test_files_of_other_formats_have_their_suffixes(worker, tmp_path, name):
    pixels = write_pixels(tmp_path / "pixels", noise(8, 9), "BYTE")
    result = worker.render(Request(LUMINANCE.to_dict(), id=1, pixels=pixels, format=name))
    assert (tmp_path / result.file).suffix == {"T": ".tif", "E": ".exr"}[name[0]]


def test_fine_relief_of_another_engine_is_mixed_in_and_tuned_without_it(worker, tmp_path, monkeypatch):
    mixing = dataclasses.replace(LUMINANCE, mix="RELIEF", crossover=4.0)
    first, mixed_in = make_map(worker, tmp_path, noise(64, 64), mixing)
    plain = make_map(worker, tmp_path, noise(64, 64))[1]
    assert np.abs(mixed_in - plain).mean() > 0.001
    monkeypatch.setattr(Luminance, "surface", None)
    tuned = worker.render(Request(dataclasses.replace(mixing, mix_amount=0.0).to_dict(), id=2, surface=first.surface))
    assert np.abs(components(tmp_path / tuned.file)[..., :2]).mean() < 0.9 * np.abs(plain[..., :2]).mean()


def test_heights_are_written_at_the_requested_scale(worker, tmp_path):
    """As far as it reaches."""
    maps = {}
    for scale in (0.0, 1.0, 1e-6):
        pixels = write_pixels(tmp_path / "pixels", noise(20, 30))
        result = worker.render(Request(LUMINANCE.to_dict(), id=1, pixels=pixels, map="HEIGHT", scale=scale))
        maps[scale] = cv2.imread(str(tmp_path / result.file), cv2.IMREAD_UNCHANGED) / 65535 - 0.5, result.scale
    (own, own_scale), (wide, wide_scale), (narrow, _) = maps.values()
    assert 0 < own_scale < wide_scale == 1
    np.testing.assert_allclose(wide, own * own_scale, atol=1e-5)
    np.testing.assert_allclose(np.abs(narrow[np.abs(own) > 1e-3]), 0.5)


@pytest.mark.parametrize("convention", ["OPENGL", "CONTROLNET"])
def test_the_mean_of_frames_needs_no_engine(worker, tmp_path, convention):
    settings = dataclasses.replace(LUMINANCE, convention=convention, strength=5)
    maps = [make_map(worker, tmp_path, noise(12, 9, seed), settings) for seed in (0, 1)]
    frames = [[share, str(tmp_path / result.file)] for share, (result, _) in zip((0.25, 0.75), maps, strict=True)]
    result = InProcessWorker(tmp_path).render(Request(settings.to_dict(), id=3, frames=frames, compress=True))
    out = z_channel(convention)
    slopes = [values / values[..., out, None] for _, values in maps]
    mean = components(tmp_path / result.file)
    assert (result.width, result.height) == (9, 12)
    np.testing.assert_allclose(mean / mean[..., out, None], 0.25 * slopes[0] + 0.75 * slopes[1], atol=1e-3)


@pytest.mark.parametrize("damage", [b"", b"no picture", None])
def test_frames_that_have_no_mean_are_refused(worker, tmp_path, damage):
    result, _ = make_map(worker, tmp_path, noise(12, 9))
    other = tmp_path / "other.png"
    if damage is not None:
        other.write_bytes(damage)
    for frames in ([[1.0, str(other)]], [[0.5, str(tmp_path / result.file)], [0.5, str(other)]]):
        with pytest.raises(SourceError, match="neighbouring frame"):
            worker.render(Request(LUMINANCE.to_dict(), id=2, frames=frames))
    smaller, _ = make_map(worker, tmp_path, noise(5, 9))
    with pytest.raises(SourceError, match="no mean"):
        frames = [[0.5, str(tmp_path / each.file)] for each in (result, smaller)]
        worker.render(Request(LUMINANCE.to_dict(), id=3, frames=frames))


def test_an_engine_gets_only_pictures_of_the_content_that_it_takes(tmp_path):
    pipeline = MapPipeline(EngineRegistry(EngineOptions(tmp_path, "not in this test")))
    request = Request(LUMINANCE.to_dict(), id=1, picture="heights.png")
    inputs = LoadedInputs(Picture(np.zeros((8, 8, 3), np.float32), content=DATA), None)
    with pytest.raises(SourceError, match="LUMINANCE cannot use this picture, which holds DATA"):
        pipeline.prepare(request, inputs, quiet, Clock())
