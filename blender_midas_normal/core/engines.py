"""What everybody must know of the engines without running one: their facts, their weights, and what AUTO selects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .errors import EngineUnavailable, Message, WeightsError
from .files import is_file
from .weights import Weights, WeightsFile, find_weights, in_folder_of_user

if TYPE_CHECKING:
    from .settings import Settings

COLOUR = "COLOUR"
"""Content of a picture: display-referred sRGB, H x W x 3, uint8 0..255 or float32 0..1."""

DATA = "DATA"
"""Content of a picture: values as stored, H x W or H x W x 3, of any range, without a tone curve."""


@dataclass(frozen=True)
class EngineFacts:
    """What panel, settings, AUTO and the client must know of an engine.

    Attributes:
        label, description: its texts in the interface.
        licence: of its code and weights.
        takes: the content of the pictures it makes surfaces of, COLOUR or DATA.
        settings: names of the settings that act on this engine, of those that do not act on all.
        fine_description: text of the interface for its fine detail mixed in over another engine; "" where it is not offered.
        uses_torch: whether it runs on torch where the worker's Python has it, and so on a GPU.
        weights: that users bring, by the names of the setting `model`; of an engine with one network, by "".
        parts: of the environment that it cannot run without, see `client.setup.environment.PARTS`.
        raw_parts: those that depth_scale RAW needs; empty where the engine has none.
        has_depth_range: whether its depths are in units of their own, so that two pictures may differ in range.
        is_pixelwise: whether it measures slopes pixel by pixel, so that UV islands do not disturb each other.
    """

    label: str
    description: str
    licence: str
    takes: str = COLOUR
    settings: frozenset[str] = frozenset()
    fine_description: str = ""
    uses_torch: bool = False
    weights: Mapping[str, Weights] = field(default_factory=lambda: MappingProxyType({}))
    parts: tuple[str, ...] = ()
    raw_parts: tuple[str, ...] = ()
    has_depth_range: bool = False
    is_pixelwise: bool = False


OWN_FOLDER = "FOLDER"
"""Value of the setting `model` for weights in a folder of the user's own."""

MIDAS_WEIGHTS = WeightsFile("dpt_hybrid-midas-501f0c75.pt", 492757791,
                            "501f0c75b3bca7daec6b3682c5054c09b366765aef6fa3a09d03a5cb4b230853")
"""DPT-Hybrid of MiDaS 3.0, the MiDaS node's network; controlnet_aux looks for it under this name."""

NORMAL_BAE_WEIGHTS = Weights(
    "NormalBae", "trained on ScanNet, whose terms allow research without commercial use only", "lllyasviel/Annotators",
    (WeightsFile("scannet.pt", 0, "03dbf1600c51ee3d45c29f77b77bf1a3b7a24c3452dba62a4ae658f37330c209"),), size=291_000_000)


def _depth_anything(size: str, licence: str, revision: str, total: int, file: WeightsFile) -> Weights:
    """Return the weights of a Depth Anything V2 network in transformers' format."""
    name = f"Depth-Anything-V2-{size}-hf"
    return Weights(f"Depth Anything V2 {size}", licence, f"depth-anything/{name}", (file, WeightsFile("config.json")),
                   revision, name, size=total)


def _moge(size: str, revision: str, total: int, file: WeightsFile) -> Weights:
    """Return the weights of a MoGe-2 network with a normal head."""
    name = f"moge-2-{size}-normal"
    return Weights(f"MoGe-2 ViT-{size[-1].upper()}", "MIT", f"Ruicheng/{name}", (file,), revision, name, size=total)


DEPTH_ANYTHING_WEIGHTS = MappingProxyType({
    "SMALL": _depth_anything("Small", "Apache-2.0", "5426e4f0f36572d16453bbda7a8389317b1bef99", 99_000_000, WeightsFile(
        "model.safetensors", 99173660, "3152477ce0d8d6978d76b995120de97cb5b928701fd0f817769f59e249a16b70")),
    "BASE": _depth_anything("Base", "CC-BY-NC-4.0", "main", 390_000_000, WeightsFile("model.safetensors")),
    "LARGE": _depth_anything("Large", "CC-BY-NC-4.0", "7581137eff8d4e94f6e796d3baea0e9fa79b22d2", 1_341_000_000, WeightsFile(
        "model.safetensors", 1341322868, "4e01e34ed5549b529b70b92d53226bc370f03041977b390d3dde45d47f516cf9")),
})

MOGE_WEIGHTS = MappingProxyType({
    "SMALL": _moge("vits", "679230677b4d282c6f304189a93e98e14f085902", 141_000_000, WeightsFile(
        "model.pt", 140550416, "79a16621928c2bf0ed04659218c55c01075e950507f40bb3332fb4c873d3e1dc")),
    "BASE": _moge("vitb", "54ad3a693e61907ea4633d13dec6ee682fa09419", 419_000_000, WeightsFile(
        "model.pt", 419110160, "16b8110e86d5dc5a849db120ca96ef3a223fd30b0c9146d1d81db504073da5f6")),
    "LARGE": _moge("vitl", "b135031bae30b5ac2ae141a0e68717795ce38340", 1_326_000_000, WeightsFile(
        "model.pt", 0, "280741fd09bc3f403ccff9967784c2a391b52d2c0742ae3efdb21d9f90cc1a01")),
})
"""By the setting `model`."""

_MODEL_SETTINGS = frozenset({"model", "model_folder"})

OPTIONAL_SETTINGS = frozenset({*_MODEL_SETTINGS, "height_scale", "source_convention"})
"""Settings that were added for some engines, and tell maps of no others apart."""

ENGINES: dict[str, EngineFacts] = {
    "MIDAS": EngineFacts(
        "MiDaS", "Depth estimated by the MiDaS network (DPT-Hybrid), on the GPU where there is one", licence="MIT",
        settings=frozenset({"resolution", "enlargement", "device", "precision"}), uses_torch=True,
        weights=MappingProxyType({"": Weights(
            "MiDaS", "MIT", "lllyasviel/Annotators", (MIDAS_WEIGHTS,),
            release=f"https://github.com/isl-org/DPT/releases/download/1_0/{MIDAS_WEIGHTS.name}")}),
        parts=("midas",), raw_parts=("midas", "node"), has_depth_range=True),
    "RELIEF": EngineFacts(
        "Relief", "Built-in network that finds heights from shading in photos of materials. Always available",
        licence="GPL 3 or later", settings=frozenset({"quality", "device", "precision"}), uses_torch=True,
        fine_description="Fine detail from the built-in network, over the engine's large shapes"),
    "LUMINANCE": EngineFacts(
        "Luminance", "Brightness as height. Instant and always available", licence="GPL 3 or later",
        fine_description="Fine detail from brightness, over the engine's large shapes"),
    "HEIGHT": EngineFacts(
        "Height Map", "The image is a height or depth map, whose stored values are the heights",
        licence="GPL 3 or later", takes=DATA, settings=frozenset({"height_scale"})),
    "NORMALS": EngineFacts(
        "Normal Map", "The image is a normal map, to be adjusted or converted into another convention or other maps",
        licence="GPL 3 or later", takes=DATA, settings=frozenset({"source_convention"}), is_pixelwise=True),
    "DEPTH_ANYTHING": EngineFacts(
        "Depth Anything", "Depth estimated by Depth Anything V2 or by a depth network of your own",
        licence="Apache-2.0; its weights as the model says",
        settings=frozenset({"resolution", "enlargement", "device", "precision"}) | _MODEL_SETTINGS, uses_torch=True,
        weights=DEPTH_ANYTHING_WEIGHTS, parts=("midas", "depth-anything"), has_depth_range=True),
    "NORMAL_BAE": EngineFacts(
        "NormalBae", "Normals estimated by ControlNet's NormalBae. Its weights were trained on ScanNet, whose terms forbid "
        "commercial use", licence="MIT; weights under the terms of ScanNet",
        settings=frozenset({"resolution", "device"}), uses_torch=True,
        weights=MappingProxyType({"": NORMAL_BAE_WEIGHTS}), parts=("midas", "node")),
    "MOGE": EngineFacts(
        "MoGe", "Normals estimated by MoGe-2", licence="MIT",
        settings=frozenset({"resolution", "device", "precision"}) | _MODEL_SETTINGS, uses_torch=True, weights=MOGE_WEIGHTS,
        parts=("midas", "moge")),
}
"""By the name that settings use, in the order of the interface."""

AUTO_ENGINES = ("MIDAS", "RELIEF")
"""The engine that AUTO chooses where it can run, and the built-in one that it chooses else."""

Key = TypeVar("Key")


NO_MODEL_FOLDER = Message("No model folder is chosen; choose the folder that has the weights, or another model.")


class EngineSettings(Protocol):
    """The settings that name an engine and its weights: `core.settings.Settings`, or properties of these names."""

    @property
    def engine(self) -> str: ...
    @property
    def depth_scale(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def model_folder(self) -> str: ...


def select_engine(settings: Settings, unavailable: Mapping[str, Message]) -> tuple[str, Message]:
    """Choose the engine for the settings.

    Args:
        settings: with the engine asked for, or AUTO.
        unavailable: for each engine the reason why it cannot run, "" when it can.

    Returns:
        (name of the engine, why it was chosen).

    Raises:
        EngineUnavailable: the engine asked for cannot run.
    """
    if settings.engine == "AUTO":
        first, built_in = AUTO_ENGINES
        reason = unavailable[first]
        if not reason:
            return first, Message("Engine: MiDaS, chosen automatically.")
        if settings.depth_scale == "RAW":
            raise EngineUnavailable("depth_scale RAW needs MiDaS, which cannot run here: {reason}", reason=reason)
        return built_in, Message("Engine: Relief, chosen automatically. {reason}", reason=reason)
    if unavailable[settings.engine]:
        raise EngineUnavailable(unavailable[settings.engine])
    return settings.engine, Message("Engine: {engine}, as set.", engine=settings.engine)


def usable_engines(engine: str, mix: str) -> tuple[str, ...]:
    """Return the engines that a request may use with these values of the settings `engine` and `mix`.

    A name that no engine of this version has counts as none: .blend files may hold one.

    >>> usable_engines("AUTO", "LUMINANCE")
    ('MIDAS', 'RELIEF', 'LUMINANCE')
    """
    names = dict.fromkeys((*(AUTO_ENGINES if engine == "AUTO" else (engine,)), mix))
    return tuple(name for name in names if name in ENGINES)


def needed_parts(engine: str, depth_scale: str) -> tuple[str, ...]:
    """Return the parts of the MiDaS environment without which no request with these values of the settings can run.

    >>> needed_parts("AUTO", "NORMALISED"), needed_parts("MIDAS", "NORMALISED"), needed_parts("AUTO", "RAW")
    ((), ('midas',), ('midas', 'node'))
    """
    usable = [ENGINES[name] for name in usable_engines(engine, "OFF")]
    if depth_scale == "RAW":
        return min((facts.raw_parts for facts in usable if facts.raw_parts), key=len, default=())
    return min((facts.parts for facts in usable), key=len, default=())


def models_by_size() -> dict[str, list[Weights]]:
    """Return the weights that each value of the setting `model` stands for, by engine in their order."""
    sizes: dict[str, list[Weights]] = {}
    for facts in ENGINES.values():
        for size, weights in facts.weights.items():
            if size:
                sizes.setdefault(size, []).append(weights)
    return sizes


def needed_weights(engine: str, model: str) -> Weights:
    """Return the weights of an engine for a value of the setting `model`; those of AUTO's first choice where it needs none.

    >>> needed_weights("MOGE", "SMALL").label, needed_weights("AUTO", "SMALL").label
    ('MoGe-2 ViT-S', 'MiDaS')
    """
    facts = ENGINES.get(engine)
    if facts is None or not facts.weights:
        facts = ENGINES[AUTO_ENGINES[0]]
    first = next(iter(facts.weights.values()))
    if model == OWN_FOLDER and "model" in facts.settings:
        return in_folder_of_user(first)
    return facts.weights.get(model, first)


def find_engine_weights(engine: str, settings: EngineSettings, folder: Path) -> Path:
    """Find the folder that has the weights of an engine; of AUTO's first choice where it needs none.

    Args:
        settings: say which weights, of an engine that has several.
        folder: the folder of weights.

    Raises:
        WeightsError: they are not there.
    """
    weights = needed_weights(engine, settings.model)
    if not weights.is_of_user:
        return find_weights(folder, weights)
    if not settings.model_folder:
        raise WeightsError(NO_MODEL_FOLDER)
    own = Path(settings.model_folder)
    missing = next((file.name for file in weights.files if not is_file(own / file.name)), None)
    if missing is not None:
        raise WeightsError("The model folder {folder} has no file {file}; choose the folder that has it, or another model.",
                           folder=own, file=missing)
    return own


def values_that_tell_maps_apart(settings: Settings, engine: str) -> dict[str, Any]:
    """Return the settings' values by name, in a form that is equal for maps that are equal.

    What only some engines have is left out for the others, and so are the defaults of settings that older maps have not: a
    map of version 1.0.0 counts as one with these defaults.  A folder of the user's own stands there by the size and the time
    of its files: they may be moved, and others may take their place.

    engine: the one that makes the map, which replaces AUTO.
    """
    values = {**settings.to_dict(), "engine": engine}
    acting = ENGINES[engine].settings if engine in ENGINES else frozenset()
    for name in OPTIONAL_SETTINGS - acting:
        del values[name]
    for name, default in (("base", "ENGINE"), ("islands", "AUTO"), ("quality", "FAST")):
        if values[name] == default:
            del values[name]  # maps made before there was another have none
    if "model_folder" in values:
        values["model_folder"] = own_weights_stamp(engine, settings)
    return values


def own_weights_stamp(engine: str, settings: EngineSettings) -> str:
    """Return the sizes and times of the files of weights in a folder of the user's own, which change with their content.

    "" for published weights.
    """
    stamps: list[str] = []
    weights = needed_weights(engine, settings.model)
    for file in weights.files if weights.is_of_user else ():
        try:
            status = (Path(settings.model_folder) / file.name).stat()
        except OSError:
            continue  # the engine itself says what is missing
        stamps.append(f"{file.name} {status.st_size} {status.st_mtime_ns}")
    return ", ".join(stamps)


def content_taken(engine: str, base: str = "ENGINE") -> str:
    """Return the content that the picture of a request has to have, with these values of the settings.

    AUTO chooses among engines for COLOUR.  With the base EXISTING the engine takes the normal map that is there, and the
    picture is for the engine of the fine relief.

    >>> content_taken("AUTO"), content_taken("NORMALS"), content_taken("NORMALS", "EXISTING")
    ('COLOUR', 'DATA', 'COLOUR')
    """
    return ENGINES[engine].takes if engine in ENGINES and base == "ENGINE" else COLOUR


def engine_in_use(engine: str, base: str, mix: str) -> str:
    """Return the engine that these values of the settings ask for.

    NORMALS where fine relief is laid over the normal map that is there.

    >>> engine_in_use("MIDAS", "ENGINE", "RELIEF"), engine_in_use("MIDAS", "EXISTING", "RELIEF")
    ('MIDAS', 'NORMALS')
    """
    return "NORMALS" if mix != "OFF" and base == "EXISTING" else engine


def setting_acts(name: str, engine: str, mix: str) -> bool:
    """Tell whether a setting changes anything with these values of the settings `engine` and `mix`.

    >>> setting_acts("quality", "LUMINANCE", "OFF"), setting_acts("strength", "LUMINANCE", "OFF")
    (False, True)
    """
    is_general = not any(name in facts.settings for facts in ENGINES.values())
    return is_general or any(name in ENGINES[usable].settings for usable in usable_engines(engine, mix))


def has_depth_range(engine: str, settings: Settings) -> bool:
    """Tell whether the surfaces of an engine have a depth range (see `core.picture.Surface`)."""
    return ENGINES[engine].has_depth_range and settings.depth_scale == "NORMALISED"


def shared_range_strengths(ranges: Mapping[Key, float]) -> dict[Key, float]:
    """Return factors on the strength, 0..1, that give several pictures one common depth range.

    Each picture's depth is scaled to heights of 0..1; the factor restores its range relative to the widest one.

    >>> shared_range_strengths({"near": 100.0, "far": 50.0})
    {'near': 1.0, 'far': 0.5}
    """
    widest = max(ranges.values(), default=0.0)
    return {key: value / widest if value < widest else 1.0 for key, value in ranges.items()}
