"""German, in the vocabulary of Blender's own German interface; by context, the English text and the German one.

Of messages (reports, reasons and errors) some are translated, by the template; the others stay English.
"""

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

PANEL = {
    "MiDaS Normal": "MiDaS Normal",
    "MiDaS Normal Map": "MiDaS Normal Map",
    "Presets": "Voreinstellungen",
    "Normal Map Presets": "Normalmap-Voreinstellungen",
    "Camera-space: honest only for a plane seen head-on":
        "Kameraraum: stimmt nur für eine Fläche, die frontal zu sehen ist",
    "Its surface is no longer in memory; generate it again to tune it":
        "Ihre Oberfläche ist nicht mehr im Speicher; zum Nachstellen neu erzeugen",
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

PLACES = {
    "Source": "Quelle",
    "Picture that the map is made from": "Bild, aus dem die Map erzeugt wird",
    "Active Image": "Aktives Bild",
    "The image in the Image Editor, else the active Image Texture node, else the one on Base Color of the active material":
        "Das Bild im Bildeditor, sonst das des aktiven Bildtextur-Knotens, sonst das an Grundfarbe des aktiven Materials",
    "Image": "Bild",
    "An image chosen by name": "Ein Bild, nach Namen gewählt",
    "Name of the picture, for the source Image": "Name des Bildes, für die Quelle Bild",
    "Render Result": "Render-Resultat",
    "The last render, as it is shown; honest only for a plane seen head-on":
        "Das letzte Render-Resultat, wie angezeigt; stimmt nur für eine Fläche, die frontal zu sehen ist",
    "Viewer": "Betrachter",
    "The compositor's Viewer image; only in a window": "Das Betrachter-Bild des Compositings; nur in einem Fenster",
    "Material Target": "Ziel",
    "Materials that the map is wired into": "Materialien, mit denen die Map verbunden wird",
    "The materials that use the picture, else the active object's active material":
        "Die Materialien, die das Bild benutzen, sonst das aktive Material des aktiven Objekts",
    "Active Material": "Aktives Material",
    "The active object's active material": "Das aktive Material des aktiven Objekts",
    "Image Only": "Nur Bild",
    "The map is made and wired nowhere": "Die Map wird erzeugt und nirgends verbunden",
    "Maps": "Maps",
    "Maps to make from the picture": "Maps, die aus dem Bild erzeugt werden",
    "Normal": "Normalen",
    "Directions of the surface, for the Normal input of shaders":
        "Richtungen der Oberfläche, für den Normalen-Eingang von Shadern",
    "Height": "Höhe",
    "Heights about a middle of 0.5, for displacement": "Höhen um eine Mitte von 0,5, für Displacement",
    "Ambient Occlusion": "Ambient Occlusion",
    "Share of its light that the sky sends: dark in grooves": "Anteil des Himmelslichts, der ankommt: dunkel in Rillen",
    "Curvature": "Krümmung",
    "Bright where the surface bulges like an edge, dark where it is hollow":
        "Hell, wo sich die Oberfläche wie eine Kante wölbt, dunkel, wo sie hohl ist",
    "Replace": "Ersetzen",
    "Take the place of another map that feeds the shader's Normal input, and of a map that was changed after it was made":
        "Eine andere Map ablösen, die am Eingang Normal des Shaders hängt, und eine, die seit dem Erzeugen geändert wurde",
    "Storage": "Speicher",
    "Where the map is kept": "Wo die Map aufbewahrt wird",
    "In the File": "In der Datei",
    "Packed into the .blend file": "In die .blend-Datei gepackt",
    "Beside the Picture": "Neben dem Bild",
    "A PNG file beside the picture's file": "Eine PNG-Datei neben der Datei des Bildes",
    "Animation": "Animation",
    "For the source Render result: the frames of the scene's range, from the files that were rendered to its output":
        "Für die Quelle Render-Resultat: die Bilder des Bildbereichs der Szene, aus den Dateien, die an deren Ausgabe "
        "gerendert wurden",
    "Across Tiles": "Über Kacheln hinweg",
    "See each UDIM tile with a margin of its neighbours, so that the relief goes on across the borders that they share":
        "Jede UDIM-Kachel mit einem Rand ihrer Nachbarn sehen, sodass sich das Relief über gemeinsame Grenzen fortsetzt",
    "Smoothing over Time": "Zeitliche Glättung",
    "Frames on either side over which the maps of sequences and movies are averaged, so that they flicker less; "
    "0 leaves each frame as it is":
        "Bilder davor und danach, über die die Maps von Sequenzen und Filmen gemittelt werden, damit sie weniger flimmern; "
        "0 lässt jedes Bild, wie es ist",
    "Map": "Map",
    "Map that follows these settings: the one made last, or another one":
        "Map, die diesen Einstellungen folgt: die zuletzt erzeugte oder eine andere",
    "Live Paint": "Live-Malen",
    "Painting on a picture changes its map when the brush is lifted":
        "Malen auf einem Bild ändert dessen Map, wenn der Pinsel absetzt",
    "Preset": "Voreinstellung",
    "Settings to take": "Einstellungen, die übernommen werden",
    "Settings to start from instead of the scene's": "Einstellungen, die statt denen der Szene gelten",
    "Scene": "Szene",
    "The scene's settings": "Die Einstellungen der Szene",
    "Material": "Material",
    "Map for a material: the picture's size, wired, the look independent of resolution":
        "Map für ein Material: in der Größe des Bildes, verbunden, das Aussehen unabhängig von der Auflösung",
    "MiDaS Node": "MiDaS-Knoten",
    "The picture that the ComfyUI node \"MiDaS Normal Map\" gives, value for value":
        "Das Bild, das der ComfyUI-Knoten „MiDaS Normal Map“ ausgibt, Wert für Wert",
}

SETTINGS = {
    "Automatic": "Automatisch",
    "Engine": "Engine",
    "What turns the picture into a surface": "Was aus dem Bild eine Oberfläche macht",
    "MiDaS when its environment and weights are there, otherwise the best built-in engine":
        "MiDaS, wenn dessen Umgebung und Gewichte da sind, sonst die beste eingebaute Engine",
    "MiDaS": "MiDaS",
    "Depth estimated by the MiDaS network (DPT-Hybrid), on the GPU where there is one":
        "Tiefe, vom MiDaS-Netzwerk (DPT-Hybrid) geschätzt, auf der GPU, wenn es eine gibt",
    "Relief": "Relief",
    "Built-in network for photos of materials: heights from shading, always available":
        "Eingebautes Netzwerk für Fotos von Materialien: Höhen aus der Schattierung, immer verfügbar",
    "Luminance": "Leuchtdichte",
    "Brightness as height: instant, always available": "Helligkeit als Höhe: sofort und immer verfügbar",
    "Strength": "Stärke",
    "Factor on the slopes of the map: 1 is neutral, 0 is flat (0 to 10)":
        "Faktor für die Steigungen der Map: 1 ist neutral, 0 ist flach (0 bis 10)",
    "Flatness": "Ebenheit",
    "Flatness of the map as in the MiDaS node: larger is flatter, 2π is neutral (0 to 15.708)":
        "Ebenheit der Map wie im MiDaS-Knoten: größer ist ebener, 2π ist neutral (0 bis 15.708)",
    "Background Threshold": "Hintergrund",
    "Height below which the map is flat, as a share of the height range (0 to 1)":
        "Höhe, unter der die Map flach ist, als Anteil des Höhenbereichs (0 bis 1)",
    "Falloff": "Abfall",
    "Share of the height range over which the background fades in; 0 ends it with a step (0 to 1)":
        "Anteil des Höhenbereichs, über den der Hintergrund einsetzt; 0 beendet ihn mit einer Stufe (0 bis 1)",
    "Blur": "Weichzeichnen",
    "Radius over which the surface is smoothed, in pixels of the picture (0 to 64 pixels)":
        "Radius, über den die Oberfläche geglättet wird, in Pixeln des Bildes (0 bis 64 Pixel)",
    "Mix In": "Beimischen",
    "Engine whose fine relief replaces the engine's own":
        "Engine, deren feines Relief das der eigentlichen Engine ersetzt",
    "Nothing": "Nichts",
    "The engine's own fine relief": "Das feine Relief der Engine selbst",
    "Fine relief by the built-in network, over the engine's large shapes":
        "Feines Relief vom eingebauten Netz, über den großen Formen der Engine",
    "Fine relief by brightness, over the engine's large shapes":
        "Feines Relief nach Helligkeit, über den großen Formen der Engine",
    "Crossover": "Übergang",
    "Radius that parts large shapes from the fine relief that is mixed in, in pixels of the picture (1 to 1024 pixels)":
        "Radius, der große Formen vom beigemischten feinen Relief trennt, in Pixeln des Bildes (1 bis 1024 Pixel)",
    "Mix Amount": "Beimischung",
    "Factor on the fine relief that is mixed in (0 to 10)": "Faktor für das beigemischte feine Relief (0 bis 10)",
    "Mask": "Maske",
    "Where the map is flat": "Wo die Map flach ist",
    "Alpha": "Alpha",
    "Where the picture is transparent, as far as it is": "Wo das Bild durchsichtig ist, und so weit es das ist",
    "Alpha and Image": "Alpha und Bild",
    "Where the picture is transparent, and where another image is black, as far as they are":
        "Wo das Bild durchsichtig und wo ein anderes Bild schwarz ist, und so weit sie es sind",
    "Mask Image": "Maskenbild",
    "Image that masks the map: flat where it is black or transparent":
        "Bild, das die Map maskiert: flach, wo es schwarz oder durchsichtig ist",
    "Name of the image that masks the map": "Name des Bildes, das die Map maskiert",
    "None": "Keine",
    "Nowhere: transparent parts continue their surroundings":
        "Nirgends: durchsichtige Teile setzen ihre Umgebung fort",
    "Islands": "Inseln",
    "UV islands of a texture, each of which is mapped without what lies around it":
        "UV-Inseln einer Textur, deren jede ohne das abgebildet wird, was um sie liegt",
    "Where the picture has nothing between them: one colour, or transparency":
        "Wo das Bild nichts zwischen ihnen zeigt: eine Farbe, oder Durchsichtigkeit",
    "Islands of the mesh whatever lies between them, else what the colour at the picture's border surrounds":
        "Die Inseln des Meshs, was auch zwischen ihnen liegt, sonst was die Farbe am Rand des Bildes umgibt",
    "The picture is mapped as a whole": "Das Bild wird als Ganzes abgebildet",
    "Detail": "Detail",
    "Factor on the fine relief alone: 1 is neutral, 0 leaves the large shapes (0 to 10)":
        "Faktor nur für das feine Relief: 1 ist neutral, 0 lässt die großen Formen (0 bis 10)",
    "High-Pass": "Hochpass",
    "Radius beyond which shapes are removed, in pixels of the picture; 0 keeps all (0 to 4096 pixels)":
        "Radius, über dem Formen entfernt werden, in Pixeln des Bildes; 0 behält alle (0 bis 4096 Pixel)",
    "Invert": "Invertieren",
    "Turn bumps into dents and dents into bumps": "Aus Beulen Dellen machen und aus Dellen Beulen",
    "Tileable": "Kachelbar",
    "Directions in which the picture repeats without a seam": "Richtungen, in denen sich das Bild nahtlos wiederholt",
    "Measured on the picture, for each direction; off for renders":
        "Am Bild gemessen, für jede Richtung; bei Render-Resultaten aus",
    "Off": "Aus",
    "On": "An",
    "The picture does not repeat": "Das Bild wiederholt sich nicht",
    "X": "X",
    "Repeats from left to right": "Wiederholt sich von links nach rechts",
    "Y": "Y",
    "Repeats from bottom to top": "Wiederholt sich von unten nach oben",
    "Both": "Beides",
    "Repeats in both directions": "Wiederholt sich in beiden Richtungen",
    "Convention": "Konvention",
    "Meaning of the map's red, green and blue": "Bedeutung von Rot, Grün und Blau der Map",
    "OpenGL": "OpenGL",
    "Red to the right, green up: what Blender expects": "Rot nach rechts, Grün nach oben: was Blender erwartet",
    "DirectX": "DirectX",
    "Red to the right, green down": "Rot nach rechts, Grün nach unten",
    "Object Space": "Objektraum",
    "Red along X, green along Y, blue along Z of an object whose surface is its XY plane":
        "Rot entlang X, Grün entlang Y, Blau entlang Z eines Objekts, dessen Oberfläche seine XY-Ebene ist",
    "ControlNet": "ControlNet",
    "The MiDaS node's own colours (z, y, x); made and shown, never wired":
        "Die eigenen Farben des MiDaS-Knotens (z, y, x); erzeugt und angezeigt, nie verbunden",
    "Resolution": "Auflösung",
    "Depth Scale": "Tiefenskala",
    "How depth becomes slope": "Wie aus Tiefe Steigung wird",
    "Normalised": "Normalisiert",
    "The look does not depend on resolution, network or depth range":
        "Das Aussehen hängt nicht von Auflösung, Netzwerk oder Tiefenbereich ab",
    "Raw": "Raw",
    "The MiDaS node's own arithmetic; MiDaS only": "Die Rechnung des MiDaS-Knotens selbst; nur MiDaS",
    "Depth Upscaling": "Vergrößerung",
    "Smooth": "Weich",
    "By splines: edges are as wide as the network saw them": "Mit Splines: Kanten sind so breit, wie das Netzwerk sie sah",
    "Along Edges": "An Kanten",
    "Edges of the depth lie on edges of the picture, where the picture explains them":
        "Kanten der Tiefe liegen auf Kanten des Bildes, wo das Bild sie erklärt",
    "Size": "Größe",
    "Size of the map": "Größe der Map",
    "Exactly the size of the picture": "Genau die Größe des Bildes",
    "Node": "Knoten",
    "The MiDaS node's size: shortest side at the resolution, sides rounded to multiples of 64":
        "Die Größe des MiDaS-Knotens: kürzeste Seite wie die Auflösung, Seiten auf Vielfache von 64 gerundet",
    "Device": "Gerät",
    "Processor that runs the network": "Prozessor, auf dem das Netzwerk läuft",
    "The first of CUDA or ROCm, Metal, XPU and CPU that works":
        "Das erste von CUDA oder ROCm, Metal, XPU und CPU, das funktioniert",
    "CUDA or ROCm": "CUDA oder ROCm",
    "NVIDIA or AMD graphics card": "Grafikkarte von NVIDIA oder AMD",
    "Apple Metal": "Apple Metal",
    "Apple graphics processor": "Grafikprozessor von Apple",
    "XPU": "XPU",
    "Intel graphics card": "Grafikkarte von Intel",
    "CPU": "CPU",
    "Main processor": "Hauptprozessor",
    "Quality": "Qualität",
    "How thoroughly the built-in network looks at the picture; Relief only":
        "Wie gründlich das eingebaute Netzwerk das Bild ansieht; nur Relief",
    "Quick": "Schnell",
    "The picture at several sizes, once each": "Das Bild in mehreren Größen, jede einmal",
    "Best": "Beste",
    "The mean of eight orientations, at each size: nearer to the truth, takes eight times as long":
        "Der Mittelwert aus acht Lagen, in jeder Größe: näher an der Wahrheit, dauert achtmal so lang",
    "Precision": "Genauigkeit",
    "Half precision where the processor is faster with it; RAW is always float32":
        "Halbe Genauigkeit, wo der Prozessor damit schneller ist; RAW ist immer float32",
    "Float32": "Float32",
    "32 bits everywhere": "Überall 32 Bit",
}

PREFERENCES = {
    "MiDaS environment": "MiDaS-Umgebung",
    "Environment Folder": "Ordner der Umgebung",
    "Folder of the MiDaS environment, 1 to 5 GB; may be shared between Blender versions. Empty: the extension's own folder":
        "Ordner der MiDaS-Umgebung, 1 bis 5 GB; mehrere Blender-Versionen können ihn teilen. "
        "Leer: der eigene Ordner der Erweiterung",
    "Python": "Python",
    "Python 3.10 to 3.13 from which the MiDaS environment is made. Empty: one found on this computer, else Blender's own":
        "Python 3.10 bis 3.13, mit dem die MiDaS-Umgebung eingerichtet wird. "
        "Leer: eines, das auf diesem Computer gefunden wird, sonst das von Blender",
    "Torch Build": "Torch-Variante",
    "Which build of torch is installed": "Welche Variante von Torch installiert wird",
    "The build of torch that fits this computer's graphics card and driver":
        "Die Torch-Variante, die zu Grafikkarte und Treiber dieses Computers passt",
    "The smallest build; runs on the processor only": "Die kleinste Variante; läuft nur auf dem Prozessor",
    "CUDA 12.6": "CUDA 12.6",
    "For NVIDIA graphics cards from GTX 900 to RTX 40, and for those with an older driver":
        "Für Grafikkarten von NVIDIA von GTX 900 bis RTX 40 und für solche mit einem älteren Treiber",
    "CUDA 13.0": "CUDA 13.0",
    "For NVIDIA graphics cards from RTX 20 and GTX 16 on, with a recent driver":
        "Für Grafikkarten von NVIDIA ab RTX 20 und GTX 16, mit einem neueren Treiber",
    "ROCm 7.2": "ROCm 7.2",
    "For AMD graphics cards, on Linux": "Für Grafikkarten von AMD, unter Linux",
    "For Intel graphics cards": "Für Grafikkarten von Intel",
    "Default": "Vorgabe",
    "The build that the Python package index gives, except for NVIDIA graphics cards that it lacks":
        "Die Variante, die der Python-Paketindex liefert, außer für Grafikkarten von NVIDIA, die ihm fehlen",
    "Base": "Basis",
    "Small": "Klein",
    "Large": "Groß",
    "Folder": "Ordner",
    "Model": "Modell",
    "Height Map": "Höhenkarte",
    "The picture is a height or depth map: its values are the heights, as they are stored":
        "Das Bild ist eine Höhen- oder Tiefenkarte: seine Werte sind die Höhen, wie sie gespeichert sind",
    "Height Scale": "Höhenmaß",
    "Height of the value 1 of a height map, as a share of the picture's shorter side (0 to 10)":
        "Höhe des Wertes 1 einer Höhenkarte, als Anteil der kürzeren Seite des Bildes (0 bis 10)",
    "Normal Map": "Normalmap",
    "The picture is a normal map, of which other maps, another convention or another look are made":
        "Das Bild ist eine Normalmap, aus der andere Karten, eine andere Konvention oder ein anderes Aussehen entstehen",
    "AO": "AO",
    "Output": "Ausgabe",
    "Shape": "Form",
    "Mask & Mix": "Maske und Beimischung",
    "Source Map": "Karte als Quelle",
    "UDIM & Sequences": "UDIM und Sequenzen",
    "Network": "Netzwerk",
    "Report": "Meldung",
    "Mix Over": "Beimischen zu",
    "Whose large shapes the mixed-in fine relief is laid over": "Über wessen große Formen das feine Relief kommt",
    "The engine's own large shapes": "Die großen Formen der Engine selbst",
    "Existing Normal Map": "Vorhandene Normalmap",
    "The normal map that the material already has, all of which is kept; the engine is not needed":
        "Die Normalmap, die das Material schon hat und die ganz erhalten bleibt; die Engine wird nicht gebraucht",
    "Depth": "Tiefe",
    "Picture's Side": "Bildseite",
    "Height of the value 1 above the value 0": "Höhe des Wertes 1 über dem Wert 0",
    "Length that the shorter side of the picture shows": "Länge, die die kürzere Bildseite zeigt",
    "Set the height scale by two lengths: how large the picture is, and how high the value 1 is":
        "Das Höhenmaß durch zwei Längen setzen: wie groß das Bild und wie hoch der Wert 1 ist",
    "Instead of the Node": "Statt des Nodes",
    "Let the map shade in place of the node, which stays in the material, unlinked":
        "Die Map an Stelle des Nodes schattieren lassen, der unverknüpft im Material bleibt",
    "Make the normal map that shades as a Bump or Displacement node of the active material does":
        "Die Normalmap erzeugen, die so schattiert wie ein Bump- oder Displacement-Node des aktiven Materials",
    "Make the normal map that shades as the node does, and let it shade in place of the node, which stays in the material, "
    "unlinked":
        "Die Normalmap erzeugen, die so schattiert wie der Node, und sie an seiner Stelle schattieren lassen; der Node "
        "bleibt unverknüpft im Material",
    "Name of a Bump or Displacement node of the active material; without one, the active node, or the only one of these":
        "Name eines Bump- oder Displacement-Nodes des aktiven Materials; ohne ihn der aktive Node oder der einzige davon",
    "Source Convention": "Konvention der Quelle",
    "Which way green points in the normal map that is the source": "Wohin Grün in der Normalmap zeigt, die die Quelle ist",
    "Green up": "Grün nach oben",
    "Green down": "Grün nach unten",
    "The way in which the map's slopes fit together as one surface; the report says which":
        "So, dass die Steigungen der Karte als eine Oberfläche zusammenpassen; der Bericht nennt, wie",
    "Model Folder": "Modellordner",
    "Besides, those for Depth Anything": "Dazu die für Depth Anything",
    "Besides, those for Depth scale Raw, the MiDaS node's own call, and for NormalBae":
        "Dazu die für Tiefenskala Raw, den eigenen Aufruf des MiDaS-Knotens, und für NormalBae",
    "Besides, those for MoGe": "Dazu die für MoGe",
    "Depth Anything": "Depth Anything",
    "MoGe": "MoGe",
    "NormalBae": "NormalBae",
    "Depth Anything V2 Base, 390 MB, CC-BY-NC-4.0; MoGe-2 ViT-B, 419 MB, MIT":
        "Depth Anything V2 Base, 390 MB, CC-BY-NC-4.0; MoGe-2 ViT-B, 419 MB, MIT",
    "Depth Anything V2 Large, 1341 MB, CC-BY-NC-4.0; MoGe-2 ViT-L, 1326 MB, MIT":
        "Depth Anything V2 Large, 1341 MB, CC-BY-NC-4.0; MoGe-2 ViT-L, 1326 MB, MIT",
    "Depth Anything V2 Small, 99 MB, Apache-2.0; MoGe-2 ViT-S, 141 MB, MIT":
        "Depth Anything V2 Small, 99 MB, Apache-2.0; MoGe-2 ViT-S, 141 MB, MIT",
    "Depth estimated by Depth Anything V2, or by a depth network of your own":
        "Tiefe, geschätzt von Depth Anything V2 oder von einem eigenen Tiefennetzwerk",
    "Download the weights of an engine; an interrupted download is resumed":
        "Die Gewichte einer Engine herunterladen; ein unterbrochener Download wird fortgesetzt",
    "Engine whose weights are downloaded": "Engine, deren Gewichte heruntergeladen werden",
    "Folder with the weights for the model Folder: for Depth Anything what transformers has saved (config.json and "
    "model.safetensors), for MoGe its model.pt":
        "Ordner mit den Gewichten für das Modell Ordner: für Depth Anything, was transformers gespeichert hat "
        "(config.json und model.safetensors), für MoGe dessen model.pt",
    "How a depth with fewer pixels than the picture is enlarged; not RAW":
        "Wie eine Tiefe mit weniger Pixeln als das Bild vergrößert wird; nicht RAW",
    "Normals estimated by ControlNet's NormalBae; its weights were trained on ScanNet, whose terms forbid commercial use":
        "Normalen, geschätzt von NormalBae aus ControlNet; seine Gewichte wurden mit ScanNet trainiert, dessen "
        "Bedingungen kommerzielle Nutzung verbieten",
    "Normals estimated by MoGe-2": "Normalen, geschätzt von MoGe-2",
    "Numbers with which the network computes": "Zahlen, mit denen das Netzwerk rechnet",
    "Shorter side of the picture that the network sees, in pixels; not Relief (64 to 16384 pixels)":
        "Kürzere Seite des Bildes, das das Netzwerk sieht, in Pixeln; nicht Relief (64 bis 16384 Pixel)",
    "Network weights": "Netzwerkgewichte",
    "Weights of the engine's network": "Gewichte des Netzwerks der Engine",
    "Weights of your own, in the model folder": "Eigene Gewichte, im Modellordner",
    "{file} from {hub} into {folder}; licence: {licence}": "{file} von {hub} nach {folder}; Lizenz: {licence}",
    "{file} from {hub}, or else from {release}, into {folder}; licence: {licence}":
        "{file} von {hub}, sonst von {release}, nach {folder}; Lizenz: {licence}",
    "{network}'s weights {file} are not in {folder}; download them, or choose the folder that has them ({chosen}).":
        "Die Gewichte {file} von {network} sind nicht in {folder}; laden Sie sie herunter oder wählen Sie den Ordner, "
        "der sie hat ({chosen}).",
    "The packages for {engine} are not installed; its button in the extension's preferences installs them, and outside "
    "Blender midas-normal --engine {option}.":
        "Die Pakete für {engine} sind nicht installiert; das tut ihr Knopf in den Einstellungen der Erweiterung, außerhalb "
        "von Blender midas-normal --engine {option}.",
    "Packages of other engines": "Pakete anderer Engines",
    "Download the weights of": "Gewichte herunterladen von",
    "The picture as a whole leans by {lean:.0f} degrees, which was taken out of its normals.":
        "Das Bild als Ganzes neigt sich um {lean:.0f} Grad, was aus seinen Normalen entfernt wurde.",
    "No model folder is chosen; choose the folder that has the weights, or another model.":
        "Es ist kein Modellordner gewählt; wählen Sie den Ordner, der die Gewichte hat, oder ein anderes Modell.",
    "The weights are {file}.": "Die Gewichte sind {file}.",
    "Weights Folder": "Ordner der Gewichte",
    "Download takes them from {hub}, or else from {release}.":
        "Heruntergeladen werden sie von {hub}, sonst von {release}.",
    "Folder with the networks' weights, which may be one that you have already. Empty: the extension's own folder":
        "Ordner mit den Gewichten der Netzwerke, auch ein schon vorhandener. Leer: der eigene Ordner der Erweiterung",
    "Worker": "Worker",
    "Processor that runs MiDaS where the settings say Automatic":
        "Prozessor, auf dem MiDaS läuft, wenn die Einstellungen Automatisch sagen",
    "Idle Time (minutes)": "Leerlaufzeit (Minuten)",
    "Time without a request after which the worker frees its model; after as long again it ends (1 to 600 minutes)":
        "Zeit ohne Anfrage, nach der der Worker sein Modell freigibt; nach nochmals so langer Zeit endet er "
        "(1 bis 600 Minuten)",
}

SETUP = {
    "Starting the setup": "Einrichtung starten",
    "Step {step} of {of}: {title}": "Schritt {step} von {of}: {title}",
    "From the Python package index into {folder}; about {size:.1f} GB":
        "Aus dem Python-Paketindex nach {folder}; etwa {size:.1f} GB",
    "From the Python package index into {folder}; about {small:.1f} GB, or {large:.1f} GB for graphics cards":
        "Aus dem Python-Paketindex nach {folder}; etwa {small:.1f} GB, für Grafikkarten {large:.1f} GB",
    "Part": "Teil",
    "What is installed": "Was installiert wird",
    "The packages that MiDaS needs": "Die Pakete, die MiDaS braucht",
    "All that was installed in {folder}": "Alles, was in {folder} installiert wurde",
    "Takes a few minutes and {size:.0f} MB for temporary files; a map that is being made is given up":
        "Dauert einige Minuten und braucht {size:.0f} MB für temporäre Dateien; eine Map, die gerade erzeugt wird, wird "
        "aufgegeben",
}

COMPUTER_CHECK = {
    "Nothing was checked yet": "Es wurde noch nichts geprüft",
    "This computer was checked: {missed} of {count} values missed their bar.":
        "Dieser Computer wurde geprüft: {missed} von {count} Werten verfehlen ihr Ziel.",
    "The check ended early (exit code {code}): {words}": "Die Prüfung endete vorzeitig (Exit-Code {code}): {words}",
    "it printed no reason": "ein Grund wurde nicht ausgegeben",
    "The check was cancelled.": "Die Prüfung wurde abgebrochen.",
    "{name}: {value}": "{name}: {value}",
    "{name}: {value} (missed)": "{name}: {value} (verfehlt)",
    "Making weights for the check": "Gewichte für die Prüfung erzeugen",
    "Half precision": "Halbe Genauigkeit",
    "Throughput": "Durchsatz",
    "Other ways to run MiDaS": "Andere Arten, MiDaS auszuführen",
    "Memory of a pass": "Speicher eines Durchlaufs",
    "The relief network on torch": "Das Relief-Netzwerk mit Torch",
    "Maps on torch": "Maps mit Torch",
    "Limited memory": "Begrenzter Speicher",
    "Memory given back": "Zurückgegebener Speicher",
    "A worker that is killed": "Ein Worker, der beendet wird",
    "Two workers at once": "Zwei Worker zugleich",
    "not measured": "nicht gemessen",
    "not measured: {reason}": "nicht gemessen: {reason}",
    "{ratio:.2f}, mean angle {angle:.3f} degrees": "{ratio:.2f}, mittlerer Winkel {angle:.3f} Grad",
    "{count:.0f} bytes a pixel": "{count:.0f} Byte pro Pixel",
    "convolutions with channels first": "Faltungen mit den Kanälen zuerst",
    "convolutions with channels last": "Faltungen mit den Kanälen zuletzt",
    "TF32 convolutions": "Faltungen mit TF32",
    "cuDNN's choice by trial": "Auswahl von cuDNN durch Probieren",
    "CUDA graph": "CUDA-Graph",
    "torch.compile": "torch.compile",
    "maps: torch / numpy": "Maps: Torch / numpy",
    "device memory of a pass at {side}": "Speicher des Geräts für einen Durchlauf bei {side}",
    "MiDaS at {side}: ours / {variant}": "MiDaS bei {side}: unserer / {variant}",
    "failed: {error}": "fehlgeschlagen: {error}",
    "{angle:.3f} degrees": "{angle:.3f} Grad",
    "{ratio:.2f} ({rate:.2f} a second)": "{ratio:.2f} ({rate:.2f} pro Sekunde)",
    "{steps:.1f} steps of 16 bits at most": "höchstens {steps:.1f} Stufen von 16 Bit",
    "{kept:.0f} MB of {taken:.0f} MB": "{kept:.0f} MB von {taken:.0f} MB",
    "on {device}; {notes}": "auf {device}; {notes}",
    "no note": "keine Anmerkung",
    "maps on {one} and {other}": "Maps auf {one} und {other}",
    "the first was killed, the second made its map on {device}":
        "der erste wurde beendet, der zweite hat seine Map auf {device} erzeugt",
    "the first had made its map, the second made its map on {device}":
        "der erste hatte seine Map erzeugt, der zweite hat seine Map auf {device} erzeugt",
    "MiDaS in the device's precision / float32 on the CPU: mean angle":
        "MiDaS in der Genauigkeit des Geräts / float32 auf der CPU: mittlerer Winkel",
    "... 99.9th percentile": "... 99,9. Perzentil",
    "MiDaS at {side}: eager float32 pass / ours": "MiDaS bei {side}: einfacher float32-Durchlauf / unserer",
    "... in batches of {count}": "... in Stapeln von {count}",
    "MiDaS at {side}: eager half pass / {variant}": "MiDaS bei {side}: einfacher halber Durchlauf / {variant}",
    "relief: torch in float32 / numpy, slopes differ at most":
        "Relief: Torch in float32 / numpy, größter Unterschied der Steigungen",
    "relief at {side}: numpy / torch": "Relief bei {side}: numpy / Torch",
    "{map}: torch / numpy": "{map}: Torch / numpy",
    "{map} at {side}: numpy / torch": "{map} bei {side}: numpy / Torch",
    "a surface where the device's memory is limited": "eine Oberfläche bei begrenztem Speicher des Geräts",
    "device memory kept after unloading": "Speicher des Geräts, der nach dem Entladen behalten wird",
    "a worker killed at work, and the next one": "ein Worker, der bei der Arbeit beendet wird, und der nächste",
    "two workers at once": "zwei Worker zugleich",
}

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
    "Islands: {count}, each mapped without what lies around it (runs of the engine: {runs}); outside of them the map "
    "continues. With Islands Off the picture is mapped as a whole.":
        "Inseln: {count}, jede ohne das abgebildet, was um sie liegt (Durchgänge der Engine: {runs}); außerhalb setzt sich "
        "die Map fort. Mit Inseln auf Aus wird das Bild als Ganzes abgebildet.",
    "No islands were found in the picture, so it was mapped as a whole.":
        "Im Bild wurden keine Inseln gefunden, also wurde es als Ganzes abgebildet.",
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
    "depth_scale RAW is the MiDaS node's own call, whose packages are not installed.":
        "depth_scale RAW ist der eigene Aufruf des MiDaS-Knotens, dessen Pakete nicht installiert sind.",
    "MiDaS is installed.": "MiDaS ist installiert.",
    "MiDaS is installed in {folder} (Python {version}).": "MiDaS ist in {folder} installiert (Python {version}).",
    "MiDaS is removed.": "MiDaS ist entfernt.",
    "Press Install in the extension's preferences, or choose the engine relief or luminance.":
        "In den Einstellungen der Erweiterung Installieren drücken oder die Engine Relief oder Leuchtdichte wählen.",
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

FROM_BUMP = {
    "The material {material!r} has no Bump or Displacement node whose Height a picture feeds.":
        "Das Material {material!r} hat keinen Bump- oder Displacement-Node, dessen Höhe ein Bild speist.",
    "The active object has no material with a Bump or Displacement node.":
        "Das aktive Objekt hat kein Material mit einem Bump- oder Displacement-Node.",
    "The material {material!r} has several nodes of this kind, {nodes}; make one of them active.":
        "Das Material {material!r} hat mehrere solche Nodes, {nodes}; einen davon aktivieren.",
    "The node {node!r} is muted, so it shades nothing.": "Der Node {node!r} ist stumm und schattiert nichts.",
    "The Height of {node!r} is no sum of a picture's colours, because of the node {other!r}; only Separate Color, RGB to "
    "BW, Invert, Map Range and Math that adds and multiplies may lie between.":
        "Die Höhe von {node!r} ist wegen des Nodes {other!r} keine Summe der Farben eines Bildes; dazwischen darf nur "
        "Separate Color, RGB to BW, Invert, Map Range und Math, das addiert und multipliziert, liegen.",
    "The Height of {node!r} depends on {count} textures; it must be one.":
        "Die Höhe von {node!r} hängt von {count} Texturen ab; es muss eine sein.",
    "The node {node!r} displaces along what feeds its Normal, which a normal map cannot show.":
        "Der Node {node!r} verschiebt längs dessen, was seine Normale speist, was eine Normalmap nicht zeigen kann.",
    "The texture {texture!r} is not interpolated, so that its relief is nothing but steps; set it to Linear.":
        "Die Textur {texture!r} wird nicht interpoliert, so dass ihr Relief nur aus Stufen besteht; sie auf Linear setzen.",
    "The {input} of {node!r} is not the same all over the surface; give it a number.":
        "Der Wert {input} von {node!r} ist nicht überall auf der Oberfläche gleich; ihm eine Zahl geben.",
    "The texture {texture!r} is not laid flat by a UV layer, so its size on the mesh is not known.":
        "Die Textur {texture!r} liegt nicht flach nach einer UV-Map, darum ist ihre Größe auf dem Mesh unbekannt.",
    "The texture {texture!r} shows only one line or point of its picture.":
        "Die Textur {texture!r} zeigt nur eine Linie oder einen Punkt ihres Bildes.",
    "No mesh with the material {material!r} has a UV layer by which {texture!r} could be measured.":
        "Kein Mesh mit dem Material {material!r} hat eine UV-Map, nach der sich {texture!r} messen ließe.",
    "The relief of {node!r} is {factor:.0f} times as high as the picture's shorter side is long, too steep for a normal "
    "map.":
        "Das Relief von {node!r} ist {factor:.0f}-mal so hoch, wie die kürzere Bildseite lang ist, zu steil für eine "
        "Normalmap.",
    "The colours of {image!r} depend on its alpha where that is linked; set its Alpha to Channel Packed.":
        "Die Farben von {image!r} hängen von seinem Alpha ab, wo das verknüpft ist; sein Alpha auf Kanalgepackt setzen.",
    "The image {image!r} has a colour space whose values are not known here; set it to Non-Color.":
        "Das Bild {image!r} hat einen Farbraum, dessen Werte hier unbekannt sind; ihn auf Non-Color setzen.",
    "The normal map {map!r} of {image!r} is in use and shows other heights; set Replace to make it again, or give {node!r} "
    "a copy of the image.":
        "Die Normalmap {map!r} von {image!r} wird benutzt und zeigt andere Höhen; Ersetzen setzen, um sie neu zu erzeugen, "
        "oder {node!r} eine Kopie des Bildes geben.",
    "The node {node!r} is in the group {group!r}, which is used in other places too or cannot be changed; make the group "
    "single-user.":
        "Der Node {node!r} ist in der Gruppe {group!r}, die auch anderswo benutzt wird oder nicht änderbar ist; die Gruppe "
        "zum Einzelbenutzer machen.",
    "The node {node!r} and its texture {texture!r} are in different groups; put them into one.":
        "Der Node {node!r} und seine Textur {texture!r} sind in verschiedenen Gruppen; sie in eine legen.",
    "The node {node!r} lies over the normals of {other!r}, which a normal map in its place would hide; make the map without "
    "wiring it.":
        "Der Node {node!r} liegt über den Normalen von {other!r}, die eine Normalmap an seiner Stelle verdeckte; die Map "
        "erzeugen, ohne sie zu verknüpfen.",
    "On {object!r}, the height {scale:.4g} of the picture's shorter side shades as {node!r} does.":
        "Auf {object!r} schattiert die Höhe {scale:.4g} der kürzeren Bildseite wie {node!r}.",
    "The map is for {object!r}; the texture has another size on {count} other objects, such as {other!r}, where it is too "
    "steep or too flat.":
        "Die Map ist für {object!r}; auf {count} anderen Objekten, wie {other!r}, hat die Textur eine andere Größe, dort "
        "ist sie zu steil oder zu flach.",
    "The heights of {node!r} are animated; the map shows them as they are now.":
        "Die Höhen von {node!r} sind animiert; die Map zeigt sie, wie sie jetzt sind.",
    "The picture of {texture!r} is sheared on the mesh, which the map follows on average only.":
        "Das Bild von {texture!r} ist auf dem Mesh geschert, dem folgt die Map nur im Mittel.",
    "For the same look, the Normal Map node needs the Strength of {node!r}: {strength}.":
        "Für gleiches Aussehen braucht der Normal-Map-Node die Stärke von {node!r}: {strength}.",
    "that which feeds it there": "was sie dort speist",
    "The map shades instead of {node!r} of the material {material!r}; the node is still there, unlinked.":
        "Die Map schattiert statt {node!r} im Material {material!r}; der Node ist noch da, unverknüpft.",
    "The node {node!r} feeds nothing, so the map is not wired.":
        "Der Node {node!r} speist nichts, darum ist die Map nicht verknüpft.",
    "The node {node!r} or its picture is no longer there.": "Der Node {node!r} oder sein Bild ist nicht mehr da.",
    "The map is not wired: {reason}": "Die Map ist nicht verknüpft: {reason}",
}

RECTIFYING = {
    "Rectify Photo": "Foto entzerren",
    "Make a new image of the flat surface in a photo, as if the camera had faced it; the photo stays as it is":
        "Ein neues Bild der ebenen Fläche in einem Foto erzeugen, als hätte die Kamera frontal auf sie geblickt; das Foto "
        "bleibt, wie es ist",
    "Method": "Methode",
    "How it is found out how the photo was taken": "Wie ermittelt wird, wie das Foto aufgenommen wurde",
    "By the lines of bricks, boards or tiles; a photo whose lines do not tell stays as it is":
        "Nach den Linien von Ziegeln, Brettern oder Fliesen; ein Foto, dessen Linien das nicht hergeben, bleibt, wie es "
        "ist",
    "Corners": "Ecken",
    "By the four corners of a rectangle on the surface": "Nach den vier Ecken eines Rechtecks auf der Fläche",
    "X and Y of the upper left, upper right, lower right and lower left corner of a rectangle on the surface, in pixels "
    "from the photo's upper left or as shares of its sides":
        "X und Y der Ecken eines Rechtecks auf der Fläche, links oben, rechts oben, rechts unten, links unten, in Pixeln "
        "von links oben im Foto oder als Anteile seiner Seiten",
    "Focal length": "Brennweite",
    "Focal length of the photo's lens in mm, as on 35 mm film; 0 is that of the photo's file or, where it has none, one "
    "that fits the lines or corners":
        "Brennweite des Objektivs in mm, bezogen auf Kleinbildfilm; 0 ist die aus der Datei des Fotos oder, wenn dort keine "
        "steht, eine, die zu den Linien oder Ecken passt",
    "Name of the photo; without one, the active image": "Name des Fotos; ohne einen das aktive Bild",
    "Where the new image is kept; without a value, as maps are":
        "Wo das neue Bild aufbewahrt wird; ohne Angabe wie bei Maps",
    "Drag the corners of a rectangle on the surface; Enter rectifies the photo, Esc gives up":
        "Die Ecken eines Rechtecks auf der Fläche ziehen; Eingabe entzerrt das Foto, Esc bricht ab",
    "Show the photo in an Image Editor, whose menu Image has this entry":
        "Das Foto in einem Bildeditor anzeigen, dessen Menü Bild diesen Eintrag hat",
    "Rectifying the photo": "Foto entzerren",
    "{image!r} is a new image.": "{image!r} ist ein neues Bild.",
    "The photo was rectified: its surface leans by {tilt:.0f} degrees; {width} x {height} pixels.":
        "Das Foto wurde entzerrt: Seine Fläche ist um {tilt:.0f} Grad geneigt; {width} x {height} Pixel.",
    "The photo was left as it is, because it has too few straight lines; give its four corners.":
        "Das Foto blieb, wie es ist, weil es zu wenige gerade Linien hat; seine vier Ecken angeben.",
    "The photo was left as it is, because its lines do not tell for sure how it was taken; give its four corners.":
        "Das Foto blieb, wie es ist, weil seine Linien nicht sicher sagen, wie es aufgenommen wurde; seine vier Ecken "
        "angeben.",
    "The photo was left as it is, because its surface faces the camera as far as its lines tell.":
        "Das Foto blieb, wie es ist, weil seine Fläche, soweit seine Linien das sagen, der Kamera zugewandt ist.",
    "The corners are those of no rectangle; give them in the order upper left, upper right, lower right, lower left.":
        "Die Ecken sind nicht die eines Rechtecks; in der Reihenfolge links oben, rechts oben, rechts unten, links unten "
        "angeben.",
    "A corner lies outside the picture of {width} x {height} pixels.":
        "Eine Ecke liegt außerhalb des Bildes von {width} x {height} Pixeln.",
}

MESSAGES: dict[str, dict[str, str]] = {
    "Operator": OPERATORS,
    "*": {**WHAT_OPERATORS_DO, **REASONS_AND_REPORTS, **PANEL, **PROGRESS, **QUEUE, **PLACES, **SETTINGS, **PREFERENCES,
          **SETUP, **COMPUTER_CHECK, **REPORTS, **WIRING, **ERRORS, **MIDAS, **FROM_BUMP,
          **RECTIFYING},
}
