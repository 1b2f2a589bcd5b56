"""What is promised of the figures, and which of them must not get worse."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

RECORDED = Path(__file__).with_name("recorded.json")

FACTOR = 1.5
"""By which a ratio may be worse than the recorded one."""

LEAST = 0.02
"""A ratio that should be 0 counts as this: below, nothing can be told from rounding."""


@dataclass(frozen=True)
class Bar:
    """A figure by its name, what it is, and its limit, which it must not exceed, or must reach.

    digits: of what is shown; needs: a folder beside the checkout without which it is not measured.
    """

    name: str
    what: str
    limit: float
    unit: str = ""
    at_least: bool = False
    digits: int = 2
    needs: str = ""

    def is_met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit

    def format(self, value: float) -> str:
        return f"{value:.{0 if self.unit == 'ms' else self.digits}f} {self.unit}".strip()


def bars(figures: dict) -> list:
    """Return all bars, of which one depends on the processor."""
    bfloat16 = bool(figures.get("bfloat16"))
    on_cpu = f"CPU {'with' if bfloat16 else 'without'} bfloat16"
    devices = (("cpu", on_cpu, 1.8 if bfloat16 else 1.2), ("cuda", "CUDA", 4.0))
    return [
        *(Bar(f"forward {device} {resolution}", f"MiDaS at {resolution}, {text}: controlnet_aux's kept call / ours", limit,
              at_least=True) for device, text, limit in devices for resolution in (512, 1024)),
        *(Bar(f"at once cuda {resolution}", f"MiDaS at {resolution}, CUDA: pictures a second, at once / one by one", 1.0,
              at_least=True) for resolution in (512, 1024)),
        Bar("first luminance", "A cold Blender's first luminance map at 1024", 1.5, "s"),
        Bar("first relief", "A cold Blender's first relief map at 1024", 3.0, "s"),
        Bar("worker start", "The MiDaS worker until it is ready / a bare import of torch", 1.2),
        Bar("first midas", "A new worker's first MiDaS map at 512 / a bare import of torch + a warm forward pass", 1.5),
        Bar("parity midas", "MiDaS's depths in float32 from controlnet_aux's, in millionths of their range", 100.0),
        Bar("memory midas load", "Private memory of MiDaS's network once loaded / its weights in that precision", 1.15),
        Bar("surface", "A normal map from heights at 4096 / one numpy pass that copies and normalises it", 3.0),
        Bar("retune", "A re-tuned map at 1024", 60.0, "ms"),
        Bar("retune blur", "A re-tuned map at 1024 with blur", 100.0, "ms"),
        Bar("transport", "Everything but the arithmetic at 4096 / Blender's own pixel read + write", 2.5),
        *(Bar(f"relief fast {side}", f"The relief network by numpy at {side}, FAST / that of version 1.0.0", 1.9)
          for side in (1024, 4096)),
        Bar("relief best", "The relief network by numpy at 512, BEST / FAST", 14.0),
        Bar("batch relief", "Many pictures by relief / its engine alone", 1.15),
        Bar("batch midas", "Many pictures by MiDaS / its engine alone", 1.15),
        Bar("batch luminance", "Many pictures by luminance / decoding + encoding alone", 1.15),
        Bar("farm start", "The largest library of a farm: start of one of 100 shards", 60.0, "s"),
        Bar("farm memory", "The same: memory of its process", 1000.0, "MB", digits=0),
        *(Bar(f"farm {name} growth", f"From the smallest library of a farm to the largest: growth of {what} / of pictures",
              1.1) for name, what in (("record", "the record"), ("cpu", "the CPU time of a shard's start"),
                                      ("resume", "its resumption"), ("memory", "its memory"))),
        Bar("dask", "A library on a Dask cluster of two processes / with --jobs 2", 1.1),
        Bar("memory per 100", "Memory of client and worker, growth per 100 pictures", 1.0, "MB"),
        Bar("memory luminance", "Worker's memory at 8192, luminance", 3.0, "GB"),
        Bar("memory relief", "Worker's memory at 8192, relief", 3.0, "GB"),
        Bar("memory midas", "Worker's memory at 8192, MiDaS on the CPU", 6.0, "GB"),
    ]


def source_bars(figures: dict) -> list:
    """Return the bars of height maps and normal maps as sources; their texts count the maps that were measured."""
    def maps(name: str) -> str:
        return f"{figures.get(f'green maps {name}', 0):.0f} maps"

    integrable = f"{figures.get('maps integrable', 0):.0f} of {figures.get('maps', 0):.0f} maps whose slopes are integrable"
    possible = f"{figures.get('maps possible', 0):.0f} of these whose nearest gradient is so near"
    both, real = "shared/cc0 and shared/materials", "shared/cc0"
    return [
        Bar("waves mean", "HEIGHT on sums of sines, 16 bits and floats: mean error", 0.05, "degrees", digits=3),
        Bar("waves largest", "The same: largest error", 0.5, "degrees", digits=3),
        Bar("waves 8 bits", "The same, 8 bits: mean error / that without smoothing", 0.5),
        Bar("depth2normal error", "The same array: depth2normal's least mean error / ours", 1.0, at_least=True),
        Bar("depth2normal time", "The same array: depth2normal's shortest time / ours", 1.0, at_least=True),
        *(Bar(f"bump {light}", f"Bump and Displacement nodes and their normal maps, lit at 45 degrees from the {light}: "
              "the largest mean difference in % of the mean brightness", 2.0, "%") for light in ("left", "top")),
        *(bar for name, which in (("integrable", integrable), ("possible", possible)) for bar in (
            Bar(f"round trip r {name}", f"Normals to heights to normals, {which}: least r", 0.98, "", True, 3, both),
            Bar(f"round trip error {name}", "The same maps: largest mean error", 1.5, "degrees", needs=both))),
        *(bar for name, which in (("all", "real"), ("proved", "real, green proved by the file's name")) for bar in (
            Bar(f"green wrong {name}", f"AUTO green on {maps(name)}, {which}: decided and wrong", 1.0, "%", needs=real),
            Bar(f"green undecided {name}", "The same maps: undecided", 3.0, "%", needs=real))),
        *(Bar(f"files normal {bits}", f"A file of heights of {bits} bits to a normal map's / reading and writing both", 1.5)
          for bits in (16, 8)),
    ]


def record(figures: dict) -> None:
    """Write the figures, rounded, into the file of recorded ones, replacing those of the same names."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    now = {better: {name: round(figures.get(name, value), 2) for name, value in ratios.items()}
           for better, ratios in recorded.items()}
    RECORDED.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")


def find_regressions(figures: dict) -> list:
    """Return a sentence for each recorded ratio that has become worse by more than the factor."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    sentences = []
    for name, value in recorded["lower is better"].items():
        if figures.get(name, 0.0) > FACTOR * max(value, LEAST):
            sentences.append(f"{name} is {figures[name]:.2f}, recorded as {value:.2f}; lower is better.")
    for name, value in recorded["higher is better"].items():
        if figures.get(name, value) < value / FACTOR:
            sentences.append(f"{name} is {figures[name]:.2f}, recorded as {value:.2f}; higher is better.")
    return sentences
