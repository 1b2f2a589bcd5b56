"""The inputs of the decoder that fuzzing has kept, in corpus.txt: one for each way through it that any input has taken.

    python -m tests.reliability.corpus [SECONDS]

looks for more, by damaging those that are there, and keeps what takes another way.
"""

from __future__ import annotations

import ast
import random
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType

from blender_midas_normal.core import errors, protocol
from blender_midas_normal.core.errors import ProtocolError

FILE = Path(__file__).with_name("corpus.txt")

LONGEST = 400
"""Bytes of an input that is kept."""

Way = frozenset


def kept() -> list[bytes]:
    """The inputs, each a line without its end."""
    return [ast.literal_eval(line) for line in FILE.read_text(encoding="ascii").splitlines()]


def way_of(line: bytes) -> Way:
    """The steps from line to line of the protocol's code that a decoder takes with the input, and how it is refused."""
    steps: set[tuple] = set()
    last: dict[CodeType, int] = {}

    def trace(frame: FrameType, event: str, argument: object) -> Callable | None:
        if frame.f_code.co_filename not in (protocol.__file__, errors.__file__):
            return None
        if event in ("call", "line"):
            steps.add((frame.f_code.co_name, last.get(frame.f_code) if event == "line" else None, frame.f_lineno))
            last[frame.f_code] = frame.f_lineno
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        list(protocol.Decoder().feed(line + b"\n"))
    except ProtocolError as error:
        steps.add((re.split(r"[:'\"\d]", str(error))[0],))
    finally:
        sys.settrace(before)
    return Way(steps)


def grown(corpus: list[bytes], damaged: Callable[[bytes, random.Random], bytes], seconds: float) -> list[bytes]:
    """The corpus with what was found in so many seconds."""
    chance, found, end = random.Random(), list(corpus), time.monotonic() + seconds
    seen = {step for line in found for step in way_of(line)}
    while time.monotonic() < end:
        line = damaged(chance.choice(found), chance)
        if len(line) <= LONGEST and b"\n" not in line and not (way := way_of(line)) <= seen:
            seen |= way
            found.append(line)
    return found


def main() -> None:
    from tests.reliability.test_decoder import MESSAGES, damaged

    there = kept() if FILE.exists() else [protocol.encode(message).rstrip() for message in MESSAGES]
    found = grown(there, damaged, float(sys.argv[1]) if sys.argv[1:] else 60)
    FILE.write_text("".join(f"{line!r}\n" for line in found), encoding="ascii")
    print(f"{len(found) - len(there)} more, {len(found)} in all")


if __name__ == "__main__":
    main()
