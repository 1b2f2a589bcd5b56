"""Scripts that call the extension during a render, whose handlers Blender calls in another thread than its main one."""

from __future__ import annotations

from ..blender import open_blender
from ..display import open_screen
from ..window import EXTENSION, Window
from .common import PICTURE, RENDER, check

HANDLERS = f"""
import threading
from {EXTENSION} import generate
image, threads, answers = picture(64, 40), [], []

def call_operator():
    bpy.ops.midas_normal.generate(image=image.name, engine="LUMINANCE")

def call_function():
    generate(image, engine="luminance")

def handler(*_):
    threads.append(threading.current_thread() is threading.main_thread())
    for call in (call_operator, call_function):
        try:
            answers.append(f"{{call.__name__}} returned {{call()}}")
        except Exception as error:
            answers.append(str(error))

for handlers in (bpy.app.handlers.render_pre, bpy.app.handlers.render_post, bpy.app.handlers.render_write):
    handlers.append(handler)
"""


def render_handlers(window: Window) -> str:
    """The operator and the function refuse with a sentence in handlers of a render, and work after it."""
    log = window.picture("log_handlers").with_suffix(".txt")
    with open_screen(window.display.width, window.display.height) as display, \
            open_blender(window.blender.installation, display, log) as blender:
        Window(blender, log.parent)
        blender.do(PICTURE)
        blender.do(HANDLERS)
        blender.do(RENDER)
        blender.wait_until("len(answers) == 6 and not bpy.app.is_job_running('RENDER')", 60)
        check(not any(blender.value("threads")), "Blender calls handlers of a render in its main thread")
        wrong = [answer for answer in blender.value("answers") if "main thread only" not in answer]
        check(not wrong, f"in handlers of a render {wrong}")
        blender.do("made = generate(image, engine='luminance').name")
        check(blender.value("made") == "tiles_64_40_normal", "no map is made after the render")
        code = blender.quit()
    check(code == 0, f"Blender ended with {code}")
    return ""
