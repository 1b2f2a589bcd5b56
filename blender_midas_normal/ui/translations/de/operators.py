"""Operators, the queue and progress: labels, tooltips, and why an operator cannot run."""

from __future__ import annotations

OPERATORS = {
    "Generate Normal Map": "Normalmap erzeugen",
    "Generate Many Normal Maps": "Viele Normalmaps erzeugen",
    "All Images of the Selected Objects": "Alle Bilder der ausgewählten Objekte",
    "All Materials of This File": "Alle Materialien dieser Datei",
    "Normal Map from Bump": "Normalmap aus Bump",
    "Normal Map Instead of Bump": "Normalmap statt Bump",
    "Height from Lengths": "Höhe aus Längen",
    "Normal Map from This Image": "Normalmap aus diesem Bild",
    "Normal Map from Render": "Normalmap aus dem Rendern",
    "Normal Map": "Normalmap",
    "Adjust Normal Map": "Normalmap nachstellen",
    "Cancel": "Abbrechen",
    "Set Up MiDaS": "MiDaS einrichten",
    "Stop the Worker": "Worker beenden",
    "Compare Image and Map": "Bild und Map vergleichen",
    "Normal Map Preset": "Normalmap-Voreinstellung",
    "Choose Normal Map Preset": "Normalmap-Voreinstellung wählen",
    "Add Normal Map Preset": "Normalmap-Voreinstellung hinzufügen",
    "Reset to Defaults": "Auf Vorgaben zurücksetzen",
    "Restart Worker": "Worker neu starten",
    "Copy Report": "Bericht kopieren",
    "Show Log": "Protokoll anzeigen",
    "Install MiDaS Environment": "MiDaS-Umgebung installieren",
    "Download Weights": "Gewichte herunterladen",
    "Resume Installing": "Installation fortsetzen",
    "Install Again": "Erneut installieren",
    "Repair": "Reparieren",
    "Remove MiDaS Environment": "MiDaS-Umgebung entfernen",
    "Check This Computer": "Diesen Computer prüfen",
    "Copy Check Report": "Prüfbericht kopieren",
    "Rectify Photo": "Foto entzerren",
    "Rectify by Corners": "Nach Ecken entzerren",
    "Rectify by Its Lines": "Nach seinen Linien entzerren",
    "Packages": "Pakete",
    "Network Weights": "Netzwerkgewichte",
}

WHAT_OPERATORS_DO = {
    "Make maps from the image and wire them into its materials":
        "Maps aus dem Bild erzeugen und mit dessen Materialien verbinden",
    "Make maps of many images one after the other and wire each into the materials that use its image":
        "Maps aus vielen Bildern nacheinander erzeugen und jede mit den Materialien verbinden, die ihr Bild benutzen",
    "Make the last map again with the scene's settings, without running the engine":
        "Die letzte Map mit den Einstellungen der Szene neu erzeugen, ohne die Engine auszuführen",
    "Cancel generation, press again to stop the worker": "Das Erzeugen abbrechen, nochmals drücken beendet den Worker",
    "Show the image and its maps side by side in an Image Editor, or the image alone again":
        "Das Bild und seine Maps nebeneinander in einem Bildeditor anzeigen, oder wieder nur das Bild",
    "Set all settings of the scene to those of a preset": "Alle Einstellungen der Szene auf die einer Voreinstellung setzen",
    "Set the scene's settings to those of a preset": "Die Einstellungen der Szene auf die einer Voreinstellung setzen",
    "Add or remove a preset of normal map settings": "Normalmap-Voreinstellung hinzufügen oder entfernen",
    "Set everything in the panel back to its default": "Alles im Bedienfeld auf die Vorgabe zurücksetzen",
    "Stop the worker. The next map starts a new one": "Den Worker beenden. Die nächste Map startet einen neuen",
    "Copy versions, system and the worker's last messages for a bug report. Your user name is left out":
        "Versionen, System und letzte Meldungen des Workers für eine Problemmeldung kopieren. Der Benutzername wird "
        "ausgelassen",
    "Open the worker's log in the program for text files": "Das Protokoll des Workers im Programm für Textdateien öffnen",
    "Install the Python environment that MiDaS runs in. An interrupted installation is resumed":
        "Die Python-Umgebung installieren, in der MiDaS läuft. Eine unterbrochene Installation wird fortgesetzt",
    "Remove the MiDaS environment from this computer. Downloaded weights are kept":
        "Die MiDaS-Umgebung von diesem Computer entfernen. Heruntergeladene Gewichte bleiben",
    "Open the extension's preferences, where MiDaS is installed":
        "Die Einstellungen der Erweiterung öffnen, wo MiDaS installiert wird",
    "Measure the results and the speed of networks and maps on this computer":
        "Ergebnisse und Geschwindigkeit von Netzwerken und Maps auf diesem Computer messen",
    "Copy versions, system and the table of the check. Your user name is left out":
        "Versionen, System und die Tabelle der Prüfung kopieren. Der Benutzername wird ausgelassen",
    "Cancel the installation, download or check. What was downloaded is kept for the next time":
        "Installation, Download oder Prüfung abbrechen. Was heruntergeladen ist, bleibt für das nächste Mal",
}

REASONS_AND_REPORTS = {
    "A map is being made, wait for it or cancel it": "Eine Map wird gerade erzeugt, abwarten oder abbrechen",
    "No map was made yet, generate one first": "Es wurde noch keine Map erzeugt, zuerst eine erzeugen",
    "No map is being made": "Es wird keine Map erzeugt",
    "There is no map of an image yet, generate or choose one":
        "Es gibt noch keine Map eines Bildes, eine erzeugen oder wählen",
    "The worker starts with the first map": "Der Worker startet mit der ersten Map",
    "The worker is starting": "Der Worker startet",
    "Ready on {device}, {free:.1f} GB of memory free": "Bereit auf {device}, {free:.1f} GB Speicher frei",
    "The worker has not written a log yet": "Der Worker hat noch kein Protokoll geschrieben",
    "The report is in the clipboard.": "Der Bericht ist in der Zwischenablage.",
    "The setup is busy, wait for it or cancel it": "Die Einrichtung läuft noch, abwarten oder abbrechen",
    "Blender is offline, turn on Preferences > System > Network > Allow Online Access":
        "Blender ist offline, Benutzereinstellungen > System > Network > Allow Online Access einschalten",
    "Nothing is installed": "Es ist nichts installiert",
    "Nothing is running that can be cancelled": "Es läuft nichts, was sich abbrechen lässt",
    "MiDaS is not ready, install or repair it first": "MiDaS ist nicht bereit, zuerst installieren oder reparieren",
    "There is no room for an Image Editor in this window; turn an area into one.":
        "In diesem Fenster ist kein Platz für einen Bildeditor; einen Bereich in einen umwandeln.",
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
    "Colour textures of the selected objects' materials": "Farbtexturen der Materialien der ausgewählten Objekte",
    "File": "Datei",
    "Colour textures of all materials of this file": "Farbtexturen aller Materialien dieser Datei",
    "Existing Maps": "Vorhandene Maps",
    "What happens to existing maps of many images": "Was mit vorhandenen Maps vieler Bilder geschieht",
    "Overwrite": "Überschreiben",
    "Existing maps are made again": "Vorhandene Maps werden neu erzeugt",
    "Skip": "Überspringen",
    "Maps made from the same pixels with the same settings are kept as they are":
        "Maps aus denselben Pixeln mit denselben Einstellungen bleiben, wie sie sind",
    "Summary": "Zusammenfassung",
    "File for the table of results, a .txt, .json or .csv file":
        "Datei für die Tabelle der Ergebnisse, eine .txt-, .json- oder .csv-Datei",
    "{done} of {of} pictures": "{done} von {of} Bildern",
    "and {more} more": "und {more} weitere",
    "{made} made, {skipped} skipped, {failed} failed": "{made} erzeugt, {skipped} übersprungen, {failed} fehlgeschlagen",
    "Being made": "Wird erzeugt",
    "Failed": "Fehlgeschlagen",
    "Waiting": "Wartet",
    "Made": "Erzeugt",
    "Skipped": "Übersprungen",
}
