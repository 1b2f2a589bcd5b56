"""The panel and the settings: labels and tooltips of properties and their values."""

from __future__ import annotations

PANEL = {
    "MiDaS Normal": "MiDaS Normal",
    "MiDaS Normal Map": "MiDaS Normal Map",
    "Presets": "Voreinstellungen",
    "Normal Map Presets": "Normalmap-Voreinstellungen",
    "Only correct for a flat surface facing the camera": "Stimmt nur für eine ebene Fläche, die der Kamera zugewandt ist",
    "Depth no longer cached, generate again to adjust": "Tiefe nicht mehr im Speicher, zum Nachstellen neu erzeugen",
    "MiDaS is not set up, so the map is made by Relief": "MiDaS ist nicht eingerichtet, also erzeugt Relief die Map",
}

PLACES = {
    "Source": "Quelle",
    "Image that the map is made from": "Bild, aus dem die Map erzeugt wird",
    "Active Image": "Aktives Bild",
    "The image in the Image Editor, else of the active Image Texture node, else on Base Color of the active material":
        "Das Bild im Bildeditor, sonst das des aktiven Bildtextur-Knotens, sonst das an Grundfarbe des aktiven Materials",
    "Image": "Bild",
    "An image that is chosen": "Ein gewähltes Bild",
    "Name of the image for the source Image": "Name des Bildes für die Quelle Bild",
    "Render Result": "Render-Resultat",
    "The last render as displayed. Only correct for a flat surface facing the camera":
        "Das letzte Render-Resultat, wie angezeigt. Stimmt nur für eine ebene Fläche, die der Kamera zugewandt ist",
    "Viewer": "Betrachter",
    "The compositor's Viewer image. Only available in a window":
        "Das Betrachter-Bild des Compositings. Nur in einem Fenster verfügbar",
    "Material Target": "Ziel",
    "Materials that the map is wired into": "Materialien, mit denen die Map verbunden wird",
    "All materials that use the image, else the active material of the active object":
        "Alle Materialien, die das Bild benutzen, sonst das aktive Material des aktiven Objekts",
    "Active Material": "Aktives Material",
    "The active material of the active object": "Das aktive Material des aktiven Objekts",
    "Image Only": "Nur Bild",
    "The map is made but not wired into a material": "Die Map wird erzeugt, aber mit keinem Material verbunden",
    "Maps": "Maps",
    "Maps that are made from the image": "Maps, die aus dem Bild erzeugt werden",
    "Normal": "Normalen",
    "Directions of the surface, for the Normal input of shaders":
        "Richtungen der Oberfläche, für den Normalen-Eingang von Shadern",
    "Height": "Höhe",
    "Heights around a middle of 0.5, for displacement": "Höhen um eine Mitte von 0,5, für Displacement",
    "Ambient Occlusion": "Ambient Occlusion",
    "Fraction of the light from the sky that arrives, dark in grooves":
        "Anteil des Himmelslichts, der ankommt, dunkel in Rillen",
    "Curvature": "Krümmung",
    "Bright where the surface bulges like an edge, dark where it is hollow":
        "Hell, wo sich die Oberfläche wie eine Kante wölbt, dunkel, wo sie hohl ist",
    "Replace": "Ersetzen",
    "Replace another map on the shader's Normal input, and a map that was changed after it was made":
        "Eine andere Map am Eingang Normal des Shaders ersetzen, und eine, die seit dem Erzeugen geändert wurde",
    "Storage": "Speicher",
    "Where the map is stored": "Wo die Map gespeichert wird",
    "Packed": "Gepackt",
    "Inside the .blend file": "In der .blend-Datei",
    "Next to Image": "Neben dem Bild",
    "As a PNG file in the folder of the image": "Als PNG-Datei im Ordner des Bildes",
    "Animation": "Animation",
    "All frames of the scene's range instead of the last render, from the files that were rendered to the scene's output":
        "Alle Bilder des Bildbereichs der Szene statt des letzten Renderings, aus den Dateien, die an die Ausgabe der Szene "
        "gerendert wurden",
    "Match UDIM Borders": "UDIM-Grenzen angleichen",
    "Include a margin of its neighbours with each UDIM tile, so that the relief continues across shared borders":
        "Zu jeder UDIM-Kachel einen Rand ihrer Nachbarn hinzunehmen, sodass sich das Relief über gemeinsame Grenzen "
        "fortsetzt",
    "Temporal Smoothing": "Zeitliche Glättung",
    "Frames on either side over which maps of sequences and movies are averaged to reduce flicker (0 to 16 frames)":
        "Bilder davor und danach, über die Maps von Sequenzen und Filmen gegen Flimmern gemittelt werden (0 bis 16 Bilder)",
    "Map": "Map",
    "Map that follows these settings. Initially the one that was made last":
        "Map, die diesen Einstellungen folgt. Zunächst die zuletzt erzeugte",
    "Live Paint": "Live-Malen",
    "Update the maps of a painted image when the brush is lifted":
        "Die Maps eines bemalten Bildes neu erzeugen, wenn der Pinsel absetzt",
    "Preset": "Voreinstellung",
    "Preset whose settings are applied": "Voreinstellung, deren Einstellungen übernommen werden",
    "Settings to start from instead of the scene's": "Einstellungen, die statt denen der Szene gelten",
    "Scene": "Szene",
    "The settings of the scene": "Die Einstellungen der Szene",
    "Material": "Material",
    "Map in the size of the image, wired into the material and independent of resolution":
        "Map in der Größe des Bildes, mit dem Material verbunden und unabhängig von der Auflösung",
    "MiDaS Node": "MiDaS-Knoten",
    "The image that the ComfyUI node \"MiDaS Normal Map\" gives, value for value":
        "Das Bild, das der ComfyUI-Knoten „MiDaS Normal Map“ ausgibt, Wert für Wert",
}

SETTINGS = {
    "Automatic": "Automatisch",
    "Engine": "Engine",
    "How the image is turned into a surface": "Wie aus dem Bild eine Oberfläche wird",
    "MiDaS where it is installed, otherwise the built-in engine Relief":
        "MiDaS, wo es installiert ist, sonst die eingebaute Engine Relief",
    "MiDaS": "MiDaS",
    "Depth estimated by the MiDaS network (DPT-Hybrid), on the GPU where there is one":
        "Tiefe, vom MiDaS-Netzwerk (DPT-Hybrid) geschätzt, auf der GPU, wenn es eine gibt",
    "Relief": "Relief",
    "Built-in network that finds heights from shading in photos of materials. Always available":
        "Eingebautes Netzwerk, das in Fotos von Materialien Höhen aus der Schattierung ermittelt. Immer verfügbar",
    "Luminance": "Leuchtdichte",
    "Brightness as height. Instant and always available": "Helligkeit als Höhe. Sofort und immer verfügbar",
    "Strength": "Stärke",
    "Factor on the slopes of the map. 1 is neutral, 0 is flat (0 to 10)":
        "Faktor für die Steigungen der Map. 1 ist neutral, 0 ist flach (0 bis 10)",
    "Flatness": "Ebenheit",
    "The MiDaS node's parameter a. Larger values are flatter, 2π is neutral (0 to 15.708)":
        "Der Parameter a des MiDaS-Knotens. Größere Werte sind flacher, 2π ist neutral (0 bis 15.708)",
    "Background Threshold": "Hintergrund",
    "Height below which the map is flat, as a fraction of the height range (0 to 1)":
        "Höhe, unter der die Map flach ist, als Anteil des Höhenbereichs (0 bis 1)",
    "Falloff": "Abfall",
    "Fraction of the height range over which the background fades out. 0 gives a hard edge (0 to 1)":
        "Anteil des Höhenbereichs, über den der Hintergrund ausläuft. 0 ergibt eine harte Kante (0 bis 1)",
    "Blur": "Weichzeichnen",
    "Radius over which the surface is smoothed (0 to 64 pixels)":
        "Radius, über den die Oberfläche geglättet wird (0 bis 64 Pixel)",
    "Fine Detail From": "Feine Details von",
    "Engine whose fine detail replaces the engine's own": "Engine, deren feine Details die der eigentlichen Engine ersetzen",
    "Same Engine": "Dieselbe Engine",
    "The engine's own fine detail": "Die feinen Details der Engine selbst",
    "Fine detail from the built-in network, over the engine's large shapes":
        "Feine Details vom eingebauten Netzwerk, über den großen Formen der Engine",
    "Fine detail from brightness, over the engine's large shapes":
        "Feine Details nach Helligkeit, über den großen Formen der Engine",
    "Detail Radius": "Detailradius",
    "Radius that separates large shapes from the fine detail that is mixed in (1 to 1024 pixels)":
        "Radius, der große Formen von den beigemischten feinen Details trennt (1 bis 1024 Pixel)",
    "Detail Amount": "Detailmenge",
    "Factor on the fine detail that is mixed in (0 to 10)": "Faktor für die beigemischten feinen Details (0 bis 10)",
    "Mask": "Maske",
    "Where the map is flat": "Wo die Map flach ist",
    "Alpha": "Alpha",
    "Where the image is transparent, in proportion to its alpha":
        "Wo das Bild durchsichtig ist, im Verhältnis zu seinem Alpha",
    "Alpha and Image": "Alpha und Bild",
    "Where the image is transparent or the mask image is black, in proportion to both":
        "Wo das Bild durchsichtig oder das Maskenbild schwarz ist, im Verhältnis zu beidem",
    "Mask Image": "Maskenbild",
    "Image that masks the map. The map is flat where it is black or transparent":
        "Bild, das die Map maskiert. Wo es schwarz oder durchsichtig ist, ist die Map flach",
    "Name of the image that masks the map": "Name des Bildes, das die Map maskiert",
    "None": "Keine",
    "Nowhere. Transparent parts continue their surroundings": "Nirgends. Durchsichtige Teile setzen ihre Umgebung fort",
    "Islands": "Inseln",
    "UV islands of a texture, each mapped without its surroundings":
        "UV-Inseln einer Textur, jede ohne ihre Umgebung abgebildet",
    "Where only one colour or transparency lies between the islands":
        "Wo zwischen den Inseln nur eine Farbe oder Durchsichtigkeit liegt",
    "Islands of the mesh, whatever lies between them. Without a mesh, what the colour at the border surrounds":
        "Die Inseln des Meshs, was auch zwischen ihnen liegt. Ohne Mesh das, was die Farbe am Bildrand umgibt",
    "The image is mapped as a whole": "Das Bild wird als Ganzes abgebildet",
    "Detail": "Detail",
    "Factor on fine detail alone. 1 is neutral, 0 leaves only large shapes (0 to 10)":
        "Faktor nur für feine Details. 1 ist neutral, 0 lässt nur große Formen (0 bis 10)",
    "High-Pass": "Hochpass",
    "Radius beyond which shapes are removed. 0 keeps all (0 to 4096 pixels)":
        "Radius, über dem Formen entfernt werden. 0 behält alle (0 bis 4096 Pixel)",
    "Invert": "Invertieren",
    "Turn bumps into dents and dents into bumps": "Aus Beulen Dellen machen und aus Dellen Beulen",
    "Tileable": "Kachelbar",
    "Directions in which the image repeats without a seam": "Richtungen, in denen sich das Bild nahtlos wiederholt",
    "Measured for each direction. Off for renders": "Für jede Richtung gemessen. Bei Render-Resultaten aus",
    "Off": "Aus",
    "On": "An",
    "The image does not repeat": "Das Bild wiederholt sich nicht",
    "X": "X",
    "Repeats from left to right": "Wiederholt sich von links nach rechts",
    "Y": "Y",
    "Repeats from bottom to top": "Wiederholt sich von unten nach oben",
    "Both": "Beides",
    "Repeats in both directions": "Wiederholt sich in beiden Richtungen",
    "Convention": "Konvention",
    "Meaning of the map's red, green and blue": "Bedeutung von Rot, Grün und Blau der Map",
    "OpenGL": "OpenGL",
    "Red to the right, green up, as Blender expects": "Rot nach rechts, Grün nach oben, wie Blender es erwartet",
    "DirectX": "DirectX",
    "Red to the right, green down": "Rot nach rechts, Grün nach unten",
    "Object Space": "Objektraum",
    "Red along X, green along Y and blue along Z of an object whose surface is its XY plane":
        "Rot entlang X, Grün entlang Y und Blau entlang Z eines Objekts, dessen Oberfläche seine XY-Ebene ist",
    "ControlNet": "ControlNet",
    "The MiDaS node's own colours (z, y, x). Shown, but never wired into a material":
        "Die eigenen Farben des MiDaS-Knotens (z, y, x). Angezeigt, aber nie mit einem Material verbunden",
    "Resolution": "Auflösung",
    "Depth Scale": "Tiefenskala",
    "How depth is converted to slope": "Wie Tiefe in Steigung umgerechnet wird",
    "Normalised": "Normalisiert",
    "The result does not depend on resolution, network or depth range":
        "Das Ergebnis hängt nicht von Auflösung, Netzwerk oder Tiefenbereich ab",
    "Raw": "Raw",
    "The MiDaS node's own arithmetic, for the engine MiDaS only":
        "Die Rechnung des MiDaS-Knotens selbst, nur für die Engine MiDaS",
    "Depth Upscaling": "Vergrößerung",
    "Smooth": "Weich",
    "By splines, with edges as wide as the network saw them": "Mit Splines, Kanten so breit, wie das Netzwerk sie sah",
    "Edge-Aware": "Kantentreu",
    "Edges of the depth are moved onto edges of the image where the image explains them":
        "Kanten der Tiefe werden auf Kanten des Bildes gelegt, wo das Bild sie erklärt",
    "Size": "Größe",
    "Size of the map": "Größe der Map",
    "Same size as the image": "Gleiche Größe wie das Bild",
    "Node": "Knoten",
    "Shorter side at the resolution, both sides rounded to multiples of 64":
        "Kürzere Seite wie die Auflösung, beide Seiten auf Vielfache von 64 gerundet",
    "Device": "Gerät",
    "Processor that runs the network": "Prozessor, auf dem das Netzwerk läuft",
    "First of CUDA or ROCm, Metal, XPU and CPU that works":
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
    "How thoroughly the engine Relief examines the image": "Wie gründlich die Engine Relief das Bild untersucht",
    "Quick": "Schnell",
    "Several sizes of the image, once each": "Mehrere Größen des Bildes, jede einmal",
    "Best": "Beste",
    "Mean of eight orientations at each size. More accurate, but takes eight times as long":
        "Mittelwert aus acht Lagen in jeder Größe. Genauer, dauert aber achtmal so lang",
    "Precision": "Genauigkeit",
    "Half precision where the processor is faster with it. Raw always uses 32 bits":
        "Halbe Genauigkeit, wo der Prozessor damit schneller ist. Raw benutzt immer 32 Bit",
    "Float32": "Float32",
    "32 bits everywhere": "Überall 32 Bit",
}
