"""What the worker is doing, in a sentence."""

from __future__ import annotations

from bpy.app.translations import pgettext_iface as iface_

from ..client.client import Client
from .messages import translated


def worker_state(client: Client) -> str:
    """Whether it runs, on which device and why on no other, and how much of its memory was free when it started; in the
    user's language.
    """
    if not client.is_running:
        return iface_("The worker starts with the first map")
    if client.ready is None:
        return iface_("The worker is starting")
    state = iface_("Ready on {device}, {free:.1f} GB of memory free").format(device=client.ready.device,
                                                                            free=client.ready.free_memory / 1e9)
    return f"{state}. {translated(client.ready.problem, iface_)}" if client.ready.problem else state
