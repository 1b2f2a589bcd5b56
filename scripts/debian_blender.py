#!/usr/bin/env python3
"""Prepares whole Blenders from Debian's packages, each in a folder of its own, for gui_test.py.

    sudo python3 scripts/debian_blender.py [--cache DIR] [SUITE...]

Suite trixie has Blender 4.3.2, sid 5.2.2 LTS.  Needs root and debootstrap; takes minutes and about 2 GB each, once.
Nothing outside the folder is changed: the packages are unpacked in it, and a Blender started from there sees the
computer's /dev, /proc and /tmp only while it runs.  Prints the programs that start them.
Exit codes: 0 prepared, 77 not possible here.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

NOT_POSSIBLE = 77
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "midas-normal-blenders"
PACKAGES = ("blender", "xauth", "libgl1", "libgl1-mesa-dri", "python3-numpy", "fonts-dejavu-core")
SUITES = {"trixie": (), "sid": ("python3-cattr", "python3-requests")}
"""Debian suites, and what their Blenders need beyond PACKAGES."""

START = """#!/bin/sh
# Starts the Blender in {root}; what it sees of this computer is gone when it ends.
exec unshare --mount sh -c '
    for place in dev proc tmp; do mount --rbind "/$place" "$0/$place"; done
    exec chroot "$0" /usr/bin/blender "$@"' '{root}' "$@"
"""


class NotPossible(Exception):
    """This computer cannot have them; the text says why."""


@dataclass(frozen=True)
class DebianBlender:
    """One suite's Blender under a folder of all of them."""

    suite: str
    cache: Path

    @property
    def root(self) -> Path:
        return self.cache / self.suite

    @property
    def program(self) -> Path:
        """The program that starts this Blender; it is written last, so it exists only when all is complete."""
        return self.cache / f"blender-{self.suite}"

    def prepare(self) -> Path:
        """Return the program that starts it, made when it is not there; raise NotPossible."""
        if not self.program.exists():
            self._install()
            self.program.write_text(START.format(root=self.root), encoding="utf-8")
            self.program.chmod(0o755)
        return self.program

    def _install(self) -> None:
        check_means()
        self.cache.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.root, ignore_errors=True)
        run(["debootstrap", "--variant=minbase", self.suite, str(self.root)])
        no_services = self.root / "usr" / "sbin" / "policy-rc.d"
        no_services.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        no_services.chmod(0o755)
        run(["chroot", str(self.root), "apt-get", "install", "-y", "-q", "--no-install-recommends", *PACKAGES,
             *SUITES[self.suite]], DEBIAN_FRONTEND="noninteractive")
        run(["chroot", str(self.root), "apt-get", "clean"])


def check_means() -> None:
    """Raise NotPossible where root, debootstrap or unshare is missing."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        raise NotPossible("Debian's Blenders are prepared by root only; run it with sudo.")
    for program in ("debootstrap", "unshare", "chroot"):
        if shutil.which(program) is None:
            raise NotPossible(f"{program} is missing; install it (apt-get install debootstrap).")


def run(command: list[str], **variables: str) -> None:
    done = subprocess.run(command, env={**os.environ, **variables}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode != 0:
        raise NotPossible(f"{command[0]} failed: {done.stderr.strip()[-300:]}")


def prepare(suites: list[str], cache: Path = CACHE) -> list[Path]:
    """Return the programs that start the suites' Blenders; raise NotPossible."""
    return [DebianBlender(suite, cache.resolve()).prepare() for suite in suites]


def find_prepared(cache: Path = CACHE) -> list[Path]:
    """Return the programs of the suites that are prepared already."""
    programs = [DebianBlender(suite, cache.resolve()).program for suite in SUITES]
    return [program for program in programs if program.exists()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", default=list(SUITES), metavar="SUITE", help=" or ".join(SUITES))
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for them (default: %(default)s)")
    options = parser.parse_args()
    try:
        print(*prepare(options.suites, options.cache), sep="\n")
    except NotPossible as error:
        print(f"not possible: {error}", file=sys.stderr)
        return NOT_POSSIBLE
    return 0


if __name__ == "__main__":
    sys.exit(main())
