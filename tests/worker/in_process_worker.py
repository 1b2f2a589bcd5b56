"""A worker without its process: requests are answered where the tests run."""

from __future__ import annotations

import pytest

from blender_midas_normal.core.errors import error_from_kind
from blender_midas_normal.core.protocol import Error, Progress, Request
from blender_midas_normal.worker.channel import Job
from blender_midas_normal.worker.engines import EngineOptions, EngineRegistry
from blender_midas_normal.worker.pipeline import MapPipeline
from blender_midas_normal.worker.request_loop import InputReader, RequestLoop
from tests.requests_for_tests import LUMINANCE, write_pixels

cv2 = pytest.importorskip("cv2")


class InProcessWorker:
    """Answers requests as the worker does, in this process; `sent` are its messages."""

    def __init__(self, folder, without_midas="not in this test", batch=0):
        self.folder, self.sent = folder, []
        self.reader = InputReader(folder, self)
        engines = EngineRegistry(EngineOptions(folder, without_midas, batch))
        self._loop = RequestLoop(MapPipeline(engines), self.reader, folder, self)

    def send(self, message):
        self.sent.append(message)

    def submit(self, request, cancelled=False):
        job = Job(request, cancelled=cancelled)
        self.reader.submit(job)
        return job

    def answer(self, jobs):
        """Answer jobs, and return their terminal messages by id; each job has exactly one."""
        count = len(self.sent)
        self._loop.answer(jobs)
        self._loop.finish()
        ends = [message for message in self.sent[count:] if not isinstance(message, Progress)]
        assert sorted(end.id for end in ends) == sorted(job.request.id for job in jobs)
        return {end.id: end for end in ends}

    def render(self, request, cancelled=False):
        """Answer one request; return its result, or raise its error."""
        end = self.answer([self.submit(request, cancelled)])[request.id]
        if isinstance(end, Error):
            raise error_from_kind(end.kind, end.text)
        return end


def make_map(worker, folder, rgba, settings=LUMINANCE, **fields):
    """Return the result of a request with these pixels, and the map's H x W x 3 components, -1..1."""
    pixels = write_pixels(folder / "pixels", rgba, fields.pop("encoding", "BYTE"))
    result = worker.render(Request(settings.to_dict(), id=1, pixels=pixels, **fields))
    return result, components(folder / result.file)


def components(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1] / 65535 * 2 - 1
