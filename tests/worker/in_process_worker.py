"""A worker without its process: requests are answered where the tests run."""

from __future__ import annotations

import pytest

from blender_midas_normal.core.errors import error_from_kind
from blender_midas_normal.core.protocol import Error, Request
from blender_midas_normal.worker.channel import Job
from blender_midas_normal.worker.engines import EngineOptions, EngineRegistry
from blender_midas_normal.worker.pipeline import MapPipeline
from blender_midas_normal.worker.request_loop import InputReader, RequestLoop
from tests.requests_for_tests import LUMINANCE, write_pixels

cv2 = pytest.importorskip("cv2")


class Desk:
    """Answers requests as the worker does, in this process."""

    def __init__(self, folder):
        self._sent = []
        self._reader = InputReader(folder, self)
        engines = EngineRegistry(EngineOptions(folder, "not in this test"))
        self._answering = RequestLoop(MapPipeline(engines), self._reader, folder, self)

    def send(self, message):
        self._sent.append(message)

    def make(self, request, cancelled=False):
        job = Job(request, cancelled=cancelled)
        self._reader.submit(job)
        self._answering.answer([job])
        self._answering.finish()
        end = self._sent[-1]
        if isinstance(end, Error):
            raise error_from_kind(end.kind, end.text)
        return end


def make(maker, folder, rgba, settings=LUMINANCE, **words):
    """(result, H x W x 3 components -1..1) of a request with these pixels."""
    pixels = write_pixels(folder / "pixels", rgba, words.pop("encoding", "BYTE"))
    result = maker.make(Request(settings.to_dict(), id=1, pixels=pixels, **words))
    return result, components(folder / result.file)


def components(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1] / 65535 * 2 - 1
