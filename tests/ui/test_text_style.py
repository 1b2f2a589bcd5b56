"""The interface in Blender's style: labels in title case, tooltips of plain sentences, reasons of one form, its icons."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import bpy
import pytest
from bl_ext.user_default.midas_normal.ui.registration import CLASSES
from bl_ext.user_default.midas_normal.ui.translations import LANGUAGES

from tests.ui.texts import OWN, UI, literals, rna_of

SMALL_WORDS = {"a", "an", "and", "as", "by", "for", "from", "in", "of", "on", "or", "over", "the", "to", "with"}
"""Words that stay in lower case within a label: articles, conjunctions and short prepositions."""

MODULES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(UI.glob("*.py"))}

SENTENCE_END = re.compile(r"[.!?] (?=[A-Z0-9])")

BLENDERS_ICONS = set(bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items.keys())


def properties_of(cls: type) -> Iterator[bpy.types.Property]:
    """The visible properties that a class has from this extension."""
    for base in cls.__mro__:
        if base.__module__.startswith(OWN):
            for name in vars(base).get("__annotations__", ()):
                if not rna_of(cls).properties[name].is_hidden:
                    yield rna_of(cls).properties[name]


def tooltips() -> Iterator[tuple[str, str]]:
    """Where each tooltip is, and its text: of operators, properties and the items of enums."""
    for cls in CLASSES:
        if issubclass(cls, bpy.types.Operator):
            yield cls.bl_idname, rna_of(cls).description
        for prop in properties_of(cls):
            place = f"{cls.__name__}.{prop.identifier}"
            yield place, prop.description
            if prop.type == "ENUM":
                yield from ((f"{place} {item.identifier}", item.description) for item in prop.enum_items_static)


def labels() -> Iterator[tuple[str, str]]:
    """Where each label is, and its text: of classes, properties, enum items, buttons and menus."""
    for cls in CLASSES:
        if hasattr(cls, "bl_label"):
            yield cls.__name__, cls.bl_label
        for prop in properties_of(cls):
            yield f"{cls.__name__}.{prop.identifier}", prop.name
            if prop.type == "ENUM":
                yield from ((f"{cls.__name__}.{item.identifier}", item.name) for item in prop.enum_items_static)
    for call in calls("operator", "menu", "operator_menu_enum"):
        for keyword in call.keywords:
            if keyword.arg == "text":
                yield from ((ast.unparse(call), text) for text in literals(keyword.value) if text)


def calls(*names: str) -> Iterator[ast.Call]:
    """The calls of functions of these names in the modules of the interface."""
    for tree in MODULES.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in names:
                yield node


def fault_of_tooltip(text: str) -> str:
    """What is wrong with a tooltip, "" where nothing is; Blender puts the full stop at its end."""
    if not text:
        return "is missing"
    if text.endswith((".", "!", "?", " ")):
        return "ends with a full stop"
    if len(SENTENCE_END.findall(text)) > 1:
        return "has more than two sentences"
    if ";" in text:
        return "joins sentences by a semicolon"
    return "" if text[0].isupper() or text[0].isdigit() else "does not begin with a capital letter"


def fault_of_reason(text: str) -> str:
    """What is wrong with a reason why an operator cannot run: a statement, and after a comma what to do about it."""
    if not re.fullmatch(r"[A-Z][^.;:!?]*", text):
        return "is more than one sentence, or has a full stop"
    return "" if len(text) <= 80 else "is longer than a tooltip's line"


@pytest.mark.parametrize(("text", "fault"), [
    ("", "missing"), ("Ends.", "full stop"), ("One. Two. Three", "more than two"), ("One; two", "semicolon"),
    ("lower", "capital"), ("0.5 of it. Two at 3.7 GB (0 to 1)", "")])
def test_a_fault_of_a_tooltip_is_found(text, fault):
    assert fault in fault_of_tooltip(text) and bool(fault) == bool(fault_of_tooltip(text))


def test_every_tooltip_is_one_or_two_plain_sentences():
    found = dict(tooltips())
    assert len(found) > 250
    assert not [f"{place} {fault}: {text}" for place, text in found.items() if (fault := fault_of_tooltip(text))]


def test_german_tooltips_have_the_same_form():
    german = LANGUAGES["de"]["*"]
    assert not [german[text] for _, text in tooltips() if fault_of_tooltip(german[text])]


def test_every_number_in_the_panel_tells_its_range():
    numbers = [prop for cls in CLASSES if issubclass(cls, (bpy.types.PropertyGroup, bpy.types.AddonPreferences))
               for prop in properties_of(cls) if prop.type in ("INT", "FLOAT")]
    assert len(numbers) > 10
    assert not [prop.identifier for prop in numbers
                if f"({prop.hard_min:g} to {prop.hard_max:.6g}" not in prop.description]


def test_labels_are_in_title_case():
    found = set(labels())
    assert len(found) > 120
    for place, label in found:
        first, *others = re.findall(r"[^\W\d_][\w']*", label) or [""]
        assert not label.endswith("."), f"{place}: {label}"
        assert first[:1].isupper() or not first, f"{place}: {label}"
        assert all(word[0].isupper() or word in SMALL_WORDS for word in others), f"{place}: {label}"


def test_reasons_why_an_operator_cannot_run_have_one_form():
    """Each is translated, except for the one in other threads, which script authors see."""
    arguments = [call.args[0] for call in calls("poll_message_set")]
    texts = [text for call in calls("poll_message_set") if isinstance(call.args[0], ast.Call)
             for text in literals(call.args[0].args[0])]
    assert len(texts) >= 9
    assert [argument.id for argument in arguments if isinstance(argument, ast.Name)] == ["WRONG_THREAD_MESSAGE"]
    assert not [f"{text!r} {fault}" for text in texts if (fault := fault_of_reason(text))]


def test_icons_are_blenders():
    icons = {text for tree in MODULES.values() for node in ast.walk(tree) if isinstance(node, ast.keyword)
             and node.arg == "icon" for text in literals(node.value)}
    assert len(icons) > 10 and not icons - BLENDERS_ICONS
