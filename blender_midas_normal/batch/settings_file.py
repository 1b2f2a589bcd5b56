"""Settings of the pictures of a folder, in a file that lies in it."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from ..core.errors import SettingsError, reason_of
from ..core.exif import FOCAL_LENGTH
from ..core.files import is_file
from ..core.settings import Domain, Flag, FolderName, setting_domains
from .inputs import SETTINGS_FILE, folder_of_input
from .options import EXPOSURE, TEMPORAL_SMOOTHING, add_options

OPTIONS = ("maps", "format", "bits", "target", "pattern", "existing", "source_suffix", "sets", "rectify", "recursive",
           "jobs", "preset", "mask_image")
"""Options that a file may hold beside those with a domain."""

LISTS = ("maps", "source_suffix", "rectify")
"""Options that take several values."""


def find_settings_file(images: Sequence[Path], picture_list: Path | None) -> Path | None:
    """Return the settings file in the folder of the inputs, None where there is none.

    Those of subfolders, and of folders above, do not count.

    Args:
        images: files, folders and patterns.
        picture_list: a list of pictures, whose folder counts.

    Raises:
        SettingsError: the folders of the inputs do not have the same one.
    """
    folders = [folder_of_input(path) for path in images] + ([picture_list.parent] if picture_list is not None else [])
    files = {folder / SETTINGS_FILE if is_file(folder / SETTINGS_FILE) else None for folder in dict.fromkeys(folders)}
    if len({file.resolve() if file is not None else None for file in files}) > 1:
        raise SettingsError("{file} holds the settings of its folder only; make the pictures of other folders in runs of "
                            "their own.", file=next(file for file in files if file is not None))
    return next(iter(files), None)


def settings_arguments(file: Path) -> list[str]:
    """Return the settings of a file as arguments of the command line.

    Raises:
        SettingsError: it cannot be read, has an unknown key, or a value that its setting does not take.
    """
    domains: dict[str, Domain] = {**setting_domains(), "exposure": EXPOSURE, "smoothing": TEMPORAL_SMOOTHING,
                                  "focal_length": FOCAL_LENGTH}
    arguments = []
    for key, value in _read_toml(file).items():
        name = key.replace("-", "_")
        if name not in domains and name not in OPTIONS:
            nearest = difflib.get_close_matches(name, [*domains, *OPTIONS], 1, 0.0)
            raise SettingsError("{file} has the key {key:.80}, which is no setting; the nearest one is {nearest}.",
                                file=file, key=key, nearest=nearest[0] if nearest else OPTIONS[0])
        try:
            argument = _argument(name, value, domains.get(name), file.parent)
            _check(argument)
        except SettingsError as error:
            raise SettingsError("In {file}: {reason}", file=file, reason=error.message) from None
        arguments.append(argument)
    return arguments


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        import tomllib
    except ImportError:  # Python 3.10
        raise SettingsError("{file} can be read with Python 3.11 or later; move it away, or give its settings as options.",
                            file=file) from None
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError("{file} cannot be read: {reason}.", file=file, reason=reason_of(error)) from None
    except ValueError as error:
        raise SettingsError("{file} is no TOML file: {reason}.", file=file, reason=error) from None


def _argument(name: str, value: Any, domain: Domain | None, folder: Path) -> str:
    """Return the argument that sets an option to a value; raise SettingsError for a value that it does not take."""
    option = "--" + name.replace("_", "-")
    if isinstance(domain, Flag) or name == "recursive":
        if not isinstance(value, bool):
            raise SettingsError("{name} must be true or false, not {value:.80}.", name=name, value=repr(value))
        return option if value else f"--no-{option[2:]}"
    values = value if isinstance(value, list) and name in LISTS else [value]
    if not all(isinstance(each, (str, int, float)) and not isinstance(each, bool) for each in values):
        raise SettingsError("{name} has no value {value:.80}.", name=name, value=repr(value))
    text = ",".join(map(str, values))
    if name == "mask_image" or isinstance(domain, FolderName):
        text = str(folder / text)
    elif domain is not None and not (name == "height_scale" and isinstance(value, str)):
        domain.validate(name, value)
    return f"{option}={text}"


class _RaisingParser(argparse.ArgumentParser):
    """A parser that raises its errors in place of ending the program."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError("{reason}.", reason=message.replace("argument --", "", 1))


def _check(argument: str) -> None:
    """Raise SettingsError where the command line does not take an argument."""
    parser = _RaisingParser(add_help=False)
    add_options(parser)
    parser.parse_args(["--out=.", argument])
