"""The pictures of the node itself: run by the MiDaS environment's Python, without any code of this project.

`python -I node_reference.py --weights DIR --cases FILE --out FILE`: the cases are a JSON list of
{"picture", "a", "bg_threshold", "resolution"}, the answer is an .npz file with the pictures "0", "1", ... of the cases.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from controlnet_aux import MidasDetector
from PIL import Image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    detector = MidasDetector.from_pretrained(str(arguments.weights))
    cases = json.loads(arguments.cases.read_text())
    np.savez(arguments.out, **{str(number): answer(detector, **case) for number, case in enumerate(cases)})


def answer(detector: MidasDetector, picture: str, a: float, bg_threshold: float, resolution: int) -> np.ndarray:
    """The node's normal picture, H x W x 3 uint8."""
    with Image.open(picture) as image:
        _, normal = detector(image, a=a, bg_th=bg_threshold, depth_and_normal=True, detect_resolution=resolution,
                             image_resolution=resolution)
    return np.asarray(normal)


if __name__ == "__main__":
    main()
