"""The standard's arrays: cells that are written by index, with the operators and methods of home tensors.

    x = xp.zeros((2, 3)); x[0, :] = 1; row = x[1]; row[2] = 5       x[1, 2] is 5

They are the cells of PyTorch's face (``torch/cells``): an index of ints and slices gives a window that writes through,
and one whose elements another name has written since is not read (TN597). Indices have the meaning that they have for
home tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from tenure.dtypes import bool_
from tenure.torch.cells.cell import Absent, Cell
from tenure.torch.cells.parts import Parts
from tenure.torch.cells.views import Views
from tenure.torch.cells.windows import look
from tenure.torch.cells.writes import Writes
from tenure.values.native.hits import add_place
from tenure.values.operations import keys
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.creation import tensor
from tenure.values.operations.factories import zeros
from tenure.values.places.var import Var
from tenure.values.tensor.tensor import Tensor

STRUCTURE = """
__class__ __class_getitem__ __copy__ __deepcopy__ __delattr__ __dir__ __doc__ __getattribute__ __getitem__ __getstate__
__hash__ __init__ __init_subclass__ __iter__ __module__ __new__ __reduce__ __reduce_ex__ __setattr__ __setitem__
__setstate__ __sizeof__ __slots__ __subclasshook__ __weakref__ __array_namespace__
"""
"""Attributes of the class of tensors that are not of their values."""


class Array(Cell):
    """An array of the standard: a tensor whose elements can be written, by every name and every view of it.

    >>> x = tn.array_api.zeros((3,))
    >>> x[0] = 5.0
    >>> x
    tensor([5., 0., 0.])
    """

    __slots__ = ()

    def __init__(self, data: Any = ()) -> None:
        self._val = value = tensor(data)
        value._held = True

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(fitted(key, self.shape))

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(fitted(key, self.shape), value)

    @staticmethod
    def _split(key: Any) -> tuple[tuple[Any, ...], Any]:
        """The parts of an index: all of it is for arrays where one is in it."""
        if keys.is_basic(key):
            return (key if type(key) is tuple else (key,)), None
        return (), key

    def _refuse_index(self, entries: tuple[Any, ...]) -> None:
        """Nothing: a slice may step backwards."""

    def __copy__(self) -> Array:
        return Array._of(look(self))  # type: ignore[no-any-return]

    def __deepcopy__(self, memo: dict[int, Any]) -> Array:
        return memo.setdefault(id(self), self.__copy__())  # type: ignore[no-any-return]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return again, (detach(look(self)),)


Array._face = Array
add_place(Array)


def fitted(key: Any, shape: tuple[int, ...]) -> Any:
    """An index; a mask with an axis of size 0, which selects nothing, fits any size there, as the standard says."""
    if not isinstance(key, Tensor) or key.dtype is not bool_ or 0 not in key.shape or len(key.shape) > len(shape):
        return key
    wanted = shape[: len(key.shape)]
    fits = all(n in (size, 0) for n, size in zip(key.shape, wanted, strict=True))
    return zeros(wanted, dtype=bool_) if fits else key


def again(value: Any) -> Array:
    """Array of a pickled value."""
    return Array._of(value)  # type: ignore[no-any-return]


def inner(x: Any) -> Any:
    """An array as its value now; arrays in a tuple, list or dict likewise; anything else as it is."""
    if isinstance(x, Array):
        return look(x)
    if type(x) in (tuple, list):
        return type(x)([inner(v) for v in x])
    return x


def outer(x: Any) -> Any:
    """A home value as an array; several in a tuple or list likewise; anything else as it is."""
    if isinstance(x, Tensor) and not isinstance(x, Array):
        return Array._of(x._read())
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*[outer(v) for v in x])
    if type(x) in (tuple, list):
        return type(x)([outer(v) for v in x])
    return x


def of_arrays(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A home function as one of arrays."""

    @wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        return outer(fn(*[inner(a) for a in args], **{k: inner(v) for k, v in kwargs.items()}))

    return call


def install() -> None:
    """Give arrays the operators and methods of home tensors, and none of a place's own."""
    own = {name for of in (Array, Views, Parts, Writes) for name in vars(of)} | set(STRUCTURE.split())
    for name in dir(Tensor):
        found = getattr(Tensor, name)
        private = name.startswith("_") and not name.startswith("__")
        if callable(found) and name not in own and not private and not isinstance(found, type):
            setattr(Array, name, of_arrays(found))
    for name in set(dir(Var)) - set(dir(Tensor)):
        if not name.startswith("_") and name not in own:
            setattr(Array, name, Absent(name))


install()
