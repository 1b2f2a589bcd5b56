"""Writes small random checkpoints of the real architectures, by the libraries themselves: network_checkpoints.py FOLDER.

Depth Anything's and NormalBae's answers are scaled, so that depths span hundreds of units; their maps are worthless.
"""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path
from types import SimpleNamespace

import torch


def depth_anything(folder: Path) -> None:
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    stages = [f"stage{number}" for number in range(1, 5)]
    backbone = Dinov2Config(hidden_size=96, num_hidden_layers=4, num_attention_heads=3, image_size=70, patch_size=14,
                            out_features=stages, reshape_hidden_states=False, apply_layernorm=True)
    config = DepthAnythingConfig(backbone_config=backbone, reassemble_hidden_size=96, neck_hidden_sizes=[16, 24, 32, 48],
                                 fusion_hidden_size=24, head_hidden_size=16)
    torch.manual_seed(0)
    model = DepthAnythingForDepthEstimation(config).eval()
    randomise(model)
    with torch.no_grad():
        depth = model(pixel_values=torch.randn(1, 3, 140, 140)).predicted_depth
        last = model.head.conv3
        last.weight *= 300 / float(depth.max() - depth.min())
        last.bias.fill_(float(-depth.min()) * 300 / float(depth.max() - depth.min()) + 50)
    model.save_pretrained(folder)


def randomise(model: torch.nn.Module) -> None:
    """Give weights the size that keeps signals as large as they are (He): those of the libraries make them vanish."""
    for name, values in model.named_parameters():
        if values.ndim > 1 and "position" not in name:
            torch.nn.init.normal_(values, std=(2 / values[0].numel()) ** 0.5)


def dpt(folder: Path) -> None:
    """A network as transformers saves it with its processor, which rounds to multiples of 1 though the patches are of 16."""
    from transformers import DPTConfig, DPTForDepthEstimation, DPTImageProcessor

    torch.manual_seed(0)
    model = DPTForDepthEstimation(DPTConfig(
        hidden_size=48, num_hidden_layers=4, num_attention_heads=3, intermediate_size=96, image_size=64, patch_size=16,
        backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[16, 16, 24, 32], fusion_hidden_size=16, is_hybrid=False))
    randomise(model)
    with torch.no_grad():
        model.head.head[-2].bias += 10  # else its last ReLU might give 0 everywhere
    model.save_pretrained(folder)
    DPTImageProcessor().save_pretrained(folder)


def moge(path: Path, with_normals: bool = True) -> None:
    from moge.model.v2 import MoGeModel

    sides = {"dim_res_blocks": [32, 32, 32, 32, 32], "resamplers": ["bilinear"] * 4, "num_res_blocks": 1,
             "res_block_hidden_norm": "group_norm"}
    head = {**sides, "dim_in": [32] * 5, "dim_out": [None, None, None, None, 3]}
    config = {"encoder": {"backbone": "dinov2_vits14", "intermediate_layers": 4, "dim_out": 32},
              "neck": {**sides, "dim_in": [34, 2, 2, 2, 2], "dim_out": [None] * 5}, "points_head": head,
              "num_tokens_range": [16, 2500]}
    config |= {"normal_head": head} if with_normals else {}
    torch.manual_seed(0)
    model = MoGeModel(**config)
    if with_normals:
        with torch.no_grad():  # most vectors towards the viewer, as those of a picture are
            model.normal_head.output_blocks[-1].bias.copy_(torch.tensor([0.0, 0.0, -1.0]))
            model.normal_head.output_blocks[-1].weight *= 0.5
    path.parent.mkdir(parents=True)
    torch.save({"model_config": config, "model": model.half().state_dict()}, path)


def normal_bae(path: Path) -> None:
    from controlnet_aux.normalbae.nets.NNET import NNET

    options = SimpleNamespace(mode="client", architecture="BN", pretrained="scannet", sampling_ratio=0.4,
                              importance_ratio=0.7)
    torch.manual_seed(0)
    with contextlib.redirect_stdout(io.StringIO()):
        model = NNET(options)
    model.eval()
    last = model.decoder.out_conv_res1[-1]
    last.register_forward_hook(lambda layer, given, answer: outputs.append(answer))
    outputs: list[torch.Tensor] = []
    with torch.no_grad():
        smooth = torch.nn.functional.interpolate(torch.rand(1, 3, 16, 16), (128, 128), mode="bicubic")
        model((smooth - 0.45) / 0.225)
        scale = 0.5 / float(outputs[0][:, :3].std(dim=2).mean())
        mean = outputs[0].mean(dim=(0, 2))
        last.weight *= scale  # most vectors towards the viewer, as those of a picture are
        last.bias.copy_((last.bias - mean) * scale + torch.tensor([0.0, 0.0, 1.0, 1.0]))
    last._forward_hooks.clear()
    torch.save({"model": {f"module.{name}": values for name, values in model.state_dict().items()}}, path)


def main(folder: Path) -> None:
    depth_anything(folder / "Depth-Anything-V2-Small-hf")
    dpt(folder / "dpt")
    moge(folder / "moge-2-vits-normal" / "model.pt")
    moge(folder / "without_normals" / "model.pt", with_normals=False)
    normal_bae(folder / "scannet.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
