"""The one client of this Blender."""

from __future__ import annotations

from ..client.client import Client

client = Client()
