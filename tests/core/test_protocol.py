"""Messages between client and worker: encoded and decoded, and refused where they are invalid."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_midas_normal.core.errors import NO_MESSAGE, Message, ProtocolError, to_json
from blender_midas_normal.core.protocol import (
    MAX_LINE_BYTES,
    VERSION,
    Cancel,
    Decoder,
    Error,
    Hello,
    Pixels,
    Progress,
    Ready,
    Request,
    Result,
    Shutdown,
    check_version,
    decode,
    encode,
)

MESSAGES = [
    Hello(VERSION, 4711, "3.11.7"),
    Ready({"MIDAS": Message("This Python has no {packages}.", packages="torch"), "LUMINANCE": NO_MESSAGE}, "cpu", "2.13.0"),
    Ready({}, "cuda (NVIDIA H200)", "2.13.0", 1 << 37, [0, 2], 8),
    Request({"a": 6.28}, id=1, pixels={"file": "x", "width": 3, "height": 2, "encoding": "BYTE"}),
    Request({}, id=3, pixels={"file": "y"}, preceding="key"),
    Request({}, id=4, frames=[[0.25, "a.png"], [0.75, "b.png"]], scale=0.5),
    Request({}, id=2, picture="/tmp/ä ö.png", is_render=True, compress=True, bits=8),
    Progress(1, "network", 0.5),
    Result(1, "map.png", 3, 2, "LUMINANCE", "cpu", Message("Engine: {engine}, as set.", engine="LUMINANCE"), "key",
           {"read": 0.1}, [Message("flat"), Message("{a} of {b:.1f} {c}", a=1, b=2.0, c=Message("{d}", d="ä"))]),
    Error(2, "SourceError", Message("There is no picture.")),
    Cancel(2),
    Shutdown(),
]


@given(st.lists(st.sampled_from(MESSAGES)), st.lists(st.integers(1, 40)))
def test_messages_arrive_whole_in_whatever_fragments(messages, cuts):
    data = b"".join(map(encode, messages))
    decoder, received = Decoder(), []
    for cut in [*cuts, len(data)]:
        received += decoder.feed(data[:cut])
        data = data[cut:]
    assert received == messages


@pytest.mark.parametrize("line", [
    b"", b"garbage", b"null", b"[]", b"3", b'{"type": "hello"}', b'{"type": "launch_missiles"}', b'{"type": ["hello"]}',
    b'{"id": 1}', b'{"type": "cancel", "id": "1"}', b'{"type": "cancel", "id": true}',
    b'{"type": "cancel", "id": 1, "x": 2}',
    b'{"type": "progress", "id": 1, "stage": 3, "share": 0.5}', b"\xff\xfe\x00", b"[" * 100_000,
    b'{"type": "progress", "id": 1, "stage": "x", "share": NaN}', b'{"type": "progress", "id": 1, "stage": "x", "share": 2}',
    b'{"type": "progress", "id": 1, "stage": "x", "share": 1' + b"0" * 4000 + b"}",
    b'{"type": "request", "id": 1, "settings": {"a": 1e999}}',
    b'{"type": "ready", "engines": {}, "batch": 0}', b'{"type": "ready", "engines": {}, "batch": 1000000}',
    b'{"type": "ready", "engines": {}, "gpus": -1}', b'{"type": "ready", "engines": {}, "gpus": [1000000]}',
    b'{"type": "ready", "engines": {}, "gpus": [0, 0]}', b'{"type": "ready", "engines": {}, "gpus": ["0"]}',
    b'{"type": "ready", "engines": {}, "gpus": [true]}',
    b'{"type": "error", "id": 1, "kind": "EngineError", "text": "\\ud800"}',
])
def test_garbage_is_refused_as_such(line):
    with pytest.raises(ProtocolError):
        list(Decoder().feed(line + b"\n"))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_a_protocol_error(data):
    with contextlib.suppress(ProtocolError):
        list(Decoder().feed(data + b"\n"))


def test_a_message_without_end_is_refused_before_it_fills_the_memory():
    decoder = Decoder()
    with pytest.raises(ProtocolError, match="without an end"):
        for _ in range(MAX_LINE_BYTES // 65536 + 2):
            list(decoder.feed(b"x" * 65536))


def test_an_oversized_message_is_neither_sent_nor_taken():
    with pytest.raises(ProtocolError):
        encode(Error(1, "EngineError", Message("x" * MAX_LINE_BYTES)))
    line = json.dumps({"type": "error", "id": 1, "kind": "EngineError", "text": "x" * MAX_LINE_BYTES}).encode()
    with pytest.raises(ProtocolError):
        list(Decoder().feed(line + b"\n"))


def test_another_version_is_refused_with_both_named():
    with pytest.raises(ProtocolError, match=f"version {VERSION + 1}.*version {VERSION}"):
        check_version(Hello(VERSION + 1, 1, "3.11"))


@pytest.mark.parametrize("file", ["../secret", "/etc/passwd", "a/b", "a\\b", ".hidden", "C:secret", "nul\0", "x" * 200])
def test_files_cannot_lie_outside_the_exchange_folder(file):
    with pytest.raises(ProtocolError):
        Pixels(file, 1, 1, "BYTE")
    for names in ({"file": file}, {"file": "map.png", "pixels": file}):
        fields = {"type": "result", "id": 1, "width": 1, "height": 1, "engine": "RELIEF", "device": "", "why": "",
                  "surface": ""}
        with pytest.raises(ProtocolError):
            decode(json.dumps({**fields, **names}).encode())


@pytest.mark.parametrize("matrix", [[1.0], [1.0] * 10, [1.0] * 8 + ["1"], [[1.0] * 3] * 3])
def test_a_matrix_of_colours_has_nine_numbers(matrix):
    Pixels("pixels", 1, 1, "LINEAR", to_rec709=[1.0] * 9)
    with pytest.raises(ProtocolError, match="nine numbers"):
        Pixels("pixels", 1, 1, "LINEAR", to_rec709=matrix)


@pytest.mark.parametrize("fields", [{"height_weights": [1.0]}, {"height_weights": [1.0, "2", 0.0]},
                                    {"height_weights": [1.0, float("nan"), 0.0]}, {"pixel_aspect": 0.0},
                                    {"pixel_aspect": float("inf")}])
def test_heights_that_cannot_be_weighted_are_refused(fields):
    Pixels("pixels", 1, 1, "BYTE", height_weights=[1.0, 0, -2.5], pixel_aspect=0.5)
    with pytest.raises(ProtocolError):
        Pixels("pixels", 1, 1, "BYTE", **fields)


@pytest.mark.parametrize("fields", [
    {"file": ""}, {"width": 0}, {"height": -1}, {"width": 1 << 20, "height": 1 << 20}, {"notes": [1]}, {"notes": ["\ud800"]},
    {"seconds": {"read": "long"}}, {"seconds": {"read": -1}}, {"scale": -1.0}])
def test_a_result_that_cannot_be_is_refused(fields):
    result = {"type": "result", "id": 1, "file": "map.png", "width": 1, "height": 1, "engine": "RELIEF", "device": "",
              "why": "", "surface": ""}
    decode(json.dumps(result).encode())
    with pytest.raises(ProtocolError):
        decode(json.dumps({**result, **fields}).encode())


def templates_in(value):
    """Everything that messages in a message of the protocol are made of."""
    if isinstance(value, Message):
        return value.template, {name: templates_in(part) for name, part in value.values.items()}
    if isinstance(value, (list, dict)):
        return [templates_in(part) for part in (value.values() if isinstance(value, dict) else value)]
    return value


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_messages_for_users_cross_the_pipe_with_their_templates_and_values(message):
    decoded = decode(encode(message).rstrip())
    assert templates_in(dict(vars(decoded))) == templates_in(dict(vars(message)))


@pytest.mark.parametrize("text", [
    3, None, [], {}, {"template": "a"}, {"template": "{a}", "values": {}, "x": 1}, {"template": 3, "values": {}},
    {"template": "{a}", "values": []}, {"template": "{a}", "values": {"b": 1}},
    {"template": "{a}", "values": {"a": 1, "b": 1}}, {"template": "{", "values": {"a": 1}},
    {"template": "{a.__class__}", "values": {"a": 1}}, {"template": "{a[0]}", "values": {"a": "x"}},
    {"template": "{a:>999999999}", "values": {"a": "x"}}, {"template": "{a:{a}}", "values": {"a": 999999999}},
    {"template": "{a}{a}", "values": {"a": "x"}}, {"template": "{a!x}", "values": {"a": 1}},
    {"template": "{a:.1f}", "values": {"a": "x"}}, {"template": "{a:.1f}", "values": {"a": 10 ** 400}},
    {"template": "{a}", "values": {"a": True}}, {"template": "{a}", "values": {"a": None}},
    {"template": "{a}", "values": {"a": "\ud800"}}, {"template": "\ud800{a}", "values": {"a": 1}},
])
def test_what_is_no_message_for_users_is_refused_wherever_one_belongs(text):
    result = {"type": "result", "id": 1, "file": "map.png", "width": 1, "height": 1, "engine": "", "device": "", "why": "",
              "surface": ""}
    inside = {"template": "{inner}", "values": {"inner": text}}
    lines = [{"type": "error", "id": 1, "kind": "EngineError", "text": text}, {**result, "why": text},
             {**result, "notes": [text]}, {"type": "ready", "engines": {"MIDAS": text}},
             {"type": "ready", "engines": {}, "problem": text}]
    if not isinstance(text, int):
        lines.append({"type": "error", "id": 1, "kind": "EngineError", "text": inside})
    for fields in lines:
        with pytest.raises(ProtocolError):
            decode(json.dumps(fields).encode())


def test_messages_in_each_other_without_end_are_refused():
    data = "x"
    for _ in range(200):
        data = {"template": "{a}", "values": {"a": data}}
    with pytest.raises(ProtocolError, match="no message"):
        decode(json.dumps({"type": "error", "id": 1, "kind": "EngineError", "text": data}).encode())


def test_text_is_a_message_without_values_and_names_of_files_that_are_no_text_are_written_out():
    decoded = decode(b'{"type": "error", "id": 1, "kind": "EngineError", "text": "{nothing} {"}')
    assert (decoded.text, decoded.text.template, decoded.text.values) == ("{nothing} {", "{nothing} {", {})
    odd = decode(encode(Error(1, "SourceError", Message("{path} is gone.", path="a\udcff"))).rstrip()).text
    assert odd == "a\\udcff is gone." and to_json(odd)["values"] == {"path": "a\\udcff"}


def test_whole_numbers_are_floats_where_these_are_due_and_endless_ones_are_refused():
    line = encode(Result(1, "map.png", 2, 2, "", "", "", "", range=2.0))
    message = decode(line.replace(b'"range": 2.0', b'"range": 2'))
    assert isinstance(message.range, float) and message.range == 2
    with pytest.raises(ProtocolError, match="too large"):
        decode(line.replace(b'"range": 2.0', b'"range": 1' + b"0" * 400))


def test_a_request_that_follows_a_surface_has_pixels():
    with pytest.raises(ProtocolError, match="preceding"):
        decode(b'{"type": "request", "id": 1, "settings": {}, "picture": "a.png", "preceding": "key"}')


def test_a_number_that_is_none_is_not_sent():
    with pytest.raises(ProtocolError, match="cannot be sent"):
        encode(Request({"a": float("nan")}, id=1))


@pytest.mark.parametrize("stops", [33, -33, 1e300])
def test_no_picture_is_exposed_beyond_measure(stops):
    with pytest.raises(ProtocolError, match="stops"):
        decode(json.dumps({"type": "request", "id": 1, "settings": {}, "picture": "a", "exposure": stops}).encode())


def test_a_missing_field_is_named_as_missing():
    with pytest.raises(ProtocolError, match="lacks"):
        decode(b'{"type": "progress", "id": 1}')


@pytest.mark.parametrize("fields", [
    '"scale": -1.0', '"frames": ["a.png"]', '"frames": [[0.5]]', '"frames": [[1.5, "a.png"]]',
    '"frames": [["0.5", "a.png"]]', '"frames": [[0.5, 3]]', '"frames": [[true, "a.png"]]',
])
def test_frames_are_shares_and_files_and_a_scale_is_none_below_zero(fields):
    with pytest.raises(ProtocolError):
        decode(('{"type": "request", "id": 1, "settings": {}, ' + fields + "}").encode())
