"""Weights whose size and checksum only the hub tells: asked for, believed when they fit, and refused when they do not."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from blender_midas_normal.client.setup import weights
from blender_midas_normal.core.engines import needed_weights
from blender_midas_normal.core.errors import WeightsError
from blender_midas_normal.core.weights import Weights, WeightsFile

LARGE, SMALL = bytes(range(256)) * 5000, b'{"model_type": "depth_anything"}'
WEIGHTS = Weights("A network", "MIT", "someone/net", (WeightsFile("model.safetensors"), WeightsFile("config.json")),
                  "abc123", "net")


class Hub(BaseHTTPRequestHandler):
    """As the hub answers: a large file's facts with a redirection to another server, a small one's on its own."""

    requested: list[str] = []
    facts: dict[str, str] = {}
    elsewhere = ""

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, with_body: bool) -> None:
        Hub.requested.append(f"{self.command} {self.path}")
        path = "/someone/net/resolve/abc123/"
        if self.path == f"{path}model.safetensors":
            self.send_response(302)
            self.send_header("Location", Hub.elsewhere)
            for name, value in Hub.facts.items():
                self.send_header(name, value)
            self.end_headers()
        elif self.path == f"{path}config.json":
            self.send_response(307)
            self.send_header("Location", "/cache/config.json")
            self.end_headers()
        elif self.path == "/cache/config.json":
            checksum = hashlib.sha1(b"blob %d\0" % len(SMALL) + SMALL).hexdigest()
            self.reply(SMALL, with_body, {"ETag": f'W/"{checksum}"'})
        elif self.path == "/large":
            self.reply(LARGE, with_body, {})
        else:
            self.send_error(404)

    def reply(self, content: bytes, with_body: bool, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving():
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def hub(no_proxy, monkeypatch):
    """The hub and the server that has its large files, both on this computer."""
    with serving() as hub, serving() as storage:
        monkeypatch.setenv("HF_ENDPOINT", hub)
        monkeypatch.setattr(Hub, "requested", [])
        monkeypatch.setattr(Hub, "elsewhere", f"{storage}/large")
        monkeypatch.setattr(Hub, "facts", {"X-Linked-Size": str(len(LARGE)),
                                           "X-Linked-ETag": f'"{hashlib.sha256(LARGE).hexdigest()}"'})
        yield hub


def get(folder, chosen=WEIGHTS):
    return weights.download(folder, chosen, lambda step: None, lambda: False, online=True)


def test_all_files_come_into_the_folder_of_the_network_the_weights_last(hub, tmp_path):
    path = get(tmp_path)
    assert path == tmp_path / "net" / "model.safetensors" and path.read_bytes() == LARGE
    assert (tmp_path / "net" / "config.json").read_bytes() == SMALL
    assert sorted(file.name for file in path.parent.iterdir()) == ["config.json", "model.safetensors"]
    assert Hub.requested[-1] == "GET /large" and "HEAD /large" not in Hub.requested
    Hub.requested.clear()
    get(tmp_path)
    assert not any(request.startswith("GET") for request in Hub.requested), "they are there already"


@pytest.mark.parametrize(("facts", "reason"), [
    ({}, "does not tell the file's checksum"),
    ({"X-Linked-Size": "10"}, "does not tell the file's checksum"),
    ({"X-Linked-Size": "ten", "X-Linked-ETag": '"' + "0" * 64 + '"'}, "does not tell the file's size"),
    ({"X-Linked-Size": str(len(LARGE)), "X-Linked-ETag": '"' + "0" * 64 + '"'}, "another checksum"),
    ({"X-Linked-Size": str(len(LARGE) + 1), "X-Linked-ETag": '"' + "0" * 64 + '"'}, "bytes instead of"),
])
def test_what_does_not_fit_the_hubs_own_facts_is_refused(hub, tmp_path, monkeypatch, facts, reason):
    monkeypatch.setattr(Hub, "facts", facts)
    with pytest.raises(WeightsError, match=f"A network's weights .*{reason}"):
        get(tmp_path)
    assert not (tmp_path / "net" / "model.safetensors").exists()


def test_a_checksum_that_is_pinned_goes_before_the_hubs(hub, tmp_path):
    pinned = Weights("A network", "MIT", "someone/net", (WeightsFile("model.safetensors", 0, "1" * 64),), "abc123", "net")
    with pytest.raises(WeightsError, match=f"another checksum .*not {'1' * 64}"):
        get(tmp_path, pinned)


def test_a_plain_mirror_will_do_for_weights_whose_checksum_is_pinned(hub, tmp_path, monkeypatch):
    """It has no facts of its own; the size is that of the file that it sends to."""
    monkeypatch.setattr(Hub, "facts", {})
    file = WeightsFile("model.safetensors", 0, hashlib.sha256(LARGE).hexdigest())
    assert get(tmp_path, Weights("A network", "MIT", "someone/net", (file,), "abc123", "net")).read_bytes() == LARGE


def test_large_files_of_the_known_networks_are_pinned_by_revision_and_checksum():
    for engine in ("DEPTH_ANYTHING", "MOGE"):
        for model in ("SMALL", "LARGE"):
            known = needed_weights(engine, model)
            assert len(known.files[0].sha256) == 64 and known.revision != "main"
