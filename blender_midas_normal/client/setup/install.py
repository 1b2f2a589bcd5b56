"""Install the MiDaS environment: a venv, uv in it, and with uv the pinned packages; explain the failures of these steps."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import Cancelled, InstallError, Message, Phrase, join_messages
from ...core.files import exists
from ..child_process import CompletedProcess, run_process
from ..locks import file_lock
from . import ProgressEvent
from .environment import (
    ALONE_ENDING,
    PARTS,
    REQUIREMENTS,
    Environment,
    EnvironmentState,
    Marker,
    check_is_ours,
    environment_status,
    fingerprint,
    free_space,
    read_marker,
    remove_contents,
    requirements_of,
    size_on_disk,
    write_marker,
)
from .interpreters import probe_interpreter

_UNREACHABLE = re.compile(
    r"error sending request|dns error|failed to lookup address|Temporary failure in name resolution"
    r"|Name or service not known|getaddrinfo failed|NewConnectionError|ConnectTimeout|ReadTimeout"
    r"|ProxyError|tunnel error|Connection (refused|reset)"
    r"|Network is unreachable|operation timed out|error: Failed to fetch|Request failed after"
    r"|HTTP status (server error|client error \(40[37])"
    r"|\(from versions: none\)",  # pip without retries prints this only for an index that it cannot reach
    re.IGNORECASE)

_HINTS = tuple((re.compile(pattern, re.IGNORECASE), advice) for pattern, advice in (
    (r"No space left|not enough space|os error 112|Disk quota exceeded",
     Message("The drive is full: free some space or choose a folder on another drive, then install again.")),
    (r"WinError 206|os error 206|path (is )?too long|filename or extension is too long|MAX_PATH",
     Message("The paths become too long for Windows: choose a folder with a short name such as C:\\midas, or enable long "
             "paths.")),
    (r"ensurepip is not available|No module named '?(ensurepip|venv)",
     Message("This Python cannot make environments: install python3-venv (Debian, Ubuntu), or choose another Python.")),
    (r"certificate|SSLError|UnknownIssuer|SSL_",
     Message("The server's certificate is not trusted, often because of a proxy or a virus scanner: set UV_SYSTEM_CERTS=1, "
             "or SSL_CERT_FILE to your company's certificates, and start Blender again.")),
    (_UNREACHABLE.pattern,
     Message("The package index cannot be reached: check the connection and any firewall; behind a proxy set HTTPS_PROXY.")),
    (r"No solution found|No matching distribution|no wheels? with a matching|not a supported wheel"
     r"|requires a different Python",
     Message("A package has no build for this Python or this system: choose a 64-bit Python 3.10 to 3.13 (on a Mac, macOS "
             "14 or later on Apple silicon).")),
    (r"Permission denied|Access is denied|Operation not permitted|Read-only file system|WinError (5|32)\b"
     r"|os error (13|5)\b",
     Message("A file cannot be written: choose a folder that belongs to you, and end every Blender that uses MiDaS.")),
))

PART_BYTES = {"midas": {"cpu": 1_050_000_000, "": 4_920_000_000}, "node": {"": 380_000_000},
              "depth-anything": {"": 110_000_000}, "moge": {"": 280_000_000}}
"""Bytes that each part takes, by torch's build where that makes a difference: measured with du on Linux, of torch 2.13.0's
build for CPUs and of the default one, for CUDA 13."""

SPACE_MARGIN = 1.2
"""Share of free space that an installation needs of what it takes in the end: wheels are unpacked beside it on the way."""

TORCH_BUILD_PATTERN = re.compile(r"auto|registry|cpu|xpu|cu\d+|rocm\d+(\.\d+)*")
"""Matches the names of PyTorch's builds: those of uv, and `registry` for the default build of the package index."""

CUDA_12_BUILD = "cu126"
"""The last build of torch with kernels for cards below MIN_CAPABILITY_CUDA_13: Maxwell, Pascal and Volta."""

MIN_CAPABILITY_CUDA_12, MIN_CAPABILITY_CUDA_13 = (5, 0), (7, 5)
"""Least compute capabilities of torch's builds for CUDA 12 and for CUDA 13, its default, which begins with Turing."""

NVIDIA_SMI_QUERY = ("nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader")
NVIDIA_SMI_TIMEOUT_S = 20.0
"""Seconds that NVIDIA's program may take, which has to wake sleeping cards."""

STEP_COUNT = 6

_UNITS = {"K": 1e3, "M": 1e6, "G": 1e9}


def failure_hint(output: str) -> Message:
    """Return a sentence on what the user can do about a failure, by the output of the failed step."""
    for pattern, sentence in _HINTS:
        if pattern.search(output):
            return sentence
    return Message("The last lines of its output say why; installing again goes on from here.")


def index_unreachable(output: str) -> bool:
    """Tell from the output of a failed step whether a package index could not be reached."""
    return bool(_UNREACHABLE.search(output))


PACKAGE_LOADER = Path(__file__).resolve().parents[2] / "standalone.py"


CHECK_PROGRAM = f"""
import importlib, runpy, torch, OpenImageIO
package = runpy.run_path({str(PACKAGE_LOADER)!r})["load_package"]()
devices = importlib.import_module(package + ".worker.devices")
importlib.import_module(package + ".worker.engines.midas.network")
print(f"PyTorch {{torch.__version__}} works on {{devices.describe_device()}}. {{devices.device_problem()}}".strip())
"""
"""Imports what a worker with MiDaS imports, and tries the devices as it does: one on which no kernel runs is not named."""

CHECK_NODE_PROGRAM = """
import torch, torchvision
boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.1], [5.0, 5.0, 6.0, 6.0]])
kept = torchvision.ops.nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5)
assert kept.tolist() == [0, 2], kept
from controlnet_aux import MidasDetector
"""
"""The checking program of the part node: it runs a compiled operation of torchvision, which fails when torch has another
build."""

PART_CHECKS = {"node": CHECK_NODE_PROGRAM, "depth-anything": "from transformers import AutoModelForDepthEstimation\n",
               "moge": "from moge.model.v2 import MoGeModel\n", "midas": CHECK_PROGRAM}
"""The checking program of each of PARTS; MiDaS's is the last one, whose line is shown."""


def space_of_parts(parts: Sequence[str], backend: str) -> int:
    """Return the bytes that parts of the MiDaS environment take with a build of torch; the larger one where that is open."""
    return sum(PART_BYTES[part].get(backend, PART_BYTES[part][""]) for part in parts)


@dataclass(frozen=True)
class InstallRecipe:
    """What is installed and how it is checked.

    Attributes:
        requirements: requirements files of the packages.
        check: a Python program that must succeed in the environment; its last line is shown to the user.
        space: bytes that the environment may take while it is installed.
        title: what it is called in messages.
        parts: those of PARTS that it has; none where it is not the MiDaS environment.
        uv: requirements file of uv.
    """

    requirements: tuple[Path, ...]
    check: str
    space: int
    title: Phrase
    parts: tuple[str, ...] = ()
    uv: Path = REQUIREMENTS / "uv.txt"


def midas_recipe(parts: Sequence[str], backend: str) -> InstallRecipe:
    """Return the recipe of a MiDaS environment with some of PARTS."""
    ordered = tuple(part for part in PARTS if part in parts)
    check = "".join(program for part, program in PART_CHECKS.items() if part in ordered)
    return InstallRecipe(requirements_of(ordered), check, round(space_of_parts(ordered, backend) * SPACE_MARGIN),
                         Phrase("PyTorch and the packages for MiDaS"), ordered)


class StepFailed(InstallError):
    """The process of a step failed.

    Attributes:
        output: the last lines of its output.
    """

    def __init__(self, failure: Message, output: str, advice: Message | None = None) -> None:
        """Create the exception.

        Args:
            failure: what failed.
            advice: what the user can do; None to derive it from the output.
        """
        super().__init__(join_messages((failure, advice or failure_hint(output))))
        self.output = output


def install(environment: Environment, base_python: Path, backend: str, report: Callable[[ProgressEvent], None],
            recipe: InstallRecipe, cancelled: Callable[[], bool] = lambda: False) -> tuple[Message, ...]:
    """Install, complete or repair the environment; installing again continues an interrupted installation.

    An environment that is ready stays so while parts are added, whether that succeeds or not.

    Args:
        base_python: the interpreter to make it from.
        backend: the build of PyTorch, see TORCH_BUILD_PATTERN.  With `auto` uv chooses it by the graphics card's driver;
            where PyTorch's own index cannot be reached, `auto` means `registry`.  For cards that are too old for the build
            that these give, both mean CUDA_12_BUILD.
        report: called with each step.
        cancelled: called often; the installation stops when it returns true.

    Returns:
        Notes for the user.

    Raises:
        InstallError: the environment cannot be installed; StepFailed where a step's process failed.
        Cancelled: `cancelled()` returned true.
    """
    if not TORCH_BUILD_PATTERN.fullmatch(backend):
        raise InstallError("PyTorch has no build {backend!r}; choose auto, registry, cpu, xpu, cu<number> or rocm<number>.",
                           backend=backend)
    installation = Installation(environment, recipe, report, cancelled)
    check_is_ours(environment)
    try:
        installation.check_space()
        environment.folder.mkdir(parents=True, exist_ok=True)
        with file_lock(environment.lock, InstallError):
            return installation.run(base_python, backend)
    except Cancelled:
        raise Cancelled("The installation was cancelled; installing again goes on from here.") from None
    except OSError as error:
        raise StepFailed(Message("The installation in {folder} failed: {reason}.", folder=environment.folder, reason=error),
                         str(error)) from error


def check(environment: Environment, report: Callable[[ProgressEvent], None], recipe: InstallRecipe,
          cancelled: Callable[[], bool] = lambda: False) -> str:
    """Run the checking program in an installed environment and return the last line of its output.

    Raises:
        InstallError: the environment is not ready, or its packages do not work together.
    """
    status = environment_status(environment, recipe.requirements)
    if status.state is not EnvironmentState.READY:
        raise InstallError(status.sentence)
    return Installation(environment, recipe, report, cancelled).check_packages()


@dataclass(frozen=True)
class Installation:
    """One installation; its methods are the steps."""

    environment: Environment
    recipe: InstallRecipe
    report: Callable[[ProgressEvent], None]
    cancelled: Callable[[], bool]

    @property
    def packages(self) -> Phrase:
        """The title of step 4."""
        return Phrase("Installing {title}", title=self.recipe.title)

    def run(self, base_python: Path, backend: str) -> tuple[Message, ...]:
        """Carry out steps 2 to 6, while the environment is locked; return notes for the user."""
        before = read_marker(self.environment)
        base = probe_interpreter([str(base_python)], self.cancelled)
        build = choose_torch_build(backend, self.cancelled)
        marker = Marker(fingerprint(self.recipe.requirements), str(base.path), base.label, build,
                        parts=" ".join(self.recipe.parts))
        reusable = before is not None and before.state != "broken" and (
            (before.base, before.version, before.backend) == (marker.base, marker.version, marker.backend))
        is_addition = before is not None and reusable and self.only_adds_to(before)
        if not is_addition:
            write_marker(self.environment, marker)
        self.make_venv(base.path, reusable)
        self.install_uv()
        notes = self.install_packages(build, allow_other_index=backend in ("auto", "registry"))
        try:
            installed = self.check_packages()
        except StepFailed:
            if not is_addition:
                write_marker(self.environment, dataclasses.replace(marker, state="broken"))
            raise
        self.finish(dataclasses.replace(marker, installed=installed, state="complete"))
        return notes

    def only_adds_to(self, before: Marker) -> bool:
        """Whether the environment is complete and keeps its packages: the same pins are installed, and others besides."""
        parts = before.parts.split()
        return (before.state == "complete" and set(parts) < set(self.recipe.parts)
                and before.requirements == fingerprint(requirements_of(parts)))

    def report_progress(self, number: int, title: Phrase, detail: str = "", share: float | None = None) -> None:
        """Report a step; see `ProgressEvent` for the arguments."""
        self.report(ProgressEvent(number, STEP_COUNT, title, detail, share))

    def run_python(self, command: Sequence[str], on_line: Callable[[str], None] = lambda line: None) -> CompletedProcess:
        """Run a program with the environment's Python, without the user's own settings and packages."""
        return run_process([str(self.environment.python), "-I", *command], on_line, self.cancelled)

    def check_space(self) -> None:
        """Carry out step 1: raise InstallError where the drive has too little free space."""
        folder = self.environment.folder
        title = Phrase("Checking the free space")
        self.report_progress(1, title)
        if environment_status(self.environment, self.recipe.requirements).state is EnvironmentState.READY:
            return
        needed = self.recipe.space - size_on_disk(folder)
        free = free_space(folder)
        if free < needed:
            raise InstallError("{folder} needs {needed:.1f} GB more, but only {free:.1f} GB are free on its drive; free "
                               "some space or choose a folder on another drive.", folder=folder, needed=needed / 1e9,
                               free=free / 1e9)
        self.report_progress(1, title, Message("{free:.0f} GB are free.", free=free / 1e9), 1.0)

    def make_venv(self, base: Path, reusable: bool) -> None:
        """Carry out step 2: make a virtual environment with pip.

        Args:
            base: the interpreter to make it from.
            reusable: whether an existing one can be used, as it was made from the same interpreter for the same build.
        """
        title = Phrase("Making the Python environment")
        self.report_progress(2, title, Phrase("From {source}", source=base))
        if reusable and exists(self.environment.python) and self.run_python(["-c", "import pip"]).code == 0:
            self.report_progress(2, title, Message("It is there already."), 1.0)
            return
        remove_contents(self.environment)
        ended = run_process([str(base), "-I", "-m", "venv", "--without-pip", str(self.environment.folder)],
                            cancelled=self.cancelled)
        if ended.code == 0:  # venv would do the same, but hide pip's output
            ended = self.run_python(["-m", "ensurepip", "--upgrade", "--default-pip"])
        if ended.code != 0:
            raise StepFailed(Message("{python} could not make an environment in {folder}.", python=base,
                                     folder=self.environment.folder), ended.tail)

    def install_uv(self) -> None:
        """Carry out step 3: install uv with pip."""
        title = Phrase("Installing the installer uv")
        self.report_progress(3, title)
        command = ["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off",
                   "-r", str(self.recipe.uv)]
        ended = self.run_python(command, lambda line: self.report_progress(3, title, line.strip()))
        if ended.code != 0:
            raise StepFailed(Message("The installer uv could not be installed."), ended.tail)

    def install_packages(self, build: str, allow_other_index: bool) -> tuple[Message, ...]:
        """Carry out step 4: install the pinned packages with uv; return notes for the user.

        Args:
            build: see TORCH_BUILD_PATTERN.
            allow_other_index: whether to use the package index's build where PyTorch's own index cannot be reached.
        """
        files = self.recipe.requirements
        alone = [file for file in files if file.name.endswith(ALONE_ENDING)]
        usual = [file for file in files if file not in alone]
        ended = self.uv(build, usual)
        notes: tuple[Message, ...] = ()
        if ended.code != 0 and build != "registry" and allow_other_index and index_unreachable(ended.tail):
            notes = (Message("PyTorch's own index cannot be reached, so its build was taken from the package index "
                             "instead."),)
            if build == CUDA_12_BUILD:
                notes += (Message("It does not know this graphics card; install again where that index can be reached."),)
            self.report_progress(4, self.packages, join_messages(notes))
            ended = self.uv("registry", usual)
        if ended.code == 0 and alone:
            ended = self.uv("registry", alone, "--no-deps")
        if ended.code != 0:
            raise StepFailed(Message("{title} could not be installed.", title=self.recipe.title), ended.tail)
        return notes

    def uv(self, backend: str, requirements: Sequence[Path], *options: str) -> CompletedProcess:
        """Install packages with uv, reporting its downloads."""
        command = ["-m", "uv", "pip", "install", "--python", str(self.environment.python), "--color", "never", *options,
                   *(word for file in requirements for word in ("-r", str(file)))]
        if backend != "registry":
            command.append(f"--torch-backend={backend}")
        # A cache in the folder is on the same drive, survives an interruption and is removed with the environment; the
        # user's own choice of a cache has precedence.
        if not os.environ.get("UV_CACHE_DIR"):
            command += ["--cache-dir", str(self.environment.cache)]
        downloads = DownloadProgress()
        self.report_progress(4, self.packages)
        return self.run_python(command, lambda line: self.report_progress(4, self.packages, *downloads.update(line)))

    def check_packages(self) -> str:
        """Carry out step 5: run the checking program; return the last line of its output."""
        title = Phrase("Checking that the packages work together")
        self.report_progress(5, title)
        ended = self.run_python(["-c", self.recipe.check])
        if ended.code != 0:
            raise StepFailed(Message("The installed packages do not work together."), ended.tail,
                             Message("Install again, with another build of PyTorch if it keeps failing."))
        self.report_progress(5, title, ended.last_line, 1.0)
        return ended.last_line

    def finish(self, marker: Marker) -> None:
        """Carry out step 6: remove the cache and mark the environment as complete."""
        title = Phrase("Finishing")
        self.report_progress(6, title)
        shutil.rmtree(self.environment.cache, ignore_errors=True)
        write_marker(self.environment, marker)
        self.report_progress(6, title, Message("All is there."), 1.0)


def choose_torch_build(backend: str, cancelled: Callable[[], bool] = lambda: False) -> str:
    """Return the build of torch to install: CUDA_12_BUILD where `auto` or `registry` would give one without kernels.

    That is where all of NVIDIA's cards are too old for CUDA 13; of several cards, a newer one would be used.
    """
    if backend not in ("auto", "registry"):
        return backend
    capabilities = compute_capabilities(cancelled)
    is_old = all(MIN_CAPABILITY_CUDA_12 <= capability < MIN_CAPABILITY_CUDA_13 for capability in capabilities)
    return CUDA_12_BUILD if capabilities and is_old else backend


def compute_capabilities(cancelled: Callable[[], bool] = lambda: False) -> list[tuple[int, int]]:
    """Return (major, minor) of each NVIDIA card, from its driver's program; [] where there is no such program."""
    try:
        ended = run_process(NVIDIA_SMI_QUERY, cancelled=cancelled, seconds=NVIDIA_SMI_TIMEOUT_S)
    except (OSError, TimeoutError):
        return []
    matches = [re.fullmatch(r"(\d+)\.(\d+)", line.strip()) for line in ended.tail.splitlines()] if ended.code == 0 else []
    return [(int(match[1]), int(match[2])) for match in matches if match]


class DownloadProgress:
    """The progress of uv's downloads, parsed from its lines "Downloading name (size)" and "Downloaded name"."""

    def __init__(self) -> None:
        self._sizes: dict[str, float] = {}
        self._finished = 0.0
        self._share = 0.0
        self._started = time.monotonic()

    def update(self, line: str) -> tuple[str, float | None]:
        """Return (text for the user, downloaded share of the announced bytes, 0..1) after a line; None before the first."""
        if match := re.match(r"\s*Downloading (\S+) \(([\d.]+) ?([KMG])iB\)", line):
            self._sizes[match[1]] = float(match[2]) * _UNITS[match[3]]
        elif match := re.match(r"\s*Downloaded (\S+)", line):
            self._finished += self._sizes.get(match[1], 0.0)
        if not self._sizes:
            return line.strip(), None
        # uv announces more downloads while it works; the share must not decrease then.
        self._share = max(self._share, min(1.0, self._finished / sum(self._sizes.values())))
        return self._describe(line.strip()), self._share

    def _describe(self, line: str) -> Phrase:
        """Add the downloaded and announced amounts and the speed to a line."""
        speed = self._finished / max(time.monotonic() - self._started, 0.1)
        return Phrase("{line}, {done:.0f} of {whole:.0f} MB, {speed:.1f} MB/s", line=line, done=self._finished / 1e6,
                      whole=sum(self._sizes.values()) / 1e6, speed=speed / 1e6)
