"""Common base of places and borrows: they read as tensors, and have the methods that write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from tenure.errors import DTypeError, ShapeError, WriteError
from tenure.values.grad import steps
from tenure.values.operations import indexing
from tenure.values.operations.creation import tensor
from tenure.values.operations.reading import value_of
from tenure.values.places.elementwise_in_place import ElementwiseInPlace
from tenure.values.places.in_place import augmented, in_place, operator_of
from tenure.values.places.random_in_place import RandomInPlace
from tenure.values.rules.sites import here, site
from tenure.values.tensor.tensor import Tensor
from tenure.values.trace.given import flag
from tenure.values.trace.operators import STEPS
from tenure.values.trace.spelling import in_plain_names

if TYPE_CHECKING:
    from tenure.values.tensor.typing import ArrayLike, Operand


NUMBERS = (bool, int, float)


def _through(name: str) -> Any:
    """Attribute of the present value of a place or borrow."""

    def get(self: Any) -> Any:
        return getattr(self._read(), name)

    return property(get)


@in_plain_names
class Writable(ElementwiseInPlace, RandomInPlace):
    """The base of places and borrows: it reads as a tensor, by its value of this moment, and has methods that write."""

    __slots__ = ()
    _val: Any
    _aval = _through("_aval")
    _kind = _through("_kind")
    _trace = _through("_trace")
    _slot = _through("_slot")
    _data = _through("_data")
    _src = _through("_src")
    _rule = _through("_rule")

    def _absent(self) -> Any:
        """Error of a read that is not possible now."""
        raise NotImplementedError

    def _read(self) -> Any:
        try:
            value = self._val
        except AttributeError:
            return self._absent()
        return value if type(value) is Tensor else self._healed(value)

    def _healed(self, value: Any) -> Any:
        """Live copy of a value that was moved away under another name."""
        twin = value.twin()
        object.__setattr__(self, "_val", twin)
        return twin

    @property
    def value(self) -> Tensor:
        """The value at this moment, which later writes do not change."""
        return self._read()  # type: ignore[no-any-return]

    def copy_(self, v: ArrayLike) -> Self:
        """Write v, broadcast to the place's shape (else ShapeError, TN802) and cast to its dtype.

        >>> tn.Var([1.0, 2.0]).copy_(3)
        tensor([3., 3.])
        """
        if type(v) not in NUMBERS:
            v = v.to(self.dtype) if isinstance(v, Tensor) else tensor(v, dtype=self.dtype)
        self._update(v)
        return self

    def zero_(self) -> Self:
        """Write zeros.

        >>> tn.Var([1.0, 2.0]).zero_()
        tensor([0., 0.])
        """
        self._update(0)
        return self

    def fill_(self, number: Operand) -> Self:
        """Write one number everywhere.

        >>> tn.Var([1.0, 2.0]).fill_(3.0)
        tensor([3., 3.])
        """
        self._update(number)
        return self

    def fill_diagonal_(self, fill_value: Operand, wrap: bool = False) -> Self:
        """Write one number to the diagonal of a matrix, or of a tensor of more axes of one size.

        With ``wrap`` it begins anew under a row that it leaves out where a matrix is higher than wide. ShapeError
        (TN802) for other shapes.

        >>> tn.zeros(2, 2).mut().fill_diagonal_(1)
        tensor([[1., 0.],
                [0., 1.]])
        """
        wrap, shape = flag("fill_diagonal_: wrap", wrap), self.shape
        if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
            raise ShapeError(f"fill_diagonal_ of a place of shape {list(shape)}: a matrix, or axes of one size")
        high, wide = shape[0], shape[1]
        step = wide + 1 if wrap and len(shape) == 2 and high > wide else 0
        rows = [k for k in range(high) if (k % step < wide if step else k < wide)]
        columns = [k % step if step else k for k in rows]
        at = (rows, *[columns] * (len(shape) - 1))
        self._update(self._read().at[at].set(fill_value))
        return self

    def set_(self, v: ArrayLike) -> Self:
        """Write v, which has the place's shape and dtype (else TN802): there is no storage that two tensors share.

        >>> tn.Var([1.0, 2.0]).set_(tn.tensor([3.0, 4.0]))
        tensor([3., 4.])
        """
        self._update(exact(self._read(), value_of(v)))
        return self

    __iadd__ = augmented(Tensor.__add__)
    __isub__ = augmented(Tensor.__sub__)
    __imul__ = augmented(Tensor.__mul__)
    __itruediv__ = augmented(Tensor.__truediv__)
    __ifloordiv__ = augmented(Tensor.__floordiv__)
    __imod__ = augmented(Tensor.__mod__)
    __ipow__ = augmented(Tensor.__pow__)
    __imatmul__ = augmented(Tensor.__matmul__)
    __iand__ = augmented(Tensor.__and__)
    __ior__ = augmented(Tensor.__or__)  # type: ignore[arg-type]
    __ixor__ = augmented(Tensor.__xor__)
    add_ = in_place(Tensor.add)
    sub_ = in_place(Tensor.sub)
    subtract_ = in_place(Tensor.subtract)
    mul_ = in_place(Tensor.mul)
    multiply_ = in_place(Tensor.multiply)
    div_ = in_place(Tensor.div)
    divide_ = in_place(Tensor.divide)
    pow_ = in_place(Tensor.pow)
    neg_ = in_place(Tensor.neg)
    abs_ = in_place(Tensor.abs)
    exp_ = in_place(Tensor.exp)
    log_ = in_place(Tensor.log)
    sqrt_ = in_place(Tensor.sqrt)
    tanh_ = in_place(Tensor.tanh)
    sin_ = in_place(Tensor.sin)
    cos_ = in_place(Tensor.cos)
    square_ = in_place(Tensor.square)
    relu_ = in_place(Tensor.relu)
    floor_ = in_place(Tensor.floor)
    sign_ = in_place(Tensor.sign)
    erf_ = in_place(Tensor.erf)
    sigmoid_ = in_place(Tensor.sigmoid)
    expm1_ = in_place(Tensor.expm1)
    log1p_ = in_place(Tensor.log1p)
    clip_ = in_place(Tensor.clip)
    clamp_ = in_place(Tensor.clamp)
    maximum_ = in_place(Tensor.maximum)
    minimum_ = in_place(Tensor.minimum)
    logical_and_ = in_place(Tensor.logical_and)
    logical_or_ = in_place(Tensor.logical_or)
    logical_not_ = in_place(Tensor.logical_not)
    lerp_ = in_place(Tensor.lerp)
    addcmul_ = in_place(Tensor.addcmul)
    addcdiv_ = in_place(Tensor.addcdiv)
    scatter_ = in_place(Tensor.scatter)
    scatter_add_ = in_place(Tensor.scatter_add)
    scatter_reduce_ = in_place(Tensor.scatter_reduce)
    index_add_ = in_place(Tensor.index_add)
    index_copy_ = in_place(Tensor.index_copy)
    index_fill_ = in_place(Tensor.index_fill)
    masked_fill_ = in_place(Tensor.masked_fill)
    masked_scatter_ = in_place(Tensor.masked_scatter)
    index_put_ = in_place(Tensor.index_put)
    index_reduce_, put_ = in_place(Tensor.index_reduce), in_place(Tensor.put)
    tril_, triu_ = in_place(Tensor.tril), in_place(Tensor.triu)

    def _seen(self) -> tuple[Any, Any]:
        """Present value of the place, and the part of it that is read here: a result of the one is written only while
        the place holds the other."""
        raise NotImplementedError

    def _update(self, v: Any, seen: Any = None, part: Any = ..., *, kept: bool = False) -> Self | None:
        """Write v, which differs from the present value at most at ``part``, an index or a function that gives one;
        with its graph, if that is ``kept``. None, and nothing written, if the place does not hold the value seen any
        more."""
        raise NotImplementedError

    def _graph(self, seen: Any) -> Any:
        """Value of the place as read here, with its graph, if a write of some elements is outside the graph; None where
        there is no graph, or the write is part of it."""
        raise NotImplementedError


def in_place_steps() -> dict[str, Any]:
    """In-place methods of operators, by their names."""
    steps = {}
    for name in vars(Writable):
        step = getattr(Tensor, operator_of(name) if name.startswith("__i") else name[:-1], None)
        if name.endswith("_") and callable(step) and STEPS.get(step, ("", "", False))[1] == "operator":
            steps[name] = step
    return steps


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


def leaf_written() -> WriteError:
    """TN594: a leaf does not hold intermediate results."""
    return WriteError(
        "a leaf that requires grad is written inside a recorded computation",
        at=site(here()),
        help="update it under `with tn.no_grad():`, or through .data",
    )


def replaced(old: Any, v: Any) -> Any:
    """Value of a place after v, a number or a tensor that broadcasts to it, was written to all of it."""
    if type(v) in FILLS.get(old._aval.dtype.kind, ()) and not old._kind.tracked:
        return steps.fill(old._aval, v)
    if type(v) in NUMBERS or v._aval != old._aval:
        return indexing.written(old, ..., v)
    return v


FILLS = {"f": (float, int), "i": (int,), "b": (bool,)}
"""Types of numbers that an array is filled with directly, by dtype kind; others are cast, or refused, as any value
is."""
