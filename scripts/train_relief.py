#!/usr/bin/env python3
"""Trains the network of the relief engine: makes the data, trains, exports, and evaluates, in one command.

    python3 scripts/train_relief.py --out DIR [--minutes 9] [--samples 100000] [--architecture full] [--seed 0] [--resume]

On a GPU, 9 minutes with 16 cores to make samples are meant; on 2 cores of a CPU an hour with
--minutes 60 --samples 12000 --architecture small --batch 16.  Needs scripts/requirements/training.txt.  DIR gets
checkpoint.pt, relief.npz (the weights, calibrated), log.json and curves.png every few minutes, and the samples in DIR/pool.
With --materials DIR, or shared/materials beside the checkout, the table and the sheet of evaluate.py end the work.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments

from blender_midas_normal.client.batch import ended
from blender_midas_normal.core.errors import InstallError, MidasNormalError

MATERIALS = Path(__file__).resolve().parents[2] / "shared" / "materials"


def main() -> int:
    wanted = arguments()
    try:
        check_packages()
        environments.writable(wanted.out)
        pool = environments.writable(wanted.pool or wanted.out / "pool")
    except MidasNormalError as error:
        return ended(error)
    os.environ["OMP_NUM_THREADS"] = "1"  # the cores work on parts of a batch each; read when torch is imported
    import torch
    from relief.network import ARCHITECTURES
    from relief.pool import HELD_OUT, SHARD, Makers, Shards
    from relief.training import Plan, Training

    device = wanted.device if wanted.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.benchmark = True
    held_out = [HELD_OUT + i for i in range(wanted.held_out)]
    makers = Makers(pool, held_out + list(range(-(-wanted.samples // SHARD))), wanted.seed, wanted.workers)
    try:
        while len(Shards(pool, held_out=True)) < len(held_out) * SHARD or not len(Shards(pool)):
            makers.check()
            time.sleep(0.5)
        threads = os.cpu_count() or 1 if device == "cpu" else 1
        plan = Plan(wanted.minutes, wanted.crop, wanted.batch, wanted.rate, wanted.seed, device, threads,
                    wanted.checkpoint_minutes, device == "cuda" or wanted.half)
        training = Training(ARCHITECTURES[wanted.architecture], plan)
        if wanted.resume and (wanted.out / "checkpoint.pt").exists():
            training.resume(wanted.out)
        elif wanted.begin_with is not None:
            training.begin_with(wanted.begin_with)
        print(f"{device}: {sum(p.numel() for p in training.network.parameters())} weights, from step {training.step} on",
              flush=True)
        training.run(Shards(pool), Shards(pool, held_out=True).all(), wanted.out, makers.check)
        print(f"{training.step} steps in {training.seconds / 60:.1f} minutes, {len(Shards(pool))} samples")
    finally:
        makers.close()
    if not wanted.materials.is_dir():
        print(f"Not evaluated: there is no folder {wanted.materials.name} with real materials.")
        return 0
    import evaluate

    return evaluate.main(["--materials", str(wanted.materials), "--relief", str(wanted.out / "relief.npz"),
                          "--out", str(wanted.out)])


def check_packages() -> None:
    """Raises InstallError where this Python cannot train: which build of torch is right, its user knows."""
    lacking = [name for name in ("torch", "cv2", "PIL") if importlib.util.find_spec(name) is None]
    if lacking:
        raise InstallError(f"{sys.executable} has no {', '.join(lacking)}; run its pip install -r "
                           "scripts/requirements/training.txt.")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=9.0, help="of training, those before --resume included")
    parser.add_argument("--samples", type=int, default=100_000, help="to make while the training goes on")
    parser.add_argument("--architecture", choices=("full", "small", "tiny"), default="full")
    parser.add_argument("--batch", type=int, default=64, help="crops of a batch")
    parser.add_argument("--crop", type=int, default=128, help="pixels of a crop's side")
    parser.add_argument("--rate", type=float, default=1e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--half", action="store_true", help="bfloat16 on a CPU that has instructions for it, as on all GPUs")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that make samples")
    parser.add_argument("--checkpoint-minutes", type=float, default=3.0)
    parser.add_argument("--held-out", type=int, default=2, help="shards of 64 samples to measure on, never trained on")
    parser.add_argument("--resume", action="store_true", help="continue from DIR/checkpoint.pt")
    parser.add_argument("--begin-with", type=Path, help="file of weights to go on from, in a training of its own")
    parser.add_argument("--pool", type=Path, help="folder of the samples, when it is not DIR/pool")
    parser.add_argument("--materials", type=Path, default=MATERIALS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
