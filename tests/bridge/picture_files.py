"""Picture files of every kind that is read, and what the worker reads from them: run by the Python that has its decoders.

    python picture_files.py FOLDER

writes the files into the folder, and pictures.npz: `<file>.rgb` of each, and `<file>.alpha` of those that have alpha.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
import OpenImageIO
import PIL.Image

HEIGHT, WIDTH = 12, 20

FOLDER = Path(sys.argv[1])


def values(channels: int) -> np.ndarray:
    """H x W x channels float32 of 0..1, no two alike; the last of an even number is alpha, which has its ends, too."""
    made = np.random.default_rng(channels).permutation(HEIGHT * WIDTH * channels).reshape(HEIGHT, WIDTH, channels)
    made = (made / made.max() * 0.8 + 0.1).astype(np.float32)
    if channels in (2, 4):
        made[..., -1] = np.linspace(0, 1, WIDTH, dtype=np.float32)
        made[..., :-1] *= made[..., -1:] > 0  # the colour of what is wholly transparent is nobody's
    return made


RGB, RGBA, GREY, GREY_ALPHA = values(3), values(4), values(1), values(2)
BYTES = {channels: np.rint(values(channels) * 255).astype(np.uint8) for channels in (1, 2, 3, 4)}


def write(name: str, pixels: np.ndarray, kind: str, names: tuple[str, ...] = (), planar: bool = False, tile: int = 0,
          window: tuple[int, int] = (0, 0), **attributes: object) -> None:
    """Writes a file by OpenImageIO, in whose terms the words are; kind: of its values; window: where the data begin."""
    file = OpenImageIO.ImageOutput.create(str(FOLDER / name))
    file.open(str(FOLDER / name), spec_of(pixels, kind, names, planar, tile, window, **attributes))
    assert (file.write_tiles(window[0], window[0] + WIDTH, window[1], window[1] + HEIGHT, 0, 1, pixels) if tile
            else file.write_image(pixels)), file.geterror()
    file.close()


def spec_of(pixels: np.ndarray, kind: str, names: tuple[str, ...] = (), planar: bool = False, tile: int = 0,
            window: tuple[int, int] = (0, 0), **attributes: object) -> OpenImageIO.ImageSpec:
    spec = OpenImageIO.ImageSpec(WIDTH, HEIGHT, pixels.shape[2], kind)
    spec.x, spec.y = window
    if names:
        spec.channelnames = names
    if pixels.shape[2] in (2, 4) and not names:
        spec.alpha_channel = pixels.shape[2] - 1
    spec.tile_width = spec.tile_height = tile
    for key, value in {"planarconfig": "separate" if planar else "contig", **attributes}.items():
        spec.attribute(key.replace("__", ":"), value)
    return spec


def write_tiffs() -> None:
    straight, associated = {"oiio__UnassociatedAlpha": 1}, {}
    write("rgb8.tif", RGB, "uint8")
    write("rgb16.tif", RGB, "uint16")
    write("lzw.tif", RGB, "uint16", compression="lzw")
    write("planar.tif", RGB, "uint16", planar=True)
    write("planar_lzw.tif", RGB, "uint16", planar=True, compression="lzw")
    write("planar_tiles.tif", RGB, "uint16", planar=True, tile=16)
    write("grey16.tif", GREY, "uint16")
    write("half.tif", RGB, "half")
    write("float.tif", RGB, "float")
    write("float_grey.tif", GREY, "float")
    write("uint32.tif", RGB, "uint")
    write("int16.tif", RGB, "int16")
    premultiplied = np.dstack([RGBA[..., :3] * RGBA[..., 3:], RGBA[..., 3]])
    write("rgba8_straight.tif", RGBA, "uint8", **straight)
    write("rgba16_straight.tif", RGBA, "uint16", **straight)
    write("rgba16_associated.tif", premultiplied, "uint16", **associated)
    write("grey_alpha16_straight.tif", GREY_ALPHA, "uint16", **straight)
    PIL.Image.fromarray(BYTES[3]).quantize(16).save(FOLDER / "palette.tif")
    PIL.Image.fromarray(BYTES[3]).convert("1").save(FOLDER / "bilevel.tif")
    PIL.Image.fromarray(BYTES[3]).convert("CMYK").save(FOLDER / "cmyk.tif")
    PIL.Image.fromarray(BYTES[3]).save(FOLDER / "jpeg.tif", compression="jpeg")


def write_exrs() -> None:
    premultiplied = np.dstack([RGBA[..., :3] * RGBA[..., 3:], RGBA[..., 3]])
    write("rgb.exr", RGB * 2, "half", ("R", "G", "B"))
    write("rgba.exr", premultiplied, "float", ("R", "G", "B", "A"))
    write("lower_case.exr", premultiplied, "float", ("r", "g", "b", "a"))
    for name in "YRZ":
        write(f"only_{name.lower()}.exr", GREY, "float", (name,))
    write("xyz.exr", RGB, "float", ("X", "Y", "Z"))
    write("window.exr", RGB, "float", ("R", "G", "B"), window=(7, 3))
    write("dwaa.exr", RGB, "half", ("R", "G", "B"), compression="dwaa:45")
    both = np.dstack([premultiplied, GREY * 9])
    write("layers_of_blender.exr", both, "float", (*(f"ViewLayer.Combined.{name}" for name in "RGBA"), "ViewLayer.Depth.Z"))
    write("layers_and_a_picture.exr", np.dstack([RGB[::-1], GREY * 9, RGB]), "float",
          (*(f"albedo.{name}" for name in "RGB"), "Z", *"RGB"))
    write("layers_alone.exr", np.dstack([RGB, RGB[::-1]]), "float",
          (*(f"diffuse.{name}" for name in "RGB"), *(f"specular.{name}" for name in "RGB")))
    parts = {"beauty": RGB, "normal": RGB[::-1]}
    specs = tuple(spec_of(pixels, "float", ("R", "G", "B"), oiio__subimagename=name) for name, pixels in parts.items())
    file = OpenImageIO.ImageOutput.create(str(FOLDER / "parts.exr"))
    file.open(str(FOLDER / "parts.exr"), specs)
    for number, pixels in enumerate(parts.values()):
        assert number == 0 or file.open(str(FOLDER / "parts.exr"), specs[number], "AppendSubimage")
        assert file.write_image(pixels), file.geterror()
    file.close()


def write_others() -> None:
    straight = {"oiio__UnassociatedAlpha": 1}
    for name, pixels in (("grey", GREY), ("grey_alpha", GREY_ALPHA), ("rgb", RGB), ("rgba", RGBA)):
        write(f"{name}8.png", pixels, "uint8", **straight)
        write(f"{name}16.png", pixels, "uint16", **straight)
    rgb = PIL.Image.fromarray(BYTES[3])
    rgb.quantize(16).save(FOLDER / "palette.png", transparency=3)
    rgb.convert("1").save(FOLDER / "bilevel.png")
    rgb.save(FOLDER / "photo.jpg", quality=90)
    rgb.save(FOLDER / "photo.jfif", "JPEG", quality=90, progressive=True)
    rgb.save(FOLDER / "photo.jpe", "JPEG", quality=90, subsampling=0)
    rgb.convert("L").save(FOLDER / "grey.jpg", quality=90)
    rgb.convert("CMYK").save(FOLDER / "cmyk.jpg", quality=90)
    rgb.save(FOLDER / "png_called.jpg", "PNG")
    for name, pixels in (("rgb", BYTES[3]), ("rgba", BYTES[4])):
        picture = PIL.Image.fromarray(pixels)
        picture.save(FOLDER / f"{name}.tga", rle=True)
        picture.save(FOLDER / f"{name}.webp", lossless=True, exact=True)
        picture.save(FOLDER / f"{name}.bmp")
        picture.save(FOLDER / f"{name}.dds")
        picture.save(FOLDER / f"{name}.avif", quality=100, subsampling="4:4:4")
        picture.save(FOLDER / f"{name}.jp2", irreversible=False)
    PIL.Image.fromarray(np.rint(GREY[..., 0] * 65535).astype(np.uint16)).save(FOLDER / "grey16.jp2", irreversible=False)
    write("light.hdr", RGB * 2, "float")
    (FOLDER / "rgb8.psd").write_bytes(psd_of(BYTES[3], 8))
    (FOLDER / "rgb16.psd").write_bytes(psd_of(np.rint(RGB * 65535).astype(np.uint16), 16))
    for dxgi, name in ((71, "bc1"), (72, "bc1_srgb"), (77, "bc3"), (80, "bc4"), (83, "bc5"), (98, "bc7")):
        (FOLDER / f"{name}.dds").write_bytes(dds_of(dxgi, 8 if name[2] in "14" else 16))


def psd_of(pixels: np.ndarray, bits: int) -> bytes:
    """A Photoshop file of one layer; Adobe's "Photoshop File Formats Specification"."""
    height, width, channels = pixels.shape
    header = struct.pack(">4sH6xHIIHH", b"8BPS", 1, channels, height, width, bits, 3)
    planes = np.moveaxis(pixels, 2, 0).astype(f">u{bits // 8}").tobytes()
    return header + bytes(12) + struct.pack(">H", 0) + planes


def dds_of(dxgi: int, block: int) -> bytes:
    """A file of blocks of noise, 16 x 8 pixels; Microsoft's "Programming Guide for DDS"."""
    flags, caps, fourcc = 0x81007, 0x1000, struct.unpack("<I", b"DX10")[0]
    header = struct.pack("<4s7I44x", b"DDS ", 124, flags, 8, 16, 8 * block, 0, 0)
    header += struct.pack("<8I", 32, 4, fourcc, 0, 0, 0, 0, 0) + struct.pack("<5I", caps, 0, 0, 0, 0)
    header += struct.pack("<5I", dxgi, 3, 0, 1, 0)
    blocks = np.random.default_rng(dxgi).integers(0, 256, (8, block), np.uint8)
    if dxgi == 98:
        blocks[:, 0] = 64  # the mode of 6 bits
    return header + blocks.tobytes()


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from blender_midas_normal.core.errors import SourceError
    from blender_midas_normal.worker.inputs import picture_from_file

    write_tiffs()
    write_exrs()
    write_others()
    pictures = {}
    for file in sorted(FOLDER.iterdir()):
        try:
            picture = picture_from_file(file)
        except SourceError as error:
            print(error)
            continue
        pictures[f"{file.name}.rgb"] = picture.rgb
        if picture.alpha is not None:
            pictures[f"{file.name}.alpha"] = picture.alpha
    np.savez(FOLDER / "pictures.npz", **pictures)


if __name__ == "__main__":
    main()
