"""The table of a queue, as a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..client.batch.records import Record, as_csv, as_json, check_replaceable, summary, write_report
from ..core.errors import SettingsError

FORMS: dict[str, Callable[[Sequence[Record], int, float], str]] = {
    ".txt": lambda records, not_tried, seconds: summary(records, 0, not_tried, seconds) + "\n",
    ".json": lambda records, *_: as_json(records),
    ".csv": lambda records, *_: as_csv(records),
}
"""By the file's ending: the text of records, with how many pictures were not tried, and the seconds that all took."""


def check_summary(file: Path) -> None:
    """Raises SettingsError for a name whose ending says no form, and for one without a folder; TargetError where a file has
    the name that is no summary.
    """
    if not file.is_absolute():
        raise SettingsError("The summary {file!r} has no folder to lie in; give a whole path, or save the .blend file "
                            "and begin with //.", file=str(file))
    if file.suffix.lower() not in FORMS:
        raise SettingsError("The name of the summary {file!r} does not say its form; let it end with one of {choices}.",
                            file=file.name, choices=", ".join(FORMS))
    check_replaceable(file)


def write_summary(file: Path, records: Sequence[Record], not_tried: int, seconds: float) -> None:
    """Writes the records in the form that the file's ending says; raises TargetError."""
    write_report(file, FORMS[file.suffix.lower()](records, not_tried, seconds))
