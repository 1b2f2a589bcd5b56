"""The tables of features and settings, and the promises of reference/reliability.md: each row names an existing test."""

import math
import re

from blender_midas_normal.core.settings import Choice, FolderName, Number, Settings, setting_domains
from tests.conftest import ROOT

NAMED = re.compile(r"`(tests/\S+\.py)::(\w+)`")
PROGRAM = re.compile(r"`((?:[\w/]+/)?test_\w+\.py|scripts/gui/steps/\w+\.py)`")


def rows(text, heading, columns):
    """The cells of the table below a heading, without its head and the line below that."""
    section = re.split(r"^##? ", re.split(rf"^##? {heading}\n", text, flags=re.MULTILINE)[1], flags=re.MULTILINE)[0]
    lines = [line.strip("|") for line in section.splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.split(" | ")] for line in lines]
    assert all(len(row) == columns for row in rows), [row for row in rows if len(row) != columns]
    return rows[1:]


def test_each_feature_names_a_test_that_is_there():
    text = (ROOT / "docs" / "reference" / "features.md").read_text(encoding="utf-8")
    features = rows(text, "What it does, and the test that shows it", 2)
    assert len(features) > 30
    for feature, named in features:
        assert NAMED.fullmatch(named), feature
        file, name = NAMED.fullmatch(named).groups()
        assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file} has no {name}"


def test_each_failure_on_a_farm_names_a_test_that_is_there():
    failures = rows((ROOT / "docs" / "farm.md").read_text(encoding="utf-8"), "When something fails", 3)
    assert len(failures) > 8
    for failure, _, named in failures:
        assert NAMED.fullmatch(named), failure
        file, name = NAMED.fullmatch(named).groups()
        assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file} has no {name}"


def test_each_setting_stands_with_its_range_and_default():
    settings = rows((ROOT / "docs" / "settings.md").read_text(encoding="utf-8"), "The settings", 5)
    assert sorted(name.strip("`") for name, *_ in settings) == sorted(setting_domains())
    special = {"2π": 2 * math.pi, "5π": 5 * math.pi, "off": False, "on": True}
    for name, label, values, default, _ in settings:
        assert label == setting_domains()[name.strip("`")].label
        domain, value = setting_domains()[name.strip("`")], getattr(Settings(), name.strip("`"))
        if isinstance(domain, Number):
            numbers = [float(special.get(word, word)) for word in (*values.split(" to "), default)]
            assert numbers == [domain.low, domain.high, value], name
        elif isinstance(domain, FolderName):
            assert (values, default, value) == ("a folder", "none", "")
        else:
            assert set(values.split(", ")) == (set(domain.names) if isinstance(domain, Choice) else {"off", "on"}), name
            assert special.get(default, default) == value


def test_each_promise_of_reliability_names_tests_that_are_there():
    existing = {path.relative_to(ROOT).as_posix() for pattern in ("tests/**/test_*.py", "scripts/gui/steps/*.py")
                for path in ROOT.glob(pattern)}
    text = (ROOT / "docs" / "reference" / "reliability.md").read_text(encoding="utf-8")
    for promise, tests, measured in rows(text, "Promises", 3):
        assert measured and (PROGRAM.search(tests) or tests == "same"), promise
    named = PROGRAM.findall(text)
    assert len(named) > 25
    for name in named:
        assert any(file.endswith("/" + name) or file == name for file in existing), name
