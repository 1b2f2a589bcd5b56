"""A picture of what was logged during a training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw

WIDTH, HEIGHT, EDGE = 760, 220, 40
COLOURS = ("#1f5fbf", "#bf5f1f", "#1f9f5f")


def draw_curves(log: list[dict], path: Path) -> None:
    """Draw the loss, and for what is held out correlation, error and amount, over minutes."""
    if not log:
        return
    titles = {"r": "correlation", "error": "error over the flat map's", "amount": "amount of tilt"}
    panels = {"loss": ["loss"]} | {title: [name for name in log[-1] if name.endswith(f"_{part}")]
                                   for part, title in titles.items()}
    picture = PIL.Image.new("RGB", (WIDTH, len(panels) * HEIGHT), "white")
    pen = PIL.ImageDraw.Draw(picture)
    minutes = np.array([entry["minutes"] for entry in log])
    for number, (title, names) in enumerate(panels.items()):
        if names:
            _draw(pen, number * HEIGHT, title, minutes, {name: np.array([entry[name] for entry in log]) for name in names})
    picture.save(path)


def _draw(pen: PIL.ImageDraw.ImageDraw, top: int, title: str, minutes: np.ndarray, lines: dict[str, np.ndarray]) -> None:
    low, high = (float(choose([choose(line) for line in lines.values()])) for choose in (np.nanmin, np.nanmax))
    across = EDGE + (WIDTH - 2 * EDGE) * minutes / max(float(minutes.max()), 1e-6)
    pen.text((EDGE, top + 4), f"{title}: {low:.3f} to {high:.3f} in {minutes.max():.0f} minutes", fill="black")
    for row, ((name, line), colour) in enumerate(zip(lines.items(), COLOURS)):
        upright = top + HEIGHT - 20 - (HEIGHT - 50) * (line - low) / max(high - low, 1e-9)
        points = list(zip(across.tolist(), upright.tolist()))
        pen.line(points, fill=colour, width=2)
        for x, y in points:
            pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=colour)
        pen.text((WIDTH - 3 * EDGE, top + 4 + 12 * row), name, fill=colour)
