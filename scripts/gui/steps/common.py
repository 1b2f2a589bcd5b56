"""What the steps share: the pictures they make in Blender, what they ask of it, and how they fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..blender import GuiError
from ..window import Window

GENERATE, CANCEL = "bpy.ops.midas_normal.generate", "bpy.ops.midas_normal.cancel"
MAP = "bpy.context.scene.midas_normal.result"
ENDED = "generation.task() is None and generation.last_outcome() is not None"
TREE = "bpy.data.materials['Material'].node_tree"
NODES = f"[node.type for node in {TREE}.nodes]"
PIXELS = f"float(np.array({MAP}.pixels[:4096]).reshape(-1, 4)[:, :2].std())"
"""A figure that tells one map from another."""

HOLD = "pid = client.worker.pid; os.kill(pid, signal.SIGSTOP)"
ASKED = "generation.task() is not None and generation.task().job.id"
"""Whether the worker has been asked for a map, stopped as it may be."""

PICTURE = """
def picture(size, seed):
    rng, y, x = np.random.default_rng(seed), *np.mgrid[:size, :size] / size * 16
    joints = np.minimum(np.minimum(x % 2, 2 - x % 2), np.minimum(y % 1, 1 - y % 1) * 1.5)
    grey = np.clip(joints * 8, 0.35, 1) * 0.6 + rng.normal(0, 0.02, (size, size))
    pixels = np.ones((size, size, 4), np.float32)
    pixels[..., :3] = np.clip(grey[..., None] * (0.9, 0.55, 0.4), 0, 1)
    image = bpy.data.images.new(f"tiles_{size}_{seed}.png", size, size)
    image.pixels.foreach_set(pixels.ravel())
    image.pack()
    return image

def textured(image, material=bpy.data.materials["Material"]):
    material.use_nodes = True
    tree = material.node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    node.location = (-600, 300)
    tree.links.new(node.outputs[0], next(n for n in tree.nodes if n.type == "BSDF_PRINCIPLED").inputs[0])
"""

RENDER = """
render = bpy.context.scene.render
render.engine, render.resolution_x, render.resolution_y = "CYCLES", 64, 64
bpy.context.scene.cycles.samples, bpy.context.scene.cycles.use_denoising = 1, False
render.filepath = bpy.app.tempdir + "render"
bpy.ops.render.render("INVOKE_DEFAULT", write_still=True)
"""
"""Begins a small render, as F12 does, whose picture is written into a file."""


def make(window: Window) -> None:
    """Click Generate and wait until that has ended: right after the click, Blender may not have seen it."""
    window.blender.do("before = generation.last_outcome()")
    window.click(GENERATE)
    window.blender.wait_until(
        "generation.task() is None and generation.last_outcome() is not None and generation.last_outcome() is not before", 60
    )


def begin(window: Window) -> None:
    """Click Generate and wait until the engine runs."""
    window.click(GENERATE)
    window.blender.wait_until("generation.task() is not None and generation.task().job.stage == 'network'", 30, 0.01)


@contextmanager
def hold_worker(window: Window) -> Iterator[None]:
    """Click Generate while the running worker is stopped; it continues when the `with` block ends.

    Else a fast computer is done too soon.
    """
    window.blender.do(HOLD)
    try:
        window.click(GENERATE)
        window.blender.wait_until(ASKED, 30, 0.01)
        yield
    finally:
        window.blender.do("os.kill(pid, signal.SIGCONT)")


def check(condition: bool, otherwise: str) -> None:
    """Raise GuiError with what is wrong."""
    if not condition:
        raise GuiError(otherwise[0].upper() + otherwise[1:] + ".")
