"""How much a run of the benchmark measures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """What all parts measure; sizes are sides of square pictures in pixels.

    engines: whose stages and borders are looked at; sides: of the table of stages; every_pixel: those of them at which
    MiDaS's network sees every pixel, too; exchange: of the ratios to PNG files and to Blender's own reading and writing;
    resolutions: of MiDaS's call; surface: of the map from cached heights; tuned: of the re-tuned map.
    runs: of each thing that is compared; patience: seconds after which no further round of it begins.
    pictures: of a library; farm: of libraries that a farm shares out; life: pictures one after the other while memory is
    watched, 0 for none.
    midas, weights: the MiDaS environment's folder and that of its weights, "" where there are none.
    out: the folder for pictures to look at, "" for none.
    """

    engines: tuple
    sides: tuple
    every_pixel: tuple
    exchange: int
    resolutions: tuple
    surface: int
    tuned: int
    runs: int
    patience: float
    pictures: int
    life: int
    farm: tuple
    midas: str = ""
    weights: str = ""
    out: str = ""


FULL = Plan(engines=("luminance", "relief", "midas"), sides=(256, 512, 1024, 2048, 4096, 8192),
            every_pixel=(256, 512, 1024, 2048), exchange=4096, resolutions=(512, 1024), surface=4096, tuned=1024, runs=5,
            patience=30.0, pictures=12, life=260, farm=(10_000, 100_000, 1_000_000))

QUICK = Plan(engines=("luminance", "relief"), sides=(1024,), every_pixel=(), exchange=1024, resolutions=(512,),
             surface=1024, tuned=1024, runs=3, patience=2.0, pictures=4, life=0, farm=(2_000, 20_000))
