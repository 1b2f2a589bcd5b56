"""The README's table of features: each row names a test that is there."""

import re

from tests.conftest import ROOT

ROW = re.compile(r"^\| .+ \| `(tests/\S+\.py)::(\w+)` \|$", re.MULTILINE)


def test_each_feature_names_a_test_that_is_there():
    rows = ROW.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(rows) > 15
    for file, name in rows:
        assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file} has no {name}"
