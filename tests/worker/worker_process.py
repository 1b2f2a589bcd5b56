"""A real worker process that answers requests one call at a time, for tests."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from blender_midas_normal.core.protocol import (
    Cancel,
    Decoder,
    Error,
    Hello,
    PipeMessage,
    Progress,
    Ready,
    Request,
    Result,
    encode,
)
from blender_midas_normal.core.settings import Settings

START = Path(__file__).resolve().parents[2] / "blender_midas_normal" / "worker" / "main.py"

ANSWER_TIMEOUT_S = 1200.0
"""Seconds after which a worker that does not answer is killed, so that a test fails instead of waiting for ever: on a busy
computer the MiDaS network takes minutes over a long picture."""


@dataclass(frozen=True)
class Answer:
    """The terminal message of a request, and the stages that were reported before it."""

    end: Result | Error
    stages: tuple[str, ...]
    map: np.ndarray | None

    @property
    def pixels(self) -> np.ndarray:
        """The map, H x W x 3; fails the test where there is none."""
        assert self.map is not None, self.end
        return self.map

    @property
    def error(self) -> tuple[str, str]:
        """(kind, sentence) of the error; fails the test where there is none."""
        assert isinstance(self.end, Error), self.end
        return self.end.kind, self.end.text


class WorkerProcess:
    """A worker process and the pipes to it, as a context manager; options: more of its command line."""

    def __init__(self, python: Path, folder: Path, weights: Path, *options: str, program: Path = START) -> None:
        self.folder = folder
        self._log = (folder.parent / f"{folder.name}.log").open("wb")
        folder.mkdir()
        self._process = subprocess.Popen(
            [str(python), "-I", "-u", str(program), "--folder", str(folder), "--weights", str(weights), "--idle", "600",
             *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log)
        self._messages = self._read()
        self._last_id = 0
        assert isinstance(next(self._messages), Hello)
        ready = next(self._messages)
        assert isinstance(ready, Ready)
        self.ready = ready

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()

    def render(self, settings: Settings, on_progress: Callable[[Progress], Any] | None = None, **source: Any) -> Answer:
        """Send a request with a source (`picture=`, `surface=`, `pixels=`) and wait for its end.

        on_progress: called with each progress message; when it returns True, the request is cancelled.
        """
        return self.render_all([(settings, source)], on_progress)[0]

    def render_all(self, requests: Sequence[tuple[Settings, dict[str, Any]]],
                   on_progress: Callable[[Progress], Any] | None = None, send_others_at: str | None = None) -> list[Answer]:
        """Send all requests, (settings, source) each, before waiting for their ends; see `render`.

        send_others_at: a stage of the first request, at which the others are sent.
        """
        numbers = range(self._last_id + 1, self._last_id + 1 + len(requests))
        self._last_id += len(requests)
        messages = iter([Request(settings.to_dict(), id=number, **source)
                         for number, (settings, source) in zip(numbers, requests, strict=True)])
        self._send(*islice(messages, 1 if send_others_at else None))
        stages: dict[int, list[str]] = {number: [] for number in numbers}
        answers: dict[int, Answer] = {}
        watchdog = threading.Timer(ANSWER_TIMEOUT_S, self._process.kill)
        watchdog.start()
        try:
            while len(answers) < len(requests):
                message = next(self._messages, None)
                assert message is not None, f"The worker ended without an answer; its log is {self._log.name}."
                assert message.id in stages and message.id not in answers, message
                if not isinstance(message, Progress):
                    answers[message.id] = Answer(message, tuple(stages[message.id]), self._map(message))
                    continue
                stages[message.id].append(message.stage)
                if message.stage == send_others_at:
                    self._send(*messages)
                if on_progress is not None and on_progress(message) is True:
                    self._send(Cancel(message.id))
        finally:
            watchdog.cancel()
        return [answers[number] for number in numbers]

    def _send(self, *messages: PipeMessage) -> None:
        for message in messages:
            self._process.stdin.write(encode(message))
            self._process.stdin.flush()

    def _read(self) -> Iterator[PipeMessage]:
        decoder = Decoder()
        while data := self._process.stdout.read1(65536):
            yield from decoder.feed(data)

    def _map(self, message: PipeMessage) -> np.ndarray | None:
        if not isinstance(message, Result):
            return None
        import cv2

        path = self.folder / message.file
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1]
        path.unlink()
        return pixels


def normals(pixels: np.ndarray) -> np.ndarray:
    """H x W x 3 float64 vectors of an 8- or 16-bit map."""
    return pixels / np.iinfo(pixels.dtype).max * 2 - 1
