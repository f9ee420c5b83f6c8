"""Places of modules: parameters, buffers, those that wait for their shape, and home places as tensors of the face."""

from __future__ import annotations

from typing import Any

from tenure.torch.cells import Parameter, Tensor
from tenure.values.operations.creation import check_device
from tenure.values.operations.factories import zeros
from tenure.values.places import uninitialized
from tenure.values.places.parameter import Parameter as HomeParameter
from tenure.values.places.var import Var
from tenure.values.tensor.tensor import Tensor as Value

NUMBERS = (int, str, bool, float, tuple, list, dict, type(None))


def is_parameter(x: Any) -> bool:
    """Whether x is listed among a module's parameters."""
    return isinstance(x, Parameter) or (isinstance(x, Tensor) and getattr(x, "_is_param", False))


def typename(x: Any) -> str:
    """The name of an object's class as PyTorch's messages have it."""
    if isinstance(x, Tensor):
        named: Any = x
        return str(named.type())
    of = type(x)
    module = of.__module__
    return of.__qualname__ if module in ("builtins", "") else f"{module}.{of.__qualname__}"


def faced(x: Any) -> Any:
    """A home place or value as a tensor of the face that holds its value; anything else as it is."""
    if type(x) in NUMBERS or not isinstance(x, Value) or isinstance(x, Tensor):
        return x
    if isinstance(x, uninitialized.Uninitialized):
        return waiting(x)
    if isinstance(x, HomeParameter):
        return Parameter(Tensor._of(x._read().detach()), x._leaf is not None)
    if isinstance(x, Var):
        made = Tensor._of(x._read().detach())
        return made if x._leaf is None else made.requires_grad_()
    return Tensor._of(x)


def waiting(x: Any) -> Any:
    """A home place without a shape as one of the face."""
    if isinstance(x, HomeParameter):
        return UninitializedParameter(x._leaf is not None, dtype=x.dtype)
    return UninitializedBuffer(dtype=x.dtype)


class Waiting(uninitialized.Uninitialized):
    """A tensor without a shape so far; its use is an error until ``materialize``."""

    __slots__ = ()
    _shown: Any

    @property
    def shape(self) -> Any:
        """Nothing before the first call of the module: RuntimeError."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually happens in"
            " `load_state_dict` when trying to load an uninitialized parameter into an initialized one. Call `forward`"
            " to initialize the parameters before accessing their attributes."
        )
    __str__ = uninitialized.Uninitialized.__repr__

    def materialize(self: Any, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become a tensor of a shape, of zeros."""
        check_device(None if device is None else str(device))
        from_home = zeros(tuple(shape), dtype=self.dtype if dtype is None else getattr(dtype, "home", dtype))
        tracked = self._leaf is not None
        self.__class__ = self._shown
        self._leaf = None
        self._val = from_home
        self.requires_grad_(tracked)

    def share_memory_(self) -> None:
        """RuntimeError: there are no elements."""
        raise RuntimeError("Can't share memory on an uninitialized parameter or buffer.")


def _begun(x: Any, dtype: Any) -> None:
    x._val = zeros(0, dtype=getattr(dtype, "home", dtype))
    x._val._held = True


class UninitializedParameter(Waiting, Parameter):  # type: ignore[misc]
    """Parameter that has no shape before the first call of its lazy module."""

    __slots__ = ()
    __module__ = "torch.nn.parameter"
    _shown = cls_to_become = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        _begun(self, dtype)
        self._born, self._holders = 0, None
        uninitialized.Uninitialized.requires_grad_(self, requires_grad)

    def retyped(self, dtype: Any) -> Any:
        """A parameter without a shape of another dtype."""
        return type(self)(self._leaf is not None, dtype=dtype)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (self._leaf is not None, None, self.dtype)


class UninitializedBuffer(Waiting, Tensor):  # type: ignore[misc]
    """Buffer that has no shape before the first call of its lazy module."""

    __slots__ = ()
    __module__ = "torch.nn.parameter"
    _shown = cls_to_become = Tensor

    def __init__(self, requires_grad: bool = False, device: Any = None, dtype: Any = None, persistent: bool = True):
        _begun(self, dtype)

    def retyped(self, dtype: Any) -> Any:
        """A buffer without a shape of another dtype."""
        return type(self)(dtype=dtype)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return type(self), (False, None, self.dtype)


class Buffer(Tensor):
    """Tensor that a module lists among its buffers when it is assigned to it."""

    __slots__ = ("persistent",)
    __module__ = "torch.nn.parameter"
    _is_buffer = True
    persistent: bool

    def __init__(self, data: Any = None, *, persistent: bool = True) -> None:
        self.persistent = persistent
        self._val = zeros(0) if data is None else data._read()
        self._val._held = True
