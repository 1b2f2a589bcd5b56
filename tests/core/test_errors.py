"""Messages that know their template and values, and the exceptions that carry them."""

from __future__ import annotations

import copy
import csv
import io
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blender_midas_normal.core.errors import (
    NO_MESSAGE,
    InvalidData,
    Message,
    MidasNormalError,
    Phrase,
    SourceError,
    error_from_kind,
    from_json,
    join_messages,
    reason_of,
    shorten_message,
    template_fields,
    to_json,
)

INNER = Message("{count} of {of:.1f} {what!r}", count=3, of=4.0, what="a {b}")
OUTER = Message("{path} holds {inner}.", path="C:\\{x}", inner=INNER)


def parts(message):
    return message.template, {name: parts(value) if isinstance(value, Message) else value
                              for name, value in message.values.items()}


def test_a_message_is_its_sentence_and_knows_its_template_and_values():
    assert OUTER == "C:\\{x} holds 3 of 4.0 'a {b}'." and isinstance(OUTER, str)
    assert OUTER.template == "{path} holds {inner}." and OUTER.values == {"path": "C:\\{x}", "inner": INNER}
    assert f"{OUTER}|" == OUTER + "|" and " ".join([OUTER, OUTER]) == f"{OUTER} {OUTER}"
    assert {OUTER: 1}[str(OUTER)] == 1


def test_without_values_braces_are_braces():
    assert Message("put {map} into it, or {{}") == "put {map} into it, or {{}"
    assert not NO_MESSAGE and NO_MESSAGE.values == {}


def test_what_is_no_number_and_no_text_stands_there_as_text(tmp_path):
    message = Message("{path} {error} {flag} {nothing} {number:g}", path=tmp_path, error=ValueError("no"), flag=True,
                      nothing=None, number=2)
    assert message == f"{tmp_path} no True None 2"
    assert message.values == {"path": str(tmp_path), "error": "no", "flag": "True", "nothing": "None", "number": 2}


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda message: pickle.loads(pickle.dumps(message))])
def test_a_copy_is_the_same_message(copied):
    for message in (OUTER, Message("{"), Phrase("{a}", a="{")):
        assert type(copied(message)) is type(message) and parts(copied(message)) == parts(message)


def test_json_and_tables_have_the_plain_sentence():
    table = io.StringIO()
    csv.writer(table).writerow([OUTER])
    assert json.loads(json.dumps({"error": OUTER})) == {"error": str(OUTER)}
    assert next(csv.reader([table.getvalue()])) == [str(OUTER)]


def test_messages_that_are_joined_stay_messages():
    both = join_messages((INNER, "plain {", Message("Done.")))
    assert both == f"{INNER} plain {{ Done." and both.values["part1"] is INNER
    assert join_messages((), "; ") == "" and join_messages(("a", "b"), "; ") == "a; b"


def test_long_texts_in_a_message_are_cut_and_its_template_is_not():
    cut = shorten_message(Message("{a} and {b} and {c:.1f}", a="x" * 100, b=Message("{d}", d="y" * 100), c=1.0), 10)
    assert cut == "xxxxxxxxxx and yyyyyyyyyy and 1.0" and cut.template == "{a} and {b} and {c:.1f}"
    assert shorten_message(Message("z" * 100), 10) == "z" * 10


@pytest.mark.parametrize("template", ["{}", "{0}", "{a.b}", "{a[0]}", "{a:>9}", "{a:{b}}", "{a!s}", "{a!a}", "{a}{a}", "{",
                                      "}", "{a:.100f}", "{a b}"])
def test_templates_reach_into_no_value_and_make_nothing_longer(template):
    with pytest.raises(ValueError):
        template_fields(template)


def test_fields_of_a_template_are_told():
    assert template_fields("{path!r:.80} of {size:,.1f} {{x}} {n:d}%") == ["path", "size", "n"]


texts = st.text(st.characters(codec="utf-8"), max_size=20)
names = st.sampled_from(["a", "b", "self", "cls", "template"])
messages = st.recursive(st.builds(Message, texts), lambda inner: st.builds(
    lambda values: Message(" ".join(f"{{{name}}}" for name in values), **values),
    st.dictionaries(names, inner | texts | st.integers() | st.floats(allow_nan=False, allow_infinity=False), min_size=1)),
    max_leaves=5)


@given(messages)
def test_a_message_comes_back_from_json_as_it_was(message):
    try:
        decoded = from_json(json.loads(json.dumps(to_json(message))))
    except ValueError as error:
        assert str(error) == "no message"  # deeper than any that is sent
    else:
        assert parts(decoded) == parts(message) and decoded == message


def test_errors_carry_their_messages():
    reason = reason_of(InvalidData("it is {what}", what="x"))
    error = SourceError("{path} cannot be read: {reason}.", path="a.png", reason=reason)
    assert str(error) == "a.png cannot be read: it is x." and error.message.template == "{path} cannot be read: {reason}."
    assert error.message.values["reason"].template == "it is {what}"
    again = error_from_kind("SourceError", error.message)
    assert type(again) is SourceError and again.message is error.message
    assert type(error_from_kind("Nonsense", error.message)) is MidasNormalError
    assert parts(pickle.loads(pickle.dumps(error)).message) == parts(error.message)


def test_the_reason_of_an_error_is_what_says_most():
    assert reason_of(FileNotFoundError(2, "No such file", "x")) == "No such file"
    assert reason_of(OSError("broken")) == "broken" and reason_of(TimeoutError()) == "TimeoutError"
