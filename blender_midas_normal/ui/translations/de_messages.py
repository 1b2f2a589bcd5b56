"""German for messages: reports, reasons and errors, by the template in English.  Those that are not here stay English."""

from __future__ import annotations

REPORTS = {
    "{name}: {width} x {height} from {engine} on {device} in {seconds:.1f} s.":
        "{name}: {width} x {height} von {engine} auf {device} in {seconds:.1f} s.",
    "{name}: {pictures} from {engine} on {device} in {seconds:.1f} s.":
        "{name}: {pictures} von {engine} auf {device} in {seconds:.1f} s.",
    "1 frame": "1 Bild",
    "{count} frames": "{count} Bilder",
    "1 tile": "1 Kachel",
    "{count} tiles": "{count} Kacheln",
    "{first} to {last}": "{first} bis {last}",
    "{name} was made again in {seconds:.1f} s.": "{name} wurde in {seconds:.1f} s neu erzeugt.",
    "{map} follows {picture}.": "{map} folgt {picture}.",
    "The map {map} was not made: {reason}": "Die Map {map} wurde nicht erzeugt: {reason}",
    "{engine} was asked for.": "{engine} war verlangt.",
    "AUTO chose MiDaS: its environment and weights are there.":
        "AUTO hat MiDaS gewählt: Umgebung und Gewichte sind da.",
    "AUTO chose relief, because MiDaS cannot run here: {reason}":
        "AUTO hat Relief gewählt, weil MiDaS hier nicht läuft: {reason}",
    "The surface was there already.": "Die Oberfläche war schon da.",
    "The picture is fully transparent, so the map is flat.": "Das Bild ist ganz durchsichtig, also ist die Map flach.",
    "The surface has no relief at all, so the map is flat.": "Die Oberfläche hat kein Relief, also ist die Map flach.",
    "Where the picture's alpha is below 1, its colours count less and the map is flatter; if alpha is no transparency, save "
    "the picture without it.":
        "Wo das Alpha des Bildes unter 1 liegt, zählen seine Farben weniger, und die Map ist flacher; ist Alpha keine "
        "Transparenz, das Bild ohne Alpha speichern.",
    "The picture's alpha is linked to nothing in its materials, so it makes no part of the map flatter.":
        "Das Alpha des Bildes ist in dessen Materialien mit nichts verbunden, macht also keinen Teil der Map flacher.",
    "Of 1 picture {made} made, {skipped} skipped, {failed} failed.":
        "Von 1 Bild {made} erzeugt, {skipped} übersprungen, {failed} fehlgeschlagen.",
    "Of {count} pictures {made} made, {skipped} skipped, {failed} failed.":
        "Von {count} Bildern {made} erzeugt, {skipped} übersprungen, {failed} fehlgeschlagen.",
    "Of {count} pictures {made} made, {skipped} skipped, {failed} failed, {waiting} not tried.":
        "Von {count} Bildern {made} erzeugt, {skipped} übersprungen, {failed} fehlgeschlagen, {waiting} nicht versucht.",
    "{names} and {more} more: {reason}": "{names} und {more} weitere: {reason}",
}

WIRING = {
    "Wired {map!r} to {shaders} of the material {material!r}.":
        "{map!r} ist mit {shaders} des Materials {material!r} verbunden.",
    "The shader {shader!r} keeps its own normal map {map!r}; set Replace to wire the new map instead.":
        "Der Shader {shader!r} behält seine eigene Normalmap {map!r}; mit Ersetzen tritt die neue Map an ihre Stelle.",
    "The object {object!r} had no material and got {material!r}.":
        "Das Objekt {object!r} hatte kein Material und hat {material!r} bekommen.",
    "No material uses the image {image!r}.": "Kein Material benutzt das Bild {image!r}.",
    "The material {material!r} is {reason} and stays as it is.":
        "Das Material {material!r} ist {reason} und bleibt, wie es ist.",
    "linked from another file": "aus einer anderen Datei verknüpft",
    "a library override of one in another file": "ein Library-Override aus einer anderen Datei",
    "read-only": "schreibgeschützt",
    "A ControlNet map is not wired, because Blender would shade it black; choose OPENGL for a map to be wired.":
        "Eine ControlNet-Map wird nicht verbunden, weil Blender sie schwarz zeigen würde; für eine verbundene Map OPENGL "
        "wählen.",
    "The map {map!r} was changed after it was made and stays as it is; turn on Replace to make it again.":
        "Die Map {map!r} wurde seit dem Erzeugen geändert und bleibt, wie sie ist; mit Ersetzen wird sie neu erzeugt.",
}

ERRORS = {
    "Choose an image.": "Ein Bild wählen.",
    "There is no image named {name!r} in this file.": "In dieser Datei gibt es kein Bild namens {name!r}.",
    "The image {image!r} has no pixels.": "Das Bild {image!r} hat keine Pixel.",
    "The picture is {width} x {height} pixels; the longest side may be {longest}.":
        "Das Bild hat {width} x {height} Pixel; die längste Seite darf {longest} haben.",
    "Nothing was rendered yet; render first.": "Es wurde noch nichts gerendert; zuerst rendern.",
    "No object is active; select one, or choose an image.":
        "Kein Objekt ist aktiv; eines auswählen oder ein Bild wählen.",
    "The object {object!r} has no material; give it one, or choose an image.":
        "Das Objekt {object!r} hat kein Material; ihm eines geben oder ein Bild wählen.",
    "The material {material!r} has no image; select its Image Texture node, or choose an image.":
        "Das Material {material!r} hat kein Bild; dessen Bildtextur-Knoten auswählen oder ein Bild wählen.",
    "The file {path} of the image {image!r} {fault}.": "Die Datei {path} des Bildes {image!r} {fault}.",
    "{path} {fault}.": "{path} {fault}.",
    "is missing": "fehlt",
    "cannot be opened: {reason}": "kann nicht geöffnet werden: {reason}",
    "No map is chosen; choose at least one under Maps.":
        "Keine Map ist gewählt; unter Maps mindestens eine wählen.",
    "There is not enough memory for this picture; use a smaller one, or close other programs.":
        "Für dieses Bild reicht der Speicher nicht; ein kleineres nehmen oder andere Programme schließen.",
    "Cancelled.": "Abgebrochen.",
    "The worker was stopped.": "Der Worker wurde beendet.",
    "The worker closed its pipe before it answered; try again.":
        "Der Worker hat seine Verbindung geschlossen, bevor er geantwortet hat; noch einmal versuchen.",
    "The worker was killed by signal {signal} before it answered; try again.":
        "Der Worker wurde durch Signal {signal} beendet, bevor er geantwortet hat; noch einmal versuchen.",
    "It failed ({error}: {reason}); the console has the details.":
        "Fehlgeschlagen ({error}: {reason}); Genaueres steht in der Konsole.",
}

MIDAS = {
    "MiDaS is not installed.": "MiDaS ist nicht installiert.",
    "MiDaS is installed.": "MiDaS ist installiert.",
    "MiDaS is installed in {folder} (Python {version}).": "MiDaS ist in {folder} installiert (Python {version}).",
    "MiDaS is removed.": "MiDaS ist entfernt.",
    "Press Install in the extension's preferences, or choose the engine relief or luminance.":
        "In den Einstellungen der Erweiterung Installieren drücken oder die Engine Relief oder Leuchtdichte wählen.",
    "MiDaS's weights {file} are not in {folder}; download them, or choose the folder that has them ({chosen}).":
        "Die Gewichte {file} von MiDaS sind nicht in {folder}; sie herunterladen oder den Ordner wählen, in dem sie sind "
        "({chosen}).",
    "in Blender in the preferences, on the command line with --weights":
        "in Blender in den Einstellungen, auf der Kommandozeile mit --weights",
    "The installation was cancelled; installing again goes on from here.":
        "Die Installation wurde abgebrochen; erneutes Installieren macht hier weiter.",
    "The download was cancelled; downloading again goes on from here.":
        "Der Download wurde abgebrochen; erneutes Herunterladen macht hier weiter.",
    "The setup is busy; wait for it or cancel it.": "Die Einrichtung läuft noch; abwarten oder abbrechen.",
    "Checking the free space": "Freien Speicherplatz prüfen",
    "{free:.0f} GB are free.": "{free:.0f} GB sind frei.",
    "Making the Python environment": "Python-Umgebung einrichten",
    "Checking that the packages work together": "Zusammenspiel der Pakete prüfen",
    "Finishing": "Abschließen",
    "Removing the MiDaS environment": "MiDaS-Umgebung entfernen",
    "From {source}": "Von {source}",
    "It is there already.": "Es ist schon da.",
    "All is there.": "Alles ist da.",
    "The device {device} failed, so the network ran on the CPU.":
        "Das Gerät {device} ist ausgefallen, also lief das Netzwerk auf der CPU.",
    "The device {device} cannot be used ({problem}).": "Das Gerät {device} ist nicht benutzbar ({problem}).",
}

MESSAGES = {**REPORTS, **WIRING, **ERRORS, **MIDAS}
