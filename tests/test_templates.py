"""What the package tells its users: templates that a translator can work with, and values."""

from __future__ import annotations

import ast
import re

import pytest

from blender_midas_normal.core.errors import template_fields
from tests.templates import PARTS, all_made, is_glued

MADE = all_made()
WITH_TEMPLATE = [each for each in MADE if each.text is not None]

END_OF_SENTENCE = re.compile(r"\.$|[.:]\s\{\w+\}$")
"""A full stop, or another message, which has one."""


def places(made):
    return [each.place for each in made]


def test_they_are_found():
    assert len(WITH_TEMPLATE) > 350
    assert {each.maker for each in MADE} > {*PARTS, "Message", "SourceError", "ReplaceRefused", "error"}


@pytest.mark.parametrize("each", MADE, ids=places(MADE))
def test_no_message_is_glued_together(each):
    assert not is_glued(each.template) and not any(isinstance(value, ast.JoinedStr) for value in each.values.values()), (
        "give a template, and its values by their names; what is put into a text cannot be translated")


@pytest.mark.parametrize("each", WITH_TEMPLATE, ids=places(WITH_TEMPLATE))
def test_a_template_has_fields_for_its_values_and_ends_as_what_it_is(each):
    assert None in each.values or set(template_fields(each.text)) == set(each.values), each.text
    if each.is_sentence:
        assert END_OF_SENTENCE.search(each.text), f"{each.text!r} is no whole sentence; a part of one is a Phrase"
    else:
        assert not each.text.endswith("."), f"{each.text!r} is to be a part of a sentence"
