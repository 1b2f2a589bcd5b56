"""Operators, the queue and progress: labels, tooltips, and why an operator cannot run."""

from __future__ import annotations

OPERATORS = {
    "Generate Normal Map": "Normalmap erzeugen",
    "Generate Many Normal Maps": "Viele Normalmaps erzeugen",
    "All Images of the Selected Objects": "Alle Bilder der ausgewählten Objekte",
    "All Materials of this File": "Alle Materialien dieser Datei",
    "Normal Map from Bump": "Normalmap aus Bump",
    "Normal Map instead of Bump": "Normalmap statt Bump",
    "Height from Lengths": "Höhe aus Längen",
    "Normal Map from this Image": "Normalmap aus diesem Bild",
    "Normal Map from Render": "Normalmap aus dem Rendern",
    "Normal map": "Normalmap",
    "Re-tune Normal Map": "Normalmap nachstellen",
    "Cancel": "Abbrechen",
    "Set Up MiDaS": "MiDaS einrichten",
    "Stop the Worker": "Worker beenden",
    "Compare Picture and Map": "Bild und Map vergleichen",
    "Normal Map Preset": "Normalmap-Voreinstellung",
    "Choose Normal Map Preset": "Normalmap-Voreinstellung wählen",
    "Add Normal Map Preset": "Normalmap-Voreinstellung hinzufügen",
    "Reset to Defaults": "Auf Vorgaben zurücksetzen",
    "Restart Worker": "Worker neu starten",
    "Copy Report": "Bericht kopieren",
    "Show Log": "Protokoll anzeigen",
    "Install MiDaS Environment": "MiDaS-Umgebung installieren",
    "Install": "Installieren",
    "Download Weights": "Gewichte herunterladen",
    "Resume installing": "Installation fortsetzen",
    "Install again": "Erneut installieren",
    "Repair": "Reparieren",
    "Remove MiDaS Environment": "MiDaS-Umgebung entfernen",
    "Check This Computer": "Diesen Computer prüfen",
    "Copy Check Report": "Prüfbericht kopieren",
    "Rectify Photo": "Foto entzerren",
    "Rectify by Corners": "Nach Ecken entzerren",
    "Rectify by Its Lines": "Nach seinen Linien entzerren",
}

WHAT_OPERATORS_DO = {
    "Make a normal map from the picture and wire it into its materials":
        "Eine Normalmap aus dem Bild erzeugen und mit dessen Materialien verbinden",
    "Make normal maps of many images, one after the other, and wire each into the materials that use the image":
        "Normalmaps aus vielen Bildern erzeugen, eine nach der anderen, und jede mit den Materialien des Bildes verbinden",
    "Make the last map again with the settings of the scene, without running the engine":
        "Die letzte Map mit den Einstellungen der Szene neu erzeugen, ohne die Engine auszuführen",
    "Give up the normal map that is being made; once more ends the worker":
        "Die Normalmap aufgeben, die gerade erzeugt wird; nochmals beendet den Worker",
    "Show the picture and its map side by side in this Image Editor, or the picture alone again":
        "Das Bild und seine Map nebeneinander in diesem Bildeditor anzeigen oder wieder nur das Bild",
    "Set all settings of the scene to those of a preset":
        "Alle Einstellungen der Szene auf die einer Voreinstellung setzen",
    "Set the scene's settings to those of a preset": "Die Einstellungen der Szene auf die einer Voreinstellung setzen",
    "Add or remove a preset of normal map settings": "Normalmap-Voreinstellung hinzufügen oder entfernen",
    "Set everything in the panel back to its default": "Alles im Bedienfeld auf die Vorgabe zurücksetzen",
    "End the worker; the next normal map starts a new one": "Den Worker beenden; die nächste Normalmap startet einen neuen",
    "Copy versions, system and the worker's last messages, which a report of a problem needs; your user name is left out":
        "Versionen, System und letzte Meldungen des Workers kopieren, die eine Problemmeldung braucht; "
        "der Benutzername wird ausgelassen",
    "Open the worker's log in the program that opens text files":
        "Das Protokoll des Workers im Programm für Textdateien öffnen",
    "Make the Python environment that MiDaS runs in; an interrupted installation is resumed":
        "Die Python-Umgebung einrichten, in der MiDaS läuft; eine unterbrochene Installation wird fortgesetzt",
    "Remove the MiDaS environment from this computer; the weights stay":
        "Die MiDaS-Umgebung von diesem Computer entfernen; die Gewichte bleiben",
    "Open the extension's preferences, where the MiDaS environment is installed":
        "Die Einstellungen der Erweiterung öffnen, wo die MiDaS-Umgebung installiert wird",
    "Measure what the networks and the maps compute on this computer, and how fast, in the MiDaS environment":
        "In der MiDaS-Umgebung messen, was die Netzwerke und die Maps auf diesem Computer berechnen und wie schnell",
    "Copy versions, system and the table of the check; your user name is left out":
        "Versionen, System und die Tabelle der Prüfung kopieren; der Benutzername wird ausgelassen",
    "Give up what is being installed, downloaded or checked; what was downloaded is kept for the next time":
        "Abbrechen, was installiert, heruntergeladen oder geprüft wird; was heruntergeladen ist, bleibt für das nächste Mal",
}

REASONS_AND_REPORTS = {
    "A normal map is being made; wait for it or cancel it": "Eine Normalmap wird gerade erzeugt; abwarten oder abbrechen",
    "Generate a normal map first": "Zuerst eine Normalmap erzeugen",
    "No normal map is being made": "Es wird keine Normalmap erzeugt",
    "Maps are compared in an Image Editor.": "Maps werden in einem Bildeditor verglichen.",
    "There is no map of a picture yet; generate one or pick one.": "Es gibt noch keine Map; eine erzeugen oder auswählen.",
    "The worker starts with the first map": "Der Worker startet mit der ersten Map",
    "The worker is starting": "Der Worker startet",
    "Ready on {device}, {free:.1f} GB of memory free": "Bereit auf {device}, {free:.1f} GB Speicher frei",
    "No worker has written a log yet.": "Noch kein Worker hat ein Protokoll geschrieben.",
    "The report is in the clipboard.": "Der Bericht ist in der Zwischenablage.",
    "The setup is busy": "Die Einrichtung läuft noch",
    "Blender is offline; see Preferences > System > Network > Allow Online Access":
        "Blender ist offline; siehe Benutzereinstellungen > System > Network > Allow Online Access",
    "Nothing is installed": "Es ist nichts installiert",
}

PROGRESS = {
    "{stage}, {seconds:.1f} s": "{stage}, {seconds:.1f} s",
    "{number} of {of}: {progress}": "{number} von {of}: {progress}",
    "Normal map: {progress}": "Normalmap: {progress}",
    "Starting the worker": "Worker starten",
    "Reading the picture": "Bild lesen",
    "Loading the network": "Netzwerk laden",
    "Running the network": "Netzwerk ausführen",
    "Building the heights": "Höhen aufbauen",
    "Measuring the brightness": "Helligkeit messen",
    "Making the map": "Map erzeugen",
    "Writing the map": "Map schreiben",
    "Waiting until {operator} has ended": "Wartet auf das Ende von: {operator}",
    "Stopping": "Wird beendet",
}

QUEUE = {
    "Normal Maps of Many Images": "Normalmaps aus vielen Bildern",
    "Scope": "Umfang",
    "Images that maps are made of": "Bilder, aus denen Maps erzeugt werden",
    "Selection": "Auswahl",
    "The colour textures of the selected objects' materials": "Die Farbtexturen der Materialien der ausgewählten Objekte",
    "File": "Datei",
    "The colour textures of all materials of this file": "Die Farbtexturen aller Materialien dieser Datei",
    "Existing": "Vorhandene",
    "What to do with maps of many images that are there": "Was mit Maps vieler Bilder geschieht, die schon da sind",
    "Overwrite": "Überschreiben",
    "Maps that are there are made again": "Maps, die schon da sind, werden neu erzeugt",
    "Skip": "Überspringen",
    "Maps that were made from the same pixels with the same settings stay as they are":
        "Maps, die aus denselben Pixeln mit denselben Einstellungen erzeugt wurden, bleiben, wie sie sind",
    "Summary": "Zusammenfassung",
    "File for the table of what was made: .txt, .json or .csv":
        "Datei für die Tabelle dessen, was erzeugt wurde: .txt, .json oder .csv",
    "{done} of {of} pictures": "{done} von {of} Bildern",
    "and {more} more": "und {more} weitere",
    "{made} made, {skipped} skipped, {failed} failed":
        "{made} erzeugt, {skipped} übersprungen, {failed} fehlgeschlagen",
    "Being made": "Wird erzeugt",
    "Failed": "Fehlgeschlagen",
    "Waiting": "Wartet",
    "Made": "Erzeugt",
    "Skipped": "Übersprungen",
}
