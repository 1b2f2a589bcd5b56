"""What the worker is fed: garbage for messages, nonsense for requests, damaged files for pictures."""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
import time
import zlib
from collections import Counter

import numpy as np
import PIL.Image
import pytest

from blender_midas_normal.client.client import Client
from blender_midas_normal.core.errors import MidasNormalError, SourceError
from blender_midas_normal.core.protocol import Request
from tests.conftest import ROOT
from tests.reliability.corpus import kept
from tests.reliability.test_decoder import PIECES, damaged, heard
from tests.requests_for_tests import LUMINANCE, launch, noise, write_pixels

cv2 = pytest.importorskip("cv2")
pytestmark = [pytest.mark.reliability, pytest.mark.slow]

DEADLINE = 30.0


@pytest.fixture
def client(temporary):
    client = Client()
    yield client
    client.close()
    assert not list(temporary.iterdir())


def test_garbage_on_its_input_ends_the_worker_at_once(tmp_path, amount, figure):
    count, chance, longest = amount(60, 6), random.Random(1), 0.0
    refused = [line for line in kept() if heard(line + b"\n", [])[1]]
    for number in range(count):
        folder = tmp_path / f"exchange{number}"
        folder.mkdir()
        line = chance.choice((chance.choice(refused), chance.randbytes(200), b"x" * (3 << 20), b"[" * 100_000,
                              chance.choice(PIECES), damaged(b'{"type":"result"}', chance)))
        worker = subprocess.Popen(launch(tmp_path).command(folder), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        start = time.monotonic()
        try:
            worker.stdin.write(line + b"\n")
            worker.stdin.flush()
        except BrokenPipeError:
            pass  # it has heard enough
        assert worker.wait(DEADLINE) == 0 and not folder.exists()
        worker.communicate()
        longest = max(longest, time.monotonic() - start)
    figure(f"worker: {count} times garbage on its input: gone with its folder after {longest:.1f} s at most, start included")


def test_requests_of_nonsense_are_answered_one_by_one(client, tmp_path, amount, figure):
    """In one worker, which lives on."""
    count, chance, outcomes = amount(3_000, 300), random.Random(2), Counter()
    client.prepare(launch(tmp_path))
    process = client.worker
    for _ in range(count):
        fields = nonsense(chance, client)
        job = client.submit(Request(**fields))
        try:
            with client.open_result_files(client.wait(job, DEADLINE)):
                outcomes["map"] += 1
        except MidasNormalError as error:
            assert job.outcome is error, fields
            outcomes[type(error).__name__] += 1
        assert client.worker is process, fields
    assert client.ready is not None
    figure(f"worker: {count} requests of nonsense, one worker: {dict(outcomes)}")


def nonsense(chance: random.Random, client: Client) -> dict:
    """The fields of a request, some of them as no client of ours would send them."""
    values = (None, "", -1, 0, 3, 1e300, "x" * 3000, "\0", "\ud800", [], {}, True, "LUMINANCE", 10 ** 50)
    settings = LUMINANCE.to_dict()
    for _ in range(chance.choice((0, 0, 1, 2))):
        settings[chance.choice([*settings, "x"])] = chance.choice(values)
    fields: dict = {"settings": settings, "with_pixels": chance.random() < 0.5}
    kind = chance.choice(("pixels", "pixels", "picture", "surface", "nothing"))
    if kind == "pixels":
        picture = noise(chance.randint(1, 9), chance.randint(1, 9), chance.getrandbits(32))
        pixel_fields = write_pixels(client.new_file(), picture)
        name = pixel_fields["file"]
        for _ in range(chance.choice((0, 1, 2))):
            pixel_fields[chance.choice([*pixel_fields, "x"])] = chance.choice(values)
        if pixel_fields.get("file") != name:
            (client.worker.folder / name).unlink()
        fields["pixels"] = pixel_fields
    elif kind != "nothing":
        fields[kind] = chance.choice([str(value) for value in values] + ["/dev/zero", "/", "/proc/self/mem", "x" * 100_000])
    if chance.randrange(4) == 0:
        settings["mask"] = "IMAGE"
        fields["mask_pixels"] = write_pixels(client.new_file(), noise(2, 3))
        fields["mask_pixels"] |= chance.choice(({}, {}, {"width": 9}, {"x": 1}))
    return fields


def test_damaged_pictures_are_refused_by_name_and_stop_nothing(client, tmp_path, monkeypatch, amount, figure):
    monkeypatch.setenv("OPENCV_IO_ENABLE_OPENEXR", "1")  # one of the originals is written by OpenCV
    count, chance, outcomes = amount(1_500, 150), random.Random(3), Counter()
    originals = pictures(tmp_path)
    client.prepare(launch(tmp_path))
    process = client.worker
    for number in range(count):
        original = chance.choice(originals)
        path = tmp_path / f"damaged{original.suffix}"
        path.write_bytes(broken(original.read_bytes(), chance))
        job = client.submit(Request(LUMINANCE.to_dict(), picture=str(path)))
        try:
            with client.open_result_files(client.wait(job, DEADLINE)):
                outcomes["map"] += 1
        except SourceError as error:
            assert path.name in str(error) or "longest side" in str(error)
            outcomes["SourceError"] += 1
        except MidasNormalError as error:
            (tmp_path / f"found{number}{original.suffix}").write_bytes(path.read_bytes())
            outcomes[f"{type(error).__name__}: {error}"] += 1
        assert client.worker is process, (number, original)
    figure(f"pictures: {count} damaged files, one worker: {dict(outcomes)}")
    assert set(outcomes) <= {"map", "SourceError"}


def pictures(folder) -> list:
    """One file of each kind that is read."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    deep, real = pixels.astype(np.uint16) * 257, pixels.astype(np.float32) / 255
    written = []
    for name, values in (("a.png", pixels), ("b.jpg", pixels), ("c.bmp", pixels), ("d.webp", pixels), ("e.tif", pixels),
                         ("f.png", deep), ("g.tif", deep), ("h.exr", real), ("i.hdr", real), ("j.tif", real)):
        found, data = cv2.imencode(name[1:], values)
        assert found
        written.append(folder / name)
        written[-1].write_bytes(data.tobytes())
    for suffix in (".gif", ".tga", ".ppm", ".ico", ".pcx"):
        written.append(folder / f"p{suffix}")
        PIL.Image.fromarray(pixels).save(written[-1])
    return written


def broken(data: bytes, chance: random.Random) -> bytes:
    """The file cut, or with bytes of its first part, where the sizes stand, or of all of it changed."""
    if not chance.randrange(4):
        return data[:chance.randrange(len(data))]
    found = bytearray(data)
    for _ in range(chance.choice((1, 2, 8))):
        place = chance.randrange(min(len(found) - 4, chance.choice((48, 48, 400, len(found)))))
        piece = chance.choice((chance.randbytes(1), b"\xff\xff\xff\xff", b"\x7f\xff", b"\0\0\0\0", b"\0\1"))
        found[place:place + len(piece)] = piece
    return bytes(found)


def test_files_that_lie_about_their_size_or_are_giants_stop_no_other(tmp_path):
    """By the command line: each gets its sentence, the exit code says so, and the good one's map is there."""
    good = tmp_path / "good.png"
    cv2.imwrite(str(good), np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8))
    bad = [tmp_path / name for name in ("wide.png", "deep.png", "giant.png", "huge.exr", "folder.png", "long" * 70)]
    bad[0].write_bytes(png_of(60_000, 60_000, 8))
    bad[1].write_bytes(png_of(32_767, 32_767, 16))
    for giant in bad[2:4]:
        with giant.open("wb") as file:
            file.truncate(1 << 40)
    bad[4].mkdir()
    odd = tmp_path / "odd\udcff.png" if sys.platform == "linux" else tmp_path / "odd.png"
    odd.write_bytes(good.read_bytes())
    command = [sys.executable, str(ROOT / "scripts" / "normal_map.py"), *map(str, [*bad, odd, good])]
    ended = subprocess.run([*command, "--out", str(tmp_path / "maps"), "--engine", "luminance"], capture_output=True,
                           timeout=300, check=False, env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"})
    complaints = ended.stderr.decode("utf-8", "replace")
    assert ended.returncode == 1 and "Traceback" not in complaints, complaints
    assert complaints.count(": error: ") == len(bad), complaints
    assert "engine failed" not in complaints, complaints
    assert (tmp_path / "maps" / "good_normal.png").exists() and len(list((tmp_path / "maps").glob("[!.]*"))) == 2


def png_of(width: int, height: int, depth: int) -> bytes:
    """A PNG file that says it is so large, and holds next to nothing."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""))
