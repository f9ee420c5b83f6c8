"""Places and borrows: what can be written.

A place (``Var``) holds a value; a write gives it another one, so what was read before does not change. A
borrow is a window on a place, or on a part of it, through which the place is written. A write makes stale
every overlapping borrow that is neither the writer nor one it was taken from.
"""

from __future__ import annotations

import weakref
from copy import deepcopy
from typing import Any

from tenure.errors import DTypeError, ShapeError, StaleBorrowError, WriteError
from tenure.values import indexing, steps
from tenure.values.arithmetic import detach
from tenure.values.creation import wrap
from tenure.values.graph import Leaf, Place
from tenure.values.hits import add_place, install
from tenure.values.modes import current_mode
from tenure.values.random import Generator, rand, randn
from tenure.values.reading import value_of, written_of
from tenure.values.record import set_types
from tenure.values.regions import Region, overlap
from tenure.values.sites import at_users_line, here, site
from tenure.values.tensor import Arithmetic, Shaping, Tensor


def _through(name: str) -> Any:
    """An attribute of the value that a place or borrow has now."""

    def get(self: Any) -> Any:
        return getattr(self._read(), name)

    return property(get)


class Writable(Tensor):
    """What reads as a tensor by giving its value of this moment."""

    __slots__ = ()
    _aval = _through("_aval")
    _deps = _through("_deps")
    _trace = _through("_trace")
    _slot = _through("_slot")
    _data = _through("_data")
    _src = _through("_src")
    _node = _through("_node")

    @property
    def value(self) -> Tensor:
        """The value at this moment, which later writes do not change."""
        return self._read()  # type: ignore[no-any-return]

    def copy_(self, v: Any) -> Any:
        """Write v, broadcast to the place's shape and cast to its dtype."""
        return self._update(v if type(v) in NUMBERS else value_of(v).to(self.dtype))

    def zero_(self) -> Any:
        """Write zeros."""
        return self._update(0)

    def fill_(self, number: Any) -> Any:
        """Write one number everywhere."""
        return self._update(number)

    def uniform_(self, a: float = 0.0, b: float = 1.0, *, generator: Generator | None = None) -> Any:
        """Write uniform numbers of [a, b)."""
        return self._update(rand(self.shape, dtype=self.dtype, generator=generator) * (b - a) + a)

    def normal_(self, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Any:
        """Write normal numbers of a mean and a standard deviation."""
        return self._update(randn(self.shape, dtype=self.dtype, generator=generator) * std + mean)

    def _update(self, v: Any) -> Any:
        raise NotImplementedError


NUMBERS = (bool, int, float)
OPERATORS = "add sub mul truediv floordiv mod pow matmul and or xor"
IN_PLACE = (
    "add sub subtract mul multiply div divide pow neg abs exp log sqrt tanh sin cos square relu floor sign "
    "erf sigmoid expm1 log1p clip clamp maximum minimum logical_and logical_or logical_not"
)


def _in_place(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args and "alpha" in kwargs:
            args = (args[0] * kwargs.pop("alpha"), *args[1:])
        return self._update(at_users_line(getattr(self._read(), name)(*args, **kwargs)))

    method.__name__ = method.__qualname__ = f"{name}_"
    method.__doc__ = f"Write the result of ``{name}`` to the place."
    return method


def _augmented(name: str) -> Any:
    def method(self: Any, other: Any) -> Any:
        result = getattr(self._read(), f"__{name}__")(other)
        return NotImplemented if result is NotImplemented else self._update(at_users_line(result))

    method.__name__ = method.__qualname__ = f"__i{name}__"
    return method


for _name in OPERATORS.split():
    setattr(Writable, f"__i{_name}__", _augmented(_name))
for _name in IN_PLACE.split():
    setattr(Writable, f"{_name}_", _in_place(_name))


class Var(Writable):
    """A place: holds a value of fixed shape and dtype, and can be written.

    ``Var(value)`` owns a place that starts with the value. Reading it (in an expression, by ``.value``) gives
    the value at that moment. With ``requires_grad`` it is a differentiation leaf. Writes: ``v[i] = t``,
    ``v += t``, ``v.copy_(t)``, ``v.data = t``. Errors: TN802 if the shape or dtype would change; TN594 if a
    leaf is written inside a recorded computation.
    """

    __slots__ = ("_borrows", "_leaf", "_val")

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return object.__new__(cls)

    def __init__(self, value: Any = 0.0, requires_grad: bool = False) -> None:
        value = value_of(value)
        self._leaf: Leaf | None = None
        self._borrows: list[weakref.ref[Borrow]] = []
        self._val = value
        if requires_grad:
            self.requires_grad_()

    def _read(self) -> Any:
        return self._val

    def requires_grad_(self, requires_grad: bool = True) -> Var:
        """Make the place a differentiation leaf, or none any more."""
        if requires_grad and self._leaf is None:
            check_differentiable(self._val)
            self._leaf = Leaf()
            self._val = as_leaf(detach(self._val), self._leaf)
        elif not requires_grad and self._leaf is not None:
            self._leaf = None
            self._val = detach(self._val)
        return self

    def _write(self, v: Any, writer: Borrow | None = None, key: Any = ..., *, tracked: bool = False) -> None:
        """Give the place another value: v, or its own with v at a basic index."""
        old = self._val
        if self._leaf is not None:
            if tracked and current_mode().grad:
                raise WriteError(
                    "a leaf that requires grad is written inside a recorded computation",
                    at=site(here()),
                    help="update it under `with tn.no_grad():`, or through .data",
                )
            v = v if type(v) in NUMBERS else detach(v)
        if key is ... and type(v) not in NUMBERS and v._aval == old._aval:
            new = v
        else:
            old = old if self._leaf is None else detach(old)
            new = replaced(old, v) if key is ... else indexing.written(old, key, v)
        self._val = new if self._leaf is None else as_leaf(new, self._leaf)
        if self._borrows:
            self._expire(writer, key)

    def _expire(self, writer: Borrow | None, key: Any) -> None:
        """Make the borrows stale that this write overlaps."""
        self._borrows = [r for r in self._borrows if r() is not None]
        alive = [b for b in [r() for r in self._borrows] if b is not None]
        if not alive:
            return
        if writer is not None and len(alive) == 1 and alive[0] is writer:
            writer._val = writer.view_of(self._val)
            return
        chain = {id(c) for c in writer.chain()} if writer is not None else set()
        region = Region.whole(self._aval.shape) if writer is None else writer._region
        if key is not ... and region.is_whole:
            region = region.sub(*indexing.parse(key, self._aval.shape))
        for b in alive:
            if id(b) in chain:
                b._val = b.view_of(self._val)
            elif b._stale is None and overlap(b._region, region):
                b._stale = (here(),)

    def _abandon(self) -> None:
        """The place is given up: nobody writes through its borrows any more."""
        self._expire(None, ...)

    def _fitting(self, v: Any) -> Any:
        """v as a value of the place's shape and dtype."""
        return exact(self._val, detach(value_of(v)))

    def grad_fn_name(self) -> str | None:
        """A leaf has none."""
        return None if self._leaf is not None else self._val.grad_fn_name()

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made its value."""
        return self._leaf is not None or not self._val._deps

    @property
    def data(self) -> Borrow:
        """A write-through borrow of the place, outside the graph."""
        return Borrow(self, Region.whole(self._aval.shape), None)

    @data.setter
    def data(self, v: Any) -> None:
        if isinstance(v, Borrow) and v._place is self and v._parent is None and v._stale is None:
            return
        self._write(self._fitting(v))

    def borrow_mut(self) -> Borrow:
        """A write-through borrow of the place."""
        return self.data

    def __setitem__(self, key: Any, v: Any) -> None:
        self._write(written_of(v), None, key, tracked=True)

    def _update(self, v: Any) -> Var:
        self._write(written_of(v), tracked=True)
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        grad = None if self._leaf is None or self._leaf.grad is None else self._leaf.grad.numpy()
        return _rebuild, (type(self), self.detach().numpy().copy(), self._leaf is not None, grad)

    def __copy__(self) -> Var:
        return type(self)(detach(self._val), self._leaf is not None)

    def __deepcopy__(self, memo: dict[int, Any]) -> Var:
        twin = memo[id(self)] = self.__copy__()
        if self._leaf is not None and self._leaf.grad is not None and twin._leaf is not None:
            twin._leaf.grad = Var(self._leaf.grad._val)
        return twin


class Borrow(Writable):
    """A write-through window on a place or a part of it.

    It reads the place as of its own last write, else as taken. Indexing gives a sub-borrow. Written through
    after somebody else wrote the place: TN597. Borrowed from ``_place``; owns nothing but its snapshot.
    """

    __slots__ = ("_parent", "_place", "_region", "_stale", "_val")

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return object.__new__(cls)

    def __init__(self, place: Var, region: Region, parent: Borrow | None) -> None:
        self._place = place
        self._region = region
        self._parent = parent
        self._stale: tuple[Place] | None = parent._stale if parent is not None else None
        self._val = self.view_of(place._val if parent is None else None)
        place._borrows.append(weakref.ref(self))
        if len(place._borrows) > 64:
            place._borrows = [r for r in place._borrows if r() is not None]

    def _read(self) -> Any:
        return self._val

    def chain(self) -> list[Borrow]:
        """This borrow and those it was taken from."""
        return [self, *(self._parent.chain() if self._parent is not None else [])]

    def view_of(self, whole: Any) -> Any:
        """What of the place's value lies in this window; of the parent's snapshot when first taken."""
        if whole is None:
            assert self._parent is not None
            spec, starts = self._region.last
            return indexing.apply_basic(self._parent._val, spec, starts)
        value = detach(whole)
        return value if self._region.is_whole else self._region.read(value)

    @property
    def data(self) -> Borrow:
        """A borrow's data is the borrow."""
        return self

    @data.setter
    def data(self, v: Any) -> None:
        if v is not self:
            self._write(exact(self._val, detach(value_of(v))))

    def __getitem__(self, key: Any) -> Any:
        if indexing.advanced(key) is not None:
            return at_users_line(indexing.getitem(self._val, key))
        return Borrow(self._place, self._region.sub(*indexing.parse(key, self._aval.shape)), self)

    def __setitem__(self, key: Any, v: Any) -> None:
        if self._region.is_whole:
            self._refuse_stale()
            v = written_of(v)
            self._place._write(v if type(v) in NUMBERS else detach(v), self, key)
        elif indexing.advanced(key) is None:
            self[key]._write(written_of(v))
        else:
            self._write(indexing.written(self._val, key, written_of(v)))

    def _update(self, v: Any) -> Borrow:
        self._write(written_of(v))
        return self

    def _refuse_stale(self) -> None:
        if self._stale is not None:
            raise StaleBorrowError(
                "a borrow is written through after its place was written by somebody else",
                at=site(here()),
                notes=[("the place was written here", site(self._stale[0]))],
                help="take the borrow again (.data, .grad) after that write",
            )

    def _write(self, v: Any) -> None:
        self._refuse_stale()
        new = replaced(self._val, v if type(v) in (bool, int, float) else detach(v))
        if 0 in new.shape:
            return
        key = ... if self._region.is_whole else self._region.key()
        self._place._write(new if key is ... else self._region.shaped(new), self, key)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _lend_again, (self._place, self._path()) if self._stale is None else (self._val, [])

    def __copy__(self) -> Any:
        return self._val

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self._val if self._stale is not None else _lend_again(deepcopy(self._place, memo), self._path())

    def _path(self) -> list[Any]:
        """The indices that led from the place to here."""
        return [b._region.last for b in reversed(self.chain()) if b._parent is not None]


def _lend_again(lender: Any, path: list[Any]) -> Any:
    """A borrow of a place that has been copied, along the path of the first; of a snapshot, the snapshot."""
    borrow: Any = lender if type(lender) is Tensor else lender.data
    for spec, starts in path:
        borrow = Borrow(borrow._place, borrow._region.sub(spec, starts), borrow)
    return borrow


def _rebuild(cls: Any, array: Any, requires_grad: bool, grad: Any) -> Any:
    out = cls(wrap(array), requires_grad)
    if grad is not None:
        out._leaf.grad = Var(wrap(grad.copy()))
    return out


def as_leaf(value: Any, leaf: Leaf) -> Any:
    """A value that is read from a leaf: the source of its gradient."""
    if value._data is None:
        return steps.mark(value, leaf)
    h = wrap(value._data, value._aval)
    h._deps, h._src = (0,), leaf
    return h


def check_differentiable(value: Any) -> None:
    """Only floating tensors can require grad."""
    if not value._aval.dtype.is_floating:
        raise DTypeError(
            f"a tensor of dtype {value._aval.dtype.name} cannot require grad",
            help="only floating dtypes can: give dtype=tn.float32",
        )


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

set_types(Tensor, Var)
install(Tensor, (Arithmetic, Shaping))
add_place(Var)
add_place(Borrow)
