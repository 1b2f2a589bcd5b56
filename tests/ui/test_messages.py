"""Reports and errors in the user's language, from whichever process they come.

The bpy modules are built without translations: a FAKE lookup has the German ones in their place here, and
test_translations.py sees them in whole Blenders.
"""

from __future__ import annotations

import re
import string
from contextlib import suppress
from unittest.mock import MagicMock

import bpy
import numpy as np
import pytest
from bl_ext.user_default.midas_normal.bridge.addon import bug_report
from bl_ext.user_default.midas_normal.core.errors import EngineError, Message, Phrase, join_messages
from bl_ext.user_default.midas_normal.ui import drawing, generation, live_paint, operators, outcome, setup
from bl_ext.user_default.midas_normal.ui.translations import LANGUAGES, translate_message
from blender_data import use_alpha

from tests.templates import templates
from tests.ui.texts import all_texts

from .scenes import pumped, textured
from .test_setup import Button, chosen  # noqa: F401 - the fixture is used

GERMAN = LANGUAGES["de"]["*"]


def german(text):
    """A FAKE of Blender's lookup, in a Blender that speaks German."""
    return GERMAN.get(text, text)


@pytest.fixture
def in_german(monkeypatch):
    for module in (drawing, setup, generation):
        monkeypatch.setattr(module, "iface_", german)
    for module in (operators, setup):
        monkeypatch.setattr(module, "rpt_", german)
    monkeypatch.setattr(drawing, "fits", lambda line: True)


def shown(draw, *arguments):
    """The labels of a FAKE layout in which a part of a panel is drawn, for background Blender draws none."""
    layout = MagicMock()
    for part in ("column", "box", "row"):
        getattr(layout, part).return_value = layout
    draw(layout, *arguments)
    return [call.kwargs["text"] for call in layout.label.call_args_list]


def transparent():
    """A picture on an active plane of which the worker has something to say."""
    image, material = textured()
    use_alpha(material.node_tree.nodes["Image Texture"])
    image.pixels.foreach_set(np.zeros(32 * 24 * 4, np.float32))
    return image


def test_a_message_and_those_in_it_are_translated_and_names_are_not():
    message = Message("The map {map} was not made: {reason}", map="Height",
                      reason=Message("The material {material!r} is {reason} and stays as it is.", material="read-only",
                                     reason=Phrase("read-only")))
    assert translate_message(message, german) == (
        "Die Map Height wurde nicht erzeugt: Das Material 'read-only' ist schreibgeschützt und bleibt, wie es ist.")
    assert translate_message(Message(message.template, map=Phrase("Height"), reason="x"), german) == (
        "Die Map Höhe wurde nicht erzeugt: x")


def test_what_has_no_translation_stays_english_around_what_has_one():
    assert translate_message(Message("{a} comes next.", a=Phrase("1 frame")), german) == "1 Bild comes next."
    assert translate_message(join_messages((Message("Nobody knows {this}"), Message("Cancelled."))), german) == (
        "Nobody knows {this} Abgebrochen.")


@pytest.mark.parametrize("broken", [
    "Nichts", "{wert}", "{map} {wert}", "{map", "}", "{}", "{0}", "{map:d}", "{map!x}", "{map.__class__}", "{map[0]}",
    "{map:>999999}", "{map} {map}",
])
def test_a_translation_that_cannot_hold_the_values_is_not_used(broken):
    message = Message("The map {map!r} stays.", map="a {b}")
    assert translate_message(message, lambda text: broken) == "The map 'a {b}' stays."


def test_what_the_worker_says_is_shown_in_the_users_language(in_german, capfd):
    transparent()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    assert GERMAN["The picture is fully transparent, so the map is flat."] in shown(outcome.draw_report)
    (made,), why = shown(outcome.draw_outcome), shown(outcome.draw_report)[0]
    assert made.startswith("photo_normal: 32 x 24 von luminance auf cpu in ")
    assert why == "Engine: LUMINANCE, wie eingestellt."
    reported = capfd.readouterr().out
    assert f"Info: {made} {why} " in reported and GERMAN["The picture is fully transparent, so the map is flat."] in reported


def test_what_the_worker_refuses_is_shown_in_the_users_language(in_german):
    textured(20000, 2)
    sentence = "Das Bild hat 20000 x 2 Pixel; die längste Seite darf 16384 haben."
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.midas_normal.generate(engine="LUMINANCE")
    assert shown(outcome.draw_outcome) == [sentence]


def test_what_blenders_side_refuses_is_shown_in_the_users_language(in_german, tmp_path):
    image, _ = textured()
    image.filepath_raw, image.source = str(tmp_path / "Höhe.png"), "FILE"
    sentence = f"Die Datei {tmp_path / 'Höhe.png'} des Bildes 'photo.png' fehlt."
    with pytest.raises(RuntimeError, match=re.escape(sentence)):
        bpy.ops.midas_normal.generate(engine="LUMINANCE")
    assert shown(outcome.draw_outcome) == [sentence]


def test_a_report_of_a_problem_is_in_english_whatever_the_user_reads(in_german):
    transparent()
    bpy.ops.midas_normal.generate(engine="LUMINANCE")
    assert "Last outcome: photo_normal: 32 x 24 from luminance" in bug_report(generation.last_message())


def test_why_the_worker_is_on_no_other_device_is_shown_in_the_users_language(in_german):
    client = MagicMock()
    client.ready.device, client.ready.free_memory = "cpu", 2e9
    client.ready.problem = Message("The device {device} cannot be used ({problem}).", device="cuda", problem="no driver")
    assert generation.describe_worker(client) == (
        "Bereit auf cpu, 2.0 GB Speicher frei. Das Gerät cuda ist nicht benutzbar (no driver).")


def test_the_steps_and_the_end_of_a_setup_are_shown_in_the_users_language(in_german, chosen, tmp_path, capsys):  # noqa: F811
    for run in (lambda: setup.start_setup("remove") or setup.wait_for_setup(), Button("remove").press):
        (tmp_path / "environment" / "lib").mkdir(parents=True)
        (tmp_path / "environment" / ".version").write_text("{}")
        run()
        pumped(lambda: not setup.is_running())
    assert capsys.readouterr().out == "Schritt 1 von 1: MiDaS-Umgebung entfernen\n"
    assert shown(drawing.draw_text, setup.outcome()) == ["MiDaS ist entfernt."]


def test_why_a_picture_does_not_follow_the_brush_is_shown_in_the_users_language(in_german):
    bpy.ops.mesh.primitive_plane_add()
    assert shown(drawing.draw_text, live_paint.inactive_reason(bpy.context)) == [
        "Das Objekt 'Plane' hat kein Material; ihm eines geben oder ein Bild wählen."]


def untranslatable(message):
    """The parts of a message that are found in no source: somebody has put values into them."""
    if not isinstance(message, Message):
        return [message]
    pieces = "".join(text for text, *_ in string.Formatter().parse(message.template)) if message.values else message
    glue = not any(map(str.isalpha, pieces))
    inner = [text for value in message.values.values() if isinstance(value, Message) for text in untranslatable(value)]
    return inner if glue or message.template in KNOWN else [*inner, message.template]


KNOWN = templates() | {text for _, text in all_texts()}


def shown_messages():
    outcome = generation.last_outcome()
    return outcome.messages if hasattr(outcome, "messages") else [outcome.message]


def test_all_that_is_told_of_maps_can_be_translated(tmp_path):
    said = []

    def generate(operator=bpy.ops.midas_normal.generate, **fields):
        with suppress(RuntimeError):
            operator(**{"engine": "LUMINANCE", **fields})
        said.extend(shown_messages())

    generate(engine="AUTO")
    image, _ = textured()
    for fields in ({"engine": "AUTO"}, {"engine": "MIDAS"}, {"maps": {"NORMAL", "HEIGHT", "CURVATURE"}}, {"save": "BESIDE"},
                   {"convention": "CONTROLNET"}, {"convention": "DIRECTX"}, {"target": "NONE"}, {"image": "nowhere"},
                   {"source": "RENDER"}, {"source": "VIEWER"}, {"depth_scale": "RAW"}, {"mask": "IMAGE"}):
        generate(**{"source": "IMAGE", "image": image.name, **fields})
    bpy.data.images["photo_normal"].pixels[0] = 1.0
    generate()
    image.filepath_raw, image.source = str(tmp_path / "gone.png"), "FILE"
    generate()
    textured(name="second.png")
    generate(bpy.ops.midas_normal.generate_all, scope="FILE", existing="SKIP")
    assert len({message.template for message in said}) > 15
    assert [text for message in said for text in untranslatable(message)] == []
    assert untranslatable(join_messages((EngineError("photo cannot be read.").message, "x"))) == ["photo cannot be read."]
