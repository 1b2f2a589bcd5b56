"""Fixtures of the tests of the client: a client, small installations, and servers of the weights."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from blender_midas_normal.client.client import Client
from blender_midas_normal.client.setup import interpreters, weights
from blender_midas_normal.client.setup.environment import Environment
from blender_midas_normal.client.setup.install import install
from blender_midas_normal.core.engines import MIDAS_WEIGHTS, needed_weights
from blender_midas_normal.core.weights import WeightsFile
from tests.client.installations import make_recipe, write_wheel
from tests.client.weights_server import SHA256, SIZE, serving


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.close()


@pytest.fixture(scope="session")
def wheels(tmp_path_factory) -> Path:
    """A folder of wheels, in place of a package index."""
    folder = tmp_path_factory.mktemp("wheels")
    write_wheel(folder, "midasprobe", "1.0")
    # Longer, since Python takes a module of the same size and time for the one that it has compiled.
    write_wheel(folder, "midasprobe", "10.0")
    write_wheel(folder, "torch", "2.13.0")
    return folder


@pytest.fixture(scope="session")
def base() -> Path:
    """A Python that environments can be made from."""
    return interpreters.find_interpreter().path


@pytest.fixture(scope="session")
def first_installation(wheels, base, tmp_path_factory):
    """One environment made from nothing, and the steps that were reported."""
    folder = tmp_path_factory.mktemp("first")
    environment, steps = Environment(folder / "env"), []
    install(environment, base, "registry", steps.append, recipe=make_recipe(wheels, folder))
    return environment, steps


@pytest.fixture
def environment(first_installation, tmp_path) -> Environment:
    """A copy of the first installation, which a test may change."""
    shutil.copytree(first_installation[0].folder, tmp_path / "env", symlinks=True)
    return Environment(tmp_path / "env")


@pytest.fixture
def nvidia(tmp_path, monkeypatch):
    """nvidia("6.1"): a driver's program that knows cards of these compute capabilities."""
    def have(*capabilities: str) -> None:
        folder = tmp_path / "driver"
        folder.mkdir()
        (folder / "nvidia-smi").write_text("#!/bin/sh\n[ \"$1\" = --query-gpu=compute_cap ] || exit 2\n"
                                           + "".join(f"echo {capability}\n" for capability in capabilities))
        (folder / "nvidia-smi").chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    return have


@pytest.fixture
def no_proxy(monkeypatch):
    """No proxy from the environment of the tests."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server(no_proxy):
    """A source of the weights."""
    with serving() as server:
        yield server


@pytest.fixture
def second(no_proxy):
    """Another source of them."""
    with serving() as server:
        yield server


@pytest.fixture
def get(server, tmp_path):
    """Download from the server into a new folder."""
    def download(report=lambda step: None, cancelled=lambda: False, urls=None, size=SIZE, sha256=SHA256):
        file = WeightsFile(MIDAS_WEIGHTS.name, size, sha256)
        return weights.download_file(tmp_path / "deep" / "weights", needed_weights("MIDAS", ""), file, urls or [server.url],
                                     report, cancelled)

    return download


@pytest.fixture
def folder(tmp_path) -> Path:
    """The folder that `get` downloads into."""
    return tmp_path / "deep" / "weights"
