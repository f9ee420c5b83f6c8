"""Places (``Var``): holders of a value that can be written.

A place (``Var``) holds a value; a write gives it another one, so values read before do not change. Borrows of it
(``borrow.py``) write through, and lend it for a while (``loans.py``).
"""

from __future__ import annotations

import weakref
from copy import deepcopy
from threading import get_ident
from typing import TYPE_CHECKING, Any, Self

from tenure.dtypes import float32, float64
from tenure.runtime.bracket import at_once
from tenure.values.grad import steps
from tenure.values.grad.sparse_place import place_of
from tenure.values.native.hits import add_place, attribute, change, install, methods
from tenure.values.operations import arithmetic, indexing, keys
from tenure.values.operations.arithmetic import detach
from tenure.values.operations.boundary import Boundary, array_of
from tenure.values.operations.creation import FILL, check_differentiable, tensor, wrap
from tenure.values.operations.picks import Inner, Points
from tenure.values.operations.reading import value_of, written_of
from tenure.values.operations.regions import Region, overlap
from tenure.values.places import parts
from tenure.values.places.again import portable, rebuilt, with_gradient
from tenure.values.places.borrow import Borrow, SharedBorrow, forget_dead
from tenure.values.places.loans import (
    LENDING,
    LENT,
    UPDATING,
    WATCHERS,
    Ended,
    Loans,
    absent,
    refuse_updating,
    tidied,
    written_region,
)
from tenure.values.places.ties import Ties
from tenure.values.places.writable import NUMBERS, Writable, exact, in_place_steps, leaf_written, replaced
from tenure.values.rules.graph import Frozen, Leaf, keeper
from tenure.values.rules.guard import GIL, guarded
from tenure.values.rules.levels import refuse_writing
from tenure.values.rules.modes import current_mode
from tenure.values.rules.sites import here
from tenure.values.tensor import partly
from tenure.values.tensor.refusals import refuse_in_place
from tenure.values.tensor.tensor import Arithmetic, Shaping, Tensor
from tenure.values.trace.given import flag
from tenure.values.trace.record import RECORDER, set_types

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike, Index


class Var(Writable):
    """A place: it holds a value of fixed shape and dtype, and can be written.

    ``Var(value)`` owns a place that starts with the value. Reading it (in an expression, by ``.value``) gives
    the value at that moment. With ``requires_grad`` it is a differentiation leaf. Writes: ``v[i] = t``,
    ``v += t``, ``v.copy_(t)``, ``v.data = t``. Errors: TN802 if the shape or dtype would change; TN594 if a
    leaf is written inside a recorded computation; TN503 and TN506 while a loan forbids it.

    >>> v = tn.Var([1.0, 2.0])
    >>> before = v + 0
    >>> v[0] = 5.0
    >>> v, before
    (tensor([5., 2.]), tensor([1., 2.]))
    """

    _frozen: Frozen | None
    __slots__ = ("_born", "_borrows", "_frozen", "_holders", "_home", "_leaf", "_loans", "_ties", "_val", "_whole")
    split_at_mut, chunks_mut, get_disjoint_mut = parts.split_at_mut, parts.chunks_mut, parts.get_disjoint_mut

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        return object.__new__(cls)

    def __init__(self, value: ArrayLike = 0.0, requires_grad: bool = False) -> None:
        value = value_of(value) if isinstance(value, Tensor) else tensor(value)
        self._leaf: Leaf | None = None
        self._borrows: list[weakref.ref[Borrow]] = []
        self._home = RECORDER.home
        self._loans: Loans | Ended | None = None
        self._ties: Ties | None = None
        self._val = value
        value._held = True
        if requires_grad is not False and flag("requires_grad", requires_grad):
            self.requires_grad_()

    @classmethod
    def of(cls, value: Any) -> Var:
        """Place that starts with a value and is no leaf: as the constructor makes it, faster."""
        place = object.__new__(cls)
        place._leaf = place._loans = place._ties = None
        place._home = RECORDER.home
        place._borrows = []
        place._val = value
        value._held = True
        return place

    def _absent(self) -> Any:
        return absent(self) if self._ties is None else self._ties.absent(self)

    def _held_as(self, value: Any) -> Any:
        """Value without a graph as this place holds it."""
        return value if self._leaf is None else as_leaf(detach(value), self._leaf)

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient flows through the place; writing it is ``requires_grad_``."""
        return self._read()._kind.tracked  # type: ignore[no-any-return]

    @requires_grad.setter
    def requires_grad(self, requires_grad: bool) -> None:
        self.requires_grad_(requires_grad)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Make the place a differentiation leaf, or none any more; it keeps its gradient.

        >>> tn.Var([1.0]).requires_grad_()
        tensor([1.], requires_grad=True)
        """
        value, requires_grad = self._read(), flag("requires_grad", requires_grad)
        if requires_grad is not (self._leaf is not None):
            self._refuse_write()
            if requires_grad:
                check_differentiable(value)
            kept = keeper(self) or Frozen(Leaf()) if self._leaf is None else Frozen(self._leaf)
            leaf, frozen, grad = (kept.leaf, None, kept.grad) if requires_grad else (None, kept, None)
            new = detach(value) if leaf is None else as_leaf(detach(value), leaf)
            give = (setattr, kept.leaf, "grad", grad), (setattr, self, "_leaf", leaf)
            self._store(new, also=(*give, (setattr, self, "_frozen", frozen)))
        return self

    def _write(
        self,
        v: Any,
        writer: Borrow | None = None,
        key: Any = ...,
        *,
        tracked: bool = False,
        seen: Any = None,
        kept: bool = False,
    ) -> bool:
        """Write another value: v, or the place's own with v at a basic index. Outside the graph v is a constant, but
        where its graph is ``kept``. False, and nothing written, if v was computed from the value ``seen`` here and
        another thread has written another meanwhile."""
        while True:
            loans = None if self._loans is None else tidied(self)
            held = LENDING or (UPDATING and get_ident() not in UPDATING)
            if loans is not None or held or self._ties is not None:
                self._refuse_write(writer, key)
            at = key.outer if type(key) is Inner else key
            old = self._read() if loans is None else loans.current(self)
            if type(old) is not Tensor:
                old = self._healed(old)
            for watch in WATCHERS:
                watch(self, old)
            if self._leaf is not None:
                if tracked and current_mode().grad:
                    raise leaf_written()
                v = v if type(v) in NUMBERS else detach(v)
            free = self._leaf is None and (old._kind.tracked or (type(v) not in NUMBERS and v._kind.tracked))
            outside = free and not current_mode().grad
            if outside and not kept and type(v) not in NUMBERS:
                v = detach(v)
            known = seen
            if at is ... and type(v) not in NUMBERS and v._aval == old._aval:
                new = v
            else:
                known = old if seen is None else seen
                old = old if self._leaf is None else detach(old)
                new = replaced(old, v) if at is ... else (partly if outside else indexing).written(old, at, v)
            if self._take(new, writer, key, known):
                return True
            if seen is not None:
                return False

    def _take(self, new: Any, writer: Borrow | None = None, key: Any = ..., known: Any = None) -> bool:
        """Store a value of the place's shape and dtype, all checks passed; a leaf's has no graph. False, and nothing
        done, if the place does not hold what is ``known`` any more."""
        if new._kind.level is not None:
            refuse_writing(self._home, new)
        if self._leaf is not None:
            new = as_leaf(new, self._leaf)
        return self._keep(new, writer, key, known)

    def _keep(self, new: Any, writer: Borrow | None = None, key: Any = ..., known: Any = None) -> bool:
        """Store a value, which is a leaf if the place is one."""
        new._held = True
        if type(new) is not Tensor:
            new._read()  # it was moved away meanwhile
        # With a GIL no other thread runs between these looks and the store.
        if GIL and self._loans is None and self._ties is None and (known is None or self._val is known):
            self._val = new
        elif not self._store(new, writer, key, known):
            return False
        if self._borrows:
            self._expire(new, writer, key)
        return True

    @guarded
    def _store(
        self, new: Any, writer: Borrow | None = None, key: Any = ..., known: Any = None, also: tuple[Any, ...] = ()
    ) -> bool:
        """Store another value, and run the steps of ``also``, unless a loan that has begun meanwhile forbids it. False,
        and nothing done, if the place does not hold what is ``known`` any more."""
        new._held = True
        loans = None if self._loans is None else tidied(self)
        if loans is not None:
            loans.refuse_write(self, writer, key)
        if known is not None and (self._read() if loans is None else loans.current(self)) is not known:
            return False
        if self._ties is not None:
            self._ties.outdate_whole()
        at_once((*also, (setattr, self, "_val", new) if loans is None else (loans.store, self, new)))
        if self._ties is not None:
            self._ties.written(self, new, writer, key)
        return True

    def _refuse_write(self, writer: Borrow | None = None, key: Any = ...) -> None:
        """TN503 or TN506 where a loan forbids a write, TN382 once the place has been moved away."""
        if self._loans is not None:
            self._loans.refuse_write(self, writer, key)
        if self._ties is not None:
            self._ties.refuse_write()
        if LENDING:
            for thread, born in LENDING.copy().items():
                for refuse in LENT:
                    refuse(self, thread, born)
        if UPDATING:
            refuse_updating(self)

    def _expire(self, new: Any, writer: Borrow | None, key: Any, why: str = "written") -> None:
        """Make stale the borrows that this write overlaps."""
        known = self._borrows
        alive = [b for r in known if (b := r()) is not None]
        if len(alive) < len(known):
            forget_dead(known)
        if not alive:
            return
        if writer is not None and len(alive) == 1 and alive[0] is writer:
            writer._renew(new)
            return
        chain = {id(c) for c in writer.chain()} if writer is not None else set()
        region = written_region(new._aval.shape, writer, key)
        for b in alive:
            if id(b) in chain:
                b._renew(new)
            elif b._stale is None and overlap(b._region, region):
                b._stale = Ended("guessed" if type(region) is Points and region.guessed else why, here())

    def _abandon(self) -> None:
        """Make stale all borrows of a place that is given up."""
        if self._loans is not None or self._ties is not None:
            self._refuse_write()
        if self._borrows:
            self._expire(self._read(), None, ..., "written")

    def _fitting(self, v: Any) -> Any:
        """v as a value of the place's shape and dtype."""
        return exact(self._read(), detach(value_of(v)))

    def _grad_fn_name(self) -> str | None:
        """The name of the operation that made the value; None for a leaf."""
        return None if self._leaf is not None else self._read()._grad_fn_name()

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made the value."""
        return self._leaf is not None or not self._read()._kind.tracked

    @property
    def data(self) -> Borrow:
        """A write-through borrow of the place, outside the graph."""
        return Borrow.of(self)

    @data.setter
    def data(self, v: ArrayLike) -> None:
        free = self._loans is None and self._ties is None and not (LENDING or UPDATING or WATCHERS)
        if free and type(v) is Tensor and v._aval == self._read()._aval:
            self._take(detach(v) if v._kind.tracked else v)
            return
        if isinstance(v, Borrow) and v._place is self and v._parent is None and v._stale is None:
            return
        self._write(self._fitting(v))

    def borrow(self) -> SharedBorrow:
        """A shared loan of the place, for a ``with`` block, in which nobody writes the place (TN506).

        It gives the value. Any number at a time. TN503 while the place is lent exclusively.

        >>> v = tn.Var([1.0, 2.0])
        >>> with v.borrow() as x:
        ...     print(x.sum())
        tensor(3.)
        """
        return SharedBorrow(self, Region.whole(self._aval.shape))

    def borrow_mut(self) -> Borrow:
        """A write-through borrow of the place, as ``.data`` is; entered by ``with``, an exclusive loan for the block.

        TN499 while the place is lent exclusively, TN502 while it is lent as shared.

        >>> v = tn.Var([1.0, 2.0])
        >>> with v.borrow_mut() as lent:
        ...     lent[0] = 5.0
        >>> v
        tensor([5., 2.])
        """
        loans = None if self._loans is None else tidied(self)
        if loans is not None:
            loans.refuse_loan((None,), Region.whole(loans.current(self)._aval.shape), True)
        return self.data

    def __setitem__(self, key: Index, v: ArrayLike) -> None:
        self._write(written_of(v, self._aval.dtype), None, key, tracked=True)

    def _seen(self) -> tuple[Any, Any]:
        value = self._read()
        return value, value

    def _update(self, v: Any, seen: Any = None, part: Any = ..., *, kept: bool = False) -> Var | None:
        key = ... if part is ... else Inner(..., part)
        v = written_of(v, self._aval.dtype)
        return self if self._write(v, None, key, tracked=True, seen=seen, kept=kept) else None

    def _graph(self, seen: Any) -> Any:
        return seen if seen._kind.tracked and self._leaf is None and not current_mode().grad else None

    def __reduce_ex__(self, protocol: Any) -> Any:
        whole = None if self._ties is None else self._ties.whole()
        if self._ties is not None and whole is not None:
            return parts.part_again, (whole, self._ties.token._region)
        kept = keeper(self)
        grad = None if kept is None or kept.grad is None else portable(kept.grad._read())
        return rebuilt, (type(self), array_of(self.detach()).copy(), self._leaf is not None, grad)

    def __copy__(self) -> Var:
        return type(self)(detach(self._read()), self._leaf is not None)

    def __deepcopy__(self, memo: dict[int, Any]) -> Var:
        whole = None if self._ties is None else self._ties.whole()
        if self._ties is not None and whole is not None:
            part: Var = parts.part_again(deepcopy(whole, memo), self._ties.token._region)
            memo[id(self)] = part
            return part
        twin = memo[id(self)] = self.__copy__()
        kept = keeper(self)
        return twin if kept is None or kept.grad is None else with_gradient(twin, place_of(kept.grad._read()))


def as_leaf(value: Any, leaf: Leaf) -> Any:
    """Value read from a leaf: the source of its gradient."""
    if value._data is None:
        return steps.mark_leaf(value, leaf)
    h = wrap(value._data, value._aval)
    h._kind, h._src = value._kind.leaf, leaf
    return h


set_types(Tensor, Var)
_LATE = {
    "lending": LENDING,
    "updating": UPDATING,
    "watchers": WATCHERS,
    "region_of": Region.whole,
    "detaching": arithmetic.DETACH,
    "full": FILL,
    "filling": steps.filling,
    "parsed_keys": keys.PARSED,
    "first_indices": [indexing.first_index(ndim) for ndim in range(16)],
    "getitem_step": indexing.GETITEM,
    "slice_step": indexing.SLICE,
    "setitem_step": indexing.SETITEM,
    "float32": float32,
    "float64": float64,
    "expire_slowly": Var._expire,
    "write_slowly": Var._write,
    "renew": Borrow._renew,
}
change(Writable, in_place_steps())
install(Tensor, (Arithmetic, Shaping), _LATE, {"var": Var, "borrow": Borrow})
for _kind in (Var, Borrow, SharedBorrow):
    add_place(_kind)
attribute(Var, "data", "data")
attribute(Borrow, "data", "own_data")
attribute(Tensor, "grad", "grad")
methods(Tensor, "backward", keywords=True)
methods(Boundary, "item", keywords=True)
methods(Writable, "zero_", "fill_", keywords=True)
methods(Shaping, __getitem__="getitem")
methods(Var, __setitem__="setitem")
refuse_in_place([name for name in dir(Var) if name.endswith("_") and not name.startswith("_")])
