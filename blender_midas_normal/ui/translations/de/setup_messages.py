"""What is said of the setup, the downloads, the check of this computer and the worker's process."""

from __future__ import annotations

SETUP_MESSAGES = {
    "{difference}": "{difference}",
    "{ratio:.2f} ({seconds:.2f} s)": "{ratio:.2f} ({seconds:.2f} s)",
    "{ratio:.2f} ({seconds:.3f} s)": "{ratio:.2f} ({seconds:.3f} s)",
    "{device}, torch {torch}, Python {python}": "{device}, Torch {torch}, Python {python}",
    "{ratio:.2f}": "{ratio:.2f}",
    "The work was cancelled.": "Die Arbeit wurde abgebrochen.",
    "The worker was restarted for another engine.": "Der Worker wurde für eine andere Engine neu gestartet.",
    "The picture cannot be handed over in {folder}: {reason}.":
        "Das Bild kann in {folder} nicht übergeben werden: {reason}.",
    "{python} did not start the worker within {seconds:.0f} seconds; choose another Python in the preferences.":
        "{python} hat den Worker nicht innerhalb von {seconds:.0f} Sekunden gestartet; in den Einstellungen ein anderes "
        "Python wählen.",
    "The worker's files cannot be removed: {reason}.": "Die Dateien des Workers können nicht entfernt werden: {reason}.",
    "The worker did not answer within {seconds:.0f} seconds.":
        "Der Worker hat nicht innerhalb von {seconds:.0f} Sekunden geantwortet.",
    "The worker was closed.": "Der Worker wurde geschlossen.",
    "A worker does not send {kind}.": "Ein Worker sendet kein {kind}.",
    "The worker said nothing for {seconds:.0f} seconds and was ended; try again, and choose the device CPU where that "
    "happens again.":
        "Der Worker hat {seconds:.0f} Sekunden lang nichts gesagt und wurde beendet; noch einmal versuchen, und wenn es "
        "wieder geschieht, das Gerät CPU wählen.",
    "{runner} could not be started: {reason}.": "{runner} konnte nicht gestartet werden: {reason}.",
    "The check can have no folder for its files: {reason}; free some space.":
        "Die Prüfung bekommt keinen Ordner für ihre Dateien: {reason}; Platz schaffen.",
    "This worker was started for the built-in engines.": "Dieser Worker wurde für die eingebauten Engines gestartet.",
    "Files in {folder} cannot be locked: {reason}; choose a folder on another drive.":
        "Dateien in {folder} können nicht gesperrt werden: {reason}; einen Ordner auf einem anderen Laufwerk wählen.",
    "Another process (number {number}) is at work in {folder}; wait until it has ended.":
        "Ein anderer Prozess (Nummer {number}) arbeitet in {folder}; warten, bis er geendet hat.",
    "{lock} cannot be written: {reason}; {advice}.": "{lock} kann nicht geschrieben werden: {reason}; {advice}.",
    "the variable {variable} names another folder for environments and weights":
        "die Variable {variable} nennt einen anderen Ordner für Umgebungen und Gewichte",
    "The worker ended before its map was taken; try again.":
        "Der Worker ist geendet, bevor seine Map abgeholt war; noch einmal versuchen.",
    "The worker's map is damaged; try again.": "Die Map des Workers ist beschädigt; noch einmal versuchen.",
    "MiDaS is not installed while Blender is offline; turn on Preferences > System > Network > Allow Online Access and try "
    "again.":
        "MiDaS wird nicht installiert, solange Blender offline ist; Benutzereinstellungen > System > Network > Allow Online "
        "Access einschalten und noch einmal versuchen.",
    "The weights are {file}.": "Die Gewichte sind {file}.",
    "{file} is the known file.": "{file} ist die bekannte Datei.",
    "{folder} holds something else; choose an empty or new folder for MiDaS.":
        "{folder} enthält etwas anderes; für MiDaS einen leeren oder neuen Ordner wählen.",
    "its record cannot be read": "ihre Aufzeichnung kann nicht gelesen werden",
    "The installation in {folder} was interrupted; installing again goes on from it.":
        "Die Installation in {folder} wurde unterbrochen; erneutes Installieren macht dort weiter.",
    "its packages do not work together": "ihre Pakete passen nicht zusammen",
    "the Python it was made from, {python}, is gone": "das Python, mit dem sie eingerichtet wurde, {python}, ist weg",
    "its own Python is gone": "ihr eigenes Python ist weg",
    "{python} is another version now than Python {version}, which it was made from":
        "{python} hat jetzt eine andere Version als das Python {version}, mit dem sie eingerichtet wurde",
    "this version of the extension needs other packages": "diese Version der Erweiterung braucht andere Pakete",
    "The MiDaS environment must be installed again: {reason}.": "Die MiDaS-Umgebung muss neu installiert werden: {reason}.",
    "{folder} holds something that is not a MiDaS environment, and is left as it is; choose an empty or new folder.":
        "{folder} enthält etwas, das keine MiDaS-Umgebung ist, und bleibt, wie es ist; einen leeren oder neuen Ordner "
        "wählen.",
    "{folder} cannot be removed ({reason}); end every Blender that uses MiDaS and try again.":
        "{folder} kann nicht entfernt werden ({reason}); jedes Blender beenden, das MiDaS benutzt, und noch einmal "
        "versuchen.",
    "The last lines of its output say why; installing again goes on from here.":
        "Die letzten Zeilen seiner Ausgabe sagen, warum; erneutes Installieren macht hier weiter.",
    "PyTorch and the packages for MiDaS": "PyTorch und die Pakete für MiDaS",
    "PyTorch has no build {backend!r}; choose auto, registry, cpu, xpu, cu<number> or rocm<number>.":
        "PyTorch hat keine Variante {backend!r}; auto, registry, cpu, xpu, cu<Nummer> oder rocm<Nummer> wählen.",
    "The installation in {folder} failed: {reason}.": "Die Installation in {folder} ist fehlgeschlagen: {reason}.",
    "Installing {title}": "{title} installieren",
    "{folder} needs {needed:.1f} GB more, but only {free:.1f} GB are free on its drive; free some space or choose a folder "
    "on another drive.":
        "{folder} braucht noch {needed:.1f} GB, aber auf dem Laufwerk sind nur {free:.1f} GB frei; Platz schaffen oder "
        "einen Ordner auf einem anderen Laufwerk wählen.",
    "{python} could not make an environment in {folder}.": "{python} konnte in {folder} keine Umgebung einrichten.",
    "Installing the installer uv": "Das Installationsprogramm uv installieren",
    "The installer uv could not be installed.": "Das Installationsprogramm uv konnte nicht installiert werden.",
    "PyTorch's own index cannot be reached, so its build was taken from the package index instead.":
        "Der eigene Index von PyTorch ist nicht erreichbar, also wurde die Variante aus dem Paketindex genommen.",
    "It does not know this graphics card; install again where that index can be reached.":
        "Sie kennt diese Grafikkarte nicht; noch einmal installieren, wo jener Index erreichbar ist.",
    "{title} could not be installed.": "{title} konnte nicht installiert werden.",
    "The installed packages do not work together.": "Die installierten Pakete passen nicht zusammen.",
    "Install again, with another build of PyTorch if it keeps failing.":
        "Noch einmal installieren, mit einer anderen Variante von PyTorch, wenn es weiter fehlschlägt.",
    "{line}, {done:.0f} of {whole:.0f} MB, {speed:.1f} MB/s": "{line}, {done:.0f} von {whole:.0f} MB, {speed:.1f} MB/s",
    "The drive is full: free some space or choose a folder on another drive, then install again.":
        "Das Laufwerk ist voll: Platz schaffen oder einen Ordner auf einem anderen Laufwerk wählen, dann noch einmal "
        "installieren.",
    "The paths become too long for Windows: choose a folder with a short name such as C:\\midas, or enable long paths.":
        "Die Pfade werden zu lang für Windows: einen Ordner mit kurzem Namen wie C:\\midas wählen oder lange Pfade "
        "einschalten.",
    "This Python cannot make environments: install python3-venv (Debian, Ubuntu), or choose another Python.":
        "Dieses Python kann keine Umgebungen einrichten: python3-venv installieren (Debian, Ubuntu) oder ein anderes Python "
        "wählen.",
    "The server's certificate is not trusted, often because of a proxy or a virus scanner: set UV_SYSTEM_CERTS=1, or "
    "SSL_CERT_FILE to your company's certificates, and start Blender again.":
        "Dem Zertifikat des Servers wird nicht vertraut, oft wegen eines Proxys oder Virenscanners: UV_SYSTEM_CERTS=1 "
        "setzen, oder SSL_CERT_FILE auf die Zertifikate der Firma, und Blender neu starten.",
    "The package index cannot be reached: check the connection and any firewall; behind a proxy set HTTPS_PROXY.":
        "Der Paketindex ist nicht erreichbar: Verbindung und Firewall prüfen; hinter einem Proxy HTTPS_PROXY setzen.",
    "A package has no build for this Python or this system: choose a 64-bit Python 3.10 to 3.13 (on a Mac, macOS 14 or "
    "later on Apple silicon).":
        "Ein Paket hat keine Variante für dieses Python oder dieses System: ein 64-Bit-Python 3.10 bis 3.13 wählen (auf "
        "einem Mac macOS 14 oder neuer mit Apple-Chip).",
    "A file cannot be written: choose a folder that belongs to you, and end every Blender that uses MiDaS.":
        "Eine Datei kann nicht geschrieben werden: einen eigenen Ordner wählen und jedes Blender beenden, das MiDaS "
        "benutzt.",
    "{name} is not a Python that runs: {reason}.": "{name} ist kein Python, das läuft: {reason}.",
    "{name} is not a Python that runs (exit code {code}).": "{name} ist kein Python, das läuft (Exit-Code {code}).",
    "{name} is Python {version}, but PyTorch has builds for 64-bit Python {versions}.":
        "{name} ist Python {version}, aber PyTorch gibt es für 64-Bit-Python {versions}.",
    "{name} is Python {version} with 32 bits, but PyTorch has builds for 64-bit Python {versions}.":
        "{name} ist Python {version} mit 32 Bit, aber PyTorch gibt es für 64-Bit-Python {versions}.",
    "{name} cannot make environments because venv or ensurepip is missing; install python3-venv, or choose another Python.":
        "{name} kann keine Umgebungen einrichten, weil venv oder ensurepip fehlt; python3-venv installieren oder ein "
        "anderes Python wählen.",
    "3.{first} to 3.{last}": "3.{first} bis 3.{last}",
    "No usable Python {versions} was found on this computer; install one from python.org (on Debian and Ubuntu with "
    "python3-venv), or choose one (in the preferences, or with --python).":
        "Auf diesem Computer wurde kein brauchbares Python {versions} gefunden; eines von python.org installieren (unter "
        "Debian und Ubuntu mit python3-venv) oder eines wählen (in den Einstellungen oder mit --python).",
    "The installing process ended unexpectedly (exit code {code}).":
        "Der installierende Prozess ist unerwartet geendet (Exit-Code {code}).",
    "The weights are there already.": "Die Gewichte sind schon da.",
    "{host}: {reason}": "{host}: {reason}",
    "{file} is complete.": "{file} ist vollständig.",
    "the server does not tell the file's checksum": "der Server nennt die Prüfsumme der Datei nicht",
    "{needed:.0f} MB more are needed, but only {free:.0f} MB are free on its drive":
        "{needed:.0f} MB mehr werden gebraucht, aber auf dem Laufwerk sind nur {free:.0f} MB frei",
    "the connection broke after {size:.1f} MB": "die Verbindung brach nach {size:.1f} MB ab",
    "From {host} to {folder}": "Von {host} nach {folder}",
    "the server sent another part of it than it was asked for":
        "der Server hat einen anderen Teil davon gesendet als gefragt",
    "its file has {size} bytes instead of {expected}": "seine Datei hat {size} Byte statt {expected}",
    "what came is longer than {size} bytes and was removed": "was kam, ist länger als {size} Byte und wurde entfernt",
    "{done:.1f} of {whole:.1f} MB, {speed:.1f} MB/s": "{done:.1f} von {whole:.1f} MB, {speed:.1f} MB/s",
    "Comparing the checksum": "Prüfsumme vergleichen",
    "what came has another checksum ({found}, not {wanted}) and was removed":
        "was kam, hat eine andere Prüfsumme ({found}, nicht {wanted}) und wurde entfernt",
    "{network}'s weights {file} could not be downloaded to {folder}: {reason}; try again, or choose a folder that has them "
    "({chosen}).":
        "Die Gewichte {file} von {network} konnten nicht nach {folder} heruntergeladen werden: {reason}; noch einmal "
        "versuchen oder einen Ordner wählen, der sie hat ({chosen}).",
    "the server does not tell the file's size": "der Server nennt die Größe der Datei nicht",
    "it is not downloaded from {url}, because only https is allowed":
        "es wird nicht von {url} heruntergeladen, weil nur https erlaubt ist",
    "{reason} (through the proxy {proxy})": "{reason} (über den Proxy {proxy})",
    "the server answered {code} {reason}": "der Server hat mit {code} {reason} geantwortet",
    "{network}'s weights {file} are not downloaded while Blender is offline; turn on Preferences > System > Network > Allow "
    "Online Access, or choose a folder that has them ({chosen}).":
        "Die Gewichte {file} von {network} werden nicht heruntergeladen, solange Blender offline ist; Benutzereinstellungen "
        "> System > Network > Allow Online Access einschalten oder einen Ordner wählen, der sie hat ({chosen}).",
    "Its last words:\n{words}": "Seine letzten Worte:\n{words}",
    "The worker ended with status {status} before it answered; try again.":
        "Der Worker ist mit Status {status} geendet, bevor er geantwortet hat; noch einmal versuchen.",
    "The worker can have no folder for its pictures: {reason}; free some space.":
        "Der Worker bekommt keinen Ordner für seine Bilder: {reason}; Platz schaffen.",
    "The worker's log {log} cannot be written: {reason}.":
        "Das Protokoll {log} des Workers kann nicht geschrieben werden: {reason}.",
    "The worker could not be started with {python}: {reason}; choose another Python in the preferences.":
        "Der Worker konnte nicht mit {python} gestartet werden: {reason}; in den Einstellungen ein anderes Python wählen.",
}
