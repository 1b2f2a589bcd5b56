"""The panel and the settings: labels and tooltips of properties and their values."""

from __future__ import annotations

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
