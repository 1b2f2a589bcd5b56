"""All fixed texts of the interface, as Blender looks them up: by context and English text."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import bpy
from bl_ext.user_default.midas_normal import ui
from bl_ext.user_default.midas_normal.ui.registration import CLASSES
from bpy.app.translations import contexts

Message = tuple[str, str]
"""Context and English text."""

UI = Path(ui.__file__).parent
OWN = ui.__name__.rpartition(".")[0]
KEYWORDS = {"text", "title", "message", "heading"}
"""Arguments of Blender's functions that are shown."""

POSITIONS = {"draw_text": 1, "draw_progress": 1, "poll_message_set": 0, "report": 1}
"""Functions that show an argument, and which."""


def registered() -> Iterator[Message]:
    """Labels, descriptions and properties of all classes."""
    for cls in CLASSES:
        context = cls.bl_rna.translation_context
        if hasattr(cls, "bl_label"):
            yield context, cls.bl_label
        if hasattr(cls, "bl_category"):
            yield contexts.default, cls.bl_category
        rna = rna_of(cls)
        if issubclass(cls, bpy.types.Operator):
            yield contexts.default, rna.description
        for base in cls.__mro__:
            if base.__module__.startswith(OWN):  # Blender's own bases are translated by Blender.
                for name in vars(base).get("__annotations__", ()):
                    yield from property_texts(rna.properties[name])
    yield from property_texts(bpy.types.Scene.bl_rna.properties["midas_normal"])


def rna_of(cls: type) -> bpy.types.Struct:
    """What Blender knows of a class; an operator's own properties are known elsewhere than those of other classes."""
    if not issubclass(cls, bpy.types.Operator):
        return cls.bl_rna
    group, name = cls.bl_idname.split(".")
    return getattr(getattr(bpy.ops, group), name).get_rna_type()


def property_texts(found: bpy.types.Property) -> Iterator[Message]:
    if found.is_hidden:
        return
    yield found.translation_context, found.name
    yield contexts.default, found.description
    if found.type == "ENUM":
        for item in found.enum_items_static:
            yield found.translation_context, item.name
            yield contexts.default, item.description


def written() -> Iterator[Message]:
    """The literal texts in the modules of the interface that are shown or marked for translation."""
    for path in sorted(UI.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = [alias for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
        translating = {alias.asname or alias.name for alias in imported if alias.name.startswith("pgettext_")}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield from texts_of_call(node, translating)


def texts_of_call(call: ast.Call, translating: set[str]) -> Iterator[Message]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in translating:
        context = eval(ast.unparse(call.args[1]), {"contexts": contexts}) if len(call.args) > 1 else contexts.default
        yield from ((context, text) for text in literals(call.args[0]))
        return
    context = contexts.operator_default if name in ("operator", "undo_push") else contexts.default
    shown = [word.value for word in call.keywords if word.arg in KEYWORDS]
    if name in POSITIONS:
        shown += call.args[POSITIONS[name]:POSITIONS[name] + 1]
    for expression in shown:
        yield from ((context, text) for text in literals(expression))


def literals(expression: ast.expr) -> Iterator[str]:
    """The texts that an expression may be; a formatted one cannot be translated."""
    if isinstance(expression, ast.JoinedStr):
        raise AssertionError(f"{ast.unparse(expression)} is no template; write pgettext_iface(template).format(...)")
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        yield expression.value
    if isinstance(expression, ast.IfExp):
        yield from literals(expression.body)
        yield from literals(expression.orelse)
    if isinstance(expression, ast.BoolOp):
        for value in expression.values:
            yield from literals(value)


REGISTERED = tuple(registered())
"""As they are before any test runs: Blender gives the panel of presets the name of a preset that is added."""


def all_texts() -> set[Message]:
    return {(context, text) for context, text in (*REGISTERED, *written()) if text}
