"""The rows of the check: what a device computes, beside the CPU, and how fast; what it does when memory runs short."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from ..client.client import Client
from ..client.computer_check import Row
from ..client.launch import Launch
from ..core.errors import NO_MESSAGE, Message, Phrase, WorkerError, join_messages
from ..core.image_io import encode_png
from ..core.map_types import MAP_TYPES
from ..core.maps import NUMPY_BACKEND, make_map
from ..core.picture import Picture, Surface, Wrap
from ..core.protocol import Request
from ..core.settings import Settings
from ..worker.devices import default_batch_size, describe_device, torch_version
from ..worker.engines import EngineInput
from ..worker.engines.depth_engine import BYTES_PER_PIXEL
from ..worker.engines.midas import Midas
from ..worker.engines.midas.model import load_model
from ..worker.engines.relief import WEIGHTS
from ..worker.engines.relief.architecture import read_weights
from ..worker.engines.relief.inference import infer
from ..worker.engines.relief.numpy_network import ReliefNetwork
from ..worker.engines.relief.torch_network import TorchReliefNetwork
from ..worker.outputs import MAP_DEVICES
from ..worker.torch_backend import torch_array_backend
from .measurement import NOT_MEASURED, Plan, degrees_between, ignore_progress, make_picture, open_network, time_call
from .network_variants import variants

WEIGHTS_TITLE = Phrase("Making weights for the check")
"""The title of the step before the checks."""

MAX_HALF_DEGREES, MAX_HALF_TAIL_DEGREES = 0.5, 3.0
"""Bars of half precision against float32 on the CPU: mean and 99.9th percentile of the angle between the normals."""

MAX_SLOPE_DIFFERENCE = 1e-3
MAX_MAP_STEPS = 8
"""Bar of the maps that torch makes against numpy's: steps of 16 bits."""

MAX_KEPT_SHARE = 0.05
"""Bar of the device's memory that is kept after unloading, of what was taken."""

LIMIT_BYTES = 1_500_000_000
"""What torch's allocator may take besides where memory is limited: too little for a pass at 2048."""

REQUEST_TIMEOUT_S = 120.0


def describe_computer(device: str) -> Message:
    """Describe the device and the versions of torch and Python."""
    return Phrase("{device}, torch {torch}, Python {python}", device=describe_device(device), torch=torch_version(),
                  python=platform.python_version())


def half_precision(plan: Plan) -> Iterator[Row]:
    """Compare normals in the device's own precision with those of float32 on the CPU."""
    side, depths = min(plan.sides), []
    for device, precision in (("cpu", "FLOAT32"), (plan.device, "AUTO")):
        with open_network(plan, device) as network:
            depths.append(network.depth(make_picture(side), ignore_progress, precision))
    degrees = degrees_between(*depths)
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
        planes = torch.from_numpy(make_picture(side)).permute(2, 0, 1)[None].to(plan.device) * 2 - 1
        plain = time_call(plan, partial(_run_eagerly, eager, planes))
        pictures = np.stack([make_picture(side, seed) for seed in range(count)])
        with open_network(plan, plan.device) as network:
            alone = time_call(plan, partial(network.depths, pictures[:1], ignore_progress))
            batch = time_call(plan, partial(network.depths, pictures, ignore_progress)) / count
        yield Row(Phrase("MiDaS at {side}: eager float32 pass / ours", side=side), _rate(plain / alone, alone),
                  plain / alone)
        yield Row(Phrase("... in batches of {count}", count=count), _rate(plain / batch, batch), plain / batch)


def relief(plan: Plan) -> Iterator[Row]:
    """Compare the relief network on torch with numpy: slopes in float32, and the time in the device's precision."""
    side, weights = max(plan.sides), read_weights(WEIGHTS)
    picture, on_numpy = make_picture(side), ReliefNetwork(weights)

    def run(network: ReliefNetwork | TorchReliefNetwork) -> np.ndarray:
        return infer(network, picture, Wrap(), lambda stage, share: None).full

    difference = float(np.abs(run(TorchReliefNetwork(weights, plan.device, "FLOAT32")) - run(on_numpy)).max())
    yield Row(Phrase("relief: torch in float32 / numpy, slopes differ at most"),
              Phrase("{difference}", difference=format(difference, ".1e")), difference, difference <= MAX_SLOPE_DIFFERENCE)
    on_torch = TorchReliefNetwork(weights, plan.device)
    numpy_seconds, torch_seconds = time_call(plan, lambda: run(on_numpy)), time_call(plan, lambda: run(on_torch))
    ratio = numpy_seconds / torch_seconds
    yield Row(Phrase("relief at {side}: numpy / torch", side=side),
              Phrase("{ratio:.2f} ({seconds:.2f} s)", ratio=ratio, seconds=torch_seconds), ratio)


def maps(plan: Plan) -> Iterator[Row]:
    """Compare the maps that torch makes with numpy's: values, and times with the transfers counted."""
    if plan.device not in ("cpu", *MAP_DEVICES):
        yield Row(Phrase("maps: torch / numpy"), NOT_MEASURED)
        return
    side = plan.map_side
    surface = Surface(make_picture(side).mean(axis=2), 0.1, False, Wrap(), (side, side))
    backends = (NUMPY_BACKEND, torch_array_backend(plan.device))
    for map_type, facts in MAP_TYPES.items():
        by_numpy, by_torch = (make_map(map_type, surface, Settings(), backend) for backend in backends)
        largest = max(float(np.abs(one - other).max())
                      for one, other in zip(by_numpy.planes, by_torch.planes, strict=True))
        steps = largest * 65535 / (1.0 - by_numpy.low)
        label = Phrase(facts.label)
        yield Row(Phrase("{map}: torch / numpy", map=label), Phrase("{steps:.1f} steps of 16 bits at most", steps=steps),
                  steps, steps <= MAX_MAP_STEPS)
        times = [time_call(plan, partial(make_map, map_type, surface, Settings(), backend))
                 for backend in backends]
        ratio = times[0] / times[1]
        yield Row(Phrase("{map} at {side}: numpy / torch", map=label, side=side),
                  Phrase("{ratio:.2f} ({seconds:.3f} s)", ratio=ratio, seconds=times[1]), ratio)


def limited_memory(plan: Plan) -> Iterator[Row]:
    """Make a surface while torch's allocator may have little memory: the device must do it in smaller pieces, and say so."""
    name = Phrase("a surface where the device's memory is limited")
    if plan.device != "cuda":
        yield Row(name, NOT_MEASURED)
        return
    engine, picture = Midas(plan.weights.parent), Picture(make_picture(2048))
    settings = Settings(engine="MIDAS", device="CUDA", resolution=2048)
    torch.cuda.empty_cache()
    whole = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, (torch.cuda.memory_allocated() + LIMIT_BYTES) / whole))
    try:
        surface = engine.surface(EngineInput(picture, Wrap(), settings, lambda stage, share: None))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        engine.unload()
    notes = [note for note in surface.notes if "SHA-256" not in note]
    yield Row(name, Phrase("on {device}; {notes}", device=surface.device,
                           notes=join_messages(notes) if notes else Phrase("no note")), None,
              bool(notes) and surface.device == "cuda")


def memory_of_a_pass(plan: Plan) -> Iterator[Row]:
    """Measure what a pass takes at most, by which the worker decides how large a pass may be."""
    side = max(plan.sides)
    name = Phrase("device memory of a pass at {side}", side=side)
    if plan.device != "cuda":
        yield Row(name, NOT_MEASURED)
        return
    with open_network(plan, plan.device) as network:
        network.depth(make_picture(64), ignore_progress)  # loads it
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        network.depth(make_picture(side), ignore_progress)
        taken = (torch.cuda.max_memory_allocated() - before) / side ** 2
    yield Row(name, Phrase("{count:.0f} bytes a pixel", count=taken), taken, taken <= BYTES_PER_PIXEL)


def unloading(plan: Plan) -> Iterator[Row]:
    """Measure what torch's allocator keeps after the network is unloaded."""
    name = Phrase("device memory kept after unloading")
    if plan.device != "cuda":
        yield Row(name, NOT_MEASURED)
        return
    torch.cuda.empty_cache()
    before = torch.cuda.memory_reserved()
    with open_network(plan, plan.device) as network:
        network.depth(make_picture(512), ignore_progress)
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
    Check(Phrase("Other ways to run MiDaS"), variants),
    Check(Phrase("The relief network on torch"), relief),
    Check(Phrase("Maps on torch"), maps),
    Check(Phrase("Memory of a pass"), memory_of_a_pass),
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
    file.write_bytes(encode_png(np.rint(make_picture(max(plan.sides)) * 255).astype(np.uint8), compress=False))
    return file


def _request(plan: Plan, file: Path) -> Request:
    settings = Settings(engine="MIDAS", device=plan.device.upper(), resolution=max(plan.sides), strength=0.5)
    return Request(settings.to_dict(), picture=str(file))


def _rate(ratio: float, seconds: float) -> Message:
    return Phrase("{ratio:.2f} ({rate:.2f} a second)", ratio=ratio, rate=1 / seconds)


def _run_eagerly(model: torch.nn.Module, planes: torch.Tensor) -> torch.Tensor:
    return model(planes).float().cpu()
