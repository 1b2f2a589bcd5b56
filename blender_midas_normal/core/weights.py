"""The files of a network's weights: which they are, where they lie, and whether they are the published ones."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from .errors import Message, Phrase, WeightsError, reason_of
from .files import is_file, sha256_of

WEIGHTS_FOLDER_HINT = Phrase("in Blender in the preferences, on the command line with --weights")
"""Where a user names the folder: the first in Blender, the second on the command line."""


@dataclass(frozen=True)
class WeightsFile:
    """A file; `size` in bytes and `sha256` in hexadecimal, 0 and "" where only its server tells them."""

    name: str
    size: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class Weights:
    """The weights of one network, which users bring or download.

    Attributes:
        label: name of the network in messages.
        licence: of the weights, as a clause.
        repository: on the hub.
        files: the first is the one with the weights themselves.
        revision: of the repository.
        folder: in which the files lie, in the folder of weights; "" for that one itself.
        release: another address of the first file; "" for none.
        size: bytes of all files, rounded where a server tells the exact ones.
    """

    label: str
    licence: str
    repository: str
    files: tuple[WeightsFile, ...]
    revision: str = "main"
    folder: str = ""
    release: str = ""
    size: int = 0

    @property
    def is_of_user(self) -> bool:
        """Whether they lie in a folder of the user's own, and nobody knows their sizes and checksums."""
        return not self.repository

    @property
    def total_size(self) -> int:
        """Bytes of all files."""
        return self.size or sum(file.size for file in self.files)

    @property
    def description(self) -> str:
        """The first file with the size of all, for messages."""
        size = f" ({self.total_size / 1e6:.0f} MB)" if self.total_size else ""
        return f"{Path(self.folder, self.files[0].name).as_posix()}{size}"


def in_folder_of_user(weights: Weights) -> Weights:
    """Return weights of the same kind in a folder of the user's own."""
    files = tuple(WeightsFile(file.name) for file in weights.files)
    return dataclasses.replace(weights, files=files, folder="", repository="", size=0, release="")


def find_weights(folder: Path, weights: Weights) -> Path:
    """Find the folder that has all files of the weights.

    Args:
        folder: the folder of weights; the path of the first file will do, too.
        weights: their files lie in the subfolder that they are downloaded to, or in one that is named after the repository,
            as ComfyUI's nodes keep them; the subfolder itself will do, too.

    Raises:
        WeightsError: they are not there.
    """
    if folder.name == weights.files[0].name and is_file(folder):
        return folder.parent
    own = [folder] if folder.name == weights.folder else []  # files of other weights may have the same names
    for candidate in (folder / weights.folder, folder / weights.repository, *own):
        if all(is_file(candidate / file.name) for file in weights.files):
            return candidate
    raise WeightsError("{network}'s weights {file} are not in {folder}; download them, or choose the folder that has them "
                       "({chosen}).", network=weights.label, file=weights.description, folder=folder,
                       chosen=WEIGHTS_FOLDER_HINT)


_checksums: dict[tuple[str, int, int], str] = {}


def weights_checksum(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal; raise WeightsError when it cannot be read."""
    try:
        return sha256_of(path)
    except OSError as error:
        raise WeightsError("{path} cannot be read: {reason}.", path=path, reason=reason_of(error)) from error


def verify_weights(path: Path, weights: Weights) -> Message | None:
    """Return None when the file is the published one, or nobody knows that one, else a warning.

    A file is hashed again only after its size or time of modification has changed.

    Raises:
        WeightsError: it cannot be read.
    """
    wanted = weights.files[0].sha256
    if not wanted:
        return None
    try:
        status = path.stat()
    except OSError as error:
        raise WeightsError("{path} cannot be read: {reason}.", path=path, reason=reason_of(error)) from error
    key = (str(path.resolve()), status.st_size, status.st_mtime_ns)
    if key not in _checksums:
        _checksums[key] = weights_checksum(path)
    if _checksums[key] == wanted:
        return None
    return Message("{path} is not the file that {network} was tested with: its SHA-256 is {found}, not {wanted}.", path=path,
                   network=weights.label, found=_checksums[key], wanted=wanted)
