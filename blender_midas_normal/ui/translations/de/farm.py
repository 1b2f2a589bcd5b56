"""What is shown about jobs for render farms."""

from __future__ import annotations

FARM_OPERATORS = {
    "Write Farm Job": "Farm-Auftrag schreiben",
    "Load Finished Maps": "Fertige Maps laden",
}

FARM = {
    "Write a job that makes the maps of many images on a render farm, into a new folder that all machines see":
        "Einen Auftrag, der die Maps vieler Bilder auf einer Renderfarm erzeugt, in einen neuen Ordner schreiben, den alle "
        "Rechner sehen",
    "Load the maps that a farm job has made, and wire each into the materials that use its image":
        "Die Maps laden, die ein Farm-Auftrag erzeugt hat, und jede in den Materialien verknüpfen, die ihr Bild benutzen",
    "Folder of the job": "Ordner des Auftrags",
    "Kind": "Art",
    "Queue for which the job is written": "Warteschlange, für die der Auftrag geschrieben wird",
    "Shell Script": "Shell-Skript",
    "A script that makes a share of the maps on each machine on which it is started":
        "Ein Skript, das auf jedem Rechner, auf dem es gestartet wird, einen Teil der Maps erzeugt",
    "SLURM": "SLURM",
    "An array job for sbatch": "Ein Array-Auftrag für sbatch",
    "Open Job Description": "Open Job Description",
    "A job template, which is also a job bundle for Deadline Cloud":
        "Eine Auftragsvorlage, die auch ein Auftragspaket für Deadline Cloud ist",
    "Flamenco": "Flamenco",
    "A job type for the Flamenco Manager": "Eine Auftragsart für den Flamenco Manager",
    "Active Image": "Aktives Bild",
    "The image in the Image Editor, else that of the active material":
        "Das Bild im Bildeditor, sonst das des aktiven Materials",
    "The job is in {folder}; its pictures: {count}.": "Der Auftrag liegt in {folder}; seine Bilder: {count}.",
    "Run it here with `openjd run template.yaml -p Out=FOLDER`, or submit the folder with `deadline bundle submit`.":
        "Hier mit `openjd run template.yaml -p Out=ORDNER` ausführen oder den Ordner mit `deadline bundle submit` "
        "einreichen.",
    "Copy midas_normal.js into the folder `scripts` of the Flamenco Manager, and submit a job of the type Maps of Pictures.":
        "midas_normal.js in den Ordner `scripts` des Flamenco Managers kopieren und einen Auftrag der Art Maps of Pictures "
        "einreichen.",
    "Submit it with `sbatch midas_normal.sbatch` in that folder.":
        "In diesem Ordner mit `sbatch midas_normal.sbatch` einreichen.",
    "Run `sh midas_normal.sh K/N` on each of N machines, K from 0.":
        "Auf jedem von N Rechnern `sh midas_normal.sh K/N` ausführen, K von 0 an.",
    "The active image has no file that a farm could read.": "Das aktive Bild hat keine Datei, die eine Farm lesen könnte.",
    "No material of the selected objects has a colour texture with a file; select others.":
        "Kein Material der ausgewählten Objekte hat eine Farbtextur mit einer Datei; andere auswählen.",
    "No material of this file has a colour texture with a file; save the textures as files.":
        "Kein Material dieser Datei hat eine Farbtextur mit einer Datei; die Texturen als Dateien speichern.",
    "{kind} is for Blender alone, not for a farm.": "{kind} ist nur etwas für Blender, nicht für eine Farm.",
    "It has no file, or other pixels than its file; save it as a file.":
        "Es hat keine Datei oder andere Pixel als seine Datei; als Datei speichern.",
    "The job makes the map of each UDIM tile without its neighbours; Match UDIM Borders is for Blender.":
        "Der Auftrag erzeugt die Map jeder UDIM-Kachel ohne ihre Nachbarn; UDIM-Grenzen angleichen gibt es nur in Blender.",
    "The folder {folder!r} is relative to a .blend file that is not saved; give a whole path, or save the file.":
        "Der Ordner {folder!r} ist relativ zu einer nicht gespeicherten .blend-Datei; einen ganzen Pfad angeben oder die "
        "Datei speichern.",
    "The folder {folder} for the job is not empty; choose a new one.":
        "Der Ordner {folder} für den Auftrag ist nicht leer; einen neuen wählen.",
    "The folder {folder} has no list of maps that can be read ({reason}); choose the folder into which the job was written.":
        "Der Ordner {folder} hat keine lesbare Liste von Maps ({reason}); den Ordner wählen, in den der Auftrag geschrieben "
        "wurde.",
    "{file} is no list of a job's maps; write the job again.":
        "{file} ist keine Liste der Maps eines Auftrags; den Auftrag neu schreiben.",
    "Of the job's maps {made} loaded, {skipped} skipped, {failed} failed, {missing} missing.":
        "Von den Maps des Auftrags {made} geladen, {skipped} übersprungen, {failed} fehlgeschlagen, {missing} fehlen.",
    "the job has not made them; run it again.": "Der Auftrag hat sie nicht erzeugt; ihn noch einmal ausführen.",
    "Pictures of the job that are not in this file: {count}.":
        "Bilder des Auftrags, die nicht in dieser Datei sind: {count}.",
    "The job's map is {convention}, which the material does not read; write the job again with the convention OpenGL.":
        "Die Map des Auftrags ist {convention}, was das Material nicht liest; den Auftrag mit der Konvention OpenGL neu "
        "schreiben.",
    "{file} is no whole map of this extension; let it be made again.":
        "{file} ist keine vollständige Map dieser Erweiterung; neu erzeugen lassen.",
}
