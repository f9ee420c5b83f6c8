"""Places that wait for their shape: the parameters and buffers of lazy layers before the first call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

from tenure.dtypes import DType, DTypeLike, as_dtype
from tenure.errors import ShapeError
from tenure.values.operations.creation import check_device
from tenure.values.operations.factories import zeros
from tenure.values.places.buffer import Buffer
from tenure.values.places.parameter import BIRTHS, Parameter
from tenure.values.places.var import Var, as_leaf
from tenure.values.rules.graph import Leaf
from tenure.values.trace.given import check_shape, flag

if TYPE_CHECKING:
    from tenure.values.tensor.typing import Shape


class Uninitialized(Var):
    """Base of places that have a dtype and no shape so far. ``materialize`` makes each one of the class ``becomes``.

    A read, or a write, is a ShapeError (TN802) until then.
    """

    __slots__ = ()
    becomes: ClassVar[type[Var]] = Var

    def _read(self) -> NoReturn:
        raise ShapeError(
            f"a {type(self).__name__} has no shape before the first call of its module",
            help="call the module once, with a batch as it will come, or p.materialize(shape)",
        )

    @property
    def dtype(self) -> DType:
        """The dtype that the elements will have."""
        return self._val._aval.dtype  # type: ignore[no-any-return]

    @property
    def requires_grad(self) -> bool:
        """Whether the place is a differentiation leaf."""
        return self._leaf is not None

    @requires_grad.setter
    def requires_grad(self, requires_grad: bool) -> None:
        self.requires_grad_(requires_grad)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Make it a differentiation leaf, or none any more."""
        if flag("requires_grad_: requires_grad", requires_grad) is not self.requires_grad:
            self._leaf = Leaf() if requires_grad else None
        return self

    @property
    def is_leaf(self) -> bool:
        """True: no operation made it."""
        return True

    def detach(self) -> Self:
        """The place itself: there is nothing to cut from a graph."""
        return self

    def materialize(self, shape: Shape, device: str | None = None, dtype: DTypeLike | None = None) -> None:
        """Become a place of a shape, which holds zeros; of another dtype, if it is given.

        >>> p = nn.UninitializedParameter()
        >>> p.materialize((2, 1))
        >>> p.shape
        (2, 1)
        """
        check_device(device)
        sizes = check_shape(shape)
        value = zeros(sizes, dtype=self.dtype if dtype is None else as_dtype(dtype))
        self.__class__ = self.becomes  # type: ignore[assignment]
        self._store(value if self._leaf is None else as_leaf(value, self._leaf))

    def retyped(self, dtype: DType) -> Self:
        """A place without a shape of another dtype."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __copy__(self) -> Self:
        return self.retyped(self.dtype)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = memo[id(self)] = self.__copy__()
        return twin


class UninitializedParameter(Uninitialized, Parameter):
    """Parameter that has no shape before the first call of its lazy module, and becomes a ``Parameter`` then.

    It is the same object all the time, so an optimizer may be made before. Its use is a ShapeError (TN802) until then.

    >>> layer = nn.LazyLinear(4)
    >>> layer.weight
    <UninitializedParameter>
    """

    __slots__ = ()
    becomes = Parameter

    def __init__(
        self, requires_grad: bool = True, device: str | None = None, dtype: DTypeLike | None = None
    ) -> None:
        check_device(device)
        Var.__init__(self, zeros(0, dtype=dtype), requires_grad)
        self._born, self._holders = next(BIRTHS), None

    def materialize(self, shape: Shape, device: str | None = None, dtype: DTypeLike | None = None) -> None:
        """Become a parameter of a shape, which holds zeros; of another dtype, if it is given.

        >>> p = nn.UninitializedParameter()
        >>> p.materialize((2, 1))
        >>> p.shape
        (2, 1)
        """
        super().materialize(shape, device, dtype)
        self._born = next(BIRTHS)  # a call that is running now has lent it to nobody

    def retyped(self, dtype: DType) -> Self:
        """A parameter without a shape of another dtype."""
        return type(self)(self._leaf is not None, dtype=dtype)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self._leaf is not None, None, self.dtype)


class UninitializedBuffer(Uninitialized, Buffer):
    """Buffer that has no shape before the first call of its lazy module, and becomes a ``Buffer`` then.

    >>> nn.LazyBatchNorm1d().running_mean
    <UninitializedBuffer>
    """

    __slots__ = ()
    becomes = Buffer

    def __init__(
        self,
        requires_grad: bool = False,
        device: str | None = None,
        dtype: DTypeLike | None = None,
        persistent: bool = True,
    ) -> None:
        check_device(device)
        if flag("requires_grad", requires_grad):
            raise ValueError("UninitializedBuffer: requires_grad is False, since a buffer is no leaf")
        Buffer.__init__(self, zeros(0, dtype=dtype), persistent=persistent)

    def retyped(self, dtype: DType) -> Self:
        """A buffer without a shape of another dtype."""
        return type(self)(dtype=dtype, persistent=self.persistent)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (False, None, self.dtype, self.persistent)
