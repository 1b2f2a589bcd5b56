"""Batches of pictures in the MiDaS network: each picture has the result that it has alone."""

from __future__ import annotations

import types
from dataclasses import replace
from itertools import count, groupby
from types import SimpleNamespace

import numpy as np
import pytest

from blender_midas_normal.core.protocol import Request, Result
from blender_midas_normal.core.settings import Settings, preset
from blender_midas_normal.worker import devices, outputs, request_loop
from blender_midas_normal.worker.engines import depth_engine, midas, network_engine
from tests.requests_for_tests import noise, write_pixels
from tests.worker.in_process_worker import InProcessWorker
from tests.worker.worker_process import WorkerProcess, normals

pytest.importorskip("cv2")

PLAIN = Settings(engine="MIDAS", device="CPU", tileable="OFF", resolution=64, strength=0.2, precision="FLOAT32")
LONG = replace(PLAIN, resolution=256)
"""Its pass is still going on when a cancellation arrives that was sent at its first step."""
RAW = replace(preset("NODE"), device="CPU", resolution=64)


SEEDS = count()


class Network:
    """Stands in for MiDaS's network: brightness as depth; it fails where it sees more pictures at once than `largest`."""

    def __init__(self, largest=99):
        self.device, self.largest, self.on_pass = "cpu", largest, lambda: None
        self.passes, self.finished = [], []

    def move(self, device):
        self.device = device

    def free(self):
        """Nothing is kept."""

    def depths(self, pictures, on_progress, precision):
        self.passes.append(len(pictures))
        if len(pictures) > self.largest:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.on_pass()
        on_progress(0.5)
        self.finished.append(len(pictures))
        return pictures.mean(axis=3) * np.float32(100)

    def node_depth(self, picture, resolution, on_progress):
        return picture.mean(axis=2).astype(np.float32)


class BatchWorker(InProcessWorker):
    """With this network, and pictures read ahead."""

    network = None

    def __init__(self, folder, network, batch=0):
        super().__init__(folder, "", batch)
        BatchWorker.network = network
        self.reader.read_ahead(9)

    def job(self, number, size=(48, 64), settings=PLAIN, cancelled=False):
        pixels = write_pixels(self.folder / f"pixels{number}", noise(*size, seed=number))
        return self.submit(Request(settings.to_dict(), id=number, pixels=pixels), cancelled)


@pytest.fixture(autouse=True)
def computer(request, monkeypatch):
    """One that has every device, and memory for any pass."""
    if "midas" in request.keywords:
        return
    monkeypatch.setattr(devices, "has_device", lambda name: True)
    monkeypatch.setattr(request_loop, "describe_device", lambda name: name)
    monkeypatch.setattr(midas, "load_network", lambda weights: BatchWorker.network)
    for module in (depth_engine, midas):
        monkeypatch.setattr(module, "available_bytes", lambda device: 10**12)
    monkeypatch.setattr(midas, "unavailable_reason", lambda options, settings: "")
    monkeypatch.setattr(network_engine, "find_engine_weights", lambda engine, settings, folder: folder)
    monkeypatch.setattr(network_engine, "verify_weights", lambda path, weights: None)
    monkeypatch.setattr(outputs, "MAP_DEVICES", set())  # where torch is needed


@pytest.mark.parametrize(("device", "batch", "passes"), [("CPU", 0, [1, 1, 1]), ("CUDA", 0, [3]), ("CPU", 3, [3])])
def test_pictures_run_in_batches_where_the_device_is_faster_so_or_a_batch_size_is_set(tmp_path, device, batch, passes):
    network = Network()
    worker = BatchWorker(tmp_path, network, batch)
    ends = worker.answer([worker.job(number, settings=replace(PLAIN, device=device)) for number in range(3)])
    assert network.passes == passes and all(isinstance(end, Result) for end in ends.values())
    assert {end.device for end in ends.values()} == {device.lower()}


def test_only_pictures_of_one_shape_device_and_precision_share_a_batch(tmp_path):
    network = Network()
    worker = BatchWorker(tmp_path, network)
    cuda = replace(PLAIN, device="CUDA")
    ends = worker.answer([worker.job(0, settings=cuda), worker.job(1, (64, 48), cuda), worker.job(2, (96, 128), cuda),
                        worker.job(3, settings=replace(cuda, precision="AUTO")),
                        worker.job(4, settings=replace(cuda, a=1.0)), worker.job(5, settings=PLAIN)])
    assert sorted(network.passes) == [1, 1, 1, 3]
    assert [ends[number].device for number in range(6)] == ["cuda"] * 5 + ["cpu"]


def test_raw_depths_are_the_nodes_own_beside_other_requests_too(tmp_path):
    network = Network()
    worker = BatchWorker(tmp_path, network)
    raw = replace(RAW, device="CUDA", convention="OPENGL")
    ends = worker.answer([worker.job(number, settings=raw) for number in range(3)])
    assert network.passes == [] and all(isinstance(end, Result) for end in ends.values())


def test_each_result_names_the_device_that_it_ran_on(tmp_path):
    network = Network()
    worker = BatchWorker(tmp_path, network, batch=2)
    named = ("CPU", "CUDA", "CPU", "CUDA")
    ends = worker.answer([worker.job(number, settings=replace(PLAIN, device=name)) for number, name in enumerate(named)])
    assert network.passes == [2, 2] and [ends[number].device.upper() for number in range(4)] == list(named)


def test_a_batch_is_no_larger_than_memory_allows(tmp_path, monkeypatch):
    room = depth_engine.BYTES_PER_PIXEL * 64 * 96 * 2
    monkeypatch.setattr(depth_engine, "available_bytes", lambda device: room)
    network = Network()
    worker = BatchWorker(tmp_path, network)
    worker.answer([worker.job(number, settings=replace(PLAIN, device="CUDA")) for number in range(3)])
    assert network.passes == [2, 1]


def test_where_memory_is_too_small_for_a_batch_each_picture_runs_alone(tmp_path):
    network = Network(largest=1)
    worker = BatchWorker(tmp_path, network)
    ends = worker.answer([worker.job(number, settings=replace(PLAIN, device="CUDA")) for number in range(3)])
    assert network.passes == [3, 1, 1, 1]
    assert all(isinstance(end, Result) and end.device == "cuda" and not end.notes for end in ends.values())


class Unfit(Network):
    """On a card that fails, and is asked for nothing then."""

    def depths(self, pictures, on_progress, precision):
        if self.device == "cuda":
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        return super().depths(pictures, on_progress, precision)

    def close(self):
        self.device = "cpu"


@pytest.mark.parametrize(("batch", "passes"), [(0, [1, 1, 1]), (3, [3])])
def test_a_card_that_has_failed_decides_no_batch_size(tmp_path, monkeypatch, batch, passes):
    """Neither how many go together, nor by its memory, for which the driver that has failed raises an error."""
    network = Unfit()
    module = types.SimpleNamespace(Network=lambda weights: network)
    monkeypatch.setattr(midas, "_network_module", lambda: module)
    monkeypatch.setattr(devices, "auto_device", lambda: "cuda")
    worker = BatchWorker(tmp_path, network, batch)
    auto = replace(PLAIN, device="AUTO")
    assert worker.answer([worker.job(0, settings=auto)])[0].device == "cpu"

    def available(device):
        if device == "cuda":
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        return 10**12

    monkeypatch.setattr(depth_engine, "available_bytes", available)
    network.passes.clear()
    ends = worker.answer([worker.job(number, settings=auto) for number in range(1, 4)])
    assert network.passes == passes
    assert all(isinstance(end, Result) and "failed" in end.notes[0] for end in ends.values())


class WithoutHalves(Network):
    """Gives no numbers in half precision, as some cards do."""

    def depths(self, pictures, on_progress, precision):
        depths = super().depths(pictures, on_progress, precision)
        return depths if precision == "FLOAT32" else np.full_like(depths, np.nan)


def test_where_half_precision_gives_nan_each_picture_runs_alone_in_float32_and_the_next_ones_in_a_batch(tmp_path):
    network = WithoutHalves()
    worker = BatchWorker(tmp_path, network)
    cuda = replace(PLAIN, device="CUDA", precision="AUTO")
    first = worker.answer([worker.job(number, settings=cuda) for number in range(3)])
    assert network.passes == [3, 1, 1, 1, 1]
    second = worker.answer([worker.job(number, settings=cuda) for number in range(3, 6)])
    assert network.passes[5:] == [3]
    assert all(isinstance(end, Result) and not end.notes for end in (first | second).values())


def test_the_time_of_a_batch_is_shared_equally_by_its_requests(tmp_path, monkeypatch):
    passes = []
    clock = SimpleNamespace(perf_counter=lambda: 0.6 * len(passes))
    monkeypatch.setattr("blender_midas_normal.worker.channel.time", clock)
    network = Network()
    worker = BatchWorker(tmp_path, network)
    network.on_pass = lambda: passes.append(network)
    ends = worker.answer([worker.job(number, settings=replace(PLAIN, device="CUDA")) for number in range(3)])
    assert [end.seconds["engine"] for end in ends.values()] == pytest.approx([0.2] * 3)


def test_a_cancelled_or_wrong_request_does_not_break_the_batch(tmp_path):
    network = Network()
    worker = BatchWorker(tmp_path, network)
    cuda = replace(PLAIN, device="CUDA")
    jobs = [worker.job(0, settings=cuda), worker.job(1, settings=cuda, cancelled=True), worker.job(2, settings=cuda),
              worker.job(3, settings=cuda)]
    network.on_pass = lambda: setattr(jobs[2], "cancelled", True)
    ends = worker.answer(jobs)
    assert network.passes == [3] and [isinstance(ends[number], Result) for number in range(4)] == [True, False, False, True]
    assert ends[1].kind == ends[2].kind == "Cancelled"


def test_a_batch_of_cancelled_requests_ends(tmp_path):
    network = Network()
    worker = BatchWorker(tmp_path, network)
    jobs = [worker.job(number, settings=replace(PLAIN, device="CUDA")) for number in range(3)]

    def cancel_all():
        for job in jobs:
            job.cancelled = True

    network.on_pass = cancel_all
    assert {end.kind for end in worker.answer(jobs).values()} == {"Cancelled"}
    assert network.passes == [3] and network.finished == []


def test_pictures_are_read_ahead_only_as_far_as_memory_allows(tmp_path, monkeypatch):
    for most, number in ((48 * 64 * 3 * 3, 3), (1, 1)):
        monkeypatch.setattr(request_loop, "READ_AHEAD_BYTES", most)
        worker = BatchWorker(tmp_path, Network())
        jobs = [worker.job(number) for number in range(5)]
        jobs[number - 1].inputs.result(10)
        assert not _ended(jobs[number])
        worker.reader.result(jobs[0])
        jobs[number].inputs.result(10)
        for job in jobs[1:]:
            worker.reader.result(job)


def _ended(job):
    try:
        job.inputs.result(0.2)
    except TimeoutError:
        return False
    return True


@pytest.fixture(scope="module")
def workers(midas_python, test_weights, tmp_path_factory):
    """One that sees one picture after the other, as any on a CPU does, and one that sees up to three at once."""
    folder = tmp_path_factory.mktemp("workers")
    with (WorkerProcess(midas_python, folder / "alone", test_weights) as alone,
          WorkerProcess(midas_python, folder / "together", test_weights, "--batch", "3") as together):
        assert (alone.ready.batch, together.ready.batch) == (1, 3)
        yield alone, together


def new_seeds(number):
    """Of pictures that no worker has seen."""
    return [next(SEEDS) for _ in range(number)]


def request_of(worker, seed, settings=PLAIN):
    return settings, {"pixels": write_pixels(worker.folder / f"pixels{seed}", noise(60, 80, seed))}


class Watch:
    """The requests in whose passes something was heard, in turn."""

    def __init__(self, cancels=lambda number: False):
        self.turns, self.first, self.cancels = [], None, cancels

    def __call__(self, message):
        self.first = self.first or message.id
        if message.stage == "network" and 0 < message.share < 1:
            self.turns.append(message.id - self.first)
            return self.cancels(message.id - self.first)
        return False

    @property
    def together(self):
        """The requests that were heard in turn with others."""
        lengths = [(number, len(list(run))) for number, run in groupby(self.turns)]
        return {number for number, length in lengths if length == 1}


def all_of(worker, requests, watch):
    """The answers of requests that are sent and read while the network is busy with another one, which comes first."""
    first = request_of(worker, *new_seeds(1), replace(PLAIN, resolution=512))
    return worker.render_all([first, *requests], watch, "network")


@pytest.mark.midas
@pytest.mark.slow
def test_a_real_worker_makes_the_same_maps_in_batches_as_one_by_one(workers):
    alone, together = workers
    maps, seeds = [], new_seeds(3)
    for worker in (alone, together):
        watch = Watch()
        answers = all_of(worker, [request_of(worker, seed) for seed in seeds], watch)
        maps.append([answer.pixels for answer in answers[1:]])
        assert watch.together == (set() if worker is alone else {1, 2, 3})
    for one, other in zip(*maps, strict=True):
        assert np.abs(normals(one) - normals(other)).max() < 2e-3
        assert np.abs(normals(one)[..., :2]).mean() > 0.05


@pytest.mark.midas
@pytest.mark.slow
def test_raw_depths_never_run_in_batches(workers):
    maps, seeds = [], new_seeds(3)
    for worker in workers:
        watch = Watch()
        answers = all_of(worker, [request_of(worker, seed, RAW) for seed in seeds], watch)
        maps.append([answer.pixels for answer in answers[1:]])
        assert watch.together == set() and {1, 2, 3} <= set(watch.turns)
    np.testing.assert_array_equal(*maps)


@pytest.mark.midas
@pytest.mark.slow
def test_in_a_real_worker_cancelled_and_wrong_requests_harm_no_other(workers):
    alone, together = workers
    kept, cancelled, *others = new_seeds(5)
    expected = alone.render_all([request_of(alone, kept, LONG)])[0].pixels
    watch = Watch(lambda number: number == 2)
    missing = PLAIN, {"picture": str(together.folder / "missing.png")}
    answers = all_of(together, [request_of(together, kept, LONG), request_of(together, cancelled, LONG), missing], watch)
    assert watch.together == {1, 2} and np.abs(normals(answers[1].pixels) - normals(expected)).max() < 2e-3
    assert answers[2].error[0] == "Cancelled" and answers[3].error[0] == "SourceError"
    watch = Watch(lambda number: number > 0)
    answers = all_of(together, [request_of(together, seed, LONG) for seed in others], watch)
    assert isinstance(answers[0].end, Result) and {answer.error[0] for answer in answers[1:]} == {"Cancelled"}
    assert together.render_all([request_of(together, *new_seeds(1))])[0].pixels.any()
