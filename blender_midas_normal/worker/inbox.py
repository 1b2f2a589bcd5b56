"""What the client sends: requests in their order, cancellations at once, and the end of the worker when the pipe ends."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable

from ..core.errors import ProtocolError
from ..core.protocol import Cancel, Decoder, PipeMessage, Request, Shutdown
from .orders import Order


class Inbox:
    """Reads standard input in a thread of its own, so that a cancellation or the client's death is seen while the network
    runs.

    at_end is called in that thread when the client has gone, or asked the worker to end, or sends what is no message;
    begin with each new order.
    """

    def __init__(self, at_end: Callable[[], None], begin: Callable[[Order], None]) -> None:
        self._waiting: deque[Order] = deque()
        self._arrived = threading.Condition()
        self._unanswered: weakref.WeakValueDictionary[int, Order] = weakref.WeakValueDictionary()
        self._at_end = at_end
        self._begin = begin
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def next_orders(self, timeout: float | None, most: int = 1) -> list[Order]:
        """The next request, and of those after it at most so many that there are `most` in all, as far as they are read.

        Empty when no request came within `timeout` seconds (None waits for ever).
        """
        with self._arrived:
            self._arrived.wait_for(lambda: self._waiting, timeout)
            orders: list[Order] = []
            while self._waiting and len(orders) < most and (not orders or self._waiting[0].given.done()):
                orders.append(self._waiting.popleft())
            return orders

    def _read(self) -> None:
        decoder = Decoder()
        try:
            while data := os.read(0, 65536):
                for message in decoder.feed(data):
                    if isinstance(message, Shutdown):
                        return
                    self._take(message)
        except ProtocolError as error:
            print(error, file=sys.stderr)
        finally:
            self._at_end()

    def _take(self, message: PipeMessage) -> None:
        if isinstance(message, Request):
            order = Order(message)
            self._unanswered[message.id] = order
            self._begin(order)
            with self._arrived:
                self._waiting.append(order)
                self._arrived.notify()
        elif isinstance(message, Cancel):
            given_up = self._unanswered.get(message.id)
            if given_up is not None:
                given_up.cancelled = True
        else:
            raise ProtocolError("A client does not send {kind}.", kind=type(message).__name__)
