"""What the worker and the engines say of pictures and maps."""

from __future__ import annotations

WORKER_MESSAGES = {
    "The photo was left as it is, because its lines tell only roughly how it was taken; give {advice}.":
        "Das Foto blieb, wie es ist, weil seine Linien nur ungefähr sagen, wie es aufgenommen wurde; {advice} angeben.",
    "depth_scale RAW needs MiDaS, which cannot run here: {reason}":
        "depth_scale RAW braucht MiDaS, das hier nicht läuft: {reason}",
    "The model folder {folder} has no file {file}; choose the folder that has it, or another model.":
        "Der Modellordner {folder} hat keine Datei {file}; den Ordner wählen, der sie hat, oder ein anderes Modell.",
    "an {format} file": "eine {format}-Datei",
    "a {format} file": "eine {format}-Datei",
    "{path} is larger than any picture may be.": "{path} ist größer, als ein Bild sein darf.",
    "{path} is a link to a file that is not there.": "{path} ist eine Verknüpfung mit einer Datei, die nicht da ist.",
    "There is no picture {path}.": "Es gibt kein Bild {path}.",
    "The picture has no pixels; save or reload it first.": "Das Bild hat keine Pixel; es zuerst speichern oder neu laden.",
    "it is {what}": "es ist {what}",
    "it is none of the formats that are known": "es hat keines der bekannten Formate",
    "{path} is not a readable picture: its header is damaged.": "{path} ist kein lesbares Bild: sein Kopf ist beschädigt.",
    "{path} is not a readable picture: {reason}.": "{path} ist kein lesbares Bild: {reason}.",
    "its header is damaged": "sein Kopf ist beschädigt",
    "the PNG file is damaged ({reason})": "die PNG-Datei ist beschädigt ({reason})",
    "the PNG file is another kind of picture": "die PNG-Datei ist ein Bild anderer Art",
    "There is no map {kind!r}; it is one of {choices}.": "Es gibt keine Map {kind!r}; möglich sind {choices}.",
    "depth_scale RAW gives the normal map only; choose NORMALISED for other maps.":
        "depth_scale RAW gibt nur die Normalmap; für andere Maps NORMALISED wählen.",
    "There is no format {name!r}; it is one of {choices}.": "Es gibt kein Format {name!r}; möglich sind {choices}.",
    "A photo is rectified by four corners, which are eight numbers.":
        "Ein Foto wird nach vier Ecken entzerrt, das sind acht Zahlen.",
    "base EXISTING lays fine relief over the normal map that is there; say with mix which engine makes it.":
        "base EXISTING legt feines Relief über die vorhandene Normalmap; mit mix angeben, welche Engine es erzeugt.",
    "The engine {engine} uses the values of the picture, in which no other engine finds relief; set mix to OFF.":
        "Die Engine {engine} nimmt die Werte des Bildes, in denen keine andere Engine Relief findet; mix auf OFF setzen.",
    "depth_scale RAW is the MiDaS node's arithmetic; the engine {engine} has only NORMALISED.":
        "depth_scale RAW ist die Rechnung des MiDaS-Knotens; die Engine {engine} hat nur NORMALISED.",
    "depth_scale RAW is the MiDaS node's arithmetic, which mixes nothing in; choose NORMALISED.":
        "depth_scale RAW ist die Rechnung des MiDaS-Knotens, die nichts beimischt; NORMALISED wählen.",
    "depth_scale RAW is the MiDaS node's arithmetic, which has no masks; choose NORMALISED.":
        "depth_scale RAW ist die Rechnung des MiDaS-Knotens, die keine Masken hat; NORMALISED wählen.",
    "There is no setting {name!r:.80}; the settings are {choices}.":
        "Es gibt keine Einstellung {name!r:.80}; die Einstellungen sind {choices}.",
    "There is no preset {name!r}; the presets are {choices}.":
        "Es gibt keine Voreinstellung {name!r}; die Voreinstellungen sind {choices}.",
    "{name} must be a number, not {value:.80}.": "{name} muss eine Zahl sein, nicht {value:.80}.",
    "{name} must be a whole number, not {value:.80}.": "{name} muss eine ganze Zahl sein, nicht {value:.80}.",
    "{name} is {number!r:.20}; it must lie between {low:g} and {high:g}.":
        "{name} ist {number!r:.20}; es muss zwischen {low:g} und {high:g} liegen.",
    "{name} must be the path of a folder, not {value:.80}.": "{name} muss der Pfad eines Ordners sein, nicht {value:.80}.",
    "{path} is not the file that {network} was tested with: its SHA-256 is {found}, not {wanted}.":
        "{path} ist nicht die Datei, mit der {network} getestet wurde: ihr SHA-256 ist {found}, nicht {wanted}.",
    "The model folder {folder} lies beside the .blend file, which is not saved yet; save it first.":
        "Der Modellordner {folder} liegt neben der .blend-Datei, die noch nicht gespeichert ist; sie zuerst speichern.",
    "A client does not send {kind}.": "Ein Client sendet kein {kind}.",
    "it is damaged": "es ist beschädigt",
    "it has several values for each pixel (deep data)": "es hat mehrere Werte pro Pixel (tiefe Daten)",
    "it is a volume": "es ist ein Volumen",
    "its pixels are of a kind that is not known": "seine Pixel sind von unbekannter Art",
    "it has no channels": "es hat keine Kanäle",
    "The device {device} cannot be used ({problem}). Install the MiDaS environment again, for a torch that knows this card.":
        "Das Gerät {device} ist nicht benutzbar ({problem}). Die MiDaS-Umgebung neu installieren, mit einem Torch, das "
        "diese Karte kennt.",
    "There is no device {device} here.": "Hier gibt es kein Gerät {device}.",
    "{reason} Choose the device AUTO or CPU.": "{reason} Das Gerät AUTO oder CPU wählen.",
    "The MiDaS environment is damaged ({reason}); repair it in the preferences.":
        "Die MiDaS-Umgebung ist beschädigt ({reason}); in den Einstellungen reparieren.",
    "{path} does not describe a depth network: {reason}.": "{path} beschreibt kein Tiefennetzwerk: {reason}.",
    "{path} is a network of the kind {kind}, which cannot be used here; choose another one.":
        "{path} ist ein Netzwerk der Art {kind}, das hier nicht benutzt werden kann; ein anderes wählen.",
    "{path} lacks {count} of the network's weights, such as {name}; download it again.":
        "{path} fehlen {count} Gewichte des Netzwerks, wie {name}; neu herunterladen.",
    "The requests were cancelled.": "Die Anfragen wurden abgebrochen.",
    "The device {device} gives wrong values, so the network ran on the CPU.":
        "Das Gerät {device} gibt falsche Werte, also lief das Netzwerk auf der CPU.",
    "Memory ran short, so the network saw the picture in smaller pieces.":
        "Der Speicher wurde knapp, also sah das Netzwerk das Bild in kleineren Stücken.",
    "The device {device} had too little free memory, so the network ran on the CPU.":
        "Das Gerät {device} hatte zu wenig freien Speicher, also lief das Netzwerk auf der CPU.",
    "The picture's red, green and blue differ, so it may be no height map; its luma is the height.":
        "Rot, Grün und Blau des Bildes sind verschieden, es ist also vielleicht keine Höhenkarte; seine Helligkeit ist die "
        "Höhe.",
    "At resolution {resolution} the MiDaS network sees {width} x {height} pixels, which needs about {needed} of memory, but "
    "{free} are free; choose a lower resolution or depth_scale NORMALISED.":
        "Bei der Auflösung {resolution} sieht das MiDaS-Netzwerk {width} x {height} Pixel, was etwa {needed} Speicher "
        "braucht, aber {free} sind frei; eine niedrigere Auflösung oder depth_scale NORMALISED wählen.",
    "{path} lacks weights of the network's normal head; choose a MoGe-2 network with normals.":
        "{path} fehlen Gewichte für die Normalen des Netzwerks; ein MoGe-2-Netzwerk mit Normalen wählen.",
    "This Python has no {packages}; install the MiDaS environment in the preferences.":
        "Dieses Python hat kein {packages}; in den Einstellungen die MiDaS-Umgebung installieren.",
    "There is not enough memory for the network; choose a lower resolution, or close other programs.":
        "Für das Netzwerk reicht der Speicher nicht; eine niedrigere Auflösung wählen oder andere Programme schließen.",
    "The picture is not a normal map: {share:.0%} of its vectors are not of unit length; choose another engine.":
        "Das Bild ist keine Normalmap: {share:.0%} seiner Vektoren haben nicht die Länge 1; eine andere Engine wählen.",
    "Read as {other}, the map's slopes fit together better: see Source Convention.":
        "Als {other} gelesen passen die Steigungen der Map besser zusammen: siehe Konvention der Quelle.",
    "The normal map is read as {convention}, as was chosen.": "Die Normalmap wird als {convention} gelesen, wie gewählt.",
    "Whether green points up or down cannot be told from this map; it is read as OpenGL (up): see Source Convention.":
        "Ob Grün nach oben oder unten zeigt, ist an dieser Map nicht zu erkennen; sie wird als OpenGL (oben) gelesen: siehe "
        "Konvention der Quelle.",
    "The normal map is read as {convention}: its slopes fit together so by {agreement:.0%}.":
        "Die Normalmap wird als {convention} gelesen: so passen ihre Steigungen zu {agreement:.0%} zusammen.",
    "The map's blue is the same everywhere, so it was computed from red and green.":
        "Das Blau der Map ist überall gleich, also wurde es aus Rot und Grün berechnet.",
    "{share:.0%} of the map's vectors are not of unit length; their directions were used.":
        "{share:.0%} der Vektoren der Map haben nicht die Länge 1; ihre Richtungen wurden benutzt.",
    "{share:.2%} of the map's vectors point into the surface; the map is flat there.":
        "{share:.2%} der Vektoren der Map zeigen in die Oberfläche; dort ist die Map flach.",
    "{share:.2%} of the map's pixels are black, no vectors; the map is flat there.":
        "{share:.2%} der Pixel der Map sind schwarz, keine Vektoren; dort ist die Map flach.",
    "The network saw the picture in {width} x {height} pixels, as far as it and the memory allow.":
        "Das Netzwerk sah das Bild in {width} x {height} Pixeln, so viel, wie es und der Speicher erlauben.",
    "Relief takes this picture for nearly flat ({tilt:.1f} degrees): more Strength or Detail shows what it found, and Fine "
    "Detail From Luminance adds more.":
        "Relief hält dieses Bild für fast flach ({tilt:.1f} Grad): Mehr Stärke oder Detail zeigt, was es fand, und Feine "
        "Details von Leuchtdichte bringt mehr.",
    "{path} is too large to hold the weights of the relief network; reinstall the extension.":
        "{path} ist zu groß für die Gewichte des Relief-Netzwerks; die Erweiterung neu installieren.",
    "{path} cannot be read ({reason}); reinstall the extension.":
        "{path} kann nicht gelesen werden ({reason}); die Erweiterung neu installieren.",
    "{path} holds no weights of the relief network ({reason}); reinstall the extension.":
        "{path} enthält keine Gewichte des Relief-Netzwerks ({reason}); die Erweiterung neu installieren.",
    "{dtype} of shape {shape} instead of float16 of {expected}":
        "{dtype} der Form {shape} statt float16 der Form {expected}",
    "a weight is not finite": "ein Gewicht ist nicht endlich",
    "{path} is damaged or holds no weights of {network}; download it again, or choose another one.":
        "{path} ist beschädigt oder enthält keine Gewichte von {network}; neu herunterladen oder ein anderes wählen.",
    "A request has one source: pixels, a picture, a surface or frames.":
        "Eine Anfrage hat eine Quelle: Pixel, ein Bild, eine Oberfläche oder Einzelbilder.",
    "The request's pixels lack fields.": "Den Pixeln der Anfrage fehlen Felder.",
    "The result cannot be handed over in {folder}: {reason}.":
        "Das Ergebnis kann in {folder} nicht übergeben werden: {reason}.",
    "{count} pixels of the picture are no numbers; they were filled from around them.":
        "{count} Pixel des Bildes sind keine Zahlen; sie wurden aus ihrer Umgebung gefüllt.",
    "The pixels of the picture take {size} bytes instead of {expected}.":
        "Die Pixel des Bildes haben {size} Byte statt {expected}.",
    "The UVs of the meshes that show the picture are damaged; check them, or set Islands to Off.":
        "Die UVs der Meshes, die das Bild zeigen, sind beschädigt; sie prüfen oder Inseln auf Aus setzen.",
    "The surface of this map is no longer in memory; generate it again.":
        "Die Oberfläche dieser Map ist nicht mehr im Speicher; neu erzeugen.",
    "There is no normal map to lay fine relief over; give one, or choose the base ENGINE.":
        "Es gibt keine Normalmap, über die feines Relief gelegt werden könnte; eine angeben oder die Basis ENGINE wählen.",
    "The normal map that is there is kept, and gets fine relief by {engine}.":
        "Die vorhandene Normalmap bleibt erhalten und bekommt feines Relief von {engine}.",
    "The engine {engine} cannot use this picture, which holds {content}; choose another engine.":
        "Die Engine {engine} kann dieses Bild nicht benutzen, das {content} enthält; eine andere Engine wählen.",
    "The map is there already, made from the same picture with the same settings.":
        "Die Map ist schon da, aus demselben Bild mit denselben Einstellungen erzeugt.",
    "This picture looks like a normal map; the engine NORMALS takes its colours as normals.":
        "Dieses Bild sieht wie eine Normalmap aus; die Engine NORMALS nimmt seine Farben als Normalen.",
    "The map has no mask image; choose one, or another mask.":
        "Die Map hat kein Maskenbild; eines oder eine andere Maske wählen.",
    "The map would have {width} x {height} pixels, which are too many; choose a lower resolution.":
        "Die Map hätte {width} x {height} Pixel, das sind zu viele; eine niedrigere Auflösung wählen.",
    "A part of a picture has maps of the picture's size only, and none with depth_scale RAW.":
        "Ein Teil eines Bildes hat nur Maps in der Größe des Bildes, und keine mit depth_scale RAW.",
    "The maps of neighbouring frames have no mean: {reason}.":
        "Die Maps benachbarter Bilder haben keinen Mittelwert: {reason}.",
    "The map {file} of a neighbouring frame cannot be read: {reason}.":
        "Die Map {file} eines benachbarten Bildes kann nicht gelesen werden: {reason}.",
    "There is no photo to rectify.": "Es gibt kein Foto, das sich entzerren ließe.",
    "The request's rectification has unknown fields.": "Die Entzerrung der Anfrage hat unbekannte Felder.",
    "The request was cancelled.": "Die Anfrage wurde abgebrochen.",
    "The engine failed ({error}: {reason}); the log has the details.":
        "Die Engine ist fehlgeschlagen ({error}: {reason}); Genaueres steht im Protokoll.",
    "There is no picture with a map to draw.": "Es gibt kein Bild mit einer Map, das gezeichnet werden könnte.",
}
