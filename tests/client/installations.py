"""What tests of the installation share: wheels without content, and recipes that install them."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

from blender_midas_normal.client.setup.environment import Environment
from blender_midas_normal.client.setup.install import InstallRecipe
from blender_midas_normal.core.errors import Phrase


def write_wheel(folder: Path, name: str, version: str) -> None:
    """Write a wheel with one module that knows its version."""
    info = f"{name}-{version}.dist-info"
    files = {f"{name}.py": f"VERSION = {version!r}\n",
             f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
             f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)


def make_recipe(wheels: Path, tmp_path: Path, pin: str = "midasprobe==1.0",
                check: str = "import midasprobe; print('version', midasprobe.VERSION)") -> InstallRecipe:
    """Make a recipe that installs the pinned package from a folder of wheels."""
    path = tmp_path / "requirements.txt"
    path.write_text(f"--no-index\n--find-links {wheels}\n{pin}\n")
    return InstallRecipe((path,), check, 10**8, Phrase("midasprobe"))


def run_python(environment: Environment, program: str) -> str:
    """Run a program in the environment; return what it prints."""
    ended = subprocess.run([environment.python, "-I", "-c", program], capture_output=True, text=True, check=True)
    return ended.stdout.strip()


def add_stray_file(environment: Environment) -> Path:
    """Write a file that stays only when the environment is not made anew; return its path."""
    path = Path(run_python(environment, "import midasprobe; print(midasprobe.__file__)")).with_name("stays.txt")
    path.write_text("")
    return path
