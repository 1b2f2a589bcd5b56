"""The interface in other languages: complete, without leftovers, and shown by a Blender that speaks them.

The bpy modules are built without translations, so those are looked up in whole Blenders, where some are prepared.
"""

from __future__ import annotations

import ast
import json
import string
import tempfile
from pathlib import Path

import build_extension
import debian_blender
import pytest
from bl_ext.user_default.midas_normal import worker
from bl_ext.user_default.midas_normal.bridge.addon import EXTENSION
from bl_ext.user_default.midas_normal.ui.generation import STAGES
from bl_ext.user_default.midas_normal.ui.translations import LANGUAGES
from bpy.app.translations import contexts
from gui.blender import Installation

from tests.templates import all_made, templates
from tests.ui.texts import all_texts

SHOWN_IN = """
import bpy, json
from bpy.app.translations import contexts, pgettext_iface, pgettext_rpt, pgettext_tip
from {extension}.ui.translations import LANGUAGES
view = bpy.context.preferences.view
view.language = "{locale}"
view.use_translate_interface = view.use_translate_tooltips = view.use_translate_reports = True
shown = {{translate.__name__: [[context, english, translate(english, context)]
                              for context, texts in LANGUAGES["{language}"].items() for english in texts]
         for translate in (pgettext_iface, pgettext_rpt, pgettext_tip)}}
def refused(call):
    try:
        call()
    except RuntimeError as error:
        return str(error)
shown["reason"] = refused(bpy.ops.midas_normal.cancel)
shown["unknown"] = refused(lambda: bpy.ops.midas_normal.generate(source="IMAGE", image="Normal"))
bpy.data.images.new("flat", 20000, 2)
shown["too_long"] = refused(lambda: bpy.ops.midas_normal.generate(source="IMAGE", image="flat", engine="LUMINANCE"))
bpy.data.images.new("Normal", 8, 8)
print("MADE")
bpy.ops.midas_normal.generate(source="IMAGE", image="Normal", engine="LUMINANCE")
print("MADE")
bpy.ops.preferences.addon_disable(module="{extension}")
shown["afterwards"] = pgettext_iface("Generate Normal Map", contexts.operator_default)
print("SHOWN", json.dumps(shown))
"""


NOT_SHOWN = ("batch/", "core/protocol.py")
"""Where messages are made that Blender does not show: by the command line, and of processes that break the protocol."""


def fields(template: str) -> list[tuple]:
    """The placeholders of a template with their formats, in any order."""
    return sorted((name, form) for _, name, form, _ in string.Formatter().parse(template) if name is not None)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_interface_is_translated_and_nothing_else(language):
    translated = {(context, text) for context, texts in LANGUAGES[language].items() for text in texts}
    expected = all_texts()
    from_templates = {(contexts.default, template) for template in templates()}
    missing, unused = sorted(expected - translated), sorted(translated - expected - from_templates)
    assert not missing, f"ui/translations/{language} lacks these (context, text):\n" + "\n".join(map(repr, missing))
    assert not unused, f"nothing shows or tells these of ui/translations/{language}:\n" + "\n".join(map(repr, unused))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_that_blender_may_show_is_translated(language):
    """Reports, errors and what they are put together of."""
    shown = {each.text for each in all_made() if each.text is not None and not each.place.startswith(NOT_SHOWN)}
    missing = sorted(shown - set(LANGUAGES[language][contexts.default]))
    assert len(shown) > 400 and not missing, f"ui/translations/{language} lacks these:\n" + "\n".join(map(repr, missing))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_placeholders_of_its_template(language):
    for texts in LANGUAGES[language].values():
        for english, text in texts.items():
            assert text and fields(text) == fields(english), english


def test_every_stage_that_the_worker_reports_has_words():
    reported = {call.args[0].value for path in Path(worker.__file__).parent.rglob("*.py")
                for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] == "report"
                and isinstance(call.args[0], ast.Constant)}
    assert len(reported) > 3 and reported | {"start"} == set(STAGES)


@pytest.mark.slow
@pytest.mark.debian
@pytest.mark.parametrize("suite", debian_blender.SUITES)
@pytest.mark.parametrize(("language", "locale"), [("de", "de_DE")])
def test_blender_shows_the_translations_until_the_extension_is_disabled(suite, language, locale):
    program = debian_blender.DebianBlender(suite, debian_blender.CACHE).program
    if not program.exists():
        pytest.skip("no whole Blender is prepared (sudo python3 scripts/debian_blender.py), and bpy has no translations")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # All Blenders see /tmp.
        blender = Installation(program, Path(folder))
        blender.install(build_extension.build(Path(folder)))
        printed = blender.run("--background", "--python-exit-code", "1", "--python-expr",
                              SHOWN_IN.format(extension=EXTENSION, language=language, locale=locale))
    shown = json.loads(next(line for line in printed.splitlines() if line.startswith("SHOWN ")).removeprefix("SHOWN "))
    for translate in ("pgettext_iface", "pgettext_rpt", "pgettext_tip"):
        other = [(english, text) for context, english, text in shown[translate]
                 if text != LANGUAGES[language][context][english]]
        assert not other, f"{translate} gives something else, which Blender itself says: {other}"
    assert LANGUAGES[language]["*"]["No map is being made"] in shown["reason"]
    assert "In dieser Datei gibt es kein Bild namens 'Normal'." in shown["unknown"]
    assert "Das Bild hat 20000 x 2 Pixel; die längste Seite darf 16384 haben." in shown["too_long"]
    output = printed.split("MADE")[1]
    assert "Normal_normal: 8 x 8 von luminance auf cpu in " in output and "Engine: LUMINANCE, wie eingestellt." in output
    assert shown["afterwards"] == "Generate Normal Map"
