"""The record of what was made from what."""

from __future__ import annotations

import dataclasses

import pytest

from blender_midas_normal.client.batch.json_lines import JsonLines
from blender_midas_normal.client.batch.ledger import NAME, Ledger, digest_of_settings
from blender_midas_normal.core.errors import TargetError
from blender_midas_normal.core.settings import Choice, Flag, Settings, domains


@pytest.fixture
def out(tmp_path):
    """A folder with a map in a subfolder that is on record."""
    folder = tmp_path / "out"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "wall.png").write_bytes(b"map")
    Ledger(folder).note(folder / "a" / "wall.png", "content", "settings")
    return folder


def test_a_map_on_record_is_current_for_the_same_content_and_settings_only(out):
    ledger, file = Ledger(out), out / "a" / "wall.png"
    assert ledger.is_current(file, "content", "settings")
    assert not ledger.is_current(file, "other", "settings") and not ledger.is_current(file, "content", "other")
    assert not ledger.is_current(out / "wall.png", "content", "settings")


def test_a_map_that_was_cut_or_taken_away_is_not_current(out):
    file = out / "a" / "wall.png"
    file.write_bytes(b"ma")
    assert not Ledger(out).is_current(file, "content", "settings")
    file.unlink()
    assert not Ledger(out).is_current(file, "content", "settings")


def test_the_folder_may_move(out, tmp_path):
    moved = out.rename(tmp_path / "moved")
    assert Ledger(moved).is_current(moved / "a" / "wall.png", "content", "settings")
    assert Ledger(moved).files() == {(moved / "a" / "wall.png").resolve()}


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b"3", b'{"file": "a/wall.png"}', b"\xff", b"[" * 100000,
                                    b'{"file": [], "content": "content", "settings": "settings", "bytes": 3}'])
def test_a_damaged_record_only_makes_work(out, damage):
    (out / NAME).write_bytes(damage)
    ledger, file = Ledger(out), out / "a" / "wall.png"
    assert not ledger.is_current(file, "content", "settings")
    ledger.note(file, "content", "settings")
    assert Ledger(out).is_current(file, "content", "settings")


def test_a_line_that_was_cut_off_damages_no_other(out):
    record, file = out / NAME, out / "a" / "wall.png"
    line = record.read_bytes()
    for length in range(len(line)):
        record.write_bytes(line + line[:length])
        Ledger(out).note(file, "new", "settings")
        assert Ledger(out).is_current(file, "new", "settings")


def test_two_runs_into_a_folder_keep_both_records(out):
    files = [out / name for name in ("one.png", "two.png")]
    ledgers = [Ledger(out), Ledger(out)]
    for ledger, file in zip(ledgers, files, strict=True):
        file.write_bytes(b"map")
        ledger.note(file, "content", "settings")
    assert all(Ledger(out).is_current(file, "content", "settings") for file in files)


def test_what_is_noted_grows_with_the_maps_alone(out, monkeypatch):
    """Not with their square, in one run, nor with the number of runs: a library has thousands of maps."""
    written, add = [], JsonLines.add
    monkeypatch.setattr(JsonLines, "add", lambda lines, value: (written.append(value), add(lines, value)))
    files = [out / f"{number}.png" for number in range(50)]
    for run in range(20):
        ledger = Ledger(out)
        for file in files:
            file.write_bytes(b"map")
            ledger.note(file, str(run), "settings")
    assert len(written) > 900, "nearly each note is one line"
    assert (out / NAME).read_bytes().count(b"\n") <= 2 * (len(files) + 1)
    assert all(Ledger(out).is_current(file, "19", "settings") for file in files)


def test_a_record_that_cannot_be_rewritten_stays(out, monkeypatch):
    file = out / "a" / "wall.png"
    Ledger(out).note(file, "newer", "settings")
    before = (out / NAME).read_bytes()
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(TargetError, match=r"\.midas_normal\.jsonl cannot be written: No space"):
        Ledger(out).note(file, "newest", "settings")
    assert (out / NAME).read_bytes() == before and [path.name for path in out.glob(".*")] == [NAME]


def test_names_that_are_no_text_are_on_record_too(tmp_path):
    file = tmp_path / "\udcff.png"
    file.write_bytes(b"map")
    Ledger(tmp_path).note(file, "content", "settings")
    assert Ledger(tmp_path).is_current(file, "content", "settings")


def another(name, domain):
    """A value of the setting that is not its default."""
    default = getattr(Settings(), name)
    if isinstance(domain, Choice):
        return next(value for value in domain.names if value != default)
    return not default if isinstance(domain, Flag) else (domain.low + domain.high) / 2


def test_every_setting_tells_maps_apart():
    digests = {digest_of_settings(dataclasses.replace(Settings(), **{name: another(name, domain)}), "MIDAS", "NORMAL", "PNG")
               for name, domain in domains().items()}
    digests |= {digest_of_settings(Settings(), *words) for words in (
        ("MIDAS", "NORMAL", "PNG"), ("RELIEF", "NORMAL", "PNG"), ("MIDAS", "AO", "PNG"), ("MIDAS", "NORMAL", "EXR"))}
    digests |= {digest_of_settings(Settings(), "MIDAS", "NORMAL", "PNG", **others) for others in (
        {"smoothing": 1}, {"smoothing": 2}, {"scale": 1.0})}
    assert len(digests) == len(domains()) + 6, "the engine counts that made the map, not the one that was asked for"
