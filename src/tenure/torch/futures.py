"""``torch.futures``: results that are there already, or come from a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import GenericAlias
from typing import Any


class Future:
    """A result that is set once."""

    __class_getitem__: Any = classmethod(GenericAlias)

    def __init__(self, *, devices: Any = None) -> None:
        self._done = threading.Event()
        self._value: Any = None
        self._error: BaseException | None = None
        self._then: list[Callable[[Any], Any]] = []

    def done(self) -> bool:
        """Whether there is a result."""
        return self._done.is_set()

    def set_result(self, result: Any) -> None:
        """Set the result."""
        self._value = result
        self._finish()

    def set_exception(self, result: BaseException) -> None:
        """Set an error."""
        self._error = result
        self._finish()

    def _finish(self) -> None:
        self._done.set()
        for callback in self._then:
            callback(self)

    def wait(self) -> Any:
        """The result, once it is there."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._value

    value = wait

    def add_done_callback(self, callback: Callable[[Any], Any]) -> None:
        """Call a function with this when there is a result."""
        if self.done():
            callback(self)
        else:
            self._then.append(callback)

    def then(self, callback: Callable[[Any], Any]) -> Future:
        """The result of a function of this."""
        made = Future()
        self.add_done_callback(lambda f: made.set_result(callback(f)))
        return made


def collect_all(futures: list[Future]) -> Future:
    """A future of all."""
    made = Future()
    made.set_result(futures)
    return made


def wait_all(futures: list[Future]) -> list[Any]:
    """The results of all."""
    return [f.wait() for f in futures]
