"""What the extension never does, whoever asks: no shell, no pickle, no file for others' eyes, no word about pictures."""

from __future__ import annotations

import ast
import os
import re
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from blender_midas_normal.client.client import Client
from blender_midas_normal.client.locks import file_lock
from blender_midas_normal.core.errors import EngineError, InstallError, SourceError
from blender_midas_normal.core.protocol import Request
from tests.conftest import ROOT
from tests.requests_for_tests import LUMINANCE, launch, opaque, write_pixels

pytestmark = pytest.mark.reliability

PACKAGE = ROOT / "blender_midas_normal"
PROGRAMS = sorted(PACKAGE.rglob("*.py"))

FORBIDDEN = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "pickle.load", "pickle.loads",
             "pickle.Unpickler", "marshal.loads", "shelve.open", "tempfile.mktemp"}
"""Calls that run what somebody else may have written, or make files under names that somebody else may guess."""

NEEDED = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
"""Calls that unpickle unless they are told not to."""


def calls(path: Path) -> list[tuple[str, dict]]:
    """The name and the keywords of each call in a program."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    return [(ast.unparse(node.func), {word.arg: word.value for word in node.keywords}) for node in nodes]


def test_nothing_goes_to_a_shell_or_is_unpickled():
    found = [(path.name, *call) for path in PROGRAMS for call in calls(path)]
    assert not [(path, name) for path, name, _ in found if name in FORBIDDEN]
    assert not [(path, name) for path, name, keywords in found if "shell" in keywords or "executable" in keywords]
    for path, name, keywords in found:
        if name in NEEDED:
            word, value = NEEDED[name]
            assert word in keywords and ast.literal_eval(keywords[word]) is value, (path, name)
    assert {"np.load"} <= {name for _, name, _ in found}


def test_the_network_is_reached_in_one_room_only():
    """Downloads check checksums there; what installs packages is pip and uv."""
    asking = {path.relative_to(PACKAGE).as_posix() for path in PROGRAMS
              if re.search(r"^\s*(import|from) (urllib\.request|http\.|socket|ssl|requests)", path.read_text("utf-8"), re.M)}
    assert asking == {"client/setup/weights.py"}


def test_every_package_is_pinned():
    lines = [line.partition("#")[0].strip() for path in (PACKAGE / "client" / "setup" / "requirements").glob("*.txt")
             for line in path.read_text(encoding="utf-8").splitlines()]
    packages = list(filter(None, lines))
    assert len(packages) > 10
    for package in packages:
        assert re.match(r"[\w-]+==[\w.]+( *;.*)?$", package), package


@pytest.mark.skipif(sys.platform == "win32", reason="rights are others there")
def test_no_other_user_may_read_what_is_kept_for_a_while(tmp_path, temporary):
    """Even where new files are everybody's."""
    before, client = os.umask(0), Client()
    try:
        with file_lock(tmp_path / "lock", InstallError):
            client.prepare(launch(tmp_path))
            pixels = client.new_file()
            kept = [pixels, tmp_path / "worker.log", tmp_path / "lock"]
            rights = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in kept}
        assert set(rights.values()) == {"0o600"}, rights
        assert stat.S_IMODE(pixels.parent.stat().st_mode) == 0o700 and pixels.parent.parent == temporary
    finally:
        os.umask(before)
        client.close()


def test_two_exchange_folders_never_have_names_alike(tmp_path, temporary):
    names = set()
    for _ in range(2):
        client = Client()
        names.add(client.prepare(launch(tmp_path)).name)
        client.close()
    assert len(names) == 2 and all(re.fullmatch(r"midas_normal_[0-9a-f]{16}", name) for name in names)


def test_the_log_says_nothing_of_pictures_nor_whose_home_it_is(tmp_path, temporary, monkeypatch):
    """After a map, a picture that cannot be read, and a failure whose traceback names a folder in the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "letter.png").write_bytes(b"\x89PNG\r\n\x1a\nDear Ada")
    secret = np.frombuffer(b"Dear Ada, " * 48, np.uint8).reshape(8, 20, 3)
    client = Client()
    try:
        client.prepare(launch(tmp_path))
        job = client.submit(Request(LUMINANCE.to_dict(), pixels=write_pixels(client.new_file(), opaque(secret / 255))))
        with client.open_result_files(client.wait(job, 20)):
            pass
        with pytest.raises(SourceError):
            client.wait(client.submit(Request(LUMINANCE.to_dict(), picture=str(tmp_path / "letter.png"))), 20)
        gone = {"file": "gone", "width": 2, "height": 2, "encoding": "BYTE"}
        with pytest.raises(EngineError):
            client.wait(client.submit(Request(LUMINANCE.to_dict(), pixels=gone)), 20)
    finally:
        client.close()
    log = (tmp_path / "worker.log").read_bytes()
    assert b"Traceback" in log and b"~/temporary" in log.replace(b"\\", b"/") and len(log) < 5_000
    for word in (b"Dear", b"Ada", b"letter", str(tmp_path).encode()):
        assert word not in log, log.decode()
