"""The value: exactly ``Tensor``, whose shape, dtype and contents never change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from tenure.errors import ShapeError, WriteError
from tenure.values.grad import autograd
from tenure.values.grad.autograd import backward, get_grad, register_hook, retain_grad, set_grad
from tenure.values.native.hits import apply_one
from tenure.values.operations import (
    angles,
    arithmetic,
    arranging,
    bits,
    comparison,
    complexes,
    counting,
    covariances,
    diagonals,
    differences,
    elementary,
    exponentials,
    finite,
    gammas,
    indexing,
    joining,
    likenesses,
    lookup,
    norms,
    products,
    quantiles,
    reading,
    reductions,
    reinterpreting,
    repeating,
    replacing,
    rounding,
    scans,
    scattering,
    sets,
    shaping,
    sorting,
    special,
    spectrograms,
    totals,
)
from tenure.values.operations.at import At
from tenure.values.operations.boundary import Boundary
from tenure.values.operations.casting import Casting, to
from tenure.values.operations.matrices import older, reflections, spectra, systems
from tenure.values.rules.graph import Leaf
from tenure.values.rules.sites import here, site
from tenure.values.tensor import sampling
from tenure.values.tensor.description import Described
from tenure.values.trace import record
from tenure.values.trace.formats import MemoryFormat, check_format
from tenure.values.trace.operators import binary, recorded
from tenure.values.trace.spelling import in_plain_names, write_to_a_value

if TYPE_CHECKING:
    from tenure.ir.aval import Aval
    from tenure.values.places.borrow import Borrow
    from tenure.values.places.var import Var
    from tenure.values.tensor.typing import ArrayLike, Operand

TURNED = (("order", (1, 0)),)
"""Parameters of a transposition."""


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
    __matmul__, __rmatmul__ = binary(products.MATMUL), binary(products.MATMUL, reflected=True)
    __and__, __rand__ = binary(bits.AND), binary(bits.AND, reflected=True)
    __or__, __ror__ = binary(bits.OR), binary(bits.OR, reflected=True)
    __xor__, __rxor__ = binary(bits.XOR), binary(bits.XOR, reflected=True)
    __lt__, __le__ = binary(comparison.LESS), binary(comparison.LESS_EQUAL)
    __gt__, __ge__ = binary(comparison.GREATER), binary(comparison.GREATER_EQUAL)

    @recorded(binary(comparison.EQUAL))
    def __eq__(self: Any, other: Operand) -> Tensor:  # type: ignore[override, empty-body]
        """Whether each element equals that of the other operand."""

    @recorded(binary(comparison.NOT_EQUAL))
    def __ne__(self: Any, other: Operand) -> Tensor:  # type: ignore[override, empty-body]
        """Whether each element differs from that of the other operand."""

    __hash__ = object.__hash__
    __neg__, __abs__, __invert__ = elementary.negative, elementary.abs, bits.bitwise_not
    add, sub, mul, div = arithmetic.add, arithmetic.subtract, arithmetic.multiply, arithmetic.divide
    subtract, multiply, divide = arithmetic.subtract, arithmetic.multiply, arithmetic.divide
    pow, maximum, minimum = arithmetic.pow, arithmetic.maximum, arithmetic.minimum
    eq, ne, lt, le = comparison.equal, comparison.not_equal, comparison.less, comparison.less_equal
    gt, ge = comparison.greater, comparison.greater_equal
    neg, abs, sign, floor = elementary.negative, elementary.abs, elementary.sign, elementary.floor
    exp, log, sqrt, tanh = elementary.exp, elementary.log, elementary.sqrt, elementary.tanh
    erf, sigmoid = elementary.erf, elementary.sigmoid
    expm1, log1p = elementary.expm1, elementary.log1p
    sin, cos, square, relu = elementary.sin, elementary.cos, elementary.square, elementary.relu
    isnan, isfinite = comparison.isnan, comparison.isfinite
    lerp, addcmul, addcdiv = arithmetic.lerp, arithmetic.addcmul, arithmetic.addcdiv
    clip = clamp = arithmetic.clip
    logical_and, logical_or, logical_not = (
        comparison.logical_and,
        comparison.logical_or,
        comparison.logical_not,
    )
    matmul, mm, mv, bmm, dot = products.matmul, products.mm, products.mv, products.bmm, products.dot
    vdot, outer, ger = products.vdot, products.outer, products.ger

    def __pos__(self: Any) -> Tensor:
        return self._read()  # type: ignore[no-any-return]


@in_plain_names
class Elementwise:
    """Elementwise methods without a fast path of their own, some by several names."""

    __slots__ = ()
    __lshift__, __rlshift__ = binary(bits.LEFT_SHIFT), binary(bits.LEFT_SHIFT, reflected=True)
    __rshift__, __rrshift__ = binary(bits.RIGHT_SHIFT), binary(bits.RIGHT_SHIFT, reflected=True)
    tan, asin, acos, atan = angles.tan, angles.asin, angles.acos, angles.atan
    sinh, cosh, asinh, acosh, atanh = angles.sinh, angles.cosh, angles.asinh, angles.acosh, angles.atanh
    arcsin, arccos, arctan = angles.asin, angles.acos, angles.atan
    arcsinh, arccosh, arctanh = angles.asinh, angles.acosh, angles.atanh
    atan2 = arctan2 = angles.atan2
    exp2, log2, log10, sinc = angles.exp2, angles.log2, angles.log10, angles.sinc
    hypot, logaddexp, logaddexp2 = angles.hypot, angles.logaddexp, angles.logaddexp2
    deg2rad, rad2deg = angles.deg2rad, angles.rad2deg
    erfc, erfinv, lgamma, digamma = special.erfc, special.erfinv, special.lgamma, special.digamma
    i0, logit, xlogy = special.i0, special.logit, special.xlogy
    igamma, igammac, mvlgamma = gammas.gammainc, gammas.gammaincc, gammas.multigammaln
    ceil, round, trunc, frac = rounding.ceil, rounding.round, rounding.trunc, rounding.frac
    fix = rounding.trunc
    reciprocal, rsqrt, positive = rounding.reciprocal, rounding.rsqrt, rounding.positive
    signbit, copysign, nextafter = rounding.signbit, rounding.copysign, rounding.nextafter
    fmod, fmax, fmin, heaviside = rounding.fmod, rounding.fmax, rounding.fmin, rounding.heaviside
    frexp, ldexp, float_power = rounding.frexp, rounding.ldexp, rounding.float_power
    isinf, isposinf, isneginf = finite.isinf, finite.isposinf, finite.isneginf
    nan_to_num, isclose, allclose = finite.nan_to_num, finite.isclose, finite.allclose
    gcd, lcm = bits.gcd, bits.lcm
    conj = conj_physical = complexes.conj
    angle, adjoint, isreal = complexes.angle, complexes.adjoint, complexes.isreal
    real, imag = property(complexes.real), property(complexes.imag)
    mH = property(complexes.adjoint)
    bitwise_and, bitwise_or, bitwise_xor = bits.bitwise_and, bits.bitwise_or, bits.bitwise_xor
    bitwise_not, bitwise_left_shift = bits.bitwise_not, bits.bitwise_left_shift
    bitwise_right_shift = bits.bitwise_right_shift
    logical_xor = comparison.logical_xor
    absolute, negative, sgn = elementary.abs, elementary.negative, elementary.sign
    true_divide, floor_divide, remainder = arithmetic.true_divide, arithmetic.floor_divide, arithmetic.remainder
    clamp_min, clamp_max = arithmetic.clamp_min, arithmetic.clamp_max
    greater, greater_equal = comparison.greater, comparison.greater_equal
    less, less_equal, not_equal = comparison.less, comparison.less_equal, comparison.not_equal

    def polygamma(self: Any, n: int) -> Tensor:
        """Elementwise n-th derivative of digamma, as ``tn.polygamma(n, x)``.

        >>> tn.tensor([1.0]).polygamma(1)
        tensor([1.6449])
        """
        return special.polygamma(n, self)


@in_plain_names
class Shaping:
    """Reductions, movement and reading by index."""

    __slots__ = ()
    sum, mean, max, min = reductions.sum, reductions.mean, reductions.max, reductions.min
    amax, amin = reductions.amax, reductions.amin
    var, std, logsumexp = reductions.var, reductions.std, reductions.logsumexp
    argmax, argmin, all, any = reductions.argmax, reductions.argmin, reductions.all, reductions.any
    prod, nansum, nanmean, count_nonzero = totals.prod, totals.nansum, totals.nanmean, totals.count_nonzero
    aminmax, norm = totals.aminmax, norms.norm
    cumsum, cumprod, logcumsumexp = scans.cumsum, scans.cumprod, scans.logcumsumexp
    softmax, log_softmax = exponentials.softmax, exponentials.log_softmax
    cummax, cummin, diff = scans.cummax, scans.cummin, differences.diff
    reshape, view, as_strided = shaping.reshape, reinterpreting.view, reinterpreting.as_strided
    flatten, transpose, squeeze, unsqueeze = shaping.flatten, shaping.transpose, shaping.squeeze, shaping.unsqueeze
    permute = permute_dims = shaping.permute_dims
    broadcast_to, expand, flip = shaping.broadcast_to, shaping.expand, shaping.flip
    movedim, moveaxis = arranging.movedim, arranging.moveaxis
    swapaxes, swapdims = arranging.swapaxes, arranging.swapdims
    t, flipud, fliplr, rot90, roll = arranging.t, arranging.flipud, arranging.fliplr, arranging.rot90, arranging.roll
    unflatten, ravel = arranging.unflatten, arranging.ravel
    reshape_as = view_as = arranging.reshape_as
    expand_as, type_as = arranging.expand_as, likenesses.type_as
    tile, repeat, unfold = repeating.tile, repeating.tiled, repeating.unfold
    repeat_interleave, stft, istft = repeating.repeat_interleave, spectrograms.stft, spectrograms.istft
    __getitem__ = indexing.getitem
    split, chunk, split_with_sizes = indexing.split, indexing.chunk, indexing.split_with_sizes
    unbind, narrow, select, tensor_split = joining.unbind, joining.narrow, joining.select, joining.tensor_split
    hsplit, vsplit, dsplit = joining.hsplit, joining.vsplit, joining.dsplit
    take, gather, index_select, take_along_dim = lookup.take, lookup.gather, lookup.index_select, lookup.take_along_dim
    nonzero, argwhere, diagonal, masked_select = lookup.nonzero, lookup.argwhere, lookup.diagonal, lookup.masked_select
    sort, argsort, msort = sorting.sort, sorting.argsort, sorting.msort
    topk, kthvalue, median, nanmedian = sorting.topk, sorting.kthvalue, quantiles.median, quantiles.nanmedian
    mode, quantile, nanquantile = quantiles.mode, quantiles.quantile, quantiles.nanquantile
    unique, unique_consecutive = sets.unique, sets.unique_consecutive
    bincount, histc, histogram = counting.bincount, counting.histc, counting.histogram
    tril, triu, diag, diagflat = diagonals.tril, diagonals.triu, diagonals.diag, diagonals.diagflat
    diag_embed, trace = diagonals.diag_embed, diagonals.trace
    det, slogdet, logdet, inverse = systems.det, systems.slogdet, systems.logdet, systems.inverse
    cholesky, qr, svd = older.cholesky, older.qr, older.svd
    cholesky_solve, cholesky_inverse = systems.cholesky_solve, systems.cholesky_inverse
    lu_solve, pinverse = older.lu_solve, systems.pinverse
    geqrf, orgqr, ormqr = reflections.geqrf, reflections.orgqr, reflections.ormqr
    matrix_exp, matrix_power = spectra.matrix_exp, spectra.matrix_power
    scatter, scatter_add = scattering.scatter, scattering.scatter_add
    scatter_reduce = scattering.scatter_reduce
    index_add, index_copy = scattering.index_add, scattering.index_copy
    index_fill, masked_fill = scattering.index_fill, scattering.masked_fill
    index_put, masked_scatter = scattering.index_put, scattering.masked_scatter
    index_reduce, put, as_strided_scatter = replacing.index_reduce, replacing.put, reinterpreting.as_strided_scatter
    select_scatter, slice_scatter = replacing.select_scatter, replacing.slice_scatter
    diagonal_scatter = replacing.diagonal_scatter
    cov, corrcoef, dist, renorm = covariances.cov, covariances.corrcoef, norms.dist, norms.renorm
    inner, vecdot, cross, kron = products.inner, products.vecdot, products.cross, products.kron
    addmm, addmv, addr = products.addmm, products.addmv, products.addr
    addbmm, baddbmm = products.addbmm, products.baddbmm
    new_tensor, new_zeros, new_ones = likenesses.new_tensor, likenesses.new_zeros, likenesses.new_ones
    new_empty, new_full, new = likenesses.new_empty, likenesses.new_full, likenesses.new
    bernoulli, multinomial = sampling.bernoulli, sampling.multinomial
    clone, detach = arithmetic.clone, arithmetic.detach

    @property
    def T(self: Any) -> Tensor:
        """The transposed matrix; ShapeError (TN802) for what has not two axes."""
        if len(self.shape) != 2:
            raise ShapeError(
                f".T of a tensor of shape {list(self.shape)}, which is no matrix",
                help="use .mT for the last two axes, or .permute_dims(…)",
            )
        return apply_one(shaping.PERMUTE, reading.value_of(self), TURNED)

    @property
    def mT(self: Any) -> Tensor:
        """The tensor with its last two axes exchanged; as ``tn.matrix_transpose``."""
        return shaping.matrix_transpose(self)

    def where(self: Any, condition: ArrayLike, other: Operand) -> Tensor:
        """The tensor where a condition holds, elsewhere the other; as ``tn.where(condition, x, other)``.

        >>> x = tn.tensor([1, -2])
        >>> x.where(x > 0, 0)
        tensor([1, 0])
        """
        return arithmetic.where(condition, self, other)


class Tensor(Arithmetic, Elementwise, Shaping, Described, Casting, Boundary):
    """A value: an n-dimensional array of one dtype whose contents never change.

    Made by ``tn.tensor`` and by operations. ``.mut()`` gives a place that starts with it. Writing it is TN594;
    ``x.at[i].set(v)`` gives a new value.

    >>> x = tn.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x.shape, x.dtype, x[0]
    ((2, 2), tenure.float32, tensor([1., 2.]))
    """

    __slots__ = (
        "__weakref__", "_aval", "_bound", "_code", "_data", "_gone", "_held", "_kept", "_kind",
        "_lasti", "_positions", "_rule", "_slot", "_src", "_trace",
    )  # fmt: skip
    _aval: Aval
    _kind: Any
    _trace: Any
    _slot: int
    _data: Any
    _src: Any
    _rule: Any
    _held: bool
    _kept: Any
    backward, register_hook, retain_grad, to = backward, register_hook, retain_grad, to
    register_post_accumulate_grad_hook = autograd.register_post_accumulate_grad_hook
    _as_operand = staticmethod(reading.as_operand)
    _complex_beside = staticmethod(reading.complex_beside)
    _refuse_operands = staticmethod(reading.refuse_operands)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        raise TypeError("Tensor: a tensor is made by tn.tensor(data), tn.zeros(shape), … , not by its class")

    def _read(self) -> Tensor:
        return self

    @property
    def grad(self) -> Borrow | None:
        """The gradient that backward() left here: a borrow of its place, or None."""
        return get_grad(self)

    @grad.setter
    def grad(self, g: Tensor | None) -> None:
        set_grad(self, g)

    @property
    def requires_grad(self) -> bool:
        """Whether a gradient flows through the tensor."""
        return self._kind.tracked  # type: ignore[no-any-return]

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made the tensor."""
        return not self._kind.tracked or isinstance(self._src, Leaf)

    @property
    def grad_fn(self) -> str | None:
        """The name of the operation that made the tensor, if a gradient flows through it."""
        name = self._grad_fn_name()
        return None if name is None else f"<{name}>"

    def mut(self) -> Var:
        """A place that starts with this value, and can be written.

        >>> v = tn.tensor([1.0, 2.0]).mut()
        >>> v[0] = 5.0
        >>> v
        tensor([5., 2.])
        """
        return record._Var(self)  # type: ignore[no-any-return]

    def cpu(self) -> Tensor:
        """The value itself: everything is on the CPU.

        >>> tn.zeros(2).cpu()
        tensor([0., 0.])
        """
        return self._read()

    def contiguous(self, *, memory_format: MemoryFormat | None = None) -> Tensor:
        """The value itself: layout is not the user's concern, and ``memory_format`` makes no difference.

        >>> tn.zeros(2, 3).mT.contiguous().shape
        (3, 2)
        """
        check_format("contiguous", memory_format)
        return self._read()

    @property
    def at(self) -> At:
        """Indexed updates that give new values: ``x.at[i].set(v)``, ``x.at[i].add(v)``."""
        return At(self)

    def requires_grad_(self, requires_grad: Any = True) -> Self:
        """TN594: a value does not become a leaf.

        >>> tn.zeros(2).requires_grad_()
        Traceback (most recent call last):
        tenure.errors.WriteError: …
        """
        self._read()
        raise WriteError(
            "requires_grad_() would change a value",
            at=site(here()),
            help="make a leaf: `x = tn.Var(x, requires_grad=True)`, or tn.tensor(…, requires_grad=True)",
        )

    def _set_data(self, v: Any) -> None:
        raise WriteError(
            "the data of a value is written: tensors never change",
            at=site(here()),
            help="make a place: `x = x.mut()`; places and leaves have a writable .data",
        )

    @property
    def data(self) -> Tensor:
        """The same value without its graph; of a place, a borrow to write through."""
        return arithmetic.detach(self)

    if not TYPE_CHECKING:  # a type checker refuses to write a value, as the run time does (TN594)
        data = data.setter(_set_data)
        requires_grad = requires_grad.setter(lambda self, requires_grad: self.requires_grad_(requires_grad))

        def __setitem__(self, key: Any, v: Any) -> None:
            raise write_to_a_value()
