"""The weights: found, checked, and downloaded from a server that misbehaves."""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import http.client
import io
import itertools
import os
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from blender_midas_normal.client.locks import file_lock
from blender_midas_normal.client.setup import weights
from blender_midas_normal.core import engines
from blender_midas_normal.core.errors import Cancelled, WeightsError
from tests.client.weights_server import DATA, SHA256, SIZE, serving


@pytest.fixture
def no_proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server(no_proxy):
    with serving() as server:
        yield server


@pytest.fixture
def second(no_proxy):
    """Another source of the same file."""
    with serving() as server:
        yield server


@pytest.fixture
def get(server, tmp_path):
    """Download from the server into a new folder."""
    def download(report=lambda step: None, cancelled=lambda: False, online=True, urls=None, size=SIZE, sha256=SHA256):
        return weights.download(tmp_path / "deep" / "weights", report, cancelled, online, urls or [server.url], size, sha256)

    return download


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "deep" / "weights"


def part(folder: Path, content: bytes) -> Path:
    folder.mkdir(parents=True)
    path = folder / f".{weights.MIDAS_WEIGHTS.name}.part"
    path.write_bytes(content)
    return path


def test_a_download_puts_the_file_and_nothing_else_in_its_place(get, folder):
    steps = []
    path = get(steps.append)
    assert path == folder / weights.MIDAS_WEIGHTS.name and path.read_bytes() == DATA
    assert [file.name for file in folder.iterdir()] == [weights.MIDAS_WEIGHTS.name]
    assert weights.find_weights(folder) == path and weights.verify_weights(path, SHA256) is None
    assert steps[-1].share == 1.0 and [step.number for step in steps] == sorted(step.number for step in steps)


def test_progress_tells_size_and_speed(get, monkeypatch):
    monkeypatch.setattr(weights, "REPORT_INTERVAL_S", 0.0)
    monkeypatch.setattr(weights, "READ_SIZE", 1 << 16)
    steps = []
    get(steps.append)
    shares = [step.share for step in steps if "MB/s" in step.detail]
    assert len(shares) > 5 and shares == sorted(shares) and shares[-1] == 1.0
    assert any("of 3.1 MB" in step.detail for step in steps)


def test_a_second_download_asks_nobody(get, server):
    get()
    server.asked.clear()
    get()
    assert server.asked == []


def test_offline_is_refused_with_the_way_to_allow_it(get, server):
    with pytest.raises(WeightsError, match=r"System > Network > Allow Online Access.*--weights"):
        get(online=False)
    assert server.asked == []


def test_a_broken_connection_is_taken_up_again_where_it_broke(get, server):
    server.cuts = [1_000_000, 500_000]
    assert get().read_bytes() == DATA
    assert server.asked == [None, "bytes=1000000-", "bytes=1500000-"]


@pytest.mark.parametrize("seed", range(5))
def test_it_may_break_at_any_byte_and_downloading_again_goes_on_from_there(get, server, seed):
    chance = random.Random(seed)
    server.cuts = [chance.choice((1, chance.randint(1, 100), chance.randint(1, 1_000_000))) for _ in range(12)]
    rests = [None, *(f"bytes={byte}-" for byte in itertools.accumulate(server.cuts) if byte < SIZE)]
    path = None
    while path is None:
        with contextlib.suppress(WeightsError):
            path = get()
    assert path.read_bytes() == DATA and server.asked == rests


def test_a_server_that_gives_nothing_is_given_up_and_the_part_is_kept(get, server, folder):
    server.cuts = [1_000_000, 0]
    with pytest.raises(WeightsError) as caught:
        get()
    for word in (weights.MIDAS_WEIGHTS.name, "3 MB", str(folder), "--weights", "1.0 MB"):
        assert word in str(caught.value)
    server.asked.clear()
    assert get().read_bytes() == DATA
    assert server.asked == ["bytes=1000000-"]


def test_a_server_that_ignores_range_sends_all_of_it_again(get, server, folder):
    part(folder, b"something else" * 1000)
    server.ranges = False
    assert get().read_bytes() == DATA
    assert server.asked == ["bytes=14000-"]


def test_a_server_that_sends_another_range_is_not_believed(get, server, folder):
    part(folder, DATA[:14000])
    server.shift = 1000
    with pytest.raises(WeightsError, match="another part"):
        get()
    server.shift = 0
    assert get().read_bytes() == DATA
    assert server.asked == ["bytes=14000-", "bytes=14000-"]


def test_a_part_that_is_longer_than_the_file_is_not_used(get, server, folder):
    part(folder, bytes(len(DATA) + 1))
    assert get().read_bytes() == DATA
    assert server.asked == [None]


def test_a_whole_part_is_only_checked(get, server, folder):
    part(folder, DATA)
    assert get().read_bytes() == DATA
    assert server.asked == []


def test_a_part_of_another_file_is_refused_once_and_gone(get, server, folder):
    part(folder, b"x" * 1000)
    with pytest.raises(WeightsError, match=f"SHA-256 is [0-9a-f]{{64}}, not {SHA256}"):
        get()
    assert list(folder.iterdir()) == []
    assert get().read_bytes() == DATA


def test_a_part_longer_than_what_the_server_has_is_asked_for_from_the_beginning(get, server, second, folder):
    part(folder, bytes(5000))
    server.data = DATA[:3000]
    with pytest.raises(WeightsError, match=f"its file has 3000 bytes instead of {SIZE}"):
        get()
    assert server.asked == ["bytes=5000-", None]
    server.data = DATA
    assert get(urls=[server.url, second.url]).read_bytes() == DATA
    assert (server.asked[2:], second.asked) == (["bytes=5000-"], [None])  # the part was of another file


def test_wrong_bytes_are_refused_with_both_sums_and_removed(get, server, folder):
    server.data = DATA[:-1] + b"x"
    found = hashlib.sha256(server.data).hexdigest()
    with pytest.raises(WeightsError) as caught:
        get()
    assert found in str(caught.value) and SHA256 in str(caught.value)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("tells", "reason"), [(True, f"{SIZE + 4} bytes instead of"), (False, "longer than")])
def test_too_many_bytes_are_refused_before_the_disk_is_full_of_them(get, server, folder, tells, reason):
    server.data, server.tells_length = DATA + b"more", tells
    with pytest.raises(WeightsError, match=reason):
        get()
    assert list(folder.iterdir()) == []


def test_a_damaged_file_in_the_place_is_replaced(get, folder):
    folder.mkdir(parents=True)
    (folder / weights.MIDAS_WEIGHTS.name).write_bytes(bytes(len(DATA)))
    assert get().read_bytes() == DATA


def test_cancelling_keeps_what_has_come(get, server, folder):
    with pytest.raises(Cancelled):
        get(cancelled=lambda: bool(server.asked))
    assert not (folder / weights.MIDAS_WEIGHTS.name).exists()
    assert get().read_bytes() == DATA


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
    first, steps, asked = server.url, [], [None]
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
        server.cuts, asked = [1_000_000, 0], ["bytes=1000000-"]
    assert get(steps.append, urls=[first, second.url]).read_bytes() == DATA
    assert second.asked == asked
    assert [path.name for path in folder.iterdir()] == [weights.MIDAS_WEIGHTS.name]
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
    assert second.asked == []


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
    assert weights.source_urls() == (f"https://huggingface.co/{path}", release)
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/hf/")
    assert weights.source_urls() == (f"https://mirror.example/hf/{path}", release)
    assert [weights.host_of(url) for url in weights.source_urls()] == ["mirror.example", "github.com"]


@pytest.mark.parametrize("mirror", ["mirror.example", "http://mirror.example", "https://[mirror"])
def test_a_mirror_that_is_no_safe_address_is_passed_over(get, second, monkeypatch, mirror):
    monkeypatch.setenv("HF_ENDPOINT", mirror)
    assert get(urls=[weights.source_urls()[0], second.url]).read_bytes() == DATA


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


def test_two_downloads_into_one_folder_do_not_mix(get, folder):
    folder.mkdir(parents=True)
    lock = folder / f".{weights.MIDAS_WEIGHTS.name}.lock"
    with file_lock(lock, WeightsError), pytest.raises(WeightsError, match="Another process"):
        get()


def test_too_little_space_is_said_before_the_download(get, server):
    with pytest.raises(WeightsError, match="are free on its drive"):
        get(size=10**16)
    assert server.asked == []


def test_a_folder_that_cannot_be_made(get, tmp_path):
    (tmp_path / "deep").write_text("a file")
    with pytest.raises(WeightsError, match="--weights"):
        get()


def test_missing_weights_are_named_with_size_place_and_option(tmp_path):
    with pytest.raises(WeightsError) as caught:
        weights.find_weights(tmp_path)
    for word in ("dpt_hybrid-midas-501f0c75.pt", "493 MB", str(tmp_path), "in the preferences", "with --weights"):
        assert word in str(caught.value)


@pytest.mark.parametrize("below", ["", "lllyasviel/Annotators"])
def test_weights_are_found_where_users_have_them(tmp_path, below):
    path = tmp_path / below / weights.MIDAS_WEIGHTS.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    assert weights.find_weights(tmp_path) == path
    assert weights.find_weights(path) == path


def test_other_weights_get_a_warning_and_are_hashed_once(tmp_path, monkeypatch):
    path = tmp_path / "mine.pt"
    path.write_bytes(b"mine")
    warning = weights.verify_weights(path)
    assert hashlib.sha256(b"mine").hexdigest() in warning and weights.MIDAS_WEIGHTS.sha256 in warning

    calls = []
    plain = engines.weights_checksum
    monkeypatch.setattr(engines, "weights_checksum", lambda path: calls.append(path) or plain(path))
    assert weights.verify_weights(path) == warning and calls == []
    path.write_bytes(b"mine too")
    assert weights.verify_weights(path) != warning and calls == [path]


def test_a_missing_file_cannot_be_checked(tmp_path):
    for look in (weights.weights_checksum, weights.verify_weights):
        with pytest.raises(WeightsError, match="cannot be read"):
            look(tmp_path / "none.pt")
