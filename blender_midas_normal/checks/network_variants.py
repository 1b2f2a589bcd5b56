"""The rows of the check that measure other ways to run MiDaS's pass on a device, beside the way in which we run it.

None has a bar: they tell what may be worth building.  One that a computer cannot run, as `torch.compile` without a
compiler, says why in its own row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..client.computer_check import Row
from ..core.errors import Message, Phrase
from ..worker.engines.midas.model import DPTHybrid, load_model
from ..worker.engines.midas.network import optimize_for_inference
from ..worker.engines.torch_inference import inference_dtype
from .measurement import NOT_MEASURED, Plan, degrees_between, make_picture, time_call

MAX_REASON_CHARACTERS = 120


@dataclass(frozen=True)
class Pass:
    """A forward pass that variants change, and what it takes as it is.

    Attributes:
        plan: of the check.
        model: on the device.
        planes: 1 x 3 x H x W, as the model takes them.
        seconds: the pass's time.
    """

    plan: Plan
    model: DPTHybrid
    planes: Tensor
    seconds: float

    def ratio(self, call: Callable[[], object]) -> tuple[float, Message]:
        """Return how many times as fast a call is, and that as text."""
        ratio = self.seconds / time_call(self.plan, call)
        return ratio, Phrase("{ratio:.2f}", ratio=ratio)

    def run(self) -> Tensor:
        """Run the model."""
        return self.model(self.planes)


def in_layout(memory_format: torch.memory_format) -> Callable[[Pass], tuple[float, Message]]:
    """Return a function that measures the pass with the inputs and weights of all convolutions in one memory layout."""
    def measure(ours: Pass) -> tuple[float, Message]:
        def convert(layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return (inputs[0].contiguous(memory_format=memory_format),)

        layers = [layer for layer in ours.model.modules() if isinstance(layer, nn.Conv2d)]
        weights = [layer.weight.data for layer in layers]
        hooks = [layer.register_forward_pre_hook(convert) for layer in layers]
        try:
            for layer in layers:
                layer.weight.data = layer.weight.data.contiguous(memory_format=memory_format)
            return ours.ratio(ours.run)
        finally:
            for layer, weight, hook in zip(layers, weights, hooks, strict=True):
                layer.weight.data = weight
                hook.remove()

    return measure


def with_tf32(ours: Pass) -> tuple[float, Message]:
    """Measure the pass where float32 convolutions may round their factors to TF32, and by what that turns normals."""
    with torch.inference_mode():
        exact = ours.run().float().cpu().numpy()[0]
        with _cudnn_flag("allow_tf32"):
            degrees = degrees_between(exact, ours.run().float().cpu().numpy()[0])
    with _cudnn_flag("allow_tf32"):
        ratio, _ = ours.ratio(ours.run)
    return ratio, Phrase("{ratio:.2f}, mean angle {angle:.3f} degrees", ratio=ratio, angle=float(degrees.mean()))


def with_cudnn_benchmark(ours: Pass) -> tuple[float, Message]:
    """Measure the pass where cuDNN has tried its algorithms for each convolution and size."""
    with _cudnn_flag("benchmark"):
        return ours.ratio(ours.run)


def as_cuda_graph(half: Pass) -> tuple[float, Message]:
    """Measure a CUDA graph of the pass."""
    graph = torch.cuda.CUDAGraph()
    with torch.inference_mode(), torch.cuda.graph(graph):
        half.run()
    return half.ratio(graph.replay)


def compiled(half: Pass) -> tuple[float, Message]:
    """Measure the pass compiled by torch, which needs Triton and a C compiler."""
    try:
        model = torch.compile(half.model)
        return half.ratio(lambda: model(half.planes))
    finally:
        torch._dynamo.reset()


@dataclass(frozen=True)
class Variant:
    """Another way to run a pass.

    Attributes:
        name: for people.
        measure: returns how many times as fast it is, and that as text.
        is_half: whether it is measured beside the whole model in half precision, instead of the model as we run it.
        needs_cuda: whether it exists on CUDA alone.
    """

    name: Message
    measure: Callable[[Pass], tuple[float, Message]]
    is_half: bool = False
    needs_cuda: bool = True

    def title(self, side: int) -> Message:
        """Return the name of the row."""
        if self.is_half:
            return Phrase("MiDaS at {side}: eager half pass / {variant}", side=side, variant=self.name)
        return Phrase("MiDaS at {side}: ours / {variant}", side=side, variant=self.name)


VARIANTS = (
    Variant(Phrase("convolutions with channels first"), in_layout(torch.contiguous_format), needs_cuda=False),
    Variant(Phrase("convolutions with channels last"), in_layout(torch.channels_last), needs_cuda=False),
    Variant(Phrase("TF32 convolutions"), with_tf32),
    Variant(Phrase("cuDNN's choice by trial"), with_cudnn_benchmark),
    Variant(Phrase("CUDA graph"), as_cuda_graph, is_half=True),
    Variant(Phrase("torch.compile"), compiled, is_half=True),
)


def variants(plan: Plan) -> Iterator[Row]:
    """Measure each variant beside the pass that it changes; a variant that fails says why, and the others are measured."""
    side = max(plan.sides)
    passes: dict[bool, Pass] = {}
    for variant in VARIANTS:
        title = variant.title(side)
        if variant.needs_cuda and plan.device != "cuda":
            yield Row(title, NOT_MEASURED)
            continue
        try:
            if variant.is_half not in passes:
                passes[variant.is_half] = _load_pass(plan, side, variant.is_half)
            ratio, value = variant.measure(passes[variant.is_half])
        except Exception as error:  # noqa: BLE001 - whatever a driver or a compiler raises is a result of this program
            yield Row(title, Phrase("not measured: {reason}", reason=_first_line(error)))
            continue
        yield Row(title, value, ratio)


def _load_pass(plan: Plan, side: int, is_half: bool) -> Pass:
    """Load the model as we run it, or all of it in half precision, and time its pass."""
    model = load_model(plan.weights)
    planes = torch.from_numpy(make_picture(side)).permute(2, 0, 1)[None] * 2 - 1
    if is_half:
        model, planes = model.to(plan.device).half(), planes.half()
    else:
        optimize_for_inference(model, plan.device, inference_dtype(plan.device))
        planes = planes.contiguous(memory_format=torch.channels_last)
    planes = planes.to(plan.device)
    return Pass(plan, model, planes, time_call(plan, lambda: model(planes)))


@contextmanager
def _cudnn_flag(name: str) -> Iterator[None]:
    before = getattr(torch.backends.cudnn, name)
    setattr(torch.backends.cudnn, name, True)
    try:
        yield
    finally:
        setattr(torch.backends.cudnn, name, before)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:MAX_REASON_CHARACTERS]
