"""Methods that write the result of another to their place, and augmented assignments."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from tenure.values.operations.scattering import WRITTEN
from tenure.values.rules.sites import at_users_line
from tenure.values.tensor import partly
from tenure.values.tensor.tensor import Tensor

if TYPE_CHECKING:
    from tenure.values.tensor.typing import Operand

P = ParamSpec("P")
Place = TypeVar("Place")


class _ToBeNamed:
    """Placeholder for a method that is built, and named, together with its class."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self.make = make

    def __set_name__(self, owner: type, name: str) -> None:
        method = self.make(name)
        method.__name__ = method.__qualname__ = name
        setattr(owner, name, method)


def in_place(function: Callable[Concatenate[Any, P], Tensor]) -> Callable[Concatenate[Place, P], Place]:
    """In-place method, by the name of another with an underscore: it writes the other's result to the place."""
    return cast(Callable[Concatenate[Place, P], Place], _ToBeNamed(_writing))


def augmented(operator: Callable[[Any, Operand], Tensor]) -> Callable[[Place, Operand], Place]:
    """Augmented assignment (``+=``) of an operator, which writes the result to the place."""
    return cast(Callable[[Place, Any], Place], _ToBeNamed(_augmented))


def _writing(name: str) -> Any:
    name = name[:-1]
    method = (_in_part if name in partly.PARTS else _in_place)(name)
    method.__doc__ = f"Write the result of ``{name}`` to the place; returns the place."
    method.__wrapped__ = getattr(Tensor, name)
    return method


def _in_place(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        while True:
            seen, old = self._seen()
            done = self._update(at_users_line(getattr(old, name)(*args, **kwargs)), seen)
            if done is not None:
                return done

    return method


def _in_part(name: str) -> Any:
    index = WRITTEN[name]

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        while True:
            seen, old = self._seen()
            base, part = self._graph(seen), partial(index, old, *args, **kwargs)
            new = getattr(old, name)(*args, **kwargs) if base is None else partly.changed(name, base, args, kwargs)
            done = self._update(at_users_line(new), seen, part, kept=base is not None)
            if done is not None:
                return done

    return method


def _augmented(name: str) -> Any:
    operator = getattr(Tensor, operator_of(name))

    def method(self: Any, other: Any) -> Any:
        while True:
            seen, old = self._seen()
            result = operator(old, other)
            if result is NotImplemented:
                return result
            done = self._update(at_users_line(result), seen)
            if done is not None:
                return done

    return method


def operator_of(name: str) -> str:
    """Name of the operator behind an augmented assignment: ``__add__`` of ``__iadd__``."""
    return f"__{name[3:]}"
