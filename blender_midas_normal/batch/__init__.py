"""Maps of many pictures as files of a folder: for programs `make_maps`, for people the command lines."""

from .api import make_maps

__all__ = ["make_maps"]
