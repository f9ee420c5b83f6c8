"""Padding as layers. None owns anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tenure.nn import functional
from tenure.nn.functional.convolution import LARGEST, sizes_of
from tenure.nn.module import Module

if TYPE_CHECKING:
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


class _Pad(Module):
    """Base of layers that pad the last ``axes`` axes."""

    axes: ClassVar[int]
    mode: ClassVar[str] = "constant"
    value: float | None = None

    def __init__(self, padding: int | tuple[int, ...]) -> None:
        super().__init__()
        self.padding = sizes_of(type(self).__name__, "padding", padding, 2 * self.axes, -LARGEST)

    def forward(self, input: ArrayLike) -> Tensor:
        """The input with its padding."""
        return functional.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        """The numbers of elements."""
        return f"{self.padding}"


class _ConstantPad(_Pad):
    def __init__(self, padding: int | tuple[int, ...], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        """The numbers of elements, and theirs."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Padding of the last axis with a number; as ``functional.pad``.

    >>> nn.ConstantPad1d(1, 1.5)(tn.ones(1, 1, 4)).shape
    (1, 1, 6)
    """

    axes = 1


class ConstantPad2d(_ConstantPad):
    """Padding of the last 2 axes with a number; as ``functional.pad``.

    >>> nn.ConstantPad2d(1, 1.5)(tn.ones(1, 1, 4, 4)).shape
    (1, 1, 6, 6)
    """

    axes = 2


class ConstantPad3d(_ConstantPad):
    """Padding of the last 3 axes with a number; as ``functional.pad``.

    >>> nn.ConstantPad3d(1, 1.5)(tn.ones(1, 1, 4, 4, 4)).shape
    (1, 1, 6, 6, 6)
    """

    axes = 3


class ZeroPad1d(_Pad):
    """Padding of the last axis with zeros; as ``functional.pad``.

    >>> nn.ZeroPad1d(1)(tn.ones(1, 1, 4)).shape
    (1, 1, 6)
    """

    axes = 1


class ZeroPad2d(_Pad):
    """Padding of the last 2 axes with zeros; as ``functional.pad``.

    >>> nn.ZeroPad2d(1)(tn.ones(1, 1, 4, 4)).shape
    (1, 1, 6, 6)
    """

    axes = 2


class ZeroPad3d(_Pad):
    """Padding of the last 3 axes with zeros; as ``functional.pad``.

    >>> nn.ZeroPad3d(1)(tn.ones(1, 1, 4, 4, 4)).shape
    (1, 1, 6, 6, 6)
    """

    axes = 3


class ReflectionPad1d(_Pad):
    """Padding of the last axis with the elements next to the edge, mirrored; as ``functional.pad``.

    >>> nn.ReflectionPad1d(1)(tn.ones(1, 1, 4)).shape
    (1, 1, 6)
    """

    axes = 1
    mode = "reflect"


class ReflectionPad2d(_Pad):
    """Padding of the last 2 axes with the elements next to the edge, mirrored; as ``functional.pad``.

    >>> nn.ReflectionPad2d(1)(tn.ones(1, 1, 4, 4)).shape
    (1, 1, 6, 6)
    """

    axes = 2
    mode = "reflect"


class ReflectionPad3d(_Pad):
    """Padding of the last 3 axes with the elements next to the edge, mirrored; as ``functional.pad``.

    >>> nn.ReflectionPad3d(1)(tn.ones(1, 1, 4, 4, 4)).shape
    (1, 1, 6, 6, 6)
    """

    axes = 3
    mode = "reflect"


class ReplicationPad1d(_Pad):
    """Padding of the last axis with the elements at the edge; as ``functional.pad``.

    >>> nn.ReplicationPad1d(1)(tn.ones(1, 1, 4)).shape
    (1, 1, 6)
    """

    axes = 1
    mode = "replicate"


class ReplicationPad2d(_Pad):
    """Padding of the last 2 axes with the elements at the edge; as ``functional.pad``.

    >>> nn.ReplicationPad2d(1)(tn.ones(1, 1, 4, 4)).shape
    (1, 1, 6, 6)
    """

    axes = 2
    mode = "replicate"


class ReplicationPad3d(_Pad):
    """Padding of the last 3 axes with the elements at the edge; as ``functional.pad``.

    >>> nn.ReplicationPad3d(1)(tn.ones(1, 1, 4, 4, 4)).shape
    (1, 1, 6, 6, 6)
    """

    axes = 3
    mode = "replicate"


class CircularPad1d(_Pad):
    """Padding of the last axis with the elements of the other end; as ``functional.pad``.

    >>> nn.CircularPad1d(1)(tn.ones(1, 1, 4)).shape
    (1, 1, 6)
    """

    axes = 1
    mode = "circular"


class CircularPad2d(_Pad):
    """Padding of the last 2 axes with the elements of the other end; as ``functional.pad``.

    >>> nn.CircularPad2d(1)(tn.ones(1, 1, 4, 4)).shape
    (1, 1, 6, 6)
    """

    axes = 2
    mode = "circular"


class CircularPad3d(_Pad):
    """Padding of the last 3 axes with the elements of the other end; as ``functional.pad``.

    >>> nn.CircularPad3d(1)(tn.ones(1, 1, 4, 4, 4)).shape
    (1, 1, 6, 6, 6)
    """

    axes = 3
    mode = "circular"
