#!/usr/bin/env python3
"""Trains the network of the relief engine: makes the data, trains, exports, and evaluates, in one command.

    python3 scripts/train_relief.py --out DIR [--real DIR|FILE] [--minutes 60] [--resume]
    python3 scripts/train_relief.py --real DIR --pack FILE

Needs scripts/requirements/training.txt.  --real names a folder of real materials (see scripts/relief/materials.py), or a zip
file that --pack made of one, with smaller pictures.  DIR gets checkpoint.pt, relief.npz (the weights, calibrated), log.json
and curves.png every few minutes, and the samples in DIR/pool.  With --materials DIR, or shared/materials beside the
checkout, the table and the sheet of evaluate.py end the work.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments

from blender_midas_normal.batch.cli import report_error
from blender_midas_normal.core.errors import InstallError, MidasNormalError

MATERIALS = Path(__file__).resolve().parents[2] / "shared" / "materials"
MEASURED_SIDES = (256, 512, 768)
"""Pixels of the longer side of the real materials that are held out; the factor is chosen over all, r on val at the last."""


def main() -> int:
    options = parse_arguments()
    try:
        check_packages()
        if options.pack is not None:
            return pack_materials(options)
        environments.writable(options.out)
        pool = environments.writable(options.pool or options.out / "pool")
        train(options, pool)
    except MidasNormalError as error:
        return report_error(error)
    if not options.materials.is_dir():
        print(f"Not evaluated: there is no folder {options.materials.name} with real materials.")
        return 0
    import evaluate

    return evaluate.main(["--materials", str(options.materials), "--relief", str(options.out / "relief.npz"),
                          "--out", str(options.out)])


def pack_materials(options: argparse.Namespace) -> int:
    """Write the real materials into one file."""
    from relief.materials import pack

    if options.real is None:
        raise InstallError("--pack needs --real DIR, the folder of real materials.")
    pack(options.real, options.pack)
    return 0


def train(options: argparse.Namespace, pool: Path) -> None:
    """Make the samples and train on them."""
    os.environ["OMP_NUM_THREADS"] = "1"  # the cores work on parts of a batch each; read when torch is imported
    import torch
    from relief.materials import read_materials
    from relief.pool import HELD_OUT, SHARD, Makers, Shards
    from relief.ranks import run_ranks

    device = options.device if options.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    shards_held_out = [HELD_OUT + i for i in range(options.held_out)]
    materials = read_materials(options.real, "train") if options.real is not None else []
    names = [material.name for material in materials if not material.held_out]
    makers = Makers(pool, shards_held_out + list(range(-(-options.samples // SHARD))), options.seed, options.workers,
                    options.real, names, options.relit)
    try:
        while len(Shards(pool, held_out=True)) < len(shards_held_out) * SHARD or not len(Shards(pool)) or not makers.relit():
            makers.check()
            time.sleep(0.5)
        run_ranks(1 if device != "cpu" else os.cpu_count() or 1, learn, options, pool, device)
        makers.check()
    finally:
        makers.close()


def learn(ranks, options: argparse.Namespace, pool: Path, device: str) -> None:
    """Train, as one of the processes that do so together."""
    import numpy as np
    import torch
    from relief.batches import Batches, RealPlates
    from relief.materials import read_materials
    from relief.network import ARCHITECTURES
    from relief.pool import Shards
    from relief.training import Plan, Training

    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    plan = Plan(options.minutes, options.rate, options.seed, device, options.checkpoint_minutes,
                device == "cuda" or options.half, options.compile)
    training = Training(ARCHITECTURES[options.architecture], plan, ranks)
    materials = read_materials(options.real, "train") if options.real is not None else []
    learnt = [material for material in materials if not material.held_out]
    if options.resume and (options.out / "checkpoint.pt").exists():
        training.resume(options.out)
    elif options.begin_with is not None:
        training.begin_with(options.begin_with)
    shards = Shards(pool)
    seed = [options.seed, training.step, ranks.rank]
    torch.manual_seed(hash(tuple(seed)))
    batches = Batches(shards, RealPlates(learnt, pool, options.relit) if learnt else None, options.real_share,
                      options.window, max(1, options.batch // ranks.count), device, np.random.default_rng(seed))
    if ranks.rank == 0:
        print(f"{device}: {sum(p.numel() for p in training.network.parameters())} weights, from step {training.step} on",
              flush=True)

    def look() -> None:
        ranks.check()
        shards.look()

    training.run(batches, held_out(options, pool, materials, device), options.out, look)
    if ranks.rank == 0:
        print(f"{training.step} steps in {training.seconds / 60:.1f} minutes, {len(shards)} made-up samples, "
              f"{len(learnt)} real materials")


def held_out(options: argparse.Namespace, pool: Path, materials: list, device: str):
    """Return the samples and materials on which the training is measured."""
    from relief.materials import read_materials
    from relief.measures import make_measured
    from relief.pool import Shards
    from relief.training import HeldOut

    def measured(chosen: list, sides: Sequence[int]) -> list:
        return [make_measured(m.rgb, m.slopes, m.tiles, side, device) for side in sides for m in chosen]

    made_up = Shards(pool, held_out=True).all()
    sets = {"made_up": [make_measured(rgb, slopes, (True, True), 256, device)
                        for rgb, slopes in zip(made_up.rgb[:options.measured], made_up.slopes)]}
    calibration = [material for material in materials if material.held_out]
    if calibration:
        sets["held_out"] = measured(calibration, MEASURED_SIDES)
    if val := read_materials(options.real, "val") if options.real is not None and options.real.is_dir() else []:
        sets["val"] = measured(val, MEASURED_SIDES[-1:])
    return HeldOut(sets, "held_out" if calibration else "made_up")


def check_packages() -> None:
    """Raise InstallError where this Python cannot train; which build of torch is right, its user knows."""
    missing = [name for name in ("torch", "cv2", "PIL") if importlib.util.find_spec(name) is None]
    if missing:
        raise InstallError(f"{sys.executable} has no {', '.join(missing)}; run its pip install -r "
                           "scripts/requirements/training.txt.")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out") / "training")
    parser.add_argument("--real", type=Path, help="folder or packed file of real materials")
    parser.add_argument("--real-share", type=float, default=0.7, help="share of the samples that are real")
    parser.add_argument("--relit", type=int, default=4, help="relit pictures of each real material")
    parser.add_argument("--pack", type=Path, help="write the folder of real materials into this file, and end")
    parser.add_argument("--minutes", type=float, default=60.0, help="of training, those before --resume included")
    parser.add_argument("--samples", type=int, default=6000, help="made-up samples to make while the training goes on")
    parser.add_argument("--architecture", choices=("full", "small", "tiny"), default="full")
    parser.add_argument("--batch", type=int, default=8, help="windows of a batch, at each of its sizes")
    parser.add_argument("--window", type=int, default=128, help="pixels of a window's side")
    parser.add_argument("--rate", type=float, default=6e-4, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--half", action="store_true", help="bfloat16 on a CPU that has instructions for it, as on all GPUs")
    parser.add_argument("--compile", action="store_true", help="compile the network, which needs a C++ compiler")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that make samples")
    parser.add_argument("--checkpoint-minutes", type=float, default=10.0)
    parser.add_argument("--held-out", type=int, default=1, help="shards of 64 made-up samples, never trained on")
    parser.add_argument("--measured", type=int, default=32, help="of those samples, how many are measured on")
    parser.add_argument("--resume", action="store_true", help="continue from DIR/checkpoint.pt")
    parser.add_argument("--begin-with", type=Path, help="file of weights to go on from, in a training of its own")
    parser.add_argument("--pool", type=Path, help="folder of the samples, when it is not DIR/pool")
    parser.add_argument("--materials", type=Path, default=MATERIALS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
