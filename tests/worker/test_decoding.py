"""Picture files of all formats, decoded as Blender reads them."""

import re
import struct
import subprocess
import sys

import numpy as np
import PIL.EpsImagePlugin
import PIL.Image
import PIL.ImageOps
import pytest

from blender_midas_normal.client.setup.environment import requirements_of
from blender_midas_normal.core.errors import SourceError
from blender_midas_normal.core.image_io import encode_exr, encode_tiff
from blender_midas_normal.worker.decoding import OPENIMAGEIO_FORMATS, PILLOW_FORMATS, ChosenChannels, choose_channels
from blender_midas_normal.worker.inputs import picture_from_file
from tests.conftest import ROOT

ORIENTATION = 0x0112
WRITER = ROOT / "tests" / "bridge" / "picture_files.py"


def dds_of(dxgi):
    """The beginning of a DDS file of 16 x 16 pixels in a format of DirectX."""
    header = struct.pack("<4s7I44x", b"DDS ", 124, 0x1007, 16, 16, 0, 0, 0)
    header += struct.pack("<8I5I", 32, 4, 0x30315844, 0, 0, 0, 0, 0, 0x1000, 0, 0, 0, 0)
    return header + struct.pack("<5I", dxgi, 3, 0, 1, 0) + bytes(256)


def pins_of(package, file):
    """The lines of a requirements file about a package."""
    return re.findall(rf"^{package}==.*$", file.read_text(), re.MULTILINE)


@pytest.mark.midas
def test_the_midas_environment_reads_what_the_small_one_reads(midas_python, tmp_path):
    """The table in tests/bridge/test_decoding.py is about the small one."""
    sys.path.append(str(ROOT / "scripts"))
    import environments

    read = {}
    for name, python in (("small", environments.maps_python()), ("midas", midas_python)):
        (tmp_path / name).mkdir()
        subprocess.run([python, WRITER, tmp_path / name], check=True)
        read[name] = np.load(tmp_path / name / "pictures.npz")
    assert set(read["small"]) == set(read["midas"]) and len(read["small"]) > 70
    for key, values in read["small"].items():
        np.testing.assert_array_equal(read["midas"][key], values, err_msg=key)


@pytest.mark.parametrize("package", ["openimageio", "pillow"])
def test_both_environments_have_the_same_decoders(package):
    assert pins_of(package, ROOT / "scripts/requirements/maps.txt") == pins_of(package, *requirements_of(["midas"])) != []


def test_training_and_the_nodes_own_call_have_the_same_opencv():
    package = "opencv-python-headless"
    assert pins_of(package, ROOT / "scripts/requirements/samples.txt") == pins_of(package, *requirements_of(["node"])) != []


def test_colours_of_openexr_files_are_multiplied_by_alpha(tmp_path):
    """As the format's own convention is, and as Blender reads and writes them."""
    alpha = np.tile(np.linspace(0, 1, 32, dtype=np.float32), (16, 1))
    (tmp_path / "soft.exr").write_bytes(encode_exr({**dict.fromkeys("RGB", alpha * 0.5), "A": alpha}, half=False))
    picture = picture_from_file(tmp_path / "soft.exr")
    np.testing.assert_allclose(picture.alpha, alpha)
    np.testing.assert_allclose(picture.rgb[:, 1:], 0.7354, atol=1e-3)


def test_scene_linear_files_are_exposed_and_no_others(tmp_path):
    """Floats of TIFF files are display-referred, as in Blender."""
    values = np.random.default_rng(0).uniform(0.01, 0.2, (6, 7, 3)).astype(np.float32)
    for name, factor in (("one", 1), ("two", 2)):
        channels = {colour: values[..., number] * factor for number, colour in enumerate("RGB")}
        (tmp_path / f"{name}.exr").write_bytes(encode_exr(channels, half=False))
        (tmp_path / f"{name}.tif").write_bytes(encode_tiff(values * np.float32(factor)))
    for suffix in (".exr", ".tif"):
        one, two, darker = (picture_from_file(tmp_path / (name + suffix), stops).rgb
                            for name, stops in (("one", 0.0), ("two", 0.0), ("two", -1.0)))
        assert np.abs(two - one).max() > 0.1
        np.testing.assert_allclose(darker, one if suffix == ".exr" else two, atol=1e-6)
    np.testing.assert_array_equal(one, values)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_colours_that_a_tiff_file_calls_multiplied_by_alpha_are_divided_and_others_are_not(tmp_path, kind):
    tifffile = pytest.importorskip("tifffile")
    straight = np.array([[[0.8, 0.4, 0.2, 0.5], [0.1, 0.2, 0.3, 1.0], [0.0, 0.0, 0.0, 0.0]]], np.float32)
    scale = 1 if kind is np.float32 else np.iinfo(kind).max
    multiplied = np.concatenate([straight[..., :3] * straight[..., 3:], straight[..., 3:]], axis=2)
    for name, values, alpha in (("unassoc", straight, "unassalpha"), ("assoc", multiplied, "assocalpha"),
                                ("unspecified", straight, "unspecified")):
        stored = values * scale if scale == 1 else np.rint(values * scale)
        tifffile.imwrite(tmp_path / f"{name}.tif", stored.astype(kind), photometric="rgb", extrasamples=[alpha])
        picture = picture_from_file(tmp_path / f"{name}.tif")
        np.testing.assert_allclose(picture.rgb_float(), straight[..., :3], atol=4e-3)
        np.testing.assert_allclose(picture.alpha_float(), straight[..., 3], atol=4e-3)


@pytest.mark.parametrize(("parts", "expected"), [
    ([("", "BGR")], (0, "RGB", "")), ([("", "abgr")], (0, "rgb", "a")), ([("", ["Y"])], (0, "Y", "")),
    ([("", ["Z"])], (0, "Z", "")), ([("", ["R"])], (0, "R", "")), ([("", ["X", "Y", "Z"])], (0, "XYZ", "")),
    ([("", ["A", "Y"])], (0, "Y", "A")), ([("", ["custom"])], (0, ["custom"], "")), ([("", "RG")], (0, "RG-", "")),
    ([("", ["Red", "Green", "Blue"])], (0, ["Red", "Green", "Blue"], "")),
    ([("", ["ao.R", "ao.G", "ao.B", "R", "G", "B", "A"])], (0, "RGB", "A")),
    ([("", ["L.ao.R", "L.ao.G", "L.ao.B", "L.Combined.R", "L.Combined.G", "L.Combined.B"])],
     (0, ["L.Combined.R", "L.Combined.G", "L.Combined.B"], "")),
    ([("", ["L.Depth.Z", "L.hue.R", "L.hue.G", "L.hue.B"])], (0, ["L.hue.R", "L.hue.G", "L.hue.B"], "")),
    ([("", ["A", "Z"])], (0, "Z", "A")), ([("", ["A", "Z", "id"])], (0, "Z", "A")), ([("", ["A"])], (0, "A", "")),
    ([("", ["A", "L.Depth.Z"])], (0, ["L.Depth.Z"], "")), ([("alpha", "A"), ("depth", "Z")], (1, "Z", "")),
    ([("depth", ["Z"]), ("beauty", "RGBA")], (1, "RGB", "A")), ([("", ["L.Depth.Z", "L.Mist.Z"])], (0, ["L.Depth.Z"], "")),
])
def test_the_channels_that_are_the_picture(parts, expected):
    part, colours, alpha = expected
    names = list(parts[part][1])
    places = tuple(None if name == "-" else names.index(name) for name in colours)
    chosen = choose_channels([(name, list(channels)) for name, channels in parts])
    place = names.index(alpha) if alpha else None
    assert chosen == ChosenChannels(part, places, place, is_premultiplied=bool(alpha) and "Z" not in colours)


def test_a_file_without_channels_is_refused():
    with pytest.raises(ValueError, match="no channels"):
        choose_channels([("", [])])


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P", "1", "CMYK"])
def test_ordinary_files_are_read(tmp_path, mode):
    path = tmp_path / f"picture.{'tif' if mode == 'CMYK' else 'png'}"
    PIL.Image.fromarray(np.full((4, 6, 3), 200, np.uint8)).convert(mode).save(path)
    picture = picture_from_file(path)
    assert picture.rgb.shape == (4, 6, 3) and picture.rgb.dtype == np.uint8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photographs_orientation_is_applied_whatever_its_depth(tmp_path, orientation):
    exif = PIL.Image.Exif()
    exif[ORIENTATION] = orientation
    grey = np.random.default_rng(0).integers(0, 256, (2, 3), np.uint8).repeat(16, 0).repeat(16, 1)
    PIL.Image.fromarray(grey).save(tmp_path / "bytes.png", exif=exif)
    PIL.Image.fromarray(grey).save(tmp_path / "photo.jpg", exif=exif, quality=100)
    PIL.Image.fromarray(grey).save(tmp_path / "photo.webp", exif=exif, lossless=True)
    PIL.Image.fromarray(grey * np.uint16(257)).save(tmp_path / "deep.png", exif=exif)
    PIL.Image.fromarray(grey * np.uint16(257)).save(tmp_path / "deep.tif", exif=exif)
    with PIL.Image.open(tmp_path / "bytes.png") as opened:
        expected = np.asarray(PIL.ImageOps.exif_transpose(opened))[..., None] / np.float32(255)
    assert expected.shape == ((32, 48, 1) if orientation < 5 else (48, 32, 1))
    for file in tmp_path.iterdir():
        np.testing.assert_allclose(picture_from_file(file).rgb_float(), expected.repeat(3, 2), atol=0.02, err_msg=file.name)


@pytest.mark.parametrize("name", ["deep.png", "deep.tif", "zstd.tif", "lzma.tif"])
def test_sixteen_bits_are_kept(tmp_path, name):
    values = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    options = {"compression": name[:4]} if name in ("zstd.tif", "lzma.tif") else {}
    PIL.Image.fromarray(values).save(tmp_path / name, **options)
    np.testing.assert_allclose(picture_from_file(tmp_path / name).rgb[..., 0], values / 65535, atol=1e-6)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "zstd", "lzma"])
def test_floats_are_what_they_are_however_they_are_compressed(tmp_path, compression):
    values = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    PIL.Image.fromarray(values).save(tmp_path / "floats.tif", compression=compression)
    np.testing.assert_allclose(picture_from_file(tmp_path / "floats.tif").rgb[..., 0], values, atol=1e-6)


@pytest.mark.parametrize("compression", ["zstd", "lzma"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "CMYK"])
def test_bytes_that_the_first_library_cannot_expand_are_what_they_are(tmp_path, mode, compression):
    colours = np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8)
    for name, how in (("plain", "raw"), ("packed", compression)):
        PIL.Image.fromarray(colours).convert(mode).save(tmp_path / f"{name}.tif", compression=how)
    plain, packed = (picture_from_file(tmp_path / f"{name}.tif") for name in ("plain", "packed"))
    np.testing.assert_allclose(packed.rgb_float(), plain.rgb_float(), atol=0.01)


@pytest.mark.parametrize("compression", ["zstd", "lzma"])
def test_whole_numbers_that_neither_library_reads_rightly_are_refused(tmp_path, compression):
    """Pillow would cut them off at 255; the sentence is that of the library that knows how they are meant."""
    values = np.linspace(0, 2**31 - 1, 64 * 64).astype(np.int32).reshape(64, 64)
    PIL.Image.fromarray(values).save(tmp_path / "deep.tif", compression=compression)
    with pytest.raises(SourceError, match=f"(?i){compression} compression support is not configured"):
        picture_from_file(tmp_path / "deep.tif")


def test_alpha_of_files_is_kept(tmp_path):
    PIL.Image.new("RGBA", (3, 3), (10, 20, 30, 128)).save(tmp_path / "leaf.png")
    assert (picture_from_file(tmp_path / "leaf.png").alpha == 128).all()


@pytest.mark.parametrize(("name", "content"), [
    ("text.png", b"not a picture"), ("cut.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 20), ("empty.jpg", b""),
    ("cut.exr", b"v/1\x01"), ("cut.avif", b"\0\0\0\x1cftypavif" + bytes(40)),
])
def test_what_is_no_picture_is_refused_by_name(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=name):
        picture_from_file(tmp_path / name)


@pytest.mark.parametrize(("content", "sentence"), [
    (b"not a picture", "it is none of the formats that are known"), (b"%PDF-1.7", "it is a PDF file"),
    (b"\0\0\0\x1cftypheic" + bytes(40), "it is a HEIC file"), (b"<svg xmlns=", "it is an SVG file"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "it is a JPEG XL file"), (b"BLENDER-v405", "it is none of the formats that are known"),
    (dds_of(200), "Unsupported DXGI format"),
])
def test_what_is_not_read_is_called_what_it_is(tmp_path, content, sentence):
    (tmp_path / "wall.png").write_bytes(content)
    with pytest.raises(SourceError, match=rf"wall\.png is not a readable picture: .*({sentence})"):
        picture_from_file(tmp_path / "wall.png")


def test_a_volume_is_called_one(tmp_path):
    """OpenImageIO gives all its slices, Blender none since 5.2."""
    header = struct.pack("<4s7I44x", b"DDS ", 124, 0x801007, 4, 4, 16, 3, 1)
    header += struct.pack("<8I5I", 32, 0x41, 0, 32, 0xFF0000, 0xFF00, 0xFF, 0xFF000000, 0x1008, 0x200000, 0, 0, 0)
    (tmp_path / "volume.dds").write_bytes(header + bytes(3 * 64))
    with pytest.raises(SourceError, match=r"volume\.dds is not a readable picture: it is a volume\.$"):
        picture_from_file(tmp_path / "volume.dds")


@pytest.mark.parametrize(("name", "content"), [
    ("tiff.png", b"II*\0" + bytes(100)), ("exr.png", b"v/1\x01"), ("jpeg.png", b"\xff\xd8\xff\xe0" + bytes(40)),
    ("exr.exr", b"v/1\x01" + bytes(300)), ("jpeg.jpg", b"\xff\xd8\xff\xe0" + bytes(40)), ("avif.jpg", b"\0\0\0\x1cftypavif"),
])
@pytest.mark.parametrize("folder", ["", "names with (brackets) and 'quotes'"])
def test_a_sentence_names_the_file_once_and_no_temporary_one(tmp_path, name, content, folder):
    file = tmp_path / folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    with pytest.raises(SourceError) as refused:
        picture_from_file(file)
    assert str(refused.value).count(name) == 1 and "midas_normal_" not in str(refused.value)
    assert "/picture." not in str(refused.value) and "()" not in str(refused.value)


def test_a_file_reaches_the_one_decoder_that_it_is_for(tmp_path):
    """OpenImageIO would else ask all its decoders, of which some were written for files of friends."""
    import OpenImageIO

    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    with pytest.raises(SourceError):
        picture_from_file(tmp_path / "cut.png")
    assert OpenImageIO.get_int_attribute("try_all_readers") == 0


def test_where_no_link_can_be_made_a_file_with_another_ending_is_read_all_the_same(tmp_path, monkeypatch):
    """As on Windows; FAKE."""
    def refused(*_, **__):
        raise OSError(1314, "A required privilege is not held by the client")

    PIL.Image.new("RGB", (3, 2), (10, 20, 30)).save(tmp_path / "wall.png")
    (tmp_path / "wall.png").rename(tmp_path / "wall.jpg")
    monkeypatch.setattr("pathlib.Path.symlink_to", refused)
    assert (picture_from_file(tmp_path / "wall.jpg").rgb == (10, 20, 30)).all()


POSTSCRIPT = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 16 16
%%EndComments
0 0 16 16 rectfill
showpage
%%EOF
"""


@pytest.mark.skipif(sys.platform == "win32", reason="its Ghostscript is a shell script")
@pytest.mark.parametrize("name", ["picture.jpg", "picture.png", "picture.tif", "picture.eps"])
def test_a_page_of_postscript_starts_no_program_whatever_it_is_called(tmp_path, monkeypatch, name):
    """Pillow hands such a file to Ghostscript, for which a program stands that only says that it was started."""
    program = tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n: > {tmp_path / 'started'}\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setattr(PIL.EpsImagePlugin, "gs_binary", None)  # it is looked for once
    (tmp_path / name).write_bytes(POSTSCRIPT)
    with pytest.raises(SourceError, match=name):
        picture_from_file(tmp_path / name)
    assert not (tmp_path / "started").exists()


def test_there_are_the_decoders_that_a_file_may_reach():
    """Pillow stops with another error at a name that it does not know."""
    PIL.Image.init()
    assert set(PILLOW_FORMATS.values()) <= set(PIL.Image.OPEN) and "EPS" in PIL.Image.OPEN
    assert not set(PILLOW_FORMATS) & set(OPENIMAGEIO_FORMATS)


def test_a_truncated_picture_is_refused(tmp_path):
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:5000])
    with pytest.raises(SourceError, match=r"cut\.png"):
        picture_from_file(tmp_path / "cut.png")
    PIL.Image.open(tmp_path / "whole.png").save(tmp_path / "whole.jpg", quality=95)
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:3000])
    with pytest.raises(SourceError, match=r"cut\.jpg is not a readable picture: JPEG error: Premature end of JPEG file"):
        picture_from_file(tmp_path / "cut.jpg")


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(SourceError, match=r"missing\.png"):
        picture_from_file(tmp_path / "missing.png")
