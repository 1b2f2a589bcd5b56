"""Photos at an angle in Blender: by function, by operator, by corners that are dragged."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal import generate, rectify
from bl_ext.user_default.midas_normal.core.errors import SettingsError, SourceError, TargetError
from bl_ext.user_default.midas_normal.ui import generation
from bl_ext.user_default.midas_normal.ui import rectify as ui_rectify

from tests.brick_photos import SIZE, take_photo

from .scenes import counts, pumped, values

LEANING = 40, 50, 4, 32
CORNERS = (0.1, 0.1, 0.9, 0.1, 0.9, 0.9, 0.1, 0.9)


def photo(*how, name="wall.png", file=None):
    """An image of a brick wall, packed, or saved as a file."""
    image = bpy.data.images.new(name, *SIZE)
    rgba = np.ones((SIZE[1], SIZE[0], 4), np.float32)
    rgba[..., :3] = take_photo(*how)[::-1] / np.float32(255)
    image.pixels.foreach_set(rgba.ravel())
    if file is None:
        image.pack()
    else:
        image.filepath_raw, image.file_format = str(file), "PNG"
        image.save()
    return image


def test_a_photo_is_rectified_by_its_lines_as_a_new_image_from_which_maps_are_made():
    image = photo(*LEANING)
    before = values(image).copy()
    made = rectify(image)
    assert made != image and made.name == "wall rectified" and made.packed_file is not None and made.use_fake_user
    assert made.colorspace_settings.name == image.colorspace_settings.name and not made.is_float
    assert (values(image) == before).all()
    normal = generate(made, engine="luminance")
    assert normal.name == "wall rectified_normal" and tuple(normal.size) == tuple(made.size) != SIZE
    assert rectify(image).name == "wall rectified.001"


def test_a_photo_that_faces_the_camera_is_left_as_it_is_and_one_sentence_says_so():
    image = photo(0)
    before = counts()
    assert rectify(image) == image
    assert bpy.ops.midas_normal.rectify(image=image.name) == {"FINISHED"}
    report = generation.last_outcome()
    assert not report.maps and report.messages == (
        "The photo was left as it is, because its surface faces the camera as far as its lines tell.",)
    assert counts() == before and not generation.has_made_maps(report)


def test_corners_of_a_script_in_pixels_and_as_shares_give_the_same():
    image = photo(*LEANING)
    assert bpy.ops.midas_normal.rectify(image=image.name, corners=CORNERS) == {"FINISHED"}
    first = bpy.data.images[generation.last_outcome().map_name]
    second = rectify(image, [share * side for share, side in zip(CORNERS, SIZE * 4, strict=True)])
    assert tuple(first.size) == tuple(second.size) and np.abs(values(first) - values(second)).max() < 2 / 255


def test_the_file_beside_the_photo_replaces_none(tmp_path):
    image = photo(*LEANING, file=tmp_path / "wall.png")
    (tmp_path / "wall_rectified.png").write_bytes(b"mine")
    made = rectify(image, CORNERS, save="BESIDE")
    assert made.packed_file is None and made.filepath_raw.endswith("wall_rectified_2.png")
    assert (tmp_path / "wall_rectified.png").read_bytes() == b"mine"
    with pytest.raises(TargetError, match="has no file to save the map beside"):
        rectify(photo(0, name="packed"), CORNERS, save="BESIDE")


def test_what_cannot_be_rectified_says_why_and_leaves_nothing():
    image = photo(*LEANING)
    before = counts()
    with pytest.raises(SettingsError, match="those of no rectangle"):
        rectify(image, [0.0] * 8)
    with pytest.raises(SettingsError, match="focal_length"):
        rectify(image, focal_length=-1)
    with pytest.raises(SourceError, match=r"one of bpy\.data\.images"):
        rectify("wall.png")
    with pytest.raises(RuntimeError, match="no image named 'x'"):
        bpy.ops.midas_normal.rectify(image="x")
    with pytest.raises(RuntimeError, match="those of no rectangle"):
        bpy.ops.midas_normal.rectify(image=image.name, method="CORNERS")
    assert counts() == before


class Editor:
    """A FAKE of an Image Editor that shows one pixel of a region for each pixel of the photo."""

    type = "IMAGE_EDITOR"

    def __init__(self, image):
        view = SimpleNamespace(region_to_view=lambda x, y: (x / SIZE[0], y / SIZE[1]),
                               view_to_region=lambda x, y, clip: (x * SIZE[0], y * SIZE[1]))
        self.regions = [SimpleNamespace(type="WINDOW", x=100, y=50, view2d=view)]
        self.image = image

    def as_pointer(self):
        return 7

    def tag_redraw(self):
        pass


@pytest.fixture
def dragged(monkeypatch, with_timers):
    """A function that drags corners in a FAKE Image Editor by events, of (type, value, x, y), and says what became of it."""
    def drag(image, *events):
        operator = SimpleNamespace(method="CORNERS", image="", corners=None)
        context = SimpleNamespace(
            area=Editor(image), space_data=SimpleNamespace(image=image),
            preferences=SimpleNamespace(system=SimpleNamespace(ui_scale=1.0)),
            window_manager=SimpleNamespace(modal_handler_add=lambda operator: None))
        operator._start = lambda context: {"FINISHED"}
        operator._finish = lambda *args: ui_rectify.MIDAS_NORMAL_OT_rectify._finish(operator, *args)
        assert ui_rectify.MIDAS_NORMAL_OT_rectify._drag(operator, context) == {"RUNNING_MODAL"}
        outcomes = [ui_rectify.MIDAS_NORMAL_OT_rectify.modal(
            operator, context, SimpleNamespace(type=kind, value=value, mouse_x=x + 100, mouse_y=y + 50))
            for kind, value, x, y in events]
        return operator, [outcome for (outcome,) in outcomes]
    return drag


def test_corners_are_dragged_with_the_mouse_and_enter_rectifies(dragged):
    image = photo(*LEANING)
    operator, outcomes = dragged(
        image, ("LEFTMOUSE", "PRESS", 130, 380), ("MOUSEMOVE", "NOTHING", 64, 432), ("LEFTMOUSE", "RELEASE", 64, 432),
        ("MOUSEMOVE", "NOTHING", 300, 300), ("WHEELUPMOUSE", "PRESS", 0, 0), ("LEFTMOUSE", "PRESS", 300, 240),
        ("MOUSEMOVE", "NOTHING", 310, 250), ("LEFTMOUSE", "RELEASE", 310, 250), ("RET", "PRESS", 0, 0))
    assert outcomes == ["RUNNING_MODAL"] * 4 + ["PASS_THROUGH"] + ["RUNNING_MODAL"] * 3 + ["FINISHED"]
    assert operator.image == image.name
    assert np.allclose(operator.corners, [0.1, 0.1, 0.8, 0.2, 0.8, 0.8, 0.2, 0.8], atol=0.01)
    assert ui_rectify.dragging() is None


def test_escape_and_another_file_give_up_dragging(dragged):
    image = photo(*LEANING)
    assert dragged(image, ("ESC", "PRESS", 0, 0))[1] == ["CANCELLED"] and ui_rectify.dragging() is None
    dragged(image)
    assert ui_rectify.dragging() is not None
    bpy.ops.wm.read_homefile(use_empty=True)
    assert ui_rectify.dragging() is None


def test_a_button_rectifies_while_blender_goes_on(with_timers):
    image = photo(*LEANING)
    assert bpy.ops.midas_normal.rectify("INVOKE_DEFAULT", image=image.name, corners=CORNERS) == {"FINISHED"}
    generation.start(ui_rectify.start_rectification(image, CORNERS, 0.0, "PACK"), None)
    pumped(lambda: generation.task() is None)
    assert bpy.data.images[generation.last_outcome().map_name].name.startswith("wall rectified")
