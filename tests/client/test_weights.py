"""Finding, checking and downloading the weights; downloads from a server that misbehaves."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import random
from functools import partial
from pathlib import Path

import pytest

from blender_midas_normal.client.locks import file_lock
from blender_midas_normal.client.setup import weights
from blender_midas_normal.core import weights as core_weights
from blender_midas_normal.core.engines import MIDAS_WEIGHTS, needed_weights
from blender_midas_normal.core.errors import Cancelled, WeightsError
from blender_midas_normal.core.weights import find_weights, verify_weights, weights_checksum
from tests.client.weights_server import DATA, SHA256, SIZE

MIDAS = needed_weights("MIDAS", "")


def part(folder: Path, content: bytes) -> Path:
    folder.mkdir(parents=True)
    path = folder / f".{MIDAS_WEIGHTS.name}.part"
    path.write_bytes(content)
    return path


def test_a_download_puts_the_file_and_nothing_else_in_its_place(get, folder):
    steps = []
    path = get(steps.append)
    assert path == folder / MIDAS_WEIGHTS.name and path.read_bytes() == DATA
    assert [file.name for file in folder.iterdir()] == [MIDAS_WEIGHTS.name]
    assert find_weights(folder, MIDAS) == folder and weights.file_checksum(path, SHA256) == SHA256
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
    server.requested_ranges.clear()
    get()
    assert server.requested_ranges == []


def test_offline_is_refused_with_the_way_to_allow_it(tmp_path):
    with pytest.raises(WeightsError, match=r"System > Network > Allow Online Access.*--weights"):
        weights.download(tmp_path, MIDAS, lambda step: None, lambda: False, online=False)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_connection_is_taken_up_again_where_it_broke(get, server):
    server.cuts = [1_000_000, 500_000]
    assert get().read_bytes() == DATA
    assert server.requested_ranges == [None, "bytes=1000000-", "bytes=1500000-"]


@pytest.mark.parametrize("seed", range(5))
def test_it_may_break_at_any_byte_and_downloading_again_goes_on_from_there(get, server, seed):
    chance = random.Random(seed)
    server.cuts = [chance.choice((1, chance.randint(1, 100), chance.randint(1, 1_000_000))) for _ in range(12)]
    rests = [None, *(f"bytes={byte}-" for byte in itertools.accumulate(server.cuts) if byte < SIZE)]
    path = None
    while path is None:
        with contextlib.suppress(WeightsError):
            path = get()
    assert path.read_bytes() == DATA and server.requested_ranges == rests


def test_a_server_that_gives_nothing_is_given_up_and_the_part_is_kept(get, server, folder):
    server.cuts = [1_000_000, 0]
    with pytest.raises(WeightsError) as caught:
        get()
    for word in (MIDAS_WEIGHTS.name, "3 MB", str(folder), "--weights", "1.0 MB"):
        assert word in str(caught.value)
    server.requested_ranges.clear()
    assert get().read_bytes() == DATA
    assert server.requested_ranges == ["bytes=1000000-"]


def test_a_server_that_ignores_range_sends_all_of_it_again(get, server, folder):
    part(folder, b"something else" * 1000)
    server.ranges = False
    assert get().read_bytes() == DATA
    assert server.requested_ranges == ["bytes=14000-"]


def test_a_server_that_sends_another_range_is_not_believed(get, server, folder):
    part(folder, DATA[:14000])
    server.shift = 1000
    with pytest.raises(WeightsError, match="another part"):
        get()
    server.shift = 0
    assert get().read_bytes() == DATA
    assert server.requested_ranges == ["bytes=14000-", "bytes=14000-"]


def test_a_part_that_is_longer_than_the_file_is_not_used(get, server, folder):
    part(folder, bytes(len(DATA) + 1))
    assert get().read_bytes() == DATA
    assert server.requested_ranges == [None]


def test_a_whole_part_is_only_checked(get, server, folder):
    part(folder, DATA)
    assert get().read_bytes() == DATA
    assert server.requested_ranges == []


def test_a_part_of_another_file_is_refused_once_and_gone(get, server, folder):
    part(folder, b"x" * 1000)
    with pytest.raises(WeightsError, match=rf"checksum \([0-9a-f]{{64}}, not {SHA256}\)"):
        get()
    assert list(folder.iterdir()) == []
    assert get().read_bytes() == DATA


def test_a_part_longer_than_what_the_server_has_is_asked_for_from_the_beginning(get, server, second, folder):
    part(folder, bytes(5000))
    server.data = DATA[:3000]
    with pytest.raises(WeightsError, match=f"its file has 3000 bytes instead of {SIZE}"):
        get()
    assert server.requested_ranges == ["bytes=5000-", None]
    server.data = DATA
    assert get(urls=[server.url, second.url]).read_bytes() == DATA
    # What was there was a part of another file.
    assert (server.requested_ranges[2:], second.requested_ranges) == (["bytes=5000-"], [None])


def test_wrong_bytes_are_refused_with_both_sums_and_removed(get, server, folder):
    server.data = DATA[:-1] + b"x"
    checksum = hashlib.sha256(server.data).hexdigest()
    with pytest.raises(WeightsError) as caught:
        get()
    assert checksum in str(caught.value) and SHA256 in str(caught.value)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("tells", "reason"), [(True, f"{SIZE + 4} bytes instead of"), (False, "longer than")])
def test_too_many_bytes_are_refused_before_the_disk_is_full_of_them(get, server, folder, tells, reason):
    server.data, server.tells_length = DATA + b"more", tells
    with pytest.raises(WeightsError, match=reason):
        get()
    assert list(folder.iterdir()) == []


def test_a_damaged_file_in_the_place_is_replaced(get, folder):
    folder.mkdir(parents=True)
    (folder / MIDAS_WEIGHTS.name).write_bytes(bytes(len(DATA)))
    assert get().read_bytes() == DATA


def test_cancelling_keeps_what_has_come(get, server, folder):
    with pytest.raises(Cancelled):
        get(cancelled=lambda: bool(server.requested_ranges))
    assert not (folder / MIDAS_WEIGHTS.name).exists()
    assert get().read_bytes() == DATA


def test_two_downloads_into_one_folder_do_not_mix(get, folder):
    folder.mkdir(parents=True)
    lock = folder / f".{MIDAS_WEIGHTS.name}.lock"
    with file_lock(lock, WeightsError), pytest.raises(WeightsError, match="Another process"):
        get()


def test_too_little_space_is_said_before_the_download(get, server):
    with pytest.raises(WeightsError, match="are free on its drive"):
        get(size=10**16)
    assert server.requested_ranges == []


def test_a_folder_that_cannot_be_made(get, tmp_path):
    (tmp_path / "deep").write_text("a file")
    with pytest.raises(WeightsError, match="--weights"):
        get()


def test_missing_weights_are_named_with_size_place_and_option(tmp_path):
    with pytest.raises(WeightsError) as caught:
        find_weights(tmp_path, MIDAS)
    for word in ("dpt_hybrid-midas-501f0c75.pt", "493 MB", str(tmp_path), "in the preferences", "with --weights"):
        assert word in str(caught.value)


@pytest.mark.parametrize("below", ["", "lllyasviel/Annotators"])
def test_weights_are_found_where_users_have_them(tmp_path, below):
    path = tmp_path / below / MIDAS_WEIGHTS.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    assert find_weights(tmp_path, MIDAS) == path.parent
    assert find_weights(path, MIDAS) == path.parent


def test_other_weights_get_a_warning_and_are_hashed_once(tmp_path, monkeypatch):
    path = tmp_path / "mine.pt"
    path.write_bytes(b"mine")
    warning = verify_weights(path, MIDAS)
    assert hashlib.sha256(b"mine").hexdigest() in warning and MIDAS_WEIGHTS.sha256 in warning

    calls = []
    plain = core_weights.weights_checksum
    monkeypatch.setattr(core_weights, "weights_checksum", lambda path: calls.append(path) or plain(path))
    assert verify_weights(path, MIDAS) == warning and calls == []
    path.write_bytes(b"mine too")
    assert verify_weights(path, MIDAS) != warning and calls == [path]


def test_a_missing_file_cannot_be_checked(tmp_path):
    for look in (weights_checksum, partial(verify_weights, weights=MIDAS)):
        with pytest.raises(WeightsError, match="cannot be read"):
            look(tmp_path / "none.pt")
