"""The training itself: augmentation, loss, schedule, checkpoints and the measures on samples held out."""

from __future__ import annotations

import copy
import json
import math
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .network import Architecture, Relief, export, load, new_network
from .pool import SIDE, Batch, Shards

WHOLE_SHARE = 0.25
"""Share of the batches that hold whole samples, which repeat like a tile; the others hold crops, which do not."""

WARM_UP = 0.03
"""Share of the training in which the learning rate rises."""

LOWEST_RATE = 0.02
"""Share of the highest learning rate that is left at the end."""

WEIGHT_DECAY = 1e-4
LONGEST_GRADIENT = 1.0
AVERAGE_OVER = 1000
"""Steps over which the weights that are exported are averaged."""

GENTLE = 0.1
"""Slope (6 degrees) that a sample's slopes are at least taken to have when what is missed is measured by them.  The smaller,
the more a slope given to a print costs, and the more of what is in doubt is called flat."""

LARGE = (4, 16)
"""Pixels of the squares over which slopes are averaged to measure what is missed of large shapes."""

AT_LARGE = 0.25
"""Weight of each of them."""

ANGLES = 0.5
"""Weight of the mean angle."""

STEADY = 0.3
"""Weight of what changes when a whole sample is rolled, its answer rolled back."""

FACTORS = np.geomspace(0.25, 4.0, 49)
"""Factors on the slopes among which the best one is sought."""


@dataclass(frozen=True)
class Plan:
    """What decides about a training: `minutes` of it, pixels of a crop's side, crops of a batch, highest learning rate.

    threads: parts of a batch that a CPU works on at once, each on one core.  One part on 2 cores took 3 to 5 times as long
    as one part on one core while other programs ran, since torch's own threads wait for each other at every layer.
    half: the network runs in bfloat16.  On 2 cores with AVX512-BF16 a step took 0.086 s instead of 0.136 s; on a CPU without
    instructions for it, twice as long.
    """

    minutes: float
    crop: int
    batch: int
    rate: float
    seed: int
    device: str
    threads: int = 1
    checkpoint_minutes: float = 3.0
    half: bool = True


@dataclass(frozen=True)
class Measures:
    """On the samples held out: mean angular error and the flat map's in degrees, correlations of nx and ny, calibration."""

    error: float
    flat: float
    r_x: float
    r_y: float
    factor: float


class Training:
    """A network, what it takes to train it on, and what has been logged so far."""

    def __init__(self, architecture: Architecture, plan: Plan) -> None:
        torch.manual_seed(plan.seed)
        self.plan = plan
        self.network = new_network(architecture).to(plan.device)
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), plan.rate, weight_decay=WEIGHT_DECAY)
        self._pool = ThreadPoolExecutor(plan.threads)
        self.step, self.seconds = 0, 0.0
        self.log: list[dict] = []

    def run(self, shards: Shards, held_out: Batch, out: Path, look: Callable[[], None]) -> None:
        """Trains until the plan's minutes are over; `look` is called now and then, to see to the data.

        Every few minutes, and at the end, the folder `out` gets checkpoint.pt, relief.npz, log.json and curves.png.
        """
        began, before = time.monotonic(), self.seconds
        looked = saved = time.monotonic()
        losses: list[float] = []
        for pixels, slopes in self._batches(shards):
            losses.append(self._learn(pixels, slopes))
            now = time.monotonic()
            self.seconds = before + now - began
            over = self.seconds >= self.plan.minutes * 60
            if now - looked > 5:
                looked = now
                look()
                shards.look()
            if over or now - saved > self.plan.checkpoint_minutes * 60:
                self._note(losses, held_out)
                self.save(out)
                saved, losses = time.monotonic(), []
            if over:
                return

    def save(self, out: Path) -> None:
        """Writes everything; the checkpoint under another name first, so that one that is there is whole."""
        unfinished = out / "checkpoint.unfinished"
        torch.save({"network": self.network.state_dict(), "average": self.average.state_dict(),
                    "optimizer": self.optimizer.state_dict(), "step": self.step, "seconds": self.seconds, "log": self.log},
                   unfinished)
        unfinished.replace(out / "checkpoint.pt")
        export(self.average, out / "relief.npz", self.log[-1]["factor"] if self.log else 1.0)
        (out / "log.json").write_text(json.dumps({"plan": asdict(self.plan), "log": self.log}, indent=1))
        draw_curves(self.log, out / "curves.png")

    def resume(self, out: Path) -> None:
        """Continues from the folder's checkpoint."""
        kept = torch.load(out / "checkpoint.pt", map_location=self.plan.device, weights_only=True)
        self.network.load_state_dict(kept["network"])
        self.average.load_state_dict(kept["average"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.step, self.seconds, self.log = kept["step"], kept["seconds"], kept["log"]

    def begin_with(self, file: Path) -> None:
        """Begins with the numbers in a file of weights, not with random ones; raises WeightsError."""
        for network in (self.network, self.average):
            load(network, file)

    def _learn(self, pixels: Tensor, slopes: Tensor) -> float:
        """One step; the loss before it."""
        share = min(1.0, self.seconds / (self.plan.minutes * 60))
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate * rate_at(share)
        parts = min(self.plan.threads, len(pixels))
        found = list(self._pool.map(self._gradients, pixels.chunk(parts), slopes.chunk(parts)))
        for parameter, *gradients in zip(self.network.parameters(), *(part for _, part in found)):
            parameter.grad = sum(gradients[1:], gradients[0]) / len(found)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), LONGEST_GRADIENT)
        self.optimizer.step()
        self.step += 1
        self._average_in()
        if self.plan.device != "cpu" and self.step % 20:
            return math.nan  # asking a GPU for every number would make it wait
        return sum(float(value) for value, _ in found) / len(found)

    def _gradients(self, pixels: Tensor, slopes: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The loss on a part of the batch, and its gradients."""
        whole = pixels.shape[-1] == SIDE
        answer = self._answer(pixels, whole)
        found = loss(answer, slopes)
        if whole:
            found = found + STEADY * _share_missed(answer - self._rolled_answer(pixels), slopes).mean()
        return found.detach(), torch.autograd.grad(found, list(self.network.parameters()))

    def _answer(self, pixels: Tensor, whole: bool) -> Tensor:
        """The network's slopes; whole samples repeat, crops do not."""
        with torch.autocast(self.plan.device, torch.bfloat16, enabled=self.plan.half):
            return self.network(pixels, (whole, whole)).float()

    @torch.no_grad()
    def _rolled_answer(self, pixels: Tensor) -> Tensor:
        """What the network says of whole samples laid otherwise on its grid of strides, laid back."""
        by = [int(offset) for offset in torch.randint(SIDE, (2,))]
        return self._answer(pixels.roll(by, (2, 3)), True).roll([-offset for offset in by], (2, 3))

    def _average_in(self) -> None:
        """Young averages follow quickly, so that the beginning is forgotten."""
        share = max(1 / AVERAGE_OVER, 1 / (1 + self.step / 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.network.parameters()), share)

    def _note(self, losses: list[float], held_out: Batch) -> None:
        found = measured(self.average, held_out, self.plan.device)
        entry = {"minutes": self.seconds / 60, "step": self.step, "loss": float(np.nanmean(losses)), **asdict(found)}
        self.log.append(entry)
        print(json.dumps({name: round(value, 4) for name, value in entry.items()}), flush=True)

    def _batches(self, shards: Shards) -> Iterator[tuple[Tensor, Tensor]]:
        """Augmented batches without end, read by a thread while the network learns from the one before."""
        rng = np.random.default_rng([self.plan.seed, self.step])
        ready: queue.Queue[Batch] = queue.Queue(4)
        over = threading.Event()

        def read() -> None:
            whole = max(1, self.plan.batch * self.plan.crop ** 2 // SIDE ** 2)
            while not over.is_set():
                batch = shards.draw(rng, whole, SIDE) if rng.random() < WHOLE_SHARE else \
                    shards.draw(rng, self.plan.batch, self.plan.crop)
                while not over.is_set():
                    try:
                        ready.put(batch, timeout=1)
                        break
                    except queue.Full:
                        continue

        threading.Thread(target=read, daemon=True).start()
        try:
            while True:
                yield augmented(*tensors(ready.get(), self.plan.device))
        finally:
            over.set()


def rate_at(share: float) -> float:
    """The learning rate after that share of the training, as a share of the highest: a rise, then half a cosine."""
    if share < WARM_UP:
        return 0.05 + 0.95 * share / WARM_UP
    return LOWEST_RATE + (1 - LOWEST_RATE) * 0.5 * (1 + math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP)))


def tensors(batch: Batch, device: str) -> tuple[Tensor, Tensor]:
    """Pixels N x 3 x S x S, 0..1, and slopes N x 2 x S x S, float32."""
    rgb, slopes = (torch.from_numpy(part).to(device, non_blocking=True) for part in (batch.rgb, batch.slopes))
    return rgb.permute(0, 3, 1, 2).float() / 255, slopes.permute(0, 3, 1, 2).float()


def augmented(pixels: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
    """Turned and mirrored, the slopes with it; other exposure, white balance, gamma and noise."""
    pixels, slopes = turned(pixels, slopes)
    return recoloured(pixels), slopes


def turned(pixels: Tensor, slopes: Tensor) -> tuple[Tensor, Tensor]:
    """Each sample in one of its 8 orientations."""
    across, down, diagonal = (torch.rand(len(pixels), 1, 1, 1, device=pixels.device) < 0.5 for _ in range(3))
    along = torch.tensor([1.0, 0.0], device=pixels.device).view(1, 2, 1, 1)
    pixels = torch.where(across, pixels.flip(3), pixels)
    slopes = torch.where(across, slopes.flip(3) * (1 - 2 * along), slopes)
    pixels = torch.where(down, pixels.flip(2), pixels)
    slopes = torch.where(down, slopes.flip(2) * (2 * along - 1), slopes)
    return (torch.where(diagonal, pixels.transpose(2, 3), pixels),
            torch.where(diagonal, slopes.transpose(2, 3).flip(1), slopes))


def recoloured(pixels: Tensor) -> Tensor:
    """As another exposure, white balance, tone curve, editor and sensor would show it, in steps of 8 bits.

    Two in five are made paler or darker and of little contrast, down to a fifth, as textures are from which the light was
    taken: how steep a surface is does not depend on how strongly its picture was drawn.
    """
    def random(low: float, high: float, channels: int = 1) -> Tensor:
        return low + (high - low) * torch.rand(len(pixels), channels, 1, 1, device=pixels.device)

    factors = torch.exp2(random(-1.2, 0.5)) * random(0.77, 1.3, 3)
    power = torch.exp(random(-0.25, 0.25))
    changed = (pixels.clamp_min(1e-4) ** power) * factors ** (1 / 2.2)
    contrast = torch.where(random(0, 1) < 0.4, torch.exp(random(math.log(0.2), 0)), 1)
    middle = changed.mean((1, 2, 3), keepdim=True)
    ground = torch.where(contrast < 1, middle * random(0.5, 1.1), middle)
    changed = ground + contrast * (changed - middle)
    noise = torch.randn_like(pixels) * random(0, 0.02) * (random(0, 1) < 0.5) * contrast
    return ((changed + noise).clamp(0, 1) * 255).round() / 255


def loss(answer: Tensor, slopes: Tensor) -> Tensor:
    """What share of each sample's slopes is missed, at every pixel and at large, and how far normals are apart."""
    miss = answer - slopes
    found = _share_missed(miss, slopes).mean() + ANGLES * _chord(answer, slopes).mean()
    for side in LARGE:
        at_large = (functional.avg_pool2d(field, side) for field in (miss, slopes))
        found = found + AT_LARGE * _share_missed(*at_large).mean()
    return found


def _share_missed(miss: Tensor, slopes: Tensor) -> Tensor:
    """The root mean square of what is missed over that of the sample's slopes: N.

    At its least it is the root of 1 - r^2, r the correlation of answer and slopes.  Angles alone let a network call flat
    whatever it is in doubt about, since most of a wall is flat; squares make it answer the mean of what is likely.
    """
    ground = slopes.square().mean((1, 2, 3)) + GENTLE ** 2
    return (miss.square().mean((1, 2, 3)) / ground + 1e-4).sqrt()


def _chord(a: Tensor, b: Tensor) -> Tensor:
    """The distance between the unit normals of two fields of slopes, from their cosine: N x H x W.

    Without making the normals; the loss takes a third of a step's time on a CPU.
    """
    cosine = ((a * b).sum(1) + 1) * torch.rsqrt((a.square().sum(1) + 1) * (b.square().sum(1) + 1))
    return (2 - 2 * cosine).clamp_min(0).add(1e-6).sqrt()


def normals(slopes: Tensor) -> Tensor:
    """N x 3 x H x W unit vectors."""
    return functional.normalize(torch.cat([-slopes, torch.ones_like(slopes[:, :1])], 1), dim=1)


def measured(network: Relief, batch: Batch, device: str) -> Measures:
    """The network on whole samples."""
    answers, truths = [], []
    with torch.inference_mode():
        for first in range(0, len(batch.rgb), 16):
            part = slice(first, first + 16)
            pixels, slopes = tensors(Batch(batch.rgb[part], batch.slopes[part]), device)
            answers.append(network(pixels))
            truths.append(slopes)
        answer, truth = torch.cat(answers), torch.cat(truths)
        r_x, r_y = (correlation(normals(answer)[:, i], normals(truth)[:, i]) for i in (0, 1))
        error, flat = (float(degrees(slopes, truth).mean()) for slopes in (answer, torch.zeros_like(truth)))
        return Measures(error, flat, r_x, r_y, calibration(answer[..., ::2, ::2], truth[..., ::2, ::2]))


def calibration(answer: Tensor, truth: Tensor) -> float:
    """The factor on slopes N x 2 x H x W with which as many samples are too steep as are too flat.

    Each sample that is not flat has a factor that makes its mean angular error least; this is their median.  One factor for
    the least mean error of all together would be smaller: whatever the network is in doubt about is nearer when flatter.
    """
    errors = torch.stack([degrees(answer * float(factor), truth) for factor in FACTORS])
    best = errors.argmin(0)[is_shaped(truth)]
    return float(np.median(FACTORS[best.cpu().numpy()])) if len(best) else 1.0


def degrees(answer: Tensor, truth: Tensor) -> Tensor:
    """Mean angle between the normals of two fields of slopes, for each of N."""
    a, b = normals(answer), normals(truth)
    return torch.rad2deg(2 * torch.atan2((a - b).norm(dim=1), (a + b).norm(dim=1))).mean((1, 2))


def is_shaped(slopes: Tensor) -> Tensor:
    """For each of N fields of slopes whether it is anything but flat."""
    return slopes.square().mean((1, 2, 3)) > 1e-6


def correlation(a: Tensor, b: Tensor) -> float:
    """Pearson's of N x H x W fields, the mean over samples; one whose b is constant does not count."""
    a, b = (values.flatten(1) - values.flatten(1).mean(1, keepdim=True) for values in (a, b))
    power = (a.square().sum(1) * b.square().sum(1)).sqrt()
    counted = b.square().mean(1) > 1e-6
    return float(((a * b).sum(1)[counted] / power[counted].clamp_min(1e-9)).mean())


def draw_curves(log: list[dict], path: Path) -> None:
    """A picture of what was logged: the loss, and on samples held out the error and the correlation, over minutes."""
    import PIL.Image
    import PIL.ImageDraw

    width, height, edge = 760, 220, 40
    picture = PIL.Image.new("RGB", (width, 3 * height), "white")
    pen = PIL.ImageDraw.Draw(picture)
    for number, (title, names) in enumerate({"loss": ("loss",), "error and flat map, degrees": ("error", "flat"),
                                             "correlation": ("r_x", "r_y")}.items()):
        top = number * height
        values = np.array([[entry[name] for entry in log] for name in names]).reshape(len(names), -1)
        minutes = np.array([entry["minutes"] for entry in log])
        if not minutes.size:
            continue
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        across = edge + (width - 2 * edge) * minutes / max(minutes.max(), 1e-6)
        pen.text((edge, top + 4), f"{title}: {low:.3f} to {high:.3f} in {minutes.max():.1f} minutes", fill="black")
        for line, colour in zip(values, ("#1f5fbf", "#bf5f1f")):
            upright = top + height - 20 - (height - 50) * (line - low) / max(high - low, 1e-9)
            points = list(zip(across.tolist(), upright.tolist()))
            pen.line(points, fill=colour, width=2)
            for x, y in points:
                pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=colour)
    picture.save(path)
