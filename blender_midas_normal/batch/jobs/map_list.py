"""The list of a job's pictures and the files of their maps, by which Blender finds the finished maps."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import SettingsError, SourceError, reason_of
from ...core.files import resolve_path
from ...core.map_types import MAP_TYPES
from ...core.settings import Settings
from ..options import BatchOptions
from ..outputs import map_path
from ..pictures import BatchItem, find_sets

MAP_LIST_NAME = "maps.json"


@dataclass(frozen=True)
class ListedMap:
    """A map that a job makes.

    Attributes:
        picture: file of the picture.
        map_type: a name of MAP_TYPES.
        file: of the map.
    """

    picture: Path
    map_type: str
    file: Path


@dataclass(frozen=True)
class MapList:
    """The maps of a job and the settings with which they are made."""

    settings: Settings
    maps: tuple[ListedMap, ...]


def planned_maps(items: Collection[BatchItem], options: BatchOptions) -> list[ListedMap]:
    """Return the maps that a run makes of pictures with files, also those whose names other maps have already.

    Maps of rectified photos are left out, because they do not fit the photos.
    """
    if options.rectify is not None:
        return []
    members = [item for each in find_sets(items, options.sets, options.source_suffixes) for _, item in each.members]
    return [ListedMap(resolve_path(item.file), map_type, resolve_path(map_path(item, map_type, options)))
            for item in members if item.file is not None for map_type in options.map_types]


def format_map_list(maps: Sequence[ListedMap], settings: Settings, folder: Path) -> str:
    """Return the text of the list; of several maps with one name the first is there, which is the one that is made.

    Args:
        folder: of the list, to which the paths of maps below it are relative, so that it can be moved with them.
    """
    firsts: dict[Path, ListedMap] = {}
    for each in maps:
        firsts.setdefault(each.file, each)
    entries = [{"picture": str(each.picture), "map": each.map_type, "file": _relative_path(each.file, folder)}
               for each in firsts.values()]
    return json.dumps({"settings": settings.to_dict(), "maps": entries}, indent=1) + "\n"


def _relative_path(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix() if file.is_relative_to(folder) else str(file)


def read_map_list(folder: Path) -> MapList:
    """Read the list in a job's folder; raise SourceError where that fails."""
    file = folder / MAP_LIST_NAME
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        maps = tuple(ListedMap(Path(entry["picture"]), entry["map"], folder / entry["file"]) for entry in data["maps"])
        settings = Settings().replace_fields(data["settings"])
    except OSError as error:
        raise SourceError("The folder {folder} has no list of maps that can be read ({reason}); choose the folder into "
                          "which the job was written.", folder=folder, reason=reason_of(error)) from None
    except (ValueError, TypeError, KeyError, RecursionError, SettingsError):
        raise SourceError("{file} is no list of a job's maps; write the job again.", file=file) from None
    if not all(isinstance(each.map_type, str) and each.map_type in MAP_TYPES for each in maps):
        raise SourceError("{file} is no list of a job's maps; write the job again.", file=file)
    return MapList(settings, maps)
