"""What the worker is doing, in a sentence."""

from __future__ import annotations

from bpy.app.translations import pgettext_iface as iface_

from ..client.client import Client


def worker_state(client: Client) -> str:
    """Whether it runs, on which device, and how much of its memory was free when it started; in the user's language."""
    if not client.is_running:
        return iface_("The worker starts with the first map")
    if client.ready is None:
        return iface_("The worker is starting")
    return iface_("Ready on {device}, {free:.1f} GB of memory free").format(device=client.ready.device,
                                                                           free=client.ready.free_memory / 1e9)
