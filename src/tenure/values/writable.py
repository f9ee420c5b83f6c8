"""What places and borrows have in common: they read as tensors, and have the methods that write."""

from __future__ import annotations

from functools import partial
from typing import Any

from tenure.errors import DTypeError, ShapeError
from tenure.values import indexing, partly, steps
from tenure.values.blame import public
from tenure.values.creation import tensor
from tenure.values.generator import Generator
from tenure.values.operators import STEPS
from tenure.values.random import rand, randn
from tenure.values.reading import value_of
from tenure.values.scattering import WRITTEN
from tenure.values.sites import at_users_line, here, site
from tenure.values.spelling import in_plain_names
from tenure.values.tensor import Tensor


def _through(name: str) -> Any:
    """An attribute of the value that a place or borrow has now."""

    def get(self: Any) -> Any:
        return getattr(self._read(), name)

    return property(get)


@in_plain_names
class Writable(Tensor):
    """What reads as a tensor by giving its value of this moment."""

    __slots__ = ()
    _val: Any
    _aval = _through("_aval")
    _deps = _through("_deps")
    _trace = _through("_trace")
    _slot = _through("_slot")
    _data = _through("_data")
    _src = _through("_src")
    _node = _through("_node")

    def _absent(self) -> Any:
        """The error where the value cannot be read now."""
        raise NotImplementedError

    def _read(self) -> Any:
        try:
            value = self._val
        except AttributeError:
            return self._absent()
        return value if type(value) is Tensor else self._healed(value)

    def _healed(self, value: Any) -> Any:
        """A value of its own in place of one that was moved away under another name."""
        twin = value.twin()
        object.__setattr__(self, "_val", twin)
        return twin

    @property
    def value(self) -> Tensor:
        """The value at this moment, which later writes do not change."""
        return self._read()  # type: ignore[no-any-return]

    def copy_(self, v: Any) -> Any:
        """Write v, broadcast to the place's shape and cast to its dtype."""
        if type(v) in NUMBERS:
            return self._update(v)
        return self._update(v.to(self.dtype) if isinstance(v, Tensor) else tensor(v, dtype=self.dtype))

    def zero_(self) -> Any:
        """Write zeros."""
        return self._update(0)

    def fill_(self, number: Any) -> Any:
        """Write one number everywhere."""
        return self._update(number)

    @public
    def uniform_(self, a: float = 0.0, b: float = 1.0, *, generator: Generator | None = None) -> Any:
        """Write uniform numbers of [a, b)."""
        return self._update(rand(self.shape, dtype=self.dtype, generator=generator) * (b - a) + a)

    @public
    def normal_(self, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Any:
        """Write normal numbers of a mean and a standard deviation."""
        return self._update(randn(self.shape, dtype=self.dtype, generator=generator) * std + mean)

    def set_(self, v: Any) -> Any:
        """Write v, which has the place's shape and dtype: there is no storage that two tensors could share."""
        return self._update(exact(self._read(), value_of(v)))

    def _seen(self) -> tuple[Any, Any]:
        """The value that the place holds now, and what of it is read here: what is computed from the one is written
        only while the place holds the other."""
        raise NotImplementedError

    def _update(self, v: Any, seen: Any = None, part: Any = ..., *, kept: bool = False) -> Any:
        """Write v, which differs from what is there at most at ``part``, an index or a function that gives one; with
        its graph, if that is ``kept``. None, and nothing written, if the place does not hold what was seen any more."""
        raise NotImplementedError

    def _graph(self, seen: Any) -> Any:
        """What is read of a value of the place here, with its graph, if a write of some elements is outside of that;
        None where there is no graph, or the write is part of it."""
        raise NotImplementedError


NUMBERS = (bool, int, float)
OPERATORS = "add sub mul truediv floordiv mod pow matmul and or xor"
IN_PLACE = (
    "add sub subtract mul multiply div divide pow neg abs exp log sqrt tanh sin cos square relu floor sign "
    "erf sigmoid expm1 log1p clip clamp maximum minimum logical_and logical_or logical_not "
    "lerp addcmul addcdiv scatter scatter_add scatter_reduce index_add index_copy index_fill masked_fill"
)


def _in_place(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        while True:
            seen, old = self._seen()
            done = self._update(at_users_line(getattr(old, name)(*args, **kwargs)), seen)
            if done is not None:
                return done

    return _named(method, name)


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

    return _named(method, name)


def _named(method: Any, name: str) -> Any:
    method.__name__ = method.__qualname__ = f"{name}_"
    method.__doc__ = f"Write the result of ``{name}`` to the place."
    method.__wrapped__ = getattr(Tensor, name)
    return method


def _augmented(name: str) -> Any:
    operator = getattr(Tensor, f"__{name}__")

    def method(self: Any, other: Any) -> Any:
        while True:
            seen, old = self._seen()
            result = operator(old, other)
            if result is NotImplemented:
                return result
            done = self._update(at_users_line(result), seen)
            if done is not None:
                return done

    method.__name__ = method.__qualname__ = f"__i{name}__"
    return method


for _name in OPERATORS.split():
    setattr(Writable, f"__i{_name}__", _augmented(_name))
for _name in IN_PLACE.split():
    setattr(Writable, f"{_name}_", (_in_part if _name in partly.PARTS else _in_place)(_name))


def in_place_steps() -> dict[str, Any]:
    """The methods that write the result of an operator, by their names."""
    steps = {f"__i{name}__": getattr(Tensor, f"__{name}__") for name in OPERATORS.split()}
    steps |= {f"{name}_": getattr(Tensor, name) for name in IN_PLACE.split()}
    return {name: step for name, step in steps.items() if STEPS.get(step, ("", "", False))[1] == "operator"}


def exact(old: Any, v: Any) -> Any:
    """v, if it has the shape and dtype of a place (TN802)."""
    if v._aval.shape != old._aval.shape:
        raise ShapeError(
            f"a place of shape {list(old._aval.shape)} is given a value of shape {list(v._aval.shape)}",
            at=site(here()),
            help="a place keeps its shape; make another place, or write a part: v[i] = …",
        )
    if v._aval.dtype is not old._aval.dtype:
        raise DTypeError(
            f"a place of dtype {old._aval.dtype.name} is given a value of dtype {v._aval.dtype.name}",
            at=site(here()),
            help=f"a place keeps its dtype; cast the value: .to(tn.{old._aval.dtype.name})",
        )
    return v


def replaced(old: Any, v: Any) -> Any:
    """The value of a place after v, a number or a tensor that broadcasts to it, was written to all of it."""
    if type(v) in FILLS.get(old._aval.dtype.kind, ()) and not old._deps:
        return steps.fill(old._aval, v)
    if type(v) in NUMBERS or v._aval != old._aval:
        return indexing.written(old, ..., v)
    return v


FILLS = {"f": (float, int), "i": (int,), "b": (bool,)}
"""The numbers that a dtype's arrays can be filled with, by kind; others are cast, or refused, as any value is."""
