"""Compares our passes over other networks with those of their libraries: network_parity.py WEIGHTS PICTURE OUT.json."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def quiet(share: float) -> None:
    """Nobody waits for it."""


def depth_anything(weights: Path, pictures: np.ndarray) -> dict[str, float]:
    import torch
    from transformers import AutoModelForDepthEstimation

    from blender_midas_normal.worker.engines import torch_inference
    from blender_midas_normal.worker.engines.depth_anything import network as module

    folder = weights / "Depth-Anything-V2-Small-hf"
    library = AutoModelForDepthEstimation.from_pretrained(folder).eval()
    mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    planes = torch.from_numpy(((pictures - mean) / std).transpose(0, 3, 1, 2).copy())
    with torch.no_grad():
        theirs = library(pixel_values=planes).predicted_depth.numpy()
    ours = module.TransformersDepth(folder)
    range_ = float(np.ptp(theirs))
    exact = np.abs(ours.depths(pictures, quiet, "FLOAT32") - theirs).max() / range_
    torch_inference.inference_dtype = lambda device: torch.bfloat16
    half = np.abs(ours.depths(pictures, quiet) - theirs).mean() / range_
    attention = attention_of_a_card(module, lambda: ours.depths(pictures, quiet))
    half_with_attention = np.abs(attention[1] - theirs).mean() / range_
    (folder / "metric").mkdir()
    for file in ("model.safetensors", "config.json"):
        (folder / "metric" / file).write_bytes((folder / file).read_bytes().replace(b'"relative"', b'"metric"'))
    with torch.no_grad():
        library = AutoModelForDepthEstimation.from_pretrained(folder / "metric").eval()
        distances = library(pixel_values=planes).predicted_depth.numpy()
    metric = module.TransformersDepth(folder / "metric").depths(pictures, quiet, "FLOAT32")
    inverse = np.abs(metric * np.maximum(distances, module.MIN_DISTANCE) - 1).max()
    return {"range": range_, "exact": float(exact), "half": float(half), "inverse of a distance": float(inverse),
            "half with attention": float(half_with_attention), "attention": float(np.abs(np.subtract(*attention)).max())}


def attention_of_a_card(module: Any, run: Callable[[], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Run a network in half precision as on the CPU, and with attention as on a graphics card."""
    plain, on_card = run(), module.half_attention
    module.half_attention = lambda device, dtype: on_card("cuda", dtype)
    try:
        return plain, run()
    finally:
        module.half_attention = on_card


def moge(weights: Path, pictures: np.ndarray) -> dict[str, float]:
    import torch
    from moge.model.v2 import MoGeModel

    from blender_midas_normal.worker.engines import torch_inference
    from blender_midas_normal.worker.engines.moge import network as module

    path = weights / "moge-2-vits-normal" / "model.pt"
    library = MoGeModel.from_pretrained(path).eval()
    tokens = pictures.shape[1] * pictures.shape[2] // 14 ** 2
    theirs = library.infer(torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy()), num_tokens=tokens, apply_mask=False,
                           use_fp16=False)["normal"].numpy() * np.float32([1, -1, -1])
    ours = module.MogeNetwork(path.parent)
    answer = ours.normals(pictures, quiet, "FLOAT32")
    torch_inference.inference_dtype = lambda device: torch.bfloat16
    plain, attention = attention_of_a_card(module, lambda: ours.normals(pictures, quiet))
    return {"exact": degrees(answer, theirs).max(), "half": degrees(plain, theirs).mean(),
            "half with attention": degrees(attention, theirs).mean(), "attention": float(np.abs(plain - attention).max()),
            "spread": degrees(answer, np.broadcast_to(np.float32([0, 0, 1]), answer.shape)).std()}


def normal_bae(weights: Path, pictures: np.ndarray) -> dict[str, float]:
    """The library gives 8-bit pictures in ScanNet's axes."""
    import PIL.Image
    from controlnet_aux import NormalBaeDetector

    from blender_midas_normal.worker.engines.normal_bae.network import NormalBaeNetwork

    detector = NormalBaeDetector.from_pretrained(str(weights))
    picture = np.rint(pictures[0] * 255).astype(np.uint8)
    side = picture.shape[0]
    theirs = np.asarray(detector(PIL.Image.fromarray(picture), detect_resolution=side, image_resolution=side))
    answer = NormalBaeNetwork(weights).normals(picture[None].astype(np.float32) / 255, quiet)[0]
    colours = (answer * np.float32([-1, 1, 1]) + 1) / 2 * 255
    return {"steps of 8 bits": float(np.abs(np.floor(colours) - theirs).max()), "spread": float(theirs.std())}


def axes(weights: Path) -> dict[str, float]:
    """Degrees between a rendered bump's normals and ours, where FAKES of the models answer with it in their own axes."""
    import torch

    from blender_midas_normal.worker.engines.moge.network import MogeNetwork
    from blender_midas_normal.worker.engines.normal_bae.network import NormalBaeNetwork
    from tests.worker.bump import bump_normals

    bump = bump_normals()[0]
    in_camera = torch.from_numpy(bump * np.float32([1, -1, -1]))  # y down, z away from the viewer
    of_scannet = torch.from_numpy(bump * np.float32([-1, 1, 1]))  # x to the left
    moge = MogeNetwork(weights / "moge-2-vits-normal")
    model = SimpleNamespace(num_tokens_range=(1, 1000), encoder=SimpleNamespace(backbone=SimpleNamespace(blocks=[])),
                            forward=lambda planes, num_tokens: {"normal": in_camera[None]})
    moge.model = lambda dtype: model
    bae = NormalBaeNetwork(weights)
    bae.model(None).forward = lambda planes: [[torch.cat([of_scannet, torch.ones(128, 128, 1)], 2).permute(2, 0, 1)[None]]]
    picture = np.zeros((1, 128, 128, 3), np.float32)
    return {name: degrees(network.normals(picture, quiet)[0], bump).max()
            for name, network in (("MOGE", moge), ("NORMAL_BAE", bae))}


def degrees(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.degrees(2 * np.arcsin(np.clip(np.linalg.norm(one - other, axis=-1) / 2, 0, 1)))


def main(weights: Path, picture: Path, out: Path) -> None:
    import PIL.Image

    pixels = np.asarray(PIL.Image.open(picture).convert("RGB"), np.float32) / 255
    by_14 = np.stack([pixels[:112, :140], pixels[-112:, -140:]])
    by_64 = pixels[None, :128, :192]
    answers = {"DEPTH_ANYTHING": depth_anything(weights, by_14), "MOGE": moge(weights, by_14),
               "NORMAL_BAE": normal_bae(weights, by_64), "axes": axes(weights)}
    out.write_text(json.dumps({name: {key: float(value) for key, value in values.items()}
                               for name, values in answers.items()}), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
