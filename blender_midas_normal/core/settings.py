"""The settings of a map: one table from which the panel, the operators, the command line and the protocol are made."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Union

from .engines import DATA, ENGINES, OWN_FOLDER, content_taken, models_by_size, usable_engines
from .errors import SettingsError


@dataclass(frozen=True)
class Number:
    """The domain of a numeric setting; `unit` is shown beside the value."""

    label: str
    description: str
    low: float
    high: float
    step: float
    unit: str = ""
    integer: bool = False

    def validate(self, name: str, value: Any) -> float | int:
        """Return the value as int or float; raise SettingsError outside low..high."""
        try:
            number = int(value) if self.integer else float(value)
        except (TypeError, ValueError, OverflowError):
            raise SettingsError("{name} must be a number, not {value:.80}.", name=name, value=repr(value)) from None
        if self.integer and isinstance(value, float) and number != value:
            raise SettingsError("{name} must be a whole number, not {value:.80}.", name=name, value=repr(value))
        if not self.low - 1e-6 <= number <= self.high + 1e-6:
            raise SettingsError("{name} is {number!r:.20}; it must lie between {low:g} and {high:g}.", name=name,
                                number=number, low=self.low, high=self.high)
        return min(max(number, self.low), self.high)


@dataclass(frozen=True)
class Choice:
    """A setting with named values; `items` are (name, label, description)."""

    label: str
    description: str
    items: tuple[tuple[str, str, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _, _ in self.items)

    def validate(self, name: str, value: Any) -> str:
        """Return the value in capitals; raise SettingsError for a name that is not among the items."""
        choice = str(value).upper()
        if choice not in self.names:
            raise SettingsError("{name} has no value {value:.80}; it is one of {choices}.", name=name, value=repr(value),
                                choices=", ".join(self.names))
        return choice


@dataclass(frozen=True)
class Flag:
    """A setting that is on or off."""

    label: str
    description: str

    def validate(self, name: str, value: Any) -> bool:
        """Return the value as bool; raise SettingsError for anything but true and false."""
        if value not in (True, False):
            raise SettingsError("{name} must be true or false, not {value:.80}.", name=name, value=repr(value))
        return bool(value)


@dataclass(frozen=True)
class FolderName:
    """A setting that names a folder; "" for none."""

    label: str
    description: str

    def validate(self, name: str, value: Any) -> str:
        """Return the value; raise SettingsError for what cannot be a path."""
        if not isinstance(value, str) or "\0" in value or len(value) > MAX_PATH_LENGTH:
            raise SettingsError("{name} must be the path of a folder, not {value:.80}.", name=name, value=repr(value))
        return value


MAX_PATH_LENGTH = 4096
"""Characters of the longest path that Linux has."""

Domain = Union[Number, Choice, Flag, FolderName]  # noqa: UP007 - the scripts' first stage runs on Python 3.9

ENGINE = Choice("Engine", "How the image is turned into a surface", (
    ("AUTO", "Automatic", "MiDaS where it is installed, otherwise the built-in engine Relief"),
    *((name, facts.label, facts.description) for name, facts in ENGINES.items()),
))
MODEL = Choice("Model", "Weights of the engine's network", (
    *((size, size.capitalize(), " or ".join(
        f"{weights.label} ({weights.total_size / 1e6:.0f} MB, {weights.licence})" for weights in sizes))
      for size, sizes in models_by_size().items()),
    (OWN_FOLDER, "Folder", "Your own weights from the model folder"),
))
DEVICE = Choice("Device", "Processor that runs the network", (
    ("AUTO", "Automatic", "First of CUDA or ROCm, Metal, XPU and CPU that works"),
    ("CUDA", "CUDA or ROCm", "NVIDIA or AMD graphics card"),
    ("MPS", "Apple Metal", "Apple graphics processor"),
    ("XPU", "XPU", "Intel graphics card"),
    ("CPU", "CPU", "Main processor"),
))
PRECISION = Choice("Precision", "Number format in which the network computes", (
    ("AUTO", "Automatic", "Half precision where the processor is faster with it. Raw always uses 32 bits"),
    ("FLOAT32", "Float32", "32 bits everywhere"),
))
QUALITY = Choice("Quality", "How thoroughly the engine Relief examines the image", (
    ("FAST", "Quick", "Several sizes of the image, once each"),
    ("BEST", "Best", "Mean of eight orientations at each size. More accurate, but takes eight times as long"),
))
MIX = Choice("Fine Detail From", "Engine whose fine detail replaces the engine's own", (
    ("OFF", "Same Engine", "The engine's own fine detail"),
    *((name, facts.label, facts.fine_description) for name, facts in ENGINES.items() if facts.fine_description),
))
BASE = Choice("Large Shapes From", "Where the large shapes under the fine detail come from", (
    ("ENGINE", "Engine", "The engine's own large shapes"),
    ("EXISTING", "Existing Normal Map", "The normal map that the material already has, which is kept whole. The engine "
     "is not needed"),
))
MASK = Choice("Mask", "Where the map is flat", (
    ("ALPHA", "Alpha", "Where the image is transparent, in proportion to its alpha"),
    ("IMAGE", "Alpha and Image", "Where the image is transparent or the mask image is black, in proportion to both"),
    ("OFF", "None", "Nowhere. Transparent parts continue their surroundings"),
))
TILEABLE = Choice("Tileable", "Directions in which the image repeats without a seam", (
    ("AUTO", "Automatic", "Measured for each direction. Off for renders"),
    ("OFF", "Off", "The image does not repeat"),
    ("X", "X", "Repeats from left to right"),
    ("Y", "Y", "Repeats from bottom to top"),
    ("BOTH", "Both", "Repeats in both directions"),
))
ISLANDS = Choice("Islands", "UV islands of a texture, each mapped without its surroundings", (
    ("AUTO", "Automatic", "Where only one colour or transparency lies between the islands"),
    ("ON", "On", "Islands of the mesh, whatever lies between them. Without a mesh, what the colour at the border surrounds"),
    ("OFF", "Off", "The image is mapped as a whole"),
))
SOURCE_CONVENTION = Choice("Source Convention", "Direction of green in the normal map that is the source", (
    ("AUTO", "Automatic", "Direction in which the slopes fit together as one surface. The report says which"),
    ("OPENGL", "OpenGL", "Green up"),
    ("DIRECTX", "DirectX", "Green down"),
))
CONVENTION = Choice("Convention", "Meaning of the map's red, green and blue", (
    ("OPENGL", "OpenGL", "Red to the right, green up, as Blender expects"),
    ("DIRECTX", "DirectX", "Red to the right, green down"),
    ("OBJECT", "Object Space", "Red along X, green along Y and blue along Z of an object whose surface is its XY plane"),
    ("CONTROLNET", "ControlNet", "The MiDaS node's own colours (z, y, x). Shown, but never wired into a material"),
))
DEPTH_SCALE = Choice("Depth Scale", "How depth is converted to slope", (
    ("NORMALISED", "Normalised", "The result does not depend on resolution, network or depth range"),
    ("RAW", "Raw", "The MiDaS node's own arithmetic, for the engine MiDaS only"),
))
ENLARGEMENT = Choice("Depth Upscaling", "How a depth map with fewer pixels than the image is enlarged. Not used with Raw", (
    ("SMOOTH", "Smooth", "By splines, with edges as wide as the network saw them"),
    ("EDGES", "Edge-Aware", "Edges of the depth are moved onto edges of the image where the image explains them"),
))
SIZE = Choice("Size", "Size of the map", (
    ("SOURCE", "Source", "Same size as the image"),
    ("NODE", "MiDaS Node", "Shorter side at the resolution, both sides rounded to multiples of 64"),
))


def _setting(default: Any, domain: Domain, shapes_surface: bool = False) -> Any:
    return field(default=default, metadata={"domain": domain, "shapes_surface": shapes_surface})


@dataclass(frozen=True)
class Settings:
    """All settings of one map; values are validated, and the names of choices may be written in any case.

    With the base EXISTING the engine is NORMALS, which takes the normal map that is there.

    Raises:
        SettingsError: a value lies outside its domain (see `setting_domains`), or two settings exclude each other.

    >>> Settings(engine="relief").engine, Settings().is_close_to(PRESETS["MATERIAL"])
    ('RELIEF', True)
    """

    engine: str = _setting("AUTO", ENGINE, shapes_surface=True)
    quality: str = _setting("FAST", QUALITY, shapes_surface=True)
    model: str = _setting("SMALL", MODEL, shapes_surface=True)
    model_folder: str = _setting("", FolderName(
        "Model Folder", "Folder with your own weights: config.json and model.safetensors, as transformers saves them, for "
        "Depth Anything, or model.pt for MoGe"), shapes_surface=True)
    height_scale: float = _setting(0.1, Number(
        "Height Scale", "Height of the value 1 of a height map, as a fraction of the image's shorter side", 0.0, 10.0, 0.01),
        shapes_surface=True)
    source_convention: str = _setting("AUTO", SOURCE_CONVENTION, shapes_surface=True)
    a: float = _setting(2 * math.pi, Number(
        "Flatness", "The MiDaS node's parameter a. Larger values are flatter, 2π is neutral", 0.0, 5 * math.pi, 0.05))
    bg_threshold: float = _setting(0.0, Number(
        "Background Threshold", "Height below which the map is flat, as a fraction of the height range",
        0.0, 1.0, 0.05))
    bg_softness: float = _setting(0.02, Number(
        "Falloff", "Fraction of the height range over which the background fades out. 0 gives a hard edge",
        0.0, 1.0, 0.01))
    resolution: int = _setting(512, Number(
        "Resolution", "Shorter side of the image that the network sees. Not used by Relief", 64, 16384, 64, "px", True),
        shapes_surface=True)
    strength: float = _setting(1.0, Number(
        "Strength", "Factor on the slopes of the map. 1 is neutral, 0 is flat", 0.0, 10.0, 0.05))
    blur: float = _setting(0.0, Number(
        "Blur", "Radius over which the surface is smoothed", 0.0, 64.0, 0.5, "px"))
    detail: float = _setting(1.0, Number(
        "Detail", "Factor on fine detail alone. 1 is neutral, 0 leaves only large shapes", 0.0, 10.0, 0.05))
    high_pass: float = _setting(0.0, Number(
        "High-Pass", "Radius beyond which shapes are removed. 0 keeps all",
        0.0, 4096.0, 8.0, "px"))
    invert: bool = _setting(False, Flag("Invert", "Turn bumps into dents and dents into bumps"))
    mix: str = _setting("OFF", MIX, shapes_surface=True)
    base: str = _setting("ENGINE", BASE, shapes_surface=True)
    crossover: float = _setting(16.0, Number(
        "Detail Radius", "Radius that separates large shapes from the fine detail that is mixed in",
        1.0, 1024.0, 1.0, "px"))
    mix_amount: float = _setting(1.0, Number(
        "Detail Amount", "Factor on the fine detail that is mixed in", 0.0, 10.0, 0.05))
    mask: str = _setting("ALPHA", MASK)
    tileable: str = _setting("AUTO", TILEABLE, shapes_surface=True)
    islands: str = _setting("AUTO", ISLANDS, shapes_surface=True)
    convention: str = _setting("OPENGL", CONVENTION)
    depth_scale: str = _setting("NORMALISED", DEPTH_SCALE, shapes_surface=True)
    size: str = _setting("SOURCE", SIZE)
    enlargement: str = _setting("SMOOTH", ENLARGEMENT, shapes_surface=True)
    device: str = _setting("AUTO", DEVICE, shapes_surface=True)
    precision: str = _setting("AUTO", PRECISION, shapes_surface=True)

    def __post_init__(self) -> None:
        for name, domain in setting_domains().items():
            object.__setattr__(self, name, domain.validate(name, getattr(self, name)))
        if self.base == "EXISTING":
            object.__setattr__(self, "engine", "NORMALS")
            if self.mix == "OFF":
                raise SettingsError("base EXISTING lays fine relief over the normal map that is there; say with mix which "
                                    "engine makes it.")
        elif self.mix != "OFF" and content_taken(self.engine) == DATA:
            raise SettingsError("The engine {engine} uses the values of the picture, in which no other engine finds relief; "
                                "set mix to OFF.", engine=self.engine)
        if self.depth_scale == "RAW" and not any(ENGINES[name].raw_parts for name in usable_engines(self.engine, "OFF")):
            raise SettingsError("depth_scale RAW is the MiDaS node's arithmetic; the engine {engine} has only NORMALISED.",
                                engine=self.engine)
        if self.depth_scale == "RAW" and self.mix != "OFF":
            raise SettingsError("depth_scale RAW is the MiDaS node's arithmetic, which mixes nothing in; choose NORMALISED.")
        if self.depth_scale == "RAW" and self.mask == "IMAGE":
            raise SettingsError("depth_scale RAW is the MiDaS node's arithmetic, which has no masks; choose NORMALISED.")

    @property
    def is_node_picture(self) -> bool:
        """Whether the map is the MiDaS node's own 8-bit picture, value for value."""
        return ((self.depth_scale, self.size, self.convention, self.tileable) == ("RAW", "NODE", "CONTROLNET", "OFF")
                and (self.strength, self.blur, self.detail, self.high_pass, self.invert) == (1.0, 0.0, 1.0, 0.0, False))

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name, for JSON and for custom properties."""
        return dataclasses.asdict(self)

    def with_tuning_of(self, others: Settings) -> Settings:
        """Return these settings with the others' values of all settings that do not shape the surface."""
        return dataclasses.replace(self, **{name: getattr(others, name) for name in tuning_setting_names()})

    def is_close_to(self, others: Settings) -> bool:
        """Tell whether all values are equal; floats may have been rounded to 32 bits."""
        return all(_is_close(getattr(self, name), getattr(others, name)) for name in setting_domains())

    def replace_fields(self, values: Mapping[str, Any]) -> Settings:
        """Return these settings with some values replaced; raise SettingsError for an unknown name."""
        unknown = sorted(set(values) - set(setting_domains()))
        if unknown:
            raise SettingsError("There is no setting {name!r:.80}; the settings are {choices}.", name=unknown[0],
                                choices=", ".join(setting_domains()))
        return dataclasses.replace(self, **values)


def setting_domains() -> dict[str, Domain]:
    """Return the domain of each setting by name, in the order of the panel."""
    return {f.name: f.metadata["domain"] for f in dataclasses.fields(Settings)}


def surface_setting_names() -> tuple[str, ...]:
    """Return the names of the settings that shape the surface; the others only change how a map is made of it."""
    return tuple(f.name for f in dataclasses.fields(Settings) if f.metadata["shapes_surface"])


def tuning_setting_names() -> tuple[str, ...]:
    """Return the names of the settings that a map can be made again with from a cached surface."""
    return tuple(name for name in setting_domains() if name not in surface_setting_names())


PRESETS: dict[str, Settings] = {
    "MATERIAL": Settings(),
    "NODE": Settings(engine="MIDAS", bg_threshold=0.1, tileable="OFF", convention="CONTROLNET", depth_scale="RAW",
                     size="NODE"),
}


def preset(name: str) -> Settings:
    """Return the settings of a preset, named in any case; raise SettingsError for an unknown one."""
    key = name.upper()
    if key not in PRESETS:
        raise SettingsError("There is no preset {name!r}; the presets are {choices}.", name=name, choices=", ".join(PRESETS))
    return PRESETS[key]


def preset_of(settings: Settings) -> str | None:
    """Return the name of the preset with these settings, or None; floats may have been rounded to 32 bits.

    Presets say nothing of the model, which depends on what is installed.
    """
    for name, candidate in PRESETS.items():
        if dataclasses.replace(candidate, model=settings.model, model_folder=settings.model_folder).is_close_to(settings):
            return name
    return None


def _is_close(one: Any, other: Any) -> bool:
    return one == other or (isinstance(other, float) and math.isclose(one, other, rel_tol=1e-6))


def node_size(width: int, height: int, resolution: int) -> tuple[int, int]:
    """Return (width, height) of the picture that the MiDaS node gives for a picture of that (width, height).

    controlnet_aux rounds once for the network and once more for its output, which is another size only when the resolution
    is not a multiple of 64.

    >>> node_size(300, 200, 512)
    (768, 512)
    """
    return _node_round(*_node_round(width, height, resolution), resolution)


def _node_round(width: int, height: int, resolution: int) -> tuple[int, int]:
    """Scale the shorter side to `resolution`, then round both to multiples of 64, halves to the even one."""
    scale = float(resolution) / min(height, width)
    return round(width * scale / 64.0) * 64, round(height * scale / 64.0) * 64
