"""The value: exactly ``Tensor``, whose shape, dtype and contents never change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tenure.dtypes import DTypeLike, as_dtype
from tenure.errors import ShapeError, WriteError
from tenure.values import arithmetic, creation, indexing, lookup, reading, record, reductions, scattering, shaping
from tenure.values.at import At
from tenure.values.autograd import backward, get_grad, register_hook, retain_grad, set_grad
from tenure.values.boundary import Boundary
from tenure.values.given import flag
from tenure.values.graph import Leaf
from tenure.values.hits import apply_one
from tenure.values.operators import binary
from tenure.values.sites import here, site
from tenure.values.spelling import in_plain_names, write_to_a_value

TURNED = (("order", (1, 0)),)
"""The parameters of a transposition."""


@in_plain_names
class Arithmetic:
    """Operators and elementwise methods."""

    __slots__ = ()
    __add__, __radd__ = binary(arithmetic.ADD), binary(arithmetic.ADD, reflected=True)
    __sub__, __rsub__ = binary(arithmetic.SUBTRACT), binary(arithmetic.SUBTRACT, reflected=True)
    __mul__, __rmul__ = binary(arithmetic.MULTIPLY), binary(arithmetic.MULTIPLY, reflected=True)
    __truediv__, __rtruediv__ = binary(arithmetic.DIVIDE), binary(arithmetic.DIVIDE, reflected=True)
    __floordiv__, __rfloordiv__ = (
        binary(arithmetic.FLOOR_DIVIDE),
        binary(arithmetic.FLOOR_DIVIDE, reflected=True),
    )
    __mod__, __rmod__ = binary(arithmetic.REMAINDER), binary(arithmetic.REMAINDER, reflected=True)
    __pow__, __rpow__ = binary(arithmetic.POWER), binary(arithmetic.POWER, reflected=True)
    __matmul__, __rmatmul__ = binary(reductions.MATMUL), binary(reductions.MATMUL, reflected=True)
    __and__, __rand__ = binary(arithmetic.AND), binary(arithmetic.AND, reflected=True)
    __or__, __ror__ = binary(arithmetic.OR), binary(arithmetic.OR, reflected=True)
    __xor__, __rxor__ = binary(arithmetic.XOR), binary(arithmetic.XOR, reflected=True)
    __eq__, __ne__ = binary(arithmetic.EQUAL), binary(arithmetic.NOT_EQUAL)
    __lt__, __le__ = binary(arithmetic.LESS), binary(arithmetic.LESS_EQUAL)
    __gt__, __ge__ = binary(arithmetic.GREATER), binary(arithmetic.GREATER_EQUAL)
    __hash__ = object.__hash__
    __neg__, __abs__, __invert__ = arithmetic.negative, arithmetic.abs, arithmetic.invert
    add, sub, mul, div = arithmetic.add, arithmetic.subtract, arithmetic.multiply, arithmetic.divide
    subtract, multiply, divide = arithmetic.subtract, arithmetic.multiply, arithmetic.divide
    pow, maximum, minimum = arithmetic.pow, arithmetic.maximum, arithmetic.minimum
    eq, ne, lt, le = arithmetic.equal, arithmetic.not_equal, arithmetic.less, arithmetic.less_equal
    gt, ge = arithmetic.greater, arithmetic.greater_equal
    neg, abs, sign, floor = arithmetic.negative, arithmetic.abs, arithmetic.sign, arithmetic.floor
    exp, log, sqrt, tanh = arithmetic.exp, arithmetic.log, arithmetic.sqrt, arithmetic.tanh
    erf, sigmoid = arithmetic.erf, arithmetic.sigmoid
    expm1, log1p = arithmetic.expm1, arithmetic.log1p
    sin, cos, square, relu = arithmetic.sin, arithmetic.cos, arithmetic.square, arithmetic.relu
    isnan, isfinite = arithmetic.isnan, arithmetic.isfinite
    lerp, addcmul, addcdiv = arithmetic.lerp, arithmetic.addcmul, arithmetic.addcdiv
    clip = clamp = arithmetic.clip
    logical_and, logical_or, logical_not = (
        arithmetic.logical_and,
        arithmetic.logical_or,
        arithmetic.logical_not,
    )
    matmul = mm = reductions.matmul

    def __pos__(self: Any) -> Any:
        return self._read()


@in_plain_names
class Shaping:
    """Reductions, movement and reading by index."""

    __slots__ = ()
    sum, mean, max, min = reductions.sum, reductions.mean, reductions.max, reductions.min
    amax, amin = reductions.amax, reductions.amin
    var, std, logsumexp = reductions.var, reductions.std, reductions.logsumexp
    argmax, argmin, all, any = reductions.argmax, reductions.argmin, reductions.all, reductions.any
    reshape = view = shaping.reshape
    flatten, transpose, squeeze, unsqueeze = (
        shaping.flatten,
        shaping.transpose,
        shaping.squeeze,
        shaping.unsqueeze,
    )
    permute = permute_dims = shaping.permute_dims
    broadcast_to, expand, flip = shaping.broadcast_to, shaping.expand, shaping.flip
    __getitem__ = indexing.getitem
    split, chunk = indexing.split, indexing.chunk
    take, gather, index_select, take_along_dim = lookup.take, lookup.gather, lookup.index_select, lookup.take_along_dim
    nonzero, argwhere, diagonal, masked_select = lookup.nonzero, lookup.argwhere, lookup.diagonal, lookup.masked_select
    scatter, scatter_add = scattering.scatter, scattering.scatter_add
    scatter_reduce = scattering.scatter_reduce
    index_add, index_copy, index_fill, masked_fill = (
        scattering.index_add,
        scattering.index_copy,
        scattering.index_fill,
        scattering.masked_fill,
    )
    clone, detach = arithmetic.clone, arithmetic.detach

    @property
    def T(self: Any) -> Any:
        """The transposed matrix."""
        if len(self.shape) != 2:
            raise ShapeError(
                f".T of a tensor of shape {list(self.shape)}, which is no matrix",
                help="use .mT for the last two axes, or .permute_dims(…)",
            )
        return apply_one(shaping.PERMUTE, reading.value_of(self), TURNED)

    @property
    def mT(self: Any) -> Any:
        """The last two axes exchanged."""
        return shaping.matrix_transpose(self)


class Tensor(Arithmetic, Shaping, Boundary):
    """A value: an n-dimensional array of one dtype whose contents never change.

    Made by ``tn.tensor`` and by operations. ``.mut()`` gives a place that starts with it. Writing it is TN594;
    ``x.at[i].set(v)`` gives a new value.
    """

    __slots__ = (
        "__weakref__",
        "_aval",
        "_bound",
        "_code",
        "_data",
        "_deps",
        "_gone",
        "_held",
        "_kept",
        "_lasti",
        "_node",
        "_places",
        "_slot",
        "_src",
        "_trace",
    )
    backward, register_hook, retain_grad = backward, register_hook, retain_grad
    grad = property(get_grad, set_grad, doc=get_grad.__doc__)
    as_operand = staticmethod(reading.as_operand)
    refuse_operands = staticmethod(reading.refuse_operands)

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("Tensor: a tensor is made by tn.tensor(data), tn.zeros(shape), … , not by its class")

    def _read(self) -> Any:
        return self

    @property
    def shape(self: Any) -> tuple[int, ...]:
        """The size of each axis."""
        return self._aval.shape  # type: ignore[no-any-return]

    @property
    def ndim(self: Any) -> int:
        """The number of axes."""
        return len(self._aval.shape)

    def dim(self) -> int:
        """The number of axes."""
        return self.ndim

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one axis."""
        return self.shape if dim is None else self.shape[reductions.check_axis(dim, self.ndim)]

    def numel(self: Any) -> int:
        """The number of elements."""
        return self._aval.size  # type: ignore[no-any-return]

    @property
    def device(self) -> str:
        """Where it lives."""
        return "cpu"

    @property
    def nbytes(self: Any) -> int:
        """The bytes of its elements."""
        return self._aval.nbytes  # type: ignore[no-any-return]

    @property
    def requires_grad(self: Any) -> bool:
        """Whether a gradient flows through it."""
        return bool(self._deps)

    @property
    def is_leaf(self: Any) -> bool:
        """Whether no recorded operation made it."""
        return not self._deps or isinstance(self._src, Leaf)

    @property
    def grad_fn(self: Any) -> str | None:
        """The name of the operation it came from, if a gradient flows through it."""
        name = self.grad_fn_name()
        return None if name is None else f"<{name}>"

    def mut(self) -> Any:
        """A place that starts with this value."""
        return record._Var(self)

    def to(self, *args: Any, dtype: DTypeLike | None = None, device: Any = None, copy: bool = False) -> Any:
        """In another dtype; there is one device. ``args``: a dtype, a device or both."""
        for arg in args:
            if isinstance(arg, str) and arg.split(":")[0] in ("cpu", "cuda", "mps"):
                device = arg
            elif dtype is not None:
                raise TypeError("to: the dtype is given twice")
            else:
                dtype = arg.dtype if isinstance(arg, Tensor) else arg
        creation.check_device(device)
        if copy is not False:
            flag("copy", copy)
        return self._read() if dtype is None else arithmetic.to_dtype(self, as_dtype(dtype))

    def type(self, dtype: DTypeLike) -> Any:
        """In another dtype."""
        return arithmetic.astype(self, dtype)

    def float(self) -> Any:
        """In float32."""
        return arithmetic.astype(self, "float32")

    def double(self) -> Any:
        """In float64."""
        return arithmetic.astype(self, "float64")

    def long(self) -> Any:
        """In int64."""
        return arithmetic.astype(self, "int64")

    def int(self) -> Any:
        """In int32."""
        return arithmetic.astype(self, "int32")

    def bool(self) -> Any:
        """Whether each element is not zero."""
        return arithmetic.astype(self, "bool")

    def cpu(self) -> Any:
        """Its value: everything is on the CPU."""
        return self._read()

    def contiguous(self) -> Any:
        """Its value: layout is not the user's concern."""
        return self._read()

    def view_as(self, other: Any) -> Any:
        """In the shape of another tensor."""
        return shaping.reshape(self, reading.value_of(other)._aval.shape)

    @property
    def at(self) -> At:
        """Indexed updates that give new values: ``x.at[i].set(v)``, ``x.at[i].add(v)``."""
        return At(self)

    def __setitem__(self, key: Any, v: Any) -> None:
        raise write_to_a_value()

    def requires_grad_(self, requires_grad: Any = True) -> Any:
        """TN594: a value does not become a leaf."""
        self._read()
        raise WriteError(
            "requires_grad_() would change a value",
            at=site(here()),
            help="make a leaf: `x = tn.Var(x, requires_grad=True)`, or tn.tensor(…, requires_grad=True)",
        )

    @property
    def data(self) -> Any:
        """The same value without its graph."""
        return arithmetic.detach(self)

    @data.setter
    def data(self, v: Any) -> None:
        raise WriteError(
            "the data of a value is written: tensors never change",
            at=site(here()),
            help="make a place: `x = x.mut()`; places and leaves have a writable .data",
        )


def _refusal(name: str) -> property:
    def refuse(x: Any) -> Any:
        x._read()
        plain = hasattr(Tensor, name[:-1])
        raise WriteError(
            f"{name}() would change a value",
            at=site(here()),
            help=(f"take the new value, `x = x.{name[:-1]}(…)`, or " if plain else "") + "make a place: `x = x.mut()`",
        )

    return property(refuse)


def refuse_in_place(names: Iterable[str]) -> None:
    """Let these methods of places be TN594 on values. (Not by ``__getattr__``: it would slow every attribute.)"""
    for name in names:
        if not hasattr(Tensor, name):
            setattr(Tensor, name, _refusal(name))


OWN = "memory is not the user's concern; x.numpy() gives a copy, read-only"
SHAPED = "a place keeps its shape; the method without the underscore gives a value of the new one"
MEMORY = {
    **dict.fromkeys(("storage", "untyped_storage", "data_ptr", "stride", "is_contiguous", "storage_offset"), OWN),
    **dict.fromkeys(("resize_", "transpose_", "t_", "squeeze_", "unsqueeze_", "swapaxes_"), SHAPED),
    "as_strided": "there are no views that overlap; choose the elements with an index",
    "share_memory_": "what several processes write is a tn.Shared(value)",
    "detach_": "x.detach() gives a value without a graph",
    "pin_memory": "there is one device, the CPU",
}
"""What PyTorch has for memory that several tensors share, and what to write instead."""


def _missing(name: str, instead: str) -> property:
    def refuse(x: Any) -> Any:
        raise AttributeError(f"a tensor has no attribute {name!r}: {instead}", name=name, obj=x)

    return property(refuse)


for _name, _instead in MEMORY.items():
    setattr(Tensor, _name, _missing(_name, _instead))
