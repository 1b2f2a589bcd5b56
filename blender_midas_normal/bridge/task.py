"""One map from the ask to the report: read the picture, let the worker work, store the map, wire it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import bpy

from ..client.client import Job
from ..client.launch import launch_for
from ..core.errors import SourceError
from ..core.protocol import Result
from ..core.settings import Settings
from .asking import Ask
from .materials import targets
from .pixels import read_pixels
from .places import own_python, places, preferences
from .results import source_of, store, store_again, stored
from .session import client
from .shown import note_shown
from .source import Source, active_object, resolve, source_of_image
from .wiring import is_wired, node_has_convention, read_as, wire


@dataclass(frozen=True)
class Report:
    """What was made.  map_name: name of the image; sentences: what the user should know; facts: as stored on the image."""

    map_name: str
    sentences: tuple[str, ...]
    facts: dict


@dataclass(frozen=True)
class Task:
    """A map on its way: what was asked for, from which picture, for which object, and the job at the worker.

    object_uid: the active object's session_uid, or None: an object, like any data of Blender, may be gone at the end.
    """

    ask: Ask
    source: Source
    object_uid: int | None
    job: Job
    notes: tuple[str, ...] = ()

    def wait(self) -> None:
        """Waits for the job; raises what stands in the place of its result."""
        client.wait(self.job)

    def finish(self) -> Report:
        """Stores the map and wires it, after the job has ended; raises one of the project's exceptions.

        The map is stored whole or not at all; a material that cannot be wired is said so in the report.
        """
        result = self.job.result()
        source = self.source.image()
        facts = facts_of(result)
        with client.taken(result) as files:
            image = store(source, files, self.ask.settings.words(), facts, self.ask.save)
            note_shown(image, files)
        sentences = [_made(result, image), result.why, *self.notes, *result.notes, *self._wired(source, image)]
        if image.users == 0:
            image.use_fake_user = True  # Blender drops what nobody uses when it saves
        return Report(image.name, tuple(sentences), facts)

    def _wired(self, source: bpy.types.Image, image: bpy.types.Image) -> list[str]:
        found = targets(self.ask.target, source, _object(self.object_uid))
        reports = [wire(material, source, image, self.ask.settings.convention, self.ask.replace)
                   for material in found.materials]
        return [*found.sentences, *(sentence for report in reports for sentence in report.sentences)]


def begin(context: bpy.types.Context, ask: Ask) -> Task:
    """Reads the picture and sends the request; raises one of the project's exceptions, with nothing changed."""
    source = _mapped(resolve(ask.source, ask.image, context))
    thing = active_object(context)
    if ask.target == "ACTIVE_MATERIAL":
        targets(ask.target, source.image(), thing)
    ask, notes = _in_nodes_convention(ask)
    client.prepare(launch_for(ask.settings.engine, places(), own_python(), preferences().idle_minutes * 60.0))
    pixels = read_pixels(source.image(), client.new_file())
    job = client.submit(settings=_on_preferred_device(ask.settings).words(), pixels=dataclasses.asdict(pixels),
                        is_render=source.is_render, **_files(ask.save == "BESIDE"))
    return Task(ask, source, thing.session_uid if thing else None, job, notes)


@dataclass(frozen=True)
class Retune:
    """A map on its way to other settings, made from the surface that the worker has kept.

    map_uid: the map's session_uid; surface: the surface's key.
    """

    map_uid: int
    settings: Settings
    surface: str
    job: Job

    def wait(self) -> None:
        """Waits for the job; raises what stands in the place of its result."""
        client.wait(self.job)

    def finish(self) -> Report:
        """Shows the map, after the job has ended, wherever it is wired; raises one of the project's exceptions."""
        result = self.job.result()
        facts = facts_of(result)
        image = next((image for image in bpy.data.images if image.session_uid == self.map_uid), None)
        with client.taken(result) as files:
            if image is None:
                raise SourceError("The map was removed while it was re-tuned; generate it again.")
            store_again(image, files, self.settings.words(), facts)
            note_shown(image, files)
        read_as(image, self.settings.convention)
        return Report(image.name, (_made(result, image),), facts)


def begin_retune(image: bpy.types.Image, settings: Settings) -> Retune:
    """Asks for a map again with what the settings say that needs no engine, from the surface that the worker has kept.

    The job ends with SurfaceGone when the worker has not kept the surface.
    """
    facts, wanted = facts_on(image), tuned(image, settings)
    client.prepare(launch_for(facts["engine"], places(), own_python(), preferences().idle_minutes * 60.0))
    job = client.submit(settings=wanted.words(), surface=facts["surface"],
                        **_files(image.packed_file is None))
    return Retune(image.session_uid, wanted, facts["surface"], job)


def tuned(image: bpy.types.Image, settings: Settings) -> Settings:
    """A map's stored settings, re-tuned as these are, in a convention that the nodes that show the map can read."""
    wanted = settings_on(image).tuned_as(settings)
    readable = ("OPENGL", "DIRECTX") if node_has_convention() else ("OPENGL",)
    if wanted.convention in readable or not is_wired(image):
        return wanted
    return dataclasses.replace(wanted, convention="OPENGL")


def map_called(name: str) -> bpy.types.Image:
    """The map of this name; raises SourceError when it is gone."""
    image = bpy.data.images.get(name)
    if image is None or source_of(image) is None:
        raise SourceError(f"The map {name!r} or its source is no longer there; generate it again.")
    return image


def settings_on(image: bpy.types.Image) -> Settings:
    """The settings that a map was made with; raises SourceError for an image that is no map."""
    return Settings().with_words(_stored_on(image)["settings"])


def facts_on(image: bpy.types.Image) -> dict:
    """What is remembered of a map beside its settings; raises SourceError for an image that is no map."""
    return _stored_on(image)["facts"]


def _stored_on(image: bpy.types.Image) -> dict:
    words = stored(image)
    if words is None:
        raise SourceError(f"The image {image.name!r} is no map of this extension; generate one.")
    return words


def _files(on_disk: bool) -> dict[str, bool]:
    """What a request says of the files it wants: a packed map is shown by its pixels, one on disk by its compressed file."""
    return {"compress": on_disk, "with_pixels": not on_disk}


def _object(session_uid: int | None) -> bpy.types.Object | None:
    return next((thing for thing in bpy.data.objects if thing.session_uid == session_uid), None)


def facts_of(result: Result) -> dict:
    """What is remembered of a result beside its settings."""
    return {"engine": result.engine, "device": result.device, "why": result.why, "surface": result.surface,
            "seconds": result.seconds, "size": [result.width, result.height]}


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


def _made(result: Result, image: bpy.types.Image) -> str:
    return (f"{image.name}: {result.width} x {result.height} from {result.engine.lower()} on {result.device} in "
            f"{sum(result.seconds.values()):.1f} s.")
