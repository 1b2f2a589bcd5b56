"""DPT-Hybrid, the network of MiDaS that the node runs, in plain torch, with the parameter names of its published file.

A ResNet sees the picture down to 1/16 of its size, a transformer refines what the ResNet saw there, and a decoder joins
four levels of features to one depth:

- The whole, and the decoder: Ranftl, Bochkovskiy, Koltun, "Vision Transformers for Dense Prediction" (2021); reference
  implementations: their repositories MiDaS and DPT, `DPTDepthModel(backbone="vitb_rn50_384")`.
- The ResNet: Kolesnikov et al., "Big Transfer (BiT)" (2020), its ResNetV2 with the normalisation after each convolution;
  weight standardisation: Qiao et al. (2019).  Reference implementations: big_transfer, timm.
- The transformer, and how the two are joined: Dosovitskiy et al., "An Image is Worth 16x16 Words" (2021), R50+ViT-B/16;
  reference implementations: vision_transformer, timm.

Attributes have the names that the file has, whatever they would be called otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..torch_inference import load_errors_as_weights_error

if TYPE_CHECKING:
    from pathlib import Path

STAGES = ((256, 3), (512, 4), (1024, 9))
"""Channels and number of blocks of the ResNet's stages, at 1/4, 1/8 and 1/16 of the picture's size."""

STEM_CHANNELS = 64
GROUPS = 32
"""Groups of channels that are normalised together in the ResNet."""

STANDARDISATION_EPSILON = 1e-8
"""Added to the variance of a kernel before it is divided by its root."""

WIDTH, HEADS, BLOCKS = 768, 12, 12
"""Numbers that each token of the transformer has, attention heads of a block, and blocks (ViT-B)."""

PATCH = 16
"""Pixels of the picture to one token, in each direction."""

GRID = 24
"""Tokens in each direction at 384 x 384, for which the file has position embeddings."""

CLASSES = 1000
"""Outputs of the transformer's classifier, which MiDaS never runs."""

DECODED_BLOCKS = (8, 11)
"""Blocks of the transformer whose tokens the decoder gets, beside the features of the ResNet's first two stages."""

FEATURES = 256
"""Channels of the decoder."""


def load_model(path: Path) -> DPTHybrid:
    """Load the network of a weights file, ready for inference on the CPU.

    The file is mapped into memory, so that its pages are read when they are first used and need no memory of their own;
    only the kernels of the ResNet, a fifteenth of it, are copied, since they are standardised here once and for all.

    Raises:
        WeightsError: the file is damaged, or holds other tensors than the network has.
        MemoryError: there is not enough memory.
    """
    with torch.device("meta"):
        model = DPTHybrid()
    with load_errors_as_weights_error(path, "MiDaS"):
        tensors = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
        model.load_state_dict(tensors, strict=True, assign=True)
    model.float().requires_grad_(False)  # a file may have half precision; what is float32 already stays where it is
    standardise_convolutions(model)
    return model


@torch.no_grad()
def standardise_convolutions(model: nn.Module) -> None:
    """Give each kernel of the ResNet mean 0 and variance 1: the file has them as they were trained, passes need them so.

    To do so twice changes nothing but rounding.
    """
    for layer in model.modules():
        if isinstance(layer, StandardisedConv2d):
            variance, mean = torch.var_mean(layer.weight, dim=(1, 2, 3), correction=0, keepdim=True)
            kernels = (layer.weight - mean) * torch.rsqrt(variance + STANDARDISATION_EPSILON)
            layer.weight = nn.Parameter(kernels, requires_grad=False)


class DPTHybrid(nn.Module):
    """The network; its weights are those of the file once they are loaded and standardised."""

    def __init__(self) -> None:
        super().__init__()
        self.pretrained = Encoder()
        self.scratch = Decoder()

    def forward(self, pictures: Tensor) -> Tensor:
        """Estimate relative inverse depth: larger is nearer, 0 at the least, in units that differ from picture to picture.

        Args:
            pictures: N x 3 x H x W, red, green, blue from -1 to 1; H and W are multiples of 32.

        Returns:
            N x H x W.
        """
        return self.scratch(self.pretrained(pictures))


class Encoder(nn.Module):
    """The ResNet, the transformer, and what turns tokens back into features."""

    def __init__(self) -> None:
        super().__init__()
        self.model = VisionTransformer()
        self.act_postprocess3 = Reassemble(nn.Conv2d(WIDTH, WIDTH, 1))
        self.act_postprocess4 = Reassemble(nn.Conv2d(WIDTH, WIDTH, 1), nn.Conv2d(WIDTH, WIDTH, 3, stride=2, padding=1))

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Return features at 1/4, 1/8, 1/16 and 1/32 of the pictures' size, with 256, 512, 768 and 768 channels."""
        fine, middle, early, late = self.model(pictures)
        rows = pictures.shape[2] // PATCH
        return [fine, middle, self.act_postprocess3(early, rows), self.act_postprocess4(late, rows)]


class VisionTransformer(nn.Module):
    """The transformer behind its ResNet."""

    def __init__(self) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.empty(1, 1, WIDTH))
        self.pos_embed = nn.Parameter(torch.empty(1, 1 + GRID ** 2, WIDTH))
        self.patch_embed = HybridEmbedding()
        self.blocks = nn.ModuleList(Block() for _ in range(BLOCKS))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-6)  # in the file, for the classifier
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Return what the decoder needs.

        Returns:
            The features of the first two stages, N x 256 x H/4 x W/4 and N x 512 x H/8 x W/8, then the tokens of
            DECODED_BLOCKS, N x (1 + H/16 * W/16) x 768, of which the first one stands for the whole picture.
        """
        fine, middle, coarse = self.patch_embed.backbone(pictures)
        patches = self.patch_embed.proj(coarse)
        tokens = torch.cat([self.cls_token.expand(len(pictures), -1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
        tokens = tokens + self._positions(*patches.shape[2:])
        outputs = [fine, middle]
        for number, block in enumerate(self.blocks):
            tokens = block(tokens)
            if number in DECODED_BLOCKS:
                outputs.append(tokens)
        return outputs

    def _positions(self, rows: int, columns: int) -> Tensor:
        """Return the position embeddings for a grid of that size, 1 x (1 + rows * columns) x 768."""
        whole, grid = self.pos_embed.split([1, GRID ** 2], dim=1)
        planes = grid.unflatten(1, (GRID, GRID)).permute(0, 3, 1, 2)
        resized = functional.interpolate(planes, (rows, columns), mode="bilinear")
        return torch.cat([whole, resized.flatten(2).transpose(1, 2)], dim=1)


class HybridEmbedding(nn.Module):
    """The ResNet, and the product that makes tokens of its features."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = ResNet()
        self.proj = nn.Conv2d(STAGES[-1][0], WIDTH, 1)


class ResNet(nn.Module):
    """ResNet-50 without its fourth stage, whose blocks the third one has more of."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.ModuleDict({"conv": StandardisedConv2d(3, STEM_CHANNELS, 7, stride=2),
                                   "norm": nn.GroupNorm(GROUPS, STEM_CHANNELS)})
        self.stages = nn.ModuleList()
        inputs = STEM_CHANNELS
        for number, (channels, blocks) in enumerate(STAGES):
            self.stages.append(Stage(inputs, channels, blocks, stride=1 if number == 0 else 2))
            inputs = channels

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Return the features of each stage."""
        features = functional.relu_(self.stem["norm"](self.stem["conv"](pictures)))
        features = functional.max_pool2d(features, 3, stride=2, ceil_mode=True)  # padded on the right and below alone
        outputs = []
        for stage in self.stages:
            features = stage(features)
            outputs.append(features)
        return outputs


class Stage(nn.Module):
    """Blocks of the ResNet at one size."""

    def __init__(self, inputs: int, channels: int, blocks: int, stride: int) -> None:
        super().__init__()
        later = (Bottleneck(channels, channels) for _ in range(blocks - 1))
        self.blocks = nn.Sequential(Bottleneck(inputs, channels, stride), *later)

    def forward(self, features: Tensor) -> Tensor:
        return self.blocks(features)


class Bottleneck(nn.Module):
    """A residual block of the ResNet, whose middle convolution has a quarter of the channels.

    Where the number of channels changes, at the beginning of a stage, a convolution takes the way round, too.
    """

    def __init__(self, inputs: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        inner = channels // 4
        self.downsample = None if inputs == channels else nn.Sequential()
        if self.downsample is not None:
            self.downsample.add_module("conv", StandardisedConv2d(inputs, channels, 1, stride))
            self.downsample.add_module("norm", nn.GroupNorm(GROUPS, channels))
        self.conv1 = StandardisedConv2d(inputs, inner, 1)
        self.norm1 = nn.GroupNorm(GROUPS, inner)
        self.conv2 = StandardisedConv2d(inner, inner, 3, stride)
        self.norm2 = nn.GroupNorm(GROUPS, inner)
        self.conv3 = StandardisedConv2d(inner, channels, 1)
        self.norm3 = nn.GroupNorm(GROUPS, channels)

    def forward(self, features: Tensor) -> Tensor:
        shortcut = features if self.downsample is None else self.downsample(features)
        features = functional.relu_(self.norm1(self.conv1(features)))
        features = functional.relu_(self.norm2(self.conv2(features)))
        return functional.relu_(self.norm3(self.conv3(features)) + shortcut)


class StandardisedConv2d(nn.Conv2d):
    """A convolution without bias whose kernels `standardise_convolutions` has prepared, padded as TensorFlow does ("SAME").

    That is with as few zeros as make the output 1/stride of the input in size, of an odd number the greater part on the
    right and below.
    """

    def __init__(self, inputs: int, outputs: int, side: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, side, stride, padding=side // 2 if stride == 1 else 0, bias=False)
        self._border = max(0, side - stride) if stride > 1 else 0

    def forward(self, features: Tensor) -> Tensor:
        if self._border:
            before, after = self._border // 2, (self._border + 1) // 2
            features = functional.pad(features, (before, after, before, after))
        return super().forward(features)


class Block(nn.Module):
    """A block of the transformer: attention and a perceptron, each on normalised tokens and added to them."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH, eps=1e-6)
        self.attn = Attention()
        self.norm2 = nn.LayerNorm(WIDTH, eps=1e-6)
        self.mlp = Perceptron()

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attn(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


class Attention(nn.Module):
    """Self-attention with several heads."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens.to(self.qkv.weight.dtype)  # products may be in half precision, sums between blocks never are
        query, key, value = self.qkv(tokens).unflatten(2, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        heads = functional.scaled_dot_product_attention(query, key, value)
        return self.proj(heads.transpose(1, 2).flatten(2))


class Perceptron(nn.Module):
    """The two layers of a block that see each token by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(WIDTH, 4 * WIDTH)
        self.fc2 = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(tokens.to(self.fc1.weight.dtype))))


class Reassemble(nn.ModuleDict):
    """Turns tokens into features, after the token of the whole picture was mixed into each of the others.

    The names are those of a sequence: "0" is the mixing, "1" and "2" have no parameters, "3" and "4" are convolutions.
    """

    def __init__(self, *convolutions: nn.Conv2d) -> None:
        mixing = nn.ModuleDict({"project": nn.Sequential(nn.Linear(2 * WIDTH, WIDTH), nn.GELU())})
        super().__init__({"0": mixing, **{str(number): layer for number, layer in enumerate(convolutions, 3)}})
        self._convolutions = [str(number) for number in range(3, 3 + len(convolutions))]

    def forward(self, tokens: Tensor, rows: int) -> Tensor:
        """Return N x 768 x rows x columns, or half of the rows and columns, for N x (1 + rows * columns) x 768."""
        whole, parts = tokens[:, :1], tokens[:, 1:]
        mixed = self["0"]["project"](torch.cat([parts, whole.expand_as(parts)], dim=2))
        features = mixed.transpose(1, 2).unflatten(2, (rows, -1))
        for name in self._convolutions:
            features = self[name](features)
        return features


class Decoder(nn.Module):
    """Joins the features, from the coarsest to the finest, and makes depth of them."""

    def __init__(self) -> None:
        super().__init__()
        for number, channels in enumerate((STAGES[0][0], STAGES[1][0], WIDTH, WIDTH), 1):
            self.add_module(f"layer{number}_rn", nn.Conv2d(channels, FEATURES, 3, padding=1, bias=False))
        for number in range(1, 5):
            self.add_module(f"refinenet{number}", Fusion())
        self.output_conv = nn.Sequential(
            nn.Conv2d(FEATURES, FEATURES // 2, 3, padding=1),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
            nn.Conv2d(FEATURES // 2, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 1, 1),
            nn.ReLU(),
        )

    def forward(self, levels: list[Tensor]) -> Tensor:
        """Return N x H x W depths for features at 1/4, 1/8, 1/16 and 1/32 of that size."""
        fine, middle, coarse, coarsest = levels
        joined = self.refinenet4(self.layer4_rn(coarsest))
        joined = self.refinenet3(joined, self.layer3_rn(coarse))
        joined = self.refinenet2(joined, self.layer2_rn(middle))
        joined = self.refinenet1(joined, self.layer1_rn(fine))
        return self.output_conv(joined).squeeze(1)


class Fusion(nn.Module):
    """Adds finer features to those of the level below, and doubles their size.

    The coarsest level has nothing to add: its `resConfUnit1` is in the file, and never runs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.out_conv = nn.Conv2d(FEATURES, FEATURES, 1)
        self.resConfUnit1 = ResidualUnit()
        self.resConfUnit2 = ResidualUnit()

    def forward(self, coarse: Tensor, finer: Tensor | None = None) -> Tensor:
        joined = coarse if finer is None else coarse + self.resConfUnit1(finer)
        # The reference enlarges first: of four times the pixels, with the same result but for rounding, since each pixel of
        # an enlargement is a weighted mean, and `out_conv` sees each pixel by itself.
        small = self.out_conv(self.resConfUnit2(joined))
        return functional.interpolate(small, scale_factor=2, mode="bilinear", align_corners=True)


class ResidualUnit(nn.Module):
    """Two convolutions, each of positive values only, added to what they were made of."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(FEATURES, FEATURES, 3, padding=1)
        self.conv2 = nn.Conv2d(FEATURES, FEATURES, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        return features + self.conv2(functional.relu_(self.conv1(functional.relu(features))))
