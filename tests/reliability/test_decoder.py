"""Whatever bytes come through the pipe: messages, or one ProtocolError."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from blender_midas_normal.core.errors import NO_MESSAGE, Message, ProtocolError
from blender_midas_normal.core.protocol import (
    Cancel,
    Decoder,
    Error,
    Hello,
    Progress,
    Ready,
    Request,
    Result,
    Shutdown,
    encode,
)
from tests.reliability.corpus import kept, way_of

pytestmark = [pytest.mark.reliability, pytest.mark.slow]

KINDS = (Hello, Ready, Request, Progress, Result, Error, Cancel, Shutdown)
NAMES = sorted({"type", "x", *(name for kind in KINDS for name in getattr(kind, "__dataclass_fields__", ()))})
WHY = Message("{a!r} for {b:.1f}: {c}", a="ü", b=2.0, c=Message("No."))
MESSAGES = (Hello(1, 4711, "3.11"), Ready({"RELIEF": NO_MESSAGE, "MIDAS": WHY}),
            Request({"a": 1.5}, id=1, pixels={"file": "x"}), Progress(1, "read", 0.5),
            Error(2, "SourceError", Message("{path} is gone.", path="x")), Cancel(2), Shutdown(),
            Result(1, "map.png", 3, 2, "RELIEF", "cpu", WHY, "key", {"read": 0.1}, [Message("flat")]))
PIECES = (b"1e999", b"NaN", b"-", b"-1", b"1e30", b"true", b"9" * 5000, b"null", b'"', b"[" * 2000, b"{}", b"\\ud800",
          b"\xff", b"\n", b"../", b"\0", b"{", b"{a}", b"!r", b":.99f", b".__class__", b'"values": {}')

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from([10 ** 400, "../x", "/etc/passwd", "map.png", "nul\0", "\ud800", "C:x", -1, 1e308]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=6)

messages = st.sampled_from(["", "{", "ü"]) | st.recursive(values, lambda inner: st.fixed_dictionaries(
    {"template": st.sampled_from(["{a}", "{a!r:.80}", "{a:.1f}", "{a} {b}", "{a.b}", "{a:9}", "{", "x"]),
     "values": st.dictionaries(st.sampled_from("ab"), inner | st.text(max_size=8), max_size=2)}), max_leaves=4)


@st.composite
def nearly_messages(draw) -> bytes:
    """A message with some fields missing, unknown, or of another type."""
    kind = draw(st.sampled_from(KINDS))
    fields = {"type": kind.__name__.lower()}
    for name, field in kind.__dataclass_fields__.items():
        if draw(st.integers(0, 9)):
            fields[name] = draw(fitting(str(field.type)) if draw(st.integers(0, 4)) else values)
    if not draw(st.integers(0, 9)):
        fields[draw(st.sampled_from(NAMES))] = draw(values)
    return json.dumps(fields, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


def fitting(kind: str) -> st.SearchStrategy:
    return {"int": st.integers(-2, 10 ** 6), "float": st.floats(-0.1, 1.1), "str": st.sampled_from(["", "map.png", "ü"]),
            "dict": st.dictionaries(st.text(max_size=4), values, max_size=2), "list": st.lists(values, max_size=2),
            "bool": st.booleans(), "Message": messages, "list[Message]": st.lists(messages, max_size=2),
            "dict[str, Message]": st.dictionaries(st.text(max_size=4), messages, max_size=2),
            }.get(kind, st.none() | st.just("x") | st.just({}))


def heard(data: bytes, cuts: list[int]) -> tuple[list, bool]:
    """The messages in the data that comes in pieces, and whether it was refused at last."""
    decoder, messages = Decoder(), []
    ends = sorted(cut % (len(data) + 1) for cut in cuts)
    try:
        for start, end in zip([0, *ends], [*ends, len(data)], strict=True):
            messages.extend(decoder.feed(data[start:end]))
    except ProtocolError:
        return messages, True
    return messages, False


def checked(line: bytes, cuts: list[int]) -> bool:
    """Whether the line holds messages, which come whole however it is cut; else it is refused."""
    messages, refused = heard(line + b"\n", cuts)
    assert heard(line + b"\n", []) == (messages, refused)
    assert refused or messages
    for message in messages:
        assert list(Decoder().feed(encode(message))) == [message]
    return not refused


def test_inputs_that_were_kept_go_every_way_again(figure):
    """One for each way through the decoder that fuzzing has found; those that it takes and those that it refuses."""
    inputs = kept()
    taken = sum(checked(line, [len(line) // 2]) for line in inputs)
    assert taken > 5 and len({way_of(line) for line in inputs}) > 30
    figure(f"decoder: {len(inputs)} inputs of the corpus, {taken} taken, the others refused with a ProtocolError")


def test_lines_that_are_nearly_messages(amount, figure):
    count, taken = amount(10_000, 1_000), 0

    @seed(1)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(nearly_messages(), st.lists(st.integers(0, 2000), max_size=3))
    def check(line: bytes, cuts: list[int]) -> None:
        nonlocal taken
        taken += checked(line, cuts)

    check()
    figure(f"decoder: {count} lines that are nearly messages: {taken} taken, the others refused with a ProtocolError")


def test_damaged_messages_and_any_bytes(amount, figure):
    count, taken, chance, originals = 99_000, 0, random.Random(1), [*map(encode, MESSAGES), *kept()]
    for _ in range(count):
        line = damaged(chance.choice(originals), chance)
        taken += checked(line, [chance.randrange(200) for _ in range(chance.randrange(3))])
    figure(f"decoder: {count} damaged messages: {taken} taken, the others refused with a ProtocolError")


def damaged(line: bytes, chance: random.Random) -> bytes:
    """The line with some bytes changed, taken out, doubled or put in; now and then nothing but noise."""
    if not chance.randrange(10):
        return chance.randbytes(chance.randrange(100))
    found = bytearray(line.rstrip())
    for _ in range(chance.randint(1, 3)):
        start = chance.randrange(len(found) + 1)
        end = start + chance.choice((0, 1, 1, 5, 30))
        found[start:end] = chance.choice((b"", chance.randbytes(1), found[start:end] * 2, chance.choice(PIECES)))
    return bytes(found)
