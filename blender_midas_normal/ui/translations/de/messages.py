"""Reports, reasons and errors, by their templates."""

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
    "Engine: {engine}, as set.": "Engine: {engine}, wie eingestellt.",
    "Engine: MiDaS, chosen automatically.": "Engine: MiDaS, automatisch gewählt.",
    "Engine: Relief, chosen automatically. {reason}": "Engine: Relief, automatisch gewählt. {reason}",
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
    "No object is active; select one, or choose an image.": "Kein Objekt ist aktiv; eines auswählen oder ein Bild wählen.",
    "The object {object!r} has no material; give it one, or choose an image.":
        "Das Objekt {object!r} hat kein Material; ihm eines geben oder ein Bild wählen.",
    "The material {material!r} has no image; select its Image Texture node, or choose an image.":
        "Das Material {material!r} hat kein Bild; dessen Bildtextur-Knoten auswählen oder ein Bild wählen.",
    "The file {path} of the image {image!r} {fault}.": "Die Datei {path} des Bildes {image!r} {fault}.",
    "{path} {fault}.": "{path} {fault}.",
    "is missing": "fehlt",
    "cannot be opened: {reason}": "kann nicht geöffnet werden: {reason}",
    "No map is chosen; choose at least one under Maps.": "Keine Map ist gewählt; unter Maps mindestens eine wählen.",
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
    "Press Install MiDaS Environment in the extension's preferences, or choose the engine relief or luminance.":
        "In den Einstellungen der Erweiterung MiDaS-Umgebung installieren drücken oder die Engine Relief oder Leuchtdichte "
        "wählen.",
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
    "Make a new image of the flat surface in a photo as if the camera had faced it. The photo is kept as it is":
        "Ein neues Bild der ebenen Fläche in einem Foto erzeugen, als hätte die Kamera frontal auf sie geblickt. Das Foto "
        "bleibt, wie es ist",
    "Method": "Methode",
    "How the perspective of the photo is found": "Wie die Perspektive des Fotos ermittelt wird",
    "From the lines of bricks, boards or tiles. A photo whose lines are unclear is kept as it is":
        "Aus den Linien von Ziegeln, Brettern oder Fliesen. Ein Foto mit unklaren Linien bleibt, wie es ist",
    "Corners": "Ecken",
    "From the four corners of a rectangle on the surface": "Aus den vier Ecken eines Rechtecks auf der Fläche",
    "X and Y of the upper left, upper right, lower right and lower left corner of a rectangle on the surface. In pixels "
    "from the photo's upper left, or as fractions of its sides":
        "X und Y der Ecken eines Rechtecks auf der Fläche, links oben, rechts oben, rechts unten, links unten. In Pixeln "
        "von links oben im Foto, oder als Anteile seiner Seiten",
    "Focal Length": "Brennweite",
    "Focal length of the lens in mm, as on 35 mm film. 0 takes that of the photo's file or, where it has none, one that "
    "fits the lines or corners":
        "Brennweite des Objektivs in mm, bezogen auf Kleinbildfilm. 0 nimmt die aus der Datei des Fotos oder, wenn dort "
        "keine steht, eine, die zu den Linien oder Ecken passt",
    "Name of the photo. Empty for the active image": "Name des Fotos. Leer für das aktive Bild",
    "Where the new image is stored. Without a value, as maps are": "Wo das neue Bild gespeichert wird. Ohne Angabe wie Maps",
    "Drag the corners of a rectangle on the surface, Enter to rectify the photo, Esc to cancel":
        "Die Ecken eines Rechtecks auf der Fläche ziehen, Eingabe entzerrt das Foto, Esc bricht ab",
    "Show the photo in an Image Editor, whose menu Image has this entry.":
        "Das Foto in einem Bildeditor anzeigen, dessen Menü Bild diesen Eintrag hat.",
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
