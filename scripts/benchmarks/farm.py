"""What the number of pictures of a library costs each process of a farm: record, start and resumption of a shard, memory.

The pictures stand in a list.  Those of one shard, and their maps, are there as tiny files, and all maps are on record, so
that the command line does the shard again without any engine: what is left is what the number of pictures costs.
"""

from __future__ import annotations

import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path, PurePosixPath

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[level]) for level in (1, 2)]

from benchmarks.answer import Answer, Table
from benchmarks.plan import Plan
from blender_midas_normal.batch.atomic_files import COMPUTER
from blender_midas_normal.batch.cli import main
from blender_midas_normal.batch.pictures import ItemSet, item_of_file
from blender_midas_normal.batch.record import digest_of_settings
from blender_midas_normal.batch.runner import BatchRunner
from blender_midas_normal.batch.shares import parse_share
from blender_midas_normal.core.settings import Settings

SHARDS = 100
"""Of which the first one is measured."""

IN_FOLDER = 1000
"""Pictures of a folder."""

CONTENT = b"tiny"
"""What each file holds."""

FIGURES = ("record", "start", "cpu", "resume", "memory")


def measure(plan: Plan) -> Answer:
    """Measure each number of pictures; the growth of a figure is that of the figure by that of the number, 1 if linear."""
    answer, rows, measured = Answer(), [], []
    for count in plan.farm:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_library(folder, count)
            subprocess.run([sys.executable, __file__, name], check=True, stdout=subprocess.DEVNULL)
            figures = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
        measured.append(figures)
        rows.append([f"{count:,}", f"{figures['record']:.1f} MB", f"{figures['start']:.1f} s", f"{figures['cpu']:.1f} s",
                     f"{figures['resume']:.1f} s", f"{figures['memory']:.0f} MB"])
    for name in FIGURES:
        answer.figures[f"farm {name}"] = measured[-1][name]
        answer.figures[f"farm {name} growth"] = measured[-1][name] / measured[0][name] / (plan.farm[-1] / plan.farm[0])
    columns = ["Pictures", "Record", "Start of a shard", "its CPU time", "Its resumption", "Memory"]
    answer.tables.append(Table(f"One shard of {SHARDS}, all maps on record", columns, rows))
    return answer


def write_library(folder: Path, count: int) -> None:
    """Write the list of `count` pictures, the record of all their maps, and the files of the first shard."""
    names = [f"{number // IN_FOLDER:04}/texture_{number:07}_color.png" for number in range(count)]
    (folder / "list.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    (folder / "maps").mkdir()
    digest = hashlib.sha256(CONTENT).hexdigest()
    settings = digest_of_settings(Settings(engine="LUMINANCE"), "LUMINANCE", "NORMAL", "PNG")
    share = parse_share(f"0/{SHARDS}", "")
    with (folder / "maps" / f".midas_normal.{COMPUTER}.jsonl").open("w", encoding="utf-8") as record:
        for name in names:
            path = PurePosixPath(name)
            output = path.with_name(f"{path.stem}_normal.png")
            record.write("\n" + json.dumps({
                "file": output.as_posix(), "picture": f"../{name}", "content": digest, "settings": settings, "map": digest,
                "engine": "LUMINANCE", "pixels": 1, "seconds": 0.01}))
            item = item_of_file(folder / path, path.parent, lambda client: {})
            if share.includes(ItemSet("", "OFF", ((0, item),))):
                for file in (folder / path, folder / "maps" / output):
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(CONTENT)


def run_shard(folder: Path) -> None:
    """Do the shard again by the command line, and write the figures of this process."""
    begun = []

    def begin(runner: BatchRunner, *arguments: object, of=BatchRunner.begin):
        begun.append((time.perf_counter(), time.process_time()))
        return of(runner, *arguments)

    BatchRunner.begin = begin
    start, cpu_start = time.perf_counter(), time.process_time()
    code = main(["--list", str(folder / "list.txt"), "--shard", f"0/{SHARDS}", "--out", str(folder / "maps"), "--engine",
                 "luminance", "--existing", "skip", "--json", str(folder / "report.json")])
    end = time.perf_counter()
    outcomes = {entry["outcome"] for entry in json.loads((folder / "report.json").read_text(encoding="utf-8"))}
    if code != 0 or outcomes != {"skipped"}:
        raise SystemExit(f"The shard was not skipped: exit code {code}, outcomes {outcomes}.")
    unit = 1 if sys.platform == "darwin" else 1024
    first, first_cpu = begun[0]
    figures = {"record": (folder / "maps" / f".midas_normal.{COMPUTER}.jsonl").stat().st_size / 1e6, "start": first - start,
               "cpu": first_cpu - cpu_start, "resume": end - start,
               "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6}
    (folder / "figures.json").write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    run_shard(Path(sys.argv[1]))
