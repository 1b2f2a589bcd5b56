"""The preferences, the setup of MiDaS and the check of this computer."""

from __future__ import annotations

PREFERENCES = {
    "Engines": "Engines",
    "Built In": "Eingebaut",
    "Depth Scale Raw of MiDaS": "Tiefenskala Raw von MiDaS",
    "Advanced": "Erweitert",
    "Environment Folder": "Ordner der Umgebung",
    "Folder of the MiDaS environment (1 to 5 GB), which several Blender versions can share. Empty for the extension's own "
    "folder":
        "Ordner der MiDaS-Umgebung (1 bis 5 GB), den mehrere Blender-Versionen teilen können. Leer für den eigenen Ordner "
        "der Erweiterung",
    "Python": "Python",
    "Python 3.10 to 3.13 from which the MiDaS environment is made. Empty for one found on this computer, else Blender's own":
        "Python 3.10 bis 3.13, mit dem die MiDaS-Umgebung eingerichtet wird. Leer für eines, das auf diesem Computer "
        "gefunden wird, sonst das von Blender",
    "PyTorch Build": "PyTorch-Variante",
    "Build of PyTorch that is installed": "Variante von PyTorch, die installiert wird",
    "Build that fits the graphics card and driver of this computer":
        "Variante, die zu Grafikkarte und Treiber dieses Computers passt",
    "Smallest build, which runs on the processor only": "Kleinste Variante, die nur auf dem Prozessor läuft",
    "CUDA 12.6": "CUDA 12.6",
    "For NVIDIA graphics cards from GTX 900 to RTX 40, and for newer ones with an older driver":
        "Für Grafikkarten von NVIDIA von GTX 900 bis RTX 40 und für neuere mit einem älteren Treiber",
    "CUDA 13.0": "CUDA 13.0",
    "For NVIDIA graphics cards from RTX 20 and GTX 16 on, with a recent driver":
        "Für Grafikkarten von NVIDIA ab RTX 20 und GTX 16, mit einem neueren Treiber",
    "ROCm 7.2": "ROCm 7.2",
    "For AMD graphics cards, on Linux": "Für Grafikkarten von AMD, unter Linux",
    "For Intel graphics cards": "Für Grafikkarten von Intel",
    "Default": "Vorgabe",
    "Build from the Python package index, except for NVIDIA graphics cards that it does not support":
        "Variante aus dem Python-Paketindex, außer für Grafikkarten von NVIDIA, die sie nicht unterstützt",
    "Base": "Basis",
    "Small": "Klein",
    "Large": "Groß",
    "Folder": "Ordner",
    "Model": "Modell",
    "Height Map": "Höhenkarte",
    "The image is a height or depth map, whose stored values are the heights":
        "Das Bild ist eine Höhen- oder Tiefenkarte, deren gespeicherte Werte die Höhen sind",
    "Height Scale": "Höhenmaß",
    "Height of the value 1 of a height map, as a fraction of the image's shorter side (0 to 10)":
        "Höhe des Wertes 1 einer Höhenkarte, als Anteil der kürzeren Seite des Bildes (0 bis 10)",
    "Normal Map": "Normalmap",
    "The image is a normal map, to be adjusted or converted into another convention or other maps":
        "Das Bild ist eine Normalmap, die angepasst oder in eine andere Konvention oder andere Maps umgewandelt wird",
    "AO": "AO",
    "Output": "Ausgabe",
    "Shape": "Form",
    "Mask & Mix": "Maske und Beimischung",
    "Source Map": "Karte als Quelle",
    "UDIM & Sequences": "UDIM und Sequenzen",
    "Network": "Netzwerk",
    "Report": "Meldung",
    "Large Shapes From": "Große Formen von",
    "Where the large shapes under the fine detail come from": "Woher die großen Formen unter den feinen Details kommen",
    "The engine's own large shapes": "Die großen Formen der Engine selbst",
    "Existing Normal Map": "Vorhandene Normalmap",
    "The normal map that the material already has, which is kept whole. The engine is not needed":
        "Die Normalmap, die das Material schon hat und die ganz erhalten bleibt. Die Engine wird nicht gebraucht",
    "Depth": "Tiefe",
    "Image Side": "Bildseite",
    "Height of the value 1 above the value 0": "Höhe des Wertes 1 über dem Wert 0",
    "Length that the shorter side of the image shows": "Länge, die die kürzere Bildseite zeigt",
    "Set the height scale by two lengths, the size of the image and the height of the value 1":
        "Das Höhenmaß durch zwei Längen setzen, die Größe des Bildes und die Höhe des Wertes 1",
    "Replace Node": "Node ersetzen",
    "Wire the map in place of the node, which stays in the material, unlinked":
        "Die Map an Stelle des Nodes verbinden, der unverknüpft im Material bleibt",
    "Make the normal map that shades like a Bump or Displacement node of the active material":
        "Die Normalmap erzeugen, die wie ein Bump- oder Displacement-Node des aktiven Materials schattiert",
    "Make the normal map that shades like the node and wire it in the node's place. The node stays in the material, "
    "unlinked":
        "Die Normalmap erzeugen, die wie der Node schattiert, und an seiner Stelle verbinden. Der Node bleibt unverknüpft "
        "im Material",
    "Name of a Bump or Displacement node of the active material. Empty for the active node, or the only one of these":
        "Name eines Bump- oder Displacement-Nodes des aktiven Materials. Leer für den aktiven oder den einzigen davon",
    "Source Convention": "Konvention der Quelle",
    "Direction of green in the normal map that is the source": "Richtung von Grün in der Normalmap, die die Quelle ist",
    "Green up": "Grün nach oben",
    "Green down": "Grün nach unten",
    "Direction in which the slopes fit together as one surface. The report says which":
        "Richtung, in der die Steigungen als eine Oberfläche zusammenpassen. Der Bericht nennt sie",
    "Model Folder": "Modellordner",
    "Additional packages for Depth Anything": "Zusätzliche Pakete für Depth Anything",
    "Additional packages for Depth Scale Raw, the MiDaS node's own call, and for NormalBae":
        "Zusätzliche Pakete für die Tiefenskala Raw, den eigenen Aufruf des MiDaS-Knotens, und für NormalBae",
    "Additional packages for MoGe": "Zusätzliche Pakete für MoGe",
    "Depth Anything": "Depth Anything",
    "MoGe": "MoGe",
    "NormalBae": "NormalBae",
    "Depth Anything V2 Base (390 MB, CC-BY-NC-4.0) or MoGe-2 ViT-B (419 MB, MIT)":
        "Depth Anything V2 Base (390 MB, CC-BY-NC-4.0) oder MoGe-2 ViT-B (419 MB, MIT)",
    "Depth Anything V2 Large (1341 MB, CC-BY-NC-4.0) or MoGe-2 ViT-L (1326 MB, MIT)":
        "Depth Anything V2 Large (1341 MB, CC-BY-NC-4.0) oder MoGe-2 ViT-L (1326 MB, MIT)",
    "Depth Anything V2 Small (99 MB, Apache-2.0) or MoGe-2 ViT-S (141 MB, MIT)":
        "Depth Anything V2 Small (99 MB, Apache-2.0) oder MoGe-2 ViT-S (141 MB, MIT)",
    "Depth estimated by Depth Anything V2 or by a depth network of your own":
        "Tiefe, geschätzt von Depth Anything V2 oder von einem eigenen Tiefennetzwerk",
    "Download the weights of an engine. An interrupted download is resumed":
        "Die Gewichte einer Engine herunterladen. Ein unterbrochener Download wird fortgesetzt",
    "Engine whose weights are downloaded": "Engine, deren Gewichte heruntergeladen werden",
    "Folder with your own weights: config.json and model.safetensors, as transformers saves them, for Depth Anything, or "
    "model.pt for MoGe":
        "Ordner mit eigenen Gewichten: config.json und model.safetensors, wie transformers sie speichert, für Depth "
        "Anything, oder model.pt für MoGe",
    "How a depth map with fewer pixels than the image is enlarged. Not used with Raw":
        "Wie eine Tiefenkarte mit weniger Pixeln als das Bild vergrößert wird. Bei Raw ohne Wirkung",
    "Normals estimated by ControlNet's NormalBae. Its weights were trained on ScanNet, whose terms forbid commercial use":
        "Normalen, geschätzt von NormalBae aus ControlNet. Seine Gewichte wurden mit ScanNet trainiert, dessen Bedingungen "
        "kommerzielle Nutzung verbieten",
    "Normals estimated by MoGe-2": "Normalen, geschätzt von MoGe-2",
    "Number format in which the network computes": "Zahlenformat, in dem das Netzwerk rechnet",
    "Shorter side of the image that the network sees. Not used by Relief (64 to 16384 pixels)":
        "Kürzere Seite des Bildes, das das Netzwerk sieht. Bei Relief ohne Wirkung (64 bis 16384 Pixel)",
    "Weights of the engine's network": "Gewichte des Netzwerks der Engine",
    "Your own weights from the model folder": "Eigene Gewichte aus dem Modellordner",
    "{file} from {hub} into {folder}; licence: {licence}": "{file} von {hub} nach {folder}; Lizenz: {licence}",
    "{file} from {hub}, or else from {release}, into {folder}; licence: {licence}":
        "{file} von {hub}, sonst von {release}, nach {folder}; Lizenz: {licence}",
    "{network}'s weights {file} are not in {folder}; download them, or choose the folder that has them ({chosen}).":
        "Die Gewichte {file} von {network} sind nicht in {folder}; laden Sie sie herunter oder wählen Sie den Ordner, der "
        "sie hat ({chosen}).",
    "The packages for {engine} are not installed; its button in the extension's preferences installs them, and outside "
    "Blender midas-normal --engine {option}.":
        "Die Pakete für {engine} sind nicht installiert; das tut ihr Knopf in den Einstellungen der Erweiterung, außerhalb "
        "von Blender midas-normal --engine {option}.",
    "The picture as a whole leans by {lean:.0f} degrees, which was taken out of its normals.":
        "Das Bild als Ganzes neigt sich um {lean:.0f} Grad, was aus seinen Normalen entfernt wurde.",
    "No model folder is chosen; choose the folder that has the weights, or another model.":
        "Es ist kein Modellordner gewählt; wählen Sie den Ordner, der die Gewichte hat, oder ein anderes Modell.",
    "Weights Folder": "Ordner der Gewichte",
    "Folder with the weights of all networks, which may be an existing one. Empty for the extension's own folder":
        "Ordner mit den Gewichten aller Netzwerke, auch ein schon vorhandener. Leer für den eigenen Ordner der Erweiterung",
    "Processor that runs the networks where the settings say Automatic":
        "Prozessor, auf dem die Netzwerke laufen, wenn die Einstellungen Automatisch sagen",
    "Idle Time (Minutes)": "Leerlaufzeit (Minuten)",
    "Minutes without a request after which the worker frees its network. It ends after as many again (1 to 600 minutes)":
        "Minuten ohne Anfrage, nach denen der Worker sein Netzwerk freigibt. Nach nochmals so vielen endet er (1 bis 600 "
        "Minuten)",
    "Network Weights": "Netzwerkgewichte",
}

SETUP = {
    "Starting the setup": "Einrichtung starten",
    "Step {step} of {of}: {title}": "Schritt {step} von {of}: {title}",
    "From the Python package index into {folder}; about {size:.1f} GB":
        "Aus dem Python-Paketindex nach {folder}; etwa {size:.1f} GB",
    "From the Python package index into {folder}; about {small:.1f} GB, or {large:.1f} GB for graphics cards":
        "Aus dem Python-Paketindex nach {folder}; etwa {small:.1f} GB, für Grafikkarten {large:.1f} GB",
    "Part": "Teil",
    "Part of the environment that is installed": "Teil der Umgebung, der installiert wird",
    "Packages that MiDaS needs": "Pakete, die MiDaS braucht",
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
