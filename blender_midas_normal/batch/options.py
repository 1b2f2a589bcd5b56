"""The options of a batch: on the command lines, and checked as `BatchOptions`."""

from __future__ import annotations

import argparse
import dataclasses
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from .. import __version__
from ..core.errors import SettingsError
from ..core.exif import FOCAL_LENGTH
from ..core.file_numbering import MAX_TEMPORAL_RADIUS
from ..core.files import resolve_path
from ..core.map_types import FILE_FORMATS, MAP_TYPES, check_format, check_map_type, is_float_format
from ..core.protocol import MAX_EXPOSURE
from ..core.settings import PRESETS, Choice, Flag, FolderName, Number, Settings, preset, setting_domains
from .name_suffixes import parse_suffixes
from .outputs import RECTIFIED, TARGETS, TOKENS, Naming
from .pictures import SETS, digest_of_file
from .report import check_report
from .review import check_review
from .shares import Share, parse_share

EXPOSURE = Number("Exposure", "Stops by which scene-linear pictures, such as EXR and HDR files, are made brighter first",
                  -MAX_EXPOSURE, MAX_EXPOSURE, 0.1)

TEMPORAL_SMOOTHING = Number("Temporal Smoothing", "Frames on either side over which the maps of sequences are averaged, so "
                            "that they flicker less; 0 leaves each frame as it is (default: 0)", 0, MAX_TEMPORAL_RADIUS, 1,
                            integer=True)

METRES = {"mm": 0.001, "cm": 0.01, "m": 1.0, "in": 0.0254, "ft": 0.3048}
"""By the unit of a length: its metres."""

LOCAL_CLUSTER = "dask"
"""Stands for a cluster of Dask on this machine."""

CLUSTER_ADDRESS = re.compile(r"dask://[^\s/]+:\d{1,5}")
"""Matches what names another cluster, by the address of its scheduler."""

EXISTING_CHOICES = ("RENEW", "SKIP", "NUMBER", "OVERWRITE")
"""What to do with an existing file that has a map's name; RENEW and SKIP replace only earlier maps of the same picture."""


@dataclass(frozen=True)
class BatchOptions:
    """The checked options of a batch.

    Attributes:
        out: the output folder.
        map_types: keys of MAP_TYPES.
        format: one of FILE_FORMATS.
        bits: 8 or 16, of PNG and TIFF files.
        existing: one of EXISTING_CHOICES.
        workers: number of worker processes; None for one for each graphics card.
        json, csv: files for the report.
        review: the page on which the maps are reviewed, None for none.
        exposure: in stops; None where the option was not given.
        mask_content: digest of the mask image, "" without one.
        sets: one of SETS.
        smoothing: frames on either side over which the maps of sequences are averaged.
        share: the pictures that this process makes.
        source_suffixes: those of which the pictures in folders must have one, and which are cut from the names of maps.
        rectify: the corners by which photos are rectified, as `core.protocol.Rectification` has them, () to find them by
            their lines; None to leave photos as they are.
        focal_length: of the photos' lens in mm, as on 35 mm film; 0 for that of each file.
        on: the cluster whose machines make the maps: LOCAL_CLUSTER, or `dask://` and the scheduler's host and port; "" for
            processes of this program.
    """

    out: Path
    settings: Settings
    map_types: tuple[str, ...]
    format: str
    bits: int
    naming: Naming
    existing: str
    workers: int | None
    json: Path | None
    csv: Path | None
    review: Path | None
    exposure: float | None
    mask_image: Path | None
    mask_content: str
    sets: str
    smoothing: int
    source_suffixes: tuple[str, ...]
    share: Share
    rectify: tuple[float, ...] | None
    focal_length: float
    on: str = ""

    @property
    def is_shared(self) -> bool:
        """Whether other processes make maps of the same pictures at the same time."""
        return bool(self.on) or not self.share.is_whole

    @property
    def outputs(self) -> tuple[str, ...]:
        """The types of file that are written of each picture: RECTIFIED, if asked for, and types of map."""
        return (RECTIFIED, *self.map_types) if self.rectify is not None else self.map_types


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that all command lines have to a parser."""
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.set_defaults(on="")  # an option outside Blender alone, since the processes of a cluster have none
    parser.add_argument("--out", type=parse_path, required=True, help="folder for the maps")
    parser.add_argument("--recursive", action=argparse.BooleanOptionalAction, default=False,
                        help="take the pictures of subfolders too; their maps go into subfolders of the same names")
    parser.add_argument("--source-suffix", default="", metavar="_height,_disp",
                        help="take those pictures of folders whose names end so, with commas between; it is cut from the "
                             "names of the maps, so that wall_height.png gives wall_normal.png")
    parser.add_argument("--maps", type=_parse_map_types, default=("NORMAL",), metavar=",".join(_lower(MAP_TYPES)),
                        help="types of map to make of each picture (default: normal)")
    parser.add_argument("--format", type=str.lower, choices=_lower(FILE_FORMATS), default="png",
                        help="of the files (default: png)")
    parser.add_argument("--bits", type=int, choices=(8, 16),
                        help="of png and tiff files (default: 16, with --target godot, which keeps no more: 8)")
    parser.add_argument("--target", type=str.lower, choices=_lower(TARGETS),
                        help="program to make the maps for: sets the convention, the bits, and how the files are called")
    parser.add_argument("--pattern", help="how the files are called; may hold "
                        + ", ".join(f"{{{token}}} ({meaning})" for token, meaning in TOKENS.items())
                        + ", and / for folders (default: {stem}_{map})")
    parser.add_argument("--existing", type=str.lower, choices=_lower(EXISTING_CHOICES), default="renew",
                        help="what to do with a map that is there: renew makes it again, skip only where it would be "
                             "another; both leave any other file of its name; number takes a free name; overwrite replaces "
                             "whatever is there (default: renew)")
    parser.add_argument("--sets", type=str.lower, choices=_lower(SETS), default="off",
                        help="what numbers in the files' names mean: udim, tiles such as wall.1001.png, or sequence, frames "
                             "such as shot_0001.png; the maps of a set are as steep as one range of depths makes them, "
                             "their heights have one scale, and their names end with the number, as in "
                             "wall_normal.1001.png; what a set is missing is named (default: off, each picture for itself; "
                             "movies, and the sets of a .blend file, are for Blender's panel)")
    parser.add_argument("--smoothing", type=int, default=0, metavar=f"0..{MAX_TEMPORAL_RADIUS}",
                        help=TEMPORAL_SMOOTHING.description)
    parser.add_argument("--rectify", type=_parse_corners, metavar="auto|X,Y,X,Y,X,Y,X,Y",
                        help="rectify photos of flat surfaces that were taken at an angle, and make the maps of the "
                             "rectified ones, which are written beside them as {stem}_rectified.png: auto finds out by the "
                             "lines of bricks, boards or tiles how a photo was taken, and leaves it as it is where it is "
                             "not sure; numbers are the upper left, upper right, lower right and lower left corner of a "
                             "rectangle on the surface, in pixels from the photo's upper left, or as shares of its sides")
    parser.add_argument(*_option_names("focal_length"), type=float, default=0.0, metavar="MM",
                        help=f"for --rectify: {FOCAL_LENGTH.description}")
    parser.add_argument("--jobs", type=_parse_count, metavar="N",
                        help="processes that make maps (default: one for each graphics card, else 1)")
    parser.add_argument("--list", type=parse_path, metavar="FILE",
                        help="take the pictures that this text file names, one on a line, relative to its folder")
    parser.add_argument("--items", default="", metavar="A-B",
                        help="make the pictures on these lines of the list only, from 1; a set belongs to its first line")
    parser.add_argument("--shard", default="", metavar="K/N",
                        help="make the share K of N, from 0, as one of N processes that together make all; a picture's "
                             "share stays the same when others are added")
    parser.add_argument("--exit-zero", action="store_true",
                        help="exit with 0 though pictures failed, which the report then says; for farms that take any other "
                             "code for a broken machine")
    parser.add_argument("--progress", choices=("terminal", "openjd"), default="terminal",
                        help="how progress is shown: a bar on a terminal, or lines for Open Job Description's runners")
    parser.add_argument("--write-job", nargs=2, metavar=("KIND", "FOLDER"),
                        help="make no maps, but write a job that makes them into a new folder: openjd, flamenco, slurm or "
                             "shell")
    parser.add_argument("--dry-run", action="store_true",
                        help="make and write nothing, but say what would be made, skipped or refused, and estimate time and "
                             "disk space")
    parser.add_argument("--json", type=parse_path, metavar="FILE",
                        help="write what was made, and what failed, as JSON; - is the standard output")
    parser.add_argument("--csv", type=parse_path, metavar="FILE", help="the same as a table")
    parser.add_argument("--review", type=parse_path, metavar="FILE.html",
                        help="write a page with small pictures of each texture, of its map, and of the texture lit with it; "
                             "those that failed come first, then maps that are nearly flat or look inverted")
    parser.add_argument("--preset", type=str.lower, choices=_lower(PRESETS), default="material",
                        help="settings to start from; node makes the MiDaS node's picture (default: material)")
    for name, domain in setting_domains().items():
        parsing: dict[str, Any]
        if isinstance(domain, Choice):
            parsing = {"type": str.lower, "choices": _lower(domain.names)}
        elif isinstance(domain, Flag):
            parsing = {"action": argparse.BooleanOptionalAction}
        elif isinstance(domain, FolderName):
            parsing = {"metavar": "FOLDER"}
        elif name == "height_scale":
            parsing = {"type": _parse_height_scale, "metavar": f"{domain.low:g}..{domain.high:.6g}|DEPTH/SIDE"}
        else:
            parsing = {"type": int if domain.integer else float, "metavar": f"{domain.low:g}..{domain.high:.6g}"}
        also = "; also as two lengths, such as 10cm/2m" if name == "height_scale" else ""
        help_ = f"{domain.description}{also} ({_describe_default(name)})".replace("%", "%%")
        parser.add_argument(*_option_names(name), help=help_, **parsing)
    parser.add_argument("--exposure", type=float, metavar="STOPS", help=EXPOSURE.description)
    parser.add_argument(*_option_names("mask_image"), type=parse_path, metavar="FILE",
                        help="the other image for --mask image, which need not be given then; laid over every picture")


def parse_path(text: str) -> Path:
    """Parse a path argument; raise ArgumentTypeError for an empty one, as from a shell variable that is not set."""
    if not text:
        raise argparse.ArgumentTypeError("an empty name is no file or folder; the one that you are in is called .")
    return Path(text)


def parse_options(arguments: argparse.Namespace) -> BatchOptions:
    """Check the parsed options of a command line; raises as `batch_options`."""
    names = ("maps", "format", "bits", "target", "pattern", "existing", "jobs", "exposure", "mask_image", "sets",
              "smoothing", "source_suffix", "shard", "items", "json", "csv", "review",
             "rectify", "focal_length", "on")
    return batch_options(arguments.out, _parse_settings(arguments), **{name: getattr(arguments, name) for name in names})


def batch_options(out: Path, settings: Settings, *, maps: Sequence[str] = ("NORMAL",), format: str = "PNG",
                  bits: int | None = None, target: str | None = None, pattern: str | None = None, existing: str = "RENEW",
                  jobs: int | None = None, exposure: float | None = None, mask_image: Path | None = None, sets: str = "OFF",
                  smoothing: int = 0, source_suffix: str | Sequence[str] = "", shard: str = "", items: str = "",
                  json: Path | None = None, csv: Path | None = None, review: Path | None = None,
                  rectify: Sequence[float] | None = None, focal_length: float = 0.0, on: str = "") -> BatchOptions:
    """Check options, which have the names and values of those on the command line, in any case.

    Args:
        settings: must have the convention of `target`, and the mask IMAGE with `mask_image`.

    Raises:
        SettingsError: an option has no such value, or contradicts another.
        SourceError: the mask image cannot be read.
        TargetError: a report cannot be written.
    """
    map_types, format_ = tuple(name.upper() for name in maps), format.upper()
    target_ = TARGETS[_check_choice("target", target or "BLENDER", TARGETS)]
    check_format(format_)
    for map_type in map_types:
        check_map_type(map_type, settings)
    sets_, existing_ = _check_choice("sets", sets, SETS), _check_choice("existing", existing, EXISTING_CHOICES)
    if (settings.mask == "IMAGE") != (mask_image is not None):
        raise SettingsError("--mask image and --mask-image FILE belong together.")
    smoothing = int(TEMPORAL_SMOOTHING.validate("smoothing", smoothing))
    _check_smoothing(smoothing, sets_, settings)
    _check_reports(json, csv)
    if review is not None:
        check_review(review)
    if exposure is not None:
        exposure = EXPOSURE.validate("exposure", exposure)
    _check_bits(bits, format_, settings)
    if settings.model_folder:  # what is stored of the settings must mean the same folder wherever it is read
        settings = dataclasses.replace(settings, model_folder=str(resolve_path(Path(settings.model_folder))))
    if jobs is not None and jobs < 1:
        raise SettingsError("jobs is {number!r}; it is a number of processes.", number=jobs)
    share = parse_share(shard, items)
    if existing_ == "NUMBER" and (on or not share.is_whole):
        raise SettingsError("--existing number needs to know all files that are made; leave out --shard, --items and --on.")
    if on and review is not None:
        raise SettingsError("--review is drawn on this computer; leave out --on, and run it then with --existing skip.")
    if on and on != LOCAL_CLUSTER and not CLUSTER_ADDRESS.fullmatch(on):
        raise SettingsError("{name} has no value {value:.80}; it is one of {choices}.", name="on", value=repr(on),
                            choices="dask, dask://HOST:PORT")
    _check_rectify(rectify, sets_, settings)
    focal_length = FOCAL_LENGTH.validate("focal_length", focal_length)
    outputs = map_types if rectify is None else (RECTIFIED, *map_types)
    naming = Naming(pattern if pattern is not None else target_.pattern, target_.tags, settings.engine.lower(),
                    FILE_FORMATS[format_].suffix, outputs)
    mask_content = digest_of_file(mask_image) if mask_image is not None else ""
    return BatchOptions(out, settings, map_types, format_, bits or target_.bits, naming, existing_, jobs, json, csv,
                        review, exposure, mask_image, mask_content, sets_, smoothing, parse_suffixes(source_suffix), share,
                        tuple(rectify) if rectify is not None else None, focal_length, on)


def _check_choice(name: str, value: str, names: Collection[str]) -> str:
    """Return the value in capitals; raise SettingsError where it is none of the names."""
    if value.upper() not in names:
        raise SettingsError("{name} has no value {value:.80}; it is one of {choices}.", name=name, value=repr(value),
                            choices=", ".join(names))
    return value.upper()


def _check_reports(json: Path | None, csv: Path | None) -> None:
    """Raise TargetError where a report cannot be written, SettingsError where both have the same file."""
    reports = [report for report in (json, csv) if report is not None]
    for report in reports:
        check_report(report)
    if len(set(map(resolve_path, reports))) < len(reports):
        raise SettingsError("--json and --csv both name {file}; give each a file of its own.", file=csv)


def _option_names(name: str) -> list[str]:
    """Return the names of a setting's option: with hyphens, and as in scripts with underscores."""
    return list(dict.fromkeys(("--" + name.replace("_", "-"), "--" + name)))


def _check_bits(bits: int | None, format_: str, settings: Settings) -> None:
    """Raise SettingsError for a number of bits that the files cannot have."""
    if bits not in (None, 8, 16):
        raise SettingsError("{name} has no value {value:.80}; it is one of {choices}.", name="bits", value=repr(bits),
                            choices="8, 16")
    if bits is not None and is_float_format(format_):
        raise SettingsError("--bits is about png and tiff; exr_half files have 16 bits, exr files 32.")
    if bits == 16 and settings.is_node_picture:
        raise SettingsError("The MiDaS node's picture has 8 bits; leave --bits 16 out.")


def _check_smoothing(smoothing: int, sets: str, settings: Settings) -> None:
    """Raise SettingsError where there is nothing that can be averaged over time."""
    if smoothing and sets != "SEQUENCE":
        raise SettingsError("--smoothing needs frames; give it with --sets sequence.")
    if smoothing and settings.is_node_picture:
        raise SettingsError("--smoothing averages maps of 16 bits; the MiDaS node's picture has 8.")


def _check_rectify(corners: Sequence[float] | None, sets: str, settings: Settings) -> None:
    """Raise SettingsError for corners that are no numbers, and for pictures that belong to others that stay as they are."""
    if corners is None:
        return
    if len(corners) not in (0, 8) or not all(isinstance(value, float) and isfinite(value) for value in corners):
        raise SettingsError("--rectify is auto, or the eight numbers of four corners.")
    if sets != "OFF":
        raise SettingsError("--rectify takes single photos; leave --sets out.")
    if settings.base == "EXISTING":
        raise SettingsError("A normal map that is there does not fit a rectified photo; leave --rectify or --base existing "
                            "out.")


def _parse_settings(arguments: argparse.Namespace) -> Settings:
    """Return the settings of the preset, changed by the target and then by the single options."""
    given = {name: getattr(arguments, name) for name in setting_domains() if getattr(arguments, name) is not None}
    settings = preset(arguments.preset)
    if settings.depth_scale == "RAW" and arguments.depth_scale is None and arguments.engine not in (None, "auto", "midas"):
        raise SettingsError("--preset {preset} is a picture by MiDaS; leave --engine {engine} out, or give --depth-scale "
                            "normalised.", preset=arguments.preset, engine=arguments.engine)
    if arguments.mask_image is not None:
        settings = dataclasses.replace(settings, mask="IMAGE")
    if arguments.target is not None:
        settings = dataclasses.replace(settings, convention=TARGETS[arguments.target.upper()].convention)
    return settings.replace_fields(given)


def _describe_default(name: str) -> str:
    """Describe the default of a setting, in each preset, for the help text."""
    usual = _format_value(getattr(Settings(), name))
    others = {preset: _format_value(getattr(settings, name)) for preset, settings in PRESETS.items()}
    different = [f", with --preset {preset.lower()}: {other}" for preset, other in others.items() if other != usual]
    return f"default: {usual}{''.join(different)}"


def _format_value(value: Any) -> str:
    if isinstance(value, str):
        return value.lower()
    return ("on" if value else "off") if isinstance(value, bool) else f"{value:.6g}"


def _parse_map_types(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip().upper() for name in text.split(",")))
    unknown = [name.lower() for name in names if name not in MAP_TYPES]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no map {unknown[0]!r}; it is one of {', '.join(_lower(MAP_TYPES))}")
    return names


def _parse_height_scale(text: str) -> float:
    """Parse a height scale: a number, or two lengths with units, the height of the value 1 by the picture's shorter side."""
    if "/" not in text:
        return float(text)
    depth, side = (_parse_length(part) for part in text.split("/", 1))
    if side == 0:
        raise argparse.ArgumentTypeError("a picture cannot show a side of no length")
    return depth / side


def _parse_length(text: str) -> float:
    """Parse a length such as 10cm, and return it in metres."""
    number = text.strip().rstrip("".join(METRES))
    unit = text.strip()[len(number):]
    try:
        return float(number) * METRES[unit]
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(f"{text!r} is no length such as 10cm; its unit is one of {', '.join(METRES)}"
                                         ) from None


def _parse_corners(text: str) -> tuple[float, ...]:
    """Parse the corners of a rectangle; () stands for auto."""
    if text.lower() == "auto":
        return ()
    try:
        corners = tuple(float(number) for number in text.split(","))
    except ValueError:
        corners = ()
    if len(corners) != 8:
        raise argparse.ArgumentTypeError(f"{text!r} is neither auto nor the eight numbers of four corners")
    return corners


def _parse_count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes")
    return int(text)


def _lower(names: Iterable[str]) -> list[str]:
    return [name.lower() for name in names]
