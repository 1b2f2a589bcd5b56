"""The maps of one picture: read it, let the worker work, store each map, wire it."""

from __future__ import annotations

import dataclasses

import bpy

from ..client.launch import launch_for
from ..core.errors import Cancelled, MidasNormalError
from ..core.kinds import KINDS, check_kind
from ..core.protocol import Result
from ..core.settings import Settings
from .asking import Ask
from .attaching import attach
from .displacing import displace
from .materials import targets
from .pixels import read_pixels
from .places import own_python, places, preferences
from .results import source_of, store
from .session import client
from .shown import note_shown
from .source import Source, active_object, resolve, source_of_image
from .task import Making, Report, Task
from .wiring import node_has_convention, wire

PACKED, ON_DISK = ({"compress": on_disk, "with_pixels": not on_disk} for on_disk in (False, True))
"""What a request says of the files it wants: a packed map is shown by its pixels, one on disk by its compressed file."""


def begin(context: bpy.types.Context, ask: Ask) -> Task:
    """Reads the picture and sends the request; raises one of the project's exceptions, with nothing changed."""
    return Task(_making(context, ask))


def _making(context: bpy.types.Context, ask: Ask) -> Making:
    for kind in ask.maps:
        check_kind(kind, ask.settings)
    source = _mapped(resolve(ask.source, ask.image, context))
    thing = active_object(context)
    if ask.target == "ACTIVE_MATERIAL":
        targets(ask.target, source.image(), thing)
    ask, notes = _in_nodes_convention(ask)
    maps = Maps(ask, source, thing.session_uid if thing else None)
    launch = launch_for(ask.settings.engine, places(), own_python(), preferences().idle_minutes * 60.0)
    words = {"settings": _on_preferred_device(ask.settings).words(), **(ON_DISK if ask.save == "BESIDE" else PACKED)}
    client.prepare(launch)
    pixels = read_pixels(source.image(), client.new_file())
    first, *others = ask.maps
    result = yield client.submit(map=first, pixels=dataclasses.asdict(pixels), is_render=source.is_render, **words)
    name, sentences = maps.taken_in(first, result)
    sentences = [_made(name, result), result.why, *notes, *result.notes, *sentences]
    for kind in others:
        try:
            client.prepare(launch)
            more = yield client.submit(map=kind, surface=result.surface, **words)
            sentences += maps.taken_in(kind, more)[1]
        except Cancelled:
            raise
        except MidasNormalError as error:
            sentences.append(f"The map {KINDS[kind].label} was not made: {error}")
    return Report(name, tuple(sentences), facts_of(result, first))


@dataclasses.dataclass(frozen=True)
class Maps:
    """Where the maps of a picture go.

    object_uid: the active object's session_uid, or None: an object, like any data of Blender, may be gone at the end.
    """

    ask: Ask
    source: Source
    object_uid: int | None

    def taken_in(self, kind: str, result: Result) -> tuple[str, list[str]]:
        """Stores a map, whole or not at all, and wires it; its name, and sentences for the user.

        Raises one of the project's exceptions; a material that cannot be wired is said so in a sentence.
        """
        with client.taken(result) as files:
            source = self.source.image()
            image = store(source, files, self.ask.settings.words(), facts_of(result, kind), self.ask.save)
            note_shown(image, files)
        sentences = self._wired(kind, source, image, result.scale)
        if image.users == 0:
            image.use_fake_user = True  # Blender drops what nobody uses when it saves
        return image.name, sentences

    def _wired(self, kind: str, source: bpy.types.Image, image: bpy.types.Image, scale: float) -> list[str]:
        thing = next((thing for thing in bpy.data.objects if thing.session_uid == self.object_uid), None)
        found = targets(self.ask.target, source, thing)
        sentences = list(found.sentences) if kind == self.ask.maps[0] else []
        for material in found.materials:
            if kind == "NORMAL":
                report = wire(material, source, image, self.ask.settings.convention, self.ask.replace)
            elif kind == "HEIGHT":
                report = displace(material, source, image, scale, thing, self.ask.replace)
            else:
                report = attach(material, source, image)
            sentences += report.sentences
        return sentences


def facts_of(result: Result, kind: str) -> dict:
    """What is remembered of a map beside its settings."""
    return {"map": kind, "engine": result.engine, "device": result.device, "why": result.why, "surface": result.surface,
            "seconds": result.seconds, "size": [result.width, result.height], "scale": result.scale}


def _mapped(source: Source) -> Source:
    """The source itself, or, when it is a map made by this extension, the picture that the map was made from."""
    origin = source_of(source.image())
    return source if origin is None else source_of_image(origin)


def _on_preferred_device(settings: Settings) -> Settings:
    """A device that the settings leave open is the one of the preferences."""
    return dataclasses.replace(settings, device=preferences().device) if settings.device == "AUTO" else settings


def _in_nodes_convention(ask: Ask) -> tuple[Ask, tuple[str, ...]]:
    """A DirectX map to be wired is made as OpenGL where Blender's Normal Map node knows nothing else."""
    if ask.settings.convention != "DIRECTX" or ask.target == "NONE" or node_has_convention():
        return ask, ()
    settings = dataclasses.replace(ask.settings, convention="OPENGL")
    return dataclasses.replace(ask, settings=settings), (
        "This Blender's Normal Map node reads OpenGL only, so the map was made as OpenGL; for DirectX pixels choose the "
        "target Image only.",)


def _made(name: str, result: Result) -> str:
    return (f"{name}: {result.width} x {result.height} from {result.engine.lower()} on {result.device} in "
            f"{sum(result.seconds.values()):.1f} s.")
