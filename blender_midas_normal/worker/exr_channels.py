"""Which channels of an OpenEXR file are the picture: as Blender has it, of files with layers as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..core.errors import InvalidData

COLOURS = ("RGB", "XYZ", "V", "Y")
"""Names of a picture's channels, in the order in which they count."""

WORDS = {"RED": "R", "GREEN": "G", "BLUE": "B", "ALPHA": "A"}


@dataclass(frozen=True)
class Chosen:
    """Channels of a part of the file, by their places in it.

    colours: one for a grey picture, else red, green and blue, None for one that the file lacks; alpha: None without one.
    is_premultiplied: the colours are multiplied by alpha, as other values, such as depths, are not.
    """

    part: int
    colours: tuple[int | None, ...]
    alpha: int | None
    is_premultiplied: bool


def chosen_channels(parts: Iterable[tuple[str, Sequence[str]]]) -> Chosen:
    """Choose the channels that are the picture of an OpenEXR file.

    Of a file with layers, that is the layer called Combined or without a name, else the first with colours, else the first.
    Of a layer without colours it is the first channel, alpha only where there is no other.

    Args:
        parts: the name of each part of the file, and the names of its channels.

    Raises:
        InvalidData: the file has no channels.
    """
    layers = _layers(parts)
    if not layers:
        raise InvalidData("it has no channels")
    named = {key: layer for key, layer in layers.items() if key[1].rpartition(".")[2].upper() in ("", "COMBINED")}
    coloured = {key: layer for key, layer in layers.items() if set("RGB") <= layer.keys()}
    more = [key for key, layer in layers.items() if layer.keys() != {"A"}]
    best = [key for key in named if _colours(named[key])] or list(coloured) or more or list(layers)
    part, layer = best[0][0], layers[best[0]]
    colours, alpha = _colours(layer), layer.get("A")
    if colours:
        return Chosen(part, colours, alpha, is_premultiplied=alpha is not None)
    others = [place for component, place in layer.items() if component != "A"]
    if others:
        return Chosen(part, (others[0],), alpha, is_premultiplied=False)
    return Chosen(part, (layer["A"],), None, is_premultiplied=False)


def _layers(parts: Iterable[tuple[str, Sequence[str]]]) -> dict[tuple[int, str], dict[str, int]]:
    """Sort the channels into layers, by part and name; each has the places of its components by their names in capitals."""
    layers: dict[tuple[int, str], dict[str, int]] = {}
    for part, (part_name, names) in enumerate(parts):
        for name in sorted(names):
            whole = name if not part_name or name.startswith(f"{part_name}.") else f"{part_name}.{name}"
            layer, _, component = whole.rpartition(".")
            component = WORDS.get(component.upper(), component.upper())
            layers.setdefault((part, layer), {}).setdefault(component, names.index(name))
    return layers


def _colours(layer: Mapping[str, int]) -> tuple[int | None, ...]:
    """Find the first of COLOURS of which a layer has any; one alone is grey."""
    for names in COLOURS:
        found = tuple(layer.get(name) for name in names)
        there = [place for place in found if place is not None]
        if there and (names != "XYZ" or len(there) == 3):
            return found if len(there) > 1 else (there[0],)
    return ()
