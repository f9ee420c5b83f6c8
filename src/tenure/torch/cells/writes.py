"""Writes of a tensor: in place, by index, and of all of it, with PyTorch's checks.

``x._assign(value)`` is the one way in: it gives x the contents of a home value, recorded in the graph where grad mode
is on and a gradient flows to x or to the value.
"""

from __future__ import annotations

from typing import Any

from tenure.errors import TenureError
from tenure.ops.promote import parameters
from tenure.torch.cells.aliasing import is_safe
from tenure.torch.cells.casts import cast, held
from tenure.torch.cells.geometry import Geometry
from tenure.torch.cells.giving import give, within_repeats
from tenure.torch.cells.inference import VIEWED, Inference, refuse_inference
from tenure.torch.cells.overlap import (
    refuse_folded,
    refuse_itself,
    refuse_overlap,
    refuse_repeated,
    shares,
    shows_twice,
    undefined,
)
from tenure.torch.cells.parts import is_bools, is_mask, is_whole, of_index, refuse_bytes
from tenure.torch.cells.retaining import Retained, carried
from tenure.torch.cells.roles import become_owner
from tenure.torch.cells.silent import note
from tenure.torch.cells.spreading import count, spread, touch
from tenure.torch.cells.steps import Index, index
from tenure.torch.cells.turns import RUNS, TURN, go_on, in_turn, patiently
from tenure.torch.cells.windows import (
    MULTIPLE,
    NO_GRAD,
    VIEW_OF_LEAF,
    geometry,
    is_tracked,
    layout,
    lineage,
    look,
    present,
    root_of,
    windowed,
)
from tenure.torch.errors import TorchTypeError, refuse, translated
from tenure.torch.messages import spelled
from tenure.values.native.hits import apply
from tenure.values.operations import indexing, keys, scattering, shaping
from tenure.values.operations.arithmetic import clone
from tenure.values.operations.casting import to
from tenure.values.operations.creation import FILL
from tenure.values.operations.creation import tensor as made
from tenure.values.rules.modes import current_mode
from tenure.values.tensor.tensor import Tensor as Value
from tenure.values.trace.given import check_shape

CATEGORIES = {"b": 0, "u": 1, "i": 1, "h": 2, "f": 2, "c": 3}
"""Rank of dtype kinds: an in-place result is not of a higher one than its tensor."""
NUMBERS = (bool, int, float, complex)
SMALL = {"b": 2, "u": 128, "i": 128, "h": 0, "f": 2.0**15, "c": 0}
"""Numbers of a kind below which all of its dtypes have them."""
SHAPE_AND_DTYPE = ("shape", "dtype")
"""Names of parameters."""


def is_recorded(x: Any, *others: Any, by_view: bool = False) -> bool:
    """Whether a write of x with some values is part of the graph; RuntimeError if x is a leaf, or a view of one
    (``by_view``: a part of x is written)."""
    if not current_mode().grad:
        return False
    root = root_of(x)
    tracked = root._leaf is not None or present(root)._kind.tracked
    if tracked and x._window is not None and x._window.flag == NO_GRAD:
        tracked = is_tracked(x)
    if not tracked and not any(type(v) is Value and v._kind.tracked for v in others):
        return False
    if x._window is not None and x._window.flag is not None:
        flag = x._window.flag
        if flag == NO_GRAD and type(x._home) is Inference:
            raise refuse(VIEWED)
        raise refuse(flag if type(flag) is str else MULTIPLE.format(*flag))
    if root._window is not None and root._window.flag == VIEW_OF_LEAF:
        raise refuse(VIEW_OF_LEAF)
    if root._leaf is not None:
        what = "a leaf Variable" if root is x and not by_view else "a view of a leaf Variable"
        raise refuse(f"{what} that requires grad is being used in an in-place operation.",
                     help="update it under `with torch.no_grad():`, or through .data")
    return True


def part_of(x: Any, step: Index) -> Geometry:
    """Geometry of a part of x; that of x, where x shows its owner's elements as others."""
    outer = geometry(x)
    return Geometry(outer.offset + step.offset, step.layout) if outer.layout is layout(x) else outer


def prepare(x: Any, written: Geometry | None) -> None:
    """Checks and notes before a write of a window, or of its part ``written``."""
    refuse_repeated(x, written)
    if x._window.quiet:
        for t in lineage(x):
            if t._window is None or not t._window.quiet:
                note(present(t))
    if x._leaf is not None and x._window.step is None and x._window.parent._window is None and is_safe():
        become_owner(x)


def fitted(x: Any, value: Any) -> Any:
    """Value in the dtype of x; RuntimeError where an in-place result would be of a higher category."""
    mine, found = x._aval.dtype, value._aval.dtype
    if mine is found:
        return value
    if CATEGORIES[found.kind] > CATEGORIES[mine.kind]:
        text = f"result type {spelled(found.name)} can't be cast to the desired output type {spelled(mine.name)}"
        raise refuse(text)
    return to(value, mine)


def result_of(value: Any, recorded: bool) -> Any:
    """Value of another tensor as the result of a write: in the graph it is a node of its own, with its own hooks."""
    return clone(value) if recorded and value._kind.tracked else value


class Writes:
    """In-place methods and assignment by index."""

    __slots__ = ()

    def _assign(self: Any, value: Any, *operands: Any) -> Any:
        """Write the result of an in-place operation, of the tensor's shape, on operands of which some are tensors."""
        refuse_overlap(self, operands)
        shape, found = self._aval.shape, value._aval.shape
        if found != shape:
            raise refuse(f"output with shape {list(shape)} doesn't match the broadcast shape {list(found)}")
        with TURN:
            value = fitted(self, value)
            recorded = is_recorded(self, value)
            return self._put(value, recorded)

    def _put(self: Any, value: Any, recorded: bool, written: Geometry | None = None, at: Index | None = None) -> Any:
        """Store contents, within a turn."""
        if (self if self._window is None else self._window.owner)._home is not None:
            refuse_inference(self)
        lent = self._lent if self._window is None else self._window.owner._lent
        if lent is not None:
            lent.refuse_write(geometry(self))
        if self._window is not None:
            prepare(self, written)
        if recorded and at is None and not value._kind.tracked:
            value = indexing.written(present(self), ..., value)  # fully overwritten: zeros arrive
        give(self, value, recorded, at)
        owner = self if self._window is None else self._window.owner
        count(self)
        if lent is not None:
            lent.show(owner, geometry(self) if written is None else written)
        if owner._borrows:
            spread(self, written)
        return self

    def __setitem__(self: Any, key: Any, v: Any) -> None:
        if RUNS:
            patiently()
        try:
            with TURN:
                w = self._window
                if w is None and self._lent is None and not self._borrows and self._put_plainly(key, v):
                    return
                if w is not None and w.foreign:
                    go_on(w)
                self._set(key, v)
        except TenureError as error:
            raise of_index(self, error) from None

    def _set(self: Any, key: Any, v: Any) -> None:
        step = self._part(key)
        if step is not None:
            self._set_part(step, v)
            return
        basic, rest = ((key,), None) if type(key) in (int, slice) else self._split(key)
        self._refuse_index(basic)
        spec, starts = keys.parse(basic, self._aval.shape)
        if rest is None:
            self._set_part(index(layout(self), spec, starts), v)
            return
        whole = is_whole(spec)
        part = part_of(self, index(layout(self), spec, starts))
        if shares(self, v) and any(type(e) is slice and e.start not in (None, 0) for e in basic):
            raise undefined()
        refuse_itself(self, (v,))
        refuse_bytes(key, v)
        self._refuse_dtype(v, rest)
        v = self._value_for(v, part.layout.shape, rest)
        recorded = is_recorded(self, v, by_view=not whole)
        old = look(self)
        if shows_twice(geometry(self)):
            raise undefined()
        if whole:
            new = indexing.written(old, rest, v)
        else:
            inner = indexing.written(indexing.apply_basic(old, spec, starts), rest, v)
            new = indexing.written(old, basic, inner)
        self._put(new, recorded, part)

    def _set_part(self: Any, step: Index, v: Any) -> None:
        """Write a number or a tensor at a basic index."""
        part = part_of(self, step)
        w = getattr(v, "_window", None)
        if w is not None or v is self or (hasattr(v, "_window") and v._aval.shape and not part.layout.is_contiguous):
            if w is not None and w.parent is self and w.step is step and self._shows(v):
                return
            if v._aval.shape:
                refuse_overlap(self, (v,), copies=True, part=part)
        if not getattr(getattr(v, "_aval", None), "shape", ()):
            refuse_folded(step.layout)
        v = self._value_for(v, step.layout.shape, None)
        if step.is_whole:
            recorded = is_recorded(self, v)
            self._put(result_of(self._spread(v), recorded), recorded)
        elif within_repeats(self):
            whole = windowed(self, step)
            whole._put(whole._spread(v), is_recorded(whole, v))
        else:
            recorded = is_recorded(self, v, by_view=True)
            self._put(indexing.fitting(self, v), recorded, part, step)

    def _shows(self: Any, v: Any) -> bool:
        """Whether a view of a part shows it as it is, so that writing it there, outside of a graph, changes nothing:
        the second half of ``x[i] += y``."""
        owner = self if self._window is None else self._window.owner
        if owner._lent is not None or look(v)._kind.tracked or present(self)._kind.tracked:
            return False
        refuse_overlap(self, (), part=v._window.geometry)
        touch(self)
        count(self)
        return True

    def _refuse_dtype(self: Any, v: Any, rest: Any) -> None:
        """RuntimeError for a tensor of another dtype at positions; a mask takes one number of any."""
        if not isinstance(v, Value) or v._aval.dtype is self._aval.dtype:
            return
        masks = [e for e in rest if not isinstance(e, slice) and e is not Ellipsis]
        if v._aval.size == 1 and len(masks) == 1 and (is_mask(masks[0]) or is_bools(masks[0])):
            return
        raise refuse(
            "Index put requires the source and destination dtypes match, got"
            f" {spelled(self._aval.dtype.name)} for the destination and {spelled(v._aval.dtype.name)} for the source."
        )

    def _put_plainly(self: Any, key: Any, v: Any) -> bool:
        """Write a number or a whole tensor at a basic index, where nobody else sees the elements; False if it is not
        that."""
        aval = self._aval
        step = self._part(key)
        if step is None:
            return False
        old, leaf = self._val, self._leaf
        if leaf is not None or self._home is not None or (old._kind.tracked and not current_mode().grad):
            return False
        params, starts = step.params, step.starts
        if type(v) in (int, float):
            number = int(v) if aval.dtype.kind in "iu" else v
            new = apply(indexing.SETITEM, (old,), params, (number, *starts)) if aval.dtype.kind != "b" else None
        elif v is self:
            return False
        elif getattr(v, "_window", v) is None and v._aval.dtype is aval.dtype and v._aval.ndim <= aval.ndim:
            value = look(v)
            new = apply(indexing.SETITEM, (old, value), params, starts) if current_mode().grad or not (
                value._kind.tracked) else None
        else:
            return False
        if new is None:
            return False
        self._val = new
        new._held = True
        count(self)
        if self._borrows:  # another thread has taken a view meanwhile
            spread(self, part_of(self, step))
        if Retained.is_used:
            carried(self, new)
        return True

    def _spread(self: Any, v: Any) -> Any:
        """Value or number in the tensor's shape."""
        return shaping.broadcast_to(v, self._aval.shape) if type(v) is Value else self._full(v)

    def _full(self: Any, number: Any) -> Any:
        of = self._aval.dtype
        if abs(number) < SMALL[of.kind] and type(number) is not complex and (of.kind != "u" or number >= 0):
            params = parameters(SHAPE_AND_DTYPE, check_shape(self._aval.shape, of), of)
            return apply(FILL, (), params, (float(number) if of.kind == "f" else number,))
        try:
            return shaping.broadcast_to(made(number, dtype=of), self._aval.shape)
        except TenureError as error:
            raise translated(error) from None

    def _value_for(self: Any, v: Any, shape: tuple[int, ...], rest: Any) -> Any:
        """Value to be written to a part, in the tensor's dtype, without leading axes of size 1."""
        if isinstance(v, Value):
            value = look(v) if hasattr(v, "_window") else v._read()
        elif isinstance(v, NUMBERS) or not hasattr(v, "__len__"):
            return self._number(v)
        else:
            raise refuse(f"can't assign a {type(v).__name__} to a torch.FloatTensor", TypeError)
        extra = value._aval.ndim - len(shape) if rest is None else 0
        if extra > 0 and all(n == 1 for n in value._aval.shape[:extra]):
            value = shaping.reshape(value, value._aval.shape[extra:])
        return value if value._aval.dtype is self._aval.dtype else to(value, self._aval.dtype)

    def _number(self: Any, v: Any) -> Any:
        v = v.item() if hasattr(v, "item") else v
        kind = self._aval.dtype.kind
        if kind in "iu" and isinstance(v, float | bool):
            return int(v)
        return bool(v) if kind == "b" else held(v, self._aval.dtype)

    @in_turn
    def copy_(self: Any, src: Any, non_blocking: bool = False) -> Any:
        """Write another tensor, broadcast to this one's shape and cast to its dtype."""
        if not isinstance(src, (Value, *NUMBERS)):
            raise refuse(f"copy_(): argument 'other' must be Tensor, not {type(src).__name__}", TorchTypeError)
        if type(non_blocking) is not bool:
            raise refuse(f"copy_(): argument 'non_blocking' must be bool, not {type(non_blocking).__name__}",
                         TorchTypeError)
        value = look(src) if hasattr(src, "_window") else made(src)
        if src is self:
            is_recorded(self)
            touch(self)
            return self
        refuse_overlap(self, (src,), copies=True)
        shape = self._aval.shape
        value = cast(value, self._aval.dtype)
        recorded = is_recorded(self, value)
        if value._aval.shape != shape:
            try:
                value = shaping.broadcast_to(value, shape)
            except TenureError as error:
                raise translated(error) from None
        return self._put(result_of(value, recorded), recorded)

    @in_turn
    def fill_(self: Any, value: Any) -> Any:
        """Write one number everywhere."""
        if isinstance(value, Value):
            if value._aval.shape:
                raise refuse(f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim}"
                             " dimensions.")
            return self.copy_(value)
        if not isinstance(value, NUMBERS) and not hasattr(value, "item"):
            raise refuse(f"fill_(): argument 'value' must be Number, not {type(value).__name__}", TorchTypeError)
        return self._put(self._full(self._number(value)), is_recorded(self))

    @in_turn
    def masked_fill_(self: Any, mask: Any, value: Any) -> Any:
        """Write one number where a mask holds."""
        if shows_twice(geometry(self)) or shares(self, mask):
            raise undefined()
        if isinstance(value, Value) and value._aval.shape:
            raise refuse("masked_fill_ only supports a 0-dimensional value tensor, but got tensor with"
                         f" {value.ndim} dimension(s).")
        number = look(value) if isinstance(value, Value) else self._number(value)
        mask = look(mask)
        try:
            new = scattering.masked_fill(look(self), mask, number)
        except TenureError as error:
            raise translated(error) from None
        return self._assign(new)

    def zero_(self: Any) -> Any:
        """Write zeros."""
        return self.fill_(0)


AUGMENTED = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift")
"""Operators with an augmented assignment."""


def _augmented(name: str) -> Any:
    def method(self: Any, other: Any) -> Any:
        if RUNS:
            patiently()
        with TURN:
            if self._window is not None and self._window.foreign:
                go_on(self._window)
            found = getattr(type(self), f"__{name}__")(self, other)
            return found if found is NotImplemented else self._assign(look(found), other)

    method.__name__ = method.__qualname__ = f"__i{name}__"
    return method


for _name in AUGMENTED:
    setattr(Writes, f"__i{_name}__", _augmented(_name))
