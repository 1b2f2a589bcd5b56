"""Settings: their values, presets and what each of them changes."""

import dataclasses
import math

import numpy as np
import pytest

from blender_midas_normal.core.errors import SettingsError
from blender_midas_normal.core.settings import PRESETS, Settings, node_size, preset, setting_domains, surface_setting_names


def test_the_default_is_the_material_preset():
    assert Settings() == preset("material")


def test_the_node_preset_has_the_nodes_defaults():
    node = preset("NODE")
    assert (node.a, node.bg_threshold, node.resolution) == (2 * math.pi, 0.1, 512)
    assert node.is_node_picture and not Settings().is_node_picture


def test_values_are_read_in_any_case():
    assert Settings(engine="luminance", convention="DirectX").convention == "DIRECTX"


@pytest.mark.parametrize(("name", "value"), [
    ("a", -0.1), ("a", 15.8), ("bg_threshold", 1.1), ("resolution", 63), ("resolution", 16385), ("strength", -1),
    ("strength", float("nan")), ("blur", "wide"), ("engine", "deep"), ("tileable", ""), ("resolution", None),
    ("resolution", 512.5),
])
def test_a_value_outside_its_domain_is_refused_by_name(name, value):
    with pytest.raises(SettingsError, match=name):
        Settings(**{name: value})


def test_the_nodes_whole_range_is_accepted():
    for a in (0.0, 5 * math.pi):
        assert Settings(a=a).a == pytest.approx(a)


def test_raw_depth_belongs_to_midas():
    with pytest.raises(SettingsError, match="RAW"):
        Settings(engine="LUMINANCE", depth_scale="RAW")


def test_settings_of_a_dict_are_the_same_again():
    for settings in PRESETS.values():
        assert Settings().replace_fields(settings.to_dict()) == settings


def test_an_unknown_setting_is_refused():
    with pytest.raises(SettingsError, match="detail_level"):
        Settings().replace_fields({"detail_level": 3})


def test_every_setting_is_described():
    assert all(len(domain.description) >= 15 for domain in setting_domains().values())


def test_only_what_shapes_the_surface_is_part_of_its_key():
    assert set(surface_setting_names()) == {"engine", "resolution", "tileable", "depth_scale", "device", "precision", "mix",
                                    "enlargement", "quality", "model", "model_folder", "height_scale",
                                    "source_convention", "base", "islands"}


@pytest.mark.parametrize(("size", "resolution", "expected"), [
    ((640, 480), 512, (704, 512)), ((512, 512), 512, (512, 512)), ((300, 4000), 512, (512, 6848)),
    ((100, 100), 100, (128, 128)), ((1000, 400), 100, (192, 128)),
])
def test_the_nodes_rounding(size, resolution, expected):
    assert node_size(*size, resolution) == expected


def test_tuning_changes_all_settings_that_need_no_engine_and_no_others():
    others = Settings(engine="LUMINANCE", strength=2, blur=3, resolution=512)
    tuned = Settings(engine="RELIEF", resolution=256).with_tuning_of(others)
    assert tuned == Settings(engine="RELIEF", resolution=256, strength=2, blur=3)


@pytest.mark.parametrize(("name", "value"), [("a", 1.0), ("strength", 2.0), ("resolution", 256), ("engine", "RELIEF")])
def test_settings_are_equal_until_one_differs(name, value):
    settings = Settings(a=2 * math.pi)
    assert settings.is_close_to(Settings(a=float(np.float32(2 * math.pi))))
    assert not settings.is_close_to(dataclasses.replace(settings, **{name: value}))


def test_raw_depth_has_no_mask_image():
    with pytest.raises(SettingsError, match="NORMALISED"):
        Settings(engine="MIDAS", depth_scale="RAW", mask="IMAGE")
