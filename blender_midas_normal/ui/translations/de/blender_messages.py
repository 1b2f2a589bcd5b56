"""What Blender's side says: of images, materials, maps and settings."""

from __future__ import annotations

BLENDER_MESSAGES = {
    "{name} has no value {value:.80}; it is one of {choices}.":
        "{name} hat keinen Wert {value:.80}; möglich sind {choices}.",
    "{path} cannot be read: {reason}.": "{path} kann nicht gelesen werden: {reason}.",
    "{name} must be true or false, not {value:.80}.": "{name} muss true oder false sein, nicht {value:.80}.",
    "settings must be a Settings, not {settings:.80}; give single ones by their names, such as strength=2.":
        "settings muss ein Settings sein, nicht {settings:.80}; einzelne mit ihrem Namen angeben, wie strength=2.",
    "material must be one of bpy.data.materials, not {material:.80}.":
        "material muss eines aus bpy.data.materials sein, nicht {material:.80}.",
    "{name} must be one of bpy.data.images, not {image:.80}.":
        "{name} muss eines aus bpy.data.images sein, nicht {image:.80}.",
    "The {name} was removed from this file; give one that is there.":
        "{name} wurde aus dieser Datei entfernt; eines angeben, das da ist.",
    "The image {image!r} is {kind}; fine relief is laid over an existing normal map for single pictures only.":
        "Das Bild {image!r} ist {kind}; feines Relief wird nur bei einzelnen Bildern über eine vorhandene Normalmap gelegt.",
    "The normal map {map!r} of the material {material!r} lies on the surface in another way than {image!r}; give both the "
    "same mapping.":
        "Die Normalmap {map!r} des Materials {material!r} liegt anders auf der Oberfläche als {image!r}; beiden dieselbe "
        "Zuordnung geben.",
    "No material of the image {image!r} has a normal map of its own to lay fine relief over.":
        "Kein Material des Bildes {image!r} hat eine eigene Normalmap, über die feines Relief gelegt werden könnte.",
    "The materials of the image {image!r} have several normal maps ({maps}); fine relief can be laid over one.":
        "Die Materialien des Bildes {image!r} haben mehrere Normalmaps ({maps}); feines Relief kann nur über eine gelegt "
        "werden.",
    "The normal map {map!r} is {kind}; fine relief is laid over single pictures only.":
        "Die Normalmap {map!r} ist {kind}; feines Relief wird nur über einzelne Bilder gelegt.",
    "The file {path} of the image {image!r} cannot be read: {reason}.":
        "Die Datei {path} des Bildes {image!r} kann nicht gelesen werden: {reason}.",
    "The {size} MB of the image {image!r} cannot be written into {folder}: {reason}.":
        "Die {size} MB des Bildes {image!r} können nicht nach {folder} geschrieben werden: {reason}.",
    "The {image} is empty; render first.": "{image} ist leer; zuerst rendern.",
    "The packed file of the image {image!r} {fault}.": "Die gepackte Datei des Bildes {image!r} {fault}.",
    "is no picture or movie of a known kind": "ist kein Bild und kein Film einer bekannten Art",
    "is {what}, which this Blender cannot read, or damaged; save its frames as PNG files":
        "ist {what}, was dieses Blender nicht lesen kann, oder beschädigt; die Bilder als PNG-Dateien speichern",
    "is {what}, which this Blender cannot read, or damaged; save it again, as PNG, TIFF or OpenEXR":
        "ist {what}, was dieses Blender nicht lesen kann, oder beschädigt; neu speichern, als PNG, TIFF oder OpenEXR",
    "The scene whose render was to be mapped is no longer there.":
        "Die Szene, deren Render-Resultat gefragt war, ist nicht mehr da.",
    "The maps are there already, made from the same pictures with the same settings.":
        "Die Maps sind schon da, aus denselben Bildern mit denselben Einstellungen erzeugt.",
    "The file of the image sequence {image!r} has no number; choose one that has.":
        "Die Datei der Bildsequenz {image!r} hat keine Nummer; eine wählen, die eine hat.",
    "The movie ends before the frame {frame}, and so does the map.":
        "Der Film endet vor dem Bild {frame}, und damit auch die Map.",
    "There are no files of these frames, so they have no map: {frames}.":
        "Für diese Bilder gibt es keine Dateien, also haben sie keine Map: {frames}.",
    "The frame {number} has no map: {reason}": "Das Bild {number} hat keine Map: {reason}",
    "None of the frames of {image!r} that are wanted can be read: {frames}.":
        "Keines der gewünschten Bilder von {image!r} kann gelesen werden: {frames}.",
    "Blender cannot pack image sequences, so the map's frames are files beside the source, in {folder}.":
        "Blender kann keine Bildsequenzen packen, also sind die Bilder der Map Dateien neben der Quelle, in {folder}.",
    "The tile {number} has no map: {reason}": "Die Kachel {number} hat keine Map: {reason}",
    "None of the tiles of {image!r} has a file that can be read.": "Keine der Kacheln von {image!r} hat eine lesbare Datei.",
    "The tile {number} has no map, because its file is missing: {file}.":
        "Die Kachel {number} hat keine Map, weil ihre Datei fehlt: {file}.",
    "Tiles of the node's size, or with depth_scale RAW, are mapped each on its own.":
        "Kacheln in der Größe des Knotens oder mit depth_scale RAW werden jede für sich abgebildet.",
    "The packed tiles of {image!r} cannot be read in {folder}: {reason}.":
        "Die gepackten Kacheln von {image!r} können in {folder} nicht gelesen werden: {reason}.",
    "The tiles of {image!r} cannot be read: {reason}": "Die Kacheln von {image!r} können nicht gelesen werden: {reason}",
    "There is no Viewer Node image; add a Viewer node to the compositor and look at it.":
        "Es gibt kein Bild eines Betrachter-Nodes; im Compositing einen Betrachter hinzufügen und ansehen.",
    "No frame of the animation is there, such as {file}; render it, or set the scene's output and range to what was "
    "rendered.":
        "Kein Bild der Animation ist da, wie {file}; sie rendern, oder Ausgabe und Bildbereich der Szene auf das "
        "einstellen, was gerendert wurde.",
    "Blender does not read {number} as the frame of {file}; let the frame's number be the last one in the scene's output "
    "path.":
        "Blender liest {number} nicht als das Bild von {file}; die Bildnummer muss die letzte im Ausgabepfad der Szene "
        "sein.",
    "a set of UDIM tiles": "ein Satz von UDIM-Kacheln",
    "an image sequence": "eine Bildsequenz",
    "a movie": "ein Film",
    "The image {image!r} is no longer there.": "Das Bild {image!r} ist nicht mehr da.",
    "The Viewer Node has a picture only in Blender's window, not in background mode.":
        "Der Betrachter-Node hat nur im Fenster von Blender ein Bild, nicht im Hintergrundmodus.",
    "No mask image is chosen; choose one, or another mask.":
        "Es ist kein Maskenbild gewählt; eines oder eine andere Maske wählen.",
    "The mask image {image!r} is {kind}; choose an image that is one picture.":
        "Das Maskenbild {image!r} ist {kind}; ein einzelnes Bild wählen.",
    "The image {image!r} is {kind}, of which maps are made in the panel or by bpy.ops.midas_normal.generate.":
        "Das Bild {image!r} ist {kind}; daraus erzeugen das Bedienfeld oder bpy.ops.midas_normal.generate Maps.",
    "The map {file} cannot be read: {reason}.": "Die Map {file} kann nicht gelesen werden: {reason}.",
    "Nothing can be written into the folder {folder}: {reason}.":
        "In den Ordner {folder} kann nichts geschrieben werden: {reason}.",
    "The maps cannot be saved, and {place} cannot be put back: {reason}; the map that was there is {safe} now.":
        "Die Maps können nicht gespeichert werden, und {place} lässt sich nicht zurücklegen: {reason}; die Map, die da war, "
        "ist jetzt {safe}.",
    "The map cannot be saved as {file}: {reason}.": "Die Map kann nicht als {file} gespeichert werden: {reason}.",
    "{file} is there already and was not made by this extension; rename it, or pack the map.":
        "{file} ist schon da und nicht von dieser Erweiterung; umbenennen oder die Map packen.",
    "{file} is the map of {picture!r} already; rename one of the two pictures' files, or pack the map.":
        "{file} ist schon die Map von {picture!r}; eine der beiden Bilddateien umbenennen oder die Map packen.",
    "The image {image!r} has no file to save the map beside; save it first, or pack the map.":
        "Das Bild {image!r} hat keine Datei, neben der die Map liegen könnte; zuerst speichern oder die Map packen.",
    "Blender cannot read the map it was given as {map!r}.":
        "Blender kann die Map nicht lesen, die es als {map!r} bekommen hat.",
    "The map {map!r} has neither a file nor packed pixels; generate it again.":
        "Die Map {map!r} hat weder eine Datei noch gepackte Pixel; neu erzeugen.",
    "What is stored with the map {map!r} cannot be read; generate it again.":
        "Was mit der Map {map!r} gespeichert ist, kann nicht gelesen werden; neu erzeugen.",
    "The image {image!r} is no map of this extension; generate one.":
        "Das Bild {image!r} ist keine Map dieser Erweiterung; eine erzeugen.",
    "The material {material!r} has no output, so nothing is displaced.":
        "Das Material {material!r} hat keine Ausgabe, also wird nichts verschoben.",
    "The output {output!r} of the material {material!r} keeps the displacement by {image!r}; set Replace to wire the new "
    "map instead.":
        "Die Ausgabe {output!r} des Materials {material!r} behält das Displacement durch {image!r}; mit Ersetzen wird die "
        "neue Map verbunden.",
    "The material {material!r} keeps the displacement by {image!r}; set Replace to wire the new map instead.":
        "Das Material {material!r} behält das Displacement durch {image!r}; mit Ersetzen wird die neue Map verbunden.",
    "The output {output!r} of the material {material!r} keeps its own displacement; set Replace to wire the new map "
    "instead.":
        "Die Ausgabe {output!r} des Materials {material!r} behält ihr eigenes Displacement; mit Ersetzen wird die neue Map "
        "verbunden.",
    "The material {material!r} keeps its own displacement; set Replace to wire the new map instead.":
        "Das Material {material!r} behält sein eigenes Displacement; mit Ersetzen wird die neue Map verbunden.",
    "{map!r} is in the material {material!r} as the node {node!r}.":
        "{map!r} ist im Material {material!r} als Node {node!r}.",
    "{map!r} is in the material {material!r} as the node {node!r}, linked to nothing.":
        "{map!r} ist im Material {material!r} als Node {node!r}, mit nichts verbunden.",
    "Wired {map!r} to the displacement of the material {material!r}; it shows on meshes with enough faces.":
        "{map!r} ist mit dem Displacement des Materials {material!r} verbunden; es zeigt sich auf Meshes mit genug Flächen.",
    "the instancer's {name} coordinates": "die {name}-Koordinaten des Instanzierers",
    "{name} coordinates": "{name}-Koordinaten",
    "the instancer's UV coordinates": "die UV-Koordinaten des Instanzierers",
    "the attribute {name!r}": "das Attribut {name!r}",
    "UV coordinates": "UV-Koordinaten",
    "the position in space": "die Position im Raum",
    "The Normal Map node reads the map as DirectX, so its pixels stay as they are, also in exported files (glTF, USD), "
    "where they would have to be OpenGL; choose OPENGL for a material to be exported.":
        "Der Normal-Map-Node liest die Map als DirectX, also bleiben ihre Pixel, wie sie sind, auch in exportierten Dateien "
        "(glTF, USD), wo sie OpenGL sein müssten; für ein Material, das exportiert wird, OPENGL wählen.",
    "The map is in object space, which is right on planes that lie in their object's XY plane, but not in exported files "
    "(glTF, FBX, USD); choose OPENGL for a material to be exported.":
        "Die Map ist im Objektraum, was auf Ebenen stimmt, die in der XY-Ebene ihres Objekts liegen, aber nicht in "
        "exportierten Dateien (glTF, FBX, USD); für ein Material, das exportiert wird, OPENGL wählen.",
    "The texture {texture!r} is laid by {projection} projection, which a normal map cannot follow, so its relief is lit "
    "from wrong sides; unwrap the mesh and set the projection to Flat.":
        "Die Textur {texture!r} liegt nach der Projektion {projection}, der eine Normalmap nicht folgen kann, also ist ihr "
        "Relief von falschen Seiten beleuchtet; das Mesh abwickeln und die Projektion auf Flach setzen.",
    "The texture {texture!r} mirrors every second copy of its picture, whose relief is lit from the wrong side there; set "
    "its extension to Repeat.":
        "Die Textur {texture!r} spiegelt jede zweite Kopie ihres Bildes, deren Relief dort von der falschen Seite "
        "beleuchtet ist; die Erweiterung auf Wiederholen setzen.",
    "The texture {texture!r} is laid by what {node!r} gives, which a normal map cannot follow, so its relief is lit from "
    "the wrong side wherever that turns or mirrors the picture; lay it by a UV layer.":
        "Die Textur {texture!r} liegt nach dem, was {node!r} liefert und dem eine Normalmap nicht folgen kann, also ist ihr "
        "Relief von der falschen Seite beleuchtet, wo das Bild gedreht oder gespiegelt ist; sie nach einer UV-Map legen.",
    "The texture {texture!r} is turned or stretched by an animation or a driver, so its relief is lit right only as it is "
    "laid now; turn the UV layer itself instead, by the modifier UV Warp.":
        "Die Textur {texture!r} wird von einer Animation oder einem Treiber gedreht oder gestreckt, also ist ihr Relief nur "
        "so richtig beleuchtet, wie sie jetzt liegt; stattdessen die UV-Map drehen, mit dem Modifikator UV-Verzerrung.",
    "The texture {texture!r} is laid by {coordinates}, while a normal map follows the UV layer, so its relief is lit right "
    "only where both run alike; lay it by the UV layer, or choose the convention OBJECT for a plane.":
        "Die Textur {texture!r} liegt nach {coordinates}, eine Normalmap aber nach der UV-Map, also ist ihr Relief nur "
        "richtig beleuchtet, wo beide gleich verlaufen; sie nach der UV-Map legen oder für eine Ebene die Konvention OBJECT "
        "wählen.",
    "The texture {texture!r} is mapped in other ways where else its group {group!r} is used, but has one map there, so the "
    "relief is lit from the wrong side in one of them; make the group single-user.":
        "Die Textur {texture!r} ist anders zugeordnet, wo ihre Gruppe {group!r} sonst benutzt wird, hat dort aber nur eine "
        "Map, also ist das Relief an einer der Stellen von der falschen Seite beleuchtet; die Gruppe zum Einzelbenutzer "
        "machen.",
    "The mapping of the texture {texture!r} turns the picture, so a node {node!r} turns the map's vectors with it; FBX and "
    "OBJ files leave such a map out, so turn the UV layer instead for a material to be exported.":
        "Die Zuordnung der Textur {texture!r} dreht das Bild, also dreht ein Node {node!r} die Vektoren der Map mit; FBX- "
        "und OBJ-Dateien lassen eine solche Map weg, also für ein Material, das exportiert wird, stattdessen die UV-Map "
        "drehen.",
    "The active object has no material; give it one, or choose the target AUTO.":
        "Das aktive Objekt hat kein Material; ihm eines geben oder das Ziel AUTO wählen.",
    "{reason} Choose another one, or the target Image only.": "{reason} Ein anderes wählen, oder das Ziel Nur Bild.",
    "The material is no longer there, so the map is made but not wired.":
        "Das Material ist nicht mehr da, also wird die Map erzeugt, aber nicht verbunden.",
    "No mesh object is active, so the map is made but not wired.":
        "Kein Mesh-Objekt ist aktiv, also wird die Map erzeugt, aber nicht verbunden.",
    "The object {object!r} is {reason} and gets no material.":
        "Das Objekt {object!r} ist {reason} und bekommt kein Material.",
    "The shader {shader!r} of the material {material!r} is for the map of {image!r}, which feeds its {input}.":
        "Der Shader {shader!r} des Materials {material!r} ist für die Map von {image!r}, das seinen Eingang {input} speist.",
    "The image {image!r} feeds no shader of the material {material!r} as a picture.":
        "Das Bild {image!r} speist als Bild keinen Shader des Materials {material!r}.",
    "The material {material!r} is one for Grease Pencil, which shows no maps.":
        "Das Material {material!r} ist eines für Grease Pencil, das keine Maps zeigt.",
    "The UVs of the meshes cannot be written into {folder}: {reason}.":
        "Die UVs der Meshes können nicht nach {folder} geschrieben werden: {reason}.",
    "The image {image!r} feeds only {inputs} of {shader!r}; the map is wired to it all the same.":
        "Das Bild {image!r} speist nur {inputs} von {shader!r}; die Map wird trotzdem damit verbunden.",
    "The shader {shader!r} keeps the normals of {node!r}; set Replace to wire the new map instead.":
        "Der Shader {shader!r} behält die Normalen von {node!r}; mit Ersetzen wird die neue Map verbunden.",
    "The link from {node!r}, which was muted, is replaced by the map's.":
        "Die Verbindung von {node!r}, die stumm war, wird durch die der Map ersetzt.",
    "The map is not wired to the shader {shader!r}, because the group {group!r} is {reason}.":
        "Die Map wird nicht mit dem Shader {shader!r} verbunden, weil die Gruppe {group!r} {reason} ist.",
    "The shader {shader!r} gets its normals in the group {group!r}, which is used in other places too; make the group "
    "single-user to wire the map into it.":
        "Der Shader {shader!r} bekommt seine Normalen in der Gruppe {group!r}, die auch anderswo benutzt wird; die Gruppe "
        "zum Einzelbenutzer machen, um die Map darin zu verbinden.",
    "The material {material!r} has no shader with a Normal input, so the map is not wired.":
        "Das Material {material!r} hat keinen Shader mit einem Eingang Normal, also wird die Map nicht verbunden.",
    "The summary {file!r} has no folder to lie in; give a whole path, or save the .blend file and begin with //.":
        "Die Zusammenfassung {file!r} hat keinen Ordner; einen ganzen Pfad angeben, oder die .blend-Datei speichern und mit "
        "// beginnen.",
    "The name of the summary {file!r} does not say its form; let it end with one of {choices}.":
        "Der Name der Zusammenfassung {file!r} sagt nicht, welche Form sie hat; er muss auf eines von {choices} enden.",
    "{names}: {reason}": "{names}: {reason}",
    "No material of the selected objects has a colour texture; select others.":
        "Kein Material der ausgewählten Objekte hat eine Farbtextur; andere auswählen.",
    "No material of this file has a colour texture; give one an Image Texture.":
        "Kein Material dieser Datei hat eine Farbtextur; einem eine Bildtextur geben.",
    "A render is no photo to rectify; save it as a picture, and choose that.":
        "Ein Render-Resultat ist kein Foto, das sich entzerren lässt; es als Bild speichern und das wählen.",
    "The map {map!r} or its source is no longer there; generate it again.":
        "Die Map {map!r} oder ihre Quelle ist nicht mehr da; neu erzeugen.",
    "The image {image!r} is {kind}, whose maps do not follow the brush; generate them again.":
        "Das Bild {image!r} ist {kind}, dessen Maps dem Pinsel nicht folgen; sie neu erzeugen.",
    "The image {image!r} has no map that could follow the brush; generate one.":
        "Das Bild {image!r} hat keine Map, die dem Pinsel folgen könnte; eine erzeugen.",
    "The map was removed while it was made again; generate it again.":
        "Die Map wurde entfernt, während sie neu erzeugt wurde; noch einmal erzeugen.",
    "The surface of {map!r} is no longer in memory; generate it again.":
        "Die Oberfläche von {map!r} ist nicht mehr im Speicher; neu erzeugen.",
    "The map was removed while it was re-tuned; generate it again.":
        "Die Map wurde entfernt, während sie nachgestellt wurde; neu erzeugen.",
    "The worker ended while it was given the picture; try again.":
        "Der Worker ist geendet, während er das Bild bekam; noch einmal versuchen.",
    "There is no source {source!r}; it is one of ACTIVE, IMAGE, RENDER, VIEWER.":
        "Es gibt keine Quelle {source!r}; möglich sind ACTIVE, IMAGE, RENDER, VIEWER.",
    "There is no target {target!r}; it is one of AUTO, ACTIVE_MATERIAL, NONE.":
        "Es gibt kein Ziel {target!r}; möglich sind AUTO, ACTIVE_MATERIAL, NONE.",
    "The map is read in a group that reads the maps of other materials too, so it was made as {convention} as before; make "
    "the group single-user for another convention.":
        "Die Map wird in einer Gruppe gelesen, die auch die Maps anderer Materialien liest, also wurde sie wie zuvor als "
        "{convention} erzeugt; für eine andere Konvention die Gruppe zum Einzelbenutzer machen.",
    "The picture is data and feeds the height of a Bump or Displacement node; the engine HEIGHT takes its values as "
    "heights.":
        "Das Bild besteht aus Daten und speist die Höhe eines Bump- oder Displacement-Nodes; die Engine HEIGHT nimmt seine "
        "Werte als Höhen.",
    "This Blender's Normal Map node reads OpenGL only, so the map was made as OpenGL; for DirectX pixels choose the target "
    "Image only.":
        "Der Normal-Map-Node dieses Blenders liest nur OpenGL, also wurde die Map als OpenGL erzeugt; für DirectX-Pixel das "
        "Ziel Nur Bild wählen.",
    "MiDaS Normal Map works in Blender's main thread only; from another thread, and from a handler during a render, have a "
    "timer (bpy.app.timers) call it.":
        "MiDaS Normal Map arbeitet nur im Hauptthread von Blender; aus einem anderen Thread, und aus einem Handler beim "
        "Rendern, von einem Timer (bpy.app.timers) aufrufen lassen.",
}
