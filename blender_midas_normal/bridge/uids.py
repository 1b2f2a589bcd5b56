"""Blender's data found again by its session_uid: names change, and Blender's own references die, while a job runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import bpy

Data = TypeVar("Data", bound=bpy.types.ID)


def with_uid(collection: Iterable[Data], uid: int | None) -> Data | None:
    """The one of a collection of `bpy.data` that has this session_uid; None when it is gone."""
    return next((data for data in collection if data.session_uid == uid), None)
