"""The figures as Markdown: ratios first, then what they are made of."""

from __future__ import annotations

from pathlib import Path

from benchmarks import bars, growth
from benchmarks.answer import Answer, Table

BEGIN, END = "<!-- figures: written by scripts/benchmark.py --document -->", "<!-- end of the figures -->"

RATIOS = {
    "png": "Everything but the arithmetic / PNG files there and back",
    "node cpu 512": "MiDaS at 512 on the CPU: the node's way / ours",
    "node cpu 1024": "MiDaS at 1024 on the CPU: the node's way / ours",
    "node cuda 512": "MiDaS at 512 on CUDA: the node's way / ours",
    "relief torch": "The relief network at 1024: numpy / torch",
}
"""Figures that nothing is promised of."""

NOT_MEASURED = "not measured"


def text(answer: Answer, machine: str, conditions: str, missing: list) -> str:
    """Return the document's text; missing: sentences that say what could not be measured."""
    versions = ", ".join(f"{name} {version}" for name, version in answer.versions.items())
    promised, sources = bars.bars(answer.figures), bars.source_bars(answer.figures)
    parts = [f"{machine}; {versions}. {conditions}", *missing,
             markdown(format_verdicts("What is promised", promised, answer.figures)),
             markdown(format_verdicts("Sources", sources, answer.figures)), *_profiles(answer),
             markdown(_ratios(answer.figures))]
    parts += [markdown(table) for table in (*answer.tables, growth.table(answer.points))]
    return "\n\n".join(parts) + "\n"


def format_verdicts(title: str, promised: list, figures: dict) -> Table:
    """Return a table that says of each bar whether it is met or missed."""
    rows = []
    for bar in promised:
        sign = "at least" if bar.at_least else "at most"
        limit = f"{sign} {bar.limit:g} {bar.unit}".strip()
        value = figures.get(bar.name)
        without = f"{NOT_MEASURED}: no {bar.needs} beside the checkout" if bar.needs else NOT_MEASURED
        said = (without, "") if value is None else (bar.format(value), "met" if bar.is_met(value) else "**missed**")
        rows.append([bar.what, said[0], limit, said[1]])
    return Table(title, ["Figure", "measured", "promised", ""], rows)


def _ratios(figures: dict) -> Table:
    rows = [[what, f"{figures[name]:.2f}"] for name, what in RATIOS.items() if name in figures]
    return Table("Other ratios", ["Ratio", "measured"], rows)


def _profiles(answer: Answer) -> list:
    """Return tables that show where the time of missed figures goes."""
    missed = [bar for bar in (*bars.bars(answer.figures), *bars.source_bars(answer.figures))
              if bar.name in answer.profiles and not bar.is_met(answer.figures[bar.name])]
    return [f"{bar.what}, missed: where the time goes: {_steps(answer.profiles[bar.name])}." for bar in missed]


def _steps(profile: dict) -> str:
    return ", ".join(f"{step} {seconds * 1000:.0f} ms" for step, seconds in profile.items())


def markdown(table: Table) -> str:
    lines = [f"### {table.title}", "", _line(table.columns), _line(["---"] * len(table.columns))]
    return "\n".join(lines + [_line(row) for row in table.rows])


def _line(cells: list) -> str:
    return f"| {' | '.join(cells)} |"


def replace_figures(file: Path, figures: str) -> None:
    """Replace the text between the document's two marks; raise ValueError where they are missing."""
    before, begin, rest = file.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{file} has no place for the figures; put {BEGIN} and {END} there.")
    file.write_text(f"{before}{BEGIN}\n\n{figures}\n{END}{after}", encoding="utf-8")
