"""The rows of the check: what a device computes, beside the CPU, and how fast; what it does when memory runs short."""

from __future__ import annotations

import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from ..client.client import Client
from ..client.computer_check import Row
from ..client.launch import Launch
from ..core.errors import NO_MESSAGE, Message, Phrase, WorkerError, join_messages
from ..core.heights import normalise_depth
from ..core.image_io import encode_png
from ..core.map_types import MAP_TYPES
from ..core.maps import NUMPY_BACKEND, make_map
from ..core.normals import map_slopes, normal_map
from ..core.picture import Picture, Surface, Wrap
from ..core.protocol import Request
from ..core.settings import Settings
from ..worker.devices import auto_device, default_batch_size, describe_device, torch_version
from ..worker.engines import EngineInput
from ..worker.engines.depth_engine import SLOPE_PER_DEPTH
from ..worker.engines.midas import Midas
from ..worker.engines.midas.model import load_model
from ..worker.engines.midas.network import Network
from ..worker.engines.relief import WEIGHTS
from ..worker.engines.relief.architecture import read_weights
from ..worker.engines.relief.inference import infer
from ..worker.engines.relief.numpy_network import ReliefNetwork
from ..worker.engines.relief.torch_network import TorchReliefNetwork
from ..worker.torch_backend import torch_array_backend

NOT_MEASURED = Phrase("not measured")

WEIGHTS_TITLE = Phrase("Making weights for the check")
"""The title of the step before the checks."""

MAX_HALF_DEGREES, MAX_HALF_TAIL_DEGREES = 0.5, 3.0
"""Bars of half precision against float32 on the CPU: mean and 99.9th percentile of the angle between the normals."""

STEEPNESS = math.tan(math.radians(15))
"""Root mean square of the slopes at which normals are compared: the random weights' own are far from any map's."""

MAX_SLOPE_DIFFERENCE = 1e-3
MAX_MAP_STEPS = 8
"""Bar of the maps that torch makes against numpy's: steps of 16 bits."""

MAX_KEPT_SHARE = 0.05
"""Bar of the device's memory that is kept after unloading, of what was taken."""

LIMIT_BYTES = 1_500_000_000
"""What torch's allocator may take besides where memory is limited: too little for a pass at 2048."""

REQUEST_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Plan:
    """What is measured: weights for MiDaS, the device, sides of pictures and of maps in pixels, seconds for each timing."""

    weights: Path
    device: str
    sides: tuple[int, ...]
    map_side: int
    seconds: float

    @classmethod
    def quick(cls, weights: Path, device: str | None) -> Plan:
        return cls(weights, device or auto_device(), (256,), 256, 0.3)

    @classmethod
    def full(cls, weights: Path, device: str | None) -> Plan:
        return cls(weights, device or auto_device(), (512, 1024), 2048, 6.0)


def describe_computer(device: str) -> Message:
    """Describe the device and the versions of torch and Python."""
    return Phrase("{device}, torch {torch}, Python {python}", device=describe_device(device), torch=torch_version(),
                  python=platform.python_version())


def half_precision(plan: Plan) -> Iterator[Row]:
    """Compare normals in the device's own precision with those of float32 on the CPU."""
    side, surfaces = min(plan.sides), []
    for device, precision in (("cpu", "FLOAT32"), (plan.device, "AUTO")):
        with _network(plan, device) as network:
            depth = network.depth(_picture(side), _ignore, precision)
        surfaces.append(Surface(normalise_depth(depth)[0], SLOPE_PER_DEPTH, False, Wrap(), (side, side)))
    steepness = float(np.sqrt(np.square(map_slopes(surfaces[0], Settings())).sum(axis=0).mean()))
    settings = Settings(strength=STEEPNESS / steepness)
    normals = [np.stack(list(normal_map(surface, settings))).astype(np.float64) for surface in surfaces]
    degrees = np.degrees(np.arccos(np.clip((normals[0] * normals[1]).sum(axis=0), -1, 1)))
    mean, tail = float(degrees.mean()), float(np.percentile(degrees, 99.9))
    yield Row(Phrase("MiDaS in the device's precision / float32 on the CPU: mean angle"),
              Phrase("{angle:.3f} degrees", angle=mean), mean, mean <= MAX_HALF_DEGREES)
    yield Row(Phrase("... 99.9th percentile"), Phrase("{angle:.3f} degrees", angle=tail), tail,
              tail <= MAX_HALF_TAIL_DEGREES)


def throughput(plan: Plan) -> Iterator[Row]:
    """Measure MiDaS alone and in batches against the model as it is, in float32 and run eagerly."""
    count = max(2, default_batch_size(plan.device))
    eager = load_model(plan.weights).to(plan.device)
    for side in plan.sides:
        planes = torch.from_numpy(_picture(side)).permute(2, 0, 1)[None].to(plan.device) * 2 - 1
        plain = _seconds(plan, partial(_run_eagerly, eager, planes))
        pictures = np.stack([_picture(side, seed) for seed in range(count)])
        with _network(plan, plan.device) as network:
            alone = _seconds(plan, partial(network.depths, pictures[:1], _ignore))
            batch = _seconds(plan, partial(network.depths, pictures, _ignore)) / count
        yield Row(Phrase("MiDaS at {side}: eager float32 pass / ours", side=side), _rate(plain / alone, alone),
                  plain / alone)
        yield Row(Phrase("... in batches of {count}", count=count), _rate(plain / batch, batch), plain / batch)


def variants(plan: Plan) -> Iterator[Row]:
    """Measure a CUDA graph and torch.compile beside the model run eagerly, in half precision."""
    names = ("CUDA graph", "torch.compile")
    if plan.device != "cuda":
        yield from (Row(Phrase("MiDaS: eager half pass / {variant}", variant=name), NOT_MEASURED) for name in names)
        return
    side = max(plan.sides)
    model = load_model(plan.weights).to(plan.device).half()
    planes = torch.from_numpy(_picture(side)).permute(2, 0, 1)[None].to(plan.device).half() * 2 - 1
    eager = _seconds(plan, lambda: model(planes))
    graph = torch.cuda.CUDAGraph()
    with torch.inference_mode(), torch.cuda.graph(graph):
        model(planes)
    compiled = torch.compile(model)
    times = (_seconds(plan, graph.replay), _seconds(plan, lambda: compiled(planes)))
    for name, seconds in zip(names, times, strict=True):
        yield Row(Phrase("MiDaS at {side}: eager half pass / {variant}", side=side, variant=name),
                  Phrase("{ratio:.2f}", ratio=eager / seconds), eager / seconds)


def relief(plan: Plan) -> Iterator[Row]:
    """Compare the relief network on torch with numpy: slopes in float32, and the time in the device's precision."""
    side, weights = max(plan.sides), read_weights(WEIGHTS)
    picture, on_numpy = _picture(side), ReliefNetwork(weights)

    def run(network: ReliefNetwork | TorchReliefNetwork) -> np.ndarray:
        return infer(network, picture, Wrap(), lambda stage, share: None).full

    difference = float(np.abs(run(TorchReliefNetwork(weights, plan.device, "FLOAT32")) - run(on_numpy)).max())
    yield Row(Phrase("relief: torch in float32 / numpy, slopes differ at most"),
              Phrase("{difference}", difference=format(difference, ".1e")), difference, difference <= MAX_SLOPE_DIFFERENCE)
    on_torch = TorchReliefNetwork(weights, plan.device)
    numpy_seconds, torch_seconds = _seconds(plan, lambda: run(on_numpy)), _seconds(plan, lambda: run(on_torch))
    ratio = numpy_seconds / torch_seconds
    yield Row(Phrase("relief at {side}: numpy / torch", side=side),
              Phrase("{ratio:.2f} ({seconds:.2f} s)", ratio=ratio, seconds=torch_seconds), ratio)


def maps(plan: Plan) -> Iterator[Row]:
    """Compare the maps that torch makes with numpy's: values, and times with the transfers counted."""
    side = plan.map_side
    surface = Surface(_picture(side).mean(axis=2), 0.1, False, Wrap(), (side, side))
    backends = (NUMPY_BACKEND, torch_array_backend(plan.device))
    for map_type, facts in MAP_TYPES.items():
        by_numpy, by_torch = (make_map(map_type, surface, Settings(), backend) for backend in backends)
        largest = max(float(np.abs(one - other).max())
                      for one, other in zip(by_numpy.planes, by_torch.planes, strict=True))
        steps = largest * 65535 / (1.0 - by_numpy.low)
        label = Phrase(facts.label)
        yield Row(Phrase("{map}: torch / numpy", map=label), Phrase("{steps:.1f} steps of 16 bits at most", steps=steps),
                  steps, steps <= MAX_MAP_STEPS)
        times = [_seconds(plan, partial(make_map, map_type, surface, Settings(), backend))
                 for backend in backends]
        ratio = times[0] / times[1]
        yield Row(Phrase("{map} at {side}: numpy / torch", map=label, side=side),
                  Phrase("{ratio:.2f} ({seconds:.3f} s)", ratio=ratio, seconds=times[1]), ratio)


def limited_memory(plan: Plan) -> Iterator[Row]:
    """Make a surface while torch's allocator may have little memory: it must be made all the same, and say so."""
    name = Phrase("a surface where the device's memory is limited")
    if plan.device != "cuda":
        yield Row(name, NOT_MEASURED)
        return
    engine, picture = Midas(plan.weights.parent), Picture(_picture(2048))
    settings = Settings(engine="MIDAS", device="CUDA", resolution=2048)
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, (torch.cuda.memory_allocated() + LIMIT_BYTES) / whole))
    try:
        surface = engine.surface(EngineInput(picture, Wrap(), settings, lambda stage, share: None))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        engine.unload()
    notes = [note for note in surface.notes if "SHA-256" not in note]
    yield Row(name, Phrase("on {device}; {notes}", device=surface.device,
                           notes=join_messages(notes) if notes else Phrase("no note")), None, bool(notes))


def unloading(plan: Plan) -> Iterator[Row]:
    """Measure what torch's allocator keeps after the network is unloaded."""
    name = Phrase("device memory kept after unloading")
    if plan.device != "cuda":
        yield Row(name, NOT_MEASURED)
        return
    torch.cuda.empty_cache()
    before = torch.cuda.memory_reserved()
    with _network(plan, plan.device) as network:
        network.depth(_picture(512), _ignore)
        taken = torch.cuda.memory_reserved() - before
    kept = torch.cuda.memory_reserved() - before
    yield Row(name, Phrase("{kept:.0f} MB of {taken:.0f} MB", kept=kept / 1e6, taken=taken / 1e6), float(kept),
              kept <= MAX_KEPT_SHARE * taken)


def killed_worker(plan: Plan) -> Iterator[Row]:
    """Kill a worker that uses the device in the middle of a request: the next one must make the map."""
    with closing(Client()) as client:
        file = _prepare(plan, client)
        future = client.submit(_request(plan, file))
        while future.stage != "network" and future.outcome is None:
            client.sleep_and_pump()
        os.kill(client.worker.pid, 9)  # type: ignore[union-attr]
        try:
            client.wait(future, REQUEST_TIMEOUT_S)
            was_killed = False
        except WorkerError:
            was_killed = True
        file = _prepare(plan, client)
        device = client.wait(client.submit(_request(plan, file)), REQUEST_TIMEOUT_S).device
    value = (Phrase("the first was killed, the second made its map on {device}", device=device) if was_killed else
             Phrase("the first had made its map, the second made its map on {device}", device=device))
    yield Row(Phrase("a worker killed at work, and the next one"), value, None,
              was_killed and device.startswith(plan.device))


def two_workers(plan: Plan) -> Iterator[Row]:
    """Let two workers use the device at the same time."""
    with closing(Client()) as one, closing(Client()) as other:
        clients = (one, other)
        futures = [client.submit(_request(plan, _prepare(plan, client))) for client in clients]
        devices = [client.wait(future, REQUEST_TIMEOUT_S).device for client, future in zip(clients, futures, strict=True)]
    yield Row(Phrase("two workers at once"), Phrase("maps on {one} and {other}", one=devices[0], other=devices[1]), None,
              all(device.startswith(plan.device) for device in devices))


@dataclass(frozen=True)
class Check:
    """A part of the check: what it is about, and the function that measures its rows."""

    title: Message
    measure: Callable[[Plan], Iterator[Row]]

    def rows(self, plan: Plan) -> Iterator[Row]:
        """Yield the rows as soon as they are measured; where that fails, the last one says how."""
        try:
            yield from self.measure(plan)
        except Exception as error:  # noqa: BLE001 - whatever a driver raises is a result of this program
            yield Row(self.title, Phrase("failed: {error}", error=repr(error)[:300]), None, False)


CHECKS = (
    Check(Phrase("Half precision"), half_precision),
    Check(Phrase("Throughput"), throughput),
    Check(Phrase("CUDA graph and torch.compile"), variants),
    Check(Phrase("The relief network on torch"), relief),
    Check(Phrase("Maps on torch"), maps),
    Check(Phrase("Limited memory"), limited_memory),
    Check(Phrase("Memory given back"), unloading),
    Check(Phrase("A worker that is killed"), killed_worker),
    Check(Phrase("Two workers at once"), two_workers),
)


def _prepare(plan: Plan, client: Client) -> Path:
    """Start the client's worker where none runs, and return a picture file for it."""
    launch = Launch(sys.executable, plan.weights.parent, NO_MESSAGE, 600.0, plan.weights.with_name("worker.log"))
    client.prepare(launch)
    file = plan.weights.with_name("picture.png")
    file.write_bytes(encode_png(np.rint(_picture(max(plan.sides)) * 255).astype(np.uint8), compress=False))
    return file


def _request(plan: Plan, file: Path) -> Request:
    settings = Settings(engine="MIDAS", device=plan.device.upper(), resolution=max(plan.sides), strength=0.5)
    return Request(settings.to_dict(), picture=str(file))


@contextmanager
def _network(plan: Plan, device: str) -> Iterator[Network]:
    network = Network(plan.weights.parent)
    network.move(device)
    try:
        yield network
    finally:
        network.close()


def _seconds(plan: Plan, call: Callable[[], object]) -> float:
    """Return the median time of a call within the plan's seconds, after one that does not count."""
    times: list[float] = []
    began = None
    with torch.inference_mode():
        while began is None or time.perf_counter() - began < plan.seconds:
            start = time.perf_counter()
            call()
            if plan.device != "cpu":
                getattr(torch, plan.device).synchronize()
            if began is not None:
                times.append(time.perf_counter() - start)
            began = began or time.perf_counter()
    return statistics.median(times)


def _rate(ratio: float, seconds: float) -> Message:
    return Phrase("{ratio:.2f} ({rate:.2f} a second)", ratio=ratio, rate=1 / seconds)


def _run_eagerly(model: torch.nn.Module, planes: torch.Tensor) -> torch.Tensor:
    return model(planes).float().cpu()


def _picture(side: int, seed: int = 0) -> np.ndarray:
    """Return side x side x 3 float32, 0..1: noise over waves of several lengths."""
    y, x = np.mgrid[:side, :side].astype(np.float32) / side
    waves = np.stack([np.sin(9 * x * y + seed), np.cos(7 * x - seed), np.hypot(x, y)], axis=2) * 0.3 + 0.5
    noise = np.random.default_rng(seed).random(waves.shape, np.float32) * 0.4 - 0.2
    return np.clip(waves + noise, 0, 1).astype(np.float32)


def _ignore(share: float) -> None:
    """Nobody waits for the progress."""
