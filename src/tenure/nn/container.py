"""Modules that hold modules in order."""

from __future__ import annotations

import operator
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from itertools import groupby
from typing import TYPE_CHECKING, Any, Generic, Self, overload

from tenure.errors import DTypeError, OutOfRange, shown
from tenure.nn import state
from tenure.nn.module import Module
from tenure.values.trace.blame import check_methods, publish
from tenure.values.trace.given import int_of

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from tenure.values.tensor.tensor import Tensor

    M = TypeVar("M", bound=Module, default=Module)
else:
    from typing import TypeVar

    M = TypeVar("M")


class _Ordered(Module, Generic[M]):
    """A module with children by position; their names are positions unless given."""

    def _key(self, index: int) -> str:
        """The name at a position; TN801 outside."""
        size, i = len(self._modules), int(operator.index(index))
        if not -size <= i < size:
            raise OutOfRange(f"index {i} is out of range for {size} modules")
        names: list[str] = list(self._modules)
        return names[i]

    @overload
    def __getitem__(self, index: int) -> M: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> M | Self:
        if isinstance(index, slice):
            return self._sliced(list(self._modules.copy().items())[index])
        found: M = self._modules[self._key(index)]
        return found

    def _sliced(self, items: list[tuple[str, M]]) -> Self:
        raise NotImplementedError

    def __setitem__(self, index: int, module: M) -> None:
        setattr(self, self._key(index), module)

    def __delitem__(self, index: int | slice) -> None:
        items = list(self._modules.copy().items())
        for name in [n for n, _ in items[index]] if isinstance(index, slice) else [self._key(index)]:
            delattr(self, name)
        if all(name.isdigit() for name, _ in items):
            kept = list(self._modules.values())
            self._modules.clear()
            self.extend(kept)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[M]:
        return iter(tuple(self._modules.values()))

    def __iadd__(self, modules: Iterable[M]) -> Self:
        return self.extend(modules)

    def append(self, module: M) -> Self:
        """Add a module at the end."""
        self.register_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[M]) -> Self:
        """Add modules at the end; DTypeError (TN802) for what is no list of them."""
        if not hasattr(type(modules), "__iter__") or isinstance(modules, str | bytes | Mapping):
            raise DTypeError(f"{type(self).__name__}: a list of modules is expected, not {shown(modules)}")
        for module in tuple(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: M) -> Self:
        """Put a module before a position."""
        modules = list(self)
        modules.insert(self._position(index), module)
        self._check_module(module)
        self._modules.clear()
        return self.extend(modules)

    def _position(self, index: int) -> int:
        """The position to insert before: any, as a list takes it."""
        size = len(self)
        return max(-size, min(size, int_of(index, "insert: the index")))

    def _check_module(self, module: object) -> None:
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"insert: module is not a Module but {shown(module)}")

    @overload
    def pop(self, key: int = -1) -> M: ...
    @overload
    def pop(self, key: slice) -> Self: ...
    def pop(self, key: int | slice = -1) -> M | Self:
        """Remove the module at a position, or those of a slice, and return it; TN801 outside."""
        found = self[key if isinstance(key, slice) else int_of(key, "pop: the key")]
        del self[key]
        return found


class Sequential(_Ordered[Module]):
    """Modules applied one after the other, given as arguments or as one dict of names and modules.

    A slice is a Sequential that shares the modules.

    >>> nn.Sequential(nn.Linear(3, 4), nn.ReLU())(tn.ones(2, 3)).shape
    (2, 4)
    """

    def __init__(self, *args: Module | Mapping[str, Module]) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], dict):
            for name, module in args[0].items():
                self.register_module(name, module)
        else:
            self.extend(args)  # type: ignore[arg-type]

    def _sliced(self, items: list[tuple[str, Module]]) -> Any:
        return Sequential(dict(items))

    def _position(self, index: int) -> int:
        size = len(self)
        if not -size <= int_of(index, "insert: the index") <= size:
            raise OutOfRange(f"insert: index {index} is out of range for {size} modules")
        return index

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            return NotImplemented
        return Sequential(*self, *other)

    def __mul__(self, count: int) -> Sequential:
        return Sequential(*self._times(count))

    __rmul__ = __mul__

    def __imul__(self, count: int) -> Self:
        return self.extend(self._times(count)[len(self) :])

    def _times(self, count: Any) -> list[Module]:
        if int_of(count, "Sequential: a number of times") < 1:
            raise ValueError(f"Sequential: a number of times is 1 or more, not {count}")
        return [module for _ in range(count) for module in self]

    def forward(self, input: Any) -> Tensor:
        """The result of the last module."""
        for module in tuple(self._modules.values()):
            input = module(input)
        return input  # type: ignore[no-any-return]


class ModuleList(_Ordered[M]):
    """List of modules whose parameters are those of the module that holds it; it is not called.

    >>> layers = nn.ModuleList([nn.Linear(3, 3) for _ in range(2)])
    >>> len(layers), len(list(layers.parameters()))
    (2, 4)
    """

    @overload
    def __init__(self) -> None: ...
    @overload
    def __init__(self, modules: Iterable[M]) -> None: ...
    def __init__(self, modules: Iterable[M] = ()) -> None:
        super().__init__()
        self.extend(modules)

    def _sliced(self, items: list[tuple[str, M]]) -> Any:
        return ModuleList([module for _, module in items])

    def __add__(self, other: Iterable[M]) -> ModuleList[M]:
        return ModuleList([*self, *ModuleList(other)])

    def __repr__(self) -> str:
        children = []
        first = 0
        for text, run in groupby([repr(m) for m in self]):
            count = len(list(run))
            last = first + count - 1
            one = count == 1
            children.append(
                (f"({first})" if one else f"({first}-{last})", text if one else f"{count} x {text}")
            )
            first = last + 1
        return state.describe(self, children)


publish(_Ordered, "append", "extend", "insert", "pop")


class ModuleDict(Module, Generic[M]):
    """Dict of modules whose parameters are those of the module that holds it; it is not called.

    >>> heads = nn.ModuleDict({"a": nn.Linear(3, 1)})
    >>> heads["a"](tn.ones(2, 3)).shape
    (2, 1)
    """

    @overload
    def __init__(self) -> None: ...
    @overload
    def __init__(self, modules: Mapping[str, M] | Iterable[tuple[str, M]]) -> None: ...
    def __init__(self, modules: Mapping[str, M] | Iterable[tuple[str, M]] = ()) -> None:
        super().__init__()
        self.update(modules)

    def update(self, modules: Mapping[str, M] | Iterable[tuple[str, M]]) -> None:
        """Add modules by name, in place of those that have the name."""
        pairs = list(modules.items() if isinstance(modules, Mapping) else modules)
        if not all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
            raise DTypeError(f"update: modules is a dict, or a list of pairs (name, module), not {shown(modules)}")
        for name, module in pairs:
            self[name] = module

    def __setitem__(self, name: str, module: M) -> None:
        if name in self._modules:
            setattr(self, name, module)
        else:
            self.register_module(name, module)

    def __getitem__(self, name: str) -> M:
        found: M = self._modules[name]
        return found

    def __delitem__(self, name: str) -> None:
        del self._modules[name]

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._modules.keys()  # type: ignore[no-any-return]

    def values(self) -> ValuesView[M]:
        """The modules."""
        return self._modules.values()  # type: ignore[no-any-return]

    def items(self) -> ItemsView[str, M]:
        """Names and modules."""
        return self._modules.items()  # type: ignore[no-any-return]

    def pop(self, name: str) -> M:
        """Remove a module and return it; KeyError if there is none of the name."""
        if not isinstance(name, str) or name not in self._modules:
            raise KeyError(f"pop: there is no module {shown(name)}")
        found: M = self._modules.pop(name)
        return found

    def clear(self) -> None:
        """Remove all modules."""
        self._modules.clear()


check_methods(ModuleDict, "update")
