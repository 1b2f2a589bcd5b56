"""The sources of the weights: the next one where one fails, proxies, passwords and redirections."""

from __future__ import annotations

import base64
import errno
import http.client
import io
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from blender_midas_normal.client.setup import weights
from blender_midas_normal.core.engines import MIDAS_WEIGHTS, needed_weights
from blender_midas_normal.core.errors import WeightsError
from tests.client.weights_server import DATA, SIZE

MIDAS = needed_weights("MIDAS", "")


@pytest.mark.parametrize("status", [404, 401, 503])
def test_the_servers_refusal_is_one_sentence(get, server, status):
    server.status = status
    with pytest.raises(WeightsError, match=f"answered {status}.*--weights"):
        get()


def test_a_server_that_is_not_there(get):
    with pytest.raises(WeightsError, match=r"127.0.0.1:9: Connection refused.*--weights"):
        get(urls=["http://127.0.0.1:9/weights.pt"])


@pytest.mark.parametrize("fault", ["away", "status", "silent", "page", "other", "broken"])
def test_where_one_source_fails_the_next_one_gives_the_file(get, server, second, folder, monkeypatch, fault):
    """And goes on from what the first one gave, where that is a part of it."""
    first, steps, ranges = server.url, [], [None]
    if fault == "away":
        first = "http://127.0.0.1:9/weights.pt"
    elif fault == "status":
        server.status = 403
    elif fault == "silent":
        monkeypatch.setattr(weights, "SERVER_TIMEOUT_S", 0.2)
        server.stalls = True
    elif fault == "page":
        server.data = b"<html>Please log in</html>"
    elif fault == "other":
        server.data = bytes(SIZE)
    else:
        server.cuts, ranges = [1_000_000, 0], ["bytes=1000000-"]
    assert get(steps.append, urls=[first, second.url]).read_bytes() == DATA
    assert second.requested_ranges == ranges
    assert [path.name for path in folder.iterdir()] == [MIDAS_WEIGHTS.name]
    assert any(weights.host_of(first) in step.detail for step in steps)


@pytest.mark.parametrize("step", ["begin", "read1"])
@pytest.mark.parametrize("code", [errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EIO])
def test_whatever_a_failed_connection_is_called_the_next_source_is_asked(get, server, second, monkeypatch, code, step):
    """FAKE: the errors are those of a cable that was pulled out."""
    of = getattr(http.client.HTTPResponse, step)

    def failing(answer, *arguments):
        if answer.fp.raw._sock.getpeername()[1] == server.server_port:
            raise OSError(code, os.strerror(code))
        return of(answer, *arguments)

    monkeypatch.setattr(http.client.HTTPResponse, step, failing)
    steps = []
    assert get(steps.append, urls=[server.url, second.url]).read_bytes() == DATA
    assert any(os.strerror(code) in step.detail for step in steps)


def test_a_disk_that_fails_is_no_fault_of_the_source(get, second, monkeypatch):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(weights.Download, "open_part", lambda download, offset: Full())
    with pytest.raises(WeightsError, match="No space left on device"):
        get()
    assert second.requested_ranges == []


@pytest.mark.parametrize(("url", "reason"), [
    ("http://me:geheim@mirror.example/w.pt", "from http://mirror.example/w.pt, because only https"),
    ("https://me:geheim@127.0.0.1:9/w.pt", "^[^@]*127.0.0.1:9: Connection refused"),
    ("https://me:gehe@geheim@127.0.0.1:9/w.pt", "127.0.0.1:9: Connection refused"),
    ("me:geheim@mirror.example", "from mirror.example, because only https"),
    ("ftp://me:geheim@mirror.example/w.pt", "because only https"), ("https://me:geheim@[mirror/w.pt", "Invalid IPv6 URL"),
])
def test_a_password_in_an_address_is_not_shown(get, url, reason):
    steps = []
    with pytest.raises(WeightsError, match=reason) as caught:
        get(steps.append, urls=[url])
    assert not any("geheim" in text for text in (str(caught.value), *(step.detail for step in steps)))


def test_a_name_and_a_password_in_an_address_are_for_its_server_alone(get, server, second):
    server.status, server.location = 302, second.url
    get(urls=[server.url.replace("//", "//me:ge%40heim@")])
    assert server.logins == [f"Basic {base64.b64encode(b'me:ge@heim').decode()}"] and second.logins == [None]


def test_all_sources_are_named_with_what_is_wrong_with_each(get, server):
    server.status = 404
    with pytest.raises(WeightsError, match=r"127.0.0.1:9: Connection refused; 127.0.0.1:\d+: the server answered 404"):
        get(urls=["http://127.0.0.1:9/weights.pt", server.url])


def test_the_sources_are_the_hub_or_its_mirror_then_the_release_of_the_networks_authors(monkeypatch):
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    release = "https://github.com/isl-org/DPT/releases/download/1_0/dpt_hybrid-midas-501f0c75.pt"
    path = "lllyasviel/Annotators/resolve/main/dpt_hybrid-midas-501f0c75.pt"
    assert weights.source_urls(MIDAS, MIDAS_WEIGHTS) == (f"https://huggingface.co/{path}", release)
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/hf/")
    assert weights.source_urls(MIDAS, MIDAS_WEIGHTS) == (f"https://mirror.example/hf/{path}", release)
    assert [weights.host_of(url) for url in weights.source_urls(MIDAS, MIDAS_WEIGHTS)] == ["mirror.example", "github.com"]


@pytest.mark.parametrize("mirror", ["mirror.example", "http://mirror.example", "https://[mirror"])
def test_a_mirror_that_is_no_safe_address_is_passed_over(get, second, monkeypatch, mirror):
    monkeypatch.setenv("HF_ENDPOINT", mirror)
    assert get(urls=[weights.source_urls(MIDAS, MIDAS_WEIGHTS)[0], second.url]).read_bytes() == DATA


class Proxy(BaseHTTPRequestHandler):
    """Wants a password."""

    def do_CONNECT(self) -> None:
        self.send_error(407)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("answers", [True, False])
def test_a_proxy_that_lets_nothing_through_is_named_without_its_password(get, monkeypatch, answers):
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy, bind_and_activate=False) as proxy:
        proxy.server_bind()  # a port that is taken refuses as long as nobody listens, and stays ours
        place = f"127.0.0.1:{proxy.server_port}"
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
        if answers:
            proxy.server_activate()
            thread.start()
        monkeypatch.setenv("https_proxy", f"http://me:secret@{place}")
        monkeypatch.setenv("no_proxy", "")
        reason = "407 Proxy Authentication Required" if answers else "refused"
        with pytest.raises(WeightsError, match=rf"{reason} \(through the proxy {place}\); try again") as caught:
            get(urls=["https://weights.invalid/weights.pt"])
        assert "secret" not in str(caught.value)
        if answers:
            proxy.shutdown()
            thread.join()


def test_a_silent_server_times_out(get, server, monkeypatch):
    monkeypatch.setattr(weights, "SERVER_TIMEOUT_S", 0.2)
    server.stalls = True
    with pytest.raises(WeightsError, match="timed out"):
        get()


@pytest.mark.parametrize("url", ["http://huggingface.co/x.pt", "ftp://127.0.0.1/x.pt", "file:///etc/passwd",
                                 "http://127.0.0.1.example.org/x.pt"])
def test_only_https_is_allowed(get, url):
    with pytest.raises(WeightsError, match="only https"):
        get(urls=[url])


def test_a_redirect_is_followed_only_where_that_is_allowed(get, server):
    server.status, server.location = 302, "http://example.org/weights.pt"
    with pytest.raises(WeightsError, match="only https"):
        get()


def test_a_redirect_from_https_to_http_is_refused_even_on_this_computer():
    with pytest.raises(weights._SourceFailed, match="only https"):
        weights.check_is_secure("http://127.0.0.1/x.pt", https_only=True)
    weights.check_is_secure("http://127.0.0.1/x.pt")
