"""Modules that hold parameters in order, or by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Self, overload

import numpy as np

from tenure.errors import DTypeError, OutOfRange, shown
from tenure.nn.module import Module
from tenure.values.operations.reading import value_of
from tenure.values.places.parameter import Parameter
from tenure.values.places.uninitialized import Uninitialized
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.blame import publish
from tenure.values.trace.given import int_of

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    V = TypeVar("V", default=Parameter)
else:
    from typing import TypeVar

    V = TypeVar("V")


class _Parameters(Module, Generic[V]):
    """Base of what holds parameters by key. A tensor becomes a parameter; what is no tensor is kept as it is."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "_others", {})

    def _hold(self, key: str, value: Any) -> None:
        """Keep a value under a key, in place of the one there."""
        if isinstance(value, Tensor) and not isinstance(value, Parameter):
            value = Parameter(value_of(value))
        self._drop(key)
        if isinstance(value, Parameter):
            self._put(key, value)
        elif isinstance(value, Module):
            self._modules[key] = self._child(key, value)
        else:
            self._others[key] = value

    def _found(self, key: str) -> V:
        for held in (self._parameters, self._modules, self._others):
            if key in held:
                return held[key]  # type: ignore[no-any-return]
        raise KeyError(key)

    def _drop(self, key: str) -> None:
        """Let go of a key, if it is there."""
        if key in self._parameters:
            self._put(key, None)
        for held in (self._parameters, self._modules, self._others):
            held.pop(key, None)

    def forward(self, *args: Any, **kwargs: Any) -> NoReturn:
        """TypeError: it holds parameters, and is not called."""
        raise TypeError(f"a {type(self).__name__} is not called: index it, or iterate over it")

    def _described(self, items: Iterable[tuple[Any, Any]]) -> str:
        lines = []
        for key, value in items:
            said = f"Object of type: {type(value).__name__}"
            if isinstance(value, Uninitialized):
                said = repr(value)
            elif isinstance(value, Tensor):
                said = f"Parameter containing: [{value.dtype} of size {'x'.join(map(str, value.shape))}]"
            lines.append(f"  ({key}): {said}")
        return "\n".join(lines)

    def __setstate__(self, held: dict[str, Any]) -> None:
        super().__setstate__(held)
        for which in ("_others", "_keys"):  # a copy has its own
            if which in held:
                vars(self)[which] = dict(held[which])


class ParameterList(_Parameters[V]):
    """List whose parameters are those of the module that holds it. A tensor in it becomes a parameter.

    What is no tensor is kept as it is. A slice is a ParameterList of the same parameters.

    >>> scales = nn.ParameterList([tn.ones(2), tn.zeros(3)])
    >>> len(scales), [p.shape for p in scales.parameters()]
    (2, [(2,), (3,)])
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        object.__setattr__(self, "_size", 0)
        self.extend(() if values is None else values)

    def _at(self, index: Any) -> str:
        """The key at a position; TN801 outside."""
        i = int_of(index, "ParameterList: the index")
        if not -self._size <= i < self._size:
            raise OutOfRange(f"ParameterList: index {i} is out of range for {self._size} parameters")
        return str(i % self._size)

    @overload
    def __getitem__(self, index: int) -> V: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> V | Self:
        if isinstance(index, slice):
            return type(self)([self._found(str(k)) for k in range(self._size)[index]])
        return self._found(self._at(index))

    def __setitem__(self, index: int, value: Any) -> None:
        self._hold(self._at(index), value)

    def __len__(self) -> int:
        return self._size  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[V]:
        return iter([self._found(str(k)) for k in range(self._size)])

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def append(self, value: Any) -> Self:
        """Add a value at the end."""
        self._hold(str(self._size), value)
        object.__setattr__(self, "_size", self._size + 1)
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add values at the end; DTypeError (TN802) for what is no list of them."""
        if not _several(values) or isinstance(values, Mapping):
            raise DTypeError(f"{type(self).__name__}: values is a list of tensors, not {shown(values)}")
        for value in values:
            self.append(value)
        return self

    def extra_repr(self) -> str:
        """A line for each value."""
        return self._described(enumerate(self))


class ParameterDict(_Parameters[V]):
    """Dict whose parameters are those of the module that holds it. A tensor in it becomes a parameter.

    Names are texts; what is no tensor is kept as it is. The order is that of insertion.

    >>> scales = nn.ParameterDict({"left": tn.ones(2)})
    >>> scales["right"] = tn.zeros(3)
    >>> [name for name, _ in scales.named_parameters()]
    ['left', 'right']
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        object.__setattr__(self, "_keys", {})
        if parameters is not None:
            self.update(parameters)

    def _key(self, key: Any) -> str:
        if not isinstance(key, str):
            raise TypeError(f"{type(self).__name__}: a name is a str, not {shown(key)}")
        return key

    def __getitem__(self, key: str) -> V:
        if self._key(key) not in self._keys:
            raise KeyError(key)
        return self._found(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self._hold(self._key(key), value)
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        del self._keys[self._key(key)]
        self._drop(key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._keys))

    def __reversed__(self) -> Iterator[str]:
        return iter(tuple(self._keys)[::-1])

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __or__(self, other: Any) -> Self:
        twin = self.copy()
        twin.update(other)
        return twin

    def __ror__(self, other: Mapping[str, Any]) -> Self:
        twin = type(self)(other)
        twin.update(self.items())
        return twin

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._keys.copy().keys()  # type: ignore[no-any-return]

    def values(self) -> Iterable[V]:
        """The values, in the order of the names."""
        return [self._found(key) for key in self]

    def items(self) -> Iterable[tuple[str, V]]:
        """Names and values."""
        return [(key, self._found(key)) for key in self]

    def copy(self) -> Self:
        """A ParameterDict of the same parameters."""
        return type(self)(self.items())

    def get(self, key: str, default: V | None = None) -> V | None:
        """The value of a name, or ``default``."""
        return self[key] if key in self._keys else default

    def setdefault(self, key: str, default: Any = None) -> V:
        """The value of a name, which is ``default`` from now on if there was none."""
        if self._key(key) not in self._keys:
            self[key] = default
        return self[key]

    def pop(self, key: str) -> V:
        """Remove a name and return its value; KeyError if there is none of the name."""
        if self._key(key) not in self._keys:
            raise KeyError(f"pop: there is no parameter {shown(key)}")
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, V]:
        """Remove the last name and return it with its value."""
        if not self._keys:
            raise KeyError("popitem: the ParameterDict is empty")
        key = tuple(self._keys)[-1]
        return key, self.pop(key)

    def clear(self) -> None:
        """Remove all names."""
        for key in self:
            del self[key]

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> Self:
        """A ParameterDict of names that have one value."""
        if not _several(keys):
            raise DTypeError(f"fromkeys: keys is a list of names, not {shown(keys)}")
        return type(self)([(key, default) for key in keys])

    def update(self, parameters: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Add values by name, in place of those that have the name; DTypeError (TN802) for what is no dict.

        Those of a plain dict are taken in the order of their names, as PyTorch takes them: an optimizer's state goes by
        that order. An OrderedDict, a ParameterDict and pairs keep theirs."""
        pairs: Any = parameters.items() if isinstance(parameters, Mapping | ParameterDict) else parameters
        pairs = list(pairs) if _several(pairs) else [None]
        if isinstance(parameters, Mapping) and not isinstance(parameters, OrderedDict):
            pairs.sort(key=lambda pair: str(pair[0]))
        if not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
            said = shown(parameters)
            raise DTypeError(f"update: parameters is a dict, or a list of pairs (name, value), not {said}")
        for key, value in pairs:
            self[key] = value

    def extra_repr(self) -> str:
        """A line for each value."""
        return self._described(self.items())


def _several(x: object) -> bool:
    """Whether an argument is a list of things, or something like it."""
    return hasattr(type(x), "__iter__") and not isinstance(x, Tensor | np.ndarray | str | bytes)


publish(ParameterList, "append")
