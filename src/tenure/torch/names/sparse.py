"""Sparse tensors: indices and values in coordinate form (COO), on dense tensors.

A sparse tensor is an object of its own, no ``Tensor``: its methods and ``torch.sparse`` take it, and other functions
that PyTorch has for it (``mm``, ``matmul``, ``add``, …) find it by ``__torch_function__``. Its values are in the graph.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from tenure.torch.cautions import INVARIANTS, caution
from tenure.torch.cells import Tensor
from tenure.torch.devices import CPU, PUBLIC, check_device
from tenure.torch.errors import refuse
from tenure.torch.names.functions import function
from tenure.torch.names.making import as_tensor
from tenure.torch.names.nodes import renamed
from tenure.torch.sizes import Size
from tenure.values.operations.show import get_printoptions, set_printoptions

DENSE = "take .to_dense(), or .coalesce() and its indices() and values()"


class SparseTensor:
    """Sums of values (nnz, …) at indices (axes, nnz), zero elsewhere; one index may be listed several times."""

    __module__, __qualname__ = "torch", "Tensor"
    is_sparse = True
    is_cuda = is_quantized = is_sparse_csr = is_meta = False
    layout = PUBLIC["sparse_coo"]
    _as_rows: Any
    __hash__ = object.__hash__

    def __init__(self, indices: Any, values: Any, size: Any, united: bool = False, node: str | None = None) -> None:
        self._at, self._all, self.shape, self._united, self._node = indices, values, Size(size), united, node

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, given = func.__name__, kwargs or {}
        if name in SWAPPED and not isinstance(args[0], SparseTensor):
            return SWAPPED[name](*args, **given)
        found = getattr(cls, NAMES.get(name, name), None)
        if not isinstance(args[0] if args else None, SparseTensor) or found is None:
            raise refuse(f"{name}() of a sparse tensor is not supported here", help=DENSE)
        return found(*args, **given)

    # -- what it is

    dtype = property(lambda self: self._all.dtype)
    device = CPU
    requires_grad = property(lambda self: self._all.requires_grad)
    grad_fn = property(lambda self: self._all.grad_fn)
    ndim = property(lambda self: len(self.shape))
    is_leaf = property(lambda self: not self.requires_grad or (self._node is None and self._all.is_leaf))

    def size(self, dim: int | None = None) -> Any:
        """The shape, or one size of it."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def sparse_dim(self) -> int:
        """The number of axes that the indices are of."""
        return int(self._at.shape[0])

    def dense_dim(self) -> int:
        """The number of axes of each value."""
        return int(self._all.dim()) - 1

    def numel(self) -> int:
        """The number of elements, zeros included."""
        return math.prod(self.shape)

    nelement = numel

    def is_coalesced(self) -> bool:
        """Whether each index is known to be listed once, in order."""
        return self._united

    def is_tensor(self) -> bool:
        """Whether it is a tensor."""
        return True

    def is_floating_point(self) -> bool:
        """Whether the values are real floating-point numbers."""
        return bool(self._all.is_floating_point())

    def _nnz(self) -> int:
        return int(self._all.shape[0])

    def _indices(self) -> Any:
        return self._at

    def _values(self) -> Any:
        return self._all

    def indices(self) -> Any:
        """The indices of a coalesced tensor, (axes, nnz)."""
        self._check_united("indices")
        return self._at

    def values(self) -> Any:
        """The values of a coalesced tensor, (nnz, …)."""
        self._check_united("values")
        return self._all

    def _check_united(self, what: str) -> None:
        if not self._united:
            raise refuse(f"Cannot get {what} on an uncoalesced tensor, please call .coalesce() first")

    # -- the same in another form

    def _with(self, values: Any) -> SparseTensor:
        return SparseTensor(self._at, values, self.shape, self._united)

    def _numbers(self, axes: Any) -> Any:
        """Index of each value in the elements of some axes, counted row by row."""
        total = self._at[0] * 0
        for k in axes:
            total = total * self.shape[k] + self._at[k]
        return total

    def coalesce(self) -> SparseTensor:
        """The same with each index once, in order."""
        if self._united:
            return self
        count = self.sparse_dim()
        found, place = self._numbers(range(count)).unique(return_inverse=True)
        values = self._all.new_zeros((found.shape[0], *self._all.shape[1:])).index_add(0, place, self._all)
        rows: list[Any] = []
        for k in reversed(range(count)):
            rows.insert(0, found % self.shape[k])
            found = found // self.shape[k]
        return SparseTensor(stacked(rows), values, self.shape, True, "CoalesceBackward0")

    def to_dense(self, dtype: Any = None, *, masked_grad: Any = None) -> Any:
        """A dense tensor."""
        count = self.sparse_dim()
        flat = self._all.new_zeros((math.prod(self.shape[:count]), *self._all.shape[1:]))
        dense = flat.index_add(0, self._numbers(range(count)), self._all).reshape(self.shape)
        return dense if dtype is None else dense.to(dtype)

    def to_sparse(self, *args: Any, **kwargs: Any) -> SparseTensor:
        """The tensor."""
        return self

    def transpose(self, dim0: int, dim1: int) -> SparseTensor:
        """The tensor with two axes of its indices exchanged."""
        order = list(range(self.dim()))
        order[dim0], order[dim1] = order[dim1], order[dim0]
        if max(dim0 % self.dim(), dim1 % self.dim()) >= self.sparse_dim():
            raise refuse("transpose of an axis of a sparse tensor's values is not supported here", help=DENSE)
        return SparseTensor(self._at[order[: self.sparse_dim()]], self._all, [self.shape[k] for k in order])

    def t(self) -> SparseTensor:
        """The matrix with its axes exchanged."""
        return self.transpose(0, 1)

    T = property(t)

    def to(self, *args: Any, **kwargs: Any) -> SparseTensor:
        """The tensor in another dtype."""
        return self._with(self._all.to(*[x._all if isinstance(x, SparseTensor) else x for x in args], **kwargs))

    def requires_grad_(self, requires_grad: bool = True) -> SparseTensor:
        """Let a gradient flow to the values."""
        self._all.requires_grad_(requires_grad)
        return self

    # -- arithmetic

    def mm(self, mat2: Any) -> Any:
        """Product with a dense matrix, or vector."""
        if isinstance(mat2, SparseTensor):
            raise refuse("a product of two sparse matrices is not supported here", help=DENSE)
        if self.dim() != 2 or self.shape[1] != mat2.shape[0]:
            raise refuse(f"addmm: Argument #3 (dense): Expected dim 0 size {self.shape[1]}, got {mat2.shape[0]}")
        row, column = self._at[0], self._at[1]
        weights = self._all if mat2.dim() == 1 else self._all.unsqueeze(1)
        out = mat2.new_zeros((self.shape[0], *mat2.shape[1:])).index_add(0, row, weights * mat2[column])
        return renamed(out, "SparseAddmmBackward0")

    matmul = mv = __matmul__ = mm

    def __rmatmul__(self, other: Any) -> Any:
        return self.t().mm(other.t()).t()

    def add(self, other: Any, *, alpha: Any = 1) -> Any:
        """Sum with another tensor, sparse or dense."""
        if not isinstance(other, SparseTensor):
            return self.to_dense() + (other if alpha == 1 else alpha * other)
        if self.shape != other.shape:
            raise refuse(f"add: expected sizes of 'self' and 'other' to match, but {self.shape} != {other.shape}")
        values = other._all if alpha == 1 else other._all * alpha
        at, values = joined([self._at, other._at], 1), joined([self._all, values], 0)
        return SparseTensor(at, values, self.shape).coalesce()

    __add__ = __radd__ = add

    def sub(self, other: Any, *, alpha: Any = 1) -> Any:
        """Difference to another tensor."""
        return self.add(other, alpha=-alpha)

    __sub__ = sub

    def __neg__(self) -> SparseTensor:
        return self._with(-self._all)

    def mul(self, other: Any) -> SparseTensor:
        """Product with a number, or with a dense tensor of the shape."""
        return self._scaled(operator.mul, other)

    __mul__ = __rmul__ = multiply = mul

    def div(self, other: Any) -> SparseTensor:
        """Quotient by a number, or by a dense tensor of the shape."""
        return self._scaled(operator.truediv, other)

    __truediv__ = div

    def _scaled(self, by: Callable[[Any, Any], Any], other: Any) -> SparseTensor:
        if not isinstance(other, Tensor) or other.dim() == 0:
            if isinstance(other, SparseTensor):
                raise refuse("a product of two sparse tensors is not supported here", help=DENSE)
            return self._with(by(self._all, other))
        me = self.coalesce()
        return me._with(by(me._all, other.expand(self.shape)[tuple(me._at.unbind(0))]))

    def sum(self, dim: Any = None, *, dtype: Any = None) -> Any:
        """The sum of all elements, or a sparse tensor of the sums along axes of the indices."""
        me = self if dtype is None else self.to(dtype)
        if dim is None:
            return me._all.sum()
        gone = {k % self.dim() for k in ((dim,) if isinstance(dim, int) else dim)}
        kept = [k for k in range(self.dim()) if k not in gone]
        if not kept:
            return me._all.sum()
        if max(gone) >= self.sparse_dim():
            raise refuse("a sum along an axis of a sparse tensor's values is not supported here", help=DENSE)
        left = [k for k in kept if k < self.sparse_dim()]
        if not left:
            return me._all.sum(0)
        return SparseTensor(me._at[left], me._all, [self.shape[k] for k in kept]).coalesce()

    def norm(self, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
        """The norm of all elements."""
        if dim is not None or keepdim:
            raise refuse("a norm along axes of a sparse tensor is not supported here", help=DENSE)
        return self.coalesce()._all.flatten().norm(2 if p == "fro" else p, dtype=dtype)

    def pow(self, exponent: Any) -> SparseTensor:
        """Each element to a power."""
        me = self.coalesce()
        return me._with(me._all**exponent)

    __pow__ = pow

    def softmax(self, dim: int, *, dtype: Any = None) -> SparseTensor:
        """Softmax along an axis, of the elements that are listed."""
        return self._normalized(dim, dtype, lambda x, total, place: x.exp() / total[place])

    def log_softmax(self, dim: int, *, dtype: Any = None) -> SparseTensor:
        """Logarithm of the softmax along an axis, of the elements that are listed."""
        return self._normalized(dim, dtype, lambda x, total, place: x - total.log()[place])

    def _normalized(self, dim: int, dtype: Any, of: Callable[..., Any]) -> SparseTensor:
        me = self.coalesce() if dtype is None else self.to(dtype).coalesce()
        others = [k for k in range(self.dim()) if k != dim % self.dim()]
        count, place = math.prod(self.shape[k] for k in others), me._numbers(others)
        least = me._all.new_full((count,), -math.inf)
        x = me._all - least.scatter_reduce(0, place, me._all.detach(), "amax")[place]
        return me._with(of(x, me._all.new_zeros(count).index_add(0, place, x.exp()), place))

    # -- refusals

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise AttributeError(f"{name} of a sparse tensor is not supported here: {DENSE}", name=name, obj=self)

    def __reduce__(self) -> Any:
        return SparseTensor, (self._at, self._all.detach(), tuple(self.shape), self._united)

    def __repr__(self) -> str:
        first, second = _narrowly(self._at, 15).replace(", dtype=torch.int64", ""), _narrowly(self._all.detach(), 14)
        second, said, kind = second[:-1].partition(", dtype=")
        second, said = f"{second.rstrip()})", f"{said}{kind}".rstrip()
        texts = (("indices", first), ("values", second))
        parts = [f"{name}={text}".replace("\n", "\n" + " " * (len(name) + 1)) for name, text in texts]
        parts.append(f"size={tuple(self.shape)}, nnz={self._nnz()}{said}, layout=torch.sparse_coo")
        if self.requires_grad:
            node = self._node or type(self.grad_fn).__name__
            parts.append("requires_grad=True" if self.is_leaf else f"grad_fn=<{node}>")
        return "tensor(" + ",\n".join(parts).replace("\n", "\n       ") + ")"


def _narrowly(x: Any, indent: int) -> str:
    """Text of a tensor that stands behind a word in another text."""
    set_to = get_printoptions()
    set_printoptions(linewidth=set_to.linewidth - indent, sci_mode=set_to.sci_mode)
    try:
        return repr(x)
    finally:
        set_printoptions(linewidth=set_to.linewidth, sci_mode=set_to.sci_mode)


def _same(name: str) -> Callable[..., SparseTensor]:
    def method(self: SparseTensor, *args: Any, **kwargs: Any) -> SparseTensor:
        return self._with(getattr(self._all, name)(*args, **kwargs))

    return method


SAME = "detach clone cpu cuda float double half bfloat16 long int type_as contiguous abs neg"
for _name in SAME.split():
    setattr(SparseTensor, _name, _same(_name))
NAMES = {"spmm": "mm", "smm": "mm", "hspmm": "mm", "subtract": "sub", "divide": "div", "true_divide": "div"}
SWAPPED: dict[str, Callable[..., Any]] = {
    "mm": lambda a, b: b.__rmatmul__(a), "matmul": lambda a, b: b.__rmatmul__(a),
    "add": lambda a, b, *, alpha=1: a + alpha * b.to_dense(), "mul": lambda a, b: b.mul(a),
    "__add__": lambda a, b: a + b.to_dense(),
    "add_": lambda a, b, *, alpha=1: a.add_(b.to_dense(), alpha=alpha), "__iadd__": lambda a, b: a.add_(b.to_dense()),
    "sub_": lambda a, b, *, alpha=1: a.sub_(b.to_dense(), alpha=alpha), "__isub__": lambda a, b: a.sub_(b.to_dense()),
    "sub": lambda a, b, *, alpha=1: a.sub(b.to_dense(), alpha=alpha), "__sub__": lambda a, b: a - b.to_dense(),
    "copy_": lambda a, b: a.copy_(b.to_dense()), "__mul__": lambda a, b: b.mul(a),
    "addmm": lambda x, a, b, *, beta=1, alpha=1: beta * x + alpha * (a @ b),
}  # fmt: skip


_cat = function("torch", "cat")


def stacked(rows: Any) -> Any:
    """Tensors of one shape along a new first axis."""
    return joined([x.unsqueeze(0) for x in rows], 0)


def joined(parts: Any, axis: int) -> Any:
    """Tensors behind each other."""
    return _cat(parts, axis)


def sparse_coo_tensor(
    indices: Any = None, values: Any = None, size: Any = None, *, dtype: Any = None, device: Any = None,
    pin_memory: bool = False, requires_grad: bool = False, check_invariants: Any = None, is_coalesced: Any = None,
) -> Any:  # fmt: skip
    """A sparse tensor of values at indices (axes, nnz); of sizes alone, one without values."""
    check_device(device)
    if check_invariants is None:
        caution(INVARIANTS, once=True)
    if values is None:
        sizes = tuple(indices if size is None else size)
        return SparseTensor(as_tensor([[]] * len(sizes)).long(), as_tensor([], dtype=dtype), sizes, True)
    at, given = as_tensor(indices).long(), as_tensor(values, dtype=dtype)
    most = (at.amax(1) + 1).tolist() if at.numel() else [0] * at.shape[0]
    if size is None:
        size = [*most, *given.shape[1:]]
    for k, (n, found) in enumerate(zip(size, most, strict=False)):
        if found > n:
            raise refuse(f"size is inconsistent with indices: for dim {k}, size is {n} but found index {found - 1}")
    if requires_grad:
        return SparseTensor(at, given.detach(), size, bool(is_coalesced)).requires_grad_()
    return SparseTensor(at, given, size, bool(is_coalesced), "SparseCooTensorWithDimsAndTensorsBackward0")


def to_sparse(x: Any, *args: Any, **kwargs: Any) -> SparseTensor:
    """The elements of a dense tensor that are not zero."""
    at = x.nonzero().t()
    return SparseTensor(at, x[tuple(at.unbind(0))], x.shape, True)
