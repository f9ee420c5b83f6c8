"""The boundary between the face and home code: tensors become values on the way in, values tensors on the way out."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterable
from typing import Any

from tenure.errors import TenureError
from tenure.torch.cells import Tensor, wrap
from tenure.torch.cells.turns import TURN, is_mine
from tenure.torch.devices import check_device, device
from tenure.torch.dtypes import dtype, home_dtype
from tenure.torch.errors import translated
from tenure.values.tensor.tensor import Tensor as Value


def given(x: Any) -> Any:
    """An argument as home code takes it: values for tensors, the home library's dtypes and device."""
    if isinstance(x, Tensor):
        return x._read()
    kind = type(x)
    if kind in (tuple, list):
        return kind([given(v) for v in x])
    if kind is dict:
        return {k: given(v) for k, v in x.items()}
    if kind is dtype:
        return home_dtype(x)
    if kind is device:
        check_device(x)
        return "cpu"
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return kind(*[given(v) for v in x])
    return x


def crossing(function: Callable[..., Any], first: bool = False, lay: Callable[..., Any] | None = None) -> Any:
    """A home function, or method (``first``: of its first argument), that takes and gives tensors.

    A result that is the value of an argument is that argument. ``lay`` gives another one the strides that it has for
    arguments: of several the first. Called with values, it is home code's own call.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        own, rest = (args[:1], args[1:]) if first else ((), args)
        if own and own[0].__dict__.get("inplace") is True and not is_mine():
            with TURN:
                return call(*args, **kwargs)
        taken = []
        for x in rest:
            if type(x) is Value:
                return function(*args, **kwargs)
            taken.append(given(x))
        try:
            out = function(*own, *taken, **({k: given(v) for k, v in kwargs.items()} if kwargs else kwargs))
        except TenureError as error:
            raise translated(error) from None
        if type(out) is not Value:
            found = wrap(out)
            if lay is not None and type(found) is tuple and isinstance(found[0], Tensor):
                lay(found[0], *args)
            return found
        for x, value in zip(rest, taken, strict=True):
            if value is out and isinstance(x, Tensor):
                return x
        if own and rest and isinstance(rest[0], Tensor) and own[0].__dict__.get("inplace") is True:
            return rest[0]._assign(out)
        return Tensor._of(out) if lay is None else lay(Tensor._of(out), *args)

    return call


def crossed(name: str, member: Any, lay: Callable[..., Any] | None) -> Any:
    """A public member of a home class as the face's class has it; None for one that it inherits."""
    if name in ("__init__", "__init_subclass__", "__class_getitem__", "__getattr__"):
        return None
    if name[0] == "_" and name[:2] != "__":
        return None
    if isinstance(member, staticmethod | classmethod):
        return type(member)(crossing(member.__func__, first=isinstance(member, classmethod)))
    if not isinstance(member, types.FunctionType):
        return None
    return crossing(member, True, lay if name == "forward" else None)


def flattened(home: type, stop: type, lay: Callable[..., Any] | None = None) -> dict[str, Any]:
    """The public methods of a home class and its bases up to another, each as the face has it: ``forward`` with the
    strides that ``lay`` gives."""
    space: dict[str, Any] = {"__doc__": home.__doc__, "_home": home}
    for of in reversed(home.__mro__):
        if issubclass(of, stop) and of is not stop:
            found = {key: crossed(key, member, lay) for key, member in vars(of).items()}
            space.update({key: member for key, member in found.items() if member is not None})
    return space


def functions(home: Any, names: Iterable[str], module: str) -> dict[str, Any]:
    """Functions of a home module as those of the face's."""
    found = {}
    for name in names:
        found[name] = crossing(getattr(home, name))
        found[name].__module__ = module
    return found
