"""Passes on a device that stands in for a graphics card: run by the MiDaS environment's Python, on the CPU.

`python paced_passes.py ROOT` prints JSON: "tf32", whether CUDA may round the factors of float32 products once the relief
network was imported alone; "cpu", "card" and "mps", what a pass of three steps does there, in order; "cancelled", the same
on "card" where progress raises an exception; "attention", of `half_attention`.
"""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace


def main(root: str) -> None:
    sys.path.insert(0, root)
    import torch
    from torch.nn import functional

    from blender_midas_normal.worker.engines.relief import torch_network  # noqa: F401 - for what it sets

    tf32 = torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32
    from blender_midas_normal.worker.engines.torch_inference import half_attention, run_with_progress

    def run(device: str, last: float) -> list[str]:
        """Log a pass that is cancelled as soon as more than a share of it is reported."""
        log: list[str] = []
        events = iter(range(1, 100))

        class Event:
            def __init__(self) -> None:
                self.number = next(events)

            def record(self) -> None:
                log.append(f"launched {self.number}")

            def synchronize(self) -> None:
                log.append(f"finished {self.number}")

        def report(share: float) -> None:
            log.append(f"{share:.2f}")
            if share > last:
                raise KeyboardInterrupt

        torch.card = SimpleNamespace(Event=Event)
        torch.mps = SimpleNamespace(synchronize=lambda: log.append("finished all"))
        steps = [torch.nn.Identity() for _ in range(3)]
        try:
            run_with_progress(lambda: torch.nn.Sequential(*steps)(torch.ones(1)), steps, device, report)
        except KeyboardInterrupt:
            log.append("cancelled")
        log.append(f"{sum(len(step._forward_hooks) for step in steps)} hooks")
        return log

    def attention(device: str, dtype: torch.dtype | None) -> list[object]:
        """Return what attention with a mask gives there: its type, and whether it is that of float16."""
        query, key, value, mask = torch.rand(4, 1, 2, 8, 8)
        with half_attention(device, dtype):
            given = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        in_half = functional.scaled_dot_product_attention(query.half(), key.half(), value.half(), attn_mask=mask.half())
        return [str(given.dtype), bool((given == in_half.float()).all())]

    half = torch.float16
    print(json.dumps({"attention": [attention("cuda", half), attention("cuda", None), attention("cpu", half)],
                      "tf32": tf32, "cpu": run("cpu", 1.0), "card": run("card", 1.0), "mps": run("mps", 1.0),
                      "cancelled": run("card", 0.0)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
