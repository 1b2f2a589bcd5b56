"""The clients of a run, and with them the workers: as many as are wanted, each with a graphics card of its own."""

from __future__ import annotations

from collections.abc import Callable

from ..client import Client


class Crew:
    """At first one client; the others when its worker has said how many graphics cards there are.

    wanted: how many there are to be; None for one for each graphics card.
    """

    def __init__(self, wanted: int | None) -> None:
        self.clients = [Client()]
        self._wanted = wanted
        self._is_complete = False

    def complete(self, say: Callable[[str], None]) -> None:
        """Calls the others as soon as it is known how many; call this now and then.

        say is told, once, why a graphics card that is there cannot be used.
        """
        ready = self.clients[0].ready
        if ready is not None and not self._is_complete:
            self._is_complete = True
            if ready.problem:
                say(ready.problem)
            count = self._wanted or max(1, len(ready.gpus))
            self.clients += [Client(gpu=ready.gpus[number % len(ready.gpus)] if ready.gpus else None)
                             for number in range(1, count)]

    def close(self) -> None:
        """Ends all workers."""
        for client in self.clients:
            client.close()
