"""Nonlinearities of straight pieces, and smooth ones in their place, as modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tenure.errors import ShapeError
from tenure.nn import functional
from tenure.nn.activation import Softmax
from tenure.nn.module import Module
from tenure.nn.pooling import Arguments
from tenure.values.operations.creation import check_device
from tenure.values.operations.factories import full
from tenure.values.operations.reading import value_of
from tenure.values.places.parameter import Parameter

if TYPE_CHECKING:
    from tenure.dtypes import DTypeLike
    from tenure.values.tensor.tensor import Tensor
    from tenure.values.tensor.typing import ArrayLike


class _Flagged(Arguments):
    """Base of layers with a flag that has no effect."""

    shown: ClassVar[tuple[str, ...]] = ()
    tells: ClassVar[bool] = True

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        """The arguments, and the flag, if set and if PyTorch prints it."""
        flag = ["inplace=True"] if self.inplace and self.tells else []
        return ", ".join([*[f"{name}={value}" for name, value in self.arguments().items()], *flag])


class Hardtanh(_Flagged):
    """Layer of ``functional.hardtanh``: x between two bounds, elementwise; the last two are their older names.

    >>> nn.Hardtanh()(tn.tensor([-2.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """

    function = "hardtanh"
    shown: ClassVar[tuple[str, ...]] = ("min_val", "max_val")

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__(inplace)
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value


class ReLU6(Hardtanh):
    """Layer of ``functional.relu6``: min(max(x, 0), 6), elementwise.

    >>> nn.ReLU6()(tn.tensor([-1.0, 7.0]))
    tensor([0., 6.])
    """

    function = "relu6"
    shown: ClassVar[tuple[str, ...]] = ()

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)


class Hardsigmoid(_Flagged):
    """Layer of ``functional.hardsigmoid``: relu6(x + 3) / 6, elementwise.

    >>> nn.Hardsigmoid()(tn.tensor([-4.0, 0.0]))
    tensor([0.0000, 0.5000])
    """

    function = "hardsigmoid"
    tells = False


class Hardswish(_Flagged):
    """Layer of ``functional.hardswish``: x · relu6(x + 3) / 6, elementwise.

    >>> nn.Hardswish()(tn.tensor([3.0, 1.5]))
    tensor([3.0000, 1.1250])
    """

    function = "hardswish"
    tells = False


class Hardshrink(Arguments):
    """Layer of ``functional.hardshrink``: x, and 0 where |x| is at most lambd, elementwise.

    >>> nn.Hardshrink()(tn.tensor([-1.0, 0.5]))
    tensor([-1.,  0.])
    """

    function = "hardshrink"
    shown = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        """The bound."""
        return str(self.lambd)


class Softshrink(Arguments):
    """Layer of ``functional.softshrink``: x, by lambd nearer to 0, elementwise.

    >>> nn.Softshrink()(tn.tensor([-1.0, 0.5]))
    tensor([-0.5000,  0.0000])
    """

    function = "softshrink"
    shown = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        """The bound."""
        return str(self.lambd)


class Threshold(_Flagged):
    """Layer of ``functional.threshold``: x above a threshold, else a value, elementwise.

    >>> nn.Threshold(1.0, -3.0)(tn.tensor([0.5, 2.0]))
    tensor([-3.,  2.])
    """

    function = "threshold"
    shown = ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.threshold, self.value = threshold, value


class CELU(_Flagged):
    """Layer of ``functional.celu``: x above zero, else alpha · (exp(x / alpha) - 1), elementwise.

    >>> nn.CELU()(tn.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """

    function = "celu"
    shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = alpha


class SELU(_Flagged):
    """Layer of ``functional.selu``: the scaled exponential linear unit, elementwise.

    >>> nn.SELU()(tn.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """

    function = "selu"


class Mish(_Flagged):
    """Layer of ``functional.mish``: x · tanh(log(1 + eˣ)), elementwise.

    >>> nn.Mish()(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8651])
    """

    function = "mish"


class Softsign(Arguments):
    """Layer of ``functional.softsign``: x / (1 + |x|), elementwise.

    >>> nn.Softsign()(tn.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """

    function = "softsign"
    shown = ()


class Tanhshrink(Arguments):
    """Layer of ``functional.tanhshrink``: x - tanh(x), elementwise.

    >>> nn.Tanhshrink()(tn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2384])
    """

    function = "tanhshrink"
    shown = ()


class LogSigmoid(Arguments):
    """Layer of ``functional.logsigmoid``: log(sigmoid(x)), elementwise.

    >>> nn.LogSigmoid()(tn.tensor([0.0, -100.0]))
    tensor([  -0.6931, -100.0000])
    """

    function = "logsigmoid"
    shown = ()


class Softmin(Softmax):
    """Layer of ``functional.softmin``: softmax(-x) along the axis ``dim``.

    >>> nn.Softmin(dim=0)(tn.tensor([0.0, 0.0]))
    tensor([0.5000, 0.5000])
    """

    def forward(self, input: ArrayLike) -> Tensor:
        """The function of each element, in the shape of the input."""
        return functional.softmin(input, self.dim)


class Softmax2d(Module):
    """Softmax over the channels of an input (N, C, H, W) or (C, H, W), at each place.

    >>> nn.Softmax2d()(tn.zeros(1, 2, 1, 1)).flatten()
    tensor([0.5000, 0.5000])
    """

    def forward(self, input: ArrayLike) -> Tensor:
        """The shares, in the shape of the input; ShapeError (TN802) for other axes."""
        x = value_of(input)
        if x.ndim not in (3, 4):
            raise ShapeError(f"Softmax2d: an input of shape {list(x.shape)}; it is (N, C, H, W) or (C, H, W)")
        return functional.softmax(x, -3)


class RReLU(_Flagged):
    """Layer of ``functional.rrelu``: x above zero, else x times a slope, in training a random one, elementwise.

    >>> nn.RReLU(0.1, 0.3).eval()(tn.tensor([-1.0, 2.0]))
    tensor([-0.2000,  2.0000])
    """

    shown = ("lower", "upper")

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.lower, self.upper = lower, upper

    def forward(self, input: ArrayLike) -> Tensor:
        """The function of each element, in the shape of the input."""
        return functional.rrelu(input, self.lower, self.upper, self.training)


class GLU(Arguments):
    """Layer of ``functional.glu``: the first half along the axis ``dim`` times sigmoid of the second.

    >>> nn.GLU()(tn.tensor([4.0, 0.0]))
    tensor([2.])
    """

    function = "glu"
    shown = ("dim",)

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim


class PReLU(Module):
    """Layer of ``functional.prelu``: x above zero, else weight · x. It owns ``weight`` (num_parameters,).

    >>> nn.PReLU()(tn.tensor([[-1.0, 2.0]])).detach()
    tensor([[-0.2500,  2.0000]])
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: str | None = None, dtype: DTypeLike | None = None
    ) -> None:
        super().__init__()
        check_device(device)
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(full((num_parameters,), init, dtype=dtype))

    def forward(self, input: ArrayLike) -> Tensor:
        """The function of each element, in the shape of the input."""
        return functional.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """The number of weights."""
        return f"num_parameters={self.num_parameters}"
