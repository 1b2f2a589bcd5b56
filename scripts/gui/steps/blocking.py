"""How long the extension makes Blender wait."""

from __future__ import annotations

from ..window import EXTENSION, Window
from .common import ENDED, GENERATE, MAP, check


def never_block(window: Window) -> str:
    """While a map of 2048 x 2048 is made, no call of ours and no gap of a timer could be felt."""
    window.blender.do(MEASURED)
    window.blender.do("image = picture(2048, 1); area.spaces.active.image = image; idle = Gaps()")
    window.settle(4)
    window.blender.do("idle.on = False")
    x, y = window.find_button(GENERATE)
    window.blender.do("busy = Gaps(); calls = Calls()")
    window.click_at(x, y)
    window.blender.wait_until("generation.task() is not None", 10, 0.01)
    window.blender.wait_until(ENDED, 120)
    window.settle(1)
    window.blender.do("busy.on = False; calls.stop()")
    check(window.blender.value(f"list({MAP}.size)") == [2048, 2048], "the map was not made")
    idle, busy = (1000 * window.blender.value(f"max({name}.seconds)") for name in ("idle", "busy"))
    longest, name = window.blender.value("calls.longest")
    return (f"2048 x 2048: longest call of ours {longest * 1000:.0f} ms ({name}); longest gap of a timer {busy:.0f} ms, "
            f"idle {idle:.0f} ms")


MEASURED = f"""
import sys
class Gaps:
    '''The gaps of a 5 ms timer that has the editor drawn again each time.'''
    def __init__(self):
        self.on, self.seconds, self.last = True, [0.0], time.perf_counter()
        bpy.app.timers.register(self.tick, first_interval=0.005)
    def tick(self):
        now = time.perf_counter()
        self.seconds.append(now - self.last)
        self.last = now
        area.tag_redraw()
        return 0.005 if self.on else None

class Calls:
    '''The longest call that Blender makes into the extension; calls within a call belong to it.'''
    def __init__(self):
        self.longest, self.depth, self.start = (0.0, ''), 0, 0.0
        sys.setprofile(self.note)
    def note(self, frame, event, argument):
        if event not in ('call', 'return') or not frame.f_globals.get('__name__', '').startswith('{EXTENSION}'):
            return
        if event == 'call':
            self.depth += 1
            if self.depth == 1:
                self.start = time.perf_counter()
        elif self.depth:
            self.depth -= 1
            if self.depth == 0:
                self.longest = max(self.longest, (time.perf_counter() - self.start, frame.f_code.co_name))
    def stop(self):
        sys.setprofile(None)
"""
